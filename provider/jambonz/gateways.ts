import type { z } from "zod";
import { RefusedError } from "../errors";
import { askEach } from "../progress";
import type { Resource } from "../resource";
import type { Jambonz } from "./client";
import { partsOf, type Part } from "./parts";
import { sid, text } from "./types";
import { carriersInReach } from "./voip-carrier";

/** To which carrier a gateway belongs. */
export const voipCarrierSid = sid.describe("The carrier whose it is.").meta({ replaceOnChanges: true, refersTo: "jambonz:VoipCarrier" });

/** Where a gateway is. */
export const address = text.max(128).regex(/^\S+$/, { error: "must not be empty or hold blanks" });

/** What gateways of a carrier have in common, whatever they speak. */
export function gatewaysOf<I extends z.ZodObject>(part: Omit<Part<I>, "of" | "gone" | "knownBy">) {
  const of: [string, string] = ["voipCarrierSid", "voip_carrier_sid"];
  const { methods, listOf, listed } = partsOf({ ...part, of, gone: "invalid voip_carrier_sid", knownBy: ["ipv4"] });

  /** An account's key is refused those for messages of a carrier that names a service provider (lib/routes/api/smpp-gateways.js). */
  const hidden = (jambonz: Jambonz) => async (error: unknown) => {
    if (error instanceof RefusedError && error.status === 403 && (await jambonz.scope()) === "account") return [];
    throw error;
  };

  return {
    ...methods,

    async list(jambonz, progress) {
      const carriers = await carriersInReach(jambonz);
      const rows = await askEach(carriers, progress, ({ voip_carrier_sid }) => listOf(jambonz, voip_carrier_sid).catch(hidden(jambonz)));
      return rows.flat().map((row) => listed(row, row.ipv4));
    },
  } satisfies Pick<Resource<Jambonz, I>, "create" | "existing" | "find" | "read" | "list" | "delete">;
}
