import { Router } from "express";
import type { Row } from "../database";
import { serviceProviderOf, type Authenticated } from "./auth";
import type { Context } from "./context";
import { crud, type Call } from "./crud";
import { badRequest, forbidden } from "./errors";
import { retrieve } from "./model";
import { obscure } from "./secrets";

/** A password shows its first letter; none at all reads as an empty object does: `{X`. */
const show = (client: Row): Row => ({ ...client, password: obscure(client["password"] || "{}", 1) });

/** SIP clients: jambonz-api-server 0.9.6, lib/routes/api/clients.js */
export function clients({ db }: Context): Router {
  const router = Router();

  const validate = async ({ user, body }: Call, sid?: string) => {
    if (user.scope === "account") body["account_sid"] = user.account_sid;
    else if (user.scope === "serviceProvider" && body["account_sid"]) {
      if ((await serviceProviderOf(db, body["account_sid"])) !== user.service_provider_sid) throw forbidden("insufficient permissions");
    }
    const { account_sid = null, username = null } = body as Row;
    const namesake = await db.first("clients", { account_sid, username });
    if (namesake && namesake["client_sid"] !== sid) throw badRequest("the client's username already exists");
  };
  crud(db, router, "clients", ["add", "update", "delete"], { add: (call) => validate(call), update: validate });

  router.get("/", async (_request, response: Authenticated) => {
    const { scope, account_sid, service_provider_sid } = response.locals.user;
    const list =
      scope === "serviceProvider"
        ? await db.query(
            "SELECT client_sid, account_sid, is_active, username, password FROM clients WHERE account_sid IN " +
              "(SELECT account_sid FROM accounts WHERE service_provider_sid = ?) ORDER BY client_sid",
            [service_provider_sid],
          )
        : await db.select("clients", scope === "account" ? { account_sid } : {});
    response.json(list.map(show));
  });

  router.get("/:sid", async (request, response: Authenticated) => {
    const { scope, account_sid, service_provider_sid } = response.locals.user;
    const client = await retrieve(db, "clients", request.params.sid);
    const foreign =
      client &&
      ((scope === "account" && client["account_sid"] !== account_sid) ||
        (scope === "serviceProvider" && (await serviceProviderOf(db, client["account_sid"])) !== service_provider_sid));
    if (client && !foreign) response.json(show(client));
    else response.sendStatus(404);
  });

  return router;
}
