import { z } from "zod";
import type { Properties } from "../resource";
import { traitsOf } from "../schema";
import { isAbsent, isUnknown, parsed, same } from "../values";
import { googleServiceKey, notObscured, obscured, PEM_HEADER, serviceKeyIn, text } from "./types";

/** How much of a secret reads show. */
const VISIBLE = 6;

const said = text.min(1).optional();
const flag = z.boolean().optional();
/** What another one replaces: the platform takes it at creation only and ignores it later without a word. */
const fixed = said.meta({ replaceOnChanges: "evenIfAdded" });
const secret = notObscured(text.min(1)).optional().meta({ secret: true, replaceOnChanges: true });

/** What one vendor or another is signed in to with; the names are the platform's own. */
const members = {
  apiKey: secret.describe("The vendor's API key."),
  accessKeyId: fixed.describe("The id of the access key."),
  secretAccessKey: secret.describe("The secret of the access key."),
  roleArn: fixed.describe("The ARN of a role that is assumed instead of using an access key."),
  awsRegion: said.describe("The AWS region."),
  serviceKey: googleServiceKey.optional().meta({ replaceOnChanges: true }),
  region: said.describe("The vendor's region."),
  modelId: said.describe("The model; of cartesia the one for synthesis."),
  sttModelId: said.describe("The model for recognition."),
  options: text
    .refine(isJsonObject, { error: "must be the JSON text of an object" })
    .optional()
    .describe("Options of the vendor, as the JSON text of an object. It is compared as text."),
  userId: fixed.describe("The id of the user at the vendor."),
  clientId: fixed.describe("The id of the client at the vendor."),
  clientKey: secret.describe("The key of the client."),
  clientSecret: secret.describe("The secret of the client."),
  secret: secret.describe("The secret of the client."),
  ttsApiKey: secret.describe("The API key for synthesis."),
  ttsRegion: said.describe("The region for synthesis."),
  sttApiKey: secret.describe("The API key for recognition."),
  sttRegion: said.describe("The region for recognition."),
  instanceId: fixed.describe("The id of the vendor's instance."),
  useCustomTts: flag.describe("Whether a custom endpoint is used for synthesis."),
  customTtsEndpoint: said.describe("The custom endpoint for synthesis, as the vendor names it."),
  customTtsEndpointUrl: said.describe("The URL of the custom endpoint for synthesis."),
  useCustomStt: flag.describe("Whether a custom endpoint is used for recognition."),
  customSttEndpoint: said.describe("The custom endpoint for recognition, as the vendor names it."),
  customSttEndpointUrl: said.describe("The URL of the custom endpoint for recognition."),
  deepgramTtsUri: said.describe("Your own Deepgram server for synthesis."),
  deepgramSttUri: said.describe("Your own Deepgram server for recognition."),
  deepgramSttUseTls: flag.describe("Whether that server is spoken to over TLS."),
  nuanceTtsUri: said.describe("Your own Nuance server for synthesis."),
  nuanceSttUri: said.describe("Your own Nuance server for recognition."),
  resembleTtsUri: said.describe("Your own Resemble server."),
  resembleTtsUseTls: flag.describe("Whether that server is spoken to over TLS."),
  playhtTtsUri: said.describe("Your own PlayHT server."),
  speechmaticsSttUri: said.describe("The Speechmatics server."),
  rivaServerUri: said.describe("The NVIDIA Riva server."),
  cobaltServerUri: said.describe("The Cobalt server."),
  houndifyServerUri: said.describe("The Houndify server."),
  apiUri: said.describe("The vendor's API, where it is another than usual."),
  voiceEngine: said.describe("The engine for voices."),
  engineVersion: said.describe("The version of the engine."),
  serviceVersion: said.describe("The version of the service."),
  authToken: secret.describe("The token that is sent to your own server."),
  customTtsUrl: said.describe("Your own server for synthesis."),
  customTtsStreamingUrl: said.describe("Your own server for synthesis while a text is still being written."),
  customSttUrl: said.describe("Your own server for recognition."),
};

