import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testEnvironment } from "../support/environment";
import { TestStack, type Declared } from "../support/pulumi";
import { accountsOf, added, asked, voicetelTarget, type Row, type Target } from "../support/voicetel";

const root = join(__dirname, "..", "..");

/** A copy of the example with the packages that the tests have installed, and with TypeScript. */
async function exampleStack(variables: Record<string, string>): Promise<TestStack> {
  const folder = mkdtempSync(join(tmpdir(), "cpaas-example-"));
  for (const file of ["Pulumi.yaml", "index.ts", "package.json", "tsconfig.json"])
    cpSync(join(root, "examples", "voicetel", file), join(folder, file));
  const { program } = testEnvironment();
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  for (const name of readdirSync(join(program, "node_modules"))) symlinkSync(join(program, "node_modules", name), join(modules, name));
  for (const name of ["typescript", "ts-node", "@types"]) {
    try {
      symlinkSync(join(root, "node_modules", name), join(modules, name));
    } catch {
      // Pulumi's SDK brought it along.
    }
  }
  return TestStack.in(folder, variables);
}

describe("the example of voicetel", () => {
  let target: Target;
  let stack: TestStack;
  let acme: Row;

  before(async () => {
    target = await voicetelTarget();
    stack = await exampleStack(target.variables);
  });
  after(async () => {
    stack.remove();
    await target.stop();
  });

  it("adds an account and gets its key, with one request each, after a preview that sends nothing", async () => {
    const text = await stack.ok(["up", "--yes"]);
    assert.match(text, /3 created/);
    assert.deepEqual(asked(target), ["add", "apikey"]);
    acme = (await accountsOf(target))["Acme Corp"]!;
    assert.deepEqual(await stack.outputs(), { username: 4592086960, apiKey: acme.apikey });
    for (const secret of [acme.password, acme.apikey]) assert.ok(!text.includes(secret));
  });

  it("changes nothing when it is run again or refreshed, and sends nothing", async () => {
    target.sandbox.clearRequests();
    assert.match(await stack.up(), /3 unchanged/);
    const text = await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    assert.match(text, /VoiceTel: accounts and keys are not looked at in a refresh/);
    assert.deepEqual(asked(target), []);
  });

  it("keeps password and key encrypted in state", async () => {
    const clear = JSON.stringify(await stack.state());
    for (const secret of [acme.password, acme.apikey, target.sandbox.adminKey]) assert.ok(!clear.includes(secret));
    const { "voicetel:Account acme": account, "voicetel:ApiKey acme": key } = await stack.resources(true);
    assert.deepEqual([account!.id, account!.outputs.username, account!.outputs.masterAccount], ["4592086960", 4592086960, 4592086960]);
    assert.equal(account!.outputs.password.plaintext, JSON.stringify(acme.password));
    assert.equal(key!.inputs.password.plaintext, JSON.stringify(acme.password));
    assert.equal(key!.outputs.apiKey.plaintext, JSON.stringify(acme.apikey));
  });

  it("is forgotten at a destroy, while the account lives on", async () => {
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual(await stack.resources(), {});
    assert.deepEqual(asked(target), []);
    assert.ok("Acme Corp" in (await accountsOf(target)));
  });
});

