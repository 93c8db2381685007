import type { Request, RequestHandler, Response } from "express";

/** A request that came below the API's base. */
export interface LoggedRequest {
  /** When it came, in ms since 1970. */
  at: number;
  method: string;
  /** Below the API's base, with its query. */
  path: string;
  /** Null: no answer was sent. */
  status: number | null;
  /** Whose key it bore; null where nobody asked or the key was unknown. */
  scope: "admin" | "serviceProvider" | "account" | null;
  body?: unknown;
}

/** How many requests are remembered in full; the counts go on. */
const kept = 100_000;

export class RequestLog {
  readonly entries: LoggedRequest[] = [];
  #total = 0;
  #byRoute = new Map<string, number>();
  readonly #entryOf = new WeakMap<Request, LoggedRequest>();

  /** `route` gives a path's values a common name. */
  constructor(
    readonly base: string,
    readonly route: (path: string) => string,
  ) {}

  clear(): void {
    this.entries.length = 0;
    this.#total = 0;
    this.#byRoute.clear();
  }

  get counts(): { total: number; byRoute: Record<string, number> } {
    return { total: this.#total, byRoute: Object.fromEntries([...this.#byRoute].sort()) };
  }

  /** Notes a status that was sent. */
  sent(request: Request, status: number): void {
    const entry = this.#entryOf.get(request);
    if (entry) entry.status = status;
  }

  handler(): RequestHandler {
    return (request, response, next) => {
      if (request.originalUrl.startsWith(`${this.base}/`)) this.#note(request, response);
      next();
    };
  }

  #note(request: Request, response: Response): void {
    const path = request.originalUrl.slice(this.base.length);
    const entry: LoggedRequest = { at: Date.now(), method: request.method, path, status: null, scope: null };
    this.entries.push(entry);
    if (this.entries.length > 1.1 * kept) this.entries.splice(0, this.entries.length - kept);
    this.#entryOf.set(request, entry);
    this.#total++;
    const values = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
    const route = `${request.method} ${this.route(path.split("?")[0]!.replace(values, ":sid"))}`;
    this.#byRoute.set(route, (this.#byRoute.get(route) ?? 0) + 1);
    const learn = () => {
      entry.scope = (response.locals["scope"] as LoggedRequest["scope"] | undefined) ?? null;
      const { "content-length": length = "0", "transfer-encoding": encoding } = request.headers;
      if (length !== "0" || encoding !== undefined) entry.body = request.body;
    };
    // Noted before the client can see the answer, so that whoever has the answer finds it in the log.
    const end = response.end.bind(response) as (...args: unknown[]) => Response;
    response.end = ((...args: unknown[]) => {
      entry.status = response.statusCode;
      learn();
      return end(...args);
    }) as typeof response.end;
    response.once("close", learn);
  }
}
