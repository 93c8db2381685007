import express, { Router } from "express";
import type { Platform } from "../platform";
import { rows } from "../rows";
import { accounts } from "./accounts";
import { negotiate } from "./answers";
import { applications } from "./applications";
import { authenticate } from "./auth";
import { clients } from "./clients";
import type { Context } from "./context";
import { answerError, Refusal } from "./errors";
import { availablePhoneNumbers, incomingPhoneNumbers } from "./phone-numbers";
import { seed } from "./seed";
import { Store } from "./store";
import { tables } from "./tables";

const base = "/restcomm/2012-04-24";

/** By their paths below an account's. */
const resources: Record<string, (context: Context) => Router> = {
  Clients: clients,
  IncomingPhoneNumbers: incomingPhoneNumbers,
  AvailablePhoneNumbers: availablePhoneNumbers,
  Applications: applications,
};

/**
 * The management API of Restcomm as its documentation describes it and as Restcomm-Connect, its open-source
 * ancestor, behaves. It was never compared with a running one.
 */
export const restcomm: Platform = {
  base,
  tables,
  database: "restcomm",
  bodies: "form",
  adminKey: { pattern: /^[0-9a-f]{32}$/, form: "an AuthToken of 32 hexadecimal digits" },
  seed,
  app: ({ db, isOutside, consistencyDelayMs }) => {
    const context: Context = { store: new Store(db, consistencyDelayMs), isOutside };
    const app = express();
    app.disable("x-powered-by");
    app.disable("etag");
    const api = Router();
    api.use(negotiate, express.urlencoded({ extended: false, limit: 10_000_000 }));
    api.use("/rows", rows({ db, isOutside }, tables));
    api.use(authenticate(context));
    api.use((request, _response, next) => {
      const type = request.headers["content-type"] ?? "";
      if (["POST", "PUT"].includes(request.method) && type !== "" && !/^application\/x-www-form-urlencoded/.test(type))
        throw new Refusal(415);
      next();
    });
    api.use("/Accounts", accounts(context));
    for (const [path, resource] of Object.entries(resources)) api.use(`/Accounts/:accountSid/${path}`, resource(context));
    app.use(base, api);
    app.use(answerError);
    return app;
  },
  route: (path) =>
    path
      .replace(/\b(AC|AP|CL|PN)[0-9a-zA-Z]{32}\b/g, ":sid")
      .replace(/(\/Accounts\/)[^/]*(@|%40)[^/]*/, "$1:emailAddress")
      .replace(/\.json(?=\/|$)/g, ""),
};
