import { randomBytes } from "node:crypto";
import type { Database } from "../database";
import type { Credentials } from "../platform";
import { newSid } from "./store";

/**
 * Sees that there is one top account, an Administrator, and returns what it signs in with.
 *
 * @param authToken default: the one that the data file has, else a random one
 */
export async function seed(db: Database, authToken?: string): Promise<Credentials> {
  const top = { parent_sid: "" };
  const stored = await db.first("accounts", top);
  if (!stored) {
    await db.insert("accounts", {
      ...top,
      sid: newSid("AC"),
      organization: newSid("OR"),
      friendly_name: "Administrator",
      email_address: "administrator@company.example",
      role: "Administrator",
      auth_token: authToken ?? randomBytes(16).toString("hex"),
    });
  } else if (authToken !== undefined) await db.update("accounts", { auth_token: authToken }, top);
  const account = (await db.first("accounts", top))!;
  const token = String(account["auth_token"]);
  return { adminKey: token, variables: { RESTCOMM_ACCOUNT_SID: String(account["sid"]), RESTCOMM_AUTH_TOKEN: token } };
}
