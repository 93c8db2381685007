import assert from "node:assert/strict";
import { dynamic, plugin, through } from "../support/doors";
import { applicationsOf, asked, jambonzTarget, made, numbersOf, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

for (const [door, kind] of [
  [dynamic, "service provider"],
  [plugin, "admin"],
] as const) {
  describe(`applications and numbers through the ${door.title} with a key of ${kind === "admin" ? "an admin" : "a service provider"}`, () => {
    through(door);
    let target: Target;
    let stack: TestStack;
    let accountSid: string;
    let voipCarrierSid: string;

    const password = { $secret: "call-password" };
    const envVars = { $secret: { API_TOKEN: "variable-secret", maxRetries: 3, verbose: true } };
    const account = (): Declared => ({ type: "jambonz:Account", name: "acme", args: { serviceProviderSid: target.serviceProviderSid } });
    const menu = (args: object = {}): Declared => ({
      type: "jambonz:Application",
      name: "menu",
      args: {
        accountSid: { $ref: "acme.sid" },
        callHook: { url: "https://a.example.com/call", username: "u", password },
        callStatusHook: { url: "https://a.example.com/status" },
        ...args,
      },
    });
    const full = () =>
      menu({
        messagingHook: { url: "https://a.example.com/message", method: "GET" },
        appJson: '[{"verb": "hangup"}]',
        envVars,
        speechSynthesisVendor: "aws",
        useForFallbackSpeech: true,
      });
    const main = (args: object = {}): Declared => ({
      type: "jambonz:PhoneNumber",
      name: "main",
      args: { number: "+15015550100", accountSid: { $ref: "acme.sid" }, applicationSid: { $ref: "menu.sid" }, ...args },
    });
    const application = async () => (await applicationsOf(target, accountSid))[0]!;
    const number = async () => (await numbersOf(target, accountSid))[0]!;
    const writes = () => asked(target).filter((line) => !line.startsWith("GET "));
    const outside = (method: string, path: string, body?: object) => target.sandbox.outside(method, path, body);

    async function up(resources: Declared[], expected: string[], ...args: string[]): Promise<void> {
      stack.write({ resources });
      target.sandbox.clearRequests();
      await stack.up(...args);
      assert.deepEqual(writes(), expected);
      assert.deepEqual(await stack.plan("--diff"), []);
    }

    async function drift(): Promise<string[]> {
      const { code, text } = await stack.run(["preview", "--refresh", "--expect-no-changes", "--json"]);
      const plan = stack.planOf(text);
      assert.equal(code === 0, plan.length === 0, text);
      return plan;
    }

    before(async () => {
      target = await jambonzTarget(kind);
      voipCarrierSid = await made(target.sandbox, "/VoipCarriers", {
        name: "carrier",
        service_provider_sid: target.serviceProviderSid,
      });
      stack = await TestStack.create(target.variables, { resources: [] }, { door });
    });
    after(async () => {
      stack?.remove();
      await target?.sandbox.stop();
    });

    it("are created in order, and nothing has drifted then", async () => {
      await up([account(), full(), main({ voipCarrierSid })], ["POST /Accounts", "POST /Applications", "POST /PhoneNumbers"]);
      accountSid = (await stack.resources())["jambonz:Account acme"]!.id;
      const { application_sid, env_vars, call_hook, app_json } = await application();
      assert.deepEqual(env_vars, envVars.$secret);
      assert.equal(call_hook.password, "call-password");
      assert.equal(app_json, '[{"verb": "hangup"}]');
      assert.deepEqual(
        [(await number()).number, (await number()).application_sid, (await number()).voip_carrier_sid],
        ["15015550100", application_sid, voipCarrierSid],
      );
      assert.deepEqual(await drift(), []);
      const text = JSON.stringify(await stack.state());
      for (const secret of ["call-password", "variable-secret"]) assert.ok(!text.includes(secret), secret);
    });

    it("are changed in place: a hook by its own webhook, what is taken out is cleared", async () => {
      const before = await application();
      const callHook = { url: "https://b.example.com/call" };
      await up([account(), menu({ callHook }), main({ voipCarrierSid })], ["PUT /Applications/:sid"]);
      const now = await application();
      assert.equal(now.call_hook.webhook_sid, before.call_hook.webhook_sid);
      assert.deepEqual([now.call_hook.url, now.call_hook.username, now.call_hook.password], [callHook.url, null, null]);
      assert.deepEqual([now.messaging_hook, now.app_json, now.env_vars], [null, null, null]);
      assert.deepEqual([now.speech_synthesis_vendor, now.use_for_fallback_speech], ["google", 0]);
      const unrouted = main({ voipCarrierSid, applicationSid: undefined, number: "15015550100" });
      await up([account(), menu({ callHook }), unrouted], ["PUT /PhoneNumbers/:sid"]);
      assert.equal((await number()).application_sid, null);
      assert.deepEqual(await drift(), []);
      await up([account(), full(), main({ voipCarrierSid })], ["PUT /Applications/:sid", "PUT /PhoneNumbers/:sid"]);
    });

    it("show what somebody does to them, and are repaired", async () => {
      await outside("PUT", `/Applications/${(await application()).application_sid}`, {
        call_hook: { url: "https://evil.example.com", password: "x" },
        env_vars: { API_TOKEN: "another" },
        record_all_calls: true, // never declared
      });
      await outside("PUT", `/PhoneNumbers/${(await number()).phone_number_sid}`, { application_sid: null });
      assert.deepEqual(await drift(), ["update main", "update menu"]);
      await up([account(), full(), main({ voipCarrierSid })], ["PUT /Applications/:sid", "PUT /PhoneNumbers/:sid"].sort(), "--refresh");
      assert.equal((await application()).call_hook.password, "call-password");
      assert.deepEqual((await application()).env_vars, envVars.$secret);
      assert.equal((await application()).record_all_calls, 1);
      await outside("DELETE", `/PhoneNumbers/${(await number()).phone_number_sid}`);
      assert.deepEqual(await drift(), ["create main"]);
      await outside("DELETE", `/Applications/${(await application()).application_sid}`);
      assert.deepEqual(await drift(), ["create main", "create menu"]);
      await up([account(), full(), main({ voipCarrierSid })], ["POST /Applications", "POST /PhoneNumbers"], "--refresh");
      assert.deepEqual(await drift(), []);
    });

    it("are replaced where the platform cannot change them: a number goes before the new one is made", async () => {
      await up([account(), full(), main({ voipCarrierSid, number: "+15015550101" })], ["DELETE /PhoneNumbers/:sid", "POST /PhoneNumbers"]);
      await up([account(), full(), main({ number: "+15015550101" })], ["DELETE /PhoneNumbers/:sid", "POST /PhoneNumbers"]);
      assert.equal((await numbersOf(target, accountSid)).length, 1);
    });

    it("are deleted in order; an application that is in use is named before anything is sent", async () => {
      const sid = await made(target.sandbox, "/PhoneNumbers", {
        number: "1501",
        account_sid: accountSid,
        application_sid: (await application()).application_sid,
      });
      stack.write({ resources: [account()] });
      target.sandbox.clearRequests();
      const text = await stack.fails(["up", "--yes", "--skip-preview"]);
      assert.match(text, /the platform cannot delete an application that is in use by phone number 1501; let that point elsewhere/);
      assert.deepEqual(writes(), ["DELETE /PhoneNumbers/:sid"]);
      await outside("DELETE", `/PhoneNumbers/${sid}`);
      await up([account()], ["DELETE /Applications/:sid"]);
    });

    it("are adopted by their sids, listed as orphans before, and then not", async () => {
      const applicationSid = await made(target.sandbox, "/Applications", {
        account_sid: accountSid,
        name: "by hand",
        call_hook: { url: "https://a.example.com/call", username: "u" },
        call_status_hook: { url: "https://a.example.com/status" },
        record_all_calls: 1,
      });
      const body = { number: "+1502", account_sid: accountSid, application_sid: applicationSid };
      const numberSid = await made(target.sandbox, "/PhoneNumbers", body);
      const { status, stdout } = await stack.cpaas("orphans");
      assert.equal(status, 1);
      assert.deepEqual(
        stdout.split("\n").filter((line) => line.startsWith("jambonz:Application") || line.startsWith("jambonz:PhoneNumber")),
        [`jambonz:Application "by hand" (${applicationSid})`, `jambonz:PhoneNumber "1502" (${numberSid})`],
      );
      await door.adopt(stack, [
        { type: "jambonz:Application", name: "menu", id: applicationSid },
        { type: "jambonz:PhoneNumber", name: "main", id: numberSid },
      ]);
      const callHook = { url: "https://a.example.com/call", username: "u" };
      await up([account(), menu({ name: "by hand", callHook, recordAllCalls: true }), main({ number: "+1502" })], []);
      assert.deepEqual(await drift(), []);
      const { stdout: left } = await stack.cpaas("orphans");
      assert.doesNotMatch(left, /jambonz:(Application|PhoneNumber)/);
    });

    it("go with everything else", async () => {
      target.sandbox.clearRequests();
      await stack.ok(["destroy", "--yes", "--skip-preview"]);
      assert.deepEqual(writes(), ["DELETE /PhoneNumbers/:sid", "DELETE /Applications/:sid", "DELETE /Accounts/:sid"]);
      assert.deepEqual(await stack.resources(), {});
    });
  });
}
