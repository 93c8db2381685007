import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import type { LoggedRequest, Sandbox } from "../../../sandbox/src";
import { FastClock } from "../../support/clock";
import type { Entry } from "../../support/engine";
import type { Declared } from "../../support/pulumi";
import { restcommTarget, strong, type RestcommTarget } from "../../support/restcomm";
import { broken, optional } from "../life";
import { current, imported, type Effect, type OutsideChange, type Scene, type Subject } from "../subject";

type Row = Record<string, any>;

/** How late changes show. */
type Delay = "at once" | "late";

interface Account {
  args: Record<string, unknown>;
  /** Which of its passwords, and of its e-mail addresses, one after the other. */
  password: 1 | 2;
  address: 0 | 1;
  closeOnDeletion: boolean;
}

/** What a random program declares in one place: a sub-account, or the account that signs in. */
export interface Tenant {
  account?: Account;
  menu?: Record<string, unknown>;
  phone?: { args: Record<string, unknown>; login: "phone" | "desk" | "linked"; password: 1 | 2; toMenu: boolean };
  number?: { args: Record<string, unknown>; which: 0 | 1; isSip: boolean; toMenu: boolean };
}

const slots = ["ann", "bob", "own"] as const;
type Slot = (typeof slots)[number];
export type Program = Partial<Record<Slot, Tenant>>;

