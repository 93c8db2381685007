import { isIPv4 } from "node:net";
import { Router } from "express";
import type { Authenticated } from "./auth";
import type { Context } from "./context";
import { crud, type Call } from "./crud";
import { badRequest, forbidden } from "./errors";
import { retrieve, type Body } from "./model";
import type { TableName } from "./tables";

/** jambonz-api-server 0.9.6, lib/routes/api/sip-gateways.js */
export function sipGateways(context: Context): Router {
  return gateways(context, "sip_gateways", {
    check: ({ ipv4, inbound, outbound, netmask }) => {
      if (/\s/.test(String(ipv4))) throw badRequest("Gateway must not contain whitespace");
      if (inbound && !isIPv4(String(ipv4))) throw badRequest("Inbound gateway must be IPv4 address");
      // The texts of this refusal and of the first are the sandbox's own: no recording shows them.
      if (!inbound && outbound && netmask && Number(netmask) !== 32) throw badRequest("Outbound gateway must have netmask 32");
    },
    // An account may look at the gateways of its service provider's carriers, and change those of its own.
    mayUse: (carrier, user, reading) =>
      carrier["account_sid"] === user.account_sid || (carrier["account_sid"] === null && (reading || undefined)),
  });
}

/** jambonz-api-server 0.9.6, lib/routes/api/smpp-gateways.js */
export function smppGateways(context: Context): Router {
  return gateways(context, "smpp_gateways", {
    check: () => {},
    // An account's API key knows no service provider, and so may not touch the carriers of one.
    mayUse: (carrier, user) =>
      (!carrier["service_provider_sid"] || carrier["service_provider_sid"] === user.service_provider_sid) &&
      (!carrier["account_sid"] || carrier["account_sid"] === user.account_sid),
  });
}

interface Rules {
  /** Looks at the body alone, on create and on update. */
  check: (body: Body) => void;
  mayUse: (carrier: Body, user: Call["user"], reading: boolean) => boolean | undefined;
}

function gateways({ db }: Context, table: TableName, { check, mayUse }: Rules): Router {
  const router = Router();

  const mayUseCarrier = async (user: Call["user"], carrierSid: unknown, reading: boolean) => {
    if (!carrierSid) throw badRequest("missing voip_carrier_sid");
    if (user.scope === "admin") return;
    const carrier = await retrieve(db, "voip_carriers", carrierSid);
    if (!carrier) throw badRequest("invalid voip_carrier_sid");
    const may =
      user.scope === "serviceProvider" ? carrier["service_provider_sid"] === user.service_provider_sid : mayUse(carrier, user, reading);
    if (!may) throw forbidden();
  };
  const existing = async ({ user }: Call, sid: string) => {
    const gateway = await retrieve(db, table, sid);
    if (!gateway) throw badRequest(`invalid ${table.slice(0, -1)}_sid`);
    await mayUseCarrier(user, gateway["voip_carrier_sid"], false);
  };

  crud(db, router, table, ["add", "retrieve", "update", "delete"], {
    add: async ({ user, body }) => {
      if (!body["voip_carrier_sid"]) throw badRequest("missing voip_carrier_sid");
      check(body);
      await mayUseCarrier(user, body["voip_carrier_sid"], false);
    },
    update: async (call, sid) => {
      await existing(call, sid);
      check(call.body);
    },
    delete: existing,
  });

  router.get("/", async (request, response: Authenticated) => {
    const voip_carrier_sid = request.query["voip_carrier_sid"] as string | undefined;
    await mayUseCarrier(response.locals.user, voip_carrier_sid, true);
    response.json(await db.select(table, { voip_carrier_sid }));
  });

  return router;
}
