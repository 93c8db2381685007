import { createHash } from "node:crypto";
import { STATUS_CODES } from "node:http";
import { z } from "zod";
import type { AdoptCommand } from "../adoption";
import { NotSentError, RefusedError, UnansweredError, UserError } from "../errors";
import { HttpClient, type Answer } from "../http/client";
import { SHARED_LIST_AGE, ListCache } from "../http/list-cache";
import type { Redactor } from "../redact";
import type { Properties } from "../resource";
import { traitsOf, unwrap } from "../schema";
import type { Surroundings } from "../session";
import { apiUrl, type CommonSettings } from "../settings";

export const restcommSettings = z.object({
  apiUrl: apiUrl
    .describe("The URL of the management API, with its version.")
    .meta({ help: "usually https://<organisation>.restcomm.com/restcomm/2012-04-24" }),
  accountSid: z
    .string()
    .regex(/^AC[a-zA-Z0-9]{32}$/, { error: "must be the sid of an account: AC and 32 letters or digits" })
    .optional()
    .describe("The account that signs in. It manages itself and, as an Administrator, the accounts below it.")
    .meta({ target: true }),
  authToken: z
    .string()
    .min(1)
    .optional()
    .describe("Its AuthToken. Like the sid it is needed at the first request, not before.")
    .meta({ secret: true }),
  consistencyTimeout: z
    .number()
    .min(0)
    .default(180)
    .describe(
      "How long, in seconds, the platform may go on showing an account, a client or a number as it was before a change. Its documentation says: up to a few minutes.",
    ),
});

type Settings = CommonSettings & z.output<typeof restcommSettings>;

/** The longest list that is read: one that goes on is that of something that gives the same page again and again. */
const MAX_RECORDS = 100_000;

/** A record as the platform tells it. */
export type Row = Record<string, unknown>;

/** Form parameters in the platform's spelling. */
export type Form = Record<string, string>;

/** What `read` gives for a record that the platform still shows as it was before this program's own change. */
export const STALE = Symbol("stale");

/**
 * Speaks with a Restcomm management API. Facts about its answers come from the documentation of the Enterprise
 * platform (Accounts) and from the code of Restcomm-Connect, its open-source ancestor; none was tried on a live one.
 */
export class Restcomm {
  readonly http: HttpClient;
  readonly adopt: AdoptCommand;
  readonly #settings: Settings;
  readonly #redactor: Redactor;
  readonly #lists: ListCache<Row>;
  /** Paths that this process has deleted, which lists may go on showing. */
  readonly #deleted = new Set<string>();
  /** Creations whose answer was lost. */
  readonly #lost = new Set<string>();
  /** Sids that this process was given by creations. */
  readonly made = new Set<string>();
  /** The login of the client that came along with an account that this process has made; a list may not show it yet. */
  readonly broughtAlong = new Map<string, string>();
  #answering?: Promise<Answer>;

  constructor(surroundings: Surroundings<Settings>) {
    const { settings, redactor, adopt } = surroundings;
    this.#settings = settings;
    this.adopt = adopt;
    this.#redactor = redactor;
    const { accountSid = "", authToken = "" } = settings;
    const basic = Buffer.from(`${accountSid}:${authToken}`).toString("base64");
    if (authToken) redactor.add(authToken, basic);
    this.http = new HttpClient({
      ...surroundings,
      apiUrl: settings.apiUrl,
      dialect: {
        title: "Restcomm",
        headers: () => {
          if (!accountSid || !authToken)
            throw new UserError(
              "Restcomm needs an account and its token: RESTCOMM_ACCOUNT_SID and RESTCOMM_AUTH_TOKEN in the environment, or `pulumi config set restcomm:accountSid …` and `pulumi config set --secret restcomm:authToken …`",
            );
          return { authorization: `Basic ${basic}` };
        },
        reason,
        unspoken: "it gave no reason, as it does for an account or a value that it does not know",
        isForeign: () => true, // its own have none
      },
    });
    this.#lists = new ListCache((path) => this.http.operation(() => this.#rows(path)), changesList);
  }

