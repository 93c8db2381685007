import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Adoption, fill, named, secretsOf } from "../support/adoption";
import { asked, jambonzTarget, made, type Target } from "../support/jambonz";
import { TestStack } from "../support/pulumi";

describe("exporting what exists", function () {
  this.timeout(300_000); // every step runs the CLI several times over all objects

  let target: Target;
  let stack: TestStack;
  let adoption: Adoption;
  let objects: number;

  before(async () => {
    target = await jambonzTarget("service provider");
    objects = await fill(target, 60);
    stack = await TestStack.create(target.variables, { resources: [] });
    adoption = new Adoption(stack, target.sandbox);
  });
  after(async () => {
    stack.remove();
    await target.sandbox.stop();
  });

  it("counts without writing, and tells what no list shows", async () => {
    const told = await adoption.ok("export", "--dry-run");
    assert.match(told, new RegExp(`^${objects} to export`, "m"));
    assert.match(told, /^jambonz:Limit: 31 of 61 lists read$/m);
    assert.match(told, /jambonz lists no admin keys/);
    assert.ok(!readdirSync(stack.folder).includes("import.json"));
  });

  it("filters by type and by name", async () => {
    target.sandbox.clearRequests();
    assert.match(await adoption.ok("export", "--dry-run", "--type", "jambonz:Account"), /^60 to export/m);
    assert.deepEqual(asked(target), ["GET /Accounts"]);
    assert.match(await adoption.ok("export", "--dry-run", "--type", "jambonz:Account", "--name", "twice*"), /^8 to export/m);
    assert.match((await stack.cpaas("export", "--dry-run", "--name", "nobody")).stderr, /nothing that matches --name "nobody"/);
  });

  it("brings half of it under Pulumi with no change left to do, and tells what it left alone", async () => {
    const told = await adoption.ok("export", "--out", "first", "--name", "*e*", "--set-secrets");
    const left = /registrationHook is left as it is on the platform, because registrationHook\.url must be a URL/g;
    assert.ok([...told.matchAll(left)].length > 0, told);
    assert.equal([...adoption.read("first", "index.ts").matchAll(left)].length, [...told.matchAll(left)].length);
    await adoption.import("first", "--generate-code=false");
    await stack.ok(["refresh", "--yes", "--skip-preview"]);
    adoption.use("first/index.ts");
    await adoption.hasNothingLeftToDo();
  });

  it("then the other half, leaving out what the stack has, in one file for each account", async () => {
    writeFileSync(join(stack.folder, "state.json"), await stack.ok(["stack", "export"]));
    await adoption.ok("export", "--out", "second", "--state", "state.json", "--set-secrets", "--split");
    assert.equal(adoption.list("first").length + adoption.list("second").length, objects);
    const accounts = adoption.list("second").filter(({ type }) => type.endsWith("jambonz:Account"));
    assert.deepEqual(
      readdirSync(join(stack.folder, "second")).sort(),
      ["import.json", "index.ts", ...accounts.map(({ name }) => `${name}.ts`)].sort(),
    );
    writeFileSync(join(stack.folder, "second", "both.ts"), 'import "./index";\nimport "../first/index";\n');
    await adoption.import("second", "--generate-code=false");
    await stack.ok(["refresh", "--yes", "--skip-preview"]);
    adoption.use("second/both.ts");
    await adoption.hasNothingLeftToDo();
  });

  it("keeps every secret out of what it writes", async () => {
    const files = [
      ...["first", "second"].flatMap((folder) => readdirSync(join(stack.folder, folder)).map((file) => `${folder}/${file}`)),
      "Pulumi.test.yaml",
      ".state/.pulumi/stacks/test/test.json",
    ];
    const secrets = await secretsOf(target);
    for (const file of files) for (const secret of secrets) assert.ok(!adoption.read(file).includes(secret), `${file} holds a secret`);
  });

  it("adopts nothing that the stack has already by another name, and says how to rename", async () => {
    const { name, id } = adoption.list("first").find(({ type }) => type.endsWith("jambonz:Account"))!;
    const { status, stdout, stderr } = await adoption.stack.cpaas("adopt", "jambonz:Account", "renamed", id!);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.ok(stderr.includes(`${id} is in the state of the stack in this folder already, as "${name}"`), stderr);
    assert.ok(stderr.includes(`aliases: [{ name: "${name}" }]`), stderr);
  });

  it("protects all of it, also from a program that has lost it", async () => {
    assert.equal(Object.values(await stack.resources()).filter(({ protect }) => protect).length, objects);
    writeFileSync(join(stack.folder, "second", "empty.ts"), "");
    adoption.use("second/empty.ts");
    target.sandbox.clearRequests();
    assert.match(await stack.fails(["up", "--yes"]), /protected/);
    assert.deepEqual(asked(target), []);
    adoption.use("second/both.ts");
  });

  it("would destroy exactly what was exported, once its protection is lifted", async () => {
    assert.match(await stack.fails(["destroy", "--preview-only"]), /protected/);
    await stack.ok(["state", "unprotect", "--all", "--yes"]);
    assert.deepEqual(await adoption.wouldDestroy(), named([...adoption.list("first"), ...adoption.list("second")]));
  });

  it("is repeated without harm: everything keeps its name, and what somebody changed is written over only by force", async () => {
    const before = adoption.read("first", "import.json");
    await adoption.ok("export", "--out", "first", "--name", "*e*");
    // One that takes the name of another, were it not known.
    await made(target.sandbox, "/Accounts", { name: "Acme sons!", service_provider_sid: target.serviceProviderSid });
    const changed = `${adoption.read("first", "index.ts")}// by hand\n`;
    writeFileSync(join(stack.folder, "first", "index.ts"), changed);
    const { status, stderr } = await adoption.stack.cpaas("export", "--out", "first", "--name", "*e*");
    assert.equal(status, 2);
    assert.match(stderr, /first\/import\.json, first\/index\.ts: there already, and not as it would be written now; nothing is written/);
    assert.equal(adoption.read("first", "import.json"), before);
    assert.equal(adoption.read("first", "index.ts"), changed);
    await adoption.ok("export", "--out", "first", "--name", "*e*", "--force");
    const had = JSON.parse(before) as { resources: object[] };
    const now = adoption.list("first").filter(({ id }) => before.includes(`"${id!}"`));
    assert.deepEqual(now, had.resources);
    assert.equal(adoption.list("first").length, had.resources.length + 1);
    assert.ok(!adoption.read("first", "index.ts").includes("// by hand"));
  });

  it("finds nothing that no state knows, and then what somebody made", async () => {
    const { stdout: first } = await adoption.stack.cpaas("orphans");
    assert.match(first, /^jambonz:Account "Acme sons!" [^\n]*\n[^\n]*\n$/);
    const sid = await made(target.sandbox, "/Accounts", { name: "by hand", service_provider_sid: target.serviceProviderSid });
    await made(target.sandbox, "/ApiKeys", { account_sid: sid });
    const { status, stdout } = await adoption.stack.cpaas("orphans", "--name", "by*");
    assert.equal(status, 1);
    assert.match(
      stdout,
      new RegExp(`^jambonz:Account "by hand" \\(${sid}\\), made .*\\n {2}npx pulumi-cpaas adopt jambonz:Account by-hand ${sid}\\n$`),
    );
    // Its key is told of where nobody asks for the account itself.
    const keys = await adoption.stack.cpaas("orphans", "--name", "by*", "--type", "jambonz:ApiKey");
    assert.equal(keys.status, 1);
    assert.match(keys.stdout, new RegExp(`^jambonz:ApiKey "key" \\(Accounts/${sid}/ApiKeys/`));
  });

  it("never goes by the environment alone where the stack's configuration cannot be read", async () => {
    const right = stack.platform;
    stack.platform = { ...right, PULUMI_CONFIG_PASSPHRASE: "wrong" };
    target.sandbox.clearRequests();
    for (const args of [["orphans"], ["orphans", "--state", "state.json"], ["export", "--dry-run"]]) {
      const { status, stderr } = await adoption.stack.cpaas(...args);
      assert.equal(status, 2);
      assert.match(stderr, /^the configuration of the stack in this folder cannot be read: error: incorrect passphrase\n$/);
    }
    assert.equal(target.sandbox.requests.length, 0);
    stack.platform = right;
  });

  it("refuses what it does not know", async () => {
    for (const [args, message] of [
      [["--as", "spreadsheet"], /jambonz has no form spreadsheet, only tenants/],
      [["--as", "tenants", "--split"], /--split is for programs/],
      [["--as", "tenants", "--unprotected"], /--unprotected is for programs/],
      [["--door", "plugin", "--split"], /none of --as, --split and --set-secrets/],
      [["--door", "window"], /no door window, only package and plugin/],
    ] as const) {
      const { status, stderr } = await adoption.stack.cpaas("export", "--out", "third", ...args);
      assert.equal(status, 2);
      assert.match(stderr, message);
    }
  });
});

