import express, { Router, type NextFunction, type Request, type RequestHandler, type Response } from "express";
import { accounts } from "./accounts";
import { apiKeys } from "./api-keys";
import { applications } from "./applications";
import { authenticate, Sessions } from "./auth";
import { voipCarriers } from "./carriers";
import { clients } from "./clients";
import type { Context } from "./context";
import { crud } from "./crud";
import { answerError } from "./errors";
import { sipGateways, smppGateways } from "./gateways";
import { lcrCarrierSetEntries, lcrRoutes, lcrs } from "./lcrs";
import { login } from "./login";
import { phoneNumbers } from "./phone-numbers";
import { sbcs, smpps } from "./sbcs";
import { seed } from "./seed";
import { serviceProviders } from "./service-providers";
import { availability, passwordSettings, systemInformation } from "./settings";
import { tables } from "./tables";
import { users } from "./users";
import type { Platform } from "../platform";

const resources: Record<string, (context: Context) => Router> = {
  "/login": login,
  "/ServiceProviders": serviceProviders,
  "/Accounts": accounts,
  "/ApiKeys": apiKeys,
  "/Applications": applications,
  "/Clients": clients,
  "/VoipCarriers": voipCarriers,
  "/SipGateways": sipGateways,
  "/SmppGateways": smppGateways,
  "/PhoneNumbers": phoneNumbers,
  "/Lcrs": lcrs,
  "/LcrRoutes": lcrRoutes,
  "/LcrCarrierSetEntries": lcrCarrierSetEntries,
  "/Users": users,
  "/MicrosoftTeamsTenants": ({ db }) => crud(db, Router(), "ms_teams_tenants", ["list", "add", "retrieve", "update", "delete"]),
  "/Sbcs": sbcs,
  "/Smpps": smpps,
  "/PasswordSettings": passwordSettings,
  "/SystemInformation": systemInformation,
  "/Availability": availability,
};

/** Below these, and below what begins with them, nobody is asked for a token. */
const open = "/register /forgot-password /signin /login /messaging /outboundSMS /AccountTest /InviteCodes /PredefinedCarriers".split(" ");

/** jambonz-api-server 0.9.6 on MariaDB 10.11, as a stock installation that is not hosted. */
export const jambonz: Platform = {
  base: "/v1",
  tables,
  database: "jambones_test",
  bodies: "json",
  adminKey: { pattern: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, form: "a UUID" },
  seed,
  app: ({ db, dns, isOutside }) => {
    const context: Context = { db, dns, isOutside, sessions: new Sessions() };
    const app = express();
    app.disable("x-powered-by");
    app.set("query parser", "extended");
    for (const path of ["/", "/health"]) app.get(path, (_request, response) => void response.sendStatus(200));
    // Bodies are read before anybody is asked who they are.
    app.use(express.urlencoded({ extended: true }), express.json());
    app.use((request: Request, _response: Response, next: NextFunction) => {
      request.body ??= {};
      next();
    });
    const api = Router();
    api.use(unless(open, authenticate(db, context.sessions, isOutside)));
    for (const [path, resource] of Object.entries(resources)) api.use(path, resource(context));
    app.use("/v1", api);
    app.use(answerError);
    return app;
  },
  rateLimit: { requests: 600, seconds: 300 },
  route: (path) => path.replace(/(\/SipRealms\/)[^/]+/, "$1:realm"),
};

const unless =
  (prefixes: readonly string[], middleware: RequestHandler): RequestHandler =>
  (request, response, next) =>
    prefixes.some((prefix) => request.path.startsWith(prefix)) ? next() : middleware(request, response, next);
