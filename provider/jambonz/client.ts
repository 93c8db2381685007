import { z } from "zod";
import type { AdoptCommand } from "../adoption";
import { RefusedError, UserError } from "../errors";
import { HttpClient, type Answer } from "../http/client";
import { SHARED_LIST_AGE, ListCache } from "../http/list-cache";
import { askEach } from "../progress";
import type { Redactor } from "../redact";
import type { Progress, Properties, ReadOptions } from "../resource";
import { traitsOf, unwrap } from "../schema";
import type { Surroundings } from "../session";
import { apiUrl, headerKey, type CommonSettings } from "../settings";
import { Turns } from "../turns";
import { project, same } from "../values";
import { Names } from "./names";
import { isOf, ownerIn, ownerPath, splitOwner, type Owner } from "./types";

export const jambonzSettings = z.object({
  apiUrl: apiUrl
    .describe("The URL of the management API, with its version.")
    .meta({ help: "for jambonz's own cloud it is https://api.jambonz.cloud/v1, for your own cluster usually https://<host>/api/v1" }),
  apiKey: headerKey
    .optional()
    .describe("The API key: an admin's, a service provider's or an account's. Needed at the first request, not before.")
    .meta({ secret: true }),
});

type Settings = CommonSettings & z.output<typeof jambonzSettings>;

/** Whose a key is. */
type Scope = "admin" | "service provider" | "account";

/** A row as the platform's lists give it. */
export type Row = Record<string, unknown>;

/** The key that jambonz's database seed creates on every installation. */
const WELL_KNOWN_KEY = "38700987-c7a4-4685-a5bb-af378f9734de";

/**
 * Speaks with a jambonz management API. Facts about its answers were read in jambonz-api-server 0.9.6 and
 * seen on a running one.
 */
export class Jambonz {
  readonly http: HttpClient;
  readonly adopt: AdoptCommand;
  readonly #settings: Settings;
  readonly #redactor: Redactor;
  readonly #lists: ListCache<Row>;
  readonly #serviceProviderOf = new Map<string, string>();
  readonly #atFirst = new Map<string, Promise<Row[]>>();
  readonly #made = new Set<string>();
  #scope?: Promise<Scope>;
  /** Realms that this run took from accounts, by account. */
  readonly clearedRealms = new Map<string, string>();
  /** For what the platform asks first and does then, so that of two at once both would pass. */
  readonly turns = new Turns();
  /** By service provider. */
  readonly accountNames = new Names(async (owner) => {
    const rows = await this.list(`/ServiceProviders/${owner}/Accounts`, 0);
    return new Map(rows.map((row) => [String(row.account_sid), String(row.name)]));
  });
  /** By the path of the owner, whose list also shows a service provider's key those that name no service provider. */
  readonly carrierNames = new Names(async (path) => {
    const { owner } = splitOwner(path);
    const rows = this.isNew(owner.accountSid) ? [] : await this.list(`/${path}VoipCarriers`, 0);
    const own = rows.filter((row) => isOf(owner, row));
    return new Map(own.map((row) => [String(row.voip_carrier_sid), String(row.name)]));
  });

  constructor(surroundings: Surroundings<Settings>) {
    const { settings, redactor, log, adopt } = surroundings;
    this.#settings = settings;
    this.adopt = adopt;
    this.#redactor = redactor;
    redactor.add(settings.apiKey);
    this.http = new HttpClient({
      ...surroundings,
      apiUrl: settings.apiUrl,
      dialect: { title: "jambonz", headers: () => ({ authorization: `Bearer ${this.#key()}` }), reason, isForeign, isTransient },
    });
    this.#lists = new ListCache(
      (path) => this.http.operation(() => this.#rows(path)),
      (written, list) => collection(written) === collection(list),
    );
    if (settings.apiKey === WELL_KNOWN_KEY && !this.http.isLoopback) {
      log(
        "jambonz: the API key in use is the one that every new jambonz is seeded with, so anybody knows it; make an admin key of your own and delete this one",
      );
    }
  }

  /** The key in use, where it is known without a request. */
  get apiKey(): string | undefined {
    return this.#settings.apiKey;
  }

  #key(): string {
    if (this.#settings.apiKey) return this.#settings.apiKey;
    throw new UserError("jambonz needs an API key: JAMBONZ_API_KEY in the environment, or `pulumi config set --secret jambonz:apiKey …`");
  }