const url = fc.constantFrom("https://a.example.com/v", "https://b.example.com/v?x=1&y=ü");
const name = fc.constantFrom("Söhne & Co", "second");
const method = fc.constantFrom("GET", "POST");
const some = (model: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(model, { requiredKeys: [], noNullPrototype: true }).map((args) => args as Record<string, unknown>);

const tenant = (slot: Slot): fc.Arbitrary<Tenant> =>
  fc.record({
    account:
      slot === "own"
        ? fc.constant(undefined)
        : fc.record({
            args: some({
              friendlyName: name,
              status: fc.constantFrom("active", "suspended"),
              role: fc.constantFrom("Developer", "Administrator"),
            }),
            password: fc.constantFrom(1 as const, 2 as const),
            address: fc.oneof({ weight: 3, arbitrary: fc.constant(0 as const) }, { weight: 1, arbitrary: fc.constant(1 as const) }),
            closeOnDeletion: fc.boolean(),
          }),
    menu: optional(some({ friendlyName: name, kind: fc.constantFrom("voice", "sms"), rcmlUrl: url, voiceCallerIdLookup: fc.boolean() })),
    phone: optional(
      fc.record({
        args: some({ friendlyName: name, status: fc.constantFrom(0, 1), voiceUrl: url, voiceMethod: method, voiceFallbackUrl: url }),
        login: fc.constantFrom("phone" as const, "phone" as const, "desk" as const, "linked" as const),
        password: fc.constantFrom(1 as const, 2 as const),
        toMenu: fc.boolean(),
      }),
    ),
    number: optional(
      fc.record({
        args: some({ friendlyName: name, voiceUrl: url, voiceMethod: method, smsUrl: url, smsMethod: method, statusCallback: url }),
        which: fc.constantFrom(0 as const, 1 as const),
        isSip: fc.boolean(),
        toMenu: fc.boolean(),
      }),
    ),
  });

const programs: fc.Arbitrary<Program> = fc
  .tuple(...slots.map((slot) => optional(tenant(slot))))
  .map((list) => Object.fromEntries(slots.flatMap((slot, index) => (list[index] ? [[slot, list[index]]] : []))));

const changeKinds = [
  "rename",
  "suspend",
  "new password",
  "close",
  "change client",
  "new client password",
  "delete client",
  "change number",
  "release number",
  "change application",
  "delete application",
  "add foreign things",
  "let time pass",
] as const;
type Change = OutsideChange<(typeof changeKinds)[number]>;

const accountPassword = (slot: string, number: number) => `${strong}-account-${slot}-${number}`;
const clientPassword = (slot: string, number: number) => `${strong}-client-${slot}-${number}`;
/** A slot's addresses: the one that a program names, after so many that were burnt. */
const addressOf = (slot: string, address: number, burnt = 0) => `${slot}${address}.${burnt}@acme.example.com`;

function declared(program: Program, burnt: Record<string, number> = {}): Declared[] {
  return Object.entries(program).flatMap(([slot, { account, menu, phone, number }]) => {
    const own: Declared[] = [];
    const where = account ? { accountSid: { $ref: `${slot}.sid` } } : {};
    const target = (toMenu: boolean) => (toMenu && menu ? { voiceApplicationSid: { $ref: `${slot}-menu.sid` } } : {});
    const emailAddress = account && addressOf(slot, account.address, burnt[`${slot}${account.address}`]);
    if (account) {
      const { args, password, closeOnDeletion } = account;
      own.push({
        type: "restcomm:Account",
        name: slot,
        args: { ...args, emailAddress, password: accountPassword(slot, password), ...(closeOnDeletion ? { closeOnDeletion } : {}) },
      });
    }
    if (menu) own.push({ type: "restcomm:Application", name: `${slot}-menu`, args: { ...where, ...menu } });
    if (phone) {
      const { args, login, password, toMenu } = phone;
      // The platform makes a client along with an account that is named like this.
      const named = login === "linked" && emailAddress ? emailAddress.split("@")[0] : `${slot}-${login}`;
      own.push({
        type: "restcomm:Client",
        name: `${slot}-client`,
        args: { ...where, ...args, login: named, password: clientPassword(slot, password), ...target(toMenu) },
      });
    }
    if (number) {
      const { args, which, isSip, toMenu } = number;
      const digits = `${slots.indexOf(slot as Slot) + 1}${which}`;
      const bought = isSip ? { phoneNumber: `12${digits}`, isSip } : { phoneNumber: `+150155501${digits}` };
      own.push({ type: "restcomm:IncomingPhoneNumber", name: `${slot}-number`, args: { ...where, ...args, ...bought, ...target(toMenu) } });
    }
    return own;
  });
}

export const restcomm: Subject<Delay, Program> = {
  platform: "restcomm",
  setting: fc.constantFrom("at once" as const, "late" as const),
  program: () => programs,
  change: fc.record({ slot: fc.constantFrom(...slots), what: fc.constantFrom(...changeKinds) }),
  methods: ["GET", "POST", "PUT", "DELETE"],
  faults: [
    ...broken,
    { status: 403, body: "" },
    { status: 404 },
    { status: 429, headers: { "Retry-After": "0" } },
    { status: 500, body: "" },
    { status: 502 },
    { status: 502, handled: true },
    { status: 503 },
    { status: 504 },
  ],
  nothing: {},
  told: (delay) => `where changes show ${delay}`,
  sketch: (program) => declared(program),
  open: () => Promise.resolve({ begin: RestcommScene.begin, close: () => Promise.resolve() }),
};

/** How long changes may be hidden, as the platform says, and as long as the provider expects at most. */
const DELAY_MS = 60_000;
const TIMEOUT_S = 180;

const md5 = (text: string) => createHash("md5").update(text).digest("hex");
/** How the platform keeps a client's password. */
const digest = (login: string, password: string) => md5(`${login}:sandbox.restcomm.com:${password}`);
const nouns = { clients: "Clients", incoming_phone_numbers: "IncomingPhoneNumbers", applications: "Applications" };

/** Each life has a platform of its own. */
class RestcommScene implements Scene<Program> {
  static async begin(this: void, delay: Delay): Promise<RestcommScene> {
    const clock = new FastClock(1000);
    const target = await restcommTarget({ consistencyDelayMs: delay === "late" ? DELAY_MS : 0 });
    const scene = new RestcommScene(target, delay, clock);
    const sid = await scene.#make("/Accounts", { EmailAddress: "somebody@else.example.com", Password: strong });
    scene.#foreign.add(sid);
    await scene.#addForeignThings(sid);
    await scene.#addForeignThings(target.accountSid);
    scene.settle();
    return scene;
  }

  readonly sandbox: Sandbox;
  readonly variables: Record<string, string>;
  /** Sids of what somebody else made, for as long as its account is open. */
  readonly #foreign = new Set<string>();
  /** How many addresses of a slot were used up. */
  readonly #burnt: Record<string, number> = {};
  /** The accounts that programs had, by slot. */
  readonly #accounts = new Map<string, Account>();
  /** Sids of clients whose password somebody changed. */
  readonly #otherPassword = new Set<string>();
  #hiddenUntil = 0;

  private constructor(
    readonly target: RestcommTarget,
    readonly delay: Delay,
    readonly clock: FastClock,
  ) {
    this.sandbox = target.sandbox;
    this.variables = {
      ...target.variables,
      RESTCOMM_CONSISTENCY_TIMEOUT: delay === "late" ? String(TIMEOUT_S) : "0",
      // By the fast clock.
      RESTCOMM_OPERATION_TIMEOUT: "30000",
    };
  }

  async end(): Promise<void> {
    this.clock.stop();
    await this.sandbox.stop();
  }

  isShown(): boolean {
    return Date.now() >= this.#hiddenUntil;
  }

  settle(): void {
    this.clock.pass((TIMEOUT_S + 5) * 1000);
  }

  declared(program: Program): Declared[] {
    for (const [slot, { account }] of Object.entries(program)) if (account) this.#accounts.set(slot, account);
    return declared(program, this.#burnt);
  }

  async #make(path: string, form: Record<string, string>): Promise<string> {
    const { status, body } = await this.sandbox.outside("POST", path, form);
    assert.equal(status, 200, `POST ${path}: ${JSON.stringify(body)}`);
    return (body as Row).sid as string;
  }

  #count = 0;
  async #addForeignThings(account: string): Promise<void> {
    const number = ++this.#count;
    const path = `/Accounts/${account}`;
    for (const [noun, form] of [
      ["Clients", { Login: `somebody${number}`, Password: strong }],
      ["IncomingPhoneNumbers", { PhoneNumber: `+1800555${1000 + number}` }],
      ["Applications", { FriendlyName: "second", Kind: "voice" }],
    ] as const)
      this.#foreign.add(await this.#make(`${path}/${noun}`, form));
  }

  async #rows(table: string): Promise<Row[]> {
    return (await this.sandbox.outside("GET", `/rows/${table}`)).body as Row[];
  }

  /** Below the one that signs in. */
  async #accountRows(): Promise<Row[]> {
    return (await this.#rows("accounts")).filter(({ sid }) => sid !== this.target.accountSid);
  }

  /** Everything in the account that signs in and in open ones below it, by ids as Pulumi has them; with a mark at clients that came along. */
  async #everything(): Promise<Map<string, Row>> {
    const accounts = (await this.#accountRows()).filter(({ status }) => status !== "closed");
    const all = new Map(accounts.map((row) => [String(row.sid), row]));
    for (const [table, noun] of Object.entries(nouns)) {
      for (const row of await this.#rows(table)) {
        const account = String(row.account_sid);
        if (account !== this.target.accountSid && !all.has(account)) continue;
        const linked = String(all.get(account)?.email_address).split("@")[0];
        all.set(`Accounts/${account}/${noun}/${String(row.sid)}`, { ...row, isLinked: noun === "Clients" && row.login === linked });
      }
    }
    return all;
  }

  async foreign(): Promise<unknown> {
    const everything = [...(await this.#everything()).values()];
    // Of what somebody added to a tenant's account, it is enough that it is not gone before the account.
    const gone = [...this.#foreign].filter((sid) => !everything.some((row) => row.sid === sid));
    const closed = (await this.#accountRows()).filter(({ status }) => status === "closed").map(({ sid }) => String(sid));
    for (const sid of gone) {
      const account = this.#added.get(sid);
      assert(account !== undefined && closed.includes(account), `${sid}, which is somebody else's, is gone`);
      this.#foreign.delete(sid);
    }
    return everything.filter(({ sid }) => this.#foreign.has(String(sid)) && !this.#added.has(String(sid)));
  }
  /** What somebody added during the life, with the account that it is in. */
  readonly #added = new Map<string, string>();

  async secrets(): Promise<string[]> {
    const everything = [...(await this.#everything()).values()];
    const told = everything.flatMap(({ auth_token, password }) => [auth_token, password] as unknown[]);
    return [this.sandbox.adminKey, ...told.filter((secret): secret is string => typeof secret === "string")];
  }

  async holds(program: Program, entries: Entry[]): Promise<void> {
    const everything = await this.#everything();
    const own = [...everything].filter(([, { sid, isLinked }]) => !this.#foreign.has(String(sid)) && !isLinked).map(([id]) => id);
    const ids = entries.map(({ id }) => id);
    assert.deepEqual(own.sort(), ids.sort(), "on the platform and in state");
    const row = (name: string) => everything.get(current(entries, name)!.id)!;
    for (const { type, name, args } of this.declared(program)) {
      const found = row(name);
      const slot = name.split("-")[0] as Slot;
      for (const [property, value] of Object.entries(args as Row)) {
        const member = property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
        const what = `${property} of ${name}`;
        if (property === "closeOnDeletion" || property === "isSip") continue;
        else if (property === "accountSid") assert.equal(found.account_sid, row(slot).sid, what);
        else if (property === "voiceApplicationSid") assert.equal(found[member], row(`${slot}-menu`).sid, what);
        else if (property === "phoneNumber") assert.equal(String(found[member]).replace("+", ""), String(value).replace("+", ""), what);
        else if (property === "emailAddress") assert.equal(found[member], String(value).toLowerCase(), what);
        else if (typeof value === "boolean") assert.equal(Boolean(found[member]), value, what);
        else if (property !== "password") assert.equal(typeof value === "number" ? Number(found[member]) : found[member], value, what);
        else if (type === "restcomm:Client") {
          if (!this.#otherPassword.has(String(found.sid))) assert.equal(found.password, digest(String(found.login), String(value)), what);
        } else if (!this.#otherPassword.has(String(found.sid))) {
          assert.equal(found.auth_token, md5(String(value)), what);
          assert.equal(current(entries, name)!.outputs.authToken, found.auth_token, `token of ${name}`);
        }
      }
    }
  }

  async act({ slot, what }: OutsideChange, program: Program, entries: Entry[]): Promise<Effect | undefined> {
    if (what === "let time pass") {
      this.settle();
      return { shown: [], repaired: [] };
    }
    const effect = await this.#act({ slot, what } as Change, program[slot as Slot], entries);
    if (effect) this.#hiddenUntil = Date.now() + (this.delay === "late" ? DELAY_MS : 0);
    return effect;
  }

  async #act({ slot, what }: Change, tenant: Tenant | undefined, entries: Entry[]): Promise<Effect | undefined> {
    // What comes later than a write is dated later: the platform counts in whole seconds.
    this.clock.pass(2000);
    const everything = await this.#everything();
    const live = (name: string) => {
      const entry = current(entries, name);
      return entry && everything.has(entry.id) ? entry.id : undefined;
    };
    const nothing = { shown: [], repaired: [] };
    const account = live(slot);
    const put = async (path: string, form: Record<string, string>) =>
      assert.equal((await this.sandbox.outside("PUT", path, form)).status, 200, `PUT ${path}`);
    // The time of the change shows, too.
    const changed = (name: string, member: string, shows: boolean) => ({
      shown: [`changed ${name}`],
      repaired: shows ? [`update ${name}`] : [],
      member,
    });
    const gone = async (name: string, id: string, more: string[] = []) => {
      assert((await this.sandbox.outside("DELETE", `/${id}`)).status < 300);
      return { shown: [`gone ${name}`], repaired: [`create ${name}`, ...more] };
    };
    const client = live(`${slot}-client`);
    const number = live(`${slot}-number`);
    const menu = live(`${slot}-menu`);
    const args = (name: string) => this.declared(tenant ? { [slot]: tenant } : {}).find((declared) => declared.name === name)?.args as Row;
    switch (what) {
      case "rename":
        if (!account || !tenant) return undefined;
        await put(`/Accounts/${account}`, { FriendlyName: "renamed by somebody" });
        return changed(slot, "FriendlyName", args(slot)?.friendlyName !== undefined);
      case "suspend":
        if (!account || !tenant) return undefined;
        await put(`/Accounts/${account}`, { Status: "suspended" });
        return changed(slot, "Status", args(slot)?.status === "active");
      case "new password":
        if (!account || !tenant) return undefined;
        await put(`/Accounts/${account}`, { Password: `${strong}-other` });
        this.#otherPassword.add(account);
        return { shown: [`changed ${slot}`], repaired: [] }; // only its token, which nobody declares
      case "close": {
        if (!account || !tenant) return undefined;
        await put(`/Accounts/${account}`, { Status: "closed" });
        const names = this.declared({ [slot]: tenant }).map(({ name }) => name);
        return { shown: names.map((name) => `gone ${name}`), repaired: names.map((name) => `create ${name}`) };
      }
      case "change client":
        if (!client) return undefined;
        await put(`/${client}`, { VoiceUrl: "https://changed.example.com/v" });
        return changed(`${slot}-client`, "VoiceUrl", args(`${slot}-client`)?.voiceUrl !== undefined);
      case "new client password":
        if (!client) return undefined;
        await put(`/${client}`, { Password: `${strong}-other` });
        this.#otherPassword.add(client.split("/").at(-1)!);
        return { shown: [`changed ${slot}-client`], repaired: [] };
      case "delete client":
        return client ? gone(`${slot}-client`, client) : undefined;
      case "change number":
        if (!number) return undefined;
        await put(`/${number}`, { SmsUrl: "https://changed.example.com/v" });
        return changed(`${slot}-number`, "SmsUrl", args(`${slot}-number`)?.smsUrl !== undefined);
      case "release number":
        return number ? gone(`${slot}-number`, number) : undefined;
      case "change application":
        if (!menu) return undefined;
        await put(`/${menu}`, { RcmlUrl: "https://changed.example.com/v" });
        return changed(`${slot}-menu`, "RcmlUrl", args(`${slot}-menu`)?.rcmlUrl !== undefined);
      case "delete application": {
        // Whatever points to it is pointed to the new one.
        const users = ["client", "number"].map((kind) => `${slot}-${kind}`).filter((name) => args(name)?.voiceApplicationSid);
        return menu
          ? gone(
              `${slot}-menu`,
              menu,
              users.map((name) => `update ${name}`),
            )
          : undefined;
      }
      case "add foreign things": {
        const sid = slot === "own" ? this.target.accountSid : account;
        if (!sid) return undefined;
        const before = new Set(this.#foreign);
        await this.#addForeignThings(sid);
        for (const foreign of this.#foreign) if (!before.has(foreign)) this.#added.set(foreign, sid);
        return nothing;
      }
      case "let time pass":
        return nothing;
    }
  }

  deletes({ method, path, body }: LoggedRequest): string | undefined {
    if (method === "DELETE") return path;
    return method === "PUT" && (body as Row | undefined)?.Status === "closed" ? `close ${path}` : undefined;
  }

  deletionOf({ type, id, outputs }: Entry): string | undefined {
    if (type !== "restcomm:Account") return `/${id}.json`;
    return outputs.closeOnDeletion === true ? `close /Accounts/${id}.json` : undefined;
  }

  isReplaced(entry: Entry, now: Row, before: Entry[], program: Declared[]): boolean {
    const { type, name, outputs } = entry;
    if (type === "restcomm:Account") return String(outputs.emailAddress).toLowerCase() !== String(now.emailAddress).toLowerCase();
    const slot = name.split("-")[0]!;
    if (slot !== "own") {
      const account = before.find((other) => other.name === slot && !other.condemned);
      const accountNow = program.find((other) => other.name === slot);
      if (!account || account.id !== outputs.accountSid || account.pendingReplacement) return true;
      if (accountNow && this.isReplaced(account, accountNow.args as Row, before, program)) return true;
    }
    const other = (property: string) => (outputs[property] ?? false) !== (now[property] ?? false);
    return type === "restcomm:Client"
      ? other("login")
      : type === "restcomm:IncomingPhoneNumber" && (other("phoneNumber") || other("isSip"));
  }

  async after(_command: string, _before: Entry[], entries: Entry[], requests: LoggedRequest[], errors: string[]): Promise<void> {
    // What costs money is asked for again only after somebody has looked whether it is there.
    const asked = new Set<string>();
    for (const { method, path, body } of requests) {
      // What was not handled has no body.
      if (!/\/IncomingPhoneNumbers\.json/.test(path) || (method === "POST" && !body)) continue;
      const asksFor = new URLSearchParams(path.split("?")[1]).get("PhoneNumber");
      if (method === "GET" && asksFor === null) continue; // about others
      const number = asksFor?.replace(/^\*/, "") ?? String((body as Row | undefined)?.PhoneNumber);
      const purchase = `${path.split("?")[0]} ${number}`;
      if (method === "POST") {
        assert(!asked.has(purchase), `bought again without a look: ${number}`);
        asked.add(purchase);
      } else asked.delete(purchase);
    }
    await this.#deleteOrphans(entries, errors);
  }

  /** Where a failure says that something may have been made, somebody looks for what no state knows, and deletes it. */
  async #deleteOrphans(entries: Entry[], errors: string[]): Promise<void> {
    const unsure = errors.filter((error) => /npx pulumi-cpaas orphans|made all the same/.test(error)).length;
    if (unsure === 0) return;
    const unsureAccount = errors.some((error) => /\bAccount\b[^(]*: .*npx pulumi-cpaas orphans/.test(error));
    const orphans = [...(await this.#everything())].filter(
      ([id, { sid, isLinked, account_sid }]) =>
        !entries.some((entry) => entry.id === id) &&
        !this.#foreign.has(String(sid)) &&
        !isLinked &&
        (account_sid !== undefined || (unsureAccount && sid !== this.target.accountSid)),
    );
    assert(orphans.length <= unsure, `nobody was told of all of these: ${orphans.map(([id]) => id).join()}`);
    for (const [id, { account_sid }] of orphans) {
      if (account_sid !== undefined) await this.sandbox.outside("DELETE", `/${id}`);
      else await this.sandbox.outside("PUT", `/Accounts/${id}`, { Status: "closed" });
    }
    this.settle();
  }

  async heed(error: string, program: Program, entries: Entry[]): Promise<Program | undefined> {
    const everything = await this.#everything();
    const [id] = /\bAC[0-9a-f]{32}\b/.exec(error) ?? [];
    const owner = entries.find((entry) => entry.type === "restcomm:Account" && entry.id === id);
    // To close an account takes two steps.
    if (owner && /deploy closeOnDeletion: true before/.test(error)) {
      assert.notEqual(owner.outputs.closeOnDeletion, true, "that was deployed already");
      const slot = owner.name as Slot;
      const before = program[slot]?.account ?? this.#accounts.get(slot)!;
      const address = String(owner.outputs.emailAddress).startsWith(`${slot}1`) ? 1 : 0;
      return { ...program, [slot]: { ...program[slot], account: { ...before, address, closeOnDeletion: true } } };
    }
    const [, address] = /there is or was an account with the e-mail address (\S+),/.exec(error) ?? [];
    if (address) {
      const slot = address.slice(0, 3) as Slot;
      const row = (await this.#accountRows()).find(({ email_address }) => email_address === address);
      assert(row, `there is no account with the address ${address}`);
      if (row.status === "closed") this.#burnt[address.slice(0, 4)] = Number(/\.(\d+)@/.exec(address)![1]) + 1;
      else {
        const holder = entries.find((entry) => entry.id === row.sid);
        if (holder) {
          // It was replaced, and is still to be closed: once the program leaves the new one as it is, it will be.
          assert(holder.condemned, "it is in state");
          const { account } = program[slot] ?? {};
          return account
            ? { ...program, [slot]: { ...program[slot], account: { ...account, address: account.address ? 0 : 1 } } }
            : program;
        }
        entries.push(imported("restcomm:Account", slot, String(row.sid), ["authToken", "password"]));
      }
      return program;
    }
    // Something that was replaced, and is still to be deleted, has it: without a program that wants it, it will be.
    const [, taken] = /Client "(\S+)": The login is in use|the number (\S+) is taken/.exec(error)?.filter(Boolean) ?? [];
    if (taken) {
      const holder = entries.find(({ condemned, outputs }) => condemned && [outputs.login, outputs.phoneNumber].includes(taken));
      const [slot, kind] = (holder?.name.split("-") ?? []) as [Slot?, string?];
      return slot && { ...program, [slot]: { ...program[slot], [kind === "client" ? "phone" : "number"]: undefined } };
    }
    const [, login] = /already has a client with the login (\S+), which shows in some minutes/.exec(error) ?? [];
    if (login) return this.#withoutLinked(login.slice(0, 3) as Slot, program);
    const [, type, adopted] = /npx pulumi-cpaas adopt restcomm:(\w+) \S+ (\S+?)`/.exec(error) ?? [];
    if (!type || !adopted || !/already has/.test(error)) return undefined;
    const row = everything.get(adopted);
    if (!row) {
      this.settle(); // what was deleted shows for some time more
      return program;
    }
    assert(!this.#foreign.has(String(row.sid)));
    const named = this.declared(program).find(({ type: of, args }) => {
      const { login, phoneNumber } = args as Row;
      const name = String(login ?? phoneNumber).replace("+", "");
      return of === `restcomm:${type}` && name === String(row.login ?? row.phone_number).replace("+", "");
    });
    assert(named, `nothing declares ${adopted}`);
    const [slot, kind] = named.name.split("-") as [Slot, "client" | "number"];
    const holder = entries.find((entry) => entry.id === adopted);
    if (holder) {
      // It was replaced, and is still to be deleted: without a program that wants it, it will be.
      assert(holder.condemned, "it is in state");
      return { ...program, [slot]: { ...program[slot], [kind === "client" ? "phone" : kind]: undefined } };
    }
    if (row.isLinked) return this.#withoutLinked(slot, program);
    const at = entries.findIndex(({ name }) => name === named.name);
    if (at >= 0) return undefined;
    entries.push(imported(named.type, named.name, adopted, named.type === "restcomm:Client" ? ["password"] : []));
    return program;
  }

  #withoutLinked(slot: Slot, program: Program): Program {
    const { phone } = program[slot] ?? {};
    return phone ? { ...program, [slot]: { ...program[slot], phone: { ...phone, login: "phone" } } } : program;
  }
}
