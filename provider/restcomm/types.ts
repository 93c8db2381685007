import { z } from "zod";

/** Types that several resources of Restcomm share. */

/** @param prefix the two letters that tell the type: AC account, AP application, CL client, PN number */
export function sid(prefix: string) {
  return z.string().regex(new RegExp(`^${prefix}[a-zA-Z0-9]{32}$`), { error: `must be a sid: ${prefix} and 32 letters or digits` });
}

export const friendlyName = z.string().min(1).max(64);

export const url = z
  .string()
  .max(2048)
  .regex(/^[a-z][a-z0-9+.-]*:\/\/\S+$|^\/\S*$/i, { error: "must be a URL, or a path on the platform that begins with /" });

/** @param property the one with the URL that is asked with it */
export function methodOf(property: string) {
  return z
    .enum(["GET", "POST"])
    .optional()
    .describe(`The HTTP method with which ${property} is asked. Default: POST.`)
    .meta({ platformDefault: "POST" });
}

/** Long enough for the platform's console; the platform itself scores it and may find it too weak all the same. */
export const password = z.string().min(8).max(255).meta({ secret: true, writeOnly: true });

/** The members of a record that tell when it was made and changed. */
export const dates = {
  dateCreated: z.string().describe("When it was created, as the platform writes it: Mon, 4 Nov 2013 16:33:39 -0500."),
  dateUpdated: z.string().describe("When it was last changed, as the platform writes it.").meta({ changesOnUpdate: true }),
};
