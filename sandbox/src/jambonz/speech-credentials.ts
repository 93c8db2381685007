import { Router } from "express";
import type { Database, Row } from "../database";
import { serviceProviderOf, type Authenticated, type User } from "./auth";
import type { Context } from "./context";
import { failure, forbidden, unprocessable } from "./errors";
import { asText, make, remove, retrieve, update, type Body } from "./model";
import { obscure, obscureServiceKey } from "./secrets";
import { sidInUrl } from "./sids";

interface Vendor {
  /** How messages name the vendor, where that is not its own name. */
  label?: string;
  /** What is stored; the rest of a body is dropped. */
  fields: string;
  required?: string;
  /** What reads obscure. */
  secrets?: string;
  /** What an update sets or, when it does not name it, wipes; a model is set but never wiped. */
  changeable?: string;
}

const keyed = (more = "", required = ""): Vendor => ({
  fields: `api_key ${more}`,
  required: `api_key ${required}`,
  secrets: "api_key",
});

/** jambonz-api-server 0.9.6, lib/routes/api/speech-credentials.js and lib/utils/speech-utils.js */
const vendors: Record<string, Vendor> = {
  google: { fields: "service_key model_id", required: "service_key" },
  aws: { fields: "access_key_id secret_access_key aws_region role_arn", secrets: "secret_access_key", changeable: "aws_region" },
  microsoft: {
    ...keyed(
      "region use_custom_tts custom_tts_endpoint custom_tts_endpoint_url use_custom_stt custom_stt_endpoint custom_stt_endpoint_url",
      "region",
    ),
    label: "azure",
    changeable:
      "region use_custom_tts custom_tts_endpoint custom_tts_endpoint_url use_custom_stt custom_stt_endpoint custom_stt_endpoint_url",
  },
  wellsaid: keyed(),
  soniox: keyed(),
  voxist: keyed(),
  deepgramflux: keyed(),
  nuance: {
    fields: "client_id secret nuance_tts_uri nuance_stt_uri",
    secrets: "secret",
    changeable: "nuance_tts_uri nuance_stt_uri",
  },
  deepgram: {
    ...keyed("deepgram_stt_uri deepgram_stt_use_tls deepgram_tts_uri model_id"),
    changeable: "deepgram_stt_uri deepgram_stt_use_tls deepgram_tts_uri",
  },
  gladia: { fields: "api_key region", secrets: "api_key", changeable: "region" },
  resemble: { ...keyed("resemble_tts_uri resemble_tts_use_tls"), changeable: "resemble_tts_uri resemble_tts_use_tls" },
  ibm: {
    fields: "tts_api_key tts_region stt_api_key stt_region instance_id",
    secrets: "tts_api_key stt_api_key",
    changeable: "tts_region stt_region",
  },
  nvidia: { label: "riva", fields: "riva_server_uri", required: "riva_server_uri", changeable: "riva_server_uri" },
  cobalt: { fields: "cobalt_server_uri", required: "cobalt_server_uri", changeable: "cobalt_server_uri" },
  elevenlabs: { ...keyed("model_id api_uri options", "model_id"), label: "elevenLabs", changeable: "api_uri options" },
  speechmatics: { ...keyed("speechmatics_stt_uri options", "speechmatics_stt_uri"), changeable: "speechmatics_stt_uri options" },
  playht: {
    ...keyed("user_id voice_engine playht_tts_uri options", "user_id voice_engine"),
    changeable: "voice_engine playht_tts_uri options",
  },
  cartesia: { ...keyed("model_id stt_model_id options"), changeable: "stt_model_id options" },
  rimelabs: { ...keyed("model_id options", "model_id"), changeable: "options" },
  inworld: { ...keyed("model_id options", "model_id"), changeable: "options" },
  assemblyai: { ...keyed("service_version"), changeable: "service_version" },
  houndify: {
    fields: "client_id client_key user_id houndify_server_uri",
    required: "client_id client_key user_id",
    secrets: "client_key",
    changeable: "houndify_server_uri",
  },
  whisper: keyed("model_id", "model_id"),
  openai: keyed("model_id", "model_id"),
  verbio: {
    fields: "client_id client_secret engine_version",
    required: "engine_version client_id client_secret",
    secrets: "client_secret",
    changeable: "engine_version",
  },
};
const custom: Vendor = {
  fields: "auth_token custom_stt_url custom_tts_url custom_tts_streaming_url",
  secrets: "auth_token",
  changeable: "custom_stt_url custom_tts_url custom_tts_streaming_url",
};

