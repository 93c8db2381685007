import { Router } from "express";
import type { Tables } from "./database";
import type { PlatformContext } from "./platform";

/** What no endpoint brings about, such as a call or a charge: `Sandbox.outside` may look at every row and write it. */
export function rows({ db, isOutside }: Pick<PlatformContext, "db" | "isOutside">, tables: Tables): Router {
  const router = Router();
  router.use((request, _response, next) => next(isOutside(request) ? undefined : "router"));
  router.get("/:table", async ({ params }, response) => void response.json(await db.select(params.table)));
  router.post("/:table", async ({ params, body }, response) => {
    await db.insert(params.table, body as Record<string, unknown>);
    response.status(204).end();
  });
  router.put("/:table/:key", async ({ params, body }, response) => {
    await db.update(params.table, body as Record<string, unknown>, { [tables[params.table]!.key!]: params.key });
    response.status(204).end();
  });
  router.delete("/:table/:key", async ({ params }, response) => {
    await db.delete(params.table, { [tables[params.table]!.key!]: params.key });
    response.status(204).end();
  });
  return router;
}
