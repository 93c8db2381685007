import { z } from "zod";
import { UserError } from "../errors";
import { resource } from "../resource";
import { toRow, type Jambonz, type Row } from "./client";
import { allRoutes, becauseOfDefault, unseenRoute } from "./lcr-route";
import { partsOf } from "./parts";
import { sid, whole } from "./types";

const inputs = z.strictObject({
  lcrRouteSid: sid
    .describe("The route whose calls go through the carrier.")
    .meta({ replaceOnChanges: true, refersTo: "jambonz:LcrRoute", holdsBack: true }),
  voipCarrierSid: sid.describe("The carrier.").meta({ replaceIfUnknown: true }),
  priority: whole.optional().describe("In which order carriers are tried: the lowest first. Default: 0.").meta({ platformDefault: 0 }),
  workload: whole
    .optional()
    .describe("The carrier's share of the calls, among those of the same priority. Default: 1.")
    .meta({ platformDefault: 1 }),
});

const { methods, listed } = partsOf({
  noun: "LcrCarrierSetEntries",
  column: "lcr_carrier_set_entry_sid",
  inputs,
  of: ["lcrRouteSid", "lcr_route_sid"],
  knownBy: ["voipCarrierSid"],
});

/** A carrier of a route. */
export const lcrCarrierSetEntry = resource<Jambonz>()({
  type: "jambonz:LcrCarrierSetEntry",
  description: "A carrier through which the calls of an LCR's route go.",
  example: {
    title: "Two carriers of a route, the second one if the first one fails",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      cheapTrunk: { type: "jambonz:VoipCarrier", properties: { accountSid: "${acme.sid}", name: "Cheap" } },
      goodTrunk: { type: "jambonz:VoipCarrier", properties: { accountSid: "${acme.sid}", name: "Good" } },
      acmeRouting: { type: "jambonz:Lcr", properties: { accountSid: "${acme.sid}" } },
      toAmerica: { type: "jambonz:LcrRoute", properties: { lcrSid: "${acmeRouting.sid}", regex: "^1", priority: 1 } },
      first: {
        type: "jambonz:LcrCarrierSetEntry",
        properties: { lcrRouteSid: "${toAmerica.sid}", voipCarrierSid: "${cheapTrunk.sid}", priority: 1 },
      },
      second: {
        type: "jambonz:LcrCarrierSetEntry",
        properties: { lcrRouteSid: "${toAmerica.sid}", voipCarrierSid: "${goodTrunk.sid}", priority: 2 },
      },
    },
  },
  idFormat: "<entry sid>",
  sidFromId: "whole",
  onDelete:
    "Deletes the entry: the route's calls no longer go through that carrier. jambonz refuses to while it is its LCR's default. Its carrier cannot be deleted before, so do not give it deletedWith.",
  inputs,
  outputs: z.object({ sid: sid.describe("The entry's sid.") }),

  async refuseCreate(jambonz, { lcrRouteSid }) {
    const reason = jambonz.isNew(lcrRouteSid) ? undefined : await unseenRoute(jambonz, lcrRouteSid);
    return reason ? { reason } : undefined;
  },

  ...methods,

  unlisted: "jambonz:LcrCarrierSetEntry: to a service provider's key jambonz lists no LCRs of accounts, and so none of their entries",

  async list(jambonz, progress) {
    const routes = await allRoutes(jambonz, progress);
    const rows = routes.flatMap(({ lcr_carrier_set_entries }) => (lcr_carrier_set_entries ?? []) as Row[]);
    return rows.map((row) => listed(row, "carrier"));
  },

  async update(jambonz, id, changes) {
    const reason = await unseenEntry(jambonz, id);
    if (reason) throw new UserError(reason);
    await jambonz.put(`/LcrCarrierSetEntries/${id}`, toRow(changes));
  },

  refuseDelete: unseenEntry,

  async delete(jambonz, id) {
    await jambonz.delete(`/LcrCarrierSetEntries/${id}`).catch(becauseOfDefault);
  },
});

/** Why an entry is not touched; undefined also where there is none. */
async function unseenEntry(jambonz: Jambonz, id: string): Promise<string | undefined> {
  if ((await jambonz.scope()) === "admin") return undefined;
  const row = await jambonz.getIfThere(`/LcrCarrierSetEntries/${id}`);
  return row && unseenRoute(jambonz, row.lcr_route_sid);
}
