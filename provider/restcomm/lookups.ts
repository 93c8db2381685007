import { z } from "zod";
import { UserError } from "../errors";
import { lookup } from "../resource";
import { fromRow, type Restcomm, type Row } from "./platform";
import { dates, sid } from "./types";

/** Without secrets: what a look-up gives is not encrypted. */
const accountResult = z.object({
  sid: sid("AC").describe("The account's sid."),
  emailAddress: z.string().describe("Its e-mail address."),
  friendlyName: z.string().describe("Its description."),
  status: z.string().describe("active, suspended, closed, inactive or uninitialized."),
  role: z.string().optional().describe("Administrator, Developer or ProvisioningAgent."),
  type: z.string().optional().describe("Full or Trial."),
  ...dates,
});

export const getAccount = lookup<Restcomm>()({
  type: "restcomm:getAccount",
  description: "One account, by e-mail address or sid; also a closed one.",
  inputs: z
    .strictObject({
      emailAddress: z.string().min(1).optional().describe("The e-mail address. Either this or sid."),
      sid: sid("AC").optional().describe("The sid. Either this or emailAddress."),
    })
    .refine(({ emailAddress, sid }) => Boolean(emailAddress) !== Boolean(sid), {
      error: "needs exactly one of emailAddress and sid",
      when: () => true,
    }),
  outputs: accountResult,
  async run(restcomm, { emailAddress, sid }) {
    const row = await restcomm.get(`/Accounts/${encodeURIComponent(sid ?? emailAddress!)}.json`);
    if (!row) throw new UserError(`there is no account ${sid ?? emailAddress}`);
    // The platform takes the text for a friendly name first (Restcomm-Connect, MybatisAccountsDao).
    if (emailAddress && String(row.email_address).toLowerCase() !== emailAddress.toLowerCase())
      throw new UserError(
        `the platform answers with account ${String(row.sid)}, whose friendly name is ${emailAddress} and whose e-mail address is another; look it up by sid`,
      );
    return fromRow([accountResult], row) as z.output<typeof accountResult>;
  },
});

const applicationResult = z.object({
  sid: sid("AP").describe("The application's sid."),
  friendlyName: z.string().describe("Its name."),
  kind: z.string().optional().describe("voice, sms or ussd."),
  rcmlUrl: z.string().optional().describe("Where the platform fetches its RCML."),
  voiceCallerIdLookup: z.boolean().describe("Whether the caller's name is looked up."),
  ...dates,
});

const ofAccount = { accountSid: sid("AC").optional().describe("The account. Default: the one that signs in.") };

export const getApplications = lookup<Restcomm>()({
  type: "restcomm:getApplications",
  description: "The applications of an account. Several may have the same name.",
  inputs: z.strictObject({ ...ofAccount, friendlyName: z.string().min(1).optional().describe("Only those of this name, exactly.") }),
  outputs: z.object({
    applications: z.array(applicationResult.meta({ typeName: "ApplicationInformation" })).describe("The applications."),
  }),
  async run(restcomm, { accountSid = restcomm.accountSid, friendlyName }) {
    const rows = await restcomm.list(`/Accounts/${accountSid}/Applications.json`);
    const named = rows.filter((row) => friendlyName === undefined || row.friendly_name === friendlyName);
    return { applications: named.map((row) => fromRow([applicationResult], row) as z.output<typeof applicationResult>) };
  },
});

const flag = (what: string) => z.boolean().optional().describe(`Only numbers that take ${what}, or only those that do not.`);

const availableResult = z.object({
  phoneNumber: z.string().describe("The number, in E.164."),
  friendlyName: z.string().optional().describe("The number as people write it."),
  isoCountry: z.string().optional().describe("Its country."),
  region: z.string().optional().describe("Its region or state."),
  rateCenter: z.string().optional().describe("Its rate centre."),
  postalCode: z.string().optional().describe("Its postal code."),
  cost: z.string().optional().describe("What it costs."),
  voiceCapable: z.boolean().optional().describe("Whether it takes calls."),
  smsCapable: z.boolean().optional().describe("Whether it takes messages."),
  mmsCapable: z.boolean().optional().describe("Whether it takes multimedia messages."),
  faxCapable: z.boolean().optional().describe("Whether it takes faxes."),
});

export const getAvailablePhoneNumbers = lookup<Restcomm>()({
  type: "restcomm:getAvailablePhoneNumbers",
  description:
    "Numbers that can be bought. They change from run to run: write the one that you choose into the program, and never feed this into an IncomingPhoneNumber.",
  inputs: z.strictObject({
    ...ofAccount,
    isoCountry: z
      .string()
      .regex(/^[A-Z]{2}$/, { error: "must be two capital letters, such as US" })
      .describe("The country, in ISO 3166."),
    kind: z
      .enum(["Local", "TollFree", "Mobile"])
      .optional()
      .describe("The kind of number. Default: Local.")
      .meta({ typeName: "NumberKind" }),
    areaCode: z.string().min(1).optional().describe("Only numbers of this area."),
    contains: z.string().min(1).optional().describe("Only numbers with these digits; * is any digit."),
    voiceEnabled: flag("calls"),
    smsEnabled: flag("messages"),
    mmsEnabled: flag("multimedia messages"),
    faxEnabled: flag("faxes"),
  }),
  outputs: z.object({
    phoneNumbers: z.array(availableResult.meta({ typeName: "AvailablePhoneNumber" })).describe("The numbers."),
  }),
  async run(restcomm, { accountSid = restcomm.accountSid, isoCountry, kind = "Local", ...filters }) {
    const query = Object.entries(filters)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name[0]!.toUpperCase()}${name.slice(1)}=${encodeURIComponent(value)}`);
    const path = `/Accounts/${accountSid}/AvailablePhoneNumbers/${isoCountry}/${kind}.json`;
    const rows: Row[] = await restcomm.list(query.length > 0 ? `${path}?${query.join("&")}` : path, 0);
    return { phoneNumbers: rows.map((row) => fromRow([availableResult], row) as z.output<typeof availableResult>) };
  },
});
