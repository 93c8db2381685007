import { randomBytes, randomInt } from "node:crypto";
import type { Request, Response } from "express";
import type { Database, Row } from "../database";
import type { PlatformContext } from "../platform";
import { Refusal } from "./envelope";

/** One for each account, 32 hexadecimal digits. */
export const newApiKey = (): string => randomBytes(16).toString("hex");

const letters = "abcdefghijklmnopqrstuvwxyz";

/** Ten letters and digits, at least one of each. */
export function newPassword(): string {
  const pick = (from: string, count: number) => Array.from({ length: count }, () => from[randomInt(from.length)]).join("");
  return `${pick(letters, 1)}${pick(`${letters}0123456789`, 8)}${pick("0123456789", 1)}`;
}

/** Ten digits that no account has. */
export async function newUsername(db: Database): Promise<string> {
  for (;;) {
    const username = String(randomInt(2_000_000_000, 10_000_000_000));
    if ((await db.count("accounts", { username })) === 0) return username;
  }
}

/** The account of the key in the header or, where there is none, in the body. `Sandbox.outside` speaks as the administrator unless it names a key. */
export async function caller({ db, isOutside }: PlatformContext, request: Request, response: Response): Promise<Row> {
  const [, bearer] = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "") ?? [];
  const key = bearer ?? (request.body as { apikey?: unknown }).apikey;
  if (!key && !isOutside(request)) throw new Refusal(400, "Field Required: apikey");
  const account = key
    ? typeof key === "string" && (await db.first("accounts", { apikey: key }))
    : await db.first("accounts", { administrator: 1 });
  if (!account) throw new Refusal(401, "Unauthorized");
  response.locals["scope"] = account["administrator"] ? "admin" : "account";
  return account;
}
