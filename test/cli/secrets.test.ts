import assert from "node:assert/strict";
import { dynamic, plugin, through } from "../support/doors";
import { accountsOf, holder, jambonzTarget, keysOf, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

const secrets = {
  hook: "hook-password-7f3a",
  newHook: "hook-password-new-91bb",
  bucket: "bucket-secret-55cd",
  google: JSON.stringify({
    client_email: "me@example.com",
    private_key: "-----BEGIN PRIVATE KEY-----\nMIIabcdef0123\n-----END PRIVATE KEY-----\n",
  }),
};

for (const [door, kind] of [
  [dynamic, "admin"],
  [plugin, "service provider"],
] as const) {
  describe(`secrets through the ${door.title}, with a key of ${holder[kind]}`, () => {
    through(door);
    let target: Target;
    let stack: TestStack;

    /** No secret is marked as such by the program: the resources do that. */
    const program = (password: string): { resources: Declared[] } => ({
      resources: [
        {
          type: "jambonz:Account",
          name: "acme",
          args: {
            serviceProviderSid: target.serviceProviderSid,
            registrationHook: { url: "https://a.example.com/r", username: "u", password },
            queueEventHook: { $output: { url: "https://a.example.com/q", password } },
            bucketCredential: { vendor: "aws_s3", region: "r", name: "calls", accessKeyId: "AKIA", secretAccessKey: secrets.bucket },
          },
        },
        {
          type: "jambonz:Account",
          name: "globex",
          args: {
            serviceProviderSid: target.serviceProviderSid,
            bucketCredential: { vendor: "google", name: "calls", serviceKey: secrets.google },
            registrationHook: { $secret: { url: "https://g.example.com/r", password } },
          },
        },
        { type: "jambonz:ApiKey", name: "key", args: { accountSid: { $ref: "acme.sid" } } },
        {
          type: "jambonz:SipRealm",
          name: "realm",
          args: { accountSid: { $ref: "acme.sid" }, realm: "acme.sip.example.com", accountApiKey: { $ref: "key.token" } },
        },
      ],
    });

    before(async () => {
      target = await jambonzTarget(kind, { dns: "managed" });
      // The key is kept in the stack's configuration here, and nowhere in the environment.
      stack = await TestStack.create({}, program(secrets.hook), {
        config: { "jambonz:apiUrl": target.sandbox.url, "jambonz:apiKey": target.key },
        door,
      });
    });
    after(async () => {
      stack?.remove();
      await target?.sandbox.stop();
    });

    async function everything(): Promise<string[]> {
      const rows = Object.values(await accountsOf(target)) as { account_sid: string; webhook_secret: string }[];
      const tokens = await Promise.all(rows.map(({ account_sid }) => keysOf(target, account_sid)));
      return [
        ...Object.values(secrets),
        "MIIabcdef0123",
        target.key,
        ...rows.map(({ webhook_secret }) => webhook_secret),
        ...tokens.flat().map(({ token }) => token),
      ];
    }

    async function isNowhere(what: string, text: string): Promise<void> {
      for (const secret of await everything()) {
        for (const spelling of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
          assert.ok(!text.includes(spelling), `${what} shows ${secret}`);
      }
    }

    for (const [what, act] of Object.entries({
      create: () => stack.ok(["up", "--yes"]),
      "a no-op": () => stack.ok(["up", "--yes", "--skip-preview"]),
      update: async () => {
        stack.write(program(secrets.newHook));
        return stack.ok(["up", "--yes", "--diff"]);
      },
      refresh: () => stack.ok(["refresh", "--yes", "--diff"]),
      "a refresh that finds something": async () => {
        const { acme } = await accountsOf(target);
        await target.sandbox.outside("PUT", `/Accounts/${acme.account_sid}`, {
          registration_hook: { url: "https://b.example.com", password: secrets.hook },
        });
        return stack.ok(["refresh", "--yes", "--diff"]);
      },
      "the repair": () => stack.ok(["up", "--yes", "--diff"]),
    })) {
      it(`are in clear neither in state nor in the output of ${what}`, async () => {
        const text = await act();
        await isNowhere("the output", text);
        await isNowhere("state", JSON.stringify(await stack.state()));
      });
    }

    it("are there in state, encrypted", async () => {
      const resources = await stack.resources(true);
      const hook = resources["jambonz:Account acme"]!.outputs.registrationHook as { url: string; password: { plaintext: string } };
      assert.equal(hook.url, "https://a.example.com/r", "what is beside a secret stays readable");
      assert.equal(hook.password.plaintext, JSON.stringify(secrets.newHook));
      const whole = resources["jambonz:Account globex"]!.outputs.registrationHook as { plaintext: string };
      assert.deepEqual(
        JSON.parse(whole.plaintext),
        { url: "https://g.example.com/r", password: secrets.newHook },
        "nothing is marked twice",
      );
      const [key] = await keysOf(target, resources["jambonz:Account acme"]!.id);
      assert.equal(resources["jambonz:ApiKey key"]!.outputs.token.plaintext, JSON.stringify(key!.token));
    });

    it("are in clear neither with --debug nor with --json", async () => {
      stack.write(program(secrets.hook));
      await isNowhere("--json", await stack.ok(["preview", "--json"]));
      await isNowhere("--debug", await stack.ok(["up", "--yes", "--debug"]));
      await isNowhere("--debug", await stack.ok(["refresh", "--yes", "--debug"]));
    });

    it("are not in what the program is refused for", async () => {
      const { resources } = program(secrets.hook);
      resources[0]!.args = {
        ...(resources[0]!.args as object),
        registrationHook: { url: "https://a.example.com/r", password: secrets.hook.repeat(30) },
      };
      stack.write({ resources });
      const text = await stack.fails(["preview"]);
      assert.match(text, /registrationHook\.password must have at most 255 characters/);
      await isNowhere("the refusal", text);
    });

    it("are not in what the platform echoes", async () => {
      const { acme } = await accountsOf(target);
      const own = [secrets.hook, secrets.newHook, secrets.bucket, acme.webhook_secret as string, target.key];
      const echo = own.flatMap((secret) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")]).join(" | ");
      const match = { method: "PUT", path: `/Accounts/${acme.account_sid}` };
      target.sandbox.addFault({ match, fault: { status: 500, body: { msg: `cannot store ${echo}` } }, times: "always" });
      stack.write(program(secrets.newHook));
      const text = await stack.fails(["up", "--yes", "--skip-preview"]);
      assert.match(text, /cannot store/);
      for (const secret of own) assert.ok(!text.includes(secret) && !text.includes(Buffer.from(secret).toString("base64")), secret);
    });

    it("are in clear neither in state nor in the output where an update fails in the middle", async () => {
      target.sandbox.clearFaults();
      const shows = async (step: string, text: string) => {
        await isNowhere(step, text);
        await isNowhere(`state after ${step}`, JSON.stringify(await stack.state()));
      };
      const [acme, globex, key, realm] = program(secrets.newHook).resources;
      const { accountApiKey: _key, ...realmOnly } = realm!.args as Record<string, unknown>;
      const { registrationHook: _hook, ...hookless } = acme!.args as Record<string, unknown>;
      const other = { ...realmOnly, realm: "other.sip.example.com" };
      stack.write({ resources: [acme!, globex!, key!, { ...realm!, args: other }] });
      await shows("an update that takes a secret out", await stack.up());
      const noDns = { status: 500, body: { msg: "no DNS provider" }, handled: true };
      target.sandbox.addFault({ match: { method: "POST", path: "/Accounts/*/SipRealms/*" }, fault: noDns, times: "always" });
      stack.write(program(secrets.newHook));
      await shows("an update that adds a secret, and fails", await stack.fails(["up", "--yes", "--skip-preview", "--diff"]));
      await shows("the refresh after it", await stack.ok(["refresh", "--yes", "--diff"]));
      target.sandbox.addFault({ match: { method: "PUT" }, fault: { status: 500, body: "", handled: true }, times: "always" });
      stack.write({ resources: [{ ...acme!, args: hookless }, globex!, key!, realm!] });
      await shows("an update that takes a hook out, and fails", await stack.fails(["up", "--yes", "--skip-preview", "--diff"]));
      await shows("its refresh", await stack.ok(["refresh", "--yes", "--diff"]));
      target.sandbox.clearFaults();
      await shows("the repair", await stack.up("--diff"));
    });

    it("are not left behind by a destroy", async () => {
      target.sandbox.clearFaults();
      await isNowhere("the output", await stack.ok(["destroy", "--yes"]));
    });
  });
}
