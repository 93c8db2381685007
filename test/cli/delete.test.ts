import assert from "node:assert/strict";
import { accountsOf, asked, jambonzTarget, keyKinds, keysOf, limitsOf, made, tenant, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

const hook = { url: "https://app.example.com", method: "POST" };

for (const kind of keyKinds) {
  describe(`deleting with a key of ${kind === "admin" ? "an admin" : "a service provider"}`, () => {
    let target: Target;
    let stack: TestStack;
    const account = (args: object = {}): Declared => ({
      type: "jambonz:Account",
      name: "acme",
      args: { serviceProviderSid: target.serviceProviderSid, ...args },
    });
    const key: Declared = {
      type: "jambonz:ApiKey",
      name: "key",
      args: { accountSid: { $ref: "acme.sid" } },
      opts: { deletedWith: "acme" },
    };
    const sid = async () => (await accountsOf(target)).acme.account_sid as string;
    const destroy = ["destroy", "--yes", "--skip-preview"];

    beforeEach(async () => {
      target = await jambonzTarget(kind);
      stack = await TestStack.create(target.variables, { resources: [account(), key] });
      await stack.up();
      target.sandbox.clearRequests();
    });
    afterEach(async () => {
      stack.remove();
      await target.sandbox.stop();
    });

    async function refused(pattern: RegExp): Promise<void> {
      const text = await stack.fails(destroy);
      assert.match(text.replace(/\s+/g, " "), pattern);
      assert.deepEqual(
        asked(target).filter((request) => !request.startsWith("GET ")),
        [],
        "nothing was changed",
      );
      assert.equal((await keysOf(target, await sid())).length, 1, "its key works still");
      assert.ok("jambonz:Account acme" in (await stack.resources()));
    }

    it("is refused while something would be lost with the account, and lists it", async () => {
      const account_sid = await sid();
      await made(target.sandbox, "/Applications", { name: "ivr", account_sid, call_hook: hook, call_status_hook: hook });
      const carrier = await made(target.sandbox, "/VoipCarriers", {
        name: "trunk",
        account_sid,
        service_provider_sid: target.serviceProviderSid,
      });
      await made(target.sandbox, "/PhoneNumbers", { number: "15551234567", voip_carrier_sid: carrier, account_sid });
      await made(target.sandbox, "/Users", {
        name: "ann",
        email: "ann@example.com",
        initial_password: "Passw0rd!x",
        account_sid,
        service_provider_sid: target.serviceProviderSid,
      });
      await made(target.sandbox, `/Accounts/${account_sid}/SpeechCredentials`, {
        vendor: "deepgram",
        use_for_stt: true,
        use_for_tts: false,
        api_key: "dg-key",
        account_sid,
      });
      await refused(
        /would also delete 1 application \(ivr\), 1 phone number \(15551234567\), 1 carrier \(trunk\), 1 user \(ann\), 1 speech credential \(deepgram\); remove that first, or deploy forceDestroy: true before/,
      );
      stack.write({ resources: [account({ forceDestroy: true }), key] });
      target.sandbox.clearRequests();
      await stack.up();
      // Pulumi forgets what goes with an account as soon as it tries to delete the account, so the key is made anew.
      assert.deepEqual(
        asked(target).filter((request) => !request.startsWith("GET ")),
        ["POST /ApiKeys"],
        "the flag alone sends nothing",
      );
      await stack.ok(destroy);
      assert.deepEqual(await accountsOf(target), {});
    });

    it("is refused while a SIP client holds the account, also with forceDestroy", async () => {
      stack.write({ resources: [account({ forceDestroy: true }), key] });
      await stack.up();
      target.sandbox.clearRequests();
      const client = await made(target.sandbox, "/Clients", { account_sid: await sid(), username: "desk1", password: "secret-pw" });
      await refused(/the platform cannot delete an account with 1 SIP client \(desk1\); remove that first/);
      await target.sandbox.outside("DELETE", `/Clients/${client}`);
      await stack.ok(destroy);
    });

    it("is refused while a pointer to one of its applications holds it", async () => {
      const account_sid = await sid();
      const application = await made(target.sandbox, "/Applications", {
        name: "ivr",
        account_sid,
        call_hook: hook,
        call_status_hook: hook,
      });
      await target.sandbox.outside("PUT", `/Accounts/${account_sid}`, { device_calling_application_sid: application });
      await refused(/1 account whose deviceCallingApplicationSid is one of its applications \(acme\)/);
    });

    it("is refused while an SMPP gateway or an LCR entry holds it", async () => {
      const account_sid = await sid();
      const carrier = await made(target.sandbox, "/VoipCarriers", {
        name: "trunk",
        account_sid,
        service_provider_sid: target.serviceProviderSid,
      });
      const gateway = await made(target.sandbox, "/SmppGateways", { voip_carrier_sid: carrier, ipv4: "192.0.2.1" });
      const lcr = await made(target.sandbox, "/Lcrs", { name: "routes", service_provider_sid: target.serviceProviderSid });
      const route = await made(target.sandbox, "/LcrRoutes", { lcr_sid: lcr, regex: "^1", priority: 1 });
      const entry = await made(target.sandbox, "/LcrCarrierSetEntries", { lcr_route_sid: route, voip_carrier_sid: carrier });
      await refused(new RegExp(`1 SMPP gateway \\(${gateway}\\), 1 LCR entry \\(${entry}\\); remove that first`));
    });

    it("takes only the account along, where its parts go with it", async () => {
      await stack.ok(destroy);
      assert.deepEqual(
        asked(target).filter((request) => !request.startsWith("GET ")),
        ["DELETE /Accounts/:sid"],
      );
      assert.deepEqual(await stack.resources(), {});
    });

    it("succeeds for what is already gone", async () => {
      await target.sandbox.outside("DELETE", `/Accounts/${await sid()}`);
      await stack.ok(destroy);
      assert.deepEqual(await stack.resources(), {});
    });

    it("succeeds piece by piece for what is already gone", async () => {
      stack.write({ resources: tenant(target, "globex") });
      await stack.up();
      const { globex } = await accountsOf(target);
      await target.sandbox.outside("DELETE", `/Accounts/${globex.account_sid}`);
      await stack.ok(destroy);
      assert.deepEqual(await stack.resources(), {});
    });

    it("never wipes other limits, nor other keys", async () => {
      const account_sid = await sid();
      await target.sandbox.outside("POST", `/Accounts/${account_sid}/Limits`, { category: "api_rate", quantity: 1 });
      stack.write({
        resources: [
          account(),
          key,
          { type: "jambonz:Limit", name: "limit", args: { accountSid: { $ref: "acme.sid" }, category: "device", quantity: 3 } },
        ],
      });
      await stack.up();
      stack.write({ resources: [account(), key] });
      await stack.up();
      assert.deepEqual(await limitsOf(target, account_sid), { api_rate: 1 });
      assert.equal((await keysOf(target, account_sid)).length, 1);
    });

    it("leaves alone the key that it runs with", async () => {
      const { body } = await target.sandbox.outside(
        "POST",
        "/ApiKeys",
        kind === "admin" ? {} : { service_provider_sid: target.serviceProviderSid },
      );
      const { sid: keySid, token } = body as { sid: string; token: string };
      const id = kind === "admin" ? `ApiKeys/${keySid}` : `ServiceProviders/${target.serviceProviderSid}/ApiKeys/${keySid}`;
      const state = await stack.state(true);
      const [first] = (await stack.state()).deployment.resources!.filter(({ type }) => type.endsWith("ApiKey"));
      const provider = state.deployment.resources!.find(({ urn }) => urn === first!.urn)!;
      const inputs = {
        __provider: provider.inputs.__provider as string,
        ...(kind === "admin" ? { admin: true } : { serviceProviderSid: target.serviceProviderSid }),
      };
      const own = {
        ...provider,
        urn: first!.urn.replace("::key", "::own"),
        id,
        inputs,
        outputs: { ...inputs, sid: keySid, token },
        dependencies: [],
        deletedWith: undefined,
        propertyDependencies: {},
      };
      state.deployment.resources!.push(own);
      await stack.ok(["stack", "import", "--force"], JSON.stringify(state));
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
  let target: Target;
  let stack: TestStack;

  afterEach(async () => {
    stack.remove();
    await target.sandbox.stop();
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
    stack = await TestStack.create(target.variables, { resources: program("acme.sip.example.com") });
    await stack.up();
    assert.equal(await dns(), "managed");
    stack.write({ resources: program("pbx.sip.example.com") });
    target.sandbox.clearRequests();
    await stack.up();
    assert.deepEqual(writes(), ["POST /Accounts/:sid/SipRealms/pbx.sip.example.com"]);
    assert.match(await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]), /4 unchanged/);
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual(await accountsOf(target), {});
  });

  it("that the platform failed to make leave the realm in state, are told, and are tried again", async () => {
    target = await jambonzTarget("admin");
    stack = await TestStack.create(target.variables, { resources: program("acme.sip.example.com") });
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
    stack = await TestStack.create(target.variables, { resources: program("acme.sip.example.com") });
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
    stack = await TestStack.create(own, {
      resources: [{ type: "jambonz:SipRealm", name: "realm", args: { accountSid, realm: "acme.sip.example.com" } }],
    });
    await stack.up();
    assert.equal(await dns(), "managed");
    assert.match(await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]), /2 unchanged/);
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.equal((await accountsOf(target)).acme.sip_realm, null);
  });
});
