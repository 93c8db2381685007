import { createHash } from "node:crypto";
import { badRequest } from "./errors";

export const md5 = (text: string): string => createHash("md5").update(text).digest("hex");

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;
const symbols = /[$-/:-?{-~!^_`[\]]/g;

/** How many of the runs of three characters in a sequence a text has, forwards or backwards. */
function runs(text: string, sequence: string): number {
  const triples = Array.from({ length: sequence.length - 2 }, (_, at) => sequence.slice(at, at + 3));
  return triples.filter((triple) => text.includes(triple) || text.includes([...triple].reverse().join(""))).length;
}

/** From 0 to 100, by the same points as Restcomm-Connect gives and takes (JavascriptPasswordValidator). */
export function passwordStrength(password: string): number {
  const { length } = password;
  if (length === 0) return 0;
  const [lower, upper, digits, signs] = [/[a-z]/g, /[A-Z]/g, /\d/g, symbols].map((pattern) => count(password, pattern)) as [
    number,
    number,
    number,
    number,
  ];
  const inside = password.slice(1, -1);
  const folded = password.toLowerCase();
  const kinds = [lower, upper, digits, signs].filter(Boolean).length;
  const requirements = kinds + (length >= 8 ? 1 : 0);
  const repeated = [...folded].filter((sign) => folded.split(sign).length > 2).length;
  let points = length * 4 + signs * 6 + (count(inside, /\d/g) + count(inside, symbols)) * 2;
  if (upper) points += (length - upper) * 2;
  if (lower) points += (length - lower) * 2;
  if (upper || lower) points += digits * 4;
  if (requirements >= 3) points += requirements * 2;
  points -= 2 * (count(password, /(?=[a-z]{2})/g) + count(password, /(?=[A-Z]{2})/g) + count(password, /(?=\d{2})/g));
  points -= 3 * (runs(folded, "abcdefghijklmnopqrstuvwxyz") + runs(folded, "01234567890") + runs(folded, "\\!@#$%&/()=?¿"));
  if (/^(\d*|[a-zA-Z]*)$/.test(password)) points -= length;
  points -= (repeated / length) * 10;
  return Math.max(0, Math.min(100, Math.round(points)));
}

export function checkPassword(password: string, shape: "json" | "reasonPhrase"): void {
  if (passwordStrength(password) < 50) throw badRequest("Password too weak", shape);
}