type Member = keyof typeof members;

interface Vendor {
  needs?: readonly Member[];
  /** What it also needs for what it is used for. */
  alsoNeeds?: (inputs: Properties) => readonly Member[];
  /** What frees it from all that, where each of these is given. */
  unless?: readonly (readonly Member[])[];
  takes?: readonly Member[];
  /** What the platform stores and no read shows. */
  hides?: readonly Member[];
}

/** The vendors of jambonz-api-server 0.9.6 (lib/routes/api/speech-credentials.js, lib/utils/speech-utils.js). */
const vendors: Record<string, Vendor> = {
  assemblyai: { needs: ["apiKey"], takes: ["serviceVersion"] },
  aws: { takes: ["awsRegion", "accessKeyId", "secretAccessKey", "roleArn"] },
  cartesia: {
    needs: ["apiKey"],
    alsoNeeds: ({ useForTts, useForStt }) => [
      ...(useForTts === true ? (["modelId"] as const) : []),
      ...(useForStt === true ? (["sttModelId"] as const) : []),
    ],
    takes: ["modelId", "sttModelId", "options"],
  },
  cobalt: { needs: ["cobaltServerUri"] },
  deepgram: {
    needs: ["apiKey"],
    unless: [["deepgramTtsUri", "deepgramSttUri"]],
    takes: ["deepgramTtsUri", "deepgramSttUri", "deepgramSttUseTls", "modelId"],
  },
  deepgramflux: { needs: ["apiKey"] },
  elevenlabs: { needs: ["apiKey", "modelId"], takes: ["apiUri", "options"] },
  gladia: { takes: ["apiKey", "region"], hides: ["region"] },
  google: { needs: ["serviceKey"], takes: ["modelId"] },
  houndify: { needs: ["clientId", "clientKey", "userId"], takes: ["houndifyServerUri"] },
  ibm: { takes: ["ttsApiKey", "ttsRegion", "sttApiKey", "sttRegion", "instanceId"] },
  inworld: { needs: ["apiKey", "modelId"], takes: ["options"] },
  microsoft: {
    needs: ["region", "apiKey"],
    unless: [["customTtsEndpointUrl"], ["customSttEndpointUrl"]],
    takes: ["useCustomTts", "customTtsEndpoint", "customTtsEndpointUrl", "useCustomStt", "customSttEndpoint", "customSttEndpointUrl"],
  },
  nuance: { needs: ["clientId", "secret"], unless: [["nuanceTtsUri"], ["nuanceSttUri"]], takes: ["nuanceTtsUri", "nuanceSttUri"] },
  nvidia: { needs: ["rivaServerUri"] },
  openai: { needs: ["apiKey", "modelId"] },
  playht: { needs: ["apiKey", "userId", "voiceEngine"], takes: ["playhtTtsUri", "options"] },
  resemble: { needs: ["apiKey"], takes: ["resembleTtsUri", "resembleTtsUseTls"] },
  rimelabs: { needs: ["apiKey", "modelId"], takes: ["options"] },
  soniox: { needs: ["apiKey"] },
  speechmatics: { needs: ["apiKey", "speechmaticsSttUri"], takes: ["options"], hides: ["options"] },
  verbio: { needs: ["clientId", "clientSecret", "engineVersion"] },
  voxist: { needs: ["apiKey"] },
  wellsaid: { needs: ["apiKey"] },
  whisper: { needs: ["apiKey", "modelId"] },
};
const CUSTOM = "custom:";
const custom: Vendor = { takes: ["authToken", "customTtsUrl", "customTtsStreamingUrl", "customSttUrl"] };

