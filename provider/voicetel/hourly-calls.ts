import { randomUUID } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { UserError } from "../errors";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export interface HourlyCallsOptions {
  /** The host that is called; each is counted for itself. */
  host: string;
  /** How many calls an hour. */
  limit: number;
  /** Says that calls of other processes cannot be counted. */
  log: (message: string) => void;
  /** Where the calls are noted. Default: pulumi-cpaas in the user's cache folder. */
  folder?: string;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/**
 * Counts calls over all processes of this user, because a budget of few calls an hour outlives a run. Each call is
 * noted at the end of a file before it is sent, and who comes too late is decided by the order in the file alone:
 * there is no lock that a crashed process could leave behind.
 */
export class HourlyCalls {
  readonly #options: HourlyCallsOptions;
  /** The notes of this process, where no file can be written. */
  #memory?: string;

  constructor(options: HourlyCallsOptions) {
    this.#options = options;
  }

  /**
   * Notes a call that is about to be sent, and gives its name.
   * @throws UserError when the hour's calls are used up; it says when the next one is possible
   */
  take(): string {
    const now = (this.#options.now ?? Date.now)();
    const call = randomUUID();
    for (;;) {
      const used = this.#used(now);
      if (used.length >= this.#options.limit) {
        const next = used[used.length - this.#options.limit]! + HOUR;
        throw new UserError(
          `VoiceTel takes ${this.#options.limit} calls of this kind in an hour, and all of them are used up by this and other runs; the next one is possible ${when(next, now)}`,
        );
      }
      this.#note(`${call} ${now}`, now);
      // Another process may have been a little faster.
      if (this.#allowed(now).has(call)) return call;
    }
  }

  /** A call that was not sent after all. */
  giveBack(call: string): void {
    this.#note(`${call} -`, (this.#options.now ?? Date.now)());
  }

  /** When the calls of the last hour were made, the oldest first. */
  #used(now: number): number[] {
    return [...this.#allowed(now).values()].filter((at) => isNear(at, now)).sort((a, b) => a - b);
  }

  /** The calls that were let through. Everybody who reads the same notes comes to the same result. */
  #allowed(now: number): Map<string, number> {
    const allowed = new Map<string, number>();
    for (const line of this.#read(now).split("\n")) {
      const [call, at] = line.split(" ") as [string, string?];
      if (at === "-") allowed.delete(call);
      else if (at && [...allowed.values()].filter((other) => isNear(other, Number(at))).length < this.#options.limit)
        allowed.set(call, Number(at));
    }
    return allowed;
  }

  #note(line: string, now: number): void {
    if (this.#memory === undefined) {
      try {
        mkdirSync(this.#folder, { recursive: true });
        for (const old of readdirSync(this.#folder).filter((name) => this.#dayOf(name) < Math.floor(now / DAY) - 1))
          rmSync(join(this.#folder, old), { force: true });
        appendFileSync(this.#file(now), `${line}\n`);
        return;
      } catch (error) {
        this.#withoutFile(error);
      }
    }
    this.#memory += `${line}\n`;
  }

  #read(now: number): string {
    if (this.#memory !== undefined) return this.#memory;
    try {
      return [now - DAY, now].map((day) => contents(this.#file(day))).join("");
    } catch (error) {
      return this.#withoutFile(error);
    }
  }

  #withoutFile(error: unknown): string {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown";
    this.#options.log(`VoiceTel: only the calls of this run can be counted, because ${this.#folder} cannot be used (${code})`);
    return (this.#memory = "");
  }

  get #folder(): string {
    return this.#options.folder ?? join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "pulumi-cpaas");
  }

  /** One file for each day, so that none grows for ever. */
  #file(time: number): string {
    return join(this.#folder, `${this.#prefix}${Math.floor(time / DAY)}`);
  }

  get #prefix(): string {
    return `voicetel-calls-${encodeURIComponent(this.#options.host)}-`;
  }

  /** NaN for other files. */
  #dayOf(name: string): number {
    return name.startsWith(this.#prefix) ? Number(name.slice(this.#prefix.length)) : NaN;
  }
}

/** Whether two times count in the same hour. */
const isNear = (a: number, b: number) => Math.abs(a - b) < HOUR;

/** A time in words: `at 14:32:10 UTC, in 12 minutes`. */
export function when(time: number, now = Date.now()): string {
  const minutes = Math.max(1, Math.ceil((time - now) / 60_000));
  return `at ${new Date(time).toISOString().slice(11, 19)} UTC, in ${minutes} minute${minutes === 1 ? "" : "s"}`;
}

/** A file's text, nothing where there is no file. */
function contents(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
