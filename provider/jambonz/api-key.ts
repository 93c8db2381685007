import { z } from "zod";
import { RefusedError, UserError } from "../errors";
import { resource, type Properties } from "../resource";
import { same } from "../values";
import type { Jambonz, Row } from "./client";
import { accountServiceProviderSid, exactlyOneOwner, ownerPath, sid, splitOwner, type Owner } from "./types";

/** The end of a TIMESTAMP column of MySQL, which expires_at is (db/jambones-sql.sql). */
const LATEST = 2 ** 31 * 1000 - 1000;
/** Time zones differ by multiples of this, and by no more than so much, in milliseconds. */
const ZONE_STEP = 15 * 60_000;
const ZONE_LIMIT = 14 * 3_600_000;

const expiry = z.iso
  .datetime({ offset: true, error: "must be a time in ISO 8601, such as 2030-01-01T00:00:00Z" })
  .refine((time) => !(Date.parse(time) < 1000), { error: "must be after 1970, where the times begin that jambonz can store" })
  .refine((time) => !(Date.parse(time) > LATEST), { error: "must be before 2038-01-19T03:14:07Z, the last time that jambonz can store" })
  .optional()
  .describe(
    "When the key shall expire. The platform stores this time, but goes on accepting the key after it: use rotateWhenChanged to end a key. Where its server's time zone is not UTC, it reads the time back as another; nobody can change it there, so it is taken to be as it was deployed.",
  )
  .meta({ replaceOnChanges: "evenIfAdded", instant: true });

const NOT_LISTED = "an admin key cannot be listed, so it can be read only where its token is known";

/** An API key, with which programs speak to the platform. */
export const apiKey = resource<Jambonz>()({
  type: "jambonz:ApiKey",
  description: "An API key of an account, of a service provider or of an administrator. Its token is an output.",
  example: {
    title: "A key that is made anew every quarter",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      acmeKey: {
        type: "jambonz:ApiKey",
        properties: { accountSid: "${acme.sid}", rotateWhenChanged: { quarter: "2031-Q1" } },
        options: { deletedWith: "${acme}" },
      },
    },
  },
  idFormat: "Accounts/<account sid>/ApiKeys/<key sid>, ServiceProviders/<service provider sid>/ApiKeys/<key sid> or ApiKeys/<key sid>",
  sidFromId: "end",
  onDelete: "Deletes the key; whoever uses it is locked out at once. The key that the provider itself uses is never deleted.",
  inputs: exactlyOneOwner(
    {
      accountSid: sid.optional().describe("The account that the key is for.").meta({ replaceOnChanges: true, refersTo: "jambonz:Account" }),
      serviceProviderSid: sid.optional().describe("The service provider that the key is for.").meta({ replaceOnChanges: true }),
      admin: z
        .boolean()
        .refine((admin) => admin, { error: "may only be true; leave it out for any other key" })
        .optional()
        .describe("Makes a key for the whole platform. The platform cannot list such keys: its token is in the state and nowhere else.")
        .meta({ replaceOnChanges: true }),
      expiresAt: expiry,
      rotateWhenChanged: z
        .record(z.string(), z.string())
        .optional()
        .describe(
          "Any values. When one of them changes, a new key is made, and the old one is deleted after everything that uses it was updated.",
        )
        .meta({ replaceOnChanges: true, local: true }),
    },
    "admin",
  ),
  outputs: z.object({
    sid: sid.describe("The key's sid."),
    token: z.string().describe("The key itself, as it goes into a request.").meta({ secret: true }),
    accountServiceProviderSid,
  }),

  async create(jambonz, { accountSid, serviceProviderSid, expiresAt }) {
    const row = { account_sid: accountSid, service_provider_sid: serviceProviderSid, expires_at: expiresAt && databaseTime(expiresAt) };
    const { sid, token } = await jambonz.post<{ sid: string; token: string }>("/ApiKeys", row);
    return { id: idOf({ accountSid, serviceProviderSid }, sid), outputs: { sid, token, ...(await jambonz.ownership({ accountSid })) } };
  },

  async find(jambonz, { accountSid, serviceProviderSid, expiresAt }) {
    const owner = ownerPath({ accountSid, serviceProviderSid });
    if (!owner) return undefined; // the platform does not list admin keys
    const rows = await jambonz.list(`/${owner}ApiKeys`, 0);
    const ownership = await jambonz.ownership({ accountSid });
    return rows
      .filter((row) => same(expiry, row.expires_at, expiresAt) || inOtherZone(row.expires_at, expiresAt))
      .map((row) => ({
        id: idOf({ accountSid, serviceProviderSid }, row.api_key_sid),
        outputs: { sid: row.api_key_sid, token: row.token, ...ownership },
        createdAt: new Date(String(row.created_at)),
        isOtherwise: !same(expiry, row.expires_at, expiresAt),
      }));
  },

  async existing(jambonz, owner) {
    const path = ownerPath(owner);
    return new Set(
      path && !jambonz.isNew(owner.accountSid) ? (await jambonz.atFirst(`/${path}ApiKeys`)).map((row) => idOf(owner, row.api_key_sid)) : [],
    );
  },

  unlisted: "jambonz:ApiKey: jambonz lists no admin keys, and the key in use is left to whoever uses it",

  async list(jambonz, progress) {
    const rows = await jambonz.ofEveryOwner("ApiKeys", progress);
    return rows
      .filter(({ row }) => row.token !== jambonz.apiKey)
      .map(({ owner, row }) => ({
        id: idOf(owner, row.api_key_sid),
        live: live(owner, row),
        label: owner.accountSid ? "key" : "service-provider-key",
      }));
  },

  async read(jambonz, id, { token, accountServiceProviderSid, expiresAt }, { fresh }) {
    const { owner, sid } = parse(id);
    const path = ownerPath(owner);
    if (!path) {
      // Not listed: it is there as long as the platform accepts it.
      if (!token) throw new UserError(NOT_LISTED);
      // Something in between would hardly refuse it twice, and take the provider's own key each time.
      return (await isAccepted(jambonz, token)) || (await isAccepted(jambonz, token)) ? { admin: true, sid, token } : undefined;
    }
    const { accountSid, serviceProviderSid } = owner;
    try {
      const row = (await jambonz.list(`/${path}ApiKeys`, fresh ? 0 : undefined)).find((row) => row.api_key_sid === sid);
      if (row) {
        const found = live(owner, row);
        // The platform has no way to change it, so another time is the same one in another time zone.
        const kept = expiresAt && found.expiresAt ? { expiresAt } : {};
        return { ...found, ...kept, ...(accountServiceProviderSid ? {} : await jambonz.ownership(owner)) };
      }
    } catch (error) {
      if (!(await jambonz.isGoneWithAccount(error, accountSid, accountServiceProviderSid))) throw error;
    }
    // jambonz answers with an empty list for an owner that it does not have, as another cluster would.
    if (serviceProviderSid) await jambonz.mustSee(serviceProviderSid);
    return undefined;
  },

  refuseAdopt: (id) => (ownerPath(parse(id).owner) ? undefined : NOT_LISTED),

  async refuseDelete(jambonz, id, state) {
    const known = state.token || (await tokenOf(jambonz, id, state));
    return known && known === jambonz.apiKey ? "it is the key that the provider itself uses; run with another key to delete it" : undefined;
  },

  async delete(jambonz, id) {
    await jambonz.delete(`/ApiKeys/${parse(id).sid}`);
  },
});

