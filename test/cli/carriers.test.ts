import assert from "node:assert/strict";
import { adoptCommand } from "../../provider/adoption";
import { Adoption, named } from "../support/adoption";
import { dynamic, plugin, through } from "../support/doors";
import { asked, carriersOf, clientsOf, holder, jambonzTarget, made, tenant, type Row, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

const secrets = ["register-password", "inbound-password", "desk-password"];

for (const [door, kind] of [
  [dynamic, "service provider"],
  [plugin, "admin"],
] as const) {
  describe(`carriers, gateways and clients through the ${door.title} with a key of ${holder[kind]}`, function () {
    this.timeout(240_000);
    through(door);
    let target: Target;
    let stack: TestStack;

    const program = (trunk: object = {}, gateway: object = {}, desk: object = {}): Declared[] => [
      tenant(target, "acme")[0]!,
      {
        type: "jambonz:VoipCarrier",
        name: "trunk",
        args: {
          accountSid: { $ref: "acme.sid" },
          requiresRegister: true,
          registerUsername: "acme",
          registerPassword: { $secret: secrets[0] },
          inboundAuthPassword: secrets[1],
          techPrefix: "99",
          ...trunk,
        },
      },
      {
        type: "jambonz:SipGateway",
        name: "gateway",
        args: { voipCarrierSid: { $ref: "trunk.sid" }, ipv4: "192.0.2.0", netmask: 28, inbound: true, ...gateway },
        opts: { deletedWith: "trunk" },
      },
      {
        type: "jambonz:Client",
        name: "desk",
        args: { accountSid: { $ref: "acme.sid" }, password: { $secret: secrets[2] }, allowDirectAppCalling: false, ...desk },
      },
    ];
    const carrier = async () => (await carriersOf(target))[0]!;
    const client = async () => (await clientsOf(target))[0]!;
    const gateway = async (): Promise<Row> =>
      (await target.sandbox.outside("GET", `/SipGateways?voip_carrier_sid=${(await carrier()).voip_carrier_sid}`)).body[0];
    const writes = () => asked(target).filter((line) => !line.startsWith("GET "));
    const noSecretIn = (text: string) => secrets.forEach((secret) => assert.ok(!text.includes(secret), secret));

    before(async () => {
      target = await jambonzTarget(kind);
      stack = await TestStack.create(target.variables, { resources: program() }, { door });
    });
    after(async () => {
      stack?.remove();
      await target?.sandbox.stop();
    });

    it("are made, and a second up sends nothing", async () => {
      noSecretIn(await stack.ok(["preview", "--diff"]));
      noSecretIn(await stack.up());
      assert.equal((await carrier()).register_password, secrets[0]);
      assert.equal((await gateway()).netmask, 28);
      assert.equal((await client()).password, "dXXXXXXXXXXXX");
      target.sandbox.clearRequests();
      await stack.up();
      assert.deepEqual(asked(target), []);
      noSecretIn(JSON.stringify(await stack.state()));
      const held = await stack.resources(true);
      assert.equal(held["jambonz:VoipCarrier trunk"]!.outputs.registerPassword.plaintext, JSON.stringify(secrets[0]));
      assert.equal(held["jambonz:VoipCarrier trunk"]!.outputs.inboundAuthPassword.plaintext, JSON.stringify(secrets[1]));
      assert.equal(held["jambonz:Client desk"]!.outputs.password.plaintext, JSON.stringify(secrets[2]));
    });

    it("show drift, which the next up puts right", async () => {
      await target.sandbox.outside("PUT", `/VoipCarriers/${(await carrier()).voip_carrier_sid}`, { tech_prefix: "1", is_active: false });
      await target.sandbox.outside("PUT", `/Clients/${(await client()).client_sid}`, { password: "by somebody else" });
      await target.sandbox.outside("DELETE", `/SipGateways/${(await gateway()).sip_gateway_sid}`);
      assert.deepEqual(await stack.plan("--refresh"), ["create gateway", "update desk", "update trunk"]);
      target.sandbox.clearRequests();
      noSecretIn(await stack.up("--refresh"));
      assert.deepEqual(writes().sort(), ["POST /SipGateways", "PUT /Clients/:sid", "PUT /VoipCarriers/:sid"]);
      assert.deepEqual([(await carrier()).tech_prefix, (await client()).password], ["99", "dXXXXXXXXXXXX"]);
      assert.equal((await carrier()).is_active, 0, "what the program never set is left alone");
      assert.deepEqual(await stack.plan("--refresh"), []);
    });

    it("are changed in place, and cleared by what is taken out of the program", async () => {
      const none = { requiresRegister: undefined, registerUsername: undefined, registerPassword: undefined, techPrefix: undefined };
      stack.write({ resources: program(none, { netmask: undefined, inbound: undefined, ipv4: "sip.example.com" }, { username: "desk1" }) });
      assert.deepEqual(await stack.plan(), ["update desk", "update gateway", "update trunk"]);
      await stack.up();
      const { requires_register, register_username, register_password, tech_prefix } = await carrier();
      assert.deepEqual([requires_register, register_username, register_password, tech_prefix], [0, null, null, null]);
      const { ipv4, inbound, netmask } = await gateway();
      assert.deepEqual([ipv4, inbound, netmask], ["sip.example.com", 0, 32]);
      assert.equal((await client()).username, "desk1");
      stack.write({ resources: program() });
      await stack.up();
    });

    it("are replaced with their account, in an order that the platform takes", async () => {
      const other = await made(target.sandbox, "/Accounts", { name: "other", service_provider_sid: target.serviceProviderSid });
      stack.write({ resources: program({ accountSid: other }, {}, { accountSid: other }) });
      assert.deepEqual(await stack.plan(), ["replace desk", "replace gateway", "replace trunk"]);
      await stack.up();
      assert.deepEqual([(await carriersOf(target)).length, (await clientsOf(target)).length], [1, 1]);
      assert.deepEqual([(await carrier()).account_sid, (await client()).account_sid], [other, other]);
      assert.equal((await gateway()).ipv4, "192.0.2.0");
      stack.write({ resources: program() });
      await stack.up();
    });

    it("are adopted by another stack, which then has nothing but the client's password to send", async () => {
      const other = await TestStack.create(target.variables, { resources: [] }, { door });
      try {
        const held = await stack.resources();
        await door.adopt(
          other,
          Object.entries(held).map(([label, { id }]) => {
            const [type, name] = label.split(" ") as [string, string];
            return { type, name, id };
          }),
        );
        noSecretIn(JSON.stringify(await other.state()));
        other.write({ resources: program() });
        await other.ok(["refresh", "--yes", "--skip-preview"]);
        target.sandbox.clearRequests();
        await other.up();
        const sent = target.sandbox.requests.map(
          ({ method, body }) =>
            `${method} ${Object.keys((body as object) ?? {})
              .sort()
              .join()}`,
        );
        // Through the plugin no secret is imported, so those of the carrier are sent once, too.
        const carrierSent = door === plugin ? ["PUT inbound_auth_password,register_password"] : [];
        assert.deepEqual(sent.filter((line) => !line.startsWith("GET")).sort(), [...carrierSent, "PUT password"].sort());
        assert.deepEqual(await other.plan("--refresh"), []);
      } finally {
        other.remove();
      }
    });

    it("are found where no state knows them", async () => {
      const account_sid = (await carrier()).account_sid as string;
      const sid = await made(target.sandbox, "/VoipCarriers", {
        name: "by hand",
        account_sid,
        service_provider_sid: target.serviceProviderSid,
      });
      await made(target.sandbox, "/SipGateways", { voip_carrier_sid: sid, ipv4: "192.0.2.9", inbound: true, outbound: false });
      const desk = await made(target.sandbox, "/Clients", { account_sid, username: "by hand" });
      const adopt = adoptCommand[door.title === "plugin" ? "plugin" : "package"];
      const { status, stdout } = await stack.cpaas("orphans", "--name", "acme");
      assert.equal(status, 1);
      assert.deepEqual(
        stdout.split("\n").filter((line) => line.startsWith("  ")),
        [`  ${adopt("jambonz:VoipCarrier", "acme-by-hand", sid)}`, `  ${adopt("jambonz:Client", "acme-by-hand-2", desk)}`],
      );
      await target.sandbox.outside("DELETE", `/VoipCarriers/${sid}`);
      await target.sandbox.outside("DELETE", `/Clients/${desk}`);
    });

    it("are deleted with their account, first", async () => {
      target.sandbox.clearRequests();
      await stack.ok(["destroy", "--yes", "--skip-preview"]);
      assert.deepEqual(writes(), [...new Set(writes())]);
      assert.equal(writes().at(-1), "DELETE /Accounts/:sid");
      assert.deepEqual([await carriersOf(target), await clientsOf(target), await stack.resources()], [[], [], {}]);
    });
  });
}

describe("exporting carriers, gateways and clients", function () {
  this.timeout(300_000);

  for (const kind of ["service provider", "account"] as const) {
    it(`with a key of ${kind === "account" ? "an account" : "a service provider"} leaves nothing to do${kind === "account" ? "" : ", and a destroy takes all of it away"}`, async () => {
      const target = await jambonzTarget("service provider");
      const { sandbox, serviceProviderSid: service_provider_sid } = target;
      const account_sid = await made(sandbox, "/Accounts", { name: "acme", service_provider_sid });
      const shared = await made(sandbox, "/VoipCarriers", { name: "shared", service_provider_sid });
      await made(sandbox, "/SipGateways", { voip_carrier_sid: shared, ipv4: "sip.example.com", inbound: false, outbound: true });
      const trunk = { name: "trunk", account_sid, service_provider_sid, register_password: "register-password", trunk_type: "auth" };
      const voip_carrier_sid = await made(sandbox, "/VoipCarriers", trunk);
      await made(sandbox, "/SipGateways", { voip_carrier_sid, ipv4: "192.0.2.0", netmask: 28, inbound: true, outbound: false, port: 5060 });
      await made(sandbox, "/Clients", { account_sid, username: "desk", password: "desk-password", allow_direct_app_calling: false });
      await made(sandbox, "/Clients", { account_sid, username: "open" });
      const speech = {
        account_sid,
        service_provider_sid,
        vendor: "deepgram",
        label: "main",
        use_for_stt: true,
        api_key: "dg-secret-key-1",
      };
      await made(sandbox, `/Accounts/${account_sid}/SpeechCredentials`, speech);
      const key = (await sandbox.outside("POST", "/ApiKeys", { account_sid })).body.token as string;
      const variables = kind === "account" ? { ...target.variables, JAMBONZ_API_KEY: key } : target.variables;
      const stack = await TestStack.create(variables, { resources: [] });
      const adoption = new Adoption(stack, sandbox);
      try {
        const types = ["Account", "SpeechCredential", "VoipCarrier", "SipGateway", "Client"].flatMap((type) => [
          "--type",
          `jambonz:${type}`,
        ]);
        const told = await adoption.ok("export", "--out", "out", "--set-secrets", "--unprotected", ...types);
        const text = adoption.read("out", "index.ts");
        for (const secret of ["register-password", "desk-password", "dg-secret-key"])
          assert.ok(!text.includes(secret) && !told.includes(secret), secret);
        assert.match(told, /the platform does not tell password: `pulumi config set --secret acmeDeskPassword …`/);
        assert.doesNotMatch(told, /acmeOpenPassword/, "a client without a password has none to be told");
        assert.match(
          told,
          /tell apiKey: `pulumi config set --secret acmeDeepgramMainApiKey …` to the one that it has; another one is an error/,
        );
        assert.match(text, /new jambonz\.SpeechCredential\("acme-deepgram-main", \{[^]*?\}, \{ parent: acme \}\);/);
        assert.match(text, /new jambonz\.VoipCarrier\("acme-trunk", \{\s+name: "trunk",\s+trunkType: "auth",\s+accountSid: acme\.sid,/);
        assert.match(text, /voipCarrierSid: acmeTrunk\.sid,[^]*?\}, \{ parent: acmeTrunk, deletedWith: acmeTrunk \}\);/);
        assert.match(text, /new jambonz\.Client\("acme-desk", \{[^]*?\}, \{ parent: acme, ignoreChanges: \["password"\] \}\);/);
        assert.equal(
          /new jambonz\.VoipCarrier\("shared"/.test(text),
          kind === "service provider",
          "an account may not read a carrier of all",
        );
        await stack.ok(["config", "set", "--secret", "acmeDeskPassword", "another-password"]);
        await adoption.import("out", "--generate-code=false", "--protect=false");
        await stack.ok(["refresh", "--yes", "--skip-preview"]);
        adoption.use("out/index.ts");
        await stack.ok(["config", "set", "--secret", "acmeDeepgramMainApiKey", "dg-another-key1"]);
        assert.match((await stack.run(["up", "--yes", "--skip-preview"])).text, /apiKey is another one on the platform/);
        await stack.ok(["config", "set", "--secret", "acmeDeepgramMainApiKey", "dg-secret-key-1"]);
        sandbox.clearRequests();
        await stack.ok(["up", "--yes", "--skip-preview"]);
        assert.ok(
          asked(target).every((line) => line.startsWith("GET")),
          "a speech credential's key is compared only",
        );
        await adoption.hasNothingLeftToDo();
        assert.deepEqual(await adoption.wouldDestroy(), named(adoption.list("out")));
        if (kind === "account") return; // it may not delete the account of the key that it signs in with
        await stack.ok(["destroy", "--yes", "--skip-preview"]);
        assert.deepEqual([await carriersOf(target), await clientsOf(target)], [[], []]);
      } finally {
        stack.remove();
        await sandbox.stop();
      }
    });
  }
});
