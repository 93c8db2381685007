import { z } from "zod";
import { RefusedError, UserError } from "../errors";
import { resource, type Properties, type ReadOptions, type Refusal } from "../resource";
import { same, withoutPlus } from "../values";
import { fromRow, isNotFound, toRow, type Jambonz, type Row } from "./client";
import { alreadyThere, createUnique, isDuplicate } from "./names";
import { accountServiceProviderSid, sid, text, unseen } from "./types";

const number = text
  .min(1)
  .max(132)
  .refine((value) => /^\+?[^\s+]\S*$/.test(value), { error: "must be a number without blanks, with one + before it or none" })
  .describe("The number as the carrier sends it, such as +15015550100. The platform stores it without its +.")
  .meta({ replaceOnChanges: true, ignorePlus: true });

const inputs = z.strictObject({
  number,
  voipCarrierSid: sid
    .optional()
    .describe("The carrier that sends the calls. The platform takes a number once of each carrier.")
    .meta({ replaceOnChanges: "evenIfAdded" }),
  accountSid: sid
    .optional()
    .describe(
      "The account that has the number. With an account's key it is always that account, also where it is left out. A service provider's key cannot change a number without an account that an admin's key has made.",
    )
    .meta({ refersTo: "jambonz:Account", holdsBack: true, replaceIfUnknown: true }),
  applicationSid: sid.optional().describe("The application that takes the calls."),
});

