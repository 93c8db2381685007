import type { RequestHandler } from "express";
import { rateLimit, type ClientRateLimitInfo, type Store } from "express-rate-limit";
import type { RateLimit } from "./platform";

/** A window of the rate limit: `requests` counts all that came in it, `refused` those that were answered 429. Times in ms. */
export interface RateWindow {
  start: number;
  limit: number;
  requests: number;
  refused: number;
}

/** Fixed windows, each beginning with the first request after the last one's end. */
export class RateWindows implements Store {
  readonly localKeys = true;
  readonly windows: RateWindow[] = [];
  /** The window of each key that is counted for itself. */
  readonly #current = new Map<string, { end: number; window: RateWindow }>();

  constructor(readonly limit: RateLimit) {}

  increment(key: string): ClientRateLimitInfo {
    const now = Date.now();
    let current = this.#current.get(key);
    if (!current || now >= current.end) {
      current = { end: now + this.limit.seconds * 1000, window: { start: now, limit: this.limit.requests, requests: 0, refused: 0 } };
      this.#current.set(key, current);
      this.windows.push(current.window);
    }
    const { window, end } = current;
    window.requests++;
    if (window.requests > window.limit) window.refused++;
    return { totalHits: window.requests, resetTime: new Date(end) };
  }

  /** Part of the interface; nothing is taken back. */
  decrement(): void {}

  /** Ends the current windows, as a restart of the server does. */
  resetKey(): void {
    this.#current.clear();
  }

  /** Refuses with 429 and, unless the platform is silent about it, tells of the limit in the headers of every answer, as jambonz does (app.js). */
  handler(): RequestHandler {
    const { requests, seconds, counts, perAddress, silentRefusal } = this.limit;
    return rateLimit({
      windowMs: seconds * 1000,
      limit: requests,
      standardHeaders: silentRefusal ? false : "draft-6",
      legacyHeaders: false,
      ...(silentRefusal && { message: silentRefusal }),
      skip: ({ path }) => counts?.(path) === false,
      keyGenerator: ({ ip }) => (perAddress ? String(ip) : "everyone"),
      store: this,
      validate: false,
    });
  }
}