  /** @param key of the resource that it is about; default: the one in use */
  async get<T = Row>(path: string, key?: string): Promise<T> {
    const { body } = await this.http.send({ method: "GET", path, ...this.#signedBy(key), complete: isObject });
    return body as T;
  }

  /**
   * @param options.key of the resource that it is about; default: the one in use
   * @param options.idempotent for the few POSTs that do the same when sent twice
   * @param options.sid where the answer has the new sid. Default: `sid`
   */
  async post<T = Row>(path: string, body?: unknown, options: { key?: string; idempotent?: boolean; sid?: string } = {}): Promise<T> {
    const { sid = "sid" } = options;
    // What a creation answers is the only place where the new sid and token are told.
    const complete = body === undefined ? undefined : (answer: unknown) => isObject(answer) && typeof (answer as Row)[sid] === "string";
    const answer = await this.#write({
      method: "POST",
      path,
      body,
      ...this.#signedBy(options.key),
      idempotent: options.idempotent,
      complete,
    });
    return answer.body as T;
  }

  async put(path: string, body: Row): Promise<void> {
    await this.#write({ method: "PUT", path, body });
  }

  async delete(path: string): Promise<void> {
    // Without a category the platform would delete every limit there is (lib/routes/api/limits.js).
    if (/\/Limits\/?(\?(?!category=.).*)?$/.test(path)) throw new UserError("a deletion of limits without a category is never sent");
    await this.#write({ method: "DELETE", path, complete: (_body, status) => status === DELETED });
  }

