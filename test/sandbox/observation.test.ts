import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { startSandbox, type Sandbox } from "../../sandbox/src";
import { createAccount, createKey, createProvider, send } from "./client";

describe("the rate limit", () => {
  it("is 600 in 300 seconds, one bucket for everyone, told in every answer", async () => {
    const sandbox = await startSandbox();
    try {
      await send(sandbox, "GET", "/Accounts", undefined, null);
      const { headers } = await send(sandbox, "GET", "/Accounts");
      const shown = (name: string) => headers.get(`ratelimit-${name}`);
      assert.deepEqual([shown("policy"), shown("limit"), shown("remaining")], ["600;w=300", "600", "598"]);
      assert.ok(Number(shown("reset")) > 295);
      assert.equal(headers.get("retry-after"), null);
    } finally {
      await sandbox.stop();
    }
  });

  it("refuses what is beyond, whoever asks and for whatever, and begins a new window after the old one's end", async () => {
    const sandbox = await startSandbox({ rateLimit: { requests: 3, seconds: 1 } });
    try {
      const statuses: number[] = [];
      for (const key of [null, "unknown", sandbox.adminKey, sandbox.adminKey, null]) {
        statuses.push((await send(sandbox, "GET", "/Accounts", undefined, key)).status);
      }
      assert.deepEqual(statuses, [401, 401, 200, 429, 429]);
      await sleep(1050);
      const { status, headers } = await send(sandbox, "GET", "/Accounts");
      assert.deepEqual([status, headers.get("ratelimit-remaining")], [200, "2"]);
      assert.deepEqual(
        sandbox.windows.map(({ limit, requests, refused }) => ({ limit, requests, refused })),
        [
          { limit: 3, requests: 5, refused: 2 },
          { limit: 3, requests: 1, refused: 0 },
        ],
      );
      assert.ok(sandbox.windows[1]!.start - sandbox.windows[0]!.start >= 1000);
      assert.deepEqual(
        sandbox.requests.map(({ status }) => status),
        [401, 401, 200, 429, 429, 200],
      );
    } finally {
      await sandbox.stop();
    }
  });

  it("begins anew with a restart", async () => {
    const sandbox = await startSandbox({ rateLimit: { requests: 1, seconds: 60 } });
    try {
      await send(sandbox, "GET", "/Accounts");
      assert.equal((await send(sandbox, "GET", "/Accounts")).status, 429);
      await sandbox.restart();
      assert.equal((await send(sandbox, "GET", "/Accounts")).status, 200);
    } finally {
      await sandbox.stop();
    }
  });

  it("can be switched off", async () => {
    const sandbox = await startSandbox({ rateLimit: false });
    try {
      const { headers } = await send(sandbox, "GET", "/Accounts");
      assert.deepEqual([headers.get("ratelimit-limit"), sandbox.windows], [null, []]);
    } finally {
      await sandbox.stop();
    }
  });
});

describe("the request log", () => {
  let sandbox: Sandbox;
  let provider: string, account: string;

  before(async () => {
    sandbox = await startSandbox({ rateLimit: { requests: 1000, seconds: 300 } });
    provider = await createProvider(sandbox);
    account = await createAccount(sandbox, provider);
  });
  beforeEach(() => sandbox.clearRequests());
  after(() => sandbox.stop());

  it("tells what came, in order, with who spoke and what was answered", async () => {
    const start = Date.now();
    const key = await createKey(sandbox, { account_sid: account });
    await send(sandbox, "GET", `/Accounts/${account}/Limits?category=device`, undefined, key);
    await send(sandbox, "POST", "/Accounts", "{", null);
    await fetch(new URL("/health", sandbox.url));
    assert.ok(sandbox.requests.every(({ at }) => at >= start && at <= Date.now()));
    assert.deepEqual(
      sandbox.requests.map(({ at: _at, ...rest }) => rest),
      [
        { method: "POST", path: "/ApiKeys", status: 201, scope: "admin", body: { account_sid: account } },
        { method: "GET", path: `/Accounts/${account}/Limits?category=device`, status: 200, scope: "account" },
        { method: "POST", path: "/Accounts", status: 400, scope: null, body: undefined },
      ],
    );
  });

  it("shows bodies as they came, not as the platform changed them", async () => {
    const key = await createKey(sandbox, { service_provider_sid: provider });
    sandbox.clearRequests();
    await send(sandbox, "POST", "/PhoneNumbers", { number: "+1" }, key);
    assert.deepEqual(sandbox.requests[0]!.body, { number: "+1" });
  });

  it("is counted by route at the control endpoint, which does not count", async () => {
    const control = new URL("/sandbox", sandbox.url);
    const key = await createKey(sandbox, { account_sid: account });
    for (const sid of [account, provider]) await send(sandbox, "GET", `/Accounts/${sid}`);
    await send(sandbox, "POST", `/Accounts/${account}/SipRealms/a.sip.example.com`, undefined, key);
    const told = (await (await fetch(control)).json()) as any;
    assert.deepEqual(
      [told.platform, told.requests],
      ["jambonz", { total: 4, byRoute: { "GET /Accounts/:sid": 2, "POST /Accounts/:sid/SipRealms/:realm": 1, "POST /ApiKeys": 1 } }],
    );
    assert.deepEqual(told.windows, sandbox.windows);
    assert.doesNotMatch(JSON.stringify(told), new RegExp(`${key}|${sandbox.adminKey}`));
    assert.equal((await fetch(`${control.href}/requests`, { method: "DELETE" })).status, 204);
    assert.deepEqual(((await (await fetch(control)).json()) as any).requests, { total: 0, byRoute: {} });
    assert.deepEqual(sandbox.requests, []);
  });

  it("does not see what is done from outside, and neither does the rate limit nor a fault", async () => {
    sandbox.addFault({ fault: "drop", times: "always" });
    const counted = () => sandbox.windows.reduce((sum, { requests }) => sum + requests, 0);
    const before = counted();
    const { status, body } = await sandbox.outside("POST", "/Accounts", { name: "theirs", service_provider_sid: provider });
    assert.equal(status, 201);
    const read = await sandbox.outside("GET", `/Accounts/${body.sid}`);
    assert.deepEqual([read.status, read.body.name], [200, "theirs"]);
    assert.deepEqual(await sandbox.outside("DELETE", `/Accounts/${body.sid}`), { status: 204, body: null });
    assert.deepEqual(await sandbox.outside("GET", `/Accounts/${body.sid}`), { status: 404, body: null });
    assert.deepEqual([sandbox.requests, counted() - before], [[], 0]);
    sandbox.clearFaults();
  });
});
