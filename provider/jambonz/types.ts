import { z } from "zod";
import { namesUser } from "../urls";
import { isUnknown, parsed } from "../values";

/** Types that several resources of jambonz share. */

export const sid = z.guid().refine((value) => value === value.toLowerCase(), { error: "must be in lower case, as jambonz writes it" });

/** A text that the platform gives back as it is. */
export const text = z.string().refine((value) => !/[\0\p{Cs}]/u.test(value), { error: "must not hold half characters or U+0000" });

/** A count, as large as a column of the platform's database takes. */
export const whole = z.int().min(0).max(2_147_483_647);

const serviceKeyShape = z.looseObject({ client_email: z.string().min(1), private_key: z.string().min(1) });

/** The key of a service account of Google, or undefined where a text holds none. */
export const serviceKeyIn = (text: unknown) => parsed(String(text), serviceKeyShape);

/** What stands before Google's private key; what is behind it reads show obscured (lib/utils/encrypt-decrypt.js). */
export const PEM_HEADER = "-----BEGIN PRIVATE KEY-----\n";

/** A secret as reads show it: its first characters, and X for each of the rest; a shorter one as it is (lib/utils/encrypt-decrypt.js). */
export const obscured = (secret: string, visible: number): string => secret.slice(0, visible).padEnd(secret.length, "X");

const looksObscured = (value: string) => /^.{4,6}X+$/s.test(value);

/** A secret that is none as reads show it, which the platform would take for the one that it has, or store as it is. */
export function notObscured<S extends z.ZodString>(schema: S): S {
  return schema.refine((value) => !looksObscured(value), {
    error: "looks like a secret as jambonz shows it, with X in the place of most of it",
  });
}

export const googleServiceKey = z
  .string()
  .refine((value) => serviceKeyIn(value) !== undefined, {
    error: "must be the JSON text of a service account's key, with client_email and private_key",
  })
  .refine((value) => !looksObscured(serviceKeyIn(value)?.private_key.slice(PEM_HEADER.length) ?? ""), {
    error: "looks like a key as jambonz shows it, with X in the place of most of it",
  })
  .describe("The JSON text of a service account's key.")
  .meta({ secret: true });

export const webhook = z
  .strictObject({
    url: z
      .string()
      .max(1024)
      .regex(/^(https?|wss?):\/\/\S+$/, { error: "must be a URL that begins with http://, https://, ws:// or wss://" })
      .refine((url) => !namesUser(url), {
        error: "must not hold a user name or password: username and password are properties of their own",
      })
      .describe("The URL that is called."),
    method: z.enum(["GET", "POST"]).optional().describe("The HTTP method. Default: POST.").meta({ platformDefault: "POST" }),
    username: z.string().min(1).max(255).optional().describe("The user name for HTTP Basic authentication."),
    password: z.string().min(1).max(255).optional().describe("The password for HTTP Basic authentication.").meta({ secret: true }),
  })
  .meta({ typeName: "Webhook", typeDescription: "An HTTP request that the platform makes." });

export const sipRealm = z
  .string()
  .min(1)
  .max(132)
  .regex(/^[\p{L}\p{N}_-]+(\.[\p{L}\p{N}_-]+)*$/u, { error: "must be a domain name, such as acme.sip.example.com" })
  .meta({ ignoreCase: true });

/** Inputs of a thing that belongs to one account, one service provider or, where `else` names it, to nobody. */
export function exactlyOneOwner<S extends z.ZodRawShape>(shape: S, orElse?: keyof S & string) {
  const names = ["accountSid", "serviceProviderSid", ...(orElse ? [orElse] : [])];
  const needed = names.map((name) => (name === orElse ? `${name}: true` : name));
  const given = (inputs: Record<string, unknown>) => names.map((name) => inputs[name]).filter(Boolean);
  // What is not known yet in a preview may turn out not to be given.
  return z.strictObject(shape).refine((inputs) => given(inputs).some(isUnknown) || given(inputs).length === 1, {
    error: `needs exactly one of ${needed.slice(0, -1).join(", ")} and ${needed.at(-1)}`,
    when: () => true, // also where something else is wrong
  });
}

/** An output of whatever belongs to an account. */
export const accountServiceProviderSid = sid
  .optional()
  .describe(
    "The service provider of the account, as it was at creation. By it the key of a service provider tells a deleted account from one that it may not see.",
  );

/** To whom something belongs: an account, a service provider or, with neither, the platform. */
export interface Owner {
  accountSid?: string;
  serviceProviderSid?: string;
}

/** To whom a row belongs; what belongs to an account may name the account's service provider besides. */
export function ownerIn({ account_sid, service_provider_sid }: Record<string, unknown>): Owner {
  if (typeof account_sid === "string") return { accountSid: account_sid };
  return typeof service_provider_sid === "string" ? { serviceProviderSid: service_provider_sid } : {};
}

/** Where in the API the things of an owner are: `Accounts/<sid>/`. Nothing for what belongs to nobody. */
export function ownerPath({ accountSid, serviceProviderSid }: Owner): string {
  if (accountSid) return `Accounts/${accountSid}/`;
  return serviceProviderSid ? `ServiceProviders/${serviceProviderSid}/` : "";
}

/** Whether a row belongs to this owner; lists show some that belong to another. */
export const isOf = (owner: Owner, row: Record<string, unknown>): boolean => ownerPath(ownerIn(row)) === ownerPath(owner);

/** The owner that an id begins with, and the rest of it. */
export function splitOwner(id: string): { owner: Owner; rest: string } {
  const [, noun, sid, rest] = /^(Accounts|ServiceProviders)\/([^/]+)\/(.*)$/.exec(id) ?? [];
  return { owner: noun === "Accounts" ? { accountSid: sid } : noun ? { serviceProviderSid: sid } : {}, rest: rest ?? id };
}

/** Why nothing can be made for an owner. */
export function unseen({ accountSid, serviceProviderSid }: Owner): string {
  return `the key in use sees no ${accountSid ? `account ${accountSid}` : `service provider ${serviceProviderSid}`}`;
}

/** How much of a credential the platform stores, in bytes of JSON: it writes them encrypted, as hexadecimal digits, into 8192 characters. */
const STORED_BYTES = 4_000;

/** For `refine`: a credential that the platform can store. */
export const storable = [
  (credential: unknown) => Buffer.byteLength(JSON.stringify(credential)) <= STORED_BYTES,
  { error: `is too long: jambonz stores ${STORED_BYTES} bytes of a credential` },
] as const;
