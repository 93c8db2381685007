import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { mock } from "node:test";
import { Gate } from "../../provider/http/gate";
import { limit } from "../../provider/jambonz/limit";
import { look } from "../../provider/lookup";
import type { LoggedRequest, RateWindow } from "../../sandbox/src";
import { RateWindows } from "../../sandbox/src/rate-limit";
import { Engine, type Entry } from "../support/engine";
import { serve } from "../support/http";
import { asked, jambonzTarget, type Target } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";

const categories = limit.inputs.shape.category.options;

/** An account with two keys, six limits and a realm: ten resources. */
function ten({ serviceProviderSid }: Target, name: string): Declared[] {
  const accountSid = { $ref: `${name}.sid` };
  return [
    { type: "jambonz:Account", name, args: { serviceProviderSid } },
    ...[1, 2].map((n) => ({ type: "jambonz:ApiKey", name: `${name}-key${n}`, args: { accountSid } })),
    ...categories.map((category) => ({ type: "jambonz:Limit", name: `${name}-${category}`, args: { accountSid, category, quantity: 5 } })),
    { type: "jambonz:SipRealm", name: `${name}-realm`, args: { accountSid, realm: `${name}.sip.example.com` } },
  ];
}

const program = (target: Target, accounts: number) => Array.from({ length: accounts }, (_, n) => ten(target, `t${n}`)).flat();

/** Deletes with as much at once as the references allow, as the engine does. */
async function destroy(target: Target, entries: Entry[]): Promise<string[]> {
  const session = sessionOf("jambonz", target.variables);
  const errors: string[] = [];
  const gone = async ({ type, id, outputs }: Entry) =>
    lifecycleOf(type, session)
      .delete(id, outputs)
      .catch((error: Error) => void errors.push(error.message));
  await Promise.all(
    entries
      .filter(({ dependencies }) => dependencies.length === 0)
      .map(async (account) => {
        await Promise.all(entries.filter(({ dependencies }) => dependencies.includes(account.name)).map(gone));
        await gone(account);
      }),
  );
  return errors;
}

/**
 * No window was left unused while work was waiting: each was used up to a share, or requests came until its end,
 * as on a busy machine. The last one, in which the work ended, does not count.
 */
function assertUsed(windows: RateWindow[], requests: readonly LoggedRequest[], share: number, seconds: number): void {
  windows.slice(0, -1).forEach((window, index) => {
    const end = window.start + seconds * 1000;
    const last = requests.findLast(({ at }) => at < end)!;
    const what = `window ${index} of ${windows.length}: ${window.requests} of ${share}, the last ${end - last.at} ms before its end`;
    assert(window.requests >= share || end - last.at < 200, what);
    const next = windows[index + 1]!.start - end;
    assert(next < seconds * 1000, `${next} ms between windows ${index} and ${index + 1}`);
  });
}