describe("exporting from a platform with a tight rate limit", () => {
  it("waits, says so, leaves the reserve to others, and finds everything", async () => {
    const rateLimit = { requests: 30, seconds: 2 };
    const target = await jambonzTarget("service provider", { rateLimit });
    const stack = await TestStack.create(target.variables, { resources: [] });
    try {
      const accounts = 25;
      for (let index = 0; index < accounts; index++)
        await made(target.sandbox, "/Accounts", { name: `a${index}`, service_provider_sid: target.serviceProviderSid });
      const told = await new Adoption(stack, target.sandbox).ok("export", "--dry-run");
      assert.match(told, /waiting/i);
      assert.match(told, new RegExp(`^jambonz:Account: ${accounts}$`, "m"));
      for (const { requests } of target.sandbox.windows)
        assert.ok(requests <= rateLimit.requests * 0.8, `${requests} of ${rateLimit.requests}`);
    } finally {
      stack.remove();
      await target.sandbox.stop();
    }
  });
});

describe("exporting into a program of ES modules", function () {
  this.timeout(300_000);

  it("writes files that find each other", async () => {
    const target = await jambonzTarget("service provider");
    const stack = await TestStack.create(target.variables, { resources: [] });
    try {
      const adoption = new Adoption(stack, target.sandbox);
      for (const name of ["one", "two"]) {
        const sid = await made(target.sandbox, "/Accounts", { name, service_provider_sid: target.serviceProviderSid });
        await made(target.sandbox, "/ApiKeys", { account_sid: sid });
      }
      const write = (name: string, text: string) => writeFileSync(join(stack.folder, name), text);
      write("package.json", JSON.stringify({ name: "test", type: "module" }));
      await adoption.ok("export", "--split", "--out", "adopted");
      assert.deepEqual(readdirSync(join(stack.folder, "adopted")).sort(), ["import.json", "index.ts", "one.ts", "two.ts"]);
      await adoption.import("adopted", "--generate-code=false");
      await stack.ok(["refresh", "--yes", "--skip-preview"]);
      write("Pulumi.yaml", "name: test\nruntime: nodejs\nmain: index.ts\n");
      write("tsconfig.json", JSON.stringify({ compilerOptions: { strict: true, module: "nodenext", moduleResolution: "nodenext" } }));
      write("index.ts", 'import "./adopted/index.js";\n');
      await adoption.hasNothingLeftToDo();
    } finally {
      stack.remove();
      await target.sandbox.stop();
    }
  });
});
