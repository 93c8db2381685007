import { Router } from "express";
import { serviceProviderOf, type Authenticated } from "./auth";
import type { Context } from "./context";
import { crud } from "./crud";
import { badRequest, failure, forbidden } from "./errors";
import { asText, retrieve } from "./model";
import { answerList, inServiceProvider } from "./rows";
import { sidInUrl } from "./sids";

/** jambonz-api-server 0.9.6, lib/routes/api/phone-numbers.js */
export function phoneNumbers({ db }: Context): Router {
  const router = Router();

  crud(db, router, "phone_numbers", ["add", "update", "delete"], {
    add: async ({ user, body }) => {
      if (user.scope === "account") body["account_sid"] = user.account_sid;
      if (user.scope === "serviceProvider") body["service_provider_sid"] = user.service_provider_sid;
      const { number, voip_carrier_sid } = body;
      if (!number) throw badRequest("number is required");
      if (typeof number !== "string") throw badRequest("number.startsWith is not a function");
      if (/\s/.test(number)) throw badRequest("number must not contain whitespace");
      body["number"] = number.replace(/^\+/, "");
      if (!voip_carrier_sid) return;
      const carrier = await retrieve(db, "voip_carriers", voip_carrier_sid);
      if (!carrier) throw badRequest(`voip_carrier not found for sid ${asText(voip_carrier_sid)}`);
      if (carrier["account_sid"] && body["account_sid"] && carrier["account_sid"] !== body["account_sid"]) {
        throw badRequest("voip_carrier_sid does not belong to the account");
      }
    },
    update: async ({ user, body }, sid) => {
      for (const field of ["voip_carrier_sid", "number"]) if (body[field]) throw badRequest(`${field} may not be modified`);
      const number = await retrieve(db, "phone_numbers", sid);
      if (user.scope === "account" && number && number["account_sid"] !== user.account_sid) throw forbidden();
      if (user.scope === "serviceProvider") {
        const owner = number?.["service_provider_sid"] ?? (await serviceProviderOf(db, number?.["account_sid"]));
        if (!owner) throw failure("Cannot read properties of undefined (reading 'service_provider_sid')");
        if (owner !== user.service_provider_sid) throw forbidden();
      }
    },
    delete: async ({ user }, sid) => {
      const number = await retrieve(db, "phone_numbers", sid);
      if (user.scope === "account" && number && number["account_sid"] !== user.account_sid) throw forbidden();
    },
  });

  router.get("/", async (request, response: Authenticated) => {
    const { scope, account_sid, service_provider_sid } = response.locals.user;
    const asked = request.query as Partial<Record<"account_sid" | "service_provider_sid" | "filter", string>>;
    const criteria = {
      "t.account_sid = ?": scope === "account" ? account_sid : asked.account_sid,
      [inServiceProvider]: scope === "serviceProvider" ? service_provider_sid : undefined,
      "t.service_provider_sid = ?": scope === "admin" ? asked.service_provider_sid : undefined,
      "t.number LIKE ?": asked.filter && `%${asked.filter}%`,
    };
    await answerList(db, request, response, "phone_numbers", criteria, { order: "t.number" });
  });

  router.get("/:sid", async (request, response: Authenticated) => {
    const { scope, account_sid, service_provider_sid } = response.locals.user;
    const number = await retrieve(db, "phone_numbers", sidInUrl(request, "PhoneNumbers"));
    if (!number || (scope === "account" && number["account_sid"] !== account_sid)) return void response.status(404).end();
    if (scope === "serviceProvider") {
      const owner = await serviceProviderOf(db, number["account_sid"]);
      if (owner && owner !== service_provider_sid) throw badRequest("insufficient privileges");
    }
    response.json(number);
  });

  return router;
}
