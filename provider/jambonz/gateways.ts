import type { z } from "zod";
import { RefusedError } from "../errors";
import { askEach } from "../progress";
import type { Properties, Resource } from "../resource";
import { fromRow, isAsSent, toRow, type Jambonz, type Row } from "./client";
import { sid } from "./types";
import { carriersInReach } from "./voip-carrier";

/** To which carrier a gateway belongs. */
export const voipCarrierSid = sid.describe("The carrier whose it is.").meta({ replaceOnChanges: true, refersTo: "jambonz:VoipCarrier" });

interface Kind<I extends z.ZodObject> {
  /** The collection in the path: `SipGateways`. */
  noun: string;
  /** The column with the sid. */
  column: string;
  inputs: I;
  /** What is sent where a program leaves it out. */
  defaults?: Properties;
}

/** What gateways of a carrier have in common, whatever they speak. */
export function gatewaysOf<I extends z.ZodObject>({ noun, column, inputs: schema, defaults = {} }: Kind<I>) {
  const listPath = (carrier: unknown) => `/${noun}?voip_carrier_sid=${String(carrier)}`;
  const live = (row: Row): Properties => ({ ...fromRow([schema], row), sid: row[column] });

  /** The gateways of a carrier; none where it is gone, which jambonz tells admins by an empty list and others in words. */
  const ofCarrier = async (jambonz: Jambonz, carrier: unknown, maxAge?: number): Promise<Row[]> => {
    try {
      return await jambonz.list(listPath(carrier), maxAge);
    } catch (error) {
      if (error instanceof RefusedError && error.status === 400 && error.reason === "invalid voip_carrier_sid") return [];
      throw error;
    }
  };

  /** An account's key is refused those for messages of a carrier that names a service provider (lib/routes/api/smpp-gateways.js). */
  const hidden = (jambonz: Jambonz) => async (error: unknown) => {
    if (error instanceof RefusedError && error.status === 403 && (await jambonz.scope()) === "account") return [];
    throw error;
  };

  return {
    async create(jambonz, inputs) {
      const { sid } = await jambonz.post<{ sid: string }>(`/${noun}`, toRow({ ...defaults, ...inputs }));
      return { id: sid, outputs: { sid } };
    },

    async existing(jambonz, { voipCarrierSid }) {
      const rows = jambonz.isNew(voipCarrierSid as string) ? [] : await jambonz.atFirst(listPath(voipCarrierSid));
      return new Set(rows.map((row) => String(row[column])));
    },

    async find(jambonz, inputs) {
      const rows = await jambonz.list(listPath(inputs.voipCarrierSid), 0);
      return rows
        .filter((row) => row.ipv4 === inputs.ipv4)
        .map((row) => ({
          id: String(row[column]),
          outputs: { sid: row[column] },
          isOtherwise: !isAsSent(schema, live(row), inputs),
        }));
    },

    async read(jambonz, id, { voipCarrierSid }, options) {
      const list = typeof voipCarrierSid === "string" ? (maxAge?: number) => ofCarrier(jambonz, voipCarrierSid, maxAge) : undefined;
      const row = await jambonz.object({ noun, column, list }, id, options);
      return row && live(row);
    },

    async list(jambonz, progress) {
      const carriers = await carriersInReach(jambonz);
      const rows = await askEach(carriers, progress, ({ voip_carrier_sid }) => ofCarrier(jambonz, voip_carrier_sid).catch(hidden(jambonz)));
      return rows.flat().map((row) => ({ id: String(row[column]), live: live(row), label: String(row.ipv4) }));
    },

    async delete(jambonz, id) {
      await jambonz.delete(`/${noun}/${id}`);
    },
  } satisfies Pick<Resource<Jambonz, I>, "create" | "existing" | "find" | "read" | "list" | "delete">;
}
