import { z } from "zod";
import { RefusedError, UnfinishedError } from "../errors";
import { resource, type Properties } from "../resource";
import { isUnknown } from "../values";
import { accountSid, owned } from "./owned";
import { toForm, type Restcomm, type Row } from "./platform";
import { dates, friendlyName, methodOf, sid, url } from "./types";

const applicationSid = sid("AP").optional();

const inputs = z
  .strictObject({
    accountSid,
    phoneNumber: z
      .string()
      .min(1)
      .max(30)
      .describe("The number, in E.164 with its +. Another number is bought first, and then this one is released.")
      .meta({ replaceOnChanges: true, writeOnly: true, ignorePlus: true }),
    isSip: z
      .boolean()
      .optional()
      .describe("Whether it is a number of the platform's own, reached over SIP only: nothing is bought then. Default: false.")
      .meta({ replaceOnChanges: true, writeOnly: true, platformDefault: false }),
    friendlyName: friendlyName.optional().describe("A description. Default: the number."),
    voiceUrl: url.optional().describe("Where the platform asks what to do with a call to the number."),
    voiceMethod: methodOf("voiceUrl"),
    voiceFallbackUrl: url.optional().describe("Asked when voiceUrl fails."),
    voiceFallbackMethod: methodOf("voiceFallbackUrl"),
    voiceApplicationSid: applicationSid.describe("The application that handles calls; the URLs are then not used."),
    voiceCallerIdLookup: z
      .boolean()
      .optional()
      .describe("Whether the caller's name is looked up, which costs for each call. Default: false.")
      .meta({ platformDefault: false }),
    smsUrl: url.optional().describe("Where the platform asks what to do with a message to the number."),
    smsMethod: methodOf("smsUrl"),
    smsFallbackUrl: url.optional().describe("Asked when smsUrl fails."),
    smsFallbackMethod: methodOf("smsFallbackUrl"),
    smsApplicationSid: applicationSid.describe("The application that handles messages; the URLs are then not used."),
    ussdUrl: url.optional().describe("Where the platform asks what to do with a USSD session."),
    ussdMethod: methodOf("ussdUrl"),
    ussdApplicationSid: applicationSid.describe("The application that handles USSD sessions."),
    referUrl: url.optional().describe("Where the platform asks what to do when a call is transferred."),
    referMethod: methodOf("referUrl"),
    referApplicationSid: applicationSid.describe("The application that handles transfers."),
    statusCallback: url.optional().describe("Told when a call ends."),
    statusCallbackMethod: methodOf("statusCallback"),
  })
  .refine(
    ({ phoneNumber, isSip }) =>
      isSip === true || isUnknown(isSip) || !phoneNumber || isUnknown(phoneNumber) || /^\+[1-9]\d{1,14}$/.test(phoneNumber),
    {
      path: ["phoneNumber"],
      error: "must be a number in E.164, such as +15015550100, unless isSip is true",
      when: () => true,
    },
  );

const outputs = z.object({
  sid: sid("PN").describe("The number's sid."),
  boughtNumber: z
    .string()
    .optional()
    .describe(
      "The number that it really is, as the platform writes it. Where the carrier gave another one than phoneNumber, every update tells it and fails.",
    ),
  voiceCapable: z.boolean().optional().describe("Whether it takes calls."),
  smsCapable: z.boolean().optional().describe("Whether it takes messages."),
  mmsCapable: z.boolean().optional().describe("Whether it takes multimedia messages."),
  faxCapable: z.boolean().optional().describe("Whether it takes faxes."),
  uri: z.string().optional().describe("Its path on the platform."),
  ...dates,
});

const common = owned({
  noun: "IncomingPhoneNumbers",
  inputs,
  outputs,
  namedAfter: "phoneNumber",
  derived: (row) => ({ boughtNumber: row.phone_number }),
  distributed: true,
});