describe("a thousand resources and a rate limit", () => {
  // Windows a hundred and fifty times shorter than jambonz's, with half as many requests in each. Not shorter:
  // the platform tells their ends in whole seconds.
  const rateLimit = { requests: 300, seconds: 2 };
  const reserve = rateLimit.requests * 0.2;
  const concurrency = 10;
  const accounts = 100;
  let target: Target;
  let engine: Engine;
  before(async () => {
    target = await jambonzTarget("admin", { rateLimit });
    engine = new Engine({ environment: () => target.variables, log: () => {} });
  });
  after(() => target.sandbox.stop());

  /** The windows that begin while something is done; the one in which it begins is another one's too. */
  async function windowsOf<T>(act: () => Promise<T>): Promise<{ result: T; windows: RateWindow[]; requests: string[] }> {
    const { sandbox } = target;
    const before = sandbox.windows.length;
    sandbox.clearRequests();
    const result = await act();
    const windows = sandbox.windows.slice(before);
    for (const { requests, refused } of sandbox.windows) {
      assert.equal(refused, 0);
      assert(requests <= rateLimit.requests - reserve, `${requests} requests leave less than ${reserve} to others`);
    }
    assertUsed(windows, sandbox.requests, rateLimit.requests - reserve - concurrency, rateLimit.seconds);
    return { result, windows, requests: asked(target) };
  }

  it("are created without a refusal, with all of each window but the reserve", async () => {
    const { result, windows, requests } = await windowsOf(() => engine.up(program(target, accounts)));
    assert.deepEqual(result.errors, []);
    assert.equal(result.steps.length, 10 * accounts);
    // Two for an account, one for each thing in it, and one to begin with.
    assert.equal(requests.length, 11 * accounts + 1);
    assert(windows.length >= requests.length / (rateLimit.requests - reserve), `${windows.length} windows`);
  });

  it("cost nothing when nothing has changed", async () => {
    const { result, requests } = await windowsOf(() => engine.up(program(target, accounts)));
    assert.deepEqual([result, requests], [{ steps: [], errors: [] }, []]);
  });

  it("are read with two requests for each account, however much is in it", async () => {
    const { result, requests } = await windowsOf(() => engine.refresh());
    assert.deepEqual(result, { steps: [], errors: [] });
    assert.equal(requests.length, 1 + 2 * accounts);
  });

  it("are looked up with one request in all", async () => {
    const session = sessionOf("jambonz", target.variables);
    const { result, requests } = await windowsOf(() =>
      Promise.all(Array.from({ length: accounts }, (_, n) => look("jambonz:getAccount", { name: `t${n}` }, session))),
    );
    assert.equal(new Set(result.map(({ sid }) => sid)).size, accounts);
    assert.deepEqual(requests, ["GET /Accounts"]);
  });

  it("are deleted without a refusal, with all of each window but the reserve", async () => {
    const { result, requests } = await windowsOf(() => destroy(target, engine.entries));
    assert.deepEqual(result, []);
    // Ten for what is in an account, three for the account, and lists that they share for some seconds.
    assert(requests.length >= 13 * accounts && requests.length <= 16 * accounts, `${requests.length} requests`);
    const left = (await target.sandbox.outside("GET", `/ServiceProviders/${target.serviceProviderSid}/Accounts`)).body;
    assert.deepEqual(left, []);
  });
});