  /** The account that signs in, which is also whose things are meant where a program names no account. */
  get accountSid(): string {
    const { accountSid } = this.#settings;
    if (accountSid) return accountSid;
    throw new UserError("Restcomm needs an account: RESTCOMM_ACCOUNT_SID in the environment, or `pulumi config set restcomm:accountSid …`");
  }

  isOwn(sid: string): boolean {
    return sid === this.#settings.accountSid;
  }

  /** The accounts right below the one that signs in, without closed ones; the platform lists no deeper. */
  async subAccounts(): Promise<Row[]> {
    const rows = await this.list("/Accounts.json");
    return rows.filter(({ sid, status }) => !this.isOwn(String(sid)) && status !== "closed");
  }

  /** What the platform shows; undefined for 404, and for nothing else. */
  async get(path: string): Promise<Row | undefined> {
    try {
      const { body } = await this.http.send({ method: "GET", path, complete: isObject });
      return this.#told(body);
    } catch (error) {
      if (error instanceof RefusedError && error.status === 404) return undefined;
      throw error;
    }
  }

  /**
   * What the platform shows of something that this program wrote before. A change may take minutes to show, so for
   * so long a record as it was before the last write is STALE, and one that was just created and is not there yet
   * is waited for.
   *
   * @param state holds `dateCreated` and `dateUpdated` as the last write's answer told them, where there was one
   */
  async read(path: string, { dateCreated, dateUpdated }: Properties): Promise<Row | typeof STALE | undefined> {
    const row = await this.#appearing(() => this.#shown(path), this.#settledAt(time(dateCreated)));
    if (!row) return undefined;
    const isRecent = this.#now() < this.#settledAt(time(dateUpdated));
    return isRecent && time(row.date_updated) <= time(dateUpdated) ? STALE : row;
  }

