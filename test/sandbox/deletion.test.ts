import assert from "node:assert/strict";
import { startSandbox, type Sandbox } from "../../sandbox/src";
import { create, createAccount, createApplication, createKey, createProvider, outcome, send } from "./client";

const held = (child: string, constraint: string) =>
  new RegExp(`^Cannot delete or update a parent row: .*\`jambones_test\`\\.\`${child}\`, CONSTRAINT \`${constraint}\` FOREIGN KEY`);

describe("what holds an account back, and what goes with it", () => {
  let sandbox: Sandbox;
  let provider: string, account: string;

  before(async () => {
    sandbox = await startSandbox({ rateLimit: false });
    provider = await createProvider(sandbox);
  });
  beforeEach(async () => (account = await createAccount(sandbox, provider)));
  after(() => sandbox.stop());

  const remove = (path: string) => send(sandbox, "DELETE", path);
  const list = async (path: string) => (await send(sandbox, "GET", path)).body as unknown[];

  it("goes along: keys, limits, users, numbers, applications, carriers with their SIP gateways, tenants, speech credentials", async () => {
    await createKey(sandbox, { account_sid: account });
    await send(sandbox, "POST", `/Accounts/${account}/Limits`, { category: "device", quantity: 1 });
    const application = await createApplication(sandbox, account);
    const carrier = await create(sandbox, "/VoipCarriers", { name: "trunk", account_sid: account, application_sid: application });
    const gateway = await create(sandbox, "/SipGateways", { voip_carrier_sid: carrier, ipv4: "192.0.2.1", inbound: 1, outbound: 1 });
    const number = await create(sandbox, "/PhoneNumbers", { number: "111", account_sid: account, application_sid: application });
    const user = { name: "u", email: "u@example.com", initial_password: "Passw0rd!", account_sid: account, service_provider_sid: provider };
    await create(sandbox, "/Users", user);
    const tenant = { service_provider_sid: provider, account_sid: account, tenant_fqdn: "t.example.com" };
    await create(sandbox, "/MicrosoftTeamsTenants", tenant);
    const credential = { vendor: "nvidia", riva_server_uri: "riva.example.com", account_sid: account };
    await create(sandbox, `/Accounts/${account}/SpeechCredentials`, credential);
    assert.deepEqual(outcome(await remove(`/Accounts/${account}`)), [204, ""]);
    for (const path of [`/Applications/${application}`, `/VoipCarriers/${carrier}`, `/SipGateways/${gateway}`, `/PhoneNumbers/${number}`]) {
      assert.equal((await send(sandbox, "GET", path)).status, 404, path);
    }
    assert.deepEqual(await list(`/Accounts/${account}/Limits`), []);
    assert.deepEqual(await list("/MicrosoftTeamsTenants"), []);
    assert.equal((await list("/Users")).length, 1);
  });

  it("stays behind: the LCR", async () => {
    const lcr = await create(sandbox, "/Lcrs", { name: "routes", account_sid: account });
    assert.equal((await remove(`/Accounts/${account}`)).status, 204);
    assert.equal((await send(sandbox, "GET", `/Lcrs/${lcr}`)).body.account_sid, account);
    assert.equal((await remove(`/Lcrs/${lcr}`)).status, 204);
  });

  it("a SIP client holds it back, when everything else is gone already", async () => {
    const key = await createKey(sandbox, { account_sid: account });
    const application = await createApplication(sandbox, account);
    const client = await create(sandbox, "/Clients", { account_sid: account, username: "desk" });
    const refusal = await remove(`/Accounts/${account}`);
    assert.equal(refusal.status, 500);
    assert.match(refusal.body.msg, held("clients", "account_sid_idxfk_13"));
    assert.equal((await send(sandbox, "GET", "/Accounts", undefined, key)).status, 401);
    assert.equal((await send(sandbox, "GET", `/Applications/${application}`)).status, 404);
    await remove(`/Clients/${client}`);
    assert.equal((await remove(`/Accounts/${account}`)).status, 204);
  });

  for (const pointer of ["device_calling_application_sid", "siprec_hook_sid"]) {
    it(`its own ${pointer} holds it back until it is cleared`, async () => {
      const application = await createApplication(sandbox, account);
      await send(sandbox, "PUT", `/Accounts/${account}`, { [pointer]: application });
      for (const path of [`/Accounts/${account}`, `/Applications/${application}`]) {
        const refusal = await remove(path);
        assert.equal(refusal.status, 500);
        assert.match(refusal.body.msg, held("accounts", `${pointer.replace("_sid", "")}_sid_idxfk`));
      }
      await send(sandbox, "PUT", `/Accounts/${account}`, { [pointer]: null });
      assert.equal((await remove(`/Accounts/${account}`)).status, 204);
    });
  }

  it("an LCR entry on its carrier holds it back", async () => {
    const carrier = await create(sandbox, "/VoipCarriers", { name: "trunk", account_sid: account });
    const lcr = await create(sandbox, "/Lcrs", { name: "routes", service_provider_sid: provider });
    const route = await create(sandbox, "/LcrRoutes", { lcr_sid: lcr, regex: ".*", priority: 1 });
    await create(sandbox, "/LcrCarrierSetEntries", { lcr_route_sid: route, voip_carrier_sid: carrier });
    for (const path of [`/Accounts/${account}`, `/VoipCarriers/${carrier}`]) {
      const refusal = await remove(path);
      assert.equal(refusal.status, 500);
      assert.match(refusal.body.msg, held("lcr_carrier_set_entry", "voip_carrier_sid_idxfk_3"));
    }
    assert.equal((await remove(`/Lcrs/${lcr}`)).status, 204);
    assert.deepEqual(await list(`/LcrCarrierSetEntries?lcr_route_sid=${route}`), []);
    assert.equal((await remove(`/Accounts/${account}`)).status, 204);
  });

  it("an SMPP gateway of its carrier and a number of another account on it hold it back", async () => {
    const carrier = await create(sandbox, "/VoipCarriers", { name: "trunk", account_sid: account });
    const gateway = await create(sandbox, "/SmppGateways", { voip_carrier_sid: carrier, ipv4: "192.0.2.1" });
    assert.match((await remove(`/Accounts/${account}`)).body.msg, held("smpp_gateways", "voip_carrier_sid_idxfk"));
    await remove(`/SmppGateways/${gateway}`);
    const number = await create(sandbox, "/PhoneNumbers", { number: "111", voip_carrier_sid: carrier });
    assert.match((await remove(`/Accounts/${account}`)).body.msg, held("phone_numbers", "voip_carrier_sid_idxfk_1"));
    await remove(`/PhoneNumbers/${number}`);
    assert.equal((await remove(`/Accounts/${account}`)).status, 204);
  });

  it("a service provider stays while it has accounts or users, and loses its keys when something else holds it back", async () => {
    const own = await createProvider(sandbox);
    const key = await createKey(sandbox, { service_provider_sid: own });
    const user = { name: "sp", email: "sp@example.com", initial_password: "Passw0rd!", service_provider_sid: own };
    const userSid = await create(sandbox, "/Users", user);
    assert.deepEqual(outcome(await remove(`/ServiceProviders/${own}`)), [403, "insufficient privileges"]);
    await remove(`/Users/${userSid}`);
    const sbc = await create(sandbox, "/Sbcs", { ipv4: "192.0.2.1", service_provider_sid: own });
    assert.match((await remove(`/ServiceProviders/${own}`)).body.msg, held("sbc_addresses", "service_provider_sid_idxfk_1"));
    assert.equal((await send(sandbox, "GET", "/ServiceProviders", undefined, key)).status, 401);
    await remove(`/Sbcs/${sbc}`);
    assert.equal((await remove(`/ServiceProviders/${own}`)).status, 204);
    assert.deepEqual(outcome(await remove(`/ServiceProviders/${own}`)), [404, "Not Found"]);
  });

  it("the last active administrator cannot be deleted", async () => {
    const [admin] = (await list("/Users")) as { user_sid: string }[];
    assert.deepEqual(outcome(await remove(`/Users/${admin!.user_sid}`)), [400, "Bad request"]);
    await assert.doesNotReject(create(sandbox, "/Users", { name: "second", email: "2@example.com", initial_password: "Passw0rd!" }));
    assert.equal((await remove(`/Users/${admin!.user_sid}`)).status, 204);
  });

  it("many deletes at once: each account goes once, with all that is its own", async () => {
    const accounts = await Promise.all(Array.from({ length: 20 }, () => createAccount(sandbox, provider)));
    await Promise.all(accounts.map((sid) => createApplication(sandbox, sid)));
    const answers = await Promise.all([...accounts, ...accounts].map((sid) => remove(`/Accounts/${sid}`)));
    const gone = await Promise.all(accounts.map((sid) => send(sandbox, "GET", `/Accounts/${sid}`)));
    assert.ok(gone.every(({ status }) => status === 404));
    // Two deletes of one account at once may both find it still there: each statement of the second does nothing.
    assert.ok(answers.every(({ status, body }) => status === 204 || /^Cannot destructure/.test(body.msg)));
    assert.ok(answers.filter(({ status }) => status === 204).length >= accounts.length);
  });
});

