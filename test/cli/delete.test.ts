import assert from "node:assert/strict";
import { dynamic, eitherDoor, plugin, through } from "../support/doors";
import { accountsOf, asked, holder, jambonzTarget, keysOf, limitsOf, made, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

const hook = { url: "https://app.example.com", method: "POST" };
const destroy = ["destroy", "--yes", "--skip-preview"];

for (const [door, kind] of [
  [dynamic, "admin"],
  [plugin, "service provider"],
] as const) {
  describe(`deleting through the ${door.title} with a key of ${holder[kind]}`, () => {
    through(door);
    let target: Target;
    let stack: TestStack;
    const names = ["full", "held", "pointed", "routed"];
    /** Accounts with a key each; what is in them besides, Pulumi knows nothing of. */
    const program = (args: object = {}): Declared[] =>
      names.flatMap((name): Declared[] => [
        { type: "jambonz:Account", name, args: { serviceProviderSid: target.serviceProviderSid, ...args } },
        { type: "jambonz:ApiKey", name: `${name}-key`, args: { accountSid: { $ref: `${name}.sid` } }, opts: { deletedWith: name } },
      ]);
    const sid = async (name: string) => (await accountsOf(target))[name].account_sid as string;
    const writes = () => asked(target).filter((request) => !request.startsWith("GET "));

    before(async () => {
      target = await jambonzTarget(kind);
      stack = await TestStack.create(target.variables, { resources: program() }, { door });
      await stack.up();
    });
    beforeEach(() => target.sandbox.clearRequests());
    after(async () => {
      stack?.remove();
      await target?.sandbox.stop();
    });

    /** Every deletion is refused, each for this reason. */
    async function refused(reasons: RegExp[]): Promise<void> {
      const text = (await stack.fails([...destroy, "--continue-on-error"])).replace(/\s+/g, " ");
      for (const reason of reasons) assert.match(text, reason);
      assert.deepEqual(writes(), [], "nothing was changed");
      const rows = Object.values(await accountsOf(target)) as { account_sid: string }[];
      for (const { account_sid } of rows) assert.equal((await keysOf(target, account_sid)).length, 1, "its key works still");
      const left = Object.keys(await stack.resources()).filter((resource) => resource.startsWith("jambonz:Account"));
      assert.deepEqual(
        left.sort(),
        names.map((name) => `jambonz:Account ${name}`),
      );
    }

    it("leaves other limits and other keys alone", async () => {
      const account_sid = await sid("held");
      await target.sandbox.outside("POST", `/Accounts/${account_sid}/Limits`, { category: "api_rate", quantity: 1 });
      const limit = { accountSid: { $ref: "held.sid" }, category: "device", quantity: 3 };
      stack.write({ resources: [...program(), { type: "jambonz:Limit", name: "limit", args: limit }] });
      await stack.up();
      stack.write({ resources: program() });
      await stack.up();
      assert.deepEqual(await limitsOf(target, account_sid), { api_rate: 1 });
      assert.equal((await keysOf(target, account_sid)).length, 1);
    });

    let entry: string;

    it("is refused while something would be lost with an account, or holds it, and lists it", async () => {
      const { serviceProviderSid: service_provider_sid } = target;
      const app = async (account_sid: string) =>
        made(target.sandbox, "/Applications", { name: "ivr", account_sid, call_hook: hook, call_status_hook: hook });
      const carrier = async (account_sid: string) =>
        made(target.sandbox, "/VoipCarriers", { name: `trunk ${account_sid}`, account_sid, service_provider_sid });

      const full = await sid("full");
      await app(full);
      await made(target.sandbox, "/PhoneNumbers", { number: "15551234567", voip_carrier_sid: await carrier(full), account_sid: full });
      const ann = { name: "ann", email: "ann@example.com", initial_password: "Passw0rd!x" };
      await made(target.sandbox, "/Users", { ...ann, account_sid: full, service_provider_sid });
      const speech = { vendor: "deepgram", use_for_stt: true, use_for_tts: false, api_key: "dg-key", account_sid: full };
      await made(target.sandbox, `/Accounts/${full}/SpeechCredentials`, speech);

      await made(target.sandbox, "/Clients", { account_sid: await sid("held"), username: "desk1", password: "secret-pw" });

      const pointed = await sid("pointed");
      await target.sandbox.outside("PUT", `/Accounts/${pointed}`, { device_calling_application_sid: await app(pointed) });

      const voip_carrier_sid = await carrier(await sid("routed"));
      await made(target.sandbox, "/SmppGateways", { voip_carrier_sid, ipv4: "192.0.2.1" });
      const lcr_sid = await made(target.sandbox, "/Lcrs", { name: "routes", service_provider_sid });
      const lcr_route_sid = await made(target.sandbox, "/LcrRoutes", { lcr_sid, regex: "^1", priority: 1 });
      entry = await made(target.sandbox, "/LcrCarrierSetEntries", { lcr_route_sid, voip_carrier_sid });

      await refused([
        /would also delete 1 application \(ivr\), 1 phone number \(15551234567\), 1 carrier \(trunk [\w-]+\), 1 user \(ann\), 1 speech credential \(deepgram\); remove that first, or deploy forceDestroy: true before/,
        /would also delete 1 SIP client \(desk1\); remove that first/,
        /would also delete 1 application \(ivr\); remove that first/,
        new RegExp(`while there is 1 entry of another LCR that uses its carriers \\(${entry}\\); remove that first`),
      ]);
    });

    it("with forceDestroy is refused only where the platform could not do it", async () => {
      stack.write({ resources: program({ forceDestroy: true }) });
      await stack.up();
      // Pulumi forgets what goes with an account as soon as it tries to delete the account, so the keys are made anew.
      assert.deepEqual(
        writes(),
        names.map(() => "POST /ApiKeys"),
        "the flag alone sends nothing",
      );
      const text = (await stack.fails([...destroy, "--continue-on-error"])).replace(/\s+/g, " ");
      assert.match(text, /1 entry of another LCR/);
      assert.doesNotMatch(text, /15551234567|desk1/);
      assert.deepEqual(Object.keys(await accountsOf(target)), ["routed"]);
    });

    it("takes everything along as soon as nothing holds it", async () => {
      await target.sandbox.outside("DELETE", `/LcrCarrierSetEntries/${entry}`);
      target.sandbox.clearRequests();
      await stack.ok(destroy);
      assert.deepEqual(writes(), ["DELETE /VoipCarriers/:sid", "DELETE /Accounts/:sid"], "its gateway goes with the carrier");
      assert.deepEqual(await accountsOf(target), {});
      assert.deepEqual(await stack.resources(), {});
    });

    it("leaves alone the key that it runs with", async () => {
      const { serviceProviderSid } = target;
      const { body } = await target.sandbox.outside("POST", "/ApiKeys", { service_provider_sid: serviceProviderSid });
      const { sid: keySid, token } = body as { sid: string; token: string };
      await door.adopt(stack, [{ type: "jambonz:ApiKey", name: "own", id: `ServiceProviders/${serviceProviderSid}/ApiKeys/${keySid}` }]);
      stack.write({ resources: [] });
      stack.platform = { ...target.variables, JAMBONZ_API_KEY: token };
      assert.match(
        (await stack.fails(["up", "--yes", "--skip-preview"])).replace(/\s+/g, " "),
        /it is the key that the provider itself uses; run with another key to delete it/,
      );
      stack.platform = target.variables;
      await stack.up();
    });
  });
}

describe("DNS records of a realm", () => {
  const door = eitherDoor();
  let target: Target;
  let stack: TestStack;

  afterEach(async () => {
    stack?.remove();
    await target?.sandbox.stop();
  });

  const program = (realm: string, withKey = true): Declared[] => [
    { type: "jambonz:Account", name: "acme", args: { serviceProviderSid: target.serviceProviderSid } },
    { type: "jambonz:ApiKey", name: "key", args: { accountSid: { $ref: "acme.sid" } } },
    {
      type: "jambonz:SipRealm",
      name: "realm",
      args: { accountSid: { $ref: "acme.sid" }, realm, ...(withKey ? { accountApiKey: { $ref: "key.token" } } : {}) },
    },
  ];
  const dns = async () => (await stack.resources())["jambonz:SipRealm realm"]!.outputs.dns as string;
  const writes = () => asked(target).filter((request) => !request.startsWith("GET "));

  it("are made with the account's key, follow a change, and do not keep the account from being deleted", async () => {
    target = await jambonzTarget("admin", { dns: "managed" });
    stack = await TestStack.create(target.variables, { resources: program("acme.sip.example.com") }, { door });
    await stack.up();
    assert.equal(await dns(), "managed");
    stack.write({ resources: program("pbx.sip.example.com") });
    target.sandbox.clearRequests();
    await stack.up();
    assert.deepEqual(writes(), ["POST /Accounts/:sid/SipRealms/pbx.sip.example.com"]);
    await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual(await accountsOf(target), {});
  });

  it("that the platform failed to make leave the realm in state, are told, and are tried again", async () => {
    target = await jambonzTarget("admin");
    stack = await TestStack.create(target.variables, { resources: program("acme.sip.example.com") }, { door });
    const text = await stack.fails(["up", "--yes", "--skip-preview"]);
    assert.match(
      text.replace(/\s+/g, " "),
      /the realm acme\.sip\.example\.com is set, but the platform made no DNS records for it: no SBC addresses provisioned in the database!/,
    );
    assert.equal(await dns(), "missing");
    assert.equal((await accountsOf(target)).acme.sip_realm, "acme.sip.example.com");
    await stack.ok(["refresh", "--yes", "--skip-preview"]);
    assert.deepEqual(await stack.plan(), ["update realm"], "also after a refresh");
    target.sandbox.clearRequests();
    await stack.fails(["up", "--yes", "--skip-preview"]);
    assert.deepEqual(writes(), ["POST /Accounts/:sid/SipRealms/acme.sip.example.com"]);
    stack.write({ resources: program("acme.sip.example.com", false) });
    target.sandbox.clearRequests();
    await stack.up();
    assert.deepEqual(writes(), ["PUT /Accounts/:sid"], "without the key they are no longer asked for");
    assert.equal(await dns(), "none");
    assert.deepEqual(await stack.plan(), []);
  });

  it("of an account whose realm is gone: the refusal says what to do", async () => {
    target = await jambonzTarget("admin", { dns: "managed" });
    stack = await TestStack.create(target.variables, { resources: program("acme.sip.example.com") }, { door });
    await stack.up();
    stack.write({ resources: program("acme.sip.example.com").slice(0, 2) });
    await stack.up();
    const text = await stack.fails(["destroy", "--yes", "--skip-preview"]);
    assert.match(text.replace(/\s+/g, " "), /has DNS records for this account .* set sipRealm to the realm it had, and delete it then/);
    stack.write({
      resources: [{ ...program("x")[0]!, args: { serviceProviderSid: target.serviceProviderSid, sipRealm: "acme.sip.example.com" } }],
    });
    await stack.up();
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual(await accountsOf(target), {});
  });

  it("are made for the account whose own key the provider has", async () => {
    target = await jambonzTarget("admin", { dns: "managed" });
    const accountSid = await made(target.sandbox, "/Accounts", { name: "acme", service_provider_sid: target.serviceProviderSid });
    const { body } = await target.sandbox.outside("POST", "/ApiKeys", { account_sid: accountSid });
    const own = { ...target.variables, JAMBONZ_API_KEY: (body as { token: string }).token };
    const resources = [{ type: "jambonz:SipRealm", name: "realm", args: { accountSid, realm: "acme.sip.example.com" } }];
    stack = await TestStack.create(own, { resources }, { door });
    await stack.up();
    assert.equal(await dns(), "managed");
    await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.equal((await accountsOf(target)).acme.sip_realm, null);
  });
});
