import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { startSandbox, type Sandbox } from "../../sandbox/src";
import { admin, Sessions } from "../../sandbox/src/jambonz/auth";
import { create, createAccount, createApplication, createKey, createProvider, outcome, send } from "./client";

const gone = "22222222-2222-4222-8222-222222222222";

describe("what each kind of key may do", () => {
  let sandbox: Sandbox;
  let provider: string, otherProvider: string, account: string, sibling: string, foreign: string;
  let providerKey: string, accountKey: string;

  before(async () => {
    sandbox = await startSandbox({ rateLimit: false });
    provider = await createProvider(sandbox);
    otherProvider = await createProvider(sandbox);
    account = await createAccount(sandbox, provider);
    sibling = await createAccount(sandbox, provider);
    foreign = await createAccount(sandbox, otherProvider);
    providerKey = await createKey(sandbox, { service_provider_sid: provider });
    accountKey = await createKey(sandbox, { account_sid: account });
  });
  after(() => sandbox.stop());

  const as = (key: string) => (method: string, path: string, body?: unknown) => send(sandbox, method, path, body, key);

  it("a fresh sandbox has the default service provider and the default account in it", async () => {
    const fresh = await startSandbox();
    try {
      const providers = (await send(fresh, "GET", "/ServiceProviders")).body;
      const accounts = (await send(fresh, "GET", "/Accounts")).body;
      assert.deepEqual(
        providers.map(({ name }: { name: string }) => name),
        ["default service provider"],
      );
      assert.deepEqual(
        accounts.map((row: any) => [row.name, row.service_provider_sid]),
        [["default account", providers[0].service_provider_sid]],
      );
      assert.match(fresh.adminKey, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/);
      assert.notEqual(fresh.adminKey, "38700987-c7a4-4685-a5bb-af378f9734de");
    } finally {
      await fresh.stop();
    }
  });

  it("lists of accounts show what is the key's own", async () => {
    const sids = async (key: string) => (await as(key)("GET", "/Accounts")).body.map((row: any) => row.account_sid);
    assert.deepEqual(await sids(providerKey), [account, sibling].sort());
    assert.deepEqual(await sids(accountKey), [account]);
  });

  it("to a service provider's key, an account that is gone is like a foreign one: 403", async () => {
    const request = as(providerKey);
    for (const sid of [gone, foreign]) {
      for (const [method, body] of [["GET"], ["PUT", { name: "x" }], ["DELETE"]] as [string, unknown?][]) {
        assert.deepEqual(outcome(await request(method, `/Accounts/${sid}`, body)), [403, "insufficient permissions"]);
      }
      for (const below of ["ApiKeys", "WebhookSecret", "Applications"]) {
        assert.equal((await request("GET", `/Accounts/${sid}/${below}`)).status, 403, below);
      }
      assert.deepEqual(outcome(await request("GET", `/Accounts/${sid}/Limits`)), [403, "insufficient privileges"]);
    }
  });

  it("an account's key may change and delete its account, and no other", async () => {
    const own = await createAccount(sandbox, provider);
    const request = as(await createKey(sandbox, { account_sid: own }));
    assert.equal((await request("PUT", `/Accounts/${own}`, { name: "renamed" })).status, 204);
    assert.deepEqual(outcome(await request("DELETE", `/Accounts/${sibling}`)), [403, "insufficient permissions"]);
    assert.equal((await request("DELETE", `/Accounts/${own}`)).status, 204);
    assert.equal((await request("GET", "/Accounts")).status, 401);
  });

  it("an account's key cannot make accounts; a service provider's makes them under itself", async () => {
    const body = { name: "new", service_provider_sid: otherProvider };
    assert.deepEqual(outcome(await as(accountKey)("POST", "/Accounts", body)), [403, "insufficient permissions"]);
    const { sid } = (await as(providerKey)("POST", "/Accounts", body)).body;
    const made = (await send(sandbox, "GET", `/Accounts/${sid}`)).body;
    assert.equal(made.service_provider_sid, provider);
    await send(sandbox, "DELETE", `/Accounts/${sid}`);
  });

  it("only administrators make and delete service providers", async () => {
    assert.deepEqual(outcome(await as(providerKey)("POST", "/ServiceProviders", { name: "x" })), [
      403,
      "only admin users can add a service provider",
    ]);
    assert.deepEqual(outcome(await as(providerKey)("DELETE", `/ServiceProviders/${provider}`)), [
      403,
      "only admin users can delete a service provider",
    ]);
    assert.deepEqual(outcome(await as(providerKey)("PUT", `/ServiceProviders/${otherProvider}`, { description: "x" })), [
      403,
      "insufficient permissions to update service provider",
    ]);
    assert.equal((await as(providerKey)("PUT", `/ServiceProviders/${provider}`, { description: "mine" })).status, 204);
  });

  it("an account's key sees no service provider", async () => {
    assert.deepEqual((await as(accountKey)("GET", "/ServiceProviders")).body, []);
    assert.equal((await as(accountKey)("GET", `/ServiceProviders/${provider}`)).status, 403);
    assert.deepEqual(
      (await as(providerKey)("GET", "/ServiceProviders")).body.map((row: any) => row.service_provider_sid),
      [provider],
    );
  });

  it("a service provider's key deletes keys of accounts, but neither admin keys nor those of other service providers", async () => {
    const request = as(providerKey);
    const sidOf = async (owner: object) => (await send(sandbox, "POST", "/ApiKeys", owner)).body.sid;
    assert.equal((await request("DELETE", `/ApiKeys/${await sidOf({ account_sid: sibling })}`)).status, 204);
    assert.deepEqual(outcome(await request("DELETE", `/ApiKeys/${await sidOf({})}`)), [
      400,
      "a service provider user may not delete an admin token",
    ]);
    assert.equal((await request("DELETE", `/ApiKeys/${await sidOf({ service_provider_sid: otherProvider })}`)).status, 400);
  });

  it("an account's key makes keys for itself and deletes its own only", async () => {
    const request = as(accountKey);
    const made = (await request("POST", "/ApiKeys", { account_sid: account })).body;
    assert.equal((await as(made.token)("GET", `/Accounts/${account}`)).status, 200);
    assert.equal((await request("DELETE", `/ApiKeys/${made.sid}`)).status, 204);
    const others = (await send(sandbox, "POST", "/ApiKeys", { account_sid: sibling })).body;
    assert.deepEqual(outcome(await request("DELETE", `/ApiKeys/${others.sid}`)), [
      400,
      "a user may not delete a token associated with a different account",
    ]);
  });

  it("an account's key raises its own limits", async () => {
    const limit = { category: "device", quantity: 3 };
    assert.equal((await as(accountKey)("POST", `/Accounts/${account}/Limits`, limit)).status, 201);
    assert.deepEqual(outcome(await as(accountKey)("POST", `/Accounts/${sibling}/Limits`, limit)), [403, "insufficient privileges"]);
    assert.deepEqual(outcome(await as(accountKey)("POST", `/ServiceProviders/${provider}/Limits`, limit)), [
      403,
      "insufficient privileges",
    ]);
    assert.equal((await as(providerKey)("POST", `/ServiceProviders/${provider}/Limits`, limit)).status, 201);
  });

  it("a malformed sid is a 400 in three shapes, and a 404 where nobody looks", async () => {
    assert.deepEqual((await send(sandbox, "GET", "/Accounts/nope")).body, { msg: "Bad request" });
    assert.deepEqual((await as(providerKey)("GET", "/Accounts/nope/Limits")).body, {
      status: "fail",
      message: "invalid AccountsSid format",
    });
    assert.deepEqual(outcome(await as(providerKey)("GET", "/ServiceProviders/nope/Limits")), [500, "invalid ServiceProvidersSid format"]);
    assert.deepEqual(outcome(await send(sandbox, "DELETE", "/ApiKeys/nope")), [404, "Not Found"]);
  });

  it("a query string straight behind a sid makes it malformed", async () => {
    assert.equal((await send(sandbox, "GET", `/Accounts/${account}?x=1`)).status, 400);
    assert.equal((await send(sandbox, "GET", `/Accounts/${account}/Limits?x=1`)).status, 200);
  });

  it("malformed JSON and bodies beyond 100 kB are refused before anybody is asked for a key", async () => {
    assert.equal((await send(sandbox, "POST", "/Accounts", "{", null)).status, 400);
    const long = JSON.stringify({ name: "x".repeat(110_000) });
    assert.deepEqual(outcome(await send(sandbox, "POST", "/Accounts", long, null)), [413, "request entity too large"]);
  });

  it("a token comes in the header, the query or the body, once", async () => {
    assert.equal((await send(sandbox, "GET", `/Accounts?access_token=${accountKey}`, undefined, null)).status, 200);
    assert.deepEqual(outcome(await send(sandbox, "GET", `/Accounts?access_token=${accountKey}`)), [400, "Bad Request"]);
    const shape = await fetch(`${sandbox.url}/Accounts`, { headers: { authorization: "Bearer" } });
    assert.equal(shape.status, 400);
  });

  it("clients: a service provider reaches those of its accounts, and its list leaves flags out", async () => {
    const client = await create(sandbox, "/Clients", { account_sid: account, username: "desk", password: "secret-1" });
    const other = await create(sandbox, "/Clients", { account_sid: foreign, username: "desk" });
    const list = (await as(providerKey)("GET", "/Clients")).body;
    assert.deepEqual(
      list.map((row: any) => [row.client_sid, row.password, "allow_direct_app_calling" in row]),
      [[client, "sXXXXXXX", false]],
    );
    assert.deepEqual(outcome(await as(providerKey)("GET", `/Clients/${other}`)), [404, "Not Found"]);
    assert.deepEqual(outcome(await as(providerKey)("POST", "/Clients", { account_sid: foreign, username: "x" })), [
      403,
      "insufficient permissions",
    ]);
    assert.equal((await send(sandbox, "GET", `/Clients/${other}`)).body.password, "{X");
    for (const sid of [client, other]) await send(sandbox, "DELETE", `/Clients/${sid}`);
  });

  it("applications: gone ones answer 404, 403 or 500, each kind of key its own", async () => {
    const put = (key: string) => as(key)("PUT", `/Applications/${gone}`, { name: "x" });
    assert.deepEqual(
      [(await put(sandbox.adminKey)).status, (await put(providerKey)).status, (await put(accountKey)).status],
      [404, 500, 403],
    );
    const remove = (key: string) => as(key)("DELETE", `/Applications/${gone}`);
    assert.deepEqual([(await remove(sandbox.adminKey)).status, (await remove(providerKey)).status], [500, 500]);
    assert.deepEqual(outcome(await remove(accountKey)), [400, "application does not exist"]);
  });

  it("carriers: a service provider's key cannot read one that does not name it", async () => {
    const carrier = await create(sandbox, "/VoipCarriers", { name: "trunk", account_sid: account });
    assert.deepEqual(outcome(await as(providerKey)("GET", `/VoipCarriers/${carrier}`)), [400, "insufficient privileges"]);
    assert.equal((await as(accountKey)("GET", `/VoipCarriers/${carrier}`)).status, 200);
    const own = (await as(providerKey)("POST", `/ServiceProviders/${provider}/VoipCarriers`, { name: "theirs" })).body.sid;
    assert.deepEqual(
      (await as(accountKey)("GET", "/VoipCarriers")).body.map((row: any) => row.voip_carrier_sid),
      [carrier, own].sort(),
    );
    assert.deepEqual(outcome(await as(providerKey)("POST", `/Accounts/${account}/VoipCarriers`, { name: "x" }))[0], 500);
    const derived = (await as(accountKey)("POST", `/Accounts/${account}/VoipCarriers`, { name: "derived" })).body.sid;
    assert.equal((await send(sandbox, "GET", `/VoipCarriers/${derived}`)).body.service_provider_sid, provider);
    for (const sid of [carrier, own, derived]) await send(sandbox, "DELETE", `/VoipCarriers/${sid}`);
  });

  it("gateways: an account may look at those of its service provider's carriers, and not change them", async () => {
    const carrier = await create(sandbox, "/VoipCarriers", { name: "trunk", service_provider_sid: provider });
    const gateway = { voip_carrier_sid: carrier, ipv4: "192.0.2.1", inbound: 0, outbound: 1 };
    await create(sandbox, "/SipGateways", gateway);
    assert.equal((await as(accountKey)("GET", `/SipGateways?voip_carrier_sid=${carrier}`)).body.length, 1);
    assert.deepEqual(outcome(await as(accountKey)("POST", "/SipGateways", gateway)), [403, "insufficient privileges"]);
    assert.equal((await as(providerKey)("POST", "/SipGateways", gateway)).status, 201);
    const unknown = { ...gateway, voip_carrier_sid: gone };
    assert.deepEqual(outcome(await as(providerKey)("POST", "/SipGateways", unknown)), [400, "invalid voip_carrier_sid"]);
    assert.match(outcome(await send(sandbox, "POST", "/SipGateways", unknown))[1]!, /`voip_carrier_sid_idxfk_2`/);
    assert.equal((await send(sandbox, "DELETE", `/VoipCarriers/${carrier}`)).status, 204);
  });

  it("numbers: a service provider lists those of its accounts", async () => {
    const assigned = await create(sandbox, "/PhoneNumbers", { number: "111", account_sid: account });
    const free = await create(sandbox, "/PhoneNumbers", { number: "222" });
    assert.deepEqual(
      (await as(providerKey)("GET", "/PhoneNumbers")).body.map((row: any) => row.number),
      ["111"],
    );
    assert.equal((await as(providerKey)("GET", `/PhoneNumbers/${free}`)).status, 200);
    assert.equal((await as(providerKey)("PUT", `/PhoneNumbers/${free}`, { account_sid: account })).status, 500);
    const paged = (await send(sandbox, "GET", "/PhoneNumbers?page=2&page_size=1")).body;
    assert.deepEqual([paged.total, paged.page, paged.page_size, paged.data[0].number], [2, 2, 1, "222"]);
    assert.equal((await send(sandbox, "GET", "/PhoneNumbers?page=1")).body.page_size, null);
    for (const sid of [assigned, free]) await send(sandbox, "DELETE", `/PhoneNumbers/${sid}`);
  });

  it("speech credentials: the owner comes from the token or the body, not from the path", async () => {
    const body = { vendor: "deepgram", use_for_stt: true, api_key: "a-long-api-key" };
    const { sid } = (await as(accountKey)("POST", `/Accounts/${account}/SpeechCredentials`, body)).body;
    const read = (await send(sandbox, "GET", `/Accounts/${account}/SpeechCredentials/${sid}`)).body;
    assert.deepEqual([read.account_sid, read.service_provider_sid, read.use_for_tts], [account, null, null]);
    assert.equal((await as(providerKey)("GET", `/Accounts/${account}/SpeechCredentials/${sid}`)).status, 403);
    assert.equal((await as(providerKey)("DELETE", `/Accounts/${account}/SpeechCredentials/${gone}`)).status, 500);
    assert.equal((await as(accountKey)("DELETE", `/Accounts/${account}/SpeechCredentials/${sid}`)).status, 204);
  });

  it("SBC addresses: only administrators write them, and the refusal is a 500", async () => {
    assert.equal((await as(providerKey)("POST", "/Sbcs", { ipv4: "192.0.2.9" })).status, 500);
    const common = await create(sandbox, "/Sbcs", { ipv4: "192.0.2.9" });
    assert.deepEqual(
      (await as(providerKey)("GET", "/Sbcs")).body.map((row: any) => row.sbc_address_sid),
      [common],
    );
    await send(sandbox, "DELETE", `/Sbcs/${common}`);
  });

  it("system settings: everybody reads the password rules, only administrators the system's", async () => {
    assert.equal((await as(accountKey)("GET", "/PasswordSettings")).status, 200);
    assert.deepEqual(outcome(await as(accountKey)("POST", "/PasswordSettings", {})), [403, "Forbidden"]);
    assert.deepEqual((await as(accountKey)("GET", "/SystemInformation")).body, { status: "fail", message: "insufficient privileges" });
    const saved = await send(sandbox, "POST", "/SystemInformation", { domain_name: "example.com" });
    assert.deepEqual([saved.status, saved.body.domain_name, saved.body.log_level], [201, "example.com", "info"]);
  });

  it("a request that brings the real process down gets no answer", async () => {
    await assert.rejects(send(sandbox, "POST", "/SystemInformation", { colour: "red" }));
    await assert.rejects(send(sandbox, "POST", "/Users", { name: "x", email: "x@example.com" }));
  });

  it("a user logs in, and the token is worth what the user is", async () => {
    const admin = (await send(sandbox, "POST", "/login", { username: "admin", password: "admin" }, null)).body;
    assert.deepEqual([admin.scope, admin.force_change], ["admin", true]);
    assert.equal((await as(admin.token)("GET", `/Accounts/${foreign}`)).status, 200);
    await create(sandbox, "/Users", {
      name: "alice",
      email: "alice@example.com",
      initial_password: "Passw0rd!",
      service_provider_sid: provider,
      account_sid: account,
      is_view_only: true,
    });
    const alice = (await send(sandbox, "POST", "/login", { username: "alice", password: "Passw0rd!" }, null)).body;
    assert.deepEqual([alice.scope, alice.account_sid, alice.permissions], ["account", account, ["VIEW_ONLY"]]);
    assert.deepEqual(
      (await as(alice.token)("GET", "/ServiceProviders")).body.map((row: any) => row.service_provider_sid),
      [provider],
    );
    assert.deepEqual(outcome(await as(alice.token)("PUT", `/Accounts/${account}`, {})), [403, "User has view-only access"]);
    assert.equal((await as(alice.token)("GET", "/Users/me")).body.user.name, "alice");
    assert.equal((await as(accountKey)("GET", "/Users/me")).status, 403);
    assert.equal((await as(`${alice.token}x`)("GET", "/Accounts")).status, 401);
  });

  it("a login's token expires, and counts only where it was made", () => {
    const sessions = new Sessions();
    assert.deepEqual(sessions.verify(sessions.sign(admin, 1)), admin);
    assert.equal(sessions.verify(sessions.sign(admin, -1)), undefined);
    assert.equal(new Sessions().verify(sessions.sign(admin, 1)), undefined);
  });

  it("six wrong passwords lock a user out", async () => {
    await create(sandbox, "/Users", { name: "bob", email: "bob@example.com", initial_password: "Passw0rd!" });
    const login = (password: string) => send(sandbox, "POST", "/login", { username: "bob", password }, null);
    for (let attempt = 1; attempt <= 5; attempt++) assert.deepEqual(outcome(await login("wrong")), [403, "Forbidden"]);
    assert.match((await login("wrong")).body.error, /^Maximum login attempts reached/);
    assert.match((await login("Passw0rd!")).body.error, /^Maximum login attempts reached/);
  });

  it("without a token, only what needs none answers", async () => {
    assert.equal((await send(sandbox, "GET", "/Nope", undefined, null)).status, 401);
    assert.equal((await send(sandbox, "POST", "/login", {}, null)).status, 400);
    assert.equal((await send(sandbox, "GET", `/Accounts/${account}`, undefined, randomUUID())).status, 401);
  });

  it("an application's hook is changed in place by its sid, or made anew", async () => {
    const application = await createApplication(sandbox, account);
    const read = async () => (await send(sandbox, "GET", `/Applications/${application}`)).body;
    const { webhook_sid } = (await read()).call_hook;
    await send(sandbox, "PUT", `/Applications/${application}`, { call_hook: { webhook_sid, url: "https://app.example.com/in-place" } });
    assert.deepEqual(
      [(await read()).call_hook.webhook_sid, (await read()).call_hook.url],
      [webhook_sid, "https://app.example.com/in-place"],
    );
    await send(sandbox, "PUT", `/Applications/${application}`, { call_hook: { url: "https://app.example.com/new" } });
    assert.notEqual((await read()).call_hook.webhook_sid, webhook_sid);
    await send(sandbox, "DELETE", `/Applications/${application}`);
  });
});