  /** Asks until there is something, or the platform's clock has come to `until`. */
  async #appearing<T>(look: () => Promise<T | undefined>, until: number): Promise<T | undefined> {
    for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
      const found = await look();
      const left = until - this.#now();
      if (found !== undefined || !(left > 0)) return found;
      await this.http.pause(Math.min(pause, left));
    }
  }

  /** When a change shows for certain, by the platform's clock; NaN where it shows at once. */
  #settledAt(changedAt: number): number {
    return changedAt + (this.#settings.consistencyTimeout * 1000 || NaN);
  }

  #now(): number {
    return this.http.platformTime(Date.now()).getTime();
  }

  /** What the platform shows; undefined where it says itself that there is nothing, and not something in between. */
  async #shown(path: string): Promise<Row | undefined> {
    const row = await this.get(path);
    if (row) return row;
    await this.#vouch();
    // Something in between would hardly say twice of one thing that it is not there.
    return this.get(path);
  }

  /** A 404 means gone only where this API answers at all: at another URL everything would be. */
  async #vouch(): Promise<void> {
    const path = `/Accounts/${this.accountSid}.json`;
    // Shared by those that ask at the same time, so it has a time of its own.
    this.#answering ??= this.http
      .operation(() => this.http.send({ method: "GET", path, complete: isObject }))
      .finally(() => (this.#answering = undefined));
    await this.#answering.catch((error: unknown) => {
      if (!(error instanceof RefusedError && error.status === 404)) throw error;
      throw new UserError(
        `${this.http.host} does not know account ${this.accountSid} either, so nothing can be said; check the API's URL, ${this.http.url}`,
      );
    });
  }

  /** @param options.idempotent for a POST that does the same when sent twice */
  async post(path: string, form: Form, options: { idempotent?: boolean } = {}): Promise<Row> {
    return this.#write({ method: "POST", path, body: new URLSearchParams(form), complete: hasSid, ...options });
  }

  async put(path: string, form: Form): Promise<Row> {
    return this.#write({ method: "PUT", path, body: new URLSearchParams(form), complete: hasSid });
  }

  /**
   * What is not there is a success: the answer to an earlier try may have been lost. It is asked for, because something
   * in between may have said so, for as long as it may not show although it is there, and again for as long as it may show
   * although it is gone.
   *
   * @param state holds `dateCreated` where it may take a while to show
   */
  async delete(path: string, { dateCreated }: Properties): Promise<void> {
    const until = this.#settledAt(this.#now());
    for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
      try {
        // The documentation knows answers without a body only; another one is not the platform's.
        await this.http.send({ method: "DELETE", path, complete: (body) => body === undefined });
        break;
      } catch (error) {
        if (!(error instanceof RefusedError && error.status === 404)) throw error;
        if (!(await this.#appearing(() => this.#shown(path), this.#settledAt(time(dateCreated))))) break;
        const left = until - this.#now();
        if (!(left > 0)) throw error;
        await this.http.pause(Math.min(pause, left));
      } finally {
        this.#lists.written(path);
      }
    }
    this.#deleted.add(path);
  }

  async #write(request: Parameters<HttpClient["send"]>[0]): Promise<Row> {
    try {
      return this.#told((await this.http.send(request)).body);
    } finally {
      this.#lists.written(request.path);
    }
  }

  /**
   * Creates something of which the platform makes no second one, and repeats nothing before it was looked for: when
   * it is refused after an answer was lost, for whatever reason, it is there as soon as it shows, or never.
   */
  async createOnce(path: string, form: Form, look: () => Promise<Row | undefined>): Promise<Row> {
    const key = `${path} ${new URLSearchParams(form).toString()}`;
    try {
      return await this.post(path, form);
    } catch (error) {
      if (error instanceof UnansweredError) this.#lost.add(key);
      if (!(error instanceof RefusedError && this.#lost.has(key))) throw error;
      const row = await this.#appearing(look, this.#settledAt(this.#now())).catch((trouble: Error) => {
        if (trouble instanceof NotSentError) throw trouble;
        const message = `a first try was not answered, a second one was refused (${error.message}), and what may have been made could not be looked for (${trouble.message})`;
        throw new UnansweredError(message, Date.now());
      });
      if (row) return row;
      throw error;
    }
  }

  /**
   * All records of a list, save those that this process has deleted.
   * @param maxAge how old the answer may be, in milliseconds; 0 asks anew
   */
  async list(path: string, maxAge = SHARED_LIST_AGE): Promise<Row[]> {
    return this.#withoutDeleted(path, await this.#lists.get(path, maxAge));
  }

  /** The same as it was some time ago: what others have. What this program has made since may be missing. */
  async listLately(path: string): Promise<Row[]> {
    return this.#withoutDeleted(path, await this.#lists.lately(path));
  }

  #withoutDeleted(path: string, rows: Row[]): Row[] {
    const folder = path.split(/[.?]/)[0]!;
    return rows.filter((row) => !this.#deleted.has(`${folder}/${String(row.sid)}.json`));
  }

  /** Lists are bare arrays, or pages with the records in a member of their own. */
  async #rows(path: string): Promise<Row[]> {
    const rows: Row[] = [];
    for (let page = 0; ; page++) {
      const query = page === 0 ? "" : `${path.includes("?") ? "&" : "?"}Page=${page}`;
      const { body } = await this.http.send({ method: "GET", path: `${path}${query}`, complete: isObject });
      const found = Array.isArray(body) ? body : Object.values(body as Row).find(Array.isArray);
      if (!found)
        throw new UserError(`Restcomm at ${this.http.host} answered GET ${path} with something that is not a list; check the API's URL`);
      rows.push(...(found as Row[]).map((row) => this.#told(row)));
      if (rows.length > MAX_RECORDS)
        throw new UserError(
          `Restcomm at ${this.http.host} answered GET ${path} with page after page, more than ${MAX_RECORDS} records; check the API's URL`,
        );
      if (Array.isArray(body) || found.length === 0 || rows.length >= Number((body as Row).total ?? 0)) return rows;
    }
  }

  /** Secrets in an answer are never shown, whatever becomes of it. */
  #told(body: unknown): Row {
    const row = body as Row;
    for (const name of ["auth_token", "password"]) if (typeof row[name] === "string") this.#redactor.add(row[name]);
    return row;
  }
}

