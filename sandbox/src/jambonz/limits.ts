import { Router, type Request } from "express";
import type { Context } from "./context";
import { asText, make, update, type Body } from "./model";
import { sidInUrl } from "./sids";
import type { TableName } from "./tables";

export const accountLimits = (context: Context): Router => limits(context, "account_limits", "account_sid", "Accounts");

export const serviceProviderLimits = (context: Context): Router =>
  limits(context, "service_provider_limits", "service_provider_sid", "ServiceProviders");

/** Limits by category, below an account or a service provider: jambonz-api-server 0.9.6, lib/routes/api/limits.js */
function limits({ db }: Context, table: TableName, owner: string, collection: string): Router {
  const router = Router({ mergeParams: true });
  const ownerSid = (request: Request) => sidInUrl(request, collection) ?? null;

  /** Sets the quantity of a category, whether it had one or not; the limit keeps its sid. */
  router.post("/", async (request, response) => {
    const { category, quantity } = request.body as Body;
    const sid = ownerSid(request);
    const existing = (await db.select(table, { [owner]: sid })).find((limit) => limit["category"] === category);
    const existingSid = existing?.[`${table}_sid`] as string | undefined;
    if (existingSid) await update(db, table, existingSid, { category, quantity });
    response.status(201).json({ sid: existingSid ?? (await make(db, table, { [owner]: sid, category, quantity })) });
  });

  router.get("/", async (request, response) => {
    const { category } = request.query;
    const all = await db.select(table, { [owner]: ownerSid(request) });
    response.json(category ? all.filter((limit) => limit["category"] === category) : all);
  });

  /** Deletes one category, or all of them when the query names none. */
  router.delete("/", async (request, response) => {
    const { category } = request.query;
    await db.delete(table, { [owner]: ownerSid(request), ...(category ? { category: asText(category) } : {}) });
    response.status(204).end();
  });

  return router;
}
