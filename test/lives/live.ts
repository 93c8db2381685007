import assert from "node:assert/strict";
import { resourceOf } from "../../provider/platforms";
import type { Properties } from "../../provider/resource";
import { leaves } from "../../provider/schema";
import { startSandbox, type LoggedRequest, type Sandbox } from "../../sandbox/src";
import { Engine, type Entry, type Outcome } from "../support/engine";
import { made } from "../support/jambonz";
import type { Declared } from "../support/pulumi";
import { declared, keyName, limitName, realmName, story, type Life, type OutsideChange, type Tenants } from "./life";

type Row = Record<string, any>;

/** What has to follow from a change from outside. */
interface Effect {
  /** What a refresh shows. */
  shown: string[];
  /** What the next \`up\` does. */
  repaired: string[];
  /** The only column that it may send to an account that stays. */
  column?: string;
}

/** What a life left behind that tells how much it went through. */
export interface Lived {
  requests: number;
  operations: number;
  /** Operations that ended with an error; each is allowed to while something is broken. */
  failures: number;
}

/** A sandbox in which lives are lived one after the other, each with service providers of its own. */
export class World {
  static async start(): Promise<World> {
    return new World(await startSandbox({ rateLimit: false, dns: "skipped" }));
  }

  private constructor(readonly sandbox: Sandbox) {}

  stop(): Promise<void> {
    return this.sandbox.stop();
  }

  /** @throws AssertionError that tells the life's story and what was wrong at its end */
  async live(life: Life): Promise<Lived> {
    const course = await Course.begin(this.sandbox, life);
    try {
      return await course.run();
    } catch (error) {
      throw new Error(`${story(life)}\n\n${course.log.join("\n")}\n\n${(error as Error).message}`, { cause: error });
    } finally {
      await course.end();
    }
  }
}

class Course {
  readonly log: string[] = [];
  readonly #life: Life;
  readonly #sandbox: Sandbox;
  readonly #serviceProviders: string[];
  readonly #engine: Engine;
  /** What stands for it between two commands: text that the next one reads. */
  #state = "[]";
  #said: string[] = [];
  #requestTimeout = "30";
  readonly #lived: Lived = { requests: 0, operations: 0, failures: 0 };
  /** Keys that somebody else made, by their sid, with the account that they are for. */
  readonly #foreignKeys = new Map<string, string>();
  #foreign: unknown;
  /** Every secret that was ever seen. */
  readonly #secrets = new Set<string>();
  /** Whether anything may be otherwise on the platform than when it was looked at last. */
  #isNews = true;

  static async begin(sandbox: Sandbox, life: Life): Promise<Course> {
    sandbox.clearFaults();
    const serviceProviders: string[] = [];
    const keys: string[] = [];
    for (const number of [1, 2]) {
      const sid = await made(sandbox, "/ServiceProviders", { name: `provider ${number} ${Math.random()}` });
      serviceProviders.push(sid);
      keys.push((await sandbox.outside("POST", "/ApiKeys", { service_provider_sid: sid })).body.token as string);
    }
    const course = new Course(sandbox, life, serviceProviders, life.key === "admin" ? sandbox.adminKey : keys[0]!);
    // What is somebody else's, in the same place: an account that nobody of these programs has declared, with a key and a limit.
    const account = await made(sandbox, "/Accounts", { name: "somebody else's", service_provider_sid: serviceProviders[0] });
    await made(sandbox, "/ApiKeys", { account_sid: account });
    await made(sandbox, `/Accounts/${account}/Limits`, { category: "device", quantity: 3 });
    course.#foreign = await course.#everythingForeign();
    sandbox.clearRequests();
    return course;
  }

