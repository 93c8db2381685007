import { Router } from "express";
import type { Row } from "../database";
import type { Authenticated, User } from "./auth";
import type { Context } from "./context";
import { crud, type Call } from "./crud";
import { badRequest, failure } from "./errors";
import { retrieve } from "./model";

const owns = (user: User, lcr: Row): boolean =>
  user.scope === "admin" ||
  (user.scope === "account" ? lcr["account_sid"] === user.account_sid : lcr["service_provider_sid"] === user.service_provider_sid);

/** Tables of least cost routing: jambonz-api-server 0.9.6, lib/routes/api/lcrs.js. Its `/Lcrs/:sid/Routes` are not here. */
export function lcrs({ db }: Context): Router {
  const router = Router();

  const onlyOne = async ({ body }: Call, sid?: string) => {
    const taken = (lcr: Row | undefined) => lcr && lcr["lcr_sid"] !== sid;
    const { account_sid, service_provider_sid } = body as Row;
    if (account_sid) {
      body["service_provider_sid"] = null;
      const account = await retrieve(db, "accounts", account_sid);
      if (!account) throw badRequest("unknown account_sid");
      if (taken(await db.first("lcr", { account_sid }))) {
        throw badRequest(`Account: ${account["name"]}  already has an active call routing table.`);
      }
    } else if (service_provider_sid) {
      const provider = await retrieve(db, "service_providers", service_provider_sid);
      if (!provider) throw badRequest("unknown service_provider_sid");
      if (taken(await db.first("lcr", { service_provider_sid }))) {
        throw badRequest(`Service Provider: ${provider["name"]} already \n      has an active call routing table.`);
      }
    }
  };

  crud(db, router, "lcr", ["add", "update", "delete"], {
    add: async (call) => {
      const { user, body } = call;
      if (user.scope === "account") body["account_sid"] = user.account_sid;
      if (user.scope === "serviceProvider") {
        Object.assign(body, { service_provider_sid: user.service_provider_sid, account_sid: null });
      }
      await onlyOne(call);
    },
    update: async (call, sid) => {
      const lcr = await retrieve(db, "lcr", sid);
      if (!lcr || !owns(call.user, lcr)) throw badRequest("unknown lcr_sid");
      await onlyOne(call, sid);
    },
    delete: async ({ user }, sid) => {
      if (user.scope === "account") {
        const lcr = await retrieve(db, "lcr", sid);
        if (!lcr || !owns(user, lcr)) throw badRequest("unknown lcr_sid");
      }
      await db.update("lcr", { default_carrier_set_entry_sid: null }, { lcr_sid: sid });
      await db.deleteWhere("lcr_carrier_set_entry", " WHERE lcr_route_sid IN (SELECT lcr_route_sid FROM lcr_routes WHERE lcr_sid = ?)", [
        sid,
      ]);
      await db.delete("lcr_routes", { lcr_sid: sid });
    },
  });

  const show = async (lcr: Row) => ({ ...lcr, number_routes: await db.count("lcr_routes", { lcr_sid: lcr["lcr_sid"] }) });

  router.get("/", async (_request, response: Authenticated) => {
    const { scope, account_sid, service_provider_sid } = response.locals.user;
    const own = scope === "admin" ? {} : scope === "account" ? { account_sid } : { service_provider_sid };
    response.json(await Promise.all((await db.select("lcr", own)).map(show)));
  });

  router.get("/:sid", async (request, response: Authenticated) => {
    const lcr = await retrieve(db, "lcr", request.params.sid);
    if (lcr && owns(response.locals.user, lcr)) response.json(await show(lcr));
    else response.sendStatus(404);
  });

  return router;
}

/** jambonz-api-server 0.9.6, lib/routes/api/lcr-routes.js: nobody is asked whose route it is, except for a list. */
export function lcrRoutes({ db }: Context): Router {
  const router = Router();

  crud(db, router, "lcr_routes", ["add", "update", "delete"], {
    add: async ({ body }) => {
      if (!body["lcr_sid"]) throw badRequest("missing parameter lcr_sid");
      if (!(await retrieve(db, "lcr", body["lcr_sid"]))) throw badRequest("unknown lcr_sid");
    },
    delete: async (_call, sid) => void (await db.delete("lcr_carrier_set_entry", { lcr_route_sid: sid })),
  });

  const show = async (route: Row) => ({
    ...route,
    lcr_carrier_set_entries: await db.select("lcr_carrier_set_entry", { lcr_route_sid: route["lcr_route_sid"] }),
  });

  router.get("/", async (request, response: Authenticated) => {
    const lcr_sid = request.query["lcr_sid"] as string | undefined;
    if (!lcr_sid) throw badRequest("missing lcr_sid");
    const lcr = await retrieve(db, "lcr", lcr_sid);
    if (response.locals.user.scope !== "admin" && !(lcr && owns(response.locals.user, lcr))) throw badRequest("unknown lcr_sid");
    response.json(await Promise.all((await db.select("lcr_routes", { lcr_sid })).map(show)));
  });

  router.get("/:sid", async (request, response) => {
    const route = await retrieve(db, "lcr_routes", request.params.sid);
    if (route) response.json(await show(route));
    else response.sendStatus(404);
  });

  return router;
}

/** jambonz-api-server 0.9.6, lib/routes/api/lcr-carrier-set-entries.js */
export function lcrCarrierSetEntries({ db }: Context): Router {
  const router = Router();

  const parents = { lcr_route_sid: "lcr_routes", voip_carrier_sid: "voip_carriers" } as const;
  const check =
    (needed: boolean) =>
    async ({ body }: Call) => {
      for (const [field, table] of Object.entries(parents)) {
        if (needed && !body[field]) throw badRequest(`missing ${field}`);
        if (body[field] && !(await retrieve(db, table, body[field]))) throw badRequest(`unknown ${field}`);
      }
    };
  crud(db, router, "lcr_carrier_set_entry", ["add", "retrieve", "update", "delete"], { add: check(true), update: check(false) });

  router.get("/", async (request, response) => {
    const lcr_route_sid = request.query["lcr_route_sid"] as string | undefined;
    if (lcr_route_sid === undefined) {
      throw failure("Bind parameters must not contain undefined. To pass SQL NULL specify JS null");
    }
    response.json(await db.select("lcr_carrier_set_entry", { lcr_route_sid }));
  });

  return router;
}
