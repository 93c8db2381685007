import { Router, type Request } from "express";
import type { Database, Row } from "../database";
import type { Authenticated, User } from "./auth";
import type { Context } from "./context";
import { badRequest, crash, failure, forbidden, unprocessable } from "./errors";
import { asText, make, remove, retrieve, type Body } from "./model";
import { checkPassword, hashPassword, verifyPassword } from "./passwords";
import { select } from "./rows";
import { sidInUrl } from "./sids";

/** A user with both sids belongs to the account, one with a service provider alone to that, and any other administers. */
export const scopeOf = (user: Row): "account" | "service_provider" | "admin" =>
  user["account_sid"] && user["service_provider_sid"] ? "account" : user["service_provider_sid"] ? "service_provider" : "admin";

const belongs = (caller: User, user: Row | undefined): boolean =>
  caller.scope === "admin" ||
  (caller.scope === "account"
    ? user?.["account_sid"] === caller.account_sid
    : user?.["service_provider_sid"] === caller.service_provider_sid);

/** jambonz-api-server 0.9.6, lib/routes/api/users.js */
export function users({ db }: Context): Router {
  const router = Router();

  router.get("/", async (_request, response: Authenticated) => {
    const { scope, account_sid, service_provider_sid } = response.locals.user;
    const list = await select(db, "users", {
      "t.account_sid = ?": scope === "account" ? account_sid : undefined,
      "t.service_provider_sid = ?": scope === "serviceProvider" ? service_provider_sid : undefined,
    });
    if (list.length === 0) throw failure("failure retrieving users list");
    response.json(await Promise.all(list.map((user) => summary(db, user as Row))));
  });

  router.get("/me", async (_request, response: Authenticated) => {
    const { user_sid } = response.locals.user;
    const user = user_sid && (await retrieve(db, "users", user_sid));
    if (!user) return void response.sendStatus(403);
    const { hashed_password, phone_activation_code, email_activation_code, ...shown } = user;
    const { email_validated, phone_validated, force_change } = shown;
    response.json({
      user: { ...shown, email_validated: !!email_validated, phone_validated: !!phone_validated, force_change: !!force_change },
      account: (await retrieve(db, "accounts", user["account_sid"])) ?? {},
      sp: (await retrieve(db, "service_providers", user["service_provider_sid"])) ?? {},
    });
  });

  router.get("/:sid", async (request, response: Authenticated) => {
    const user = await retrieve(db, "users", sidInUrl(request, "Users"));
    if (!user) throw failure("failure retrieving user");
    if (!belongs(response.locals.user, user)) return void response.sendStatus(403);
    const { hashed_password, ...shown } = user;
    response.json({ ...shown, is_view_only: await isViewOnly(db, user) });
  });

  router.post("/", async (request, response: Authenticated) => {
    const { scope, account_sid, service_provider_sid } = response.locals.user;
    const { initial_password: password, is_view_only, ...body } = request.body as Body;
    // Hashing happens outside the handler's care: what is no text brings the process down.
    if (typeof password !== "string") return crash(request);
    await checkPassword(db, password);
    for (const field of ["name", "email"]) {
      const namesake = typeof body[field] === "string" ? await db.select("users", { [field]: body[field] }) : [];
      if (namesake.some((user) => user[field] === body[field])) throw unprocessable("invalid username or email");
    }
    Object.assign(body, { provider: "local", hashed_password: hashPassword(password) });
    if (scope === "account") body["account_sid"] = account_sid;
    if (scope === "serviceProvider") body["service_provider_sid"] = service_provider_sid;
    const user_sid = await make(db, "users", body);
    if (is_view_only) await setViewOnly(db, user_sid, true);
    response.status(201).json({ user_sid });
  });

  router.put("/:sid", async (request, response: Authenticated) => {
    const caller = response.locals.user;
    const body = request.body as Body;
    const sid = request.params.sid;
    const user = await retrieve(db, "users", sid);
    // Holders of API keys are not asked whose user it is.
    if (!belongs(caller, user) && caller.user_sid && caller.user_sid !== sid) return void response.sendStatus(403);
    if (!user) throw badRequest("Invalid request: user_sid does not exist");
    await checkChange(db, request, caller, user);
    const { name, email, email_activation_code, initial_password, old_password, new_password } = body;
    const change: Body = {};
    if (new_password) {
      if (!verifyPassword(user["hashed_password"], String(old_password))) return void response.sendStatus(403);
      if (old_password === new_password) throw failure("new password cannot be your old password");
      Object.assign(change, { hashed_password: hashPassword(String(new_password as string)), force_change: false });
    }
    if (name) change["name"] = name;
    if (initial_password) change["hashed_password"] = hashPassword(asText(initial_password));
    for (const field of ["is_active", "force_change"]) if (body[field] !== undefined) change[field] = body[field];
    for (const field of ["account_sid", "service_provider_sid"]) if (body[field]) change[field] = body[field];
    if (email) Object.assign(change, { email }, email_activation_code ? { email_activation_code, email_validated: 0 } : {});
    await db.update("users", change, { user_sid: sid });
    await setViewOnly(db, sid, !!body["is_view_only"]);
    response.sendStatus(204);
  });

  router.delete("/:sid", async (request, response: Authenticated) => {
    const caller = response.locals.user;
    const { sid } = request.params;
    const user = await retrieve(db, "users", sid);
    const admins = (await db.select("users", { is_active: 1 })).filter((other) => !other["account_sid"] && !other["service_provider_sid"]);
    if (!user && (caller.scope !== "admin" || admins.length === 1)) {
      throw failure("Cannot read properties of undefined (reading 'user_sid')");
    }
    if (caller.scope === "admin" && admins.length === 1 && admins[0]!["user_sid"] === sid) throw badRequest("Bad request");
    if (!belongs(caller, user)) throw forbidden();
    await remove(db, "users", sid);
    response.sendStatus(204);
  });

  return router;
}

