import assert from "node:assert/strict";
import { dynamic, plugin, through } from "../support/doors";
import { accountsOf, asked, holder, jambonzTarget, keysOf, limitsOf, tenant, type Target } from "../support/jambonz";
import { TestStack } from "../support/pulumi";

for (const [door, kind] of [
  [dynamic, "service provider"],
  [plugin, "admin"],
] as const) {
  describe(`what somebody does behind Pulumi's back, seen through the ${door.title} with a key of ${holder[kind]}`, () => {
    through(door);
    let target: Target;
    let stack: TestStack;
    const sid = async (name: string) => (await accountsOf(target))[name].account_sid as string;

    before(async () => {
      target = await jambonzTarget(kind);
      const hook = { registrationHook: { url: "https://a.example.com/r", password: { $secret: "hook-password" } } };
      stack = await TestStack.create(
        target.variables,
        { resources: [...tenant(target, "acme", hook), ...tenant(target, "globex")] },
        { door },
      );
      await stack.up();
    });
    after(async () => {
      stack?.remove();
      await target?.sandbox.stop();
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

    const put = async (account: string, body: object) => target.sandbox.outside("PUT", `/Accounts/${await sid(account)}`, body);

    it("nothing: the drift check is silent", async () => {
      assert.deepEqual(await drift(), []);
    });

    it("a changed hook, name, quantity and realm", () =>
      repaired(
        async () => {
          await put("acme", { registration_hook: { url: "https://evil.example.com", password: "hook-password" } });
          await target.sandbox.outside("POST", `/Accounts/${await sid("acme")}/Limits`, { category: "voice_call_session", quantity: 99 });
          await put("acme", { sip_realm: "evil.example.com" });
          await put("globex", { name: "Globex!" });
        },
        ["update acme", "update acme-limit", "update acme-realm", "update globex"],
        ["PUT /Accounts/:sid", "POST /Accounts/:sid/Limits", "PUT /Accounts/:sid", "PUT /Accounts/:sid"],
      ));

    it("a changed password in a hook, and a realm that was cleared", async () => {
      await repaired(
        async () => {
          await put("acme", { registration_hook: { url: "https://a.example.com/r", password: "another" } });
          await put("globex", { sip_realm: null });
        },
        ["create globex-realm", "update acme"],
        ["PUT /Accounts/:sid", "PUT /Accounts/:sid"],
      );
      assert.equal((await accountsOf(target)).acme.registration_hook.password, "hook-password");
    });

    it("a cleared hook, a deleted limit and a deleted key", () =>
      repaired(
        async () => {
          await put("acme", { registration_hook: null });
          await target.sandbox.outside("DELETE", `/Accounts/${await sid("acme")}/Limits`);
          await target.sandbox.outside("DELETE", `/ApiKeys/${(await keysOf(target, await sid("globex")))[0]!.api_key_sid}`);
        },
        ["create acme-limit", "create globex-key", "update acme"],
        ["PUT /Accounts/:sid", "POST /Accounts/:sid/Limits", "POST /ApiKeys"],
      ));

    it("what the program never set, and keys that were used: that is no change", async () => {
      await put("globex", { disable_cdrs: true, queue_event_hook: { url: "https://q.example.com" } });
      const { globex } = await accountsOf(target);
      const [key] = await keysOf(target, globex.account_sid as string);
      await fetch(`${target.sandbox.url}/Accounts/${globex.account_sid}`, { headers: { authorization: `Bearer ${key!.token}` } });
      assert.deepEqual(await drift(), []);
      assert.equal((await accountsOf(target)).globex.disable_cdrs, 1);
    });

    it("a deleted account, with all that was in it", async () => {
      const gone = await sid("acme");
      await repaired(
        () => target.sandbox.outside("DELETE", `/Accounts/${gone}`),
        ["create acme", "create acme-key", "create acme-limit", "create acme-realm"],
        ["POST /Accounts", "POST /ApiKeys", "POST /Accounts/:sid/Limits", "PUT /Accounts/:sid"],
      );
      assert.deepEqual(await limitsOf(target, await sid("acme")), { voice_call_session: 10 });
    }).timeout(180_000);

    it("nothing, where the program runs while things are read, and changes much at once", async () => {
      const resources = (quantity: number) =>
        ["a", "b", "c", "d", "e", "f"].flatMap((name) => {
          const registrationHook = { url: "https://a.example.com/r", username: "u", password: { $secret: "hook-password" } };
          const [account, , limit, realm] = tenant(target, name, { registrationHook });
          return [account!, { ...limit!, args: { ...(limit!.args as object), quantity } }, realm!];
        });
      stack.write({ resources: resources(10) });
      await stack.up();
      stack.write({ resources: resources(20) });
      await stack.up("--refresh", "--run-program");
      for (const name of ["a", "f"]) assert.deepEqual(await limitsOf(target, await sid(name)), { voice_call_session: 20 });
      stack.write({ resources: [...tenant(target, "acme"), ...tenant(target, "globex")] });
      await stack.up("--refresh", "--run-program");
    }).timeout(180_000);

    it("everything that is gone already: a destroy succeeds", async () => {
      for (const name of ["acme", "globex"]) await target.sandbox.outside("DELETE", `/Accounts/${await sid(name)}`);
      await stack.ok(["destroy", "--yes", "--skip-preview"]);
      assert.deepEqual(await stack.resources(), {});
    });
  });
}
