import http from "node:http";
import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type Axios from "axios";
import type { AxiosInstance, AxiosResponse } from "axios";
import { CancelledError, NotSentError, RefusedError, UnansweredError, UnreachableError, UnspokenError, UserError } from "../errors";
import type { Redactor } from "../redact";
import { normalUrl, type CommonSettings } from "../settings";
import { Budget, currentBudget, withBudget } from "./budget";
import { isObject } from "../values";
import { Gate, type RateLimitState } from "./gate";

export interface Request {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below the API's URL, with its query, each part encoded. */
  path: string;
  /** Sent as JSON; a URLSearchParams is sent form-encoded. */
  body?: unknown;
  headers?: Record<string, string>;
  /** It carries a key or a password that belongs to the resource, so it is sent only to where that was seen last. Default: false. */
  ownKey?: boolean;
  /**
   * Doing it twice is the same as doing it once, so it may be repeated when its answer was lost.
   * Default: true for everything but POST.
   */
  idempotent?: boolean;
  /** Whether a successful answer is the platform's and says all that it has to; one that does not counts as lost. */
  complete?: (body: unknown, status: number) => boolean;
}

export interface Answer {
  status: number;
  /** The words beside the status, which some platforms use to say why; empty over HTTP/2. */
  reasonPhrase: string;
  /** Parsed where it is JSON, else the text; undefined when empty. */
  body: unknown;
  /** `Retry-After`, in milliseconds. */
  retryAfterMs?: number;
}

/** How a platform speaks, as far as the shared client has to know it. */
export interface Dialect {
  /** As the platform writes itself, for messages. */
  title: string;
  /** What goes with every request; called at each, so that a missing key is told at the first request. */
  headers(): Record<string, string>;
  /** The platform's own words in a refusal. */
  reason(answer: Answer): string | undefined;
  /** The status that counts, where the platform puts one of its own into the body. */
  statusOf?(answer: Answer): number;
  /** False where waiting for the rate limit would take too long: a 429 is then a refusal like any other. Default: true. */
  waitsForRateLimit?: boolean;
  /** What a 500 without words says, where the platform itself refuses so. Elsewhere it is not the platform that has answered. */
  unspoken?: string;
  /** Whether a 500 with words is none of the platform's, but of something in between. Default: it is the platform's. */
  isForeign?(answer: Answer): boolean;
  /** Whether a 500 is a passing trouble of the platform and not its way to refuse. */
  isTransient?(answer: Answer): boolean;
}

export interface HttpClientOptions {
  apiUrl: string;
  settings: CommonSettings;
  dialect: Dialect;
  redactor: Redactor;
  log: (message: string) => void;
  /** Ends all waiting, and reads under way. A write under way is waited for, or nobody would know what became of it. */
  signal?: AbortSignal;
  /** Shortens the pauses between repeats, for tests. Default 1. */
  pace?: number;
}

/** The longest answer that is read, in bytes. */
const MAX_ANSWER = 64 * 1024 * 1024;
/** The longest that a platform may make requests wait, in milliseconds; what asks for more is an error. */
const MAX_WAIT = 3_600_000;
/** The longest time that a timer takes, in milliseconds. */
const MAX_TIMER = 2 ** 31 - 1;
/** So much of the texts in a refusal is looked at, in characters: patterns are matched against them while everybody waits. */
const MAX_REASON = 16 * 1024;
/** How often in a row one request may be refused with 429 before that is an error. */
const MAX_RATE_LIMITED = 30;
const USER_AGENT = "pulumi-cpaas";

/** System calls that come before anything is sent: what fails in one of them was not sent, and nothing else is certain. */
const BEFORE_SENDING = new Set(["getaddrinfo", "connect"]);
/** Codes of TLS. They say that nothing was sent only where the connection was not secure yet. */
const TLS = /^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_SSL|EPROTO|HOSTNAME_MISMATCH)/;

type Outcome =
  | { kind: "answer"; answer: Answer }
  | { kind: "rateLimited" }
  | { kind: "notSent"; problem: string; hopeless: boolean }
  | { kind: "unclear"; refusal: UserError }
  | { kind: "lost"; problem: string; timedOut?: boolean };

/** What is known of the tries of one request. */
interface Tries {
  /** When it was sent first with no telling what became of it. */
  lostAt?: number;
}