/** A number that is bought, and what happens to calls and messages to it. */
export const incomingPhoneNumber = resource<Restcomm>()({
  ...common,
  type: "restcomm:IncomingPhoneNumber",
  description: "A phone number of an account, and what happens to calls and messages to it. Creating it buys the number.",
  example: {
    title: "A number whose calls go to an application",
    resources: {
      menu: { type: "restcomm:Application", properties: { kind: "voice", rcmlUrl: "https://ivr.acme.example.com/menu" } },
      main: {
        type: "restcomm:IncomingPhoneNumber",
        properties: { phoneNumber: "+15015550100", voiceApplicationSid: "${menu.sid}" },
        options: { protect: true },
      },
    },
  },
  onDelete: "Releases the number: it is no longer paid for, and somebody else may get it. Protect a number that must stay.",
  deleteBeforeReplace: { whileSame: ["phoneNumber"] }, // it is in one account only
  inputs,
  outputs,

  /** Once there is one only, save of those that the platform calls so itself. */
  claims: ({ accountSid, phoneNumber, isSip }) =>
    `number ${digits(phoneNumber)}${isSip ? ` of ${accountSid ?? "the account that signs in"}` : ""}`,

  async refuseCreate(restcomm, { accountSid, phoneNumber }, { replacing }) {
    const holders = (await bearing(restcomm, accountSid, phoneNumber)).map((row) => common.candidate(row).id);
    const holder = holders.find((id) => id !== replacing); // the one that makes room is released first
    if (!holder) return undefined;
    const reason = `its account already has the number ${phoneNumber}: ${holder}; adopt it (${restcomm.adopt("restcomm:IncomingPhoneNumber", holder)}). One that was released shows for some minutes more`;
    return { reason, holder };
  },

  async create(restcomm, { accountSid, ...sent }) {
    const { phoneNumber } = sent;
    const look = async () => (await bearing(restcomm, accountSid, phoneNumber))[0];
    const bought = restcomm.createOnce(common.listPath(restcomm, accountSid), toForm(inputs, sent), look);
    const row = await bought.catch((error: unknown) => {
      // The carrier's code.
      if (!(error instanceof RefusedError && error.status === 400 && error.reason.includes("21452"))) throw error;
      throw error.because(`the number ${phoneNumber} is taken, or the carrier does not give it (${error.reason})`);
    });
    const { id, outputs = {} } = common.candidate(row);
    tellOther(restcomm, id, phoneNumber, outputs);
    return { id, outputs };
  },

  async update(restcomm, id, changes, news, state) {
    const told = Object.keys(changes).length > 0 ? await common.update(restcomm, id, changes, news) : {};
    tellOther(restcomm, id, news.phoneNumber, { boughtNumber: state.boughtNumber, ...told });
    return told;
  },

  unfinished: ({ phoneNumber }, { boughtNumber }) => isOther(boughtNumber, phoneNumber),

  async find(restcomm, { accountSid, phoneNumber }) {
    const rows = await bearing(restcomm, accountSid, phoneNumber);
    if (rows.length > 0) return rows.map(common.candidate);
    // The carrier may have given another number.
    const all = await restcomm.list(common.listPath(restcomm, accountSid), 0);
    return all.map((row) => ({ ...common.candidate(row), isOtherwise: isOther(row.phone_number, phoneNumber) }));
  },
});

/** The numbers of an account that are this one. */
async function bearing(restcomm: Restcomm, accountSid: string | undefined, phoneNumber: string): Promise<Row[]> {
  const pattern = phoneNumber.startsWith("+") ? phoneNumber : `*${phoneNumber}`;
  const rows = await restcomm.list(`${common.listPath(restcomm, accountSid)}?PhoneNumber=${encodeURIComponent(pattern)}`, 0);
  return rows.filter((row) => !isOther(row.phone_number, phoneNumber));
}

/** @throws UnfinishedError where the carrier gave another number than was asked for */
function tellOther(restcomm: Restcomm, id: string, phoneNumber: string, outputs: Properties): void {
  const { boughtNumber } = outputs;
  if (!isOther(boughtNumber, phoneNumber)) return;
  throw new UnfinishedError(
    `the carrier gave ${String(boughtNumber)} instead of ${phoneNumber}, and it is bought: to keep it, take this resource out of the state with \`pulumi state delete\` and adopt it (${restcomm.adopt("restcomm:IncomingPhoneNumber", id)}); to give it back, delete the resource`,
    id,
    outputs,
  );
}

/** Whether it is known to be another number. */
function isOther(boughtNumber: unknown, phoneNumber: string): boolean {
  return typeof boughtNumber === "string" && digits(boughtNumber) !== digits(phoneNumber);
}

/** The platform may put a + before a number that had none. */
function digits(phoneNumber: unknown): string {
  return String(phoneNumber).replace(/^\+/, "");
}
