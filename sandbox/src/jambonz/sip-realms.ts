import { randomInt } from "node:crypto";
import { Router } from "express";
import type { Authenticated } from "./auth";
import type { Context } from "./context";
import { badRequest, failure } from "./errors";
import { make } from "./model";

/** A name below a domain of two labels at least. */
export const isRealm = (text: string): boolean => /\..*\./.test(text);

/**
 * Sets the realm of the token's own account, whichever account the path names, and then sees to DNS: what fails there
 * leaves the realm set. jambonz-api-server 0.9.6, lib/routes/api/sip-realm.js
 */
export function sipRealms({ db, dns }: Context): Router {
  const router = Router({ mergeParams: true });
  router.post("/:realm", async (request, response: Authenticated) => {
    const { account_sid } = response.locals.user;
    const { realm } = request.params;
    if (!isRealm(realm)) throw badRequest(`invalid sip_realm: ${realm}`);
    if ((await db.update("accounts", { sip_realm: realm }, { account_sid })) !== 1) {
      throw failure("failure updating accounts table with sip_realm value");
    }
    if (dns === "none") throw failure("no SBC addresses provisioned in the database!");
    if (dns === "managed") {
      const hosts = new Set((await db.select("sbc_addresses")).map(({ ipv4 }) => ipv4));
      await db.delete("dns_records", { account_sid });
      for (const record_type of [...Array.from(hosts, () => "A"), "SRV"]) {
        await make(db, "dns_records", { account_sid, record_type, record_id: randomInt(2 ** 31) });
      }
    }
    response.sendStatus(204);
  });
  return router;
}
