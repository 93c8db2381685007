import { z } from "zod";
import { UserError } from "../errors";

/** Types that several resources of VoiceTel share. */

export const username = z.number().refine(isUsername, { error: "must be a number of ten digits, such as 4592086960" });

export function isUsername(value: number): boolean {
  return /^[1-9]\d{9}$/.test(String(value));
}

/** The username that is the id of an account and of its key. */
export function usernameOf(id: string): number {
  if (isUsername(Number(id))) return Number(id);
  throw new UserError(`"${id}" is not the id of an account or of its key, which is the account's username: a number of ten digits`);
}

export const apiKey = z.string().min(1).describe("An API key.").meta({ secret: true });

/** What a refresh says once: an account can be read with its own key only, and each read is one of six calls an hour. */
export const NOT_READ =
  "accounts and keys are not looked at in a refresh, because that takes the key of each account and one of six calls an hour; what state says of them is kept";
