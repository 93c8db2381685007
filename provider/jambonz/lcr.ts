import { z } from "zod";
import { type RefusedError, UserError } from "../errors";
import { resource, type Properties, type ReadOptions } from "../resource";
import { fromOwnedRow, isAsSent, isNotFound, toRow, type Jambonz, type Row } from "./client";
import { alreadyThere, createUnique } from "./names";
import { accountServiceProviderSid, exactlyOneOwner, isOf, ownerIn, ownerPath, sid, text, unseen, type Owner } from "./types";

const LIST = "/Lcrs";

/** Through which carriers calls go. */
export const lcr = resource<Jambonz>()({
  type: "jambonz:Lcr",
  description:
    "A table of least cost routing: through which carriers the calls of an account, or of all accounts of a service provider, go out. Its routes are LcrRoutes, each with carriers by LcrCarrierSetEntries; the carrier for all other numbers is an LcrDefaultEntry. An owner has one table at most.",
  example: {
    title: "Numbers of one country through one carrier, and all others through it too",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      acmeTrunk: { type: "jambonz:VoipCarrier", properties: { accountSid: "${acme.sid}", name: "Acme trunk" } },
      acmeRouting: { type: "jambonz:Lcr", properties: { accountSid: "${acme.sid}" } },
      toGermany: {
        type: "jambonz:LcrRoute",
        properties: { lcrSid: "${acmeRouting.sid}", regex: "^49", priority: 1, description: "Germany" },
        options: { deletedWith: "${acmeRouting}" },
      },
      toGermanyByTrunk: {
        type: "jambonz:LcrCarrierSetEntry",
        properties: { lcrRouteSid: "${toGermany.sid}", voipCarrierSid: "${acmeTrunk.sid}" },
      },
      others: {
        type: "jambonz:LcrDefaultEntry",
        properties: { lcrSid: "${acmeRouting.sid}", lcrCarrierSetEntrySid: "${toGermanyByTrunk.sid}" },
      },
    },
  },
  idFormat: "<LCR sid>",
  sidFromId: "whole",
  deleteBeforeReplace: { whileSame: ["accountSid", "serviceProviderSid"] }, // an owner has one at most
  onDelete:
    "Deletes the table with its routes and their entries, also those that no program knows: calls go through any carrier again. jambonz does not delete it with its account, so do not give it deletedWith.",
  inputs: exactlyOneOwner({
    name: text.min(1).max(64).describe("The name of the table.").meta({ defaultsToName: true }),
    accountSid: sid
      .optional()
      .describe("The account whose calls it routes. A service provider's key makes none for an account.")
      .meta({ replaceOnChanges: true, refersTo: "jambonz:Account", holdsBack: true }),
    serviceProviderSid: sid.optional().describe("The service provider whose accounts' calls it routes.").meta({ replaceOnChanges: true }),
    isActive: z.boolean().optional().describe("Whether the table is used. Default: true.").meta({ platformDefault: true }),
  }),
  outputs: z.object({ sid: sid.describe("The table's sid."), accountServiceProviderSid }),

  async refuseCreate(jambonz, inputs, { replacing }) {
    if (!(await jambonz.seenProviderOf(inputs))) return { reason: unseen(inputs) };
    // jambonz would make one of the service provider without a word (lib/routes/api/lcrs.js).
    if (inputs.accountSid && (await jambonz.scope()) === "service provider") return { reason: NOT_FOR_ACCOUNTS };
    // The platform itself refuses a second one, which is too late where the old one goes first.
    return replacing ? taken(jambonz, inputs, replacing) : undefined;
  },

  async create(jambonz, inputs) {
    const create = () =>
      createUnique(jambonz, {
        path: LIST,
        row: toRow(inputs),
        accountSid: inputs.accountSid,
        isRefusal: isTaken,
        inTheWay: () => taken(jambonz, inputs),
      });
    // The platform asks whether there is one, and makes it then; its database would take a second one.
    const created = await jambonz.turns.take(`${ownerPath(inputs)}${LIST}`, create);
    jambonz.made(created.id);
    return created;
  },

  async existing(jambonz) {
    return new Set((await jambonz.atFirst(LIST)).map(sidOf));
  },

  async find(jambonz, inputs) {
    const rows = await jambonz.list(LIST, 0);
    const ownership = await jambonz.ownership(inputs);
    return rows
      .filter((row) => isOf(inputs, row))
      .map((row) => ({ id: sidOf(row), outputs: { sid: sidOf(row), ...ownership }, isOtherwise: !holds(row, inputs) }));
  },

  read,

  unlisted: "jambonz:Lcr: to a service provider's key jambonz lists no LCRs of accounts",

  async list(jambonz) {
    return (await jambonz.list(LIST)).map((row) => ({ id: sidOf(row), live: live(row), label: String(row.name) }));
  },

  async update(jambonz, id, changes) {
    await jambonz.put(`${LIST}/${id}`, toRow(changes));
  },

  async delete(jambonz, id, state) {
    const path = `${LIST}/${id}`;
    const { accountSid } = state as Owner;
    if (!accountSid || (await jambonz.scope()) !== "service provider") {
      if (await read(jambonz, id, state, {})) await jambonz.delete(path);
      return;
    }
    // jambonz does not show it to this key, but deletes it, whoever has it (lib/routes/api/lcrs.js); this throws for another one's.
    await accountOf(jambonz, state);
    // Nobody could tell more of it; something in between would hardly say twice that it is not there.
    for (let times = 0; times < 2; times++) {
      try {
        return await jambonz.delete(path);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  },
});

const COLUMN = "lcr_sid";

/** Whether the key in use sees an LCR. */
async function seesLcr(jambonz: Jambonz, lcrSid: unknown): Promise<boolean> {
  // One that is not in the list that others share may have been made since.
  for (const maxAge of [undefined, 0]) if ((await jambonz.list(LIST, maxAge)).some((row) => row[COLUMN] === lcrSid)) return true;
  return false;
}

export const seesNo = (lcrSid: unknown) => `the key in use sees no LCR ${String(lcrSid)}`;

/** Why the parts of an LCR are not touched, or undefined: jambonz asks nobody whose they are (lib/routes/api/lcr-routes.js). */
export async function unseenLcr(jambonz: Jambonz, lcrSid: unknown): Promise<string | undefined> {
  const isSeen = jambonz.isNew(String(lcrSid)) || (await jambonz.scope()) === "admin" || (await seesLcr(jambonz, lcrSid));
  return isSeen ? undefined : seesNo(lcrSid);
}

/** An LCR as it is, or undefined where the key in use sees none of this sid. */
export function lcrRow(jambonz: Jambonz, id: string, options: ReadOptions): Promise<Row | undefined> {
  return jambonz.object({ noun: "Lcrs", column: COLUMN, list: (maxAge) => jambonz.list(LIST, maxAge) }, id, options);
}

async function read(jambonz: Jambonz, id: string, state: Properties, options: ReadOptions): Promise<Properties | undefined> {
  const row = await lcrRow(jambonz, id, options);
  if (row) return { ...live(row), ...(state.accountServiceProviderSid ? {} : await jambonz.ownership(ownerIn(row))) };
  // Of another one's table jambonz says that there is none.
  const { accountSid, serviceProviderSid } = state as Owner;
  if (!serviceProviderSid && (await jambonz.scope()) === "service provider") throw new UserError(NOT_SHOWN);
  if (accountSid) await accountOf(jambonz, state);
  if (serviceProviderSid) await jambonz.mustSee(serviceProviderSid);
  return undefined;
}

/** @throws where the key in use does not see the account, and cannot tell that it is gone */
function accountOf(jambonz: Jambonz, { accountSid, accountServiceProviderSid }: Properties): Promise<Row | undefined> {
  return jambonz.account(accountSid as string, accountServiceProviderSid as string | undefined, 0);
}

const NOT_FOR_ACCOUNTS = "a service provider's key makes LCRs of the service provider only; use an administrator's, or one of the account";
const NOT_SHOWN =
  "jambonz shows no LCR of an account to a service provider's key, so nothing can be said of it; use an admin's key, or one of the account, or take it out of the state with `pulumi state delete`";

const sidOf = (row: Row) => String(row[COLUMN]);

const isTaken = ({ status, reason }: RefusedError) => status === 400 && reason.includes("has an active call routing table");

/** Whether the owner has another table than one. */
async function taken(jambonz: Jambonz, owner: Owner, except?: string) {
  const row = (await jambonz.list(LIST, 0)).find((row) => isOf(owner, row) && row[COLUMN] !== except);
  if (!row) return undefined;
  return alreadyThere(jambonz, "jambonz:Lcr", sidOf(row), `its ${owner.accountSid ? "account" : "service provider"} already has an LCR`);
}

const holds = (row: Row, sent: Properties): boolean => isAsSent(lcr.inputs, live(row), sent);

const live = (row: Row): Properties => ({ ...fromOwnedRow(lcr.inputs, row), sid: row[COLUMN] });