/** The sid of the account of an e-mail address: the platform computes it, so no address can be used twice. */
export function accountSidOf(emailAddress: string): string {
  return `AC${createHash("md5").update(emailAddress.toLowerCase()).digest("hex")}`;
}

/** A time such as `Mon, 4 Nov 2013 16:33:39 -0500`, in milliseconds; NaN where there is none. */
export function time(value: unknown): number {
  return typeof value === "string" ? Date.parse(value) : NaN;
}

/** What becomes of an account becomes of all that it has; else a write is about one kind of thing. */
function changesList(written: string, list: string): boolean {
  const noun = collection(written);
  return noun === "Accounts" || noun === collection(list);
}

/** `/Accounts/<sid>/Clients.json` and `/Accounts/<sid>/Clients/<sid>.json` are both about Clients. */
function collection(path: string): string | undefined {
  return path
    .split(/[.?]/)[0]!
    .split("/")
    .findLast((part) => /^[A-Z][A-Za-z]+$/.test(part) && part.length < 34);
}

function isObject(body: unknown): boolean {
  return typeof body === "object" && body !== null;
}

function hasSid(body: unknown): boolean {
  return isObject(body) && typeof (body as Row).sid === "string";
}

/** The words of a refusal: JSON `{message}`, XML `<Message>`, plain text, or the HTTP reason phrase of an empty answer. */
function reason({ status, reasonPhrase, body }: Answer): string | undefined {
  if (status === 401) return "the account sid or the auth token is not valid";
  const { message } = (isObject(body) ? body : {}) as { message?: unknown };
  const xml = typeof body === "string" ? /<Message>([^<]*)<\/Message>/i.exec(body)?.[1] : undefined;
  const plain = typeof body === "number" ? String(body) : body; // such as 21452
  const said = [message, xml, plain, reasonPhrase === STATUS_CODES[status] ? undefined : reasonPhrase];
  const text = said.find((value): value is string => typeof value === "string" && value !== "");
  if (text === undefined && status === 403) return "the account in use may not do this";
  return text;
}

/** A record in the words of programs: camelCase, numbers and booleans where the schema has them, without what is empty. */
export function fromRow(schemas: z.ZodObject[], row: Row): Properties {
  const shape = Object.assign({}, ...schemas.map((schema) => schema.shape)) as Record<string, z.ZodType>;
  const result: Properties = {};
  for (const [member, value] of Object.entries({ ...row, ...(row.capabilities as Row | undefined) })) {
    const name = member.replace(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
    const schema = shape[name];
    if (!schema || traitsOf(schema).local || value === null || value === "") continue;
    const inner = unwrap(schema);
    if (inner instanceof z.ZodBoolean) result[name] = value === true || value === "true";
    else if (inner instanceof z.ZodNumber) result[name] = Number(value);
    else result[name] = value;
  }
  return result;
}

/** The other way: what a program says as form parameters; an empty text clears. */
export function toForm(schema: z.ZodObject, properties: Properties): Form {
  const sent = Object.entries(properties).filter(([name, value]) => value !== undefined && !traitsOf(schema.shape[name]).local);
  return Object.fromEntries(
    sent.map(([name, value]) => [
      name === "isSip" ? "isSIP" : `${name[0]!.toUpperCase()}${name.slice(1)}`,
      typeof value === "string" ? value : value === null ? "" : JSON.stringify(value),
    ]),
  );
}