describe("the gate", () => {
  const rateLimit = { requests: 150, seconds: 10 };
  const reserve = 0.2;
  const concurrency = 10;
  const share = rateLimit.requests * (1 - reserve);

  /** Has so many requests of 20 ms wait for a platform that says its window's end in whole seconds, by a clock that the test moves. */
  async function pass(requests: number): Promise<{ windows: RateWindow[]; sent: number[] }> {
    mock.timers.enable({ apis: ["setTimeout", "Date"] });
    try {
      const gate = new Gate({ concurrency, reserve, log: () => {} });
      const platform = new RateWindows(rateLimit);
      const sent: number[] = [];
      let left = requests;
      for (let n = 0; n < requests; n++) {
        void gate.enter().then(() => {
          sent.push(Date.now());
          const { totalHits, resetTime } = platform.increment("everyone");
          setTimeout(() => {
            left--;
            const resetMs = Math.ceil((resetTime!.getTime() - Date.now()) / 1000) * 1000;
            gate.leave({ limit: rateLimit.requests, remaining: rateLimit.requests - totalHits, resetMs });
          }, 20);
        });
      }
      for (let ticks = 0; left > 0; ticks++) {
        assert(ticks < 100_000, `${left} of ${requests} are waiting for ever`);
        mock.timers.tick(5);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return { windows: platform.windows, sent };
    } finally {
      mock.timers.reset();
    }
  }

  it("uses up its share of each window at once, and begins the next as soon as the platform says that it may", async () => {
    const { windows, sent } = await pass(1000);
    assert.equal(windows.length, 9);
    windows.slice(0, -1).forEach(({ start, requests }, index) => {
      assert(requests <= share && requests > share - concurrency, `window ${index}: ${requests} requests`);
      const end = start + rateLimit.seconds * 1000;
      const last = sent.findLast((at) => at < end)! - start;
      assert(last < 1000, `window ${index}: the last request after ${last} ms`);
      const idle = windows[index + 1]!.start - end;
      // The end is said in whole seconds, rounded up; the earliest that any answer says is near the truth.
      assert(idle <= 100, `${idle} ms between windows ${index} and ${index + 1}`);
    });
  });

  it("keeps everybody from sending when one was told to wait", async () => {
    const arrived: number[] = [];
    const server = await serve((_request, response) => {
      arrived.push(Date.now());
      const json = response.setHeader("content-type", "application/json");
      if (arrived.length === 1) json.writeHead(429, { "retry-after": "1" }).end("{}");
      else json.end("[]");
    });
    const environment = { JAMBONZ_API_URL: `${server.url}/v1`, JAMBONZ_API_KEY: "key", JAMBONZ_MAX_CONCURRENCY: "1" };
    const { http } = sessionOf("jambonz", environment).client;
    await Promise.all(Array.from({ length: 5 }, (_, n) => http.send({ method: "GET", path: `/Things/${n}` })));
    assert.equal(arrived.length, 6);
    assert(arrived[1]! - arrived[0]! >= 1000, `the next one came ${arrived[1]! - arrived[0]!} ms after the refusal`);
    await server.stop();
  });
});

describe("the settings of the gate", () => {
  for (const reserve of [0, 50]) {
    it(`leave ${reserve} % of each window to others`, async () => {
      const rateLimit = { requests: 20, seconds: 1 };
      const target = await jambonzTarget("admin", { rateLimit });
      const settings = { JAMBONZ_RATE_LIMIT_RESERVE: String(reserve), JAMBONZ_MAX_CONCURRENCY: "1" };
      const engine = new Engine({ environment: () => ({ ...target.variables, ...settings }), log: () => {} });
      const { windows } = target.sandbox;
      const before = windows.length;
      assert.deepEqual((await engine.up(program(target, 5))).errors, []);
      const own = windows.slice(before);
      const share = rateLimit.requests * (1 - reserve / 100);
      const most = Math.max(...own.map(({ requests }) => requests));
      assert(most <= share && most > 0.8 * share, `${most} requests in a window`);
      assert(own.every(({ refused }) => refused === 0));
      await target.sandbox.stop();
    });
  }

  for (const most of [1, 3, 25]) {
    it(`let ${most} requests be under way at once`, async () => {
      const underWay: ServerResponse[] = [];
      let atOnce = 0;
      const server = await serve((_request, response) => {
        underWay.push(response);
        if (underWay.length !== most) return;
        // All that may come are here; one more would come in this time.
        setTimeout(() => {
          atOnce = Math.max(atOnce, underWay.length);
          for (const held of underWay.splice(0)) held.setHeader("content-type", "application/json").end("[]");
        }, 50);
      });
      const environment = { JAMBONZ_API_URL: `${server.url}/v1`, JAMBONZ_API_KEY: "key", JAMBONZ_MAX_CONCURRENCY: String(most) };
      const { http } = sessionOf("jambonz", environment).client;
      await Promise.all(Array.from({ length: 4 * most }, (_, n) => http.send({ method: "GET", path: `/Things/${n}` })));
      assert.equal(atOnce, most);
      await server.stop();
    });
  }

  it("wake those who wait for a window that ends while it is looked at", async () => {
    const now = Date.now;
    try {
      for (let before = 0; before < 8; before++) {
        let time = 1_000_000;
        let step = 0;
        Date.now = () => (time += step);
        const gate = new Gate({ concurrency: 2, reserve: 0, log: () => {} });
        await gate.enter();
        gate.leave({ limit: 10, remaining: 0, resetMs: 100 });
        time += 100 - before;
        step = 1; // a millisecond passes between any two looks at the clock
        const entered = gate.enter();
        step = 0;
        time += 100;
        const isIn = await Promise.race([entered.then(() => true), new Promise((resolve) => setTimeout(resolve, 2000, false))]);
        assert(isIn, `asleep, ${before} ms before the end of the window`);
      }
    } finally {
      Date.now = now;
    }
  });
});

describe("another client that takes all it can get of the rate limit", function () {
  this.timeout(300_000);
  const rateLimit = { requests: 150, seconds: 1 };
  const accounts = 100;

  it("delays a thousand resources, and fails none", async () => {
    const target = await jambonzTarget("admin", { rateLimit });
    const engine = new Engine({ environment: () => target.variables, log: () => {} });
    let ended = false;
    const ask = () => fetch(`${target.sandbox.url}/Applications`, { headers: { authorization: `Bearer ${target.key}` } });
    const greedy = Array.from({ length: 3 }, async () => {
      await Promise.all(Array.from({ length: rateLimit.requests }, ask)); // so that it is used up on any machine
      while (!ended) {
        const { status } = await ask();
        await new Promise((resolve) => setTimeout(resolve, status === 429 ? 20 : 2));
      }
    });
    const { errors } = await engine.up(program(target, accounts));
    assert.deepEqual(errors, []);
    assert.equal(engine.entries.length, 10 * accounts);
    assert.deepEqual(await engine.refresh(), { steps: [], errors: [] });
    assert.deepEqual(await destroy(target, engine.entries), []);
    ended = true;
    await Promise.all(greedy);
    const { windows } = target.sandbox;
    assert(windows.filter(({ refused }) => refused > 0).length > 0, "the limit was never used up");
    await target.sandbox.stop();
  });
});
