import { z } from "zod";

/** Types that several resources of VoiceTel share. */

export const username = z
  .number()
  .refine((value) => /^[1-9]\d{9}$/.test(String(value)), { error: "must be a number of ten digits, such as 4592086960" });

export const apiKey = z.string().min(1).describe("An API key.").meta({ secret: true });

/** What a refresh says once: an account can be read with its own key only, and each read is one of six calls an hour. */
export const NOT_READ =
  "accounts and keys are not looked at in a refresh, because that takes the key of each account and one of six calls an hour; what state says of them is kept";
