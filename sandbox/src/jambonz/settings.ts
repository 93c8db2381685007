import { Router } from "express";
import { adminOnly, type Authenticated } from "./auth";
import type { Context } from "./context";
import { badRequest, crash, failure } from "./errors";
import { asText, type Body } from "./model";
import type { TableName } from "./tables";

/** jambonz-api-server 0.9.6, lib/routes/api/password-settings.js: one row for the whole system. */
export function passwordSettings({ db }: Context): Router {
  const router = Router();
  router.get("/", async (_request, response) => {
    response.json((await db.first("password_settings")) ?? { min_password_length: 8 });
  });
  router.post("/", async (request, response: Authenticated) => {
    if (response.locals.user.scope !== "admin") return void response.sendStatus(403);
    const { min_password_length, require_digit, require_special_character } = request.body as Body;
    const length = Number(min_password_length);
    if (min_password_length && (length < 8 || length > 20)) throw badRequest("invalid min_password_length value: should be between 8-20");
    const given = Object.entries({ min_password_length, require_digit, require_special_character });
    await upsert({ db }, "password_settings", Object.fromEntries(given.filter(([, value]) => value !== undefined)));
    response.status(201).json({});
  });
  return router;
}

/** jambonz-api-server 0.9.6, lib/routes/api/system-information.js: one row; what the database refuses brings the process down. */
export function systemInformation({ db }: Context): Router {
  const router = Router();
  router.use(adminOnly);
  router.get("/", async (_request, response) => {
    response.json((await db.first("system_information")) ?? {});
  });
  router.post("/", async (request, response) => {
    try {
      await upsert({ db }, "system_information", request.body as Body);
    } catch {
      return crash(request);
    }
    response.status(201).json(await db.first("system_information"));
  });
  return router;
}

async function upsert({ db }: Pick<Context, "db">, table: TableName, row: Body): Promise<void> {
  if ((await db.count(table, {})) === 0) await db.insert(table, row);
  else await db.update(table, row, {});
}

/** jambonz-api-server 0.9.6, lib/routes/api/availability.js */
export function availability({ db }: Context): Router {
  const router = Router();
  const columns: Record<string, [TableName, string]> = {
    email: ["users", "email"],
    phone: ["users", "phone"],
    subdomain: ["accounts", "sip_realm"],
  };
  router.get("/", async (request, response) => {
    const { type, value } = request.query;
    const column = columns[asText(type)];
    if (!column) throw badRequest(`invalid type: ${asText(type)}`);
    if (value === undefined) throw failure("Bind parameters must not contain undefined. To pass SQL NULL specify JS null");
    response.json({ available: (await db.count(column[0], { [column[1]]: asText(value) })) === 0 });
  });
  return router;
}
