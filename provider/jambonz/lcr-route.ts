import { z } from "zod";
import { RefusedError, UserError } from "../errors";
import { askEach } from "../progress";
import { resource, type Progress } from "../resource";
import { toRow, type Jambonz, type Row } from "./client";
import { unseenLcr } from "./lcr";
import { partsOf } from "./parts";
import { sid, text, whole } from "./types";

const inputs = z.strictObject({
  lcrSid: sid.describe("The LCR whose route it is.").meta({ replaceOnChanges: true, refersTo: "jambonz:Lcr" }),
  regex: text.min(1).max(32).describe("A regular expression for the numbers that are called."),
  priority: whole.describe("In which order routes are tried: the lowest first."),
  description: text.min(1).max(1024).optional().describe("What it is, in words."),
});

const { methods, listOf, listed } = partsOf({
  noun: "LcrRoutes",
  column: "lcr_route_sid",
  inputs,
  of: ["lcrSid", "lcr_sid"],
  gone: "unknown lcr_sid",
  knownBy: ["regex", "priority"],
});

/** Numbers that go through some carriers. */
export const lcrRoute = resource<Jambonz>()({
  type: "jambonz:LcrRoute",
  description:
    "A route of an LCR: numbers that go through some carriers, which are its LcrCarrierSetEntries. Of several that match a number, that with the lowest priority counts.",
  example: {
    title: "Two countries, the more special one first",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      acmeRouting: { type: "jambonz:Lcr", properties: { accountSid: "${acme.sid}" } },
      toCanada: {
        type: "jambonz:LcrRoute",
        properties: { lcrSid: "${acmeRouting.sid}", regex: "^1(416|647)", priority: 1, description: "Toronto" },
        options: { deletedWith: "${acmeRouting}" },
      },
      toAmerica: {
        type: "jambonz:LcrRoute",
        properties: { lcrSid: "${acmeRouting.sid}", regex: "^1", priority: 2 },
        options: { deletedWith: "${acmeRouting}" },
      },
    },
  },
  idFormat: "<route sid>",
  sidFromId: "whole",
  onDelete:
    "Deletes the route with its entries, also those that no program knows. jambonz refuses to while one of them is its LCR's default.",
  inputs,
  outputs: z.object({ sid: sid.describe("The route's sid.") }),

  async refuseCreate(jambonz, { lcrSid }) {
    const reason = await unseenLcr(jambonz, lcrSid);
    return reason ? { reason } : undefined;
  },

  ...methods,

  unlisted: "jambonz:LcrRoute: to a service provider's key jambonz lists no LCRs of accounts, and so none of their routes",

  async list(jambonz, progress) {
    const rows = await allRoutes(jambonz, progress);
    return rows.map((row) => listed(row, row.description ?? row.regex));
  },

  async update(jambonz, id, changes) {
    const reason = await unseenRoute(jambonz, id);
    if (reason) throw new UserError(reason);
    await jambonz.put(`/LcrRoutes/${id}`, toRow(changes));
  },

  refuseDelete: (jambonz, id) => unseenRoute(jambonz, id),

  async delete(jambonz, id) {
    await jambonz.delete(`/LcrRoutes/${id}`).catch(becauseOfDefault);
  },
});

/** Why a route and its entries are not touched; undefined also where there is no such route. */
export async function unseenRoute(jambonz: Jambonz, id: unknown): Promise<string | undefined> {
  if ((await jambonz.scope()) === "admin") return undefined;
  const lcrNow = async () => (await jambonz.getIfThere(`/LcrRoutes/${String(id)}`))?.lcr_sid;
  const lcrSid = await lcrNow();
  const reason = lcrSid === undefined ? undefined : await unseenLcr(jambonz, lcrSid);
  // It may have gone with its LCR meanwhile.
  return reason && (await lcrNow()) !== undefined ? reason : undefined;
}

/** The routes of an LCR, each with its entries; none where it is gone. */
export const routesOf = listOf;

/** The routes of all LCRs that the key in use sees, each with its entries. */
export async function allRoutes(jambonz: Jambonz, progress: Progress): Promise<Row[]> {
  const rows = await askEach(await jambonz.list("/Lcrs"), progress, ({ lcr_sid }) => routesOf(jambonz, lcr_sid));
  return rows.flat();
}

/** What its LCR points to by its default entry the database does not let go. */
export function becauseOfDefault(error: unknown): never {
  if (error instanceof RefusedError && error.reason.includes("platform's table lcr "))
    throw error.because("it is the default of its LCR, or holds it; make another entry the default, or delete the LcrDefaultEntry, first");
  throw error;
}
