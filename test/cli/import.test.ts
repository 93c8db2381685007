import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { accountsOf, asked, jambonzTarget, keyKinds, keysOf, made, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

const bin = join(__dirname, "..", "..", "bin", "pulumi-cpaas.js");

for (const kind of keyKinds) {
  describe(`adopting what exists with a key of ${kind === "admin" ? "an admin" : "a service provider"}`, () => {
    let target: Target;
    let stack: TestStack;
    let acme: string;
    let key: string;
    let beta: string;

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
      stack = await TestStack.create(target.variables, { resources: [] });
    });
    after(async () => {
      stack.remove();
      await target.sandbox.stop();
    });

    const adopt = (type: string, name: string, id: string, ...options: string[]) =>
      execFileSync(process.execPath, [bin, "adopt", type, name, id, ...options], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

    it("takes an import list and a refresh", async () => {
      const lists = [
        adopt("jambonz:Account", "acme", acme),
        adopt("jambonz:ApiKey", "key", `Accounts/${acme}/ApiKeys/${key}`),
        adopt("jambonz:Limit", "limit", `Accounts/${acme}/Limits/device`),
        adopt("jambonz:Account", "beta", beta, "--leave", "sipRealm", "--leave", "registrationHook"),
        adopt("jambonz:SipRealm", "beta", beta),
      ];
      const resources = lists.flatMap((list) => (JSON.parse(list) as { resources: unknown[] }).resources);
      writeFileSync(join(stack.folder, "import.json"), JSON.stringify({ resources }));
      const told = await stack.ok([
        "import",
        "--file",
        "import.json",
        "--generate-code=false",
        "--yes",
        "--skip-preview",
        "--protect=false",
      ]);
      assert.doesNotMatch(told, /warning/);
      await stack.ok(["refresh", "--yes", "--skip-preview"]);
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
        // Its realm is declared apart, and its webhook by nobody.
        { type: "jambonz:Account", name: "beta", args: { name: "beta", serviceProviderSid: target.serviceProviderSid } },
        { type: "jambonz:SipRealm", name: "beta", args: { accountSid: { $ref: "beta.sid" }, realm: "Beta.Example.com" } },
      ];
      stack.write({ resources });
      await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
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

    it("drops at the refresh what does not exist", async () => {
      const id = kind === "admin" ? "3f2504e0-4f89-41d3-9a0c-0305e82c3301" : acme;
      const type = kind === "admin" ? "jambonz:Account" : "jambonz:Limit";
      writeFileSync(join(stack.folder, "import.json"), adopt(type, "ghost", kind === "admin" ? id : `Accounts/${id}/Limits/api_rate`));
      await stack.ok(["import", "--file", "import.json", "--generate-code=false", "--yes", "--skip-preview", "--protect=false"]);
      await stack.ok(["refresh", "--yes", "--skip-preview"]);
      assert.deepEqual(Object.keys(await stack.resources()).sort(), [
        "jambonz:Account acme",
        "jambonz:Account beta",
        "jambonz:ApiKey key",
        "jambonz:Limit limit",
        "jambonz:SipRealm beta",
      ]);
    });
  });
}
