import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testEnvironment } from "../support/environment";
import { TestStack, type Declared } from "../support/pulumi";
import { asked, listed, restcommTarget, strong, type RestcommTarget } from "../support/restcomm";

const root = join(__dirname, "..", "..");
const passwords = { account: `${strong}-account`, client: `${strong}-client` };

/** A sub-account with an application, a client and a number; no secret is marked as such. */
function tenant(acme: object = {}, alice: object = {}, opts?: Record<string, unknown>): { resources: Declared[] } {
  const accountSid = { $ref: "acme.sid" };
  return {
    resources: [
      {
        type: "restcomm:Account",
        name: "acme",
        args: { emailAddress: "ops@acme.example.com", password: passwords.account, friendlyName: "Acme", ...acme },
        opts,
      },
      { type: "restcomm:Application", name: "ivr", args: { accountSid, kind: "voice" } },
      {
        type: "restcomm:Client",
        name: "alice",
        args: { accountSid, password: passwords.client, voiceUrl: "https://a.example.com/v", ...alice },
      },
      {
        type: "restcomm:IncomingPhoneNumber",
        name: "number",
        args: { accountSid, phoneNumber: "+15015550100", voiceApplicationSid: { $ref: "ivr.sid" } },
      },
    ],
  };
}

describe("Restcomm through the real CLI, with changes that show late", () => {
  let target: RestcommTarget;
  let stack: TestStack;
  let tokens: string[];
  let account: string;

  before(async () => {
    target = await restcommTarget({ consistencyDelayMs: 3000 });
    stack = await TestStack.create({ ...target.variables, RESTCOMM_CONSISTENCY_TIMEOUT: "60" }, tenant());
  });
  after(async () => {
    stack.remove();
    await target.sandbox.stop();
  });

  /** Sids of the account's clients by their logins. */
  const clients = async (): Promise<Record<string, string>> =>
    Object.fromEntries((await listed(target, `/Accounts/${account}/Clients`)).map(({ login, sid }) => [login, sid]));
  const noSecretIn = (text: string) => {
    for (const secret of [...Object.values(passwords), ...tokens, target.sandbox.adminKey]) assert.ok(!text.includes(secret), secret);
  };

  it("previews without a request and without a key", async () => {
    const { RESTCOMM_AUTH_TOKEN: _, ...keyless } = stack.platform;
    const variables = stack.platform;
    stack.platform = keyless;
    assert.deepEqual(await stack.plan(), ["create acme", "create alice", "create ivr", "create number"]);
    stack.platform = variables;
    assert.deepEqual(asked(target), []);
  });

  it("tells everything that is wrong in a preview, and shows no password", async () => {
    stack.write(tenant({ emailAddress: "acme", password: "hunter2", status: "closed", loginName: "x" }));
    const text = (await stack.fails(["preview"])).replace(/\s+/g, " ");
    stack.write(tenant());
    for (const problem of [
      "emailAddress must be an e-mail address",
      "password must have at least 8 characters",
      'status must be active or suspended, not "closed"',
      "loginName is not a property of Account",
    ])
      assert.ok(text.includes(problem), `${problem} is in ${text}`);
    assert.doesNotMatch(text, /hunter2/);
    assert.deepEqual(asked(target), []);
  });

  it("makes everything, finds nothing to refresh right after it, and sends nothing the second time", async () => {
    const text = await stack.up();
    const [row] = await listed(target, "/Accounts");
    account = row.sid;
    tokens = [row.auth_token];
    noSecretIn(text);
    const refreshed = await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    assert.match(refreshed, /5 unchanged/);
    target.sandbox.clearRequests();
    assert.match(await stack.up(), /5 unchanged/);
    assert.deepEqual(asked(target), []);
  });

  it("has its secrets in state encrypted", async () => {
    noSecretIn(JSON.stringify(await stack.state()));
    const resources = await stack.resources(true);
    const { outputs } = resources["restcomm:Account acme"]!;
    assert.equal(outputs.authToken.plaintext, JSON.stringify(tokens[0]));
    assert.equal(outputs.password.plaintext, JSON.stringify(passwords.account));
    assert.equal(resources["restcomm:Client alice"]!.outputs.password.plaintext, JSON.stringify(passwords.client));
  });

  it("shows drift and what somebody else deleted, and puts both right", async () => {
    stack.platform.RESTCOMM_CONSISTENCY_TIMEOUT = "0"; // by now everything shows
    await target.sandbox.outside("PUT", `/Accounts/${account}`, { FriendlyName: "Other" });
    await target.sandbox.outside("DELETE", `/Accounts/${account}/Clients/${(await clients()).alice}`);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await stack.ok(["refresh", "--yes", "--skip-preview"]);
    assert.deepEqual(await stack.plan(), ["create alice", "update acme"]);
    target.sandbox.clearRequests();
    const text = await stack.up();
    noSecretIn(text);
    assert.deepEqual(asked(target).sort(), [
      "GET /Accounts/:sid/Clients.json",
      "POST /Accounts/:sid/Clients.json Login Password VoiceUrl",
      "PUT /Accounts/:sid.json FriendlyName",
    ]);
  });

  it("replaces a client by a new login, and refuses in the preview what would close the account", async () => {
    stack.write(tenant({}, { login: "alice2" }));
    assert.deepEqual(await stack.plan(), ["replace alice"]);
    await stack.up();
    assert.deepEqual(Object.keys(await clients()).sort(), ["alice2", "ops"]);
    stack.write(tenant({ emailAddress: "new@acme.example.com" }, { login: "alice2" }));
    target.sandbox.clearRequests();
    assert.match(
      await stack.fails(["preview"]),
      /Account \(AC\w+\): another emailAddress .* closing this one .*closeOnDeletion: true before/s,
    );
    assert.deepEqual(asked(target), []);
  });

  it("is adopted by another stack with an import list, which a program then matches", async () => {
    const existing = Object.entries(await stack.resources()).map(([label, { id }]) => {
      const [type, name] = label.split(" ") as [string, string];
      return { type, name, id };
    });
    const other = await TestStack.create(stack.platform, { resources: [] });
    try {
      await other.door.adopt(other, existing);
      noSecretIn(JSON.stringify(await other.state()));
      other.write(tenant({}, { login: "alice2" }));
      target.sandbox.clearRequests();
      await other.up();
      // The platform tells no password, so the program's is sent once.
      assert.deepEqual(asked(target).sort(), ["PUT /Accounts/:sid.json Password", "PUT /Accounts/:sid/Clients/:sid.json Password"]);
      assert.deepEqual(await other.plan(), []);
    } finally {
      other.remove();
    }
  });

  it("keeps an account that may not be closed, with everything in it gone, and lets go of it with retainOnDelete", async () => {
    stack.write({ resources: [] });
    const text = await stack.fails(["up", "--yes", "--skip-preview"]);
    assert.match(text, /deleting it would close it for ever, .*closeOnDeletion: true before.*retainOnDelete: true before/s);
    stack.write({ resources: tenant({}, {}, { retainOnDelete: true }).resources.slice(0, 1) });
    await stack.up();
    stack.write({ resources: [] });
    await stack.up();
    assert.deepEqual(await stack.resources(), {});
    assert.equal((await listed(target, "/Accounts"))[0].status, "active");
  });
});

