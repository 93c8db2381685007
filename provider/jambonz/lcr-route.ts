import { z } from "zod";
import { RefusedError, UserError } from "../errors";
import { askEach } from "../progress";
import { resource, type Properties } from "../resource";
import { fromRow, isAsSent, toRow, type Jambonz, type Row } from "./client";
import { unseenLcr } from "./lcr";
import { sid, text, whole } from "./types";

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
  inputs: z.strictObject({
    lcrSid: sid.describe("The LCR whose route it is.").meta({ replaceOnChanges: true, refersTo: "jambonz:Lcr" }),
    regex: text.min(1).max(32).describe("A regular expression for the numbers that are called."),
    priority: whole.describe("In which order routes are tried: the lowest first."),
    description: text.min(1).max(1024).optional().describe("What it is, in words."),
  }),
  outputs: z.object({ sid: sid.describe("The route's sid.") }),

  async refuseCreate(jambonz, { lcrSid }) {
    const reason = await unseenLcr(jambonz, lcrSid);
    return reason ? { reason } : undefined;
  },

  async create(jambonz, inputs) {
    const { sid } = await jambonz.post<{ sid: string }>("/LcrRoutes", toRow(inputs));
    jambonz.made(sid);
    return { id: sid, outputs: { sid } };
  },

  async existing(jambonz, { lcrSid }) {
    const rows = jambonz.isNew(lcrSid) ? [] : await jambonz.atFirst(listPath(lcrSid));
    return new Set(rows.map(sidOf));
  },

  async find(jambonz, inputs) {
    const rows = await jambonz.list(listPath(inputs.lcrSid), 0);
    return rows
      .filter((row) => row.regex === inputs.regex && row.priority === inputs.priority)
      .map((row) => ({ id: sidOf(row), outputs: { sid: sidOf(row) }, isOtherwise: !holds(row, inputs) }));
  },

  async read(jambonz, id, { lcrSid }, options) {
    const list = typeof lcrSid === "string" ? (maxAge?: number) => routesOf(jambonz, lcrSid, maxAge) : undefined;
    const row = await jambonz.object({ noun: "LcrRoutes", column: COLUMN, list }, id, options);
    return row && live(row);
  },

  unlisted: "jambonz:LcrRoute: to a service provider's key jambonz lists no LCRs of accounts, and so none of their routes",

  async list(jambonz, progress) {
    const rows = await allRoutes(jambonz, progress);
    return rows.map((row) => ({ id: sidOf(row), live: live(row), label: String(row.description ?? row.regex) }));
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

const COLUMN = "lcr_route_sid";

const sidOf = (row: Row) => String(row[COLUMN]);

const listPath = (lcrSid: string) => `/LcrRoutes?lcr_sid=${lcrSid}`;

/** The routes of an LCR, each with its entries; none where it is gone, which jambonz tells admins by an empty list and others in words. */
async function routesOf(jambonz: Jambonz, lcrSid: string, maxAge?: number): Promise<Row[]> {
  try {
    return await jambonz.list(listPath(lcrSid), maxAge);
  } catch (error) {
    if (error instanceof RefusedError && error.status === 400 && error.reason === "unknown lcr_sid") return [];
    throw error;
  }
}

/** Why a route and its entries are not touched; undefined also where there is no such route. */
export async function unseenRoute(jambonz: Jambonz, id: unknown): Promise<string | undefined> {
  if ((await jambonz.scope()) === "admin") return undefined;
  const lcrNow = async () => (await jambonz.getIfThere(`/LcrRoutes/${String(id)}`))?.lcr_sid;
  const lcrSid = await lcrNow();
  const reason = lcrSid === undefined ? undefined : await unseenLcr(jambonz, lcrSid);
  // It may have gone with its LCR meanwhile.
  return reason && (await lcrNow()) !== undefined ? reason : undefined;
}

/** The routes of all LCRs that the key in use sees. */
export async function allRoutes(jambonz: Jambonz, progress: (done: number, of: number) => void): Promise<Row[]> {
  const rows = await askEach(await jambonz.list("/Lcrs"), progress, ({ lcr_sid }) => routesOf(jambonz, String(lcr_sid)));
  return rows.flat();
}

/** What its LCR points to by its default entry the database does not let go. */
export function becauseOfDefault(error: unknown): never {
  if (error instanceof RefusedError && error.reason.includes("platform's table lcr "))
    throw error.because("it is the default of its LCR, or holds it; make another entry the default, or delete the LcrDefaultEntry, first");
  throw error;
}

const holds = (row: Row, sent: Properties): boolean => isAsSent(lcrRoute.inputs, live(row), sent);

const live = (row: Row): Properties => ({ ...fromRow([lcrRoute.inputs], row), sid: row[COLUMN] });