  #signedBy(key: string | undefined) {
    if (key === undefined) return {};
    this.#redactor.add(key);
    return { headers: { authorization: `Bearer ${key}` }, ownKey: true };
  }

  async #write(request: Parameters<HttpClient["send"]>[0]): Promise<Answer> {
    try {
      return await this.http.send(request);
    } finally {
      this.#lists.written(request.path);
    }
  }

  /**
   * All rows of a collection.
   * @param maxAge how old the answer may be, in milliseconds; 0 asks anew
   */
  list(path: string, maxAge = SHARED_LIST_AGE): Promise<Row[]> {
    return this.#lists.get(path, maxAge);
  }

  /** The same as it was some time ago, without what this run has written since: for what others have, at no cost for each write. */
  listLately(path: string): Promise<Row[]> {
    return this.#lists.lately(path);
  }

  /** One object, or undefined where the key in use sees none of this sid. */
  async getIfThere(path: string): Promise<Row | undefined> {
    try {
      return await this.get(path);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Whose key is in use. The platform does not say it, but it shows. Asked once. */
  scope(): Promise<Scope> {
    return (this.#scope ??= this.#findScope().catch((error: unknown) => {
      this.#scope = undefined;
      throw error;
    }));
  }

  async #findScope(): Promise<Scope> {
    // An account's key sees no service provider, and only an admin's sees several, or the settings of the system.
    const providers = (await this.list("/ServiceProviders")).length;
    if (providers > 1) return "admin";
    try {
      await this.get("/SystemInformation");
      return "admin";
    } catch (error) {
      // Older versions have no such settings, and answer by a web page.
      if (providers === 0 && (error instanceof RefusedError || error instanceof UserError)) return "account";
      if (error instanceof RefusedError && [403, 404].includes(error.status)) return "service provider";
      throw error;
    }
  }

  async #rows(path: string): Promise<Row[]> {
    const body = await this.get<unknown>(path);
    if (!Array.isArray(body))
      throw new UserError(
        `jambonz at ${this.http.host} answered GET ${path} with something that is not a list; check the API's URL, ${this.http.url}`,
      );
    return body as Row[];
  }

  /** The rows of a collection that every account and every service provider has, with whose they are. */
  async ofEveryOwner(noun: string, progress: Progress): Promise<{ owner: Owner; row: Row }[]> {
    const [providers, accounts] = await Promise.all([this.list("/ServiceProviders"), this.list("/Accounts")]);
    const owners: Owner[] = [
      ...accounts.map((row) => ({ accountSid: String(row.account_sid) })),
      ...providers.map((row) => ({ serviceProviderSid: String(row.service_provider_sid) })),
    ];
    const found = await askEach(owners, progress, async (owner) => {
      const rows = await this.list(`/${ownerPath(owner)}${noun}`).catch((error: unknown) => {
        // The key of an account may not read those of its service provider.
        if (owner.serviceProviderSid && error instanceof RefusedError && error.status === 403) return [];
        throw error;
      });
      return rows.map((row) => ({ owner, row }));
    });
    return found.flat();
  }

  /** A list as it was when this run first asked for it so: what is in it was not made by this run, or is known to it. */
  atFirst(path: string): Promise<Row[]> {
    let rows = this.#atFirst.get(path);
    if (!rows) {
      rows = this.list(path);
      rows.catch(() => this.#atFirst.delete(path));
      this.#atFirst.set(path, rows);
    }
    return rows;
  }

  /** Whether this run has made the account, or whatever else others belong to. */
  isNew(sid: string | undefined): boolean {
    return sid !== undefined && this.#made.has(sid);
  }

  /**
   * This run has made something that others belong to, so there is nothing in it that it does not know.
   * @param serviceProviderSid of an account, whose it is
   */
  made(sid: string, serviceProviderSid?: string): void {
    this.#made.add(sid);
    this.remember(sid, serviceProviderSid);
  }

  /** Keeps in mind whose account this is, as far as it shows anyway: it saves asking when the account is gone. */
  remember(accountSid: unknown, serviceProviderSid: unknown): void {
    if (typeof accountSid === "string" && typeof serviceProviderSid === "string")
      this.#serviceProviderOf.set(accountSid, serviceProviderSid);
  }

  serviceProviderOf(accountSid: string): string | undefined {
    return this.#serviceProviderOf.get(accountSid);
  }

  /**
   * The account as the platform's list shows it, with its secrets in clear, or undefined when it is gone.
   *
   * The key of a service provider is answered 403 for an account that is gone and for one of another service
   * provider alike (lib/routes/api/accounts.js), so an account is gone only when the list of the service
   * provider that it belonged to can still be read and lacks it.
   */
  async account(sid: string, serviceProviderSid: string | undefined, maxAge = SHARED_LIST_AGE): Promise<Row | undefined> {
    const owner = serviceProviderSid ?? this.serviceProviderOf(sid);
    const find = (rows: Row[]) => rows.find((row) => row.account_sid === sid);
    if (!owner) {
      const row = find(await this.list("/Accounts", maxAge));
      this.remember(sid, row?.service_provider_sid);
      return row ?? this.#unlisted(sid);
    }
    try {
      const row = find(await this.list(`/ServiceProviders/${owner}/Accounts`, maxAge));
      if (row) return row;
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 403)) throw error;
      // The key of an account may not read that list, but itself.
      const row = find(await this.list("/Accounts", maxAge));
      if (row) return row;
      throw error;
    }
    await this.mustSee(owner);
    return undefined;
  }

  /**
   * An object that has a list and can be read by itself, or undefined when neither shows it.
   *
   * @param what.list its list, as far as it is known which; 0 asks anew. Without it the platform's 404 is all there is
   * @param what.isWhole whether a row of the list has everything that the object's own has. Default: it has
   */
  async object(what: Collection, sid: string, { fresh }: ReadOptions): Promise<Row | undefined> {
    const { noun, column, list, isWhole = () => true } = what;
    const listed = async (maxAge?: number) => (await list!(maxAge)).find((row) => row[column] === sid);
    if (list && !fresh) {
      const row = await listed().catch((error: unknown) => {
        // What may not be listed may be read all the same.
        if (!(error instanceof RefusedError && [403, 404].includes(error.status))) throw error;
      });
      if (row && isWhole(row)) return row;
    }
    try {
      return await this.get(`/${noun}/${sid}`);
    } catch (error) {
      // 404 is the platform's word, but also that of whatever stands between; the list tells.
      if (!(error instanceof RefusedError && error.status === 404)) throw error;
      const row = list && (await listed(0));
      if (row && !isWhole(row)) throw error;
      // What the key may not see is in no list, and is answered otherwise. Something in between would hardly say this twice.
      return row ?? this.getIfThere(`/${noun}/${sid}`);
    }
  }

  /** The account as it is now, from one request where it exists. Its bucket's secret is obscured. */
  async accountNow(sid: string, serviceProviderSid: string | undefined): Promise<Row | undefined> {
    try {
      return await this.get(`/Accounts/${sid}`);
    } catch (error) {
      // 404 is the word of an admin's key, but also of whatever stands between; a list tells.
      if (error instanceof RefusedError && [403, 404].includes(error.status)) return this.account(sid, serviceProviderSid, 0);
      throw error;
    }
  }

  /** What a list lacks that can be read is another one's: a refusal other than 404 says nothing about whether it exists. */
  #unlisted(sid: string): Promise<Row | undefined> {
    return this.getIfThere(`/Accounts/${sid}`);
  }

  /** The service provider that an account belongs to, where the key in use sees it: from what is known, or from one shared list. */
  async ownerOf(accountSid: string): Promise<string | undefined> {
    if (!this.serviceProviderOf(accountSid)) {
      const rows = await this.list("/Accounts").catch(() => []);
      for (const row of rows) this.remember(row.account_sid, row.service_provider_sid);
    }
    return this.serviceProviderOf(accountSid);
  }

  /** The service provider of an owner, or undefined where the key in use does not see the owner. */
  async seenProviderOf({ accountSid, serviceProviderSid }: Owner): Promise<string | undefined> {
    if (!accountSid) return serviceProviderSid && (await this.sees(serviceProviderSid)) ? serviceProviderSid : undefined;
    // One that is not in the list that others share may have been made since.
    for (const maxAge of [SHARED_LIST_AGE, 0]) {
      if (this.serviceProviderOf(accountSid)) break;
      for (const row of await this.list("/Accounts", maxAge)) this.remember(row.account_sid, row.service_provider_sid);
    }
    return this.serviceProviderOf(accountSid);
  }

  /** The service provider in which to create an account that names none. */
  async onlyServiceProvider(): Promise<string> {
    const visible = await this.list("/ServiceProviders");
    if (visible.length === 1) return String(visible[0]!.service_provider_sid);
    if (visible.length === 0)
      throw new UserError(
        "the key in use sees no service provider, so it cannot create accounts: an account's key manages its own account only",
      );
    const names = visible.map((row) => `${String(row.name)} (${String(row.service_provider_sid)})`).join(", ");
    throw new UserError(`serviceProviderSid is needed, because there are ${visible.length} service providers: ${names}`);
  }

  /** To whom something belongs, as outputs keep it. */
  async ownership({ accountSid }: { accountSid?: string }): Promise<Properties> {
    return accountSid ? { accountServiceProviderSid: await this.ownerOf(accountSid) } : {};
  }

  /**
   * Whether something of an account was refused because the account is gone. To the key of a service provider
   * a deleted account and a foreign one are the same 403, so it takes the account's service provider to tell.
   */
  async isGoneWithAccount(error: unknown, accountSid: string | undefined, serviceProviderSid: unknown): Promise<boolean> {
    if (!accountSid || !(error instanceof RefusedError && [403, 404].includes(error.status))) return false;
    const owner = (serviceProviderSid as string | undefined) ?? this.serviceProviderOf(accountSid);
    if (owner) return !(await this.account(accountSid, owner));
    throw new UserError(
      `account ${accountSid} was deleted, or the key in use may not see it, and jambonz answers both alike (403); refresh together with the account, or use an admin's key, or take this out of the state with \`pulumi state delete\``,
    );
  }

  /** Whether the key in use sees a service provider. */
  async sees(serviceProviderSid: string): Promise<boolean> {
    return (await this.list("/ServiceProviders")).some((row) => row.service_provider_sid === serviceProviderSid);
  }

  /** @throws UserError where it is neither seen nor certainly gone, as only an admin's key tells */
  async mustSee(sid: string): Promise<void> {
    if (await this.sees(sid)) return;
    if ((await this.scope()) === "admin" && !(await this.getIfThere(`/ServiceProviders/${sid}`))) return;
    throw new UserError(
      `the key in use at ${this.http.host} does not see service provider ${sid}, to which this belongs, so nothing can be said of it; check jambonz:apiUrl and the key. If the service provider was deleted, take this out of the state with \`pulumi state delete\``,
    );
  }
}

