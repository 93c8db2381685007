import { z } from "zod";
import { UserError } from "../errors";
import { resource, type Properties, type ReadOptions } from "../resource";
import { marks } from "../values";
import type { Jambonz, Row } from "./client";
import { lcr, lcrRow, seesNo, unseenLcr } from "./lcr";
import { sid } from "./types";

/** The carrier for numbers of no route. */
export const lcrDefaultEntry = resource<Jambonz>()({
  type: "jambonz:LcrDefaultEntry",
  description:
    "Which entry of an LCR's routes also takes the calls to numbers of no route. An LCR has one; a program that sets it writes over what is set.",
  example: lcr.example,
  idFormat: "<LCR sid>",
  deleteBeforeReplace: { whileSame: ["lcrSid"] }, // an LCR has one
  onDelete: "Clears the default of the LCR, unless somebody has set another one meanwhile. The entry itself stays.",
  inputs: z.strictObject({
    lcrSid: sid.describe("The LCR whose default it is.").meta({ replaceOnChanges: true, refersTo: "jambonz:Lcr", holdsBack: true }),
    lcrCarrierSetEntrySid: sid.describe("The entry, of one of its routes.").meta({ replaceIfUnknown: true }),
  }),
  outputs: z.object({
    sid: sid.describe("The entry's sid, as the platform has it.").meta({ changesOnUpdate: true }),
  }),

  claims: ({ lcrSid }, id) => `default of LCR ${id ?? lcrSid}`,
  isItsClaim: true,
  createsOver: true,

  async refuseCreate(jambonz, { lcrSid, lcrCarrierSetEntrySid }, { replacing }) {
    const reason = await unseenLcr(jambonz, lcrSid);
    if (reason) return { reason };
    // The platform itself refuses an entry that is not there, which is too late where the old one goes first.
    const isThere = !replacing || (await jambonz.getIfThere(`/LcrCarrierSetEntries/${lcrCarrierSetEntrySid}`));
    return isThere ? undefined : { reason: `there is no entry ${lcrCarrierSetEntrySid}` };
  },

  async create(jambonz, { lcrSid, lcrCarrierSetEntrySid }) {
    await set(jambonz, lcrSid, lcrCarrierSetEntrySid);
    return { id: lcrSid, outputs: { sid: lcrCarrierSetEntrySid } };
  },

  async find(jambonz, { lcrSid, lcrCarrierSetEntrySid }) {
    const row = await lcrOf(jambonz, lcrSid, {}, { fresh: true });
    return row?.[COLUMN] === lcrCarrierSetEntrySid ? [{ id: lcrSid, outputs: { sid: lcrCarrierSetEntrySid } }] : [];
  },

  async read(jambonz, id, state, options) {
    const row = await lcrOf(jambonz, id, state, options);
    return row && live(row);
  },

  unlisted: "jambonz:LcrDefaultEntry: to a service provider's key jambonz lists no LCRs of accounts, and so none of their defaults",

  async list(jambonz) {
    const rows = await jambonz.list("/Lcrs");
    return rows.flatMap((row) => {
      const found = live(row);
      return found ? [{ id: String(row.lcr_sid), live: found, label: "default" }] : [];
    });
  },

  async update(jambonz, id, _changes, { lcrCarrierSetEntrySid }) {
    await set(jambonz, id, lcrCarrierSetEntrySid);
    return { sid: lcrCarrierSetEntrySid };
  },

  async delete(jambonz, id, state) {
    const row = await lcrOf(jambonz, id, state, { fresh: true });
    // Where an update was not answered, or an import was not refreshed, what is there is this resource's.
    const isKnown = Boolean(state.sid) && !(state[marks.unsure] as string[] | undefined)?.includes("lcrCarrierSetEntrySid");
    // Somebody has set another one meanwhile, which is not this resource's to clear.
    if (!row?.[COLUMN] || (isKnown && row[COLUMN] !== state.sid)) return;
    await set(jambonz, id, null);
  },
});

const COLUMN = "default_carrier_set_entry_sid";

const set = (jambonz: Jambonz, lcrSid: string, entry: string | null) => jambonz.put(`/Lcrs/${lcrSid}`, { [COLUMN]: entry });

/** The LCR as it is, or undefined where it is gone. */
async function lcrOf(jambonz: Jambonz, lcrSid: string, state: Properties, options: ReadOptions): Promise<Row | undefined> {
  const row = await lcrRow(jambonz, lcrSid, options);
  // Of another one's LCR jambonz says that there is none, but of anybody's entry that it is there (lib/routes/api/lcrs.js).
  const isHidden = async () =>
    (await jambonz.scope()) !== "admin" &&
    (!state.sid || (await jambonz.getIfThere(`/LcrCarrierSetEntries/${state.sid as string}`)) !== undefined);
  if (!row && (await isHidden())) throw new UserError(`${seesNo(lcrSid)}, whose default it is, so nothing can be said of it`);
  return row;
}

/** The default of an LCR, where it has one. */
function live(row: Row) {
  const { lcr_sid: lcrSid, [COLUMN]: entry } = row;
  return typeof entry === "string" ? { lcrSid, lcrCarrierSetEntrySid: entry, sid: entry } : undefined;
}