/**
 * Speaks with one platform: keep-alive, one request limit for all, time limits, and repeats where a repeat
 * does no harm. A request that may have been carried out is never sent again unless it is idempotent.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #gate: Gate;
  #axios?: AxiosInstance;
  /** How far the platform's clock is ahead of this machine's, in milliseconds. */
  #clockOffset = 0;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#gate = new Gate({
      concurrency: options.settings.maxConcurrency,
      reserve: options.settings.rateLimitReserve / 100,
      log: (message) => options.log(options.redactor.clean(`${options.dialect.title}: ${message}`)),
      signal: options.signal,
    });
  }

  /** The host that is spoken with, for messages. */
  get host(): string {
    return new URL(this.#options.apiUrl).host;
  }

  /** The URL that is spoken with, for messages. */
  get url(): string {
    return normalUrl(this.#options.apiUrl);
  }

  /** Which platform it is, however it is reached: host and path. Several may have one host. */
  get place(): string {
    return this.url.replace(/^\w+:\/\//, "");
  }

  get isLoopback(): boolean {
    return isLoopback(new URL(this.#options.apiUrl).hostname);
  }

  /** A time of this machine by the platform's clock, as its answers tell it: in whole seconds, and early rather than late. */
  platformTime(milliseconds: number): Date {
    return new Date(Math.floor((milliseconds + this.#clockOffset) / 1000) * 1000 - 1000);
  }

  /**
   * Runs an operation, all of whose requests together may take so long. Waiting for the rate limit does not count.
   * @param seconds default: the setting's time
   * @param home where the resource that it is about was seen last, as `place` names it
   */
  operation<T>(operation: () => Promise<T>, seconds = this.#options.settings.operationTimeout, home?: string): Promise<T> {
    return withBudget(new Budget(seconds, () => this.#gate.clock(), home), operation);
  }

  /** @throws CancelledError at once when the run is cancelled */
  async pause(milliseconds: number): Promise<void> {
    const { pace = 1, signal } = this.#options;
    await sleep(milliseconds * pace, undefined, { signal }).catch((error: unknown) => {
      throw signal?.aborted ? new CancelledError() : error;
    });
  }

  /**
   * @throws RefusedError when the platform refuses, UnspokenError where it may not be the platform that does; UnreachableError or NotSentError when nothing was sent;
   *   UnansweredError when the request may have been carried out; UserError when it is not the platform that has answered.
   *   Where an earlier try may have been carried out, it is an UnansweredError, or a RefusedError with `lostAt`.
   */
  async send(request: Request): Promise<Answer> {
    const budget = currentBudget();
    if (!budget) return this.operation(() => this.send(request));
    if (request.ownKey) this.#guardOwnKey(budget);
    const tries: Tries = {};
    try {
      return await this.#untilAnswered(request, budget, tries);
    } catch (error) {
      throw tries.lostAt === undefined ? error : unsure(error, tries.lostAt);
    }
  }

  async #untilAnswered(request: Request, budget: Budget, tries: Tries): Promise<Answer> {
    const { settings, redactor, dialect, log } = this.#options;
    const idempotent = request.idempotent ?? request.method !== "POST";
    let rateLimited = 0;
    for (let attempt = 0; ; attempt++) {
      await this.#gate.enter();
      const sentAt = Date.now();
      const outcome = await this.#once(request, budget);
      if (outcome.kind === "rateLimited") {
        if (++rateLimited > MAX_RATE_LIMITED) throw new RefusedError(429, "the rate limit was used up again and again by others");
        attempt--;
        continue;
      }
      if (outcome.kind === "answer") {
        const { answer } = outcome;
        if (answer.status < 400) return answer;
        const brief = shortened(answer);
        const own = dialect.reason(brief);
        const transient = answer.status === 408 || answer.status > 500 || (answer.status === 500 && dialect.isTransient?.(brief));
        const proxy = answer.status === 407 ? `${WANTS_SIGN_IN}, which HTTP_PROXY can hold` : undefined;
        const isDoubtful = answer.status === 500 && (own === undefined || dialect.isForeign?.(brief) === true);
        const unspoken = (answer.status === 500 && dialect.unspoken) || `it answered ${answer.status} without a reason`;
        const reason = redactor.excerpt(proxy ?? own ?? unspoken);
        // Without words of its own it may not be the platform that has refused.
        const unclear = !idempotent && (transient || (isDoubtful && dialect.unspoken === undefined));
        if (unclear) throw new UnansweredError(`${dialect.title} answered ${answer.status}: ${reason}`, sentAt, answer.status === 504);
        if (!transient && isDoubtful && request.method !== "GET") throw new UnspokenError(answer.status, reason, sentAt);
        if (!transient) throw new RefusedError(answer.status, reason, answer.retryAfterMs);
        tries.lostAt ??= sentAt;
        if (attempt >= settings.maxRetries || budget.left === 0) {
          const message = `${reason}, also after ${attempt} repeats`;
          throw request.method === "POST"
            ? new UnansweredError(`${dialect.title} answered ${answer.status}: ${message}`, tries.lostAt)
            : new RefusedError(answer.status, message, answer.retryAfterMs);
        }
      } else if (outcome.kind === "unclear") {
        const { refusal } = outcome;
        throw new UnansweredError(refusal.message, tries.lostAt ?? sentAt, false, refusal);
      } else {
        const problem = redactor.clean(outcome.problem);
        const giveUp = attempt >= settings.maxRetries || budget.left === 0;
        if (outcome.kind === "lost") tries.lostAt ??= sentAt;
        if (outcome.kind === "lost" && (!idempotent || giveUp))
          throw new UnansweredError(
            `${dialect.title} at ${this.host} did not answer: ${problem}`,
            tries.lostAt ?? sentAt,
            outcome.timedOut,
          );
        if (outcome.kind === "notSent" && (outcome.hopeless || giveUp))
          throw new UnreachableError(`${dialect.title} at ${this.host} cannot be reached: ${problem}`);
        if (attempt === 2) log(`${dialect.title} at ${this.host}: ${problem}; trying again`);
      }
      await this.pause(Math.min(budget.left, 200 * 2 ** attempt * (0.75 + Math.random() / 2), 10_000));
    }
  }

  /** One exchange in a turn of the gate, which it ends. */
  async #once(request: Request, budget: Budget): Promise<Outcome> {
    const { dialect } = this.#options;
    const waitsForRateLimit = dialect.waitsForRateLimit ?? true;
    const isRead = request.method === "GET";
    let state: RateLimitState | undefined;
    try {
      if (this.#options.signal?.aborted) throw new CancelledError();
      if (budget.left === 0)
        throw new UnreachableError(`${dialect.title} at ${this.host}: the time for one operation, ${budget.seconds} s, is used up`);
      const response = await this.#exchange(request);
      if (isProxys(response, this.#options.apiUrl)) return proxyRefusal(response.status);
      if (waitsForRateLimit) state = rateLimitState(response);
      const date = Date.parse(String(response.headers.date ?? ""));
      if (!Number.isNaN(date)) this.#clockOffset = date - Date.now();
      if (response.status === 429 && waitsForRateLimit) {
        const wait = retryAfter(response) ?? state?.resetMs ?? 1000;
        if (wait > MAX_WAIT) throw new RefusedError(429, `its rate limit is used up for the next ${Math.round(wait / 60_000)} minutes`);
        this.#gate.close(wait + 50);
        return { kind: "rateLimited" };
      }
      const answer: Answer = { ...this.#read(response, isRead), retryAfterMs: retryAfter(response) };
      answer.status = dialect.statusOf?.(answer) ?? answer.status;
      if (answer.status < 300 && request.complete?.(answer.body, answer.status) === false)
        return { kind: "lost", problem: "its answer is not complete" };
      return { kind: "answer", answer };
    } catch (error) {
      if (this.#options.signal?.aborted && isRead) throw new CancelledError();
      return this.#classify(error, isRead);
    } finally {
      this.#gate.leave(state);
    }
  }

  async #exchange(request: Request): Promise<AxiosResponse<string>> {
    const { settings, signal, dialect } = this.#options;
    const headers = { accept: "application/json", "user-agent": USER_AGENT, ...dialect.headers(), ...request.headers };
    this.#guardPlainHttp();
    const timeout = Math.ceil(Math.max(1, Math.min(settings.requestTimeout * 1000, currentBudget()?.left ?? Infinity, MAX_TIMER)));
    const limit = AbortSignal.timeout(timeout);
    const axios = (this.#axios ??= connect(this.#options.apiUrl));
    return axios.request<string>({
      method: request.method,
      url: request.path,
      data: request.body,
      headers,
      signal: signal && request.method === "GET" ? AbortSignal.any([signal, limit]) : limit,
    });
  }

  /** A key in state was told by one platform, and is nothing for whoever the URL names by now. */
  #guardOwnKey({ home }: Budget): void {
    if (home === undefined || home === this.place) return;
    throw new NotSentError(
      `it was seen last at ${home}, so no key or password of it is sent to ${this.place}; check the API's URL. Where the platform has moved, run \`pulumi refresh\`, or, where that says the same, take it out of the state with \`pulumi state delete\``,
    );
  }

  /** A key in clear on a network is a lost key. */
  #guardPlainHttp(): void {
    const url = new URL(this.#options.apiUrl);
    if (url.protocol === "https:" || isLoopback(url.hostname) || this.#options.settings.allowPlainHttp) return;
    throw new NotSentError(
      `${this.#options.dialect.title}: no key is sent over plain HTTP to ${url.host}; use https, or set allowPlainHttp to true where the network is trusted`,
    );
  }

  #read(response: AxiosResponse<string>, isRead: boolean): Answer {
    const text = response.data ?? "";
    const { status, statusText: reasonPhrase = "" } = response;
    const type = String(response.headers["content-type"] ?? "");
    if (response.status >= 300 && response.status < 400) {
      throw new UserError(
        `${this.#options.dialect.title} at ${this.host} answered with a redirect (${response.status}), which is not followed with a key; set the API's URL to where it leads${redirectTarget(response, this.#options.apiUrl)}`,
      );
    }
    if (/text\/html/i.test(type) && /<(!doctype|html)/i.test(text) && response.status !== 429) {
      if (status >= 500 || status === 408) return { status, reasonPhrase, body: undefined };
      // Something between has answered instead of the platform, which may have done what was asked.
      if (!isRead && response.status < 300)
        throw new BrokenAnswer(`a web page came instead of its answer; check the API's URL, ${this.url}`);
      const message = `${this.#options.dialect.title} at ${this.host} answered ${response.status} with a web page instead of its API; check the API's URL, ${this.url}`;
      // A filter may refuse the answer when the platform has done it; 404 and 405 mean that the request went nowhere.
      throw !isRead && status !== 404 && status !== 405 ? new WebPage(message) : new UserError(message);
    }
    if (text === "") return { status, reasonPhrase, body: undefined };
    try {
      return { status, reasonPhrase, body: JSON.parse(text) as unknown };
    } catch {
      if (status >= 400) return { status, reasonPhrase, body: text };
      throw new BrokenAnswer(`its answer is not JSON`);
    }
  }

  #classify(error: unknown, isRead: boolean): Outcome {
    if (error instanceof WebPage) return { kind: "unclear", refusal: error };
    if (error instanceof UserError || error instanceof UnreachableError || error instanceof RefusedError) throw error;
    if (error instanceof BrokenAnswer) return { kind: "lost", problem: error.message };
    const { code = "", message = "", name = "", cause, request } = (error ?? {}) as Failure;
    const codes = [code, cause?.code ?? ""];
    if (codes.some((c) => TLS.test(c)) && wasBeingSecured(request))
      return { kind: "notSent", problem: `no trusted connection (${cause?.message ?? message})`, hopeless: true };
    // Where a name has several addresses, each of them has a failure of its own.
    const failures = [error as Failure, cause, ...(cause?.errors ?? [])];
    if (failures.some((failure) => BEFORE_SENDING.has(failure?.syscall ?? "")))
      return { kind: "notSent", problem: connectProblem(codes), hopeless: codes.includes("ENOTFOUND") };
    if (code === "ERR_CANCELED" || name === "TimeoutError") {
      const budget = currentBudget();
      const limit =
        budget?.left === 0 ? `the ${budget.seconds} s that one operation may take` : `${this.#options.settings.requestTimeout} s`;
      return { kind: "lost", problem: `no answer within ${limit}`, timedOut: true };
    }
    if (/maxContentLength/.test(message)) {
      const most = `${MAX_ANSWER / 1024 / 1024} MB`;
      if (isRead) throw new UserError(`${this.#options.dialect.title} answered with more than ${most}`);
      return { kind: "lost", problem: `its answer is longer than ${most}` };
    }
    if (code) return { kind: "lost", problem: `the connection broke off (${code})` };
    throw error;
  }
}

/** What a last try came to, where an earlier one may have been carried out. */
function unsure(error: unknown, lostAt: number): unknown {
  if (error instanceof UnansweredError) return error;
  if (error instanceof RefusedError) return error.after(lostAt);
  return new UnansweredError((error as Error).message, lostAt);
}

/** An answer with the beginnings of its texts only. */
function shortened(answer: Answer): Answer {
  const { body } = answer;
  const short = (value: unknown) => (typeof value === "string" ? value.slice(0, MAX_REASON) : value);
  if (!isObject(body)) return { ...answer, body: short(body) };
  return { ...answer, body: Object.fromEntries(Object.entries(body).map(([name, value]) => [name, short(value)])) };
}

/** The answer came, but not whole. */
class BrokenAnswer extends Error {}

/** A web page came in the place of the answer to a write, which may have been done. */
class WebPage extends UserError {}

/** What axios throws: its own error around Node's. */
interface Failure extends NodeJS.ErrnoException {
  cause?: NodeJS.ErrnoException & { errors?: NodeJS.ErrnoException[] };
  request?: { socket?: { secureConnecting?: boolean } };
}

/** Whether the connection of a request was not secure yet, so that nothing was sent over it. */
function wasBeingSecured(request: Failure["request"]): boolean {
  // Node ends this when it has accepted the certificate (lib/_tls_wrap.js).
  return request?.socket?.secureConnecting === true;
}

/**
 * Whether an answer came before the connection to the platform was secure: then it is that of a proxy, to CONNECT, and says
 * nothing of the platform, whatever its status and its words.
 */
function isProxys({ request }: AxiosResponse, apiUrl: string): boolean {
  const { socket } = (request ?? {}) as { socket?: { encrypted?: boolean } };
  return new URL(apiUrl).protocol === "https:" && socket?.encrypted !== true;
}

const WANTS_SIGN_IN = "the proxy in between wants a user name and a password";

/** Nothing was sent. To ask again may help where the proxy has a trouble of its own. */
function proxyRefusal(status: number): Outcome {
  const problem = status === 407 ? `${WANTS_SIGN_IN}, which HTTPS_PROXY can hold (407)` : `the proxy in between answered ${status}`;
  return { kind: "notSent", problem, hopeless: status < 500 && status !== 408 && status !== 429 };
}

function connectProblem(codes: string[]): string {
  if (codes.includes("ECONNREFUSED")) return "the connection was refused";
  if (codes.includes("ENOTFOUND")) return "there is no host of this name";
  return `no connection (${codes.find(Boolean) ?? "unknown"})`;
}

/** Loads axios at the first request only: a provider that has nothing to send starts faster. */
function connect(apiUrl: string): AxiosInstance {
  const axios = require("axios") as typeof Axios;
  return axios.create({
    baseURL: apiUrl.replace(/\/+$/, ""),
    maxRedirects: 0,
    validateStatus: () => true,
    responseType: "text",
    transformResponse: (data: string) => data,
    maxContentLength: MAX_ANSWER,
    maxBodyLength: MAX_ANSWER,
    httpAgent: new http.Agent({ keepAlive: true }),
    httpsAgent: new https.Agent({ keepAlive: true }),
    ...(isLoopback(new URL(apiUrl).hostname) ? { proxy: false as const } : {}),
  });
}

/** Other names below `localhost` are not: not every resolver keeps them on this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function redirectTarget(response: AxiosResponse, from: string): string {
  try {
    const { origin } = new URL(String(response.headers.location), from);
    return ` (${origin})`;
  } catch {
    return "";
  }
}

function rateLimitState({ headers }: AxiosResponse): RateLimitState | undefined {
  const [limit, remaining, reset] = ["limit", "remaining", "reset"].map((name) =>
    Number.parseFloat(String(headers[`ratelimit-${name}`] ?? "")),
  );
  if ([limit, remaining, reset].some((value) => value === undefined || Number.isNaN(value)) || reset! * 1000 > MAX_WAIT) return undefined;
  return { limit: limit!, remaining: remaining!, resetMs: reset! * 1000 };
}

/** `Retry-After` in milliseconds: seconds, or a date by the clock that dates the answer. */
function retryAfter({ headers }: AxiosResponse): number | undefined {
  const value = headers["retry-after"] as string | undefined;
  if (value === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  const [until, now] = [value, String(headers.date)].map((date) => Date.parse(date));
  return Number.isNaN(until!) ? undefined : Math.max(0, until! - (Number.isNaN(now!) ? Date.now() : now!));
}
