import type { z } from "zod";
import type { Properties, Resource } from "../resource";
import { fromRow, isAsSent, none, toRow, type Jambonz, type Row } from "./client";

/** Objects that the platform lists for their parent only, and how it lists them. */
export interface Part<I extends z.ZodObject> {
  /** The collection in the path: `SipGateways`. */
  noun: string;
  /** The column with the sid. */
  column: string;
  inputs: I;
  /** What it is a part of: the input that names it, and the column of that, by which the platform lists the parts. */
  of: [property: string, column: string];
  /** How the platform tells that this is gone to keys other than an admin's, which gets an empty list. Default: it does as for those. */
  gone?: string;
  /** Inputs by which one that may have been made is known; where it differs in others, somebody may have changed it. */
  knownBy: readonly string[];
  /** What is sent where a program leaves it out. */
  defaults?: Properties;
}

/** Of what is listed by what it is a part of, such as the gateways of a carrier: how it is made, found and read. */
export function partsOf<I extends z.ZodObject>({
  noun,
  column,
  inputs: schema,
  of: [parent, parentColumn],
  gone,
  knownBy,
  defaults,
}: Part<I>) {
  const listPath = (sid: unknown) => `/${noun}?${parentColumn}=${String(sid)}`;
  const sidOf = (row: Row) => String(row[column]);
  const live = (row: Row): Properties => ({ ...fromRow([schema], row), sid: row[column] });
  const listOf = (jambonz: Jambonz, sid: unknown, maxAge?: number): Promise<Row[]> =>
    jambonz.list(listPath(sid), maxAge).catch(none(({ status, reason }) => status === 400 && reason === gone));

  const methods = {
    async create(jambonz, inputs) {
      const { sid } = await jambonz.post<{ sid: string }>(`/${noun}`, toRow({ ...defaults, ...inputs }));
      jambonz.made(sid);
      return { id: sid, outputs: { sid } };
    },

    async existing(jambonz, inputs) {
      const sid = inputs[parent] as string;
      const rows = jambonz.isNew(sid) ? [] : await jambonz.atFirst(listPath(sid));
      return new Set(rows.map(sidOf));
    },

    async find(jambonz, inputs) {
      const rows = (await jambonz.list(listPath(inputs[parent]), 0)).map((row) => ({ row, found: live(row) }));
      return rows
        .filter(({ found }) => knownBy.every((name) => found[name] === inputs[name]))
        .map(({ row, found }) => ({ id: sidOf(row), outputs: { sid: row[column] }, isOtherwise: !isAsSent(schema, found, inputs) }));
    },

    async read(jambonz, id, state, options) {
      const { [parent]: sid } = state;
      const list = typeof sid === "string" ? (maxAge?: number) => listOf(jambonz, sid, maxAge) : undefined;
      const row = await jambonz.object({ noun, column, list }, id, options);
      return row && live(row);
    },

    async delete(jambonz, id) {
      await jambonz.delete(`/${noun}/${id}`);
    },
  } satisfies Pick<Resource<Jambonz, I>, "create" | "existing" | "find" | "read" | "delete">;

  /** A row as a listing of everything gives it. */
  const listed = (row: Row, label: unknown) => ({ id: sidOf(row), live: live(row), label: String(label) });

  return { methods, listOf, listed };
}
