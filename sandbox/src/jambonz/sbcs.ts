import { Router } from "express";
import { serviceProviderOf, type Authenticated } from "./auth";
import type { Context } from "./context";
import { crud, type Call } from "./crud";
import { failure } from "./errors";
import { select } from "./rows";
import type { TableName } from "./tables";

/** Addresses of session border controllers: jambonz-api-server 0.9.6, lib/routes/api/sbcs.js */
export const sbcs = (context: Context): Router => addresses(context, "sbc_addresses", true);

/** Addresses of SMPP servers: jambonz-api-server 0.9.6, lib/routes/api/smpps.js */
export const smpps = (context: Context): Router => addresses(context, "smpp_addresses", false);

/** `guarded`: only administrators write, and a service provider without addresses of its own sees those of nobody. */
function addresses({ db }: Context, table: TableName, guarded: boolean): Router {
  const router = Router();
  const mayWrite = ({ user }: Call) => {
    if (guarded && user.scope !== "admin") throw failure("Cannot read properties of undefined (reading 'status')");
  };
  crud(db, router, table, ["add", "delete"], { add: mayWrite, delete: mayWrite });

  router.get("/", async (request, response: Authenticated) => {
    const { scope, account_sid, service_provider_sid } = response.locals.user;
    const owner =
      scope === "admin"
        ? (request.query["service_provider_sid"] as string | undefined)
        : scope === "account"
          ? await serviceProviderOf(db, account_sid)
          : service_provider_sid;
    const own = owner ? await db.select(table, { service_provider_sid: owner }) : [];
    const useCommon = !owner || (guarded && own.length === 0);
    response.json(useCommon ? await select(db, table, { "t.service_provider_sid IS ?": null }) : own);
  });

  return router;
}
