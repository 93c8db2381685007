import { adoptThroughPackage, type AdoptCommand } from "./adoption";
import { Claims } from "./claims";
import type { HttpClientOptions } from "./http/client";
import { Recovery } from "./recovery";
import { Redactor } from "./redact";
import type { Client, Platform, Properties } from "./resource";
import { readSettings, type CommonSettings, type SettingSources } from "./settings";

/** What surrounds a platform's client: its settings, and where it writes. */
export type Surroundings<S extends CommonSettings = CommonSettings & Record<string, any>> = Omit<
  HttpClientOptions,
  "settings" | "dialect" | "apiUrl"
> & { settings: S; adopt: AdoptCommand };

export interface SessionOptions extends SettingSources {
  /** Where a line for the user goes. Default: standard output, which the engine shows as part of the run. */
  log?: (message: string) => void;
  /** Ends all waiting. */
  signal?: AbortSignal;
  /** Shortens pauses, for tests. */
  pace?: number;
  /** Default: by the npm package. */
  adopt?: AdoptCommand;
}

/**
 * One platform in one process: the connection that all its resources share, and what they have to know of
 * each other. Nothing is read or checked before the first request needs it, so previews work without a key.
 */
export class Session {
  readonly redactor = new Redactor();
  readonly claims = new Claims();
  readonly recovery = new Recovery();
  /**
   * What the program says of a resource that differs from it, by type and id: what takes its place if the engine replaces it,
   * and how many resources of which the program says that had been made when it was compared.
   */
  readonly successors = new Map<string, { says: string; made: number; inputs: Properties }>();
  /** Objects because of which a creation was refused, by type and id. */
  readonly wanted = new Set<string>();
  /**
   * What the program keeps, by type and id: what it says of it, how many resources of which it says the same had been made
   * when it was compared, whether it is certain that it stays, and its state. One more may be its own successor, made because
   * a person wants it anew.
   */
  readonly kept = new Map<string, { says: string; made: number; isCertain: boolean; state: Properties }>();
  /** How many resources this run has made, by type and what the program says of them. */
  readonly made = new Map<string, number>();
  /** What a refresh has read and the program has not said yet: the inputs as text, by type and id. */
  readonly refreshed = new Map<string, string>();
  readonly #options: SessionOptions;
  #settings?: CommonSettings;
  #client?: Client;

  constructor(
    readonly platform: Platform,
    options: SessionOptions,
  ) {
    this.#options = options;
  }

  /** @throws UserError for wrong or missing settings. */
  get settings(): CommonSettings {
    return (this.#settings ??= readSettings(this.platform, this.#options));
  }

  /** @throws UserError for wrong or missing settings. */
  get client(): Client {
    const { log = console.log, signal, pace, adopt = adoptThroughPackage } = this.#options;
    return (this.#client ??= this.platform.connect({ settings: this.settings, redactor: this.redactor, log, signal, pace, adopt }));
  }
}
