import { Router, type Request } from "express";
import { listAccounts } from "./accounts";
import { applicationList } from "./applications";
import { hasServiceProviderPermissions, type Authenticated, type User } from "./auth";
import { carrierList } from "./carriers";
import type { Context } from "./context";
import { crud, type Call } from "./crud";
import { forbidden } from "./errors";
import { serviceProviderLimits } from "./limits";
import { make, update, type Body } from "./model";
import { inServiceProvider, select } from "./rows";
import { sidInUrl } from "./sids";
import { speechCredentials } from "./speech-credentials";
import { makeHooks, replaceHook } from "./webhooks";

const hooks = ["registration_hook"];

/** jambonz-api-server 0.9.6, lib/routes/api/service-providers.js */
export function serviceProviders(context: Context): Router {
  const { db } = context;
  const router = Router();

  const noAccountsOrUsers = async ({ user }: Call, sid: string) => {
    if (user.scope !== "admin") throw forbidden("only admin users can delete a service provider");
    const own = { service_provider_sid: sid };
    for (const table of ["accounts", "users"]) if ((await db.count(table, own)) > 0) throw forbidden();
    await db.delete("speech_credentials", own);
    for (const table of ["sip_gateways", "smpp_gateways"]) {
      const carriers = "SELECT voip_carrier_sid FROM voip_carriers WHERE service_provider_sid = ?";
      await db.deleteWhere(table, ` WHERE voip_carrier_sid IN (${carriers})`, [sid]);
    }
    for (const table of ["voip_carriers", "api_keys"]) await db.delete(table, own);
  };
  crud(db, router, "service_providers", ["delete"], { delete: noAccountsOrUsers });

  router.use("/:sid/SpeechCredentials", speechCredentials(context));
  router.use("/:sid/Limits", hasServiceProviderPermissions, serviceProviderLimits(context));

  router.get("/:sid/Accounts", async (request, response: Authenticated) => {
    response.json(await listAccounts(db, { "t.service_provider_sid = ?": mayRead(request, response.locals.user) }));
  });
  // All applications of all service providers: the query does not look at the path.
  router.get("/:sid/Applications", async (request, response: Authenticated) => {
    mayRead(request, response.locals.user);
    await applicationList(db, request, response, {}, undefined, "stored");
  });
  router.get("/:sid/PhoneNumbers", async (request, response: Authenticated) => {
    const { scope, account_sid } = response.locals.user;
    const criteria = {
      [inServiceProvider]: mayRead(request, response.locals.user),
      "t.account_sid = ?": scope === "account" ? account_sid : undefined,
    };
    response.json(await select(db, "phone_numbers", criteria, { order: "t.number" }));
  });
  router.get("/:sid/VoipCarriers", async (request, response: Authenticated) => {
    await carrierList(db, request, response, { service_provider_sid: mayRead(request, response.locals.user) });
  });
  router.post("/:sid/VoipCarriers", async (request, response: Authenticated) => {
    const service_provider_sid = mayChange(request, response.locals.user);
    response.status(201).json({ sid: await make(db, "voip_carriers", { ...(request.body as Body), service_provider_sid }) });
  });
  router.put("/:sid/VoipCarriers/:carrier", async (request, response: Authenticated) => {
    mayChange(request, response.locals.user);
    const updated = await update(db, "voip_carriers", sidInUrl(request, "VoipCarriers")!, request.body as Body);
    response.sendStatus(updated ? 204 : 404);
  });
  router.get("/:sid/ApiKeys", async (request, response: Authenticated) => {
    const { scope, account_sid } = response.locals.user;
    const service_provider_sid = mayRead(request, response.locals.user);
    response.json(await db.select("api_keys", scope === "account" ? { account_sid } : { service_provider_sid }));
  });

  router.post("/", async (request, response: Authenticated) => {
    if (response.locals.user.scope !== "admin") throw forbidden("only admin users can add a service provider");
    const body: Body = { ...(request.body as Body) };
    await makeHooks(db, body, hooks);
    response.status(201).json({ sid: await make(db, "service_providers", body) });
  });

  router.get("/", async (_request, response: Authenticated) => {
    const { scope, service_provider_sid } = response.locals.user;
    const own = scope === "admin" ? undefined : service_provider_sid;
    response.json(await select(db, "service_providers", { "t.service_provider_sid = ?": own }, { hooks }));
  });

  router.get("/:sid", async (request, response: Authenticated) => {
    const sid = mayRead(request, response.locals.user);
    const [serviceProvider] = await select(db, "service_providers", { "t.service_provider_sid = ?": sid }, { hooks });
    if (serviceProvider) response.json(serviceProvider);
    else response.status(404).end();
  });

  router.put("/:sid", async (request, response: Authenticated) => {
    const sid = mayChange(request, response.locals.user);
    const body: Body = { ...(request.body as Body) };
    // An update that does not name the hook clears it.
    for (const hook of hooks) {
      if (hook in body && Object.keys(body[hook] as object).length > 0) await replaceHook(db, body, hook);
      else body[`${hook}_sid`] = null;
      delete body[hook];
    }
    response.status((await update(db, "service_providers", sid!, body)) ? 204 : 404).end();
  });

  return router;
}

/** The service provider in the URL, if this user may see it: administrators, itself, and users of its accounts. */
function mayRead(request: Request, user: User): string | null {
  const sid = sidInUrl(request, "ServiceProviders") ?? null;
  if (user.scope !== "admin" && sid !== user.service_provider_sid) throw forbidden("insufficient permissions");
  return sid;
}

function mayChange(request: Request, user: User): string | null {
  const sid = sidInUrl(request, "ServiceProviders") ?? null;
  if (user.scope !== "admin" && (user.scope !== "serviceProvider" || sid !== user.service_provider_sid)) {
    throw forbidden("insufficient permissions to update service provider");
  }
  return sid;
}
