import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import type { Database } from "../database";
import { badRequest } from "./errors";

/**
 * At once, and cheap, or a request would go on after a restart of the sandbox has ended it: of a real jambonz that restarts
 * nothing goes on.
 */
const derive = (password: string, salt: Buffer) => scryptSync(password, salt, 32, { cost: 1024 });

export function hashPassword(password: string): string {
  const salt = randomBytes(16);
  return `${salt.toString("hex")}:${derive(password, salt).toString("hex")}`;
}

export function verifyPassword(hashed: unknown, password: string): boolean {
  const [salt, hash] = String(hashed).split(":");
  if (!hash) return false;
  return timingSafeEqual(derive(password, Buffer.from(salt!, "hex")), Buffer.from(hash, "hex"));
}

/** Refuses a password that the system's password settings do not allow; without settings, 8 to 20 characters will do. */
export async function checkPassword(db: Database, password: string): Promise<void> {
  const settings = await db.first("password_settings");
  const { min_password_length: least, require_digit: digit, require_special_character: special } = settings ?? {};
  if (!settings && (password.length < 8 || password.length > 20)) throw badRequest("password length must be between 8 and 20");
  if (least && password.length < Number(least)) throw badRequest(`password must be at least ${least} characters long`);
  if (digit && !/\d/.test(password)) throw badRequest("password must contain at least one digit");
  if (special && !/[^A-Za-z0-9\s]/.test(password)) throw badRequest("password must contain at least one special character");
}
