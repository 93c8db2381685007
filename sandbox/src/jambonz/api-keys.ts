import { randomUUID } from "node:crypto";
import { Router } from "express";
import { serviceProviderOf, type Authenticated } from "./auth";
import type { Context } from "./context";
import { crud, type Call } from "./crud";
import { badRequest } from "./errors";
import { make, retrieve, type Body } from "./model";

/** Keys can be made and deleted here; lists are below accounts and service providers. lib/routes/api/api-keys.js */
export function apiKeys({ db }: Context): Router {
  const router = Router();

  router.post("/", async (request, response: Authenticated) => {
    const { scope, account_sid, service_provider_sid } = response.locals.user;
    const body: Body = { ...(request.body as Body), token: randomUUID() };
    if (scope === "serviceProvider") {
      const foreign = "a service provider token can only be used to create tokens for the same service provider";
      if (!body["service_provider_sid"] && !body["account_sid"]) {
        throw badRequest("service provider token may not be used to create admin token");
      }
      if (body["service_provider_sid"] && body["service_provider_sid"] !== service_provider_sid) throw badRequest(foreign);
      if (body["account_sid"]) {
        const owner = await serviceProviderOf(db, body["account_sid"]);
        if (owner !== undefined && owner !== service_provider_sid) throw badRequest(foreign);
        delete body["service_provider_sid"];
      } else body["service_provider_sid"] = service_provider_sid;
    }
    if (scope === "account") {
      if (body["account_sid"] !== account_sid) {
        throw badRequest("an account level token can only be used to create account level tokens for the same account");
      }
      delete body["service_provider_sid"];
    }
    response.status(201).json({ sid: await make(db, "api_keys", body), token: body["token"] });
  });

  const mayDelete = async ({ user }: Call, sid: string) => {
    const key = await retrieve(db, "api_keys", sid);
    if (!key || user.scope === "admin") return;
    if (user.scope === "account") {
      if (key["account_sid"] !== user.account_sid) throw badRequest("a user may not delete a token associated with a different account");
    } else if (!key["service_provider_sid"]) {
      if (!key["account_sid"]) throw badRequest("a service provider user may not delete an admin token");
    } else if (key["service_provider_sid"] !== user.service_provider_sid) {
      throw badRequest("a service provider user may not delete api key from another service provider");
    }
  };
  return crud(db, router, "api_keys", ["delete"], { delete: mayDelete });
}
