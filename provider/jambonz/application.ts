import { z } from "zod";
import { RefusedError } from "../errors";
import { resource, type Properties, type Refusal } from "../resource";
import { parsed } from "../values";
import { changesHook, changesOf, rowOf } from "./application-row";
import { fromRow, isAsSent, type Jambonz, type Row } from "./client";
import { alreadyThere, createUnique, isDuplicate, isSameName } from "./names";
import { accountServiceProviderSid, sid, text, unseen, webhook } from "./types";
import { usesOfApplication } from "./uses";

/** A hook whose host jambonz checks, too (lib/routes/api/utils.js). */
const checkedHook = webhook.refine((hook?: { url?: unknown }) => !/^\w+:\/\/([^/?#]*@)?[^/?#@]*[_[]/.test(String(hook?.url)), {
  path: ["url"],
  error: "must not name its host with an underscore or as an IPv6 address, which jambonz refuses",
  when: () => true,
});

/** The columns are TEXT (db/jambones-sql.sql), and the variables in it are encrypted, as hexadecimal digits. */
const APP_JSON_BYTES = 65_535;
const ENV_VARS_BYTES = 32_000;

const vendor = text.min(1).max(64);
const language = text.min(1).max(12);
const recognizerLanguage = text.min(1).max(64);
const voice = text.min(1).max(256);
const label = text.min(1).max(64).optional();

const variable = z.unknown().refine((value) => ["string", "number", "boolean"].includes(typeof value), {
  error: "must be a text, a number, or true or false",
});

const inputs = z.strictObject({
  accountSid: sid
    .describe("The account that the application belongs to.")
    .meta({ replaceOnChanges: true, refersTo: "jambonz:Account", holdsBack: true }),
  name: text
    .min(1)
    .max(64)
    .describe("The name of the application, unique in its account, where capital and small letters are not told apart.")
    .meta({ defaultsToName: true }),
  callHook: checkedHook.describe("Asked what to do with a call."),
  callStatusHook: checkedHook.describe("Told when the status of a call changes."),
  messagingHook: webhook.optional().describe("Asked what to do with a message."),
  appJson: text
    .refine(isJsonArray, { error: "must be the JSON text of an array of verbs" })
    .refine((value) => Buffer.byteLength(value) <= APP_JSON_BYTES, { error: `must not be longer than ${APP_JSON_BYTES} bytes` })
    .optional()
    .describe(
      "Verbs that the application has itself, as the JSON text of an array. It is compared as text, so another layout of the same JSON is sent as a change.",
    ),
  envVars: z
    .record(z.string(), variable)
    .refine((value) => Buffer.byteLength(JSON.stringify(value)) <= ENV_VARS_BYTES, {
      error: `must not be longer than ${ENV_VARS_BYTES} bytes of JSON`,
    })
    .optional()
    .describe(
      "Values that the platform hands to the application: texts, numbers and booleans by name. When they are set, the platform asks callHook.url by an OPTIONS request which ones there are, and refuses what does not fit; where there is no answer, it takes any.",
    )
    .meta({ secret: true }),
  speechSynthesisVendor: vendor.optional().describe("Who synthesizes speech. Default: google.").meta({ platformDefault: "google" }),
  speechSynthesisLanguage: language.optional().describe("The language of it. Default: en-US.").meta({ platformDefault: "en-US" }),
  speechSynthesisVoice: voice
    .optional()
    .describe("The voice of it, also with another vendor. Default: en-US-Standard-C.")
    .meta({ platformDefault: "en-US-Standard-C" }),
  speechSynthesisLabel: label.describe("The label of the speech credential to use, where the vendor has several."),
  speechRecognizerVendor: vendor.optional().describe("Who recognizes speech. Default: google.").meta({ platformDefault: "google" }),
  speechRecognizerLanguage: recognizerLanguage
    .optional()
    .describe("The language that is recognized. Default: en-US.")
    .meta({ platformDefault: "en-US" }),
  speechRecognizerLabel: label.describe("The label of the speech credential to use, where the vendor has several."),
  useForFallbackSpeech: z
    .boolean()
    .optional()
    .describe("Whether the fallback services are used when the others fail. Default: false.")
    .meta({ platformDefault: false }),
  fallbackSpeechSynthesisVendor: vendor.optional().describe("Who synthesizes speech then."),
  fallbackSpeechSynthesisLanguage: language.optional().describe("The language of that."),
  fallbackSpeechSynthesisVoice: voice.optional().describe("The voice of that."),
  fallbackSpeechSynthesisLabel: label.describe("The label of the speech credential for that."),
  fallbackSpeechRecognizerVendor: vendor.optional().describe("Who recognizes speech then."),
  fallbackSpeechRecognizerLanguage: recognizerLanguage.optional().describe("The language that is recognized then."),
  fallbackSpeechRecognizerLabel: label.describe("The label of the speech credential for that."),
  recordAllCalls: z.boolean().optional().describe("Whether every call is recorded. Default: false.").meta({ platformDefault: false }),
});

const outputs = z.object({
  sid: sid.describe("The application's sid."),
  accountServiceProviderSid,
});

/** What to do with calls and messages. */
export const application = resource<Jambonz>()({
  type: "jambonz:Application",
  description: "An application of an account: which webhooks say what to do with calls and messages, and which speech services it uses.",
  example: {
    title: "An application, and a number whose calls it takes",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      menu: {
        type: "jambonz:Application",
        properties: {
          accountSid: "${acme.sid}",
          callHook: { url: "https://ivr.acme.example.com/call", username: "jambonz", password: "${hookPassword}" },
          callStatusHook: { url: "https://ivr.acme.example.com/status" },
          speechSynthesisVoice: "en-US-Wavenet-F",
        },
      },
      main: {
        type: "jambonz:PhoneNumber",
        properties: { number: "+15015550100", accountSid: "${acme.sid}", applicationSid: "${menu.sid}" },
      },
    },
  },
  idFormat: "<application sid>",
  sidFromId: "whole",
  deleteBeforeReplace: { whileSame: ["accountSid"] }, // its name is unique in the account
  onDelete:
    "Deletes the application. Refused, with a list, while phone numbers, carriers, Teams tenants or settings of accounts point to it.",
  inputs,
  outputs,

  async refuseCreate(jambonz, { accountSid, name }, { replacing }) {
    // With an account's key jambonz would make it in the key's own account without a word (lib/routes/api/applications.js).
    if (!(await jambonz.seenProviderOf({ accountSid }))) return { reason: unseen({ accountSid }) };
    // The platform itself refuses a name that is taken, which is too late where the old one goes first.
    return replacing ? taken(jambonz, { accountSid, name }, replacing) : undefined;
  },

  create: (jambonz, said) =>
    createUnique(jambonz, {
      path: "/Applications",
      row: rowOf(said),
      accountSid: said.accountSid,
      isRefusal: isDuplicate,
      inTheWay: () => taken(jambonz, said),
    }),

  async existing(jambonz, { accountSid }) {
    if (jambonz.isNew(accountSid)) return new Set();
    return new Set((await jambonz.listLately("/Applications")).map((row) => String(row.application_sid)));
  },

  async find(jambonz, wanted) {
    // Whether the list of one account shows envVars as they are is not known.
    const rows = await jambonz.list("/Applications", 0);
    const ownership = await jambonz.ownership(wanted);
    return rows
      .filter(({ account_sid, name }) => account_sid === wanted.accountSid && name === wanted.name)
      .map((row) => ({
        id: String(row.application_sid),
        outputs: { sid: row.application_sid, ...ownership },
        createdAt: new Date(String(row.created_at)),
        // Somebody may have changed it since.
        isOtherwise: !isAsSent(inputs, live(row), wanted),
      }));
  },

  async list(jambonz) {
    const rows = await jambonz.list("/Applications");
    return rows.map((row) => ({ id: String(row.application_sid), live: live(row), label: String(row.name) }));
  },

  async read(jambonz, id, { accountSid, accountServiceProviderSid }, { fresh }) {
    const find = (rows: Row[]) => rows.find((row) => row.application_sid === id);
    const row =
      (fresh && (await jambonz.getIfThere(`/Applications/${id}`))) || find(await jambonz.list("/Applications", fresh ? 0 : undefined));
    if (row) {
      const found = live(row);
      const isKnown = accountServiceProviderSid && accountSid === found.accountSid;
      return isKnown ? found : { ...found, ...(await jambonz.ownership(found)) };
    }
    // No list shows those of others, so it is gone only where its account can be seen, or is gone for certain.
    if (accountSid) await jambonz.account(accountSid as string, accountServiceProviderSid as string | undefined);
    return undefined;
  },

  async update(jambonz, id, changes) {
    const row = await changesOf(jambonz, id, changes);
    const sentAt = Date.now();
    try {
      await jambonz.put(`/Applications/${id}`, row);
    } catch (error) {
      // A webhook that is changed in place is changed before the rest is judged (lib/routes/api/applications.js).
      throw error instanceof RefusedError && changesHook(row) ? error.after(error.lostAt ?? sentAt) : error;
    }
  },

  refuseDelete: usesOfApplication,

  async delete(jambonz, id) {
    await jambonz.delete(`/Applications/${id}`);
  },
});

/** Whether another application of the account than one has the name; capital and small letters are the same to the platform. */
async function taken(
  jambonz: Jambonz,
  { accountSid, name }: { accountSid: string; name: string },
  except?: string,
): Promise<Refusal | undefined> {
  const rows = await jambonz.list(`/Accounts/${accountSid}/Applications`, 0);
  const row = rows.find((row) => isSameName(row.name, name) && row.application_sid !== except);
  if (!row) return undefined;
  const what = "its account already has an application of this name";
  return alreadyThere(jambonz, "jambonz:Application", String(row.application_sid), what, ", or choose another name");
}

function live(row: Row): Properties {
  return { ...fromRow([inputs, outputs], row), sid: row.application_sid };
}

function isJsonArray(text: string): boolean {
  return parsed(text, z.array(z.unknown())) !== undefined;
}