async function summary(db: Database, user: Row): Promise<Row> {
  const { user_sid = null, name = null, email = null, force_change = null, is_active = null, account_sid, service_provider_sid } = user;
  const shown: Row = { user_sid, name, email, scope: scopeOf(user), force_change, is_active };
  if (account_sid) {
    const account = await retrieve(db, "accounts", account_sid);
    Object.assign(shown, { account_sid, account_name: account?.["name"] });
  }
  if (service_provider_sid) {
    const provider = await retrieve(db, "service_providers", service_provider_sid);
    Object.assign(shown, { service_provider_sid, service_provider_name: provider?.["name"] });
  }
  return shown;
}

async function checkChange(db: Database, request: Request, caller: User, user: Row): Promise<void> {
  const body = request.body as Body;
  const { name, email, email_activation_code, initial_password, old_password, new_password, force_change, is_active } = body;
  if (body["account_sid"] === null || body["service_provider_sid"] === null) {
    throw badRequest("Invalid request: user may not be promoted");
  }
  const fixed =
    caller.scope === "account"
      ? { account_sid: "account", service_provider_sid: "service provider" }
      : caller.scope === "serviceProvider"
        ? { service_provider_sid: "service provider" }
        : {};
  for (const [field, noun] of Object.entries(fixed)) {
    if (field in body && body[field] !== user[field]) {
      throw badRequest(`Invalid request: user may not be promoted or moved to another ${noun}`);
    }
  }
  if ("account_sid" in body) {
    const account = await retrieve(db, "accounts", body["account_sid"]);
    if (!account) throw badRequest("Invalid request: account_sid does not exist");
    if (account["service_provider_sid"] !== user["service_provider_sid"]) {
      throw badRequest("Invalid request: user may not be moved to another service provider");
    }
  }
  if (!old_password !== !new_password) throw badRequest("new_password and old_password both required");
  for (const password of [initial_password, new_password]) if (password) await checkPassword(db, asText(password));
  if (new_password && name) throw badRequest("can not change name and password simultaneously");
  if (email_activation_code && !email) throw badRequest("email and email_activation_code both required");
  // False counts as absent here: a user cannot be deactivated alone.
  if (![name, new_password, email, initial_password, force_change, is_active].some(Boolean)) throw badRequest("no updates requested");
}

/** The names of a user's permissions. */
export async function permissionsOf(db: Database, userSid: unknown): Promise<string[]> {
  const rows = await db.query(
    "SELECT p.name FROM user_permissions up JOIN permissions p ON p.permission_sid = up.permission_sid WHERE up.user_sid = ?",
    [userSid as string],
  );
  return rows.map(({ name }) => String(name));
}

const isViewOnly = async (db: Database, user: Row) => (await permissionsOf(db, user["user_sid"])).includes("VIEW_ONLY");

async function setViewOnly(db: Database, user_sid: string, viewOnly: boolean): Promise<void> {
  const permission = await db.first("permissions", { name: "VIEW_ONLY" });
  const right = { user_sid, permission_sid: permission!["permission_sid"] };
  await db.delete("user_permissions", right);
  if (viewOnly) await make(db, "user_permissions", right);
}