describe("examples/restcomm", () => {
  it("compiles, deploys, changes nothing the second time, and closes its account in the end", async () => {
    const target = await restcommTarget();
    const environment = testEnvironment();
    const folder = mkdtempSync(join(tmpdir(), "cpaas-example-"));
    try {
      cpSync(join(root, "examples", "restcomm"), folder, {
        recursive: true,
        filter: (path) => !/node_modules|Pulumi\..+\.yaml$/.test(path),
      });
      symlinkSync(join(environment.program, "node_modules"), join(folder, "node_modules"));
      execFileSync(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", folder], { stdio: "pipe" });
      writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "restcomm-tenant", private: true, main: "index.js" }));
      const stack = await TestStack.in(folder, target.variables, environment);
      for (const [key, value] of Object.entries({ emailAddress: "ops@acme.example.com", accountPassword: strong, clientPassword: strong }))
        await stack.ok(["config", "set", ...(key.endsWith("Password") ? ["--secret"] : []), key, value]);
      await stack.up();
      target.sandbox.clearRequests();
      assert.match(await stack.up(), /5 unchanged/);
      assert.deepEqual(asked(target), []);
      await stack.ok(["destroy", "--yes", "--skip-preview"]);
      assert.equal((await listed(target, "/Accounts"))[0].status, "closed");
    } finally {
      rmSync(folder, { recursive: true, force: true });
      await target.sandbox.stop();
    }
  });
});
