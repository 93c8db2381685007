import { type Router, type Request } from "express";
import type { Database } from "../database";
import type { Authenticated, User } from "./auth";
import { make, remove, retrieve, update, type Body } from "./model";
import type { TableName } from "./tables";

type Operation = "list" | "add" | "retrieve" | "update" | "delete";

/** What happens before an operation: it may refuse, and it may change the body. */
export interface Before {
  add?: (call: Call) => Promise<void> | void;
  update?: (call: Call, sid: string) => Promise<void> | void;
  delete?: (call: Call, sid: string) => Promise<void> | void;
}

export interface Call {
  user: User;
  /** A copy of the request's. */
  body: Body;
}

/**
 * The routes that most resources share: jambonz-api-server 0.9.6, lib/routes/api/decorate.js. The body's keys are columns;
 * 201 `{sid}` on create, 204 on update and delete, 404 as text.
 */
export function crud(db: Database, router: Router, table: TableName, operations: readonly Operation[], before: Before = {}): Router {
  const call = (request: Request, response: Authenticated): Call => ({
    user: response.locals.user,
    body: { ...(request.body as Body) },
  });
  const routes: Record<Operation, () => void> = {
    list: () =>
      router.get("/", async (_request, response) => {
        response.json(await db.select(table));
      }),
    add: () =>
      router.post("/", async (request, response: Authenticated) => {
        const creation = call(request, response);
        await before.add?.(creation);
        response.status(201).json({ sid: await make(db, table, creation.body) });
      }),
    retrieve: () =>
      router.get("/:sid", async (request, response) => {
        const row = await retrieve(db, table, request.params.sid);
        if (row) response.json(row);
        else response.sendStatus(404);
      }),
    update: () =>
      router.put("/:sid", async (request, response: Authenticated) => {
        const { sid } = request.params;
        const change = call(request, response);
        await before.update?.(change, sid);
        response.sendStatus((await update(db, table, sid, change.body)) ? 204 : 404);
      }),
    delete: () =>
      router.delete("/:sid", async (request, response: Authenticated) => {
        const { sid } = request.params;
        await before.delete?.(call(request, response), sid);
        response.sendStatus((await remove(db, table, sid)) ? 204 : 404);
      }),
  };
  for (const operation of operations) routes[operation]();
  return router;
}
