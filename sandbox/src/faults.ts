import { setTimeout as sleep } from "node:timers/promises";
import type { Request, RequestHandler, Response } from "express";

const named = ["refuse", "drop", "dropAnswer", "slow", "truncated", "html", "empty", "redirect", "outside", "restart"] as const;

/** A failure that the sandbox brings about, once for the next matching request unless told otherwise. */
export interface FaultRule {
  /** Default: every request below the API's base. */
  match?: {
    method?: string | string[];
    /** Pattern below the base: `*` is one segment, `**` any rest. The query counts only when the pattern has one. */
    path?: string;
  };
  /**
   * - `refuse`: the connection is reset before handling, and new connections are refused for `delayMs` (default 100)
   * - `drop`: the connection is reset before handling
   * - `dropAnswer`: handled, then the connection is reset without an answer
   * - `slow`: handled after `delayMs` (default 1000)
   * - `truncated`: handled, and the connection ends in the middle of the body
   * - `html`: 200 and an HTML page, not handled
   * - `empty`: handled, its status with an empty body
   * - `redirect`: 307 to `location`, not handled; another status by `{status, headers: {location}}`
   * - `outside`: `request` is done first, as if by somebody else, and then this one is handled
   * - `restart`: the connection is reset before handling, and the server is away for `delayMs` (default 500)
   * - `{status}`: that status, with `body` (a text is sent as HTML) and `headers`; not handled, unless `handled`, as by something in between
   */
  fault: (typeof named)[number] | { status: number; body?: unknown; headers?: Record<string, string>; handled?: boolean };
  /** How many matching requests pass first. Default: 0. */
  skip?: number;
  /** How often the fault comes. Default: 1. */
  times?: number | "always";
  /** From 0 to 1, for each matching request. Default: 1. */
  probability?: number;
  delayMs?: number;
  location?: string;
  /** For `outside`; `$1`, `$2` stand for the segments that the first, second `*` of the pattern matched. */
  request?: { method: string; path: string; body?: unknown };
}

const defaultDelay: Partial<Record<string, number>> = { refuse: 100, slow: 1000, restart: 500 };

/** What faults can do to the server. */
export interface Effects {
  outside: (method: string, path: string, body?: unknown) => Promise<unknown>;
  /** Refuses new connections for a time. */
  refuse: (ms: number) => Promise<void>;
  restart: (ms: number) => Promise<void>;
  /** Notes that a status was sent, where the answer does not end in the ordinary way. */
  sent: (request: Request, status: number) => void;
}

interface Armed {
  rule: FaultRule;
  methods: string[] | undefined;
  path: RegExp;
  withQuery: boolean;
  skip: number;
  times: number;
}

/** The rules in force. They are asked in order, and the first that applies to a request is the only one that counts it as done. */
export class Faults {
  #armed: Armed[] = [];
  readonly #random: () => number;

  /** `seed` makes faults by chance repeatable. */
  constructor(rules: readonly FaultRule[] = [], seed = Math.floor(Math.random() * 2 ** 32)) {
    this.#random = generator(seed);
    for (const rule of rules) this.add(rule);
  }

  add(rule: FaultRule): void {
    const wrong = whatIsWrong(rule);
    if (wrong) throw new Error(`Wrong fault rule: ${wrong}.`);
    const { method, path = "**" } = rule.match ?? {};
    this.#armed.push({
      rule,
      methods: method === undefined ? undefined : [method].flat().map((name) => name.toUpperCase()),
      path: pattern(path),
      withQuery: path.includes("?"),
      skip: rule.skip ?? 0,
      times: rule.times === "always" ? Infinity : (rule.times ?? 1),
    });
  }

  clear(): void {
    this.#armed = [];
  }

  /** The rule that strikes a request, if any, and what the `*` of its pattern stand for. */
  strike(method: string, pathAndQuery: string): { rule: FaultRule; segments: string[] } | undefined {
    for (const armed of this.#armed) {
      const { rule, methods, path, withQuery } = armed;
      const match = path.exec(withQuery ? pathAndQuery : pathAndQuery.split("?")[0]!);
      if (!match || (methods && !methods.includes(method)) || armed.times <= 0) continue;
      if (armed.skip-- > 0 || this.#random() >= (rule.probability ?? 1)) continue;
      armed.times--;
      return { rule, segments: match.slice(1) };
    }
    return undefined;
  }
}

/** Strikes requests below `base`. */
export function faultHandler(faults: Faults, base: string, effects: Effects): RequestHandler {
  return async (request, response, next) => {
    if (!request.originalUrl.startsWith(`${base}/`)) return next();
    const struck = faults.strike(request.method, request.originalUrl.slice(base.length));
    if (!struck) return next();
    const { fault, delayMs, location, request: other } = struck.rule;
    const delay = delayMs ?? (typeof fault === "string" ? defaultDelay[fault] : undefined) ?? 0;
    switch (fault) {
      case "drop":
        return void reset(request);
      case "refuse":
      case "restart":
        reset(request);
        return effects[fault](delay);
      case "slow":
        await sleep(delay);
        return next();
      case "html":
        return void response.status(200).type("html").send(page("Welcome"));
      case "redirect":
        return void response.redirect(307, location!);
      case "outside": {
        const fill = (text: string) => text.replace(/\$(\d)/g, (whole, n: string) => struck.segments[Number(n) - 1] ?? whole);
        const body = other!.body === undefined ? undefined : (JSON.parse(fill(JSON.stringify(other!.body))) as unknown);
        await effects.outside(other!.method, fill(other!.path), body);
        return next();
      }
      case "dropAnswer":
      case "truncated":
      case "empty":
        insteadOfEnd(response, (body, end) => spoil[fault](request, response, body, end, effects));
        return next();
      default:
        if (!fault.handled) return answer(response, fault);
        insteadOfEnd(response, (_body, end) => {
          response.end = end as typeof response.end;
          response.statusMessage = "";
          withoutBody(response);
          answer(response, fault);
        });
        return next();
    }
  };
}

