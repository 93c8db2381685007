import type { IncomingMessage } from "node:http";
import express, { type Express } from "express";
import { Database } from "./database";
import { faultHandler, Faults, type FaultRule } from "./faults";
import { jambonz } from "./jambonz/index";
import type { Dns, Platform, RateLimit } from "./platform";
import { restcomm } from "./restcomm/index";
import { RateWindows, type RateWindow } from "./rate-limit";
import { RequestLog, type LoggedRequest } from "./request-log";
import { Inside, Listener, type Answer } from "./server";
import { voicetel } from "./voicetel/index";

export type { FaultRule } from "./faults";
export type { Dns } from "./platform";
export type { RateWindow } from "./rate-limit";
export type { LoggedRequest } from "./request-log";
export type { Answer } from "./server";

const platforms = { jambonz, restcomm, voicetel } satisfies Record<string, Platform>;
export type PlatformName = keyof typeof platforms;
export const platformNames = Object.keys(platforms) as PlatformName[];

/** What an admin key of a platform has to look like. */
export const adminKeyOf = (platform: PlatformName): Platform["adminKey"] => platforms[platform].adminKey;

export interface SandboxOptions {
  /** Which platform to be. Default: "jambonz". */
  platform?: PlatformName;
  /** Where to listen. Default: "127.0.0.1", so that nobody else on the network can come in. */
  host?: string;
  /** Default: 0, any free port. */
  port?: number;
  /** A database file, made where it is missing. Default: in memory. */
  data?: string;
  /** Default: the one in the data file, else a random one. */
  adminKey?: string;
  /** Requests in a window of so many seconds. Default: as the platform has it, 600 in 300 s for a stock jambonz. */
  rateLimit?: { requests: number; seconds: number } | false;
  /** What becomes of realms that accounts set themselves. Default: "none". */
  dns?: Dns;
  /** How long GET shows an account, a client or a number as it was before a change; measured from the change. Default: 0. Restcomm only. */
  consistencyDelayMs?: number;
  faults?: readonly FaultRule[];
  /** For faults by chance. Default: another one each time. */
  seed?: number;
}

export interface Sandbox {
  /** Of the API, such as http://127.0.0.1:12345/v1 */
  readonly url: string;
  readonly adminKey: string;
  /** What a provider needs to use it, by the names of its variables. */
  readonly variables: Readonly<Record<string, string>>;
  /** The requests below the API's base, the oldest first; the last 100,000 at least. */
  readonly requests: readonly LoggedRequest[];
  readonly windows: readonly RateWindow[];
  clearRequests(): void;
  /** Acts on the platform as another administrator would: same handlers, but neither counted nor limited nor subject to faults. */
  outside(method: string, path: string, body?: unknown): Promise<Answer>;
  addFault(rule: FaultRule): void;
  clearFaults(): void;
  /** Takes the server down for some milliseconds (default 0) and up again on the same port with the same data. */
  restart(downMs?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a local server that answers as a platform does. */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const { platform: name = "jambonz", host = "127.0.0.1", port = 0, rateLimit } = options;
  const platform: Platform = platforms[name];
  const faults = new Faults(options.faults, options.seed);
  const limit =
    rateLimit === false
      ? undefined
      : platform.rateLimit || rateLimit
        ? new RateWindows({ ...platform.rateLimit, ...rateLimit } as RateLimit)
        : undefined;
  const log = new RequestLog(platform.base, platform.route);
  const db = await Database.open(platform.tables, platform.database, options.data);
  try {
    const { adminKey, variables } = await platform.seed(db, options.adminKey);
    const outsiders = new WeakSet<IncomingMessage>();
    const app = platform.app({
      db,
      dns: options.dns ?? "none",
      isOutside: (request) => outsiders.has(request),
      consistencyDelayMs: options.consistencyDelayMs ?? 0,
    });
    const inside = new Inside((request, response) => {
      outsiders.add(request);
      app(request, response);
    }, platform.bodies);
    const outside = (method: string, path: string, body?: unknown) => inside.request(method, `${platform.base}${path}`, body);
    const restart = async (ms = 0) => {
      const back = listener.restart(ms);
      limit?.resetKey();
      await back;
    };

    const door = express();
    door.disable("x-powered-by");
    addControl(door, name, log, limit);
    // Node would date its answers by a clock of its own.
    door.use((_request, response, next) => {
      response.set("Date", new Date(Date.now()).toUTCString());
      next();
    });
    door.use(log.handler());
    if (limit) door.use(limit.handler());
    const effects = {
      outside,
      restart,
      refuse: (ms: number) => listener.refuse(ms),
      sent: log.sent.bind(log),
    };
    door.use(faultHandler(faults, platform.base, effects));
    door.use(app);
    const listener = new Listener(door, host, port);
    const url = `${await listener.open()}${platform.base}`;

    return {
      url,
      adminKey,
      variables: { [`${name.toUpperCase()}_API_URL`]: url, ...variables },
      requests: log.entries,
      windows: limit?.windows ?? [],
      clearRequests: () => log.clear(),
      outside,
      addFault: (rule) => faults.add(rule),
      clearFaults: () => faults.clear(),
      restart,
      stop: async () => {
        await listener.stop();
        db.close();
      },
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** What a test in another process may ask, and clear: GET /sandbox and DELETE /sandbox/requests, neither of them counted. */
function addControl(app: Express, platform: string, log: RequestLog, limit: RateWindows | undefined): void {
  app.get("/sandbox", (_request, response) => {
    response.json({ platform, requests: log.counts, windows: limit?.windows ?? [] });
  });
  app.delete("/sandbox/requests", (_request, response) => {
    log.clear();
    response.status(204).end();
  });
}