const words = (list = "") => list.split(" ").filter(Boolean);
const vendorOf = (name: unknown): Vendor | undefined => vendors[String(name)] ?? (String(name).startsWith("custom:") ? custom : undefined);
const pick = (from: Body, fields: readonly string[]): Body => Object.fromEntries(fields.map((field) => [field, from[field]]));

/** What is stored of a new credential. Any lack is a 500. */
function stored(body: Body): string {
  const name = body["vendor"];
  const vendor = vendorOf(name);
  if (!vendor) throw failure(`invalid or missing vendor: ${String(name)}`);
  const onPremises = body["deepgram_stt_uri"] && body["deepgram_tts_uri"];
  const required = words(vendor.required).concat(
    name === "cartesia" && body["use_for_tts"] ? "model_id" : [],
    name === "cartesia" && body["use_for_stt"] ? "stt_model_id" : [],
  );
  const missing = required.find((field) => !body[field]);
  const excused = (name === "deepgram" && onPremises) || (name === "microsoft" && custom_endpoint(body));
  if (missing && !excused) {
    throw failure(
      name === "google"
        ? "invalid json key: service_key is required"
        : `invalid ${vendor.label ?? String(name)} speech credential: ${missing} is required`,
    );
  }
  if (name === "google" && !isServiceKey(body["service_key"])) throw failure("invalid google service account key - not JSON");
  return JSON.stringify(pick({ ...(vendor === custom && { auth_token: "" }), ...body }, words(vendor.fields)));
}

const custom_endpoint = (body: Body) => body["custom_tts_endpoint_url"] || body["custom_stt_endpoint_url"];

function isServiceKey(text: unknown): boolean {
  try {
    const key = JSON.parse(String(text)) as Body;
    return !!key["client_email"] && !!key["private_key"];
  } catch {
    return false;
  }
}

/** A credential as reads show it: the row, and what is stored for the vendor with its secrets obscured. */
function show({ credential, ...row }: Row, user: User): Body {
  const parts = JSON.parse(String(credential)) as Body;
  const vendor = vendorOf(row["vendor"])!;
  for (const secret of words(vendor.secrets)) if (parts[secret] !== undefined) parts[secret] = obscure(parts[secret]);
  if (row["vendor"] === "google") {
    const model_id = parts["model_id"] ?? null;
    Object.assign(parts, { model_id, service_key: JSON.stringify({ ...obscureServiceKey(String(parts["service_key"])), model_id }) });
  }
  if (row["vendor"] === "gladia") delete parts["region"];
  if (row["vendor"] === "speechmatics") delete parts["options"];
  if (user.scope === "account" && row["account_sid"] === null) for (const secret of words(vendor.secrets)) delete parts[secret];
  return { ...row, ...parts };
}