const reset = (request: Request) => request.socket.resetAndDestroy();

/** Lets `act` decide about the end of an answer: it gets the body and the way to end. */
function insteadOfEnd(response: Response, act: (body: Buffer, end: () => void) => void): void {
  const end = response.end.bind(response) as () => void;
  response.end = ((chunk?: unknown, encoding?: BufferEncoding) => {
    const body = typeof chunk === "string" ? Buffer.from(chunk, encoding) : Buffer.isBuffer(chunk) ? chunk : Buffer.alloc(0);
    act(body, end);
    return response;
  }) as typeof response.end;
}

type Spoil = (request: Request, response: Response, body: Buffer, end: () => void, effects: Effects) => void;

const spoil: Record<"dropAnswer" | "truncated" | "empty", Spoil> = {
  dropAnswer: (request) => void reset(request),
  /** The Content-Length is that of the whole body. Where there is no body, there is nothing to cut, and the answer is lost. */
  truncated: (request, response, body, _end, effects) => {
    if (body.length === 0) return void reset(request);
    effects.sent(request, response.statusCode);
    response.write(body.subarray(0, Math.floor(body.length / 2)), () => request.socket.destroy());
  },
  empty: (_request, response, _body, end) => {
    withoutBody(response);
    end();
  },
};

function withoutBody(response: Response): void {
  for (const header of ["Content-Type", "Content-Length", "ETag"]) response.removeHeader(header);
}

const page = (title: string) => `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;

function answer(response: Response, { status, body, headers = {} }: Exclude<FaultRule["fault"], string>): void {
  if (status === 429) {
    const seconds = Object.entries(headers).find(([name]) => name.toLowerCase() === "retry-after")?.[1] ?? "1";
    response.set({ "Retry-After": seconds, "RateLimit-Remaining": "0", "RateLimit-Reset": seconds });
    if (!response.hasHeader("RateLimit-Limit")) response.set({ "RateLimit-Limit": "1", "RateLimit-Policy": `1;w=${seconds}` });
  }
  response.status(status).set(headers);
  const standard = status === 429 ? "Too many requests, please try again later." : page(`${status}`);
  if (body === undefined && status === 500) response.json({ msg: "Internal Server Error" });
  else if (body === undefined || typeof body === "string") response.type("html").send(body ?? standard);
  else response.json(body);
}

function pattern(text: string): RegExp {
  const parts: Record<string, string> = { "**": ".*", "*": "([^/?]+)" };
  return new RegExp(`^${text.replace(/\*\*|\*|[.+?^${}()|[\]\\]/g, (found) => parts[found] ?? `\\${found}`)}$`);
}

/** A small generator of numbers from 0 to below 1 (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Check = (value: unknown) => boolean;
const isObject: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isText: Check = (value) => typeof value === "string";
const isBoolean: Check = (value) => typeof value === "boolean";
const isCount: Check = (value) => Number.isInteger(value) && (value as number) >= 0;
const hasOnly = (value: unknown, checks: Record<string, [Check, string]>, where = ""): string | undefined => {
  for (const [name, part] of Object.entries(value as object)) {
    const check = checks[name];
    if (!check) return `${where}${name} is not known (known are ${Object.keys(checks).join(", ")})`;
    if (part !== undefined && !check[0](part)) return `${where}${name} must be ${check[1]}`;
  }
  return undefined;
};
const always: [Check, string] = [() => true, ""];
const faultText = `one of ${named.join(", ")} or an object with a status from 200 to 599`;
const isStatus: Check = (status) => Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599;

/** What is wrong with a rule, in words; undefined when it is right. */
export function whatIsWrong(rule: unknown): string | undefined {
  if (!isObject(rule)) return "it must be an object";
  const { match, fault, location, request } = rule as Partial<FaultRule>;
  const isFault: Check = (value) =>
    named.includes(value as (typeof named)[number]) || (isObject(value) && isStatus((value as { status?: unknown }).status));
  if (fault === undefined) return `fault must be ${faultText}`;
  const wrong = hasOnly(rule, {
    match: [isObject, "an object"],
    fault: [isFault, faultText],
    skip: [isCount, "a whole number from 0"],
    times: [(value) => value === "always" || isCount(value), 'a whole number from 0 or "always"'],
    probability: [(value) => typeof value === "number" && value >= 0 && value <= 1, "a number from 0 to 1"],
    delayMs: [(value) => typeof value === "number" && value >= 0, "a number of milliseconds"],
    location: [isText, "a text"],
    request: [isObject, "an object"],
  });
  if (wrong) return wrong;
  const methods: Check = (value) => isText(value) || (Array.isArray(value) && value.every(isText));
  return (
    (match && hasOnly(match, { method: [methods, "a text or an array of texts"], path: [isText, "a text"] }, "match.")) ??
    (typeof fault === "object"
      ? hasOnly(fault, { status: always, body: always, headers: [isObject, "an object"], handled: [isBoolean, "true or false"] }, "fault.")
      : undefined) ??
    (request && hasOnly(request, { method: [isText, "a text"], path: [isText, "a text"], body: always }, "request.")) ??
    (fault === "redirect" && location === undefined ? "redirect needs a location" : undefined) ??
    (fault === "outside" && !(request?.method && request.path) ? "outside needs a request with method and path" : undefined)
  );
}
