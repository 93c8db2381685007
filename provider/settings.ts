import { z } from "zod";
import { UserError } from "./errors";
import type { Platform } from "./resource";
import { describeIssue } from "./validate";
import { traitsOf, unwrap } from "./schema";
import { namesUser } from "./urls";

/** The URL of a platform's management API, as a setting. A key, and whatever else tells who asks, is a setting of its own. */
export const apiUrl = z
  .url({ protocol: /^https?$/, error: "must be a URL that begins with https:// or http://" })
  .refine((url) => !namesUser(url), {
    error: "must not hold a user name or password: what signs in is a setting of its own",
  })
  .refine((url) => !/[?#]/.test(url), { error: "must end with its path: no ? and no #" })
  .meta({ target: true });

/** A key as it goes into a header. An HTTP library would leave out what a header cannot carry, and send another key. */
export const headerKey = z
  .string()
  .min(1)
  .regex(/^[!-~]*$/, { error: "must hold no spaces, control characters or letters beyond ASCII, which no header carries as they are" });

const seconds = z.number().positive().max(86_400);

/** Settings that every platform has. Each is `<platform>:<name>` in a stack's configuration and `<PLATFORM>_<NAME>` in the environment. */
export const commonSettings = z.object({
  requestTimeout: seconds.default(30).describe("The longest that one request may take, in seconds; at most 86400."),
  operationTimeout: seconds
    .default(600)
    .describe(
      "The longest that one operation on a resource may take with all its repeats, in seconds; at most 86400. Waiting for the platform's rate limit does not count.",
    ),
  maxRetries: z.number().int().min(0).default(5).describe("How often a request that failed for a temporary reason is repeated; 0: never."),
  maxConcurrency: z.number().int().min(1).default(10).describe("The most requests under way at once; at least 1."),
  rateLimitReserve: z
    .number()
    .min(0)
    .max(90)
    .default(20)
    .describe("The share of the platform's rate limit, in percent, that is left to its other users; from 0 to 90."),
  allowPlainHttp: z
    .stringbool()
    .or(z.boolean())
    .default(false)
    .describe("Whether a key may be sent over plain HTTP to a host that is not loopback."),
});

export type CommonSettings = z.output<typeof commonSettings>;

/** Where settings come from: the stack's configuration, or the arguments of an explicit provider. */
export interface SettingSources {
  /** The value of `<platform>:<name>` in the stack's configuration. */
  config(name: string): unknown;
  /** Arguments of an explicit provider, which always win. */
  explicit?: Record<string, unknown>;
  environment?: Record<string, string | undefined>;
}

/** `jambonz`, `apiUrl` -> `JAMBONZ_API_URL`. */
export function environmentVariable(platform: string, setting: string): string {
  return `${platform}_${setting.replace(/[A-Z]/g, "_$&")}`.toUpperCase();
}

export function settingsOf(platform: Platform): z.ZodObject {
  return platform.settings.extend(commonSettings.shape);
}

/** The settings as they were found, and what is wrong with them, each in one sentence. */
interface FoundSettings<S> {
  settings?: S;
  wrong: string[];
  missing: string[];
}

/**
 * Reads and checks the settings of a platform. What names the target: the configuration, else the environment, and
 * a contradiction between them is an error, so that a shell never points a stack at another cluster or account. The
 * key and everything else: the environment first, so that a rotated key reaches refresh and destroy too.
 *
 * @throws UserError for missing or wrong settings, naming each.
 */
export function readSettings<S extends CommonSettings>(platform: Platform, sources: SettingSources): S {
  const { settings, wrong, missing } = findSettings<S>(platform, sources);
  if (!settings) throw new UserError([...wrong, ...missing].join(". "));
  return settings;
}

/** The same, and tells instead of throwing. */
export function findSettings<S extends CommonSettings>(platform: Platform, sources: SettingSources): FoundSettings<S> {
  const environment = sources.environment ?? process.env;
  const schema = settingsOf(platform);
  const raw: Record<string, unknown> = {};
  const contradictions: string[] = [];
  // What is not valid may be a key in the wrong place, so it is not shown.
  const shown = (name: string, value: unknown) => (schema.shape[name].safeParse(value).success ? comparable(value) : "no valid value");
  for (const name of Object.keys(schema.shape)) {
    const variable = environmentVariable(platform.name, name);
    const fromConfig = present(sources.config(name));
    const fromEnvironment = present(environment[variable]);
    const { target } = traitsOf(schema.shape[name]);
    const explicit = present(sources.explicit?.[name]);
    if (
      target &&
      explicit === undefined &&
      fromConfig !== undefined &&
      fromEnvironment !== undefined &&
      comparable(fromConfig) !== comparable(fromEnvironment)
    ) {
      contradictions.push(
        `${platform.name}:${name} in the stack's configuration is ${shown(name, fromConfig)}, but ${variable} is ${shown(name, fromEnvironment)}; unset one of them, so that no stack acts on another target than its own`,
      );
    }
    const value = explicit ?? (target ? (fromConfig ?? fromEnvironment) : (fromEnvironment ?? fromConfig));
    if (value !== undefined) raw[name] = typeof value === "string" ? asNumber(schema.shape[name], value.trim()) : value;
  }
  if (contradictions.length > 0) return { wrong: contradictions, missing: [] };
  const parsed = schema.safeParse(raw);
  if (parsed.success) return { settings: parsed.data as S, wrong: [], missing: [] };
  const found: FoundSettings<S> = { wrong: [], missing: [] };
  for (const issue of parsed.error.issues) {
    const name = String(issue.path[0]);
    const variable = environmentVariable(platform.name, name);
    const { secret, help } = traitsOf(schema.shape[name]);
    // A text may be a key in the wrong place, and no redactor knows it yet.
    const value = secret || typeof raw[name] === "string" ? undefined : raw[name];
    if (raw[name] !== undefined) found.wrong.push(`${platform.name}:${name} ${describeIssue(issue, value)}`);
    else
      found.missing.push(
        `${platform.title} needs ${platform.name}:${name} in the stack's configuration (\`pulumi config set ${secret ? "--secret " : ""}${platform.name}:${name} …\`) or ${variable} in the environment${help ? `; ${help}` : ""}`,
      );
  }
  return found;
}

function present(value: unknown): string | number | boolean | undefined {
  if (value === undefined || value === null || (typeof value === "string" && value.trim() === "")) return undefined;
  return value as string | number | boolean;
}

/** A number as people write it; every other text stays one, which is refused where a number is asked for. */
function asNumber(schema: z.core.$ZodType, text: string): string | number {
  return unwrap(schema) instanceof z.ZodNumber && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** A value so that two that mean the same are the same. */
function comparable(value: unknown): string {
  const text = String(value).trim();
  return /^https?:/i.test(text) && URL.canParse(text) ? normalUrl(text) : text;
}

/** A URL without what makes no difference and without a password. */
export function normalUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname.replace(/\/+$/, "")}`;
}
