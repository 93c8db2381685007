import { randomInt } from "node:crypto";

const letters = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";

/** A new webhook secret: a prefix and 22 letters or digits. */
export const webhookSecret = (): string => `wh_secret_${Array.from({ length: 22 }, () => letters[randomInt(letters.length)]).join("")}`;

/** A secret as reads show it: its first characters, and X for each of the rest. Shorter ones show as they are. */
export const obscure = <T>(secret: T, visible = 6): T | string =>
  typeof secret !== "string" || secret.length <= visible ? secret : secret.slice(0, visible).padEnd(secret.length, "X");

const pemHeader = "-----BEGIN PRIVATE KEY-----\n";

/** A Google service account key with its private key obscured behind the PEM header. */
export function obscureServiceKey(serviceKey: string): Record<string, unknown> {
  const key = JSON.parse(serviceKey) as { private_key: string };
  return { ...key, private_key: `${pemHeader}${obscure(key.private_key.slice(pemHeader.length))}` };
}

/** Whether a secret is one that a read has obscured: the one behind it is to be kept. */
export const isObscured = (secret: unknown): boolean => typeof secret === "string" && /^.{4,6}X+$/.test(secret);

export function isObscuredServiceKey(serviceKey: unknown): boolean {
  try {
    return isObscured((JSON.parse(String(serviceKey)) as { private_key: string }).private_key.slice(pemHeader.length));
  } catch {
    return false;
  }
}
