import { Router, type Request, type Response } from "express";
import type { Database, Row } from "../database";
import type { Authenticated } from "./auth";
import type { Context } from "./context";
import { crud, type Call } from "./crud";
import { badRequest, failure, unprocessable } from "./errors";
import { asText, retrieve, type Body } from "./model";
import { answerList, type Shown } from "./rows";
import { sidInUrl } from "./sids";

const showStatus = (carrier: Shown): Shown => ({
  ...carrier,
  register_status: JSON.parse((carrier["register_status"] as string | null) || "{}") as unknown,
});

/** Answers a list of carriers. That of an account has the carriers of its service provider, too. */
export function carrierList(
  db: Database,
  request: Request,
  response: Response,
  owner: { account_sid?: string | null | undefined; service_provider_sid?: string | null | undefined },
): Promise<void> {
  const { name } = request.query;
  const ofProvider = "(SELECT service_provider_sid FROM accounts WHERE account_sid = ?1)";
  const criteria = {
    [`(t.account_sid = ?1 OR t.account_sid IS NULL AND t.service_provider_sid = ${ofProvider})`]: owner.account_sid,
    "t.service_provider_sid = ?": owner.service_provider_sid,
    "t.name LIKE ?": name === undefined ? undefined : `%${asText(name)}%`,
  };
  return answerList(db, request, response, "voip_carriers", criteria, { show: showStatus });
}

/** jambonz-api-server 0.9.6, lib/routes/api/voip-carriers.js */
export function voipCarriers({ db }: Context): Router {
  const router = Router();

  const validate = async ({ user, body }: Call) => {
    if (user.scope === "account") body["account_sid"] = user.account_sid;
    if (body["application_sid"]) {
      if (!body["account_sid"]) throw badRequest("account_sid missing");
      const application = await retrieve(db, "applications", body["application_sid"]);
      if (!application) throw badRequest("unknown application_sid");
      if (application["account_sid"] !== body["account_sid"]) {
        throw badRequest("application_sid does not exist for specified account_sid");
      }
    } else if (body["account_sid"] && !(await retrieve(db, "accounts", body["account_sid"]))) throw badRequest("unknown account_sid");
  };
  // Only an account's token is asked whose carrier it is.
  const mustOwn = ({ user }: Call, carrier: Row | undefined) => {
    if (user.scope !== "account") return;
    if (!carrier) throw failure("Cannot read properties of null (reading 'account_sid')");
    if (carrier["account_sid"] !== user.account_sid) throw unprocessable("carrier belongs to a different user");
  };

  crud(db, router, "voip_carriers", ["add", "update", "delete"], {
    add: async (call) => {
      await validate(call);
      checkRegistration(call.body);
    },
    update: async (call, sid) => {
      await validate(call);
      const carrier = await retrieve(db, "voip_carriers", sid);
      mustOwn(call, carrier);
      checkRegistration(call.body, carrier);
    },
    delete: async (call, sid) => {
      mustOwn(call, await retrieve(db, "voip_carriers", sid));
      const own = { voip_carrier_sid: sid };
      if ((await db.count("phone_numbers", own)) > 0) throw unprocessable("cannot delete voip carrier with active phone numbers");
      for (const table of ["sip_gateways", "smpp_gateways"]) await db.delete(table, own);
    },
  });

  router.get("/", async (request, response: Authenticated) => {
    const { scope, account_sid, service_provider_sid } = response.locals.user;
    const asked = request.query["account_sid"] as string | undefined;
    await carrierList(db, request, response, {
      account_sid: scope === "account" ? account_sid : asked,
      service_provider_sid: scope === "serviceProvider" ? service_provider_sid : undefined,
    });
  });

  router.get("/:sid", async (request, response: Authenticated) => {
    const { scope, account_sid, service_provider_sid } = response.locals.user;
    const carrier = await retrieve(db, "voip_carriers", sidInUrl(request, "VoipCarriers"));
    if (!carrier) return void response.status(404).end();
    const foreign =
      (scope === "serviceProvider" && carrier["service_provider_sid"] !== service_provider_sid) ||
      (scope === "account" && carrier["account_sid"] !== account_sid);
    if (foreign) throw badRequest("insufficient privileges");
    response.json(showStatus(carrier));
  });

  return router;
}

/** What registering with the carrier needs; an update is judged together with what is stored. */
function checkRegistration(body: Body, stored: Row = {}): void {
  const effective = (field: string) => body[field] ?? stored[field];
  const blank = (value: unknown) => !value || asText(value).trim() === "";
  const { register_username: username, register_sip_realm: realm, register_from_domain: domain } = body;
  if (effective("requires_register")) {
    for (const field of ["register_username", "register_password"]) {
      if (blank(effective(field))) throw badRequest(`${field} is required when requires_register is true`);
      if (field === "register_username" && /\s/.test(asText(effective(field)))) throw badRequest(`${field} must not contain whitespace`);
    }
  }
  if (username && /\s/.test(asText(username))) throw badRequest("register_username must not contain whitespace");
  if (realm === "") throw badRequest("register_sip_realm must not be empty string; use null to fall back to gateway IP");
  for (const [field, value] of Object.entries({ register_sip_realm: realm, register_from_domain: domain })) {
    const host = String(value);
    if (value && (/^sips?:|\s/i.test(host) || !host.includes("."))) {
      throw badRequest(`${field} must be a valid domain or IP address (no sip: prefix, no spaces)`);
    }
  }
}
