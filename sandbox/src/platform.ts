import type { Express, Request } from "express";
import type { Database, Tables } from "./database";

/**
 * What becomes of a realm that an account sets by `SipRealms`:
 * - `none`: no DNS provider. The realm is set and the answer is 500, as on a self-hosted jambonz without SBC addresses.
 * - `managed`: DNS records are made and kept; they hold on to the account until it is deleted with a valid realm.
 * - `skipped`: no DNS work and no records, as jambonz does under NODE_ENV=test.
 */
export type Dns = "none" | "managed" | "skipped";

/** What a platform's handlers get from the sandbox around them. */
export interface PlatformContext {
  db: Database;
  dns: Dns;
  /** Whether a request comes from `Sandbox.outside`, which speaks as an administrator without a key. */
  isOutside: (request: Request) => boolean;
  /** How long a change is hidden from those who read, where the platform has such a delay. */
  consistencyDelayMs: number;
}

/** What an administrator signs in with. */
export interface Credentials {
  /** The secret part. */
  adminKey: string;
  /** All of it, as the provider's variables. */
  variables: Record<string, string>;
}

/** How many requests a platform takes. */
export interface RateLimit {
  requests: number;
  /** Length of a window. */
  seconds: number;
  /** Whether a path is counted. Default: every one. */
  counts?: (path: string) => boolean;
  /** Whether each address has a limit of its own. Default: one for everybody. */
  perAddress?: boolean;
  /** The body of a 429, where the platform does not tell of its limit in headers. Default: headers and a text. */
  silentRefusal?: object;
}

/** A platform that the sandbox can be. */
export interface Platform {
  /** The path of its API. */
  base: string;
  tables: Tables;
  /** The name of its database in error messages. */
  database: string;
  /** How it takes what is sent to it. */
  bodies: "json" | "form";
  /** What its admin keys look like. */
  adminKey: { pattern: RegExp; form: string };
  /** Fills a new database, sees that the admin key is there, and returns it. */
  seed: (db: Database, adminKey?: string) => Promise<Credentials>;
  /** Everything that it answers. `response.locals.scope` says, for the request log, who spoke. */
  app: (context: PlatformContext) => Express;
  /** As a stock installation has it. Default: none. */
  rateLimit?: RateLimit;
  /** Gives a path below the base one name for all its values, beyond UUIDs. */
  route: (path: string) => string;
}
