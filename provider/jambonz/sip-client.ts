import { z } from "zod";
import { type RefusedError } from "../errors";
import { askEach } from "../progress";
import { resource, type Properties, type Refusal } from "../resource";
import { fromRow, isAsSent, toRow, type Jambonz, type Row } from "./client";
import { alreadyThere, createUnique, isSameName } from "./names";
import { accountServiceProviderSid, obscured, sid, text, unseen } from "./types";

/** How a client without a password reads (lib/utils/encrypt-decrypt.js). */
const NO_PASSWORD = "{X";

/** A SIP user of an account. */
export const client = resource<Jambonz>()({
  type: "jambonz:Client",
  description: "A SIP client: a device or app that registers under its account's realm with a user name and a password.",
  example: {
    title: "A desk phone that may call other users only",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      desk1: {
        type: "jambonz:Client",
        properties: {
          accountSid: "${acme.sid}",
          password: "${desk1Password}",
          allowDirectAppCalling: false,
          allowDirectQueueCalling: false,
        },
      },
    },
  },
  idFormat: "<client sid>",
  sidFromId: "whole",
  deleteBeforeReplace: { whileSame: ["accountSid"] }, // a user name is unique in the account
  onDelete:
    "Deletes the client; its device can no longer register. Its account cannot be deleted before, so do not give it deletedWith: account.",
  inputs: z.strictObject({
    accountSid: sid
      .describe("The account that the client belongs to.")
      .meta({ replaceOnChanges: true, refersTo: "jambonz:Account", holdsBack: true }),
    username: text
      .min(1)
      .max(64)
      .describe("The user name with which the device registers; unique in the account.")
      .meta({ defaultsToName: true }),
    password: text
      .min(1)
      .max(255)
      // It is stored encrypted, as hexadecimal digits in JSON, in 1024 characters.
      .refine((value) => Buffer.byteLength(value) <= 479, { error: "must not be longer than 479 bytes" })
      // Sent back, what a read shows would become the password (lib/routes/api/clients.js).
      .refine((value) => !/^(.X+|\{.)$/su.test(value), {
        error: "looks as jambonz shows a password, or the lack of one; choose another",
      })
      .optional()
      .describe(
        "The password with which the device registers. jambonz shows its first character and its length only, so a change made elsewhere shows where one of these differs.",
      )
      .meta({ secret: true }),
    isActive: z.boolean().optional().describe("Whether the client may register. Default: true.").meta({ platformDefault: true }),
    allowDirectAppCalling: z
      .boolean()
      .optional()
      .describe("Whether the client may call applications directly. Default: true.")
      .meta({ platformDefault: true }),
    allowDirectQueueCalling: z
      .boolean()
      .optional()
      .describe("Whether the client may call queues directly. Default: true.")
      .meta({ platformDefault: true }),
    allowDirectUserCalling: z
      .boolean()
      .optional()
      .describe("Whether the client may call other users directly. Default: true.")
      .meta({ platformDefault: true }),
  }),
  outputs: z.object({ sid: sid.describe("The client's sid."), accountServiceProviderSid }),

  /** With an account's key jambonz would make it in the key's own account without a word. */
  async refuseCreate(jambonz, { accountSid, username }, { replacing }) {
    if (!(await jambonz.seenProviderOf({ accountSid }))) return { reason: unseen({ accountSid }) };
    // The platform itself refuses a name that is taken, which is too late where the old one goes first.
    return replacing ? taken(jambonz, { accountSid, username }, replacing) : undefined;
  },

  create: (jambonz, inputs) =>
    createUnique(jambonz, {
      path: "/Clients",
      row: toRow(inputs),
      accountSid: inputs.accountSid,
      isRefusal: isTaken,
      inTheWay: () => taken(jambonz, inputs),
    }),

  async existing(jambonz, { accountSid }) {
    const rows = jambonz.isNew(accountSid) ? [] : await jambonz.atFirst("/Clients");
    return new Set(rows.map((row) => String(row.client_sid)));
  },

  async find(jambonz, inputs) {
    const rows = await jambonz.list("/Clients", 0);
    const named = rows.filter((row) => row.account_sid === inputs.accountSid && row.username === inputs.username);
    const ownership = await jambonz.ownership(inputs);
    return Promise.all(
      named.map(async ({ client_sid: sid, ...row }) => ({
        id: String(sid),
        outputs: { sid, ...ownership },
        isOtherwise: !holds(await whole(jambonz, { client_sid: sid, ...row }), inputs),
      })),
    );
  },

  async read(jambonz, id, { accountSid, accountServiceProviderSid, password }, options) {
    const list = (maxAge?: number) => jambonz.list("/Clients", maxAge);
    const row = await jambonz.object({ noun: "Clients", column: "client_sid", list, isWhole }, id, options);
    if (row) {
      const ownership = accountServiceProviderSid ? {} : await jambonz.ownership({ accountSid: String(row.account_sid) });
      return { ...live(row, password), ...ownership };
    }
    // To a key that may not see it jambonz answers as if it was gone: only who sees its account can tell.
    if (typeof accountSid === "string") await jambonz.account(accountSid, accountServiceProviderSid as string | undefined);
    return undefined;
  },

  async list(jambonz, progress) {
    const rows = await askEach(await jambonz.list("/Clients"), progress, (row) => whole(jambonz, row));
    return rows.map((row) => ({ id: String(row.client_sid), live: live(row, undefined), label: String(row.username) }));
  },

  async update(jambonz, id, changes, { accountSid }) {
    // Whether a name is taken is asked only where the account is said besides.
    await jambonz.put(`/Clients/${id}`, toRow({ ...changes, ...("username" in changes ? { accountSid } : {}) }));
  },

  async delete(jambonz, id) {
    await jambonz.delete(`/Clients/${id}`);
  },
});

/** Whether another client of the account than one has the user name. */
async function taken(
  jambonz: Jambonz,
  { accountSid, username }: { accountSid: string; username: string },
  except?: string,
): Promise<Refusal | undefined> {
  const rows = await jambonz.list("/Clients", 0);
  const row = rows.find((row) => row.account_sid === accountSid && isSameName(row.username, username) && row.client_sid !== except);
  if (!row) return undefined;
  return alreadyThere(jambonz, "jambonz:Client", String(row.client_sid), "its account already has a client of this username");
}

const isTaken = ({ status, reason }: RefusedError) => status === 400 && reason.includes("username already exists");

/** A service provider's key is shown a list without some columns (lib/models/client.js). */
const isWhole = (row: Row) => row.allow_direct_app_calling !== undefined;

const whole = (jambonz: Jambonz, row: Row): Promise<Row> | Row => (isWhole(row) ? row : jambonz.get(`/Clients/${String(row.client_sid)}`));

const holds = (row: Row, sent: Properties): boolean => isAsSent(client.inputs, live(row, sent.password), sent);

/** @param password the one that is expected, empty where it is not known: it is there as far as that shows; another one is as the platform shows it */
function live(row: Row, password: unknown): Properties {
  const { password: shown, ...properties } = fromRow([client.inputs], row);
  const found = typeof password === "string" && shown === obscured(password, 1) ? password : shown;
  return { ...properties, ...(shown === NO_PASSWORD || password === "" ? {} : { password: found }), sid: row.client_sid };
}