  private constructor(sandbox: Sandbox, life: Life, serviceProviders: string[], key: string) {
    this.#life = life;
    this.#sandbox = sandbox;
    this.#serviceProviders = serviceProviders;
    this.#secrets.add(key);
    this.#engine = new Engine({
      environment: () => ({
        JAMBONZ_API_URL: sandbox.url,
        JAMBONZ_API_KEY: key,
        JAMBONZ_REQUEST_TIMEOUT: this.#requestTimeout,
        JAMBONZ_OPERATION_TIMEOUT: "30",
      }),
      pace: 0.001,
      log: (message) => this.#said.push(message),
    });
  }

  /** Leaves the sandbox as it was. */
  async end(): Promise<void> {
    this.#sandbox.clearFaults();
    for (const owner of this.#serviceProviders) {
      for (const { account_sid } of await this.#rows(`/ServiceProviders/${owner}/Accounts`))
        await this.#sandbox.outside("DELETE", `/Accounts/${account_sid}`);
      await this.#sandbox.outside("DELETE", `/ServiceProviders/${owner}`);
    }
  }

  async run(): Promise<Lived> {
    let program: Tenants = {};
    let seen = true; // whether state may know everything that somebody has done
    for (const { outside, faults, command, program: next } of this.#life.chapters) {
      for (const change of outside) await this.#somebody(change, program);
      seen &&= outside.length === 0;
      if (command.startsWith("up")) program = next;
      for (const fault of faults) this.#sandbox.addFault(fault);
      const { errors } = await this.#command(command, program);
      const troubled = faults.length > 0 || outside.length > 0 || this.#lived.failures > 0;
      assert(troubled || errors.length === 0, `nothing was wrong, and it failed: ${errors.join("; ")}`);
      this.#sandbox.clearFaults();
      if (errors.length > 0 || command === "refresh") continue;
      // What has ended well has done what it was told, whatever happened in it.
      if (command === "destroy" || command === "up --refresh" || seen) await this.#isAsDeclared(command === "destroy" ? {} : program);
      if (command === "up --refresh") seen = true;
    }
    await this.#calm("up --refresh", program);
    await this.#isAsDeclared(program);
    await this.#isStill(program);
    await this.#showsAsItself(this.#life.last, program);
    await this.#isStill(program);
    const gone = await this.#calm("destroy", program);
    assert.equal(this.#engine.entries.length, 0, `left in state after ${gone.steps.join(", ")}`);
    await this.#isAsDeclared({});
    return this.#lived;
  }

  /** Runs a command of Pulumi, and checks what has to hold whatever happens in it. */
  async #command(command: string, tenants: Tenants): Promise<Outcome> {
    this.log.push(`pulumi ${command}`);
    const before = this.#entries();
    this.#engine.entries = this.#entries();
    this.#said = [];
    this.#sandbox.clearRequests();
    const program = declared(tenants, this.#serviceProviders);
    const outcome =
      command === "refresh"
        ? await this.#engine.refresh()
        : command === "destroy"
          ? await this.#engine.destroy()
          : await this.#engine.up(program, { refresh: command === "up --refresh" });
    this.#state = JSON.stringify(this.#engine.entries);
    const requests = [...this.#sandbox.requests];
    this.#lived.requests += requests.length;
    this.#lived.operations += outcome.steps.length + outcome.errors.length;
    this.#lived.failures += outcome.errors.length;
    this.log.push(...outcome.steps.map((step) => `  ${step}`), ...outcome.errors.map((error) => `  error: ${error}`));
    for (const error of outcome.errors)
      assert.match(error, /\b(Account|ApiKey|Limit|SipRealm)\b.*: \S/, "a failure names the resource and a reason");
    this.#isNews ||= requests.some(({ method }) => method !== "GET");
    if (this.#isNews) {
      await this.#learnSecrets();
      assert.deepEqual(await this.#everythingForeign(), this.#foreign, "what is somebody else's is untouched");
    }
    this.#isNews = false;
    this.#keepsSecrets(outcome, requests);
    if (command !== "destroy") this.#deletedOnlyWhatItMay(before, program, requests);
    return outcome;
  }

  async #calm(command: string, tenants: Tenants): Promise<Outcome> {
    const outcome = await this.#command(command, tenants);
    assert.deepEqual(outcome.errors, [], "nothing was wrong, and it failed");
    return outcome;
  }

  #entries(): Entry[] {
    return JSON.parse(this.#state) as Entry[];
  }

  async #rows(path: string): Promise<Row[]> {
    const { status, body } = await this.#sandbox.outside("GET", path);
    assert.equal(status, 200, `GET ${path}: ${JSON.stringify(body)}`);
    return body as Row[];
  }

  async #everythingForeign(): Promise<unknown> {
    const [account] = (await this.#rows(`/ServiceProviders/${this.#serviceProviders[0]}/Accounts`)).filter(
      ({ name }) => name === "somebody else's",
    );
    const sid = String(account?.account_sid);
    const keys = await this.#rows(`/Accounts/${sid}/ApiKeys`);
    return {
      account,
      keys: keys.map(({ api_key_sid, token }) => ({ api_key_sid, token: token as unknown })),
      limits: await this.#rows(`/Accounts/${sid}/Limits`),
    };
  }

  /** The platform holds exactly what state holds and the program says: no orphan, no duplicate, nothing missing. */
  async #isAsDeclared(tenants: Tenants): Promise<void> {
    const wanted = declared(tenants, this.#serviceProviders);
    const entries = this.#entries();
    assert.deepEqual(
      entries.map(({ name }) => name).sort(),
      wanted.map(({ name }) => name).sort(),
      "state holds what the program says, once",
    );
    const id = (name: string) => entries.find((entry) => entry.name === name)!.id;
    const accounts = (await Promise.all(this.#serviceProviders.map((sid) => this.#rows(`/ServiceProviders/${sid}/Accounts`)))).flat();
    const own = accounts.filter(({ name }) => name !== "somebody else's");
    assert.deepEqual(
      own.map(({ account_sid }) => account_sid as string).sort(),
      Object.keys(tenants).map(id).sort(),
      "accounts on the platform and in state",
    );
    for (const [slot, tenant] of Object.entries(tenants)) {
      const sid = id(slot);
      const row = own.find(({ account_sid }) => account_sid === sid)!;
      assert.equal(row.service_provider_sid, this.#serviceProviders[tenant.serviceProvider]);
      assert.equal(row.name, tenant.account.name ?? slot);
      if (tenant.realm) assert.equal(String(row.sip_realm).toLowerCase(), tenant.realm.value.toLowerCase(), "its realm");
      for (const [name, value] of Object.entries(tenant.account)) assertColumn(row, name, value);
      const limits = await this.#rows(`/Accounts/${sid}/Limits`);
      assert.deepEqual(Object.fromEntries(limits.map(({ category, quantity }) => [category, quantity as number])), tenant.limits);
      const keys = await this.#rows(`/Accounts/${sid}/ApiKeys`);
      const tokens = tenant.keys.map((_, index) => entries.find(({ name }) => name === keyName(slot, index))!.outputs.token as string);
      const found = keys.filter(({ api_key_sid }) => !this.#foreignKeys.has(String(api_key_sid))).map(({ token }) => token as string);
      assert.deepEqual(found.sort(), tokens.sort(), "keys on the platform and in state");
    }
  }

  /** A further `up` and a further refresh change nothing and write nothing. */
  async #isStill(tenants: Tenants): Promise<void> {
    const before = this.#state;
    const { steps } = await this.#calm("up", tenants);
    assert.deepEqual([steps, this.#sandbox.requests.length], [[], 0], "a further up does nothing");
    assert.equal(this.#state, before);
    const refreshed = await this.#calm("refresh", tenants);
    assert.deepEqual(refreshed.steps, [], "a further refresh finds nothing");
    assert.deepEqual(
      this.#sandbox.requests.filter(({ method }) => method !== "GET").map(({ method, path }) => `${method} ${path}`),
      [],
      "a refresh writes nothing",
    );
    assert.deepEqual(
      sortedEntries(this.#entries()),
      sortedEntries(JSON.parse(before) as Entry[]),
      "a further refresh leaves state as it is",
    );
  }

  /** One more change from outside is seen by a refresh as what it is, and the next `up` repairs it and nothing else. */
  async #showsAsItself(change: OutsideChange, program: Tenants): Promise<void> {
    const effect = await this.#somebody(change, program);
    const { steps } = await this.#calm("refresh", program);
    assert.deepEqual(steps.sort(), [...effect.shown].sort(), "what a refresh shows of it");
    const repaired = await this.#calm("up", program);
    assert.deepEqual(repaired.steps.sort(), [...effect.repaired].sort(), "what the next up does about it");
    for (const { method, path, body } of this.#sandbox.requests) {
      if (method === "PUT" && effect.column) assert.deepEqual(Object.keys(body as Row), [effect.column], `what PUT ${path} sends`);
    }
    await this.#isAsDeclared(program);
  }

  /** Does it, where there is something to do it to, and gives what has to follow from it. */
  async #somebody({ slot, what }: OutsideChange, program: Tenants): Promise<Effect> {
    const nothing = { shown: [], repaired: [] };
    const entries = this.#entries();
    const sid = entries.find(({ name, condemned, pendingReplacement }) => name === slot && !condemned && !pendingReplacement)?.id;
    const path = `/Accounts/${sid}`;
    const tenant = program[slot];
    const row = sid && ((await this.#sandbox.outside("GET", path)).body as Row);
    if (!sid || !row || row.account_sid !== sid || !tenant) return nothing;
    this.log.push(`somebody: ${what} of ${slot}`);
    this.#isNews = true;
    const put = async (body: Row) => assert.equal((await this.#sandbox.outside("PUT", path, body)).status, 204);
    const changed = (name: string, column?: string, shows = true) =>
      shows ? { shown: [`changed ${name}`], repaired: [`update ${name}`], column } : nothing;
    const holderOfRealm = tenant.realm?.by === "account" ? slot : realmName(slot);
    const [category] = Object.keys(tenant.limits).filter((category) => entries.some(({ name }) => name === limitName(slot, category)));
    const [key] = (await this.#rows(`${path}/ApiKeys`)).filter(({ api_key_sid }) => !this.#foreignKeys.has(String(api_key_sid)));
    const keyEntry = key && entries.find(({ outputs, condemned }) => outputs.token === key.token && !condemned);
    switch (what) {
      case "rename":
        await put({ name: `${slot} renamed by somebody` });
        return changed(slot, "name");
      case "deactivate":
        await put({ is_active: false });
        return changed(slot, "is_active", tenant.account.isActive === true);
      case "change realm":
        await put({ sip_realm: `${slot}.changed.example.com` });
        return changed(holderOfRealm, "sip_realm", tenant.realm !== undefined);
      case "clear realm": {
        await put({ sip_realm: null });
        if (!tenant.realm) return nothing;
        return tenant.realm.by === "account"
          ? changed(slot, "sip_realm")
          : { shown: [`gone ${realmName(slot)}`], repaired: [`create ${realmName(slot)}`], column: "sip_realm" };
      }
      case "change hook":
        await put({ registration_hook: { url: "https://changed.example.com/r", method: "GET" } });
        return changed(slot, "registration_hook", tenant.account.registrationHook !== undefined);
      case "change limit":
        if (!category) return nothing;
        await made(this.#sandbox, `${path}/Limits`, { category, quantity: 777 });
        return changed(limitName(slot, category));
      case "delete limit":
        if (!category) return nothing;
        await this.#sandbox.outside("DELETE", `${path}/Limits?category=${category}`);
        return { shown: [`gone ${limitName(slot, category)}`], repaired: [`create ${limitName(slot, category)}`] };
      case "delete key": {
        if (!key) return nothing;
        await this.#sandbox.outside("DELETE", `/ApiKeys/${key.api_key_sid}`);
        if (!keyEntry) return nothing;
        const feeds = tenant.realm?.by === "resource with key" && keyEntry.name === keyName(slot, 0);
        return { shown: [`gone ${keyEntry.name}`], repaired: [`create ${keyEntry.name}`, ...(feeds ? [`update ${realmName(slot)}`] : [])] };
      }
      case "delete account": {
        assert.equal((await this.#sandbox.outside("DELETE", path)).status, 204);
        for (const [foreign, account] of this.#foreignKeys) if (account === sid) this.#foreignKeys.delete(foreign);
        const names = declared({ [slot]: tenant }, this.#serviceProviders).map(({ name }) => name);
        return { shown: names.map((name) => `gone ${name}`), repaired: names.map((name) => `create ${name}`) };
      }
      case "add foreign key":
        this.#foreignKeys.set(await made(this.#sandbox, "/ApiKeys", { account_sid: sid }), sid);
        return nothing;
    }
  }

  /** What the platform keeps secret by now, whoever knows of it. */
  async #learnSecrets(): Promise<void> {
    for (const owner of this.#serviceProviders) {
      for (const row of await this.#rows(`/ServiceProviders/${owner}/Accounts`)) {
        this.#secrets.add(String(row.webhook_secret));
        for (const { token } of await this.#rows(`/Accounts/${row.account_sid}/ApiKeys`)) this.#secrets.add(String(token));
      }
    }
  }

  /** Every secret is only where it belongs: at the places of state that are encrypted. */
  #keepsSecrets({ steps, errors }: Outcome, requests: LoggedRequest[]): void {
    const open: unknown[] = [steps, errors, this.#said, requests.map(({ method, path }) => `${method} ${path}`)];
    for (const { type, inputs, outputs, initErrors, id } of this.#entries()) {
      const { definition } = resourceOf(type);
      open.push(id, initErrors);
      for (const properties of [inputs, outputs]) {
        for (const schema of [definition.inputs, definition.outputs]) {
          for (const { traits, value, path } of leaves(schema, properties)) {
            if (traits.secret) this.#secrets.add(String(value));
            else open.push(path, value);
          }
        }
      }
    }
    const text = JSON.stringify(open);
    for (const secret of this.#secrets) {
      for (const spelling of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
        assert(
          !text.includes(spelling),
          `a secret is where it does not belong: ${text.slice(Math.max(0, text.indexOf(spelling) - 200), text.indexOf(spelling))}<here>`,
        );
    }
  }

  /** Nothing was deleted that the program did not delete or replace. */
  #deletedOnlyWhatItMay(before: Entry[], program: Declared[], requests: LoggedRequest[]): void {
    const may = new Set<string>();
    for (const entry of before) {
      const now = program.find(({ name }) => name === entry.name)?.args as Properties | undefined;
      const stays = now && !entry.condemned && !isReplaced(entry, now, before, program);
      if (!stays) may.add(deletionOf(entry));
    }
    for (const { method, path, status } of requests) {
      if (method === "DELETE" && (status === null || status < 300)) assert(may.has(path), `deleted without being told to: ${path}`);
    }
  }
}

/** Whether the program asks for something else in the place of this, so that it may go. */
function isReplaced({ type, name, outputs }: Entry, now: Properties, before: Entry[], program: Declared[]): boolean {
  if (type === "jambonz:Account") return outputs.serviceProviderSid !== now.serviceProviderSid;
  const slot = name.split("-")[0]!;
  const account = before.find((entry) => entry.name === slot && !entry.condemned);
  const accountNow = program.find((declared) => declared.name === slot);
  // The account it was on is gone, or goes: whatever was on it is made anew.
  if (!account || account.id !== outputs.accountSid || account.pendingReplacement) return true;
  if (accountNow && isReplaced(account, accountNow.args as Properties, before, program)) return true;
  if (type === "jambonz:ApiKey") return JSON.stringify(outputs.rotateWhenChanged) !== JSON.stringify(now.rotateWhenChanged);
  return false;
}

function deletionOf({ type, id, outputs }: Entry): string {
  switch (type) {
    case "jambonz:Account":
      return `/Accounts/${id}`;
    case "jambonz:ApiKey":
      return `/ApiKeys/${String(outputs.sid)}`;
    default:
      return `/${id.replace(/Limits\/(.*)/, "Limits?category=$1")}`;
  }
}

function assertColumn(row: Row, name: string, value: unknown): void {
  const column = row[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] as unknown;
  if (name.endsWith("Hook")) {
    const { url, method, username, password } = column as Row;
    assert.deepEqual({ url, method, username, password }, { method: "POST", username: null, password: null, ...(value as object) }, name);
  } else if (name === "bucketCredential") {
    const bucket = column as Row;
    for (const [key, wanted] of Object.entries(value as object)) {
      const found = bucket[key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] as unknown;
      if (key === "tags")
        assert.deepEqual(Object.fromEntries((found as Row[]).map(({ Key, Value }) => [Key, Value])), wanted, `tags of ${name}`);
      else assert.deepEqual(found, wanted, `${key} of ${name}`);
    }
  } else assert.equal(typeof value === "boolean" ? Boolean(column) : column, value, name);
}

/** What state says, without the inputs: a refresh writes those as the platform spells them, and the next `up` as the program does. */
function sortedEntries(entries: Entry[]): unknown {
  const sorted = (value: unknown): unknown =>
    typeof value !== "object" || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, item]) => [key, sorted(item)]),
        );
  return [...entries].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ inputs: _, ...entry }) => sorted(entry));
}