describe("a realm that an account sets itself, where DNS records are kept", () => {
  let sandbox: Sandbox;
  let account: string, key: string;

  before(async () => (sandbox = await startSandbox({ dns: "managed" })));
  beforeEach(async () => {
    account = await createAccount(sandbox, await createProvider(sandbox));
    key = await createKey(sandbox, { account_sid: account });
  });
  after(() => sandbox.stop());

  const setRealm = (realm: string) => send(sandbox, "POST", `/Accounts/${account}/SipRealms/${realm}`, undefined, key);

  it("an account with records whose realm was cleared cannot be deleted until it has one again", async () => {
    assert.equal((await setRealm("One.sip.example.com")).status, 204);
    await send(sandbox, "PUT", `/Accounts/${account}`, { sip_realm: null });
    assert.deepEqual(outcome(await send(sandbox, "DELETE", `/Accounts/${account}`)), [400, "invalid sip_realm: null"]);
    assert.equal((await send(sandbox, "GET", `/Accounts/${account}/ApiKeys`)).body.length, 1);
    await send(sandbox, "PUT", `/Accounts/${account}`, { sip_realm: "two.labels" });
    assert.deepEqual(outcome(await send(sandbox, "DELETE", `/Accounts/${account}`)), [400, "invalid sip_realm: two.labels"]);
    await send(sandbox, "PUT", `/Accounts/${account}`, { sip_realm: "one.sip.example.com" });
    assert.equal((await send(sandbox, "DELETE", `/Accounts/${account}`)).status, 204);
  });

  it("an account without records goes with any realm", async () => {
    await send(sandbox, "PUT", `/Accounts/${account}`, { sip_realm: "two.labels" });
    assert.equal((await send(sandbox, "DELETE", `/Accounts/${account}`)).status, 204);
  });

  it("a realm is taken whatever its case, and its text says what was asked for", async () => {
    await setRealm("Mine.sip.example.com");
    const provider = await createProvider(sandbox);
    const taken = await send(sandbox, "POST", "/Accounts", {
      name: "x",
      service_provider_sid: provider,
      sip_realm: "mine.SIP.example.com",
    });
    assert.deepEqual(outcome(taken), [422, "Duplicate entry 'mine.sip.example.com' for key 'sip_realm'"]);
    const available = (value: string) => send(sandbox, "GET", `/Availability?type=subdomain&value=${value}`);
    assert.deepEqual((await available("MINE.sip.example.com")).body, { available: false });
    assert.deepEqual(outcome(await send(sandbox, "GET", "/Availability?type=nope&value=x")), [400, "invalid type: nope"]);
  });
});
