import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { startSandbox, type FaultRule, type Sandbox } from "../../sandbox/src";
import { createAccount, createProvider, send } from "./client";

/** The code of the error with which a request fails. */
async function failureOf(request: Promise<unknown>): Promise<string | undefined> {
  const error = await request.then(
    () => assert.fail("the request was answered"),
    (error: Error & { cause?: { code?: string } }) => error,
  );
  return error.cause?.code;
}

describe("failures that a client sees", () => {
  let sandbox: Sandbox;
  let provider: string;

  before(async () => {
    sandbox = await startSandbox({ rateLimit: false });
    provider = await createProvider(sandbox);
  });
  beforeEach(() => {
    sandbox.clearFaults();
    sandbox.clearRequests();
  });
  after(() => sandbox.stop());

  const post = () => send(sandbox, "POST", "/Accounts", { name: "new", service_provider_sid: provider });
  const accounts = async () => (await sandbox.outside("GET", `/ServiceProviders/${provider}/Accounts`)).body.length as number;
  const logged = () => sandbox.requests.map(({ method, path, status }) => [method, path, status]);

  it("drop: the connection is reset, and nothing was done", async () => {
    const before = await accounts();
    sandbox.addFault({ match: { method: "POST" }, fault: "drop" });
    assert.match((await failureOf(post()))!, /^(ECONNRESET|UND_ERR_SOCKET)$/);
    assert.equal(await accounts(), before);
    assert.deepEqual(logged(), [["POST", "/Accounts", null]]);
    assert.equal((await post()).status, 201);
  });

  it("dropAnswer: the connection is reset, and it was done", async () => {
    const before = await accounts();
    sandbox.addFault({ match: { method: "POST" }, fault: "dropAnswer" });
    assert.match((await failureOf(post()))!, /^(ECONNRESET|UND_ERR_SOCKET)$/);
    assert.equal(await accounts(), before + 1);
    assert.deepEqual(
      sandbox.requests.map(({ status, scope, body }) => [status, scope, (body as { name: string }).name]),
      [[null, "admin", "new"]],
    );
  });

  it("a status may come after it was done", async () => {
    const before = await accounts();
    sandbox.addFault({ match: { method: "POST" }, fault: { status: 502, handled: true, headers: { via: "1.1 proxy" } } });
    const answer = await post();
    assert.deepEqual([answer.status, answer.headers.get("via")], [502, "1.1 proxy"]);
    assert.equal(await accounts(), before + 1);
    assert.deepEqual(logged().slice(-1), [["POST", "/Accounts", 502]]);
  });

  it("refuse: nobody gets in for a while", async () => {
    sandbox.addFault({ fault: "refuse", delayMs: 150 });
    await failureOf(post());
    assert.equal(await failureOf(post()), "ECONNREFUSED");
    await sleep(250);
    assert.equal((await post()).status, 201);
  });

  it("restart: away for a while, then back on the same port with the same data", async () => {
    const before = await accounts();
    sandbox.addFault({ fault: "restart", delayMs: 150 });
    await failureOf(post());
    assert.equal(await failureOf(post()), "ECONNREFUSED");
    await sleep(250);
    assert.equal((await post()).status, 201);
    assert.equal(await accounts(), before + 1);
  });

  it("Sandbox.restart does the same on demand", async () => {
    const before = await accounts();
    const back = sandbox.restart(100);
    await failureOf(post()); // on a connection that was open
    assert.equal(await failureOf(post()), "ECONNREFUSED");
    assert.equal(await accounts(), before);
    await back;
    assert.equal((await post()).status, 201);
  });

  it("a restart drops requests that are on their way", async () => {
    sandbox.addFault({ fault: "slow", delayMs: 300 });
    const lost = failureOf(post());
    while (sandbox.requests.length === 0) await sleep(5);
    await sandbox.restart();
    assert.match((await lost)!, /^(ECONNRESET|UND_ERR_SOCKET)$/);
    assert.equal((await post()).status, 201);
  });

  it("a server that is away can be stopped", async () => {
    const other = await startSandbox();
    const back = other.restart(60_000);
    await other.stop();
    await back;
  });

  it("slow: the answer comes late", async () => {
    sandbox.addFault({ fault: "slow", delayMs: 200 });
    const start = Date.now();
    assert.equal((await post()).status, 201);
    assert.ok(Date.now() - start >= 195);
  });

  it("truncated: it was done, and the client can notice that the answer is cut", async () => {
    const before = await accounts();
    sandbox.addFault({ match: { method: "POST" }, fault: "truncated" });
    const response = await fetch(`${sandbox.url}/Accounts`, {
      method: "POST",
      headers: { authorization: `Bearer ${sandbox.adminKey}`, "content-type": "application/json" },
      body: JSON.stringify({ name: "new", service_provider_sid: provider }),
    });
    assert.equal(response.status, 201);
    await assert.rejects(response.text());
    assert.equal(await accounts(), before + 1);
    assert.deepEqual(logged(), [["POST", "/Accounts", 201]]);
  });

  it("empty: it was done, and the answer has its status alone", async () => {
    const before = await accounts();
    sandbox.addFault({ fault: "empty" });
    const { status, body, headers } = await post();
    assert.deepEqual([status, body, headers.get("content-type")], [201, "", null]);
    assert.equal(await accounts(), before + 1);
  });

  it("html: 200 with a page, and nothing was done", async () => {
    const before = await accounts();
    sandbox.addFault({ fault: "html" });
    const { status, body, headers } = await post();
    assert.deepEqual([status, headers.get("content-type")], [200, "text/html; charset=utf-8"]);
    assert.match(body, /^<!DOCTYPE html>/);
    assert.equal(await accounts(), before);
  });

  it("redirect: 307 to the location", async () => {
    sandbox.addFault({ fault: "redirect", location: "https://elsewhere.example.com/v1" });
    const { status, headers } = await post();
    assert.deepEqual([status, headers.get("location")], [307, "https://elsewhere.example.com/v1"]);
    sandbox.addFault({ fault: { status: 302, headers: { location: "/login" } } });
    assert.equal((await post()).status, 302);
  });

  it("a status: with its body and headers, before anything is done", async () => {
    const before = await accounts();
    sandbox.addFault({ fault: { status: 503, body: "<h1>away</h1>", headers: { "x-from": "proxy" } } });
    sandbox.addFault({ fault: { status: 500, body: { msg: "Deadlock found when trying to get lock" } } });
    sandbox.addFault({ fault: { status: 502 } });
    sandbox.addFault({ fault: { status: 500 } });
    const first = await post();
    assert.deepEqual([first.status, first.body, first.headers.get("x-from")], [503, "<h1>away</h1>", "proxy"]);
    assert.deepEqual((await post()).body, { msg: "Deadlock found when trying to get lock" });
    assert.match((await post()).headers.get("content-type")!, /^text\/html/);
    assert.deepEqual((await post()).body, { msg: "Internal Server Error" });
    assert.equal(await accounts(), before);
    assert.deepEqual(
      logged().map(([, , status]) => status),
      [503, 500, 502, 500],
    );
  });

  it("429: says when to come back", async () => {
    sandbox.addFault({ fault: { status: 429, headers: { "Retry-After": "7" } } });
    const { status, body, headers } = await post();
    assert.deepEqual([status, body], [429, "Too many requests, please try again later."]);
    const shown = ["retry-after", "ratelimit-reset", "ratelimit-remaining", "ratelimit-limit", "ratelimit-policy"];
    assert.deepEqual(
      shown.map((name) => headers.get(name)),
      ["7", "7", "0", "1", "1;w=7"],
    );
  });

  it("outside: somebody else acts first, on what the pattern matched", async () => {
    const account = await createAccount(sandbox, provider);
    sandbox.clearRequests();
    sandbox.addFault({
      match: { method: "PUT", path: "/Accounts/*" },
      fault: "outside",
      request: { method: "PUT", path: "/Accounts/$1", body: { deactivated_reason: "seen $1" } },
    });
    assert.equal((await send(sandbox, "PUT", `/Accounts/${account}`, { name: "mine" })).status, 204);
    const { name, deactivated_reason } = (await send(sandbox, "GET", `/Accounts/${account}`)).body;
    assert.deepEqual([name, deactivated_reason], ["mine", `seen ${account}`]);
    assert.equal(sandbox.requests.length, 2);
    sandbox.addFault({ match: { path: "/Accounts/*" }, fault: "outside", request: { method: "DELETE", path: "/Accounts/$1" } });
    assert.equal((await send(sandbox, "GET", `/Accounts/${account}`)).status, 404);
  });

  it("a rule waits, strikes so many times, and goes", async () => {
    sandbox.addFault({ match: { method: "GET", path: "/Accounts" }, fault: { status: 503 }, skip: 1, times: 2 });
    const statuses: number[] = [];
    for (let request = 1; request <= 4; request++) statuses.push((await send(sandbox, "GET", "/Accounts")).status);
    assert.deepEqual(statuses, [200, 503, 503, 200]);
  });

  it("rules match method and path; a query counts when the pattern has one", async () => {
    const strikes = async (match: FaultRule["match"], method: string, path: string) => {
      sandbox.clearFaults();
      sandbox.addFault({ match, fault: { status: 599 }, times: "always" });
      return (await send(sandbox, method, path)).status === 599;
    };
    assert.equal(await strikes({ path: "/Accounts" }, "GET", "/Accounts"), true);
    assert.equal(await strikes({ path: "/Accounts" }, "GET", `/Accounts/${provider}`), false);
    assert.equal(await strikes({ path: "/Accounts/*" }, "GET", `/Accounts/${provider}`), true);
    assert.equal(await strikes({ path: "/Accounts/*" }, "GET", `/Accounts/${provider}/ApiKeys`), false);
    assert.equal(await strikes({ path: "/Accounts/**" }, "GET", `/Accounts/${provider}/ApiKeys`), true);
    assert.equal(await strikes({ path: "/*/*/Limits" }, "GET", `/Accounts/${provider}/Limits?category=device`), true);
    assert.equal(await strikes({ path: "/*/*/Limits?category=device" }, "GET", `/Accounts/${provider}/Limits?category=device`), true);
    assert.equal(await strikes({ path: "/*/*/Limits?category=device" }, "GET", `/Accounts/${provider}/Limits`), false);
    assert.equal(await strikes({ method: ["put", "DELETE"] }, "DELETE", "/ApiKeys/x"), true);
    assert.equal(await strikes({ method: ["put", "DELETE"] }, "GET", "/Accounts"), false);
  });

  it("chance: the same seed strikes the same requests", async () => {
    const struck = async (seed: number) => {
      const rule: FaultRule = { fault: { status: 503 }, probability: 0.5, times: "always" };
      const other = await startSandbox({ seed, faults: [rule] });
      const statuses: number[] = [];
      for (let request = 0; request < 40; request++) statuses.push((await send(other, "GET", "/PasswordSettings")).status);
      await other.stop();
      return statuses;
    };
    const [first, second, third] = [await struck(1), await struck(1), await struck(2)];
    assert.deepEqual(first, second);
    assert.notDeepEqual(first, third);
    const hits = first.filter((status) => status === 503).length;
    assert.ok(hits > 8 && hits < 32, `${hits} of 40`);
  });

  it("a wrong rule is refused in a sentence", async () => {
    const wrong: [unknown, RegExp][] = [
      [{}, /fault must be one of refuse, drop, /],
      [{ fault: "explode" }, /fault must be one of refuse/],
      [{ fault: { status: 99 } }, /a status from 200 to 599/],
      [{ fault: "drop", when: "now" }, /when is not known \(known are match, fault/],
      [{ fault: "drop", match: { route: "/" } }, /match\.route is not known/],
      [{ fault: "drop", match: { method: 1 } }, /match\.method must be a text or an array of texts/],
      [{ fault: "drop", times: -1 }, /times must be a whole number from 0 or "always"/],
      [{ fault: "drop", probability: 2 }, /probability must be a number from 0 to 1/],
      [{ fault: "redirect" }, /redirect needs a location/],
      [{ fault: "outside", request: { method: "PUT" } }, /outside needs a request/],
    ];
    for (const [rule, message] of wrong) assert.throws(() => sandbox.addFault(rule as FaultRule), message);
    await assert.rejects(startSandbox({ faults: [{ fault: "redirect" }] }), /redirect needs a location/);
  });
});
