import { z } from "zod";
import type { AdoptCommand } from "../adoption";
import { NotSentError, RefusedError, UnansweredError, UnreachableError, UserError } from "../errors";
import { HttpClient, type Answer, type Request } from "../http/client";
import type { Redactor } from "../redact";
import type { Surroundings } from "../session";
import { apiUrl, type CommonSettings } from "../settings";
import { isObject } from "../values";
import { HourlyCalls, when } from "./hourly-calls";

export const voicetelSettings = z.object({
  apiUrl: apiUrl.default("https://api.voicetel.com").describe("The URL of the API, without its version."),
  apiKey: z
    .string()
    .min(1)
    .optional()
    .describe("The API key; to add accounts, an administrator's. Needed at the first request, not before.")
    .meta({ secret: true }),
  callsPerHour: z
    .number()
    .int()
    .min(1)
    .default(6)
    .describe(
      "How many of the calls that VoiceTel limits are sent in an hour by all runs of this user together. VoiceTel takes 6 from an address.",
    ),
});

type Settings = CommonSettings & z.output<typeof voicetelSettings>;

/** The endpoints in use. Those that are limited share one budget, as VoiceTel's own SDKs say. */
const endpoints = {
  add: { limited: false },
  apikey: { limited: true },
  cdr: { limited: true },
  info: { limited: true },
  mrc: { limited: true },
  registration: { limited: false },
};
export type Verb = keyof typeof endpoints;

export type Body = Record<string, unknown>;

export interface PostOptions {
  /** What a refusal means, by its status, where VoiceTel's own words say too little. */
  refusals?: Record<number, string>;
  complete?: Request["complete"];
  /** May be repeated when its answer was lost. Default: false. */
  idempotent?: boolean;
  ownKey?: Request["ownKey"];
}

/**
 * Speaks with VoiceTel's Account API v2.1.6, in which every request is a POST with the key in its body. Facts are
 * those of its OpenAPI document.
 */
export class VoiceTel {
  readonly http: HttpClient;
  readonly adopt: AdoptCommand;
  readonly redactor: Redactor;
  readonly #settings: Settings;
  readonly #log: (message: string) => void;
  readonly #calls: HourlyCalls;
  readonly #answers = new Map<string, Promise<Body>>();
  readonly #told = new Set<string>();

  constructor(surroundings: Surroundings<Settings>) {
    const { settings, redactor, log, adopt } = surroundings;
    this.#settings = settings;
    this.adopt = adopt;
    this.#log = log;
    this.redactor = redactor;
    redactor.add(settings.apiKey);
    this.http = new HttpClient({
      ...surroundings,
      apiUrl: settings.apiUrl,
      dialect: { title: "VoiceTel", headers: () => ({}), reason, statusOf, isTransient: () => true, waitsForRateLimit: false },
    });
    this.#calls = new HourlyCalls({ host: this.http.host, limit: settings.callsPerHour, log });
  }

  /** @throws UserError when there is none */
  get apiKey(): string {
    if (this.#settings.apiKey) return this.#settings.apiKey;
    throw new UserError(
      "VoiceTel needs an API key: VOICETEL_API_KEY in the environment, or `pulumi config set --secret voicetel:apiKey …`",
    );
  }

  /** Says a line once in a run. */
  tellOnce(message: string): void {
    if (!this.#told.has(message)) this.#log(`VoiceTel: ${message}`);
    this.#told.add(message);
  }

  /** The answer to a question. Asked again with the same words in one run, it is not sent again. */
  ask(verb: Verb, body: Body, options: PostOptions = {}): Promise<Body> {
    const question = `${verb} ${JSON.stringify(body)}`;
    const known = this.#answers.get(question);
    if (known) return known;
    const answer = this.post(verb, body, { refusals: { 401: KEY_NOT_VALID }, ...options });
    this.#answers.set(question, answer);
    answer.catch(() => this.#answers.delete(question));
    return answer;
  }

  /**
   * Sends one request. One that is limited is counted before, unless it was not sent after all, and never repeated.
   * @throws UserError when the hour's calls are used up
   */
  async post(
    verb: Verb,
    body: Body,
    { refusals = {}, complete = isObject, ownKey = false, idempotent = false }: PostOptions = {},
  ): Promise<Body> {
    const call = endpoints[verb].limited ? this.#calls.take() : undefined;
    try {
      // Without the slash at the end a redirect would be needed.
      const answer = await this.http.send({ method: "POST", path: `/v2.1/account/${verb}/`, body, complete, idempotent, ownKey });
      return answer.body as Body;
    } catch (error) {
      if (call && (error instanceof UnreachableError || error instanceof NotSentError)) this.#calls.giveBack(call);
      if (call && error instanceof UnansweredError)
        throw new UserError(`${error.message}; nothing was changed by it, but it counts among the hour's calls, so it is not tried again`);
      if (!(error instanceof RefusedError)) throw error;
      if (error.status === 429) throw error.because(this.#usedUp(error.retryAfterMs));
      throw error.status in refusals ? error.because(refusals[error.status]!) : error;
    }
  }

  /** VoiceTel counts by address, so others behind the same one may have used up the hour's calls. */
  #usedUp(retryAfterMs: number | undefined): string {
    const next = retryAfterMs === undefined ? `in an hour at the latest` : when(Date.now() + retryAfterMs);
    return `it takes only so many calls of this kind in an hour from one address, and they are used up, by this or by other machines; the next one is possible ${next}`;
  }
}

export const KEY_NOT_VALID = "the API key is not valid; a change of an account's password ends its key";

/** A refusal inside of a 200 is one as well. */
function statusOf({ status, body }: Answer): number {
  if (status >= 400 || !isObject(body)) return status;
  const code = Number(body.statusCode ?? status);
  if (body.status !== "Error" && code < 400) return status;
  return code >= 400 && code < 600 ? code : 400;
}

/** The words of a refusal: `{message}`, for some with a `requirement`. */
function reason({ status, body }: Answer): string | undefined {
  const { message, requirement } = isObject(body) ? body : {};
  const words = [message, requirement].filter((text): text is string => typeof text === "string" && text !== "");
  if (words.length > 0) return words.join(": ");
  return status === 401 ? KEY_NOT_VALID : undefined;
}
