import assert from "node:assert/strict";
import { Adoption, named } from "../support/adoption";
import { TestStack } from "../support/pulumi";
import { listed, restcommTarget, strong, type RestcommTarget } from "../support/restcomm";

describe("exporting what exists on Restcomm", function () {
  this.timeout(300_000); // every step runs the CLI several times over all objects

  let target: RestcommTarget;
  let stack: TestStack;
  let adoption: Adoption;
  let objects: number;

  /** Makes something from outside and gives its sid. */
  async function made(path: string, form: Record<string, string>): Promise<string> {
    const { status, body } = await target.sandbox.outside("POST", path, form);
    assert.ok(status < 300, `POST ${path}: ${status} ${JSON.stringify(body)}`);
    return (body as { sid: string }).sid;
  }

  before(async () => {
    target = await restcommTarget();
    const names = ["Acme & Sons", "twice", "twice", undefined, "new", "…"];
    for (const [index, name] of names.entries()) {
      const account = await made("/Accounts", {
        EmailAddress: `Ops${index}@Acme.example.com`,
        Password: `${strong}-account`,
        ...(name ? { FriendlyName: name } : {}),
        ...(index === 4 ? { Status: "suspended" } : {}),
      });
      const ivr = await made(`/Accounts/${account}/Applications`, { FriendlyName: "ivr", ...(index % 2 ? { Kind: "voice" } : {}) });
      await made(`/Accounts/${account}/Clients`, { Login: `alice${index}`, Password: `${strong}-client`, VoiceApplicationSid: ivr });
      await made(`/Accounts/${account}/Clients`, {
        Login: `bob${index}`,
        Password: `${strong}-client`,
        VoiceUrl: `https://${index}.example.com`,
        Status: "0",
      });
      await made(`/Accounts/${account}/IncomingPhoneNumbers`, { PhoneNumber: `+1501555010${index}`, VoiceApplicationSid: ivr });
    }
    await made(`/Accounts/${target.accountSid}/Applications`, { FriendlyName: "ivr" });
    const accounts = (await listed(target, "/Accounts")).map(({ sid }) => sid as string);
    objects = accounts.length;
    for (const account of [target.accountSid, ...accounts])
      for (const noun of ["Clients", "Applications", "IncomingPhoneNumbers"])
        objects += (await listed(target, `/Accounts/${account}/${noun}`)).length;
    assert.ok(objects >= 6 * 5 + 1);
    stack = await TestStack.create({ ...target.variables, RESTCOMM_CONSISTENCY_TIMEOUT: "0" }, { resources: [] });
    adoption = new Adoption(stack, target.sandbox);
  });
  after(async () => {
    stack?.remove();
    await target?.sandbox.stop();
  });

  it("writes a program without a sid where another resource has it, and a to-do for each password that nobody is told", async () => {
    const told = await adoption.ok("export", "--platform", "restcomm", "--unprotected", "--out", ".");
    assert.equal(adoption.list(".").length, objects, told);
    const text = adoption.read("index.ts");
    assert.ok(!/\b(AP|CL|PN)\w{32}/.test(text), text);
    assert.ok(!text.includes(target.accountSid));
    const todos = [...text.matchAll(/^\/\/ TODO: the platform does not tell password: `pulumi config set --secret (\S+) …`/gm)];
    assert.equal(todos.length, adoption.list(".").filter(({ type }) => type.endsWith("restcomm:Client")).length);
    for (const [, key] of todos) assert.ok(told.includes(key!));
    await stack.ok(["config", "set-all", ...todos.flatMap(([, key]) => ["--secret", `${key!}=Not-the-0ne-it-has`])]);
  });

  it("leaves nothing to do after the import and a refresh, whatever the configuration says for a password", async () => {
    await adoption.import(".", "--generate-code=false", "--protect=false");
    await stack.ok(["refresh", "--yes", "--skip-preview"]);
    adoption.use("index.ts");
    await adoption.hasNothingLeftToDo();
    const state = JSON.stringify(await stack.state());
    for (const row of await listed(target, "/Accounts")) assert.ok(!state.includes(row.auth_token as string));
  });

  it("would destroy exactly what was exported", async () => {
    assert.deepEqual(await adoption.wouldDestroy(), named(adoption.list(".")));
  });

  it("never closes an account that was adopted", async () => {
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    for (const row of await listed(target, "/Accounts")) assert.notEqual(row.status, "closed");
  });
});
