import type { RequestHandler } from "express";
import { rateLimit, type ClientRateLimitInfo, type Store } from "express-rate-limit";

/** A window of the rate limit: `requests` counts all that came in it, `refused` those that were answered 429. Times in ms. */
export interface RateWindow {
  start: number;
  limit: number;
  requests: number;
  refused: number;
}

/** Fixed windows, each beginning with the first request after the last one's end; one bucket for everyone. */
export class RateWindows implements Store {
  readonly localKeys = true;
  readonly windows: RateWindow[] = [];
  #end = 0;

  constructor(
    readonly limit: number,
    readonly seconds: number,
  ) {}

  increment(): ClientRateLimitInfo {
    const now = Date.now();
    if (now >= this.#end) {
      this.#end = now + this.seconds * 1000;
      this.windows.push({ start: now, limit: this.limit, requests: 0, refused: 0 });
    }
    const window = this.windows.at(-1)!;
    window.requests++;
    if (window.requests > this.limit) window.refused++;
    return { totalHits: window.requests, resetTime: new Date(this.#end) };
  }

  /** Part of the interface; nothing is taken back. */
  decrement(): void {}

  /** Ends the current window, as a restart of the server does. */
  resetKey(): void {
    this.#end = 0;
  }

  /** Refuses with 429 and tells of the limit in the headers of every answer, as jambonz does (app.js). */
  handler(): RequestHandler {
    return rateLimit({
      windowMs: this.seconds * 1000,
      limit: this.limit,
      standardHeaders: "draft-6",
      legacyHeaders: false,
      keyGenerator: () => "everyone",
      store: this,
      validate: false,
    });
  }
}
