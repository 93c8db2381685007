import { Router } from "express";
import type { Context } from "./context";
import { retrieve } from "./model";
import { verifyPassword } from "./passwords";
import { permissionsOf, scopeOf } from "./users";

/** Failures after which a user is locked out, and for how long; jambonz's LOGIN_ATTEMPTS_MAX_RETRIES and _TIME. */
const mostFailures = 6;
const lockedSeconds = 1800;

/** Logging in with name and password: jambonz-api-server 0.9.6, lib/routes/api/login.js. Its random delay is left out. */
export function login({ db, sessions }: Context): Router {
  const failures = new Map<string, { count: number; until: number }>();
  const router = Router();
  router.post("/", async (request, response) => {
    const { username, password } = request.body as { username?: string; password?: string };
    if (!username || !password) return void response.sendStatus(400);
    const user = await db.first("users", { name: String(username) });
    if (!user) return void response.sendStatus(403);
    const sid = String(user["user_sid"]);
    const known = failures.get(sid);
    const count = known && known.until > Date.now() ? known.count : 0;
    const locked = (when: string) => response.status(403).json({ error: `Maximum login attempts reached. Please try again ${when}.` });
    if (count >= mostFailures) return void locked("later or reset your password");
    if (!verifyPassword(user["hashed_password"], String(password))) {
      failures.set(sid, { count: count + 1, until: Date.now() + lockedSeconds * 1000 });
      if (count + 1 >= mostFailures) return void locked(`in ${lockedSeconds} seconds`);
      return void response.sendStatus(403);
    }
    failures.delete(sid);
    const scope = scopeOf(user);
    const account_sid = scope === "account" ? (user["account_sid"] as string) : null;
    const service_provider_sid = scope === "admin" ? null : (user["service_provider_sid"] as string);
    const permissions = await permissionsOf(db, sid);
    const identity = {
      user_sid: sid,
      scope,
      force_change: !!user["force_change"],
      permissions,
      ...(service_provider_sid && {
        service_provider_sid,
        service_provider_name: (await retrieve(db, "service_providers", service_provider_sid))?.["name"],
      }),
      ...(account_sid && { account_sid, account_name: (await retrieve(db, "accounts", account_sid))?.["name"] }),
    };
    const token = sessions.sign({
      scope: scope === "service_provider" ? "serviceProvider" : scope,
      account_sid,
      service_provider_sid,
      user_sid: sid,
      permissions,
    });
    response.json({ token, ...identity });
  });
  return router;
}
