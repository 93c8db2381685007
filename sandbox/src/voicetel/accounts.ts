import { Router, type Request } from "express";
import { DatabaseError, type Row } from "../database";
import type { PlatformContext } from "../platform";
import { caller, newApiKey, newPassword, newUsername } from "./credentials";
import { Refusal, succeed } from "./envelope";

type Body = Record<string, unknown>;

const isUsername = (value: unknown): boolean => typeof value === "number" && /^[1-9]\d{9}$/.test(String(value));
const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isEmail = (value: unknown): boolean => typeof value === "string" && /^\S+@\S+$/.test(value);

/** The fields in the order in which they are looked at. How a wrong one is refused is documented for recovery's e-mail only. */
function demand(body: Body, checks: Record<string, (value: unknown) => boolean>): void {
  for (const name of Object.keys(checks)) if (body[name] === undefined) throw new Refusal(400, `Field Required: ${name}`);
  for (const [name, check] of Object.entries(checks))
    if (!check(body[name])) throw new Refusal(400, `Field: ${name}`, { requirement: "Must be valid" });
}

/** Account API v2.1.6: accounts and how to get at them. There is no list, no change and no deletion. */
export function accounts(context: PlatformContext): Router {
  const { db } = context;
  const router = Router({ strict: true });

  async function make(body: Body, username: string, masterAccount: string) {
    const account = { name: body["name"], username, email: body["email"], masterAccount, password: newPassword() };
    // The cause of a failure is not told, nor is it documented whether the master account has to exist: the strict guess.
    const failed = new Refusal(409, "Account creation failed");
    if ((await db.count("accounts", { username })) > 0) throw failed;
    if (masterAccount !== username && (await db.count("accounts", { username: masterAccount })) === 0) throw failed;
    try {
      await db.insert("accounts", { ...account, apikey: newApiKey() });
    } catch (error) {
      throw error instanceof DatabaseError ? failed : error;
    }
    return { account: { ...account, username: Number(username), masterAccount: Number(masterAccount) } };
  }

  router.post("/add/", async (request, response) => {
    const administrator = await caller(context, request, response);
    if (!administrator["administrator"]) throw new Refusal(401, "Unauthorized");
    const body = request.body as Body;
    demand(body, { name: isText, username: isUsername, email: isEmail });
    if (body["masterAccount"] !== undefined) demand(body, { masterAccount: isUsername });
    const { username, masterAccount = username } = body as { username: number; masterAccount?: number };
    succeed(response, await make(body, String(username), String(masterAccount)), "Account Information");
  });

  /** Open to everybody; sends a mail, which here nobody gets. */
  router.post("/signup/", async (request, response) => {
    const body = request.body as Body;
    demand(body, { name: isText, email: isEmail });
    const username = await newUsername(db);
    succeed(response, await make(body, username, username), "Account Information");
  });

  /** A header with a key is not accepted here; with which answer is not documented. */
  router.post("/apikey/", async (request: Request, response) => {
    if (request.headers.authorization !== undefined) throw new Refusal(401, "Unauthorized");
    const { username, password } = request.body as { username?: number; password?: unknown };
    if (username === undefined || password === undefined) throw new Refusal(400, "Field Required: username or password");
    const account = isUsername(username) ? await db.first("accounts", { username: String(username) }) : undefined;
    if (!account || account["password"] !== password) throw new Refusal(401, "Invalid username or password");
    succeed(response, { apikey: account["apikey"] });
  });

  router.post("/info/", async (request, response) => {
    succeed(response, { account: [record(await caller(context, request, response))] });
  });

  router.post("/recover/", async (request, response) => {
    const { email } = request.body as Body;
    if (!isEmail(email)) throw new Refusal(400, "Field: email", { requirement: "Must be valid" });
    if ((await db.count("accounts", { email: email as string })) === 0) throw new Refusal(404, "Email address not found");
    succeed(response, {}, `Please check your email (${email as string}) for details`);
  });

  return router;
}

/** An account as Account Info shows it: the username as a text, and neither password, key nor master account. */
function record(row: Row): object {
  return {
    name: row["name"],
    rate: Number(row["rate"]),
    enabled: row["enabled"] === 1,
    notify_threshold: row["notify_threshold"],
    username: row["username"],
    caller_id: row["caller_id"],
    notify: row["notify"] === 1,
    email: row["email"],
    created: String(row["created"]).replace(".000Z", "+00:00"),
    cash: Number(row["cash"]),
  };
}