/** A number, and what happens to its calls. */
export const phoneNumber = resource<Jambonz>()({
  type: "jambonz:PhoneNumber",
  description: "A phone number: which carrier sends its calls, whose it is, and which application takes them.",
  example: {
    title: "A number of an account that no application takes yet",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      main: { type: "jambonz:PhoneNumber", properties: { number: "+15015550100", accountSid: "${acme.sid}" } },
    },
  },
  idFormat: "<phone number sid>",
  sidFromId: "whole",
  // A carrier has a number once, so one that was left undeleted by a failed run would stand in the way of a program that goes back to it.
  deleteBeforeReplace: true,
  onDelete: "Deletes the number on the platform. Nothing is cancelled at the carrier.",
  inputs,
  outputs: z.object({
    sid: sid.describe("The number's sid."),
    accountServiceProviderSid: accountServiceProviderSid.meta({ changesOnUpdate: true }),
  }),

  // Without a carrier the platform takes a number again and again.
  claims: ({ number, voipCarrierSid }) => (voipCarrierSid || number === undefined ? undefined : `number ${withoutPlus(number)}`),

  async refuseCreate(jambonz, said, { replacing }) {
    // With an account's key jambonz would make it in the key's own account without a word (lib/routes/api/phone-numbers.js).
    if (said.accountSid && !(await jambonz.seenProviderOf(said))) return { reason: unseen(said) };
    // Of one carrier the platform itself takes a number once only, which is too late where the old one goes first.
    if (said.voipCarrierSid && !replacing) return undefined;
    // A list that is some time old may show what this run has deleted, so a refusal is never given from one.
    const mayBeTaken = (await jambonz.listLately("/PhoneNumbers")).some(isAnother(said, replacing));
    return mayBeTaken ? taken(jambonz, said, replacing) : undefined;
  },

  create: (jambonz, said) =>
    createUnique(jambonz, {
      path: "/PhoneNumbers",
      row: toRow(said),
      accountSid: said.accountSid,
      isRefusal: isDuplicate,
      inTheWay: () => taken(jambonz, said),
    }),

  async existing(jambonz, { accountSid }) {
    if (jambonz.isNew(accountSid)) return new Set();
    return new Set((await jambonz.listLately("/PhoneNumbers")).map((row) => String(row.phone_number_sid)));
  },

  async find(jambonz, said) {
    const { accountSid = null, applicationSid = null } = said;
    const scope = accountSid === null ? await jambonz.scope() : undefined;
    if (scope === "service provider") return undefined; // no list shows it numbers without an account
    const rows = await jambonz.list("/PhoneNumbers", 0);
    const ownership = await jambonz.ownership(said);
    return rows
      .filter((row) => isAnother(said)(row) && (scope === "account" || row.account_sid === accountSid))
      .map((row) => ({
        id: String(row.phone_number_sid),
        outputs: { sid: row.phone_number_sid, ...ownership },
        // Somebody may have routed it since.
        isOtherwise: row.application_sid !== applicationSid,
      }));
  },

  unlisted: "jambonz:PhoneNumber: to a service provider's key jambonz lists no numbers without an account",

  async list(jambonz) {
    const rows = await jambonz.list("/PhoneNumbers");
    return rows.map((row) => ({ id: String(row.phone_number_sid), live: live(row), label: String(row.number) }));
  },

  async read(jambonz, id, { sid: known, accountSid, accountServiceProviderSid }, options) {
    const row = await rowOf(jambonz, id, options);
    if (row) {
      const found = live(row);
      // An account that the program leaves out is not looked after, save where the number was only just imported.
      const isOther = accountSid !== undefined && (accountSid !== found.accountSid || accountServiceProviderSid === undefined);
      return !known || isOther ? { ...found, ...(await jambonz.ownership(found)) } : found;
    }
    // To an account's key one that is gone and one that another account has by now are the same 404; others are told which it is.
    if ((await jambonz.scope()) === "account")
      throw new UserError(
        "it was deleted, or given to another account, and to an account's key jambonz answers both alike (404); refresh with a service provider's key, or take it out of the state with `pulumi state delete`",
      );
    if (accountSid) await jambonz.account(accountSid as string, accountServiceProviderSid as string | undefined);
    return undefined;
  },

  async update(jambonz, id, changes, said) {
    // With an account's key it is always that account's: without one nobody but an admin would see it any more.
    const { accountSid, ...others } = changes;
    const sent = accountSid === null && (await jambonz.scope()) === "account" ? others : changes;
    if (Object.keys(sent).length === 0) return {};
    // The platform does not ask whose the account is.
    if (changes.accountSid && !(await jambonz.seenProviderOf(said))) throw new UserError(unseen(said));
    try {
      await jambonz.put(`/PhoneNumbers/${id}`, toRow(sent));
    } catch (error) {
      if (!(error instanceof RefusedError && error.reason.includes("reading 'service_provider_sid'"))) throw error;
      throw error.because("a service provider's key cannot change a number without an account that another key has made");
    }
    if (!("accountSid" in sent)) return {};
    return { accountServiceProviderSid: undefined, ...(await jambonz.ownership(said)) };
  },

  async delete(jambonz, id) {
    try {
      await jambonz.delete(`/PhoneNumbers/${id}`);
    } catch (error) {
      // Whoever may not delete it is answered otherwise; but what stands between may answer so, too.
      if (!isNotFound(error) || (await rowOf(jambonz, id, { fresh: true }))) throw error;
    }
  },
});

function rowOf(jambonz: Jambonz, id: string, options: ReadOptions): Promise<Row | undefined> {
  const list = (maxAge?: number) => jambonz.list("/PhoneNumbers", maxAge);
  return jambonz.object({ noun: "PhoneNumbers", column: "phone_number_sid", list }, id, options);
}

function live(row: Row): Properties {
  return { ...fromRow([inputs], row), sid: row.phone_number_sid };
}

interface Said {
  number: string;
  voipCarrierSid?: string;
}

/** Whether a row is this number of this carrier, and not that of one sid. */
function isAnother(said: Said, except?: string): (row: Row) => boolean {
  return (row) =>
    same(number, row.number, said.number) && row.voip_carrier_sid === (said.voipCarrierSid ?? null) && row.phone_number_sid !== except;
}

/** Whether another number than one is this number of this carrier. */
async function taken(jambonz: Jambonz, said: Said, except?: string): Promise<Refusal | undefined> {
  const row = (await jambonz.list("/PhoneNumbers", 0)).find(isAnother(said, except));
  if (!row) return undefined;
  const what = `the number ${String(row.number)} of this carrier, or of none, is there already`;
  return alreadyThere(jambonz, "jambonz:PhoneNumber", String(row.phone_number_sid), what);
}
