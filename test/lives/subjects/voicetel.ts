import assert from "node:assert/strict";
import fc from "fast-check";
import type { LoggedRequest, Sandbox } from "../../../sandbox/src";
import { FastClock } from "../../support/clock";
import type { Entry } from "../../support/engine";
import type { Declared } from "../../support/pulumi";
import { added, voicetelTarget, type Row, type Target } from "../../support/voicetel";
import { broken, optional } from "../life";
import { current, imported, type Effect, type OutsideChange, type Scene, type Subject } from "../subject";

/** How many limited calls an hour the address has: so few that they are soon used up, or so many that they never are. */
type Calls = 2 | 1000;

/** An account as a random program declares it. Only `retain` and `key` can ever change. */
interface Tenant {
  username: 0 | 1;
  name?: string;
  email: 0 | 1;
  /** Names the account itself as the one that is billed, which is the default. */
  master: boolean;
  retain: boolean;
  key: boolean;
}

const slots = ["ann", "bob", "cid"] as const;
type Slot = (typeof slots)[number];
type Program = Partial<Record<Slot, Tenant>>;

const seldom = fc.oneof({ weight: 4, arbitrary: fc.constant(0 as const) }, { weight: 1, arbitrary: fc.constant(1 as const) });

const tenant = (slot: Slot): fc.Arbitrary<Tenant> =>
  fc.record({
    username: seldom,
    name: optional(fc.constantFrom(`${slot} & Söhne "x"`)),
    email: seldom,
    master: fc.boolean(),
    retain: fc.boolean(),
    key: fc.boolean(),
  });

const programs: fc.Arbitrary<Program> = fc
  .tuple(...slots.map((slot) => optional(tenant(slot))))
  .map((list) => Object.fromEntries(slots.flatMap((slot, index) => (list[index] ? [[slot, list[index]]] : []))));

/** What only VoiceTel's support, or whoever reads the account's mail, can do. */
const changeKinds = ["rename", "new password", "close"] as const;

const usernameIn = (slot: string, username: number) => 4_000_000_000 + 10 * slots.indexOf(slot as Slot) + username;
const emailIn = (slot: string, email: number) => `${slot}${email}@example.com`;

/** @param passwords those that the program has to tell, because state does not have them */
function declared(program: Program, passwords: ReadonlyMap<string, string> = new Map()): Declared[] {
  return Object.entries(program).flatMap(([slot, { username: which, name, email, master, retain, key }]) => {
    const username = usernameIn(slot, which);
    const args = { username, email: emailIn(slot, email), ...(name ? { name } : {}), ...(master ? { masterAccount: username } : {}) };
    const own: Declared[] = [{ type: "voicetel:Account", name: slot, args, opts: retain ? { retainOnDelete: true } : {} }];
    if (key) {
      const password = passwords.get(slot) ?? { $ref: `${slot}.password` };
      own.push({ type: "voicetel:ApiKey", name: `${slot}-key`, args: { username: { $ref: `${slot}.username` }, password } });
    }
    return own;
  });
}

export const voicetel: Subject<Calls, Program> = {
  platform: "voicetel",
  setting: fc.constantFrom(2 as const, 1000 as const),
  program: () => programs,
  change: fc.record({ slot: fc.constantFrom(...slots), what: fc.constantFrom(...changeKinds) }),
  methods: ["POST"],
  faults: [
    ...broken,
    { status: 200, body: { statusCode: "500", status: "Error", message: "try later" } },
    { status: 401, body: { statusCode: "401", status: "Error", message: "Unauthorized" } },
    { status: 404 },
    { status: 429, headers: { "Retry-After": "60" } },
    { status: 500 },
    { status: 502 },
    { status: 503 },
    { status: 504 },
  ],
  nothing: {},
  told: (calls) => `with ${calls} calls an hour`,
  sketch: (program) => declared(program),
  open: () => Promise.resolve({ begin: VoicetelScene.begin, close: () => Promise.resolve() }),
};

const HOUR = 3_600_000;

/** Each life has a platform and a count of calls of its own. What is made there stays: what state holds is only a part of it. */
class VoicetelScene implements Scene<Program> {
  static async begin(this: void, calls: Calls): Promise<VoicetelScene> {
    const clock = new FastClock(1);
    const target = await voicetelTarget({ rateLimit: { requests: calls, seconds: HOUR / 1000 } });
    await added(target, { username: 5_000_000_000, name: "somebody else's", email: "somebody@example.com" });
    return new VoicetelScene(target, clock, calls);
  }

