import assert from "node:assert/strict";
import { startSandbox, type Sandbox } from "../../sandbox/src";
import { create, createAccount, createApplication, createKey, createProvider, outcome, send } from "./client";

describe("values that an account's program sends and gets back", () => {
  let sandbox: Sandbox;
  let provider: string, account: string;

  before(async () => {
    sandbox = await startSandbox({ rateLimit: false });
    provider = await createProvider(sandbox);
  });
  beforeEach(async () => (account = await createAccount(sandbox, provider)));
  after(() => sandbox.stop());

  const read = async () => (await send(sandbox, "GET", `/Accounts/${account}`)).body;
  const put = (body: unknown) => send(sandbox, "PUT", `/Accounts/${account}`, body);

  it("a time has whole seconds and agrees with the Date header", async () => {
    const answer = await send(sandbox, "POST", "/Accounts", { name: "timed", service_provider_sid: provider });
    account = answer.body.sid;
    const created = Date.parse((await read()).created_at);
    assert.equal(created % 1000, 0);
    assert.ok(Math.abs(created - Date.parse(answer.headers.get("date")!)) <= 1000);
  });

  it("hooks: one without a URL is dropped on create and clears on update; one with a sid is refused", async () => {
    account = await createAccount(sandbox, provider, { registration_hook: { method: "GET" }, queue_event_hook: {} });
    assert.deepEqual([(await read()).registration_hook, (await read()).queue_event_hook], [null, null]);
    await put({ registration_hook: { url: "https://a.example.com" } });
    assert.equal((await read()).registration_hook.method, "POST");
    await put({ registration_hook: "https://b.example.com" });
    assert.equal((await read()).registration_hook, null);
    assert.deepEqual(outcome(await put({ registration_hook: { url: "https://a.example.com", webhook_sid: account } })), [
      400,
      "primary key webhook_sid is immutable",
    ]);
    const text = await send(sandbox, "POST", "/Accounts", { name: "x", service_provider_sid: provider, registration_hook: "https://a" });
    assert.deepEqual(outcome(text), [400, "'registration_hook' must be an object when adding an account"]);
  });

  it("what the database refuses, in its words", async () => {
    const refusals: [object, string][] = [
      [{ plan_type: "gold" }, "Data truncated for column 'plan_type' at row 1"],
      [{ name: null }, "Column 'name' cannot be null"],
      [{ record_format: "x".repeat(17) }, "Data too long for column 'record_format' at row 1"],
      [{ device_to_call_ratio: "many" }, "Incorrect integer value: 'many' for column `jambones_test`.`accounts`.`device_to_call_ratio` at row 1"],
      [{ device_to_call_ratio: 3e9 }, "Out of range value for column 'device_to_call_ratio' at row 1"],
      [{ created_at: "2024-01-01T00:00:00.000Z" }, "Incorrect datetime value: '2024-01-01T00:00:00.000Z' for column `jambones_test`.`accounts`.`created_at` at row 1"],
      [{ registration_hook_sid: account }, "Cannot add or update a child row: a foreign key constraint fails (`jambones_test`.`accounts`, CONSTRAINT `registration_hook_sid_idxfk_1` FOREIGN KEY (`registration_hook_sid`) REFERENCES `webhooks` (`webhook_sid`))"],
    ]; // prettier-ignore
    for (const [body, message] of refusals) assert.deepEqual(outcome(await put(body)), [500, message]);
    assert.deepEqual(outcome(await put({ account_sid: account })), [400, "primary key account_sid is immutable"]);
    assert.equal((await read()).name, "acme");
  });

  it("enums are stored as the table writes them, booleans as 0 and 1, texts of numbers as numbers", async () => {
    assert.equal((await put({ plan_type: "PAID", disable_cdrs: true, device_to_call_ratio: "7" })).status, 204);
    const { plan_type, disable_cdrs, device_to_call_ratio } = await read();
    assert.deepEqual([plan_type, disable_cdrs, device_to_call_ratio], ["paid", 1, 7]);
  });

  const s3 = { vendor: "aws_s3", region: "r", name: "bucket", access_key_id: "AKIA", secret_access_key: "a-secret-access-key" };

  it("bucket credentials: the lists show the secret, and the obscured one that a read gives keeps what is stored", async () => {
    await put({ bucket_credential: { ...s3, unknown: "dropped" } });
    const obscured = (await read()).bucket_credential;
    assert.equal(obscured.secret_access_key, "a-secrXXXXXXXXXXXXX");
    assert.equal((await put({ bucket_credential: { ...obscured, region: "other" } })).status, 204);
    const key = await createKey(sandbox, { account_sid: account });
    for (const listed of [
      (await send(sandbox, "GET", "/Accounts", undefined, key)).body[0],
      (await send(sandbox, "GET", `/ServiceProviders/${provider}/Accounts`)).body.find((row: any) => row.account_sid === account),
    ]) {
      assert.deepEqual(listed.bucket_credential, { ...s3, region: "other" });
    }
  });

  it("bucket credentials: short secrets read in clear, an empty object reads empty, none and null clear", async () => {
    await put({ bucket_credential: { ...s3, secret_access_key: "short" } });
    assert.equal((await read()).bucket_credential.secret_access_key, "short");
    await put({ bucket_credential: {} });
    assert.deepEqual((await read()).bucket_credential, {});
    await put({ bucket_credential: { vendor: "none" } });
    assert.equal((await read()).bucket_credential, null);
  });

  it("bucket credentials of Google: only the private key is obscured", async () => {
    const service_key = JSON.stringify({ client_email: "a@b.c", private_key: "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n" });
    await put({ bucket_credential: { vendor: "google", name: "b", service_key } });
    const key = JSON.parse((await read()).bucket_credential.service_key);
    assert.deepEqual(key, { client_email: "a@b.c", private_key: `-----BEGIN PRIVATE KEY-----\nMIIEvQ${"X".repeat(9)}` });
    await put({ bucket_credential: { vendor: "google", name: "c", service_key: JSON.stringify(key) } });
    const listed = (await send(sandbox, "GET", `/ServiceProviders/${provider}/Accounts`)).body.find(
      (row: any) => row.account_sid === account,
    );
    assert.deepEqual([listed.bucket_credential.name, listed.bucket_credential.service_key], ["c", service_key]);
  });

  it("the webhook secret: any value of regenerate makes a new one", async () => {
    const secret = async (query = "") => (await send(sandbox, "GET", `/Accounts/${account}/WebhookSecret${query}`)).body.webhook_secret;
    const first = await secret();
    assert.equal(await secret(), first);
    assert.notEqual(await secret("?regenerate=false"), first);
  });

  it("a key that its account uses to list keys shows when it was last used", async () => {
    const key = await createKey(sandbox, { account_sid: account });
    await send(sandbox, "GET", `/Accounts/${account}/ApiKeys`, undefined, key);
    const [listed] = (await send(sandbox, "GET", `/Accounts/${account}/ApiKeys`)).body;
    assert.ok(Date.parse(listed.last_used) > Date.now() - 60_000);
  });

  it("what a client sets as primary key, token or webhook secret is overwritten", async () => {
    const sent = "33333333-3333-4333-8333-333333333333";
    account = await createAccount(sandbox, provider, { account_sid: sent, webhook_secret: sent });
    assert.notEqual(account, sent);
    assert.match((await read()).webhook_secret, /^wh_secret_/);
    assert.notEqual(await createKey(sandbox, { account_sid: account, token: sent }), sent);
  });

  it("lists come in the order of sids, pages of applications by number", async () => {
    for (const name of ["c", "a", "b"]) await createApplication(sandbox, account, name);
    const sids = (await send(sandbox, "GET", `/Accounts/${account}/Applications`)).body.map((row: any) => row.application_sid);
    assert.deepEqual(sids, [...sids].sort());
    const page = (await send(sandbox, "GET", `/Accounts/${account}/Applications?page=2&page_size=2`)).body;
    assert.deepEqual([page.total, page.data.map((row: any) => row.application_sid)], [3, sids.slice(2)]);
    assert.match((await send(sandbox, "GET", "/VoipCarriers?page=0")).body.msg, /^You have an error in your SQL syntax/);
  });

  it("speech credentials: an update wipes what it does not name, and swallows what it cannot do", async () => {
    const at = `/Accounts/${account}/SpeechCredentials`;
    const aws = {
      vendor: "aws",
      account_sid: account,
      use_for_tts: 1,
      access_key_id: "AKIA",
      secret_access_key: "secret-key",
      aws_region: "eu-west-1",
    };
    const sid = await create(sandbox, at, aws);
    await send(sandbox, "PUT", `${at}/${sid}`, { use_for_tts: 0 });
    const { aws_region, secret_access_key, use_for_tts } = (await send(sandbox, "GET", `${at}/${sid}`)).body;
    assert.deepEqual([aws_region, secret_access_key, use_for_tts], [undefined, "secretXXXX", 0]);
    const riva = await create(sandbox, at, { vendor: "nvidia", account_sid: account, riva_server_uri: "one" });
    assert.equal((await send(sandbox, "PUT", `${at}/${riva}`, { use_for_stt: 1 })).status, 204);
    assert.equal((await send(sandbox, "GET", `${at}/${riva}`)).body.riva_server_uri, "one");
    await send(sandbox, "PUT", `${at}/${riva}`, { use_for_stt: 1, riva_server_uri: "two" });
    assert.equal((await send(sandbox, "GET", `${at}/${riva}`)).body.riva_server_uri, "two");
  });
});
