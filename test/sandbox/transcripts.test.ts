import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startSandbox, type Sandbox, type SandboxOptions } from "../../sandbox/src";

interface Exchange {
  title: string;
  scope: string | null;
  request: { method: string; path: string; body: unknown };
  response: { status: number; contentType: string | null; headers?: Record<string, string>; body: unknown };
}
type Bindings = Readonly<Record<string, string>>;
/** What the sandbox has answered to the exchanges of a title, in their order. */
type Answers = (title: string) => any[];

/** Placeholders that stand for any value of a kind, so that what has to be the same, or another one, is tested by itself. */
const anything: Record<string, RegExp> = {
  uuid: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/,
  timestamp: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/,
  webhookSecret: /wh_secret_[A-Za-z0-9]{22}/,
};
const placeholder = /\{\{(\w+)\}\}/g;
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
const fill = (text: string, bound: Bindings) => text.replace(placeholder, (whole, name: string) => bound[name] ?? whole);

/** The bindings after a value has turned out to be the expected one, undefined when it is another. Keys count in their order. */
function match(expected: unknown, actual: unknown, bound: Bindings): Bindings | undefined {
  if (typeof expected === "string") {
    if (typeof actual !== "string") return undefined;
    const names: string[] = [];
    const pattern = expected.split(placeholder).map((part, index) => {
      if (index % 2 === 0) return escaped(part);
      if (anything[part]) return anything[part].source;
      if (bound[part] !== undefined) return escaped(bound[part]);
      names.push(part);
      return `(${anything["uuid"]!.source})`;
    });
    const found = new RegExp(`^${pattern.join("")}$`).exec(actual);
    return found ? { ...bound, ...Object.fromEntries(names.map((name, index) => [name, found[index + 1]!])) } : undefined;
  }
  if (Array.isArray(expected))
    return Array.isArray(actual) && expected.length === actual.length ? matchList(expected, actual, bound) : undefined;
  if (typeof expected === "object" && expected !== null) {
    if (typeof actual !== "object" || actual === null) return undefined;
    if (Object.keys(expected).join() !== Object.keys(actual).join()) return undefined;
    return Object.entries(expected).reduce<Bindings | undefined>(
      (so, [key, value]) => so && match(value, (actual as Record<string, unknown>)[key], so),
      bound,
    );
  }
  return expected === actual ? bound : undefined;
}

/** Lists come in the order of random sids, so that their entries may stand in another order than in the recording. */
function matchList(expected: unknown[], actual: unknown[], bound: Bindings): Bindings | undefined {
  const [first, ...rest] = expected;
  if (expected.length === 0) return bound;
  for (const [index, candidate] of actual.entries()) {
    const so = match(first, candidate, bound);
    const end = so && matchList(rest, actual.toSpliced(index, 1), so);
    if (end) return end;
  }
  return undefined;
}

function assertInOrderOfSids(list: unknown[]): void {
  const sids = list.map((entry) => String(Object.values(entry as object)[0]));
  assert.deepEqual(sids, [...sids].sort());
}

interface Replay {
  prepare?: (sandbox: Sandbox, exchange: Exchange) => Promise<void>;
  /** What has to hold between answers, by what it is. */
  afterwards?: Record<string, (answers: Answers) => void>;
}

function replay(file: string, options: SandboxOptions, { prepare = async () => {}, afterwards = {} }: Replay = {}): void {
  describe(`jambonz/${file}`, () => {
    const text = readFileSync(join(__dirname, "../transcripts/jambonz", file), "utf8");
    const { exchanges } = JSON.parse(text) as { exchanges: Exchange[] };
    let sandbox: Sandbox;
    let bound: Bindings = {};
    const answered: { title: string; body: any }[] = [];
    before(async () => (sandbox = await startSandbox(options)));
    after(() => sandbox.stop());

    for (const [index, exchange] of exchanges.entries()) {
      const { title, scope, request, response: expected } = exchange;
      it(`${index}: ${title}`, async () => {
        await prepare(sandbox, exchange);
        const token = scope === "admin" ? sandbox.adminKey : scope === "bad" ? randomUUID() : bound[`tok_${scope}`];
        const body = typeof request.body === "string" ? request.body : fill(JSON.stringify(request.body), bound);
        const answer = await fetch(`${sandbox.url}${fill(request.path, bound)}`, {
          method: request.method,
          headers: {
            ...(scope !== null && { authorization: `Bearer ${token}` }),
            ...(request.body !== null && { "content-type": "application/json" }),
          },
          body: request.body === null ? null : body,
        });
        const received = await answer.text();
        assert.equal(answer.status, expected.status, received);
        assert.equal(answer.headers.get("content-type")?.split(";")[0] ?? null, expected.contentType);
        for (const [name, value] of Object.entries(expected.headers ?? {})) assert.equal(answer.headers.get(name), value);
        for (const name of ["date", "ratelimit-policy", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]) {
          assert.ok(answer.headers.has(name), `no ${name} header`);
        }
        const actual: unknown = expected.contentType === "application/json" ? JSON.parse(received) : received || null;
        const end = match(expected.body, actual, bound);
        if (!end) assert.deepEqual(actual, JSON.parse(fill(JSON.stringify(expected.body), bound)));
        assert.ok(end, "the keys are in another order, or a placeholder stands for something else");
        bound = end;
        answered.push({ title, body: actual });
        if (Array.isArray(actual)) assertInOrderOfSids(actual);
      });
    }

    for (const [what, holds] of Object.entries(afterwards))
      it(what, () => holds((title) => answered.filter((one) => one.title === title).map(({ body }) => body)));
  });
}

replay(
  "accounts-keys-limits-realms.json",
  { dns: "none" },
  {
    afterwards: {
      "the webhook secret is the account's, until another one takes its place"(answers) {
        const [account] = answers("read the key's own account");
        const [before] = answers("webhook secret");
        const [after] = answers("regenerate the webhook secret");
        assert.equal(before.webhook_secret, account.webhook_secret);
        assert.notEqual(after.webhook_secret, before.webhook_secret);
      },
      "a key expires when its creation said"(answers) {
        const [keys] = answers("list keys of the account");
        assert.deepEqual(
          keys.map(({ expires_at }: Record<string, unknown>) => expires_at).filter((at: unknown) => at !== null),
          ["2030-01-01T00:00:00.000Z"],
        );
      },
    },
  },
);
replay(
  "everything-else.json",
  {},
  {
    afterwards: {
      // Updates that say nothing of these two hooks keep their rows: jambonz-api-server 0.9.6, lib/routes/api/applications.js
      "an application's hooks are two, and stay the same ones over updates of other things"(answers) {
        const [made, updated] = answers("read application");
        const [[listed]] = answers("list applications of the account");
        const [found] = answers("list applications of the account by name");
        const sids = ({ call_hook, call_status_hook }: any) => [call_hook.webhook_sid, call_status_hook.webhook_sid] as string[];
        assert.equal(new Set(sids(made)).size, 2);
        for (const later of [updated, listed, found.data[0]]) assert.deepEqual(sids(later), sids(made));
      },
    },
  },
);
// The recording was made without any DNS work: the account goes although its realm was cleared.
replay(
  "realms-and-rate-limit.json",
  { dns: "skipped", rateLimit: { requests: 40, seconds: 60 } },
  {
    async prepare(sandbox, { response }) {
      if (response.status !== 429) return;
      while (sandbox.requests.length < 40) await fetch(`${sandbox.url}/Accounts`);
    },
  },
);