/** Where objects of one kind are found. */
interface Collection {
  /** The collection in the path: `VoipCarriers`. */
  noun: string;
  /** The column with the sid. */
  column: string;
  list?: (maxAge?: number) => Promise<Row[]>;
  isWhole?: (row: Row) => boolean;
}

function isObject(body: unknown): boolean {
  return typeof body === "object" && body !== null;
}

/** The last collection in a path: `/ServiceProviders/<sid>/Accounts` and `/Accounts/<sid>` are both about accounts. */
function collection(path: string): string {
  const nouns = path
    .split("?")[0]!
    .split("/")
    .filter((part) => /^[A-Z][A-Za-z]+$/.test(part));
  const noun = nouns.at(-1) ?? "";
  return noun === "SipRealms" || path.includes("/SipRealms/") ? "Accounts" : noun;
}

/** The words of a refusal: `{msg}`, `{status, message}` or plain text (lib/routes/error.js, lib/routes/api/utils.js). */
function reason({ status, body }: Answer): string | undefined {
  const { msg, message } = (typeof body === "object" && body !== null ? body : {}) as { msg?: unknown; message?: unknown };
  const text = [msg, message, body].find((value): value is string => typeof value === "string" && value !== "");
  if (status === 401) return "the API key is not valid";
  if (status === 404 && body === undefined) return NOT_FOUND;
  // Where a name is unique within something, the entry begins with the sid of that; where a number is, it ends with one.
  const duplicate =
    text &&
    /^Duplicate entry '(?:[\da-f-]{36}-)?(.{0,1024}?)(?:-[\da-f-]{36})?' for key '(?:\w{1,64}\.)?(?:\w{1,64}_)?(sip_realm|root_domain|tenant_fqdn|name|number)\w{0,64}'/.exec(
      text,
    );
  if (duplicate)
    return duplicate[2] === "sip_realm"
      ? `sipRealm "${duplicate[1]}" is taken by another account`
      : `${camel(duplicate[2]!)} "${duplicate[1]}" is taken`;
  const missing = text && /^Cannot add or update a child row.{0,1024}FOREIGN KEY \(`(\w+)`\)/.exec(text);
  if (missing) return `${camel(missing[1]!)} names something that does not exist`;
  const holding = text && /^Cannot delete or update a parent row: a foreign key constraint fails \((?:`\w+`\.)?`(\w+)`/.exec(text);
  if (holding) return `something in the platform's table ${holding[1]} still refers to it`;
  return text;
}

/** Whether a realm was refused because the key is the account's own: it may not set it by PUT (lib/routes/api/accounts.js). */
export function isRealmOfOwnKey(error: unknown): error is RefusedError {
  return error instanceof RefusedError && error.status === 400 && error.reason.startsWith("use POST");
}

/** The status of all its answers to deletions, seen on a running one; another one is not jambonz's. */
const DELETED = 204;

/** How jambonz says that there is no such thing: by this text, or by none (lib/routes/api/decorate.js). */
const NOT_FOUND = "Not Found";

/** Whether jambonz itself says that there is no such thing, and not something in between. */
export function isNotFound(error: unknown): error is RefusedError {
  return error instanceof RefusedError && error.status === 404 && error.reason === NOT_FOUND;
}

/** No rows where a list is refused so, which is how the platform says that there are none. */
export const none =
  (isSo: (refusal: RefusedError) => boolean) =>
  (error: unknown): Row[] => {
    if (error instanceof RefusedError && isSo(error)) return [];
    throw error;
  };

/** A 500 of jambonz itself has its words in `msg` (lib/routes/error.js). */
function isForeign({ body }: Answer): boolean {
  return !isObject(body) || typeof (body as Row).msg !== "string";
}

/** 500 is how jambonz refuses wrong input; only these texts speak of its database's passing trouble. */
function isTransient(answer: Answer): boolean {
  return /deadlock|lock wait timeout|connection lost|lost connection|pool is closed|EPIPE|ECONNREFUSED|ECONNRESET|ETIMEDOUT|too many connections|server has gone away/i.test(
    reason(answer) ?? "",
  );
}

/** A row in the words of programs: camelCase, true and false for 1 and 0, without what is null. */
export function fromRow(schemas: z.ZodObject[], row: Row): Properties {
  const shape = Object.assign({}, ...schemas.map((schema) => schema.shape)) as Record<string, z.ZodType>;
  const result: Properties = {};
  for (const [column, value] of Object.entries(row)) {
    const name = camel(column);
    const schema = shape[name];
    if (!schema || value === null) continue;
    const inner = unwrap(schema);
    if (inner instanceof z.ZodBoolean) result[name] = value === 1 || value === true;
    else if (typeof value === "object" && !Array.isArray(value) && !(inner instanceof z.ZodRecord))
      result[name] = Object.fromEntries(Object.entries(value).map(([key, item]) => [camel(key), item as unknown]));
    else result[name] = value;
  }
  return result;
}

/** The same of what belongs to one owner, whose row may name the account's service provider besides. */
export function fromOwnedRow(schema: z.ZodObject, row: Row, owner: Properties = { ...ownerIn(row) }): Properties {
  const { accountSid: _, serviceProviderSid: __, ...members } = fromRow([schema], row);
  return { ...members, ...owner };
}

/** Whether an object holds what a creation with these inputs sends. */
export function isAsSent(schema: z.ZodObject, live: Properties, inputs: Properties): boolean {
  const found = project({ schema, live, state: inputs, everything: false });
  const shape = schema.shape as Record<string, z.ZodType>;
  return Object.entries(inputs).every(([name, value]) => traitsOf(shape[name]).local === true || same(shape[name]!, found[name], value));
}

/** The other way: what a program says in the words of the platform. */
export function toRow(properties: Properties): Row {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      snake(name),
      typeof value === "object" && value !== null && !Array.isArray(value) ? toRow(value as Properties) : value,
    ]),
  );
}

const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
