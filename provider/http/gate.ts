/** What a platform says of its rate limit in an answer. */
export interface RateLimitState {
  /** Requests in a window. */
  limit: number;
  /** Requests that are left in this window, by everybody. */
  remaining: number;
  /** Milliseconds until the window ends. */
  resetMs: number;
}

export interface GateOptions {
  /** The most requests under way at once. */
  concurrency: number;
  /** The share of each window, 0 to 1, that is left to others. */
  reserve: number;
  /** Says that requests wait, once for each pause. */
  log: (message: string) => void;
  signal?: AbortSignal;
}

/** Two ends of a window that differ by less are the same end: servers name it in whole seconds. */
const SAME_WINDOW_MS = 1500;

/**
 * The one door through which all requests to a platform pass. It bounds how many are under way, stops
 * before the platform's rate limit is used up, and stops everybody when the platform has refused one.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #queue: (() => void)[] = [];
  #underWay = 0;
  #window?: { limit: number; remaining: number; endsAt: number };
  #closedUntil = 0;
  #wake?: NodeJS.Timeout;
  #told = false;
  /** Since when requests have been waiting for the rate limit, and for how long they did before. */
  #waitingSince?: number;
  #waited = 0;

  constructor(options: GateOptions) {
    this.#options = options;
    options.signal?.addEventListener("abort", () => this.#advance());
  }

  /** A clock in milliseconds that stands still while requests wait for the rate limit. */
  clock(): number {
    const now = Date.now();
    return now - this.#waited - (now - (this.#waitingSince ?? now));
  }

  /** Waits for a turn, which ends with `leave`. */
  async enter(): Promise<void> {
    if (this.#queue.length > 0 || !this.#mayGo(Date.now())) {
      await new Promise<void>((resolve) => {
        this.#queue.push(resolve);
        this.#advance();
      });
    } else this.#underWay++;
  }

  leave(state?: RateLimitState): void {
    this.#underWay--;
    if (state) this.#learn(state);
    this.#advance();
  }

  /** The platform has refused a request: nobody sends for so long. */
  close(milliseconds: number): void {
    this.#closedUntil = Math.max(this.#closedUntil, Date.now() + milliseconds);
    this.#advance();
  }

  #learn({ limit, remaining, resetMs }: RateLimitState): void {
    const endsAt = Date.now() + resetMs;
    const known = this.#window;
    if (known && endsAt < known.endsAt - SAME_WINDOW_MS) return; // a late answer of an earlier window
    if (known && endsAt < known.endsAt + SAME_WINDOW_MS) {
      // Whole seconds are rounded up, so the earliest of several is the nearest to the truth.
      this.#window = { limit, remaining: Math.min(remaining, known.remaining), endsAt: Math.min(endsAt, known.endsAt) };
    } else this.#window = { limit, remaining, endsAt };
  }

  /** When the rate limit lets a request through again; a time in the past means now. */
  #limitedUntil(now: number): number {
    if (this.#closedUntil > now) return this.#closedUntil;
    if (this.#window && this.#window.endsAt <= now) this.#window = undefined;
    const window = this.#window;
    if (!window) return 0;
    // Those under way may or may not be counted in `remaining`; as they come back, the truth shows.
    return window.remaining - this.#underWay > Math.ceil(window.limit * this.#options.reserve) ? 0 : window.endsAt;
  }

  #mayGo(now: number): boolean {
    return this.#underWay < this.#options.concurrency && this.#limitedUntil(now) <= now;
  }

  #advance(): void {
    clearTimeout(this.#wake);
    // One moment for all that is decided: a window that ends in between would leave nobody to wake those that wait.
    const now = Date.now();
    if (this.#waitingSince !== undefined) this.#waited += now - this.#waitingSince;
    this.#waitingSince = undefined;
    while (this.#queue.length > 0 && (this.#mayGo(now) || this.#options.signal?.aborted)) {
      this.#told = false;
      this.#underWay++;
      this.#queue.shift()!();
    }
    if (this.#queue.length === 0) return;
    const wait = this.#limitedUntil(now) - now;
    if (wait <= 0) return; // only as many as may be under way: the next to leave calls
    this.#waitingSince = now;
    this.#wake = setTimeout(() => this.#advance(), wait + 5);
    const allWait = this.#underWay === 0;
    if (allWait && !this.#told && wait >= 1000) {
      this.#told = true;
      const why = this.#window
        ? `${this.#window.remaining} of ${this.#window.limit} requests are left in this window, and ${Math.round(this.#options.reserve * 100)} % stay for others`
        : "it answered 429";
      this.#options.log(`waiting ${Math.ceil(wait / 1000)} s for the platform's rate limit: ${why}`);
    }
  }
}