  readonly sandbox: Sandbox;
  readonly variables: Record<string, string>;
  /** Usernames of accounts that left the state because that was declared before, as it has to be. */
  readonly #letGo = new Set<string>();
  /** Usernames of which a failure said that they may have been made. */
  readonly #unsure = new Set<string>();
  /** Usernames of accounts that VoiceTel's support has closed. */
  readonly #closed = new Set<string>();
  /** Usernames of accounts of which state may say something else than the platform. */
  readonly #unchecked = new Set<string>();
  /** New passwords, by slot, which a program has to tell. */
  readonly #passwords = new Map<string, string>();

  private constructor(
    readonly target: Target,
    readonly clock: FastClock,
    readonly calls: Calls,
  ) {
    this.sandbox = target.sandbox;
    this.variables = { ...target.variables, VOICETEL_CALLS_PER_HOUR: String(calls) };
  }

  async end(): Promise<void> {
    this.clock.stop();
    await this.target.stop();
  }

  declared(program: Program): Declared[] {
    return declared(program, this.#passwords);
  }

  async #accounts(): Promise<Map<string, Row>> {
    const { body } = await this.sandbox.outside("GET", "/rows/accounts");
    return new Map((body as Row[]).map((row) => [row.username, row]));
  }

  async foreign(): Promise<unknown> {
    const accounts = [...(await this.#accounts()).values()] as (Row & { administrator: number })[];
    return accounts.filter(({ administrator, username }) => administrator || username === "5000000000");
  }

  async secrets(): Promise<string[]> {
    return [...(await this.#accounts()).values()].flatMap(({ password, apikey }) => [password, apikey]);
  }

  async holds(program: Program, entries: Entry[]): Promise<void> {
    const accounts = await this.#accounts();
    const ids = entries.filter(({ type }) => type === "voicetel:Account").map(({ id }) => id);
    for (const id of ids) assert(accounts.has(id) || this.#closed.has(id), `account ${id} is in state and not on the platform`);
    for (const username of [...accounts.keys()].filter((username) => username.startsWith("4000"))) {
      const isKnown = [ids, [...this.#letGo], [...this.#unsure]].some((known) => known.includes(username));
      assert(isKnown, `account ${username} is on the platform, and nobody was told`);
    }
    for (const { type, name, args } of this.declared(program)) {
      const entry = current(entries, name)!;
      const row = accounts.get(entry.id);
      if (!row || this.#unchecked.has(entry.id)) continue;
      if (type === "voicetel:ApiKey") assert.equal(entry.outputs.apiKey, row.apikey, `key of ${name}`);
      else {
        const { username, email, name: called = name } = args as { username: number; email: string; name?: string };
        assert.deepEqual([row.username, row.name, row.email, row.masterAccount], [String(username), called, email, String(username)]);
        assert.equal(entry.outputs.password, row.password, `password of ${name}`);
      }
    }
  }

  /** None of it shows: an account can be read with its own key only, so a refresh does not look, and says so. */
  async act({ slot, what }: OutsideChange, _program: Program, entries: Entry[]): Promise<Effect | undefined> {
    const id = current(entries, slot)?.id;
    const row = id && (await this.#accounts()).get(id);
    if (!row) return undefined;
    this.#unchecked.add(id);
    if (what === "close") {
      await this.sandbox.outside("DELETE", `/rows/accounts/${id}`);
      this.#closed.add(id);
    } else if (what === "rename") await this.sandbox.outside("PUT", `/rows/accounts/${id}`, { name: "renamed by support" });
    else await this.#recover(id);
    return { shown: [], repaired: [] };
  }

  /** Account Recovery: a new password, and with it a new key. */
  async #recover(username: string): Promise<string> {
    const password = `new${String(Math.random()).slice(2, 8)}`;
    const apikey = Buffer.from(password.padEnd(16, "x")).toString("hex");
    await this.sandbox.outside("PUT", `/rows/accounts/${username}`, { password, apikey });
    this.#unchecked.add(username);
    return password;
  }

  /** Nothing that VoiceTel has deletes anything. */
  deletes(): undefined {
    return undefined;
  }

  deletionOf(): undefined {
    return undefined;
  }

  isReplaced(): boolean {
    return false;
  }

  after(command: string, before: Entry[], entries: Entry[], requests: LoggedRequest[], errors: string[]): void {
    if (command === "refresh") assert.deepEqual(requests, [], "a refresh sends nothing");
    const sent = requests.map(
      ({ path, body }) => `${path} ${String((body as { username?: number } | undefined)?.username ?? Math.random())}`,
    );
    assert.deepEqual(sent, [...new Set(sent)], "nothing is sent a second time");
    for (const { type, id, name, retainOnDelete } of before) {
      if (type !== "voicetel:Account" || entries.some((entry) => entry.type === type && entry.id === id)) continue;
      assert(retainOnDelete, `${name} left the state, although nobody allowed that before`);
      this.#letGo.add(id);
    }
    for (const error of errors) {
      const [, username] = /account (\d+) (may have been|was) made/.exec(error) ?? [];
      if (username) this.#unsure.add(username);
    }
  }

  async heed(error: string, program: Program, entries: Entry[]): Promise<Program | undefined> {
    const accounts = await this.#accounts();
    const [, id] = /Account(?: "[^(]*")? \((\d+)\): (?:.* cannot be changed|VoiceTel has no way to delete)/.exec(error) ?? [];
    if (id) {
      const entry = entries.find((entry) => entry.type === "voicetel:Account" && entry.id === id);
      // Support had closed it, and another failure of this run had it taken out of the state already.
      if (!entry) return accounts.has(id) ? undefined : program;
      const slot = entry.name as Slot;
      const { username, name, email } = entry.outputs as { username: number; name?: string; email?: string };
      const as: Tenant = {
        username: Number(id) % 10 === 1 ? 1 : 0,
        ...(name !== undefined && name !== slot ? { name } : {}),
        email: email === emailIn(slot, 1) ? 1 : 0,
        master: false,
        retain: /no way to delete/.test(error),
        key: false,
      };
      if (as.retain) assert(!entry.retainOnDelete, "that was allowed");
      else {
        const wanted = this.declared(program).find((declared) => declared.name === slot)!.args as Record<string, unknown>;
        const isOther = [username, name, email].some(
          (value, at) => value !== undefined && value !== [wanted.username, wanted.name ?? slot, wanted.email][at],
        );
        assert(isOther, "nothing was changed");
        Object.assign(as, { retain: program[slot]!.retain, key: program[slot]!.key });
      }
      return { ...program, [slot]: as };
    }
    const [, adopted] =
      /username (\d+) or the e-mail address may be taken already.*npx pulumi-cpaas adopt voicetel:Account/.exec(error) ?? [];
    if (adopted) {
      const slot = slots[Math.floor((Number(adopted) % 100) / 10)]!;
      const taken = accounts.get(adopted);
      if (!taken) {
        // The address is that of an account of the other username, which was let go of.
        const { username, ...rest } = program[slot]!;
        return { ...program, [slot]: { ...rest, username: username ? 0 : 1 } };
      }
      assert(this.#letGo.has(adopted) || this.#unsure.has(adopted), "nobody was told of it");
      this.#letGo.delete(adopted);
      entries.push(imported("voicetel:Account", slot, adopted, ["password"]));
      this.#passwords.set(slot, await this.#recover(adopted));
      return program;
    }
    if (/takes \d+ calls of this kind in an hour, and all of them are used up/.test(error)) {
      assert.equal(this.calls, 2);
      this.clock.pass(HOUR);
      return program;
    }
    if (!/the username or the password is not valid/.test(error)) return undefined;
    const rest = { ...program };
    for (const slot of slots) {
      const entry = current(entries, slot);
      const row = entry && accounts.get(entry.id);
      if (!entry || !program[slot]?.key || row?.password === (this.#passwords.get(slot) ?? entry.outputs.password)) continue;
      if (row) this.#passwords.set(slot, row.password);
      else {
        // Support has closed it, so it is taken out of the program and of the state (`pulumi state delete`).
        delete rest[slot];
        for (const name of [slot, `${slot}-key`]) {
          const at = entries.findIndex((entry) => entry.name === name);
          if (at >= 0) entries.splice(at, 1);
        }
        this.#passwords.delete(slot);
      }
      return rest;
    }
    return undefined;
  }
}
