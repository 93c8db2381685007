import assert from "node:assert/strict";
import { SIGNATURE } from "../../provider/signature";
import { dynamic, plugin, through, type Existing } from "../support/doors";
import { accountsOf, asked, holder, jambonzTarget, keysOf, made, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

for (const [door, kind] of [
  [dynamic, "admin"],
  [plugin, "service provider"],
] as const) {
  describe(`adopting what exists through the ${door.title} with a key of ${holder[kind]}`, () => {
    through(door);
    let target: Target;
    let stack: TestStack;
    let acme: string;
    let key: string;
    let beta: string;
    /** An account whose realm is declared apart, and its webhook by nobody: the package can leave alone what nobody declares. */
    const apart = (): Existing[] => [
      { type: "jambonz:Account", name: "beta", id: beta, leave: ["sipRealm", "registrationHook"] },
      { type: "jambonz:SipRealm", name: "beta", id: beta },
    ];
    const declaredApart = (): Declared[] => [
      { type: "jambonz:Account", name: "beta", args: { name: "beta", serviceProviderSid: target.serviceProviderSid } },
      { type: "jambonz:SipRealm", name: "beta", args: { accountSid: { $ref: "beta.sid" }, realm: "Beta.Example.com" } },
    ];

    before(async () => {
      target = await jambonzTarget(kind);
      acme = await made(target.sandbox, "/Accounts", {
        name: "Acme & Sons",
        service_provider_sid: target.serviceProviderSid,
        sip_realm: "acme.example.com",
        registration_hook: { url: "https://a.example.com/r", username: "u", password: "hook-password" },
        record_all_calls: true,
      });
      await target.sandbox.outside("PUT", `/Accounts/${acme}`, {
        bucket_credential: {
          vendor: "aws_s3",
          region: "eu-west-1",
          name: "calls",
          access_key_id: "AKIA",
          secret_access_key: "bucket-secret-1",
        },
      });
      key = await made(target.sandbox, "/ApiKeys", { account_sid: acme });
      await target.sandbox.outside("POST", `/Accounts/${acme}/Limits`, { category: "device", quantity: 7 });
      beta = await made(target.sandbox, "/Accounts", {
        name: "beta",
        service_provider_sid: target.serviceProviderSid,
        sip_realm: "Beta.Example.com",
        registration_hook: { url: "https://b.example.com/r", username: "u", password: "left-password" },
      });
      stack = await TestStack.create(target.variables, { resources: [] }, { door });
    });
    after(async () => {
      stack?.remove();
      await target?.sandbox.stop();
    });

    it("takes ids alone", async () => {
      const told = await door.adopt(stack, [
        { type: "jambonz:Account", name: "acme", id: acme },
        { type: "jambonz:ApiKey", name: "key", id: `Accounts/${acme}/ApiKeys/${key}` },
        { type: "jambonz:Limit", name: "limit", id: `Accounts/${acme}/Limits/device` },
        ...(door === dynamic ? apart() : []),
      ]);
      if (door === dynamic) assert.doesNotMatch(told, /warning/);
      else assert.match(told, /warning: .* has a problem: bucketCredential\.secretAccessKey is required/);
    });

    it("leaves a state that a program matches without any change", async () => {
      const resources: Declared[] = [
        {
          type: "jambonz:Account",
          name: "acme",
          args: {
            name: "Acme & Sons",
            serviceProviderSid: target.serviceProviderSid,
            sipRealm: "acme.example.com",
            registrationHook: { url: "https://a.example.com/r", username: "u", password: { $secret: "hook-password" } },
            recordAllCalls: true,
            bucketCredential: {
              vendor: "aws_s3",
              region: "eu-west-1",
              name: "calls",
              accessKeyId: "AKIA",
              secretAccessKey: { $secret: "bucket-secret-1" },
            },
          },
        },
        { type: "jambonz:ApiKey", name: "key", args: { accountSid: { $ref: "acme.sid" } } },
        { type: "jambonz:Limit", name: "limit", args: { accountSid: { $ref: "acme.sid" }, category: "device", quantity: 7 } },
        ...(door === dynamic ? declaredApart() : []),
      ];
      stack.write({ resources });
      await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
      const held = (await stack.resources(true))["jambonz:Account acme"]!.outputs;
      for (const property of [held.registrationHook, held.bucketCredential] as { plaintext?: string }[])
        assert.ok(!property?.plaintext?.includes(SIGNATURE), "nothing is marked as secret twice");
      if (door === plugin) {
        // The program that Pulumi can write of an import would show nested passwords, so they are sent once instead.
        assert.deepEqual(await stack.plan(), ["update acme"]);
        await stack.up();
      }
      assert.deepEqual(await stack.plan("--expect-no-changes"), []);
      target.sandbox.clearRequests();
      await stack.up();
      assert.deepEqual(asked(target), []);
      assert.deepEqual(await stack.plan("--refresh"), []);
    });

    it("leaves no secret in clear, and the key's token in state", async () => {
      const clear = JSON.stringify(await stack.state());
      const [{ token } = { token: "" }] = await keysOf(target, acme);
      const { webhook_secret } = (await accountsOf(target))["Acme & Sons"] as { webhook_secret: string };
      for (const secret of ["hook-password", "left-password", "bucket-secret-1", token, webhook_secret])
        assert.ok(!clear.includes(secret), secret);
      assert.equal((await stack.resources(true))["jambonz:ApiKey key"]!.outputs.token.plaintext, JSON.stringify(token));
    });

    it("leaves out what does not exist", async () => {
      const type = kind === "admin" ? "jambonz:Account" : "jambonz:Limit";
      const id = kind === "admin" ? "3f2504e0-4f89-41d3-9a0c-0305e82c3301" : `Accounts/${acme}/Limits/api_rate`;
      const before = Object.keys(await stack.resources()).sort();
      await door.adopt(stack, [{ type, name: "ghost", id }]).catch((error: Error) => assert.match(error.message, /does not exist/));
      assert.deepEqual(Object.keys(await stack.resources()).sort(), before);
    });
  });
}