/** The token of a key that state does not hold, because it was imported and never refreshed. */
async function tokenOf(jambonz: Jambonz, id: string, { accountServiceProviderSid }: Properties): Promise<unknown> {
  const { owner, sid } = parse(id);
  const path = ownerPath(owner);
  if (!path) return undefined;
  try {
    return (await jambonz.list(`/${path}ApiKeys`)).find((row) => row.api_key_sid === sid)?.token;
  } catch (error) {
    if (await jambonz.isGoneWithAccount(error, owner.accountSid, accountServiceProviderSid)) return undefined;
    throw error;
  }
}

function idOf(owner: Owner, keySid: unknown): string {
  return `${ownerPath(owner)}ApiKeys/${String(keySid)}`;
}

function parse(id: string): { owner: Owner; sid: string } {
  const { owner, rest } = splitOwner(id);
  return { owner, sid: rest.slice("ApiKeys/".length) };
}

function live(owner: Owner, row: Row) {
  const expiresAt = typeof row.expires_at === "string" ? row.expires_at : undefined;
  return { ...owner, expiresAt, sid: row.api_key_sid, token: row.token };
}

async function isAccepted(jambonz: Jambonz, token: unknown): Promise<boolean> {
  try {
    await jambonz.get("/ServiceProviders", String(token));
    return true;
  } catch (error) {
    if (!(error instanceof RefusedError && error.status === 401)) throw error;
    // Something in between may refuse everything: only a platform that takes the provider's own key says no to this one.
    await jambonz.list("/ServiceProviders", 0);
    return false;
  }
}

/**
 * Whether a time is the one that was sent, as a server in another time zone reads it back. The database gives the text that it
 * was sent, which the server takes for its own local time (lib/db/pool.js sets no time zone).
 */
function inOtherZone(stored: unknown, sent: unknown): boolean {
  const shift = Math.abs(Date.parse(String(stored)) - Math.floor(Date.parse(String(sent)) / 1000) * 1000);
  return shift <= ZONE_LIMIT && shift % ZONE_STEP === 0;
}

/** The platform's database takes times in this form only, and keeps whole seconds. */
function databaseTime(iso: string): string {
  return new Date(iso).toISOString().slice(0, 19).replace("T", " ");
}
