import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSandbox, type Sandbox, type SandboxOptions } from "../../sandbox/src";
import { explain, readOptions } from "../../sandbox/src/cli";

const start = (options: SandboxOptions = {}) => startSandbox({ platform: "voicetel", rateLimit: false, ...options });

/** Posts to an endpoint of the Account API. */
async function post({ url }: Pick<Sandbox, "url">, endpoint: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}/v2.1/account/${endpoint}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text), headers: response.headers };
}

const success = { statusCode: "200", status: "Success" };
const refusal = (status: number, message: string, more: object = {}) => ({
  status,
  body: { statusCode: String(status), status: "Error", message, ...more },
});
const mustBeValid = { requirement: "Must be valid" };
const acme = { name: "Acme Corp", username: 4592086960, email: "billing@example.com" };

describe("the voicetel sandbox", () => {
  let sandbox: Sandbox;
  let apikey: string;
  before(async () => {
    sandbox = await start();
    apikey = sandbox.adminKey;
  });
  after(() => sandbox.stop());

  const outcome = async (endpoint: string, body: unknown, headers?: Record<string, string>) => {
    const { status, body: answer } = await post(sandbox, endpoint, body, headers);
    return { status, body: answer };
  };
  const add = async (username: number, more: object = {}) => {
    const { status, body } = await post(sandbox, "add/", { name: "a", email: `${username}@example.com`, apikey, ...more, username });
    assert.equal(status, 200, JSON.stringify(body));
    return body.account as { username: number; password: string; masterAccount: number };
  };
  const keyOf = async ({ username, password }: { username: number; password: string }) =>
    (await post(sandbox, "apikey/", { username, password })).body.apikey as string;

  it("adds an account with the number that the caller chose, and tells a password but no key", async () => {
    const { status, body } = await outcome("add/", { ...acme, apikey });
    assert.equal(status, 200);
    const { account, ...envelope } = body;
    assert.deepEqual(envelope, { ...success, message: "Account Information" });
    assert.match(account.password, /^(?=.*[a-z])(?=.*\d)[a-z0-9]{10}$/);
    assert.deepEqual({ ...account, password: "" }, { ...acme, masterAccount: acme.username, password: "" });
    const { account: branch } = (
      await outcome("add/", { ...acme, username: 2000000001, email: "b@x", masterAccount: acme.username, apikey })
    ).body;
    assert.equal(branch.masterAccount, acme.username);
  });

  it("refuses a taken number, a taken e-mail address and a master account that does not exist with the same words", async () => {
    await add(2100000001, { email: "taken@example.com" });
    for (const more of [{ username: 2100000001 }, { email: "taken@example.com" }, { masterAccount: 2199999999 }]) {
      const fresh = { name: "a", username: 2100000002, email: "free@example.com", apikey };
      assert.deepEqual(await outcome("add/", { ...fresh, ...more }), refusal(409, "Account creation failed"));
    }
  });

  it("refuses fields that are missing or wrong", async () => {
    const all = { ...acme, apikey };
    for (const name of ["apikey", "name", "username", "email"])
      assert.deepEqual(await outcome("add/", { ...all, [name]: undefined }), refusal(400, `Field Required: ${name}`));
    const wrong = { username: 459208696, name: "", email: "nobody", masterAccount: "4592086960" };
    for (const [name, value] of Object.entries({ ...wrong, username: "4592086960" }))
      assert.deepEqual(await outcome("add/", { ...all, [name]: value }), refusal(400, `Field: ${name}`, mustBeValid));
    assert.equal((await outcome("add/", { ...all, username: 459208696 })).status, 400);
    assert.equal((await outcome("add/", "{")).status, 400);
  });

  it("lets only an administrator add", async () => {
    const key = await keyOf(await add(2200000001));
    assert.deepEqual(await outcome("add/", { ...acme, username: 2200000002, apikey: key }), refusal(401, "Unauthorized"));
    assert.deepEqual(await outcome("add/", { ...acme, username: 2200000002, apikey: "0".repeat(32) }), refusal(401, "Unauthorized"));
  });

  it("takes the key from the header before the one in the body", async () => {
    const key = await keyOf(await add(2300000001));
    const info = async (body: object, bearer?: string) =>
      (await outcome("info/", body, bearer === undefined ? {} : { authorization: `Bearer ${bearer}` })).body.account?.[0]?.username;
    assert.equal(await info({ apikey: key }), "2300000001");
    assert.equal(await info({}, key), "2300000001");
    assert.equal(await info({ apikey }, key), "2300000001");
    assert.notEqual(await info({ apikey: key }, apikey), "2300000001");
    assert.equal(await info({ apikey }, "wrong"), undefined);
  });

  it("gives the key to number and password, each time the same, and takes no header there", async () => {
    const { username, password } = await add(2400000001);
    const { status, body } = await outcome("apikey/", { username, password });
    assert.deepEqual([status, { ...body, apikey: "" }], [200, { ...success, apikey: "" }]);
    assert.match(body.apikey, /^[0-9a-f]{32}$/);
    assert.equal(await keyOf({ username, password }), body.apikey);
    assert.deepEqual(await outcome("apikey/", { username }), refusal(400, "Field Required: username or password"));
    const wrong = refusal(401, "Invalid username or password");
    assert.deepEqual(await outcome("apikey/", { username, password: password.toUpperCase() }), wrong);
    assert.deepEqual(await outcome("apikey/", { username: 2499999999, password }), wrong);
    assert.equal((await outcome("apikey/", { username, password }, { authorization: `Bearer ${apikey}` })).status, 401);
  });

  it("shows the account of a key in a list of one, without what is secret", async () => {
    const key = await keyOf(await add(2500000001, { name: "Acme" }));
    await sandbox.outside("PUT", "/rows/accounts/2500000001", { cash: "25.5", notify: 1, caller_id: "2015551234" });
    const { status, body } = await outcome("info/", { apikey: key });
    const { account, ...envelope } = body;
    assert.deepEqual([status, envelope, account.length], [200, success, 1]);
    const { created, ...record } = account[0];
    assert.match(created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
    assert.deepEqual(record, {
      name: "Acme",
      rate: 0.0075,
      enabled: true,
      notify_threshold: 5,
      username: "2500000001",
      caller_id: "2015551234",
      notify: true,
      email: "2500000001@example.com",
      cash: 25.5,
    });
  });

  it("lists calls from start back to end, the newest first, and those of the last day unless told otherwise", async () => {
    const key = await keyOf(await add(2600000001));
    const now = Math.floor(Date.now() / 1000);
    for (const [id, at] of Object.entries({ old: now - 90_000, first: now - 3600, last: now - 60 }))
      await sandbox.outside("POST", "/rows/calls", { id, username: "2600000001", at, value: '{"dst":"12015551234","dur":"61"}' });
    await sandbox.outside("POST", "/rows/calls", { id: "foreign", username: "2600000002", at: now - 60, value: "{}" });
    const calls = async (range: object) => (await outcome("cdr/", { apikey: key, ...range })).body.cdr.map(({ id }: { id: string }) => id);
    assert.deepEqual(await calls({}), ["last", "first"]);
    assert.deepEqual(await calls({ start: now - 3000, end: now - 100_000 }), ["first", "old"]);
    assert.deepEqual(await calls({ start: now - 100_000, end: now }), []);
    const { body } = await outcome("cdr/", { apikey: key, start: now - 3000, end: now - 4000 });
    assert.deepEqual(body, {
      cdr: [{ id: "first", key: ["2600000001", String(now - 3600)], value: { dst: "12015551234", dur: "61" } }],
      ...success,
    });
    assert.deepEqual(await outcome("cdr/", { apikey: key, start: "yesterday" }), refusal(400, "Field: start", mustBeValid));
  });

  it("tells the monthly charges as one object for each, and their total", async () => {
    const key = await keyOf(await add(2700000001));
    const charge = (id: string, description: string, sum: string) =>
      sandbox.outside("POST", "/rows/charges", { id, username: "2700000001", description, sum });
    await charge("1", "Metered Trunk", "10.10");
    await charge("2", "did", "1.10");
    await charge("3", "did", "1.10");
    assert.deepEqual((await outcome("mrc/", { apikey: key })).body, {
      mrc: [{ "Metered Trunk": 10.1 }, { did: 2.2 }, { total: 12.3 }],
      ...success,
    });
  });

  it("answers 404 while no device is registered", async () => {
    const key = await keyOf(await add(2800000001));
    assert.deepEqual(await outcome("registration/", { apikey: key }), refusal(404, "Not registered"));
    const registration = { uri: "sip:2800000001@192.0.2.1:5060", agent: "Zoiper rv2.8.97/" };
    await sandbox.outside("POST", "/rows/registrations", { username: "2800000001", ...registration });
    assert.deepEqual(await outcome("registration/", { apikey: key }), { status: 200, body: { account: registration, ...success } });
    await sandbox.outside("DELETE", "/rows/registrations/2800000001");
    assert.equal((await outcome("registration/", { apikey: key })).status, 404);
  });

  it("lets anybody sign up and recover a password by mail", async () => {
    const { status, body } = await outcome("signup/", { name: "John Doe", email: "john@example.com", promo: "PROMO2024" });
    assert.equal(status, 200);
    assert.match(String(body.account.username), /^[1-9]\d{9}$/);
    assert.equal(body.account.masterAccount, body.account.username);
    assert.match(await keyOf(body.account), /^[0-9a-f]{32}$/);
    assert.deepEqual(await outcome("signup/", { name: "John Doe", email: "john@example.com" }), refusal(409, "Account creation failed"));
    assert.equal((await outcome("signup/", { name: "John Doe", email: "john" })).status, 400);
    assert.deepEqual(await outcome("recover/", { email: "john@example.com" }), {
      status: 200,
      body: { ...success, message: "Please check your email (john@example.com) for details" },
    });
    assert.deepEqual(await outcome("recover/", { email: "jane@example.com" }), refusal(404, "Email address not found"));
    assert.deepEqual(await outcome("recover/", { email: "john" }), refusal(400, "Field: email", mustBeValid));
  });

  it("knows nothing without the slash at the end, by another method, or beside the API", async () => {
    for (const endpoint of ["info", "delete/"]) assert.equal((await outcome(endpoint, { apikey })).status, 404);
    assert.equal((await fetch(`${sandbox.url}/v2.1/account/info/`)).status, 404);
    assert.equal((await fetch(`${sandbox.url}/rows/accounts`)).status, 404);
  });
});

describe("the voicetel sandbox's limit", () => {
  it("is six calls an hour for all limited endpoints together, and says nothing of it in headers", async () => {
    const sandbox = await start({ rateLimit: undefined });
    try {
      const body = { apikey: sandbox.adminKey };
      const statuses = [];
      for (const endpoint of ["info/", "mrc/", "cdr/", "apikey/", "info/", "mrc/", "info/", "apikey/", "add/", "registration/"])
        statuses.push((await post(sandbox, endpoint, body)).status);
      assert.deepEqual(statuses, [200, 200, 200, 400, 200, 200, 429, 429, 400, 404]);
      const refused = await post(sandbox, "mrc/", body);
      assert.deepEqual(refused.body, refusal(429, "Rate limit exceeded").body);
      assert.deepEqual(
        [...refused.headers.keys()].filter((name) => /limit|retry/i.test(name)),
        [],
      );
    } finally {
      await sandbox.stop();
    }
  });

  it("is counted for each address, and can be set", async () => {
    const sandbox = await start({ rateLimit: { requests: 1, seconds: 60 } });
    const from = (localAddress: string) =>
      new Promise<number>((resolve, reject) => {
        const sent = request(`${sandbox.url}/v2.1/account/info/`, { method: "POST", localAddress }, (response) => {
          response.resume();
          resolve(response.statusCode!);
        });
        sent.once("error", reject).end();
      });
    try {
      const addresses = process.platform === "linux" ? ["127.0.0.1", "127.0.0.2", "127.0.0.1"] : ["127.0.0.1", "127.0.0.1"];
      const statuses = [];
      for (const address of addresses) statuses.push(await from(address));
      assert.deepEqual(statuses, process.platform === "linux" ? [400, 400, 429] : [400, 429]);
    } finally {
      await sandbox.stop();
    }
  });
});

describe("the voicetel sandbox's program", () => {
  it("prints what to export", async () => {
    const bin = join(__dirname, "../../sandbox/bin/pulumi-cpaas-sandbox.js");
    const child = spawn(process.execPath, [bin, "--platform", "voicetel"], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    for await (const chunk of child.stdout) if ((output += String(chunk)).split("\n").length > 3) break;
    child.kill("SIGTERM");
    await once(child, "exit");
    assert.match(
      output,
      /^url (http:\/\/127\.0\.0\.1:\d+)\nkey ([0-9a-f]{32})\nTo use it: export VOICETEL_API_URL=\1 VOICETEL_API_KEY=\2\n$/,
    );
  });

  it("keeps its data and the admin's key in a file, and takes another key", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sandbox-"));
    try {
      const data = join(folder, "voicetel.db");
      const first = await start({ data });
      await post(first, "add/", { ...acme, apikey: first.adminKey });
      await first.stop();
      const adminKey = "f".repeat(32);
      const second = await start({ data });
      await second.stop();
      const third = await start({ data, adminKey });
      const again = await post(third, "add/", { ...acme, apikey: adminKey });
      await third.stop();
      assert.equal(second.adminKey, first.adminKey);
      assert.deepEqual([third.adminKey, again.status], [adminKey, 409]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("refuses a key of another form", () => {
    assert.throws(
      () => readOptions(["--platform", "voicetel", "--admin-key", "secret"]),
      (error: Error) => explain(error) === "--admin-key must be 32 hexadecimal digits.",
    );
  });
});
