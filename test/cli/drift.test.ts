import assert from "node:assert/strict";
import { accountsOf, asked, jambonzTarget, keyKinds, keysOf, limitsOf, tenant, type Target } from "../support/jambonz";
import { TestStack } from "../support/pulumi";

for (const kind of keyKinds) {
  describe(`what somebody does behind Pulumi's back, seen with a key of ${kind === "admin" ? "an admin" : "a service provider"}`, () => {
    let target: Target;
    let stack: TestStack;
    const sid = async (name: string) => (await accountsOf(target))[name].account_sid as string;

    before(async () => {
      target = await jambonzTarget(kind);
      const hook = { registrationHook: { url: "https://a.example.com/r", password: { $secret: "hook-password" } } };
      stack = await TestStack.create(target.variables, { resources: [...tenant(target, "acme", hook), ...tenant(target, "globex")] });
      await stack.up();
    });
    after(async () => {
      stack.remove();
      await target.sandbox.stop();
    });

    /** What the drift check shows; it fails where it shows anything. */
    async function drift(): Promise<string[]> {
      const { code, text } = await stack.run(["preview", "--refresh", "--expect-no-changes", "--json"]);
      const plan = stack.planOf(text);
      assert.equal(code === 0, plan.length === 0, text);
      return plan;
    }

    /** Somebody acts; the drift check shows exactly that, and the next `up --refresh` repairs exactly that. */
    async function repaired(act: () => Promise<unknown>, plan: string[], requests: string[]): Promise<void> {
      await act();
      target.sandbox.clearRequests();
      assert.deepEqual(await drift(), plan);
      assert.deepEqual(
        asked(target).filter((request) => !request.startsWith("GET ")),
        [],
        "the drift check writes nothing",
      );
      target.sandbox.clearRequests();
      await stack.up("--refresh");
      assert.deepEqual(
        asked(target)
          .filter((request) => !request.startsWith("GET "))
          .sort(),
        requests.sort(),
      );
    }

    it("nothing: the drift check is silent", async () => {
      assert.deepEqual(await drift(), []);
    });

    it("a changed name", () =>
      repaired(
        async () => target.sandbox.outside("PUT", `/Accounts/${await sid("acme")}`, { name: "Acme!" }),
        ["update acme"],
        ["PUT /Accounts/:sid"],
      ));

    it("a changed hook, and a changed password in it", async () => {
      const put = async (hook: object) => target.sandbox.outside("PUT", `/Accounts/${await sid("acme")}`, { registration_hook: hook });
      await repaired(() => put({ url: "https://evil.example.com", password: "hook-password" }), ["update acme"], ["PUT /Accounts/:sid"]);
      await repaired(() => put({ url: "https://a.example.com/r", password: "another" }), ["update acme"], ["PUT /Accounts/:sid"]);
      assert.equal((await accountsOf(target)).acme.registration_hook.password, "hook-password");
    });

    it("a cleared hook", () =>
      repaired(
        async () => target.sandbox.outside("PUT", `/Accounts/${await sid("acme")}`, { registration_hook: null }),
        ["update acme"],
        ["PUT /Accounts/:sid"],
      ));

    it("what the program never set: that is not its business", async () => {
      await target.sandbox.outside("PUT", `/Accounts/${await sid("acme")}`, {
        disable_cdrs: true,
        queue_event_hook: { url: "https://q.example.com" },
      });
      assert.deepEqual(await drift(), []);
      assert.equal((await accountsOf(target)).acme.disable_cdrs, 1);
    });

    it("another quantity of a limit", () =>
      repaired(
        async () =>
          target.sandbox.outside("POST", `/Accounts/${await sid("acme")}/Limits`, { category: "voice_call_session", quantity: 99 }),
        ["update acme-limit"],
        ["POST /Accounts/:sid/Limits"],
      ));

    it("a realm that was changed, and one that was cleared", async () => {
      const put = async (sip_realm: string | null) => target.sandbox.outside("PUT", `/Accounts/${await sid("acme")}`, { sip_realm });
      await repaired(() => put("evil.example.com"), ["update acme-realm"], ["PUT /Accounts/:sid"]);
      await repaired(() => put(null), ["create acme-realm"], ["PUT /Accounts/:sid"]);
    });

    it("a deleted limit", () =>
      repaired(
        async () => target.sandbox.outside("DELETE", `/Accounts/${await sid("acme")}/Limits`),
        ["create acme-limit"],
        ["POST /Accounts/:sid/Limits"],
      ));

    it("a deleted key", () =>
      repaired(
        async () => target.sandbox.outside("DELETE", `/ApiKeys/${(await keysOf(target, await sid("acme")))[0]!.api_key_sid}`),
        ["create acme-key"],
        ["POST /ApiKeys"],
      ));

    it("a deleted account, with all that was in it", async () => {
      const gone = await sid("acme");
      await repaired(
        () => target.sandbox.outside("DELETE", `/Accounts/${gone}`),
        ["create acme", "create acme-key", "create acme-limit", "create acme-realm"],
        ["POST /Accounts", "POST /ApiKeys", "POST /Accounts/:sid/Limits", "PUT /Accounts/:sid"],
      );
      assert.deepEqual(await limitsOf(target, await sid("acme")), { voice_call_session: 10 });
    }).timeout(180_000);

    it("keys that were used: that is no change", async () => {
      const { acme } = await accountsOf(target);
      const [key] = await keysOf(target, acme.account_sid as string);
      await fetch(`${target.sandbox.url}/Accounts/${acme.account_sid}`, { headers: { authorization: `Bearer ${key!.token}` } });
      assert.deepEqual(await drift(), []);
    });

    it("a refresh of everything that is gone, and a destroy of what is already gone", async () => {
      for (const name of ["acme", "globex"]) await target.sandbox.outside("DELETE", `/Accounts/${await sid(name)}`);
      await stack.ok(["destroy", "--yes", "--skip-preview"]);
      assert.deepEqual(await stack.resources(), {});
    });
  });
}