/** Speech credentials below an account or a service provider. */
export function speechCredentials({ db }: Context): Router {
  const router = Router({ mergeParams: true });

  const mustOwn = (user: User, credential: Row | undefined) => {
    if (user.scope === "admin") return;
    const column = user.scope === "account" ? "account_sid" : "service_provider_sid";
    if (!credential) throw failure(`Cannot read properties of undefined (reading '${column}')`);
    if (credential[column] !== user[column]) throw forbidden("Insufficient privileges");
  };

  // The owner comes from the token or the body: the account in the path does not count.
  router.post("/", async (request, response: Authenticated) => {
    const { user } = response.locals;
    const body = request.body as Body;
    const provider = sidInUrl(request, "ServiceProviders");
    if (provider && user.scope !== "admin" && provider !== user.service_provider_sid) throw forbidden("Insufficient privileges");
    const account_sid = user.account_sid ?? body["account_sid"];
    const service_provider_sid = user.service_provider_sid ?? body["service_provider_sid"] ?? provider;
    const { vendor, label, use_for_tts, use_for_stt } = body;
    if (label && (await isLabelTaken(db, body as Row, account_sid, service_provider_sid))) {
      throw unprocessable(`Label ${asText(label)} is already in use for another speech credential`);
    }
    const credential = stored(body);
    const row = { account_sid, service_provider_sid, vendor, label, use_for_tts, use_for_stt, credential };
    response.status(201).json({ sid: await make(db, "speech_credentials", row) });
  });

  router.get("/", async (request, response: Authenticated) => {
    const { user } = response.locals;
    const provider = sidInUrl(request, "ServiceProviders");
    if (provider && user.scope !== "admin" && provider !== user.service_provider_sid) throw forbidden("Insufficient privileges");
    const account = sidInUrl(request, "Accounts") ?? user.account_sid;
    const ofAccount = account ? await db.select("speech_credentials", { account_sid: account }) : [];
    const service_provider_sid = provider ?? (await serviceProviderOf(db, account));
    if (!service_provider_sid) throw failure("Cannot read properties of undefined (reading 'service_provider_sid')");
    const ofProvider = await db.select("speech_credentials", { service_provider_sid });
    response.json([...ofAccount, ...ofProvider.filter((row) => row["account_sid"] === null)].map((row) => show(row, user)));
  });

  router.get("/:credential", async (request, response: Authenticated) => {
    const credential = await retrieve(db, "speech_credentials", sidInUrl(request, "SpeechCredentials"));
    if (!credential) return void response.sendStatus(404);
    mustOwn(response.locals.user, credential);
    response.json(show(credential, response.locals.user));
  });

  /** Sets the two flags and what is no secret. An error beyond the flags is swallowed: the answer is 204 all the same. */
  router.put("/:credential", async (request, response: Authenticated) => {
    const sid = sidInUrl(request, "SpeechCredentials")!;
    const body = request.body as Body;
    const flags = ["use_for_tts", "use_for_stt"].filter((flag) => body[flag] !== undefined);
    if (flags.length === 0) throw unprocessable("use_for_tts and use_for_stt are the only updateable fields");
    const change = pick(body, flags);
    const credential = await retrieve(db, "speech_credentials", sid);
    try {
      mustOwn(response.locals.user, credential);
      if (credential) {
        const { vendor } = credential;
        const parts = JSON.parse(String(credential["credential"])) as Body;
        const named = {
          ...pick(body, words(vendorOf(vendor)!.changeable)),
          ...(body["model_id"] !== undefined && pick(body, ["model_id"])),
        };
        change["credential"] = stored({ ...parts, ...named, ...change, vendor });
      }
    } catch {
      delete change["credential"];
    }
    response.sendStatus((await update(db, "speech_credentials", sid, change)) ? 204 : 404);
  });

  router.delete("/:credential", async (request, response: Authenticated) => {
    const sid = sidInUrl(request, "SpeechCredentials")!;
    mustOwn(response.locals.user, await retrieve(db, "speech_credentials", sid));
    response.sendStatus((await remove(db, "speech_credentials", sid)) ? 204 : 404);
  });

  return router;
}

/** A label is unique for a vendor, within the account and within the service provider. */
async function isLabelTaken(db: Database, { vendor = null, label = null }: Row, account: unknown, provider: unknown): Promise<boolean> {
  const owners = { account_sid: account, service_provider_sid: provider };
  for (const [column, owner] of Object.entries(owners)) {
    if (owner && (await db.count("speech_credentials", { [column]: owner as string, vendor, label })) > 0) return true;
  }
  return false;
}
