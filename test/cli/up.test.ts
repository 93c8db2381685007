import assert from "node:assert/strict";
import { dynamic, plugin, through, type Door } from "../support/doors";
import type { PulumiVersions } from "../support/environment";
import { accountsOf, asked, holder, jambonzTarget, keysOf, limitsOf, tenant, type KeyKind, type Target } from "../support/jambonz";
import { TestStack } from "../support/pulumi";

const variants: [Door, KeyKind, PulumiVersions][] = [
  [dynamic, "admin", "newest"],
  [dynamic, "service provider", "oldest"],
  [plugin, "service provider", "newest"],
  [plugin, "admin", "oldest"],
];

for (const [door, kind, versions] of variants) {
  describe(`pulumi up through the ${door.title}, with the key of ${holder[kind]} and the ${versions} Pulumi`, () => {
    through(door);
    let target: Target;
    let stack: TestStack;

    before(async () => {
      target = await jambonzTarget(kind);
      const resources = tenant(target, "acme", { registrationHook: { url: "https://a.example.com/r" } });
      stack = await TestStack.create(target.variables, { resources }, { versions, door });
    });
    after(async () => {
      stack?.remove();
      await target?.sandbox.stop();
    });

    it("previews without a request and without a key, although everything depends on an account that does not exist", async () => {
      const keyless = await TestStack.create({}, { resources: tenant(target, "acme") }, { versions, door });
      try {
        assert.deepEqual(await keyless.plan(), ["create acme", "create acme-key", "create acme-limit", "create acme-realm"]);
        assert.deepEqual(asked(target), []);
      } finally {
        keyless.remove();
      }
    });

    it("makes what the program says", async () => {
      await stack.up();
      const { acme } = await accountsOf(target);
      assert.equal(acme.sip_realm, "acme.sip.example.com");
      assert.equal(acme.registration_hook.url, "https://a.example.com/r");
      assert.deepEqual(await limitsOf(target, acme.account_sid as string), { voice_call_session: 10 });
      const [key] = await keysOf(target, acme.account_sid as string);
      assert.equal((await stack.resources(true))["jambonz:ApiKey acme-key"]!.outputs.token.plaintext, JSON.stringify(key!.token));
    });

    it("asked for one list, two requests for the account, and one for everything else", () => {
      assert.deepEqual(asked(target).sort(), [
        "GET /Accounts/:sid",
        "GET /ServiceProviders/:sid/Accounts",
        "POST /Accounts",
        "POST /Accounts/:sid/Limits",
        "POST /ApiKeys",
        "PUT /Accounts/:sid",
      ]);
    });

    it("changes nothing when it is run again, and sends nothing", async () => {
      target.sandbox.clearRequests();
      await stack.ok(["up", "--yes", "--expect-no-changes"]);
      assert.deepEqual(asked(target), []);
    });

    it("finds nothing to refresh", async () => {
      await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
      assert.deepEqual(asked(target).sort(), [
        "GET /Accounts/:sid/ApiKeys",
        "GET /Accounts/:sid/Limits",
        "GET /ServiceProviders/:sid/Accounts",
      ]);
      target.sandbox.clearRequests();
      await stack.up("--expect-no-changes");
      assert.deepEqual(asked(target), []);
    });

    if (door === dynamic) {
      it("keeps the line of the program in state that declares a resource, and no code but a text that is the same in every version", async () => {
        for (const resource of Object.values(await stack.resources())) {
          assert.match(String(resource.sourcePosition), /program\.js#\d+/);
          assert.doesNotMatch(JSON.stringify(resource), /pulumi-cpaas\/dist/);
          const type = resource.type.split("/")[1]!;
          for (const properties of [resource.inputs, resource.outputs]) {
            assert.equal(properties.__provider, `exports.handler = () => require("pulumi-cpaas/dynamic")("${type}");`);
            assert.ok(Buffer.byteLength(properties.__provider) <= 120);
          }
        }
      });
    }

    it("destroys everything, and leaves the platform as it was before", async () => {
      await stack.ok(["destroy", "--yes", "--skip-preview"]);
      assert.deepEqual(await accountsOf(target), {});
      assert.deepEqual(await stack.resources(), {});
    });
  });
}
