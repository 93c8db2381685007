import { randomUUID } from "node:crypto";
import { DataFileError, type Database } from "../database";
import type { Credentials } from "../platform";
import { make } from "./model";
import { hashPassword } from "./passwords";
import { webhookSecret } from "./secrets";

/**
 * Fills a new database as a new jambonz is filled, save for its well-known keys, and sees that the admin key is there.
 * The administrator logs in as `admin` with password `admin`, as on a stock installation before the first login.
 *
 * @param adminKey default: the one that the data file has, else a random UUID
 */
export async function seed(db: Database, adminKey?: string): Promise<Credentials> {
  const setting = { name: "admin_key" };
  const stored = (await db.first("sandbox_settings", setting))?.["value"] as string | undefined;
  const token = adminKey ?? stored ?? randomUUID();
  if (stored === undefined) {
    for (const [name, description] of Object.entries({
      VIEW_ONLY: "Can view data but not make changes",
      PROVISION_SERVICES: "Can provision services",
      PROVISION_USERS: "Can provision users",
    })) {
      await make(db, "permissions", { name, description });
    }
    const service_provider_sid = await make(db, "service_providers", { name: "default service provider" });
    await make(db, "accounts", { name: "default account", service_provider_sid, webhook_secret: webhookSecret() });
    await make(db, "users", {
      name: "admin",
      email: "joe@foo.bar",
      hashed_password: hashPassword("admin"),
      force_change: true,
      provider: "local",
    });
    await db.insert("sandbox_settings", { ...setting, value: token });
  } else if (stored !== token) await db.update("sandbox_settings", { value: token }, setting);
  const key = await db.first("api_keys", { token });
  if (!key) await make(db, "api_keys", { token });
  else if (key["account_sid"] !== null || key["service_provider_sid"] !== null) {
    throw new DataFileError("In the data file, that admin key is the key of an account or of a service provider.");
  }
  return { adminKey: token, variables: { JAMBONZ_API_KEY: token } };
}