/** A vendor that jambonz knows, or `custom:` and a name of your own. */
export const vendor = text.max(32).refine((name) => vendorOf(name) !== undefined && name !== CUSTOM, {
  error: `must be one of ${Object.keys(vendors).join(", ")}, or ${CUSTOM} and a name of your own`,
});

function vendorOf(name: unknown): Vendor | undefined {
  if (typeof name !== "string") return undefined;
  return Object.hasOwn(vendors, name) ? vendors[name] : name.startsWith(CUSTOM) ? custom : undefined;
}

const taken = ({ needs = [], takes = [] }: Vendor): readonly Member[] => [...needs, ...takes];

/** The members with the vendors that take them. */
export const speechMembers = withVendors(members);

function withVendors<S extends Record<string, z.ZodType>>(shape: S): S {
  const all = Object.entries({ ...vendors, [`${CUSTOM}…`]: custom });
  const described = Object.entries(shape).map(([name, schema]) => {
    const takers = all.filter(([, vendor]) => taken(vendor).includes(name as Member)).map(([vendor]) => vendor);
    return [name, schema.describe(`${traitsOf(schema).description} For ${takers.join(", ")}.`)];
  });
  return Object.fromEntries(described) as S;
}

/** What is wrong with one member, together with the others, as the rest of a sentence; undefined where nothing is. */
export function speechMemberWrong(inputs: Properties, name: string): string | undefined {
  const vendor = isUnknown(inputs.vendor) ? undefined : vendorOf(inputs.vendor);
  if (!vendor) return undefined;
  const isThere = (member: string) => !isAbsent(inputs[member]);
  const { needs = [], alsoNeeds, unless = [] } = vendor;
  if (isThere(name))
    return taken(vendor).includes(name as Member)
      ? undefined
      : `is nothing that a credential of ${String(inputs.vendor)} has, which may have ${taken(vendor).join(", ")}`;
  const isFree = unless.some((members) => members.every(isThere));
  const needed: readonly string[] = [...(isFree ? [] : needs), ...(alsoNeeds?.(inputs) ?? [])];
  return needed.includes(name) ? "is required" : undefined;
}

/** What an update has to say in full, because the platform wipes what of it is left out. */
export function changeable(inputs: Properties): Properties {
  const names = taken(vendorOf(inputs.vendor) ?? {}).filter((name) => !traitsOf(members[name]).replaceOnChanges);
  return Object.fromEntries(names.filter((name) => !isAbsent(inputs[name])).map((name) => [name, inputs[name]]));
}

/**
 * What a read found, with each secret as it is expected where it may be that one, without it where none is expected, and
 * with what is never shown.
 *
 * @param expected what state holds, or what was sent
 */
export function recognized(found: Properties, expected: Properties): Properties {
  const hidden = (vendorOf(found.vendor)?.hides ?? []).filter((name) => expected[name]).map((name) => [name, expected[name]]);
  const seen = Object.entries(found).flatMap(([name, value]) => {
    if (!traitsOf((members as Record<string, z.ZodType>)[name]).secret) return [[name, value]];
    const secret = expected[name];
    if (typeof secret !== "string" || secret === "") return [];
    const isIt = name === "serviceKey" ? isSameServiceKey(secret, value) : obscured(secret, VISIBLE) === value;
    return [[name, isIt ? secret : value]];
  });
  return Object.fromEntries([...seen, ...hidden]) as Properties;
}

function isSameServiceKey(expected: unknown, shown: unknown): boolean {
  const [sent, found] = [expected, shown].map(serviceKeyIn);
  if (!sent || !found) return false;
  const like = { ...sent, private_key: PEM_HEADER + obscured(sent.private_key.slice(PEM_HEADER.length), VISIBLE) };
  // The model is shown inside of the key, too.
  return same(z.unknown(), { ...like, model_id: null }, { ...found, model_id: null });
}

function isJsonObject(value: string): boolean {
  return parsed(value, z.record(z.string(), z.unknown())) !== undefined;
}