describe("an account of voicetel without retainOnDelete", () => {
  let target: Target;
  let stack: TestStack;
  const account = (args: object = {}, opts: Record<string, unknown> = {}): Declared => ({
    type: "voicetel:Account",
    name: "acme",
    args: { username: 4592086960, email: "billing@example.com", ...args },
    opts,
  });

  before(async () => {
    target = await voicetelTarget();
    stack = await TestStack.create(target.variables, { resources: [account()] });
    await stack.up();
    target.sandbox.clearRequests();
  });
  after(async () => {
    stack.remove();
    await target.stop();
  });
  afterEach(() => assert.deepEqual(asked(target), []));

  it("refuses a change in the preview, in one sentence", async () => {
    stack.write({ resources: [account({ email: "other@example.com" })] });
    const text = await stack.fails(["preview"]);
    assert.match(
      text.replace(/\s+/g, " "),
      /Account "acme" \(4592086960\): email cannot be changed, because VoiceTel has no way to change an account/,
    );
    assert.doesNotMatch(text, /^\s+at .*\d+:\d+\)?$/m);
  });

  it("tells everything that is wrong in a preview", async () => {
    stack.write({ resources: [account({ username: 459, email: "nobody", apikey: "x" })] });
    const text = (await stack.fails(["preview"])).replace(/\s+/g, " ");
    for (const problem of [
      "username must be a number of ten digits",
      'email must be an e-mail address, not "nobody"',
      "apikey is not a property of Account",
    ])
      assert.ok(text.includes(problem), `${problem} is in ${text}`);
  });

  it("keeps what state says whatever happens to it outside, and says that nobody has looked", async () => {
    await target.sandbox.outside("PUT", "/rows/accounts/4592086960", { name: "renamed by support" });
    stack.write({ resources: [account()] });
    const text = await stack.ok(["preview", "--refresh", "--expect-no-changes"]);
    assert.match(text, /VoiceTel: accounts and keys are not looked at in a refresh/);
    await target.sandbox.outside("DELETE", "/rows/accounts/4592086960");
    await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    await target.sandbox.outside("POST", "/v2.1/account/add/", { username: 4592086960, name: "acme", email: "billing@example.com" });
  });

  it("refuses to be deleted, and tells the way out", async () => {
    stack.write({ resources: [] });
    const text = await stack.fails(["up", "--yes", "--skip-preview"]);
    assert.match(
      text.replace(/\s+/g, " "),
      /VoiceTel has no way to delete account 4592086960; .*`retainOnDelete: true`.* lives on and is billed/,
    );
    assert.doesNotMatch(text, /^\s+at .*\d+:\d+\)?$/m);
    assert.deepEqual(Object.keys(await stack.resources()), ["voicetel:Account acme"]);
  });

  it("leaves the state by that way", async () => {
    stack.write({ resources: [account({}, { retainOnDelete: true })] });
    await stack.up();
    stack.write({ resources: [] });
    await stack.up();
    assert.deepEqual(await stack.resources(), {});
    assert.ok("acme" in (await accountsOf(target)));
  });

  it("comes back by an import list", async () => {
    await stack.door.adopt(stack, [{ type: "voicetel:Account", name: "acme", id: "4592086960" }]);
    stack.write({ resources: [account()] });
    await stack.up();
    assert.match(await stack.up(), /2 unchanged/);
    stack.write({ resources: [account({ username: 2000000001 })] });
    assert.match(await stack.fails(["preview"]), /username cannot be changed/);
  });
});

describe("the hour's calls to voicetel", () => {
  it("are counted over the processes of all runs, and refused before the platform would", async () => {
    const target = await voicetelTarget();
    const { apikey } = await added(target, { username: 4592086960, name: "acme", email: "billing@example.com" });
    const information = (name: string, args: object = {}) => ({ name, type: "voicetel:getAccountInformation", args });
    const lookups = [information("administrator"), information("acme", { apiKey: apikey })];
    const stack = await TestStack.create(target.variables, { resources: [], lookups });
    try {
      await stack.ok(["up", "--yes"]); // a preview and an update: two processes of the program
      await stack.up();
      const { administrator, acme } = await stack.outputs();
      assert.deepEqual([administrator.name, acme.name], ["Administrator", "acme"]);
      const text = await stack.fails(["preview"]);
      assert.match(
        text.replace(/\s+/g, " "),
        /voicetel\.getAccountInformation: VoiceTel takes 6 calls of this kind in an hour, .* the next one is possible at \d\d:\d\d:\d\d UTC, in \d+ minutes/,
      );
      assert.equal(asked(target).length, 6);
      assert.ok(!text.includes(apikey));
    } finally {
      stack.remove();
      await target.stop();
    }
  });
});
