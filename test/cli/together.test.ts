import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSandbox, type PlatformName, type Sandbox } from "../../sandbox/src";
import { made } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

describe("one program with all three platforms", () => {
  let sandboxes: Record<PlatformName, Sandbox>;
  let stack: TestStack;
  let resources: Declared[];
  const cache = mkdtempSync(join(tmpdir(), "cpaas-cache-"));

  before(async () => {
    sandboxes = {
      jambonz: await startSandbox(),
      restcomm: await startSandbox({ platform: "restcomm" }),
      voicetel: await startSandbox({ platform: "voicetel" }),
    };
    const serviceProviderSid = await made(sandboxes.jambonz, "/ServiceProviders", { name: "acme telecom" });
    resources = [
      { type: "jambonz:Account", name: "acme", args: { serviceProviderSid } },
      { type: "jambonz:ApiKey", name: "acme", args: { accountSid: { $ref: "acme.sid" } } },
      {
        type: "restcomm:Account",
        name: "mail",
        args: { emailAddress: "a@acme.example.com", password: { $secret: "MyC0mp@ny" }, closeOnDeletion: true },
      },
      { type: "restcomm:Application", name: "menu", args: { accountSid: { $ref: "mail.sid" }, kind: "voice" } },
      {
        type: "voicetel:Account",
        name: "trunk",
        args: { username: 4592086960, email: "b@acme.example.com" },
        opts: { retainOnDelete: true },
      },
    ];
    const variables = Object.assign({}, ...Object.values(sandboxes).map((sandbox) => sandbox.variables)) as Record<string, string>;
    stack = await TestStack.create({ ...variables, XDG_CACHE_HOME: cache }, { resources });
  });
  after(async () => {
    stack.remove();
    rmSync(cache, { recursive: true });
    for (const sandbox of Object.values(sandboxes)) await sandbox.stop();
  });

  const asked = () => Object.values(sandboxes).map(({ requests }) => requests.length);

  it("deploys, changes one of them, and sends nothing to the others", async () => {
    await stack.up();
    assert.equal(Object.keys(await stack.resources()).length, resources.length);
    for (const sandbox of Object.values(sandboxes)) sandbox.clearRequests();
    await stack.ok(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    assert.deepEqual(asked(), [0, 0, 0]);
    stack.write({
      resources: resources.map((one) => (one.name === "menu" ? { ...one, args: { ...(one.args as object), kind: "sms" } } : one)),
    });
    assert.deepEqual(await stack.plan(), ["update menu"]);
    await stack.up();
    assert.deepEqual(asked(), [0, 1, 0]);
  });

  it("destroys what each of them can delete, and says nothing else", async () => {
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual(await stack.resources(), {});
    const { body } = await sandboxes.restcomm.outside("GET", "/Accounts");
    assert.ok(
      (body as { status: string; email_address: string }[]).some(
        (row) => row.email_address === "a@acme.example.com" && row.status === "closed",
      ),
    );
  });
});
