import { z } from "zod";
import { RefusedError, UnansweredError, UnfinishedError } from "../errors";
import { resource } from "../resource";
import { isRealmOfOwnKey, type Jambonz } from "./client";
import { headerKey } from "../settings";
import { marks, same } from "../values";
import { accountServiceProviderSid, sid, sipRealm as realmType } from "./types";

/** The SIP domain of an account, as a resource of its own. */
export const sipRealm = resource<Jambonz>()({
  type: "jambonz:SipRealm",
  description:
    "The SIP domain under which an account's devices register, apart from the account: for DNS records made by the platform, or to manage the realm where the account is managed elsewhere. It writes over the realm that the account has. Do not set Account.sipRealm of the same account besides.",
  example: {
    title: "A realm with DNS records made by the platform",
    resources: {
      acme: { type: "jambonz:Account", properties: {} },
      acmeKey: { type: "jambonz:ApiKey", properties: { accountSid: "${acme.sid}" } },
      acmeRealm: {
        type: "jambonz:SipRealm",
        properties: { accountSid: "${acme.sid}", realm: "acme.sip.example.com", accountApiKey: "${acmeKey.token}" },
      },
    },
  },
  idFormat: "<account sid>",
  deleteBeforeReplace: true, // a realm is unique on the platform
  onDelete: "Clears the account's realm. DNS records that the platform made stay until the account is deleted.",
  inputs: z
    .strictObject({
      accountSid: sid.describe("The account whose realm it is.").meta({ replaceOnChanges: true, refersTo: "jambonz:Account" }),
      realm: realmType.describe("The domain name, unique on the platform."),
      accountApiKey: headerKey
        .optional()
        .describe(
          "An API key of the account itself. With it the platform also makes the DNS records; where it cannot, as in most installations of your own, the realm is set, dns is missing and each update is an error that says so. Without it only the realm is set. A change of the key alone sends nothing.",
        )
        .meta({ secret: true, local: true }),
    })
    .refine(({ realm, accountApiKey }) => !accountApiKey || typeof realm !== "string" || realm.split(".").length > 2, {
      path: ["realm"],
      error: "must have at least three labels, such as acme.sip.example.com, for the platform to make DNS records",
      when: () => true,
    }),
  outputs: z.object({
    dns: z
      .enum(["managed", "missing", "none"])
      .describe(
        "Whether the platform made the DNS records of the realm: managed; missing, when it failed to and the next update tries again; or none, when it was not asked to.",
      )
      .meta({ typeName: "DnsStatus", changesOnUpdate: true }),
    accountServiceProviderSid,
  }),

  unlisted: "jambonz:SipRealm: not listed by itself, because each realm is found as that of its account",

  claims: ({ accountSid }, id) => `realm of ${id ?? accountSid}`,
  isItsClaim: true,
  createsOver: true,

  async create(jambonz, { accountSid, realm, accountApiKey }) {
    const ownership = await jambonz.ownership({ accountSid });
    try {
      return { id: accountSid, outputs: { ...ownership, dns: await set(jambonz, accountSid, realm, accountApiKey) } };
    } catch (error) {
      if (error instanceof UnfinishedError) Object.assign(error.outputs, ownership);
      throw error;
    }
  },

  async find(jambonz, { accountSid, realm, accountApiKey }) {
    if (!(await isSet(jambonz, accountSid, realm))) return [];
    const ownership = await jambonz.ownership({ accountSid });
    return [{ id: accountSid, outputs: { ...ownership, dns: accountApiKey ? "missing" : "none" } }];
  },

  async read(jambonz, id, { accountServiceProviderSid, dns }, { fresh }) {
    const owner = accountServiceProviderSid as string | undefined;
    const row = await (fresh ? jambonz.accountNow(id, owner) : jambonz.account(id, owner));
    return row?.sip_realm ? { accountSid: id, realm: row.sip_realm, dns: dns ?? "none" } : undefined;
  },

  async update(jambonz, id, _changes, { realm, accountApiKey }) {
    return { dns: await set(jambonz, id, realm, accountApiKey) };
  },

  async delete(jambonz, id, { realm, accountServiceProviderSid, [marks.unsure]: unsure }) {
    const row = await jambonz.accountNow(id, accountServiceProviderSid as string | undefined);
    const live = String(row?.sip_realm);
    // Where an update was not answered, or an import was not refreshed, what is there is this resource's.
    const isKnown = typeof realm === "string" && realm !== "" && !(unsure as string[] | undefined)?.includes("realm");
    // Somebody has set another one meanwhile, which is not this resource's to clear.
    if (!row?.sip_realm || (isKnown && live.toLowerCase() !== realm.toLowerCase())) return;
    await jambonz.put(`/Accounts/${id}`, { sip_realm: null });
    jambonz.clearedRealms.set(id, live);
  },

  // Asked for and not there, or there to be asked for; without a key an update says that it is no longer asked for.
  unfinished: ({ accountApiKey }, { dns }) => dns === "missing" || (dns === "none" && accountApiKey !== undefined),
});

/** Sets the realm, with DNS records where the account's own key is at hand. Doing it twice does no harm. */
async function set(jambonz: Jambonz, accountSid: string, realm: string, accountApiKey: string | undefined): Promise<"managed" | "none"> {
  if (accountApiKey !== undefined) return setWithDns(jambonz, accountSid, realm, accountApiKey);
  try {
    await jambonz.put(`/Accounts/${accountSid}`, { sip_realm: realm });
    return "none";
  } catch (error) {
    if (isRealmOfOwnKey(error)) return setWithDns(jambonz, accountSid, realm);
    throw error;
  }
}

/** @param key the account's own; without it an account signs in itself, and DNS records are welcome but not asked for */
async function setWithDns(jambonz: Jambonz, accountSid: string, realm: string, key?: string): Promise<"managed" | "none"> {
  const sentAt = Date.now();
  try {
    await jambonz.post(`/Accounts/${accountSid}/SipRealms/${encodeURIComponent(realm)}`, undefined, { key, idempotent: true });
    return "managed";
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    if (error.status === 401 && key) throw error.because("accountApiKey is not a valid API key");
    // The platform sets the realm first and then fails at the DNS records (lib/routes/api/sip-realm.js).
    if (error.status !== 500) throw error;
    const isDone = await isSet(jambonz, accountSid, realm).catch((trouble: Error) => {
      throw new UnansweredError(`${error.message}, and whether the realm is set could not be read (${trouble.message})`, sentAt);
    });
    if (!isDone) throw error;
    if (key === undefined) return "none";
    throw new UnfinishedError(
      `the realm ${realm} is set, but the platform made no DNS records for it: ${error.reason}. The next update tries again; where you make the DNS records yourself, take accountApiKey out`,
      accountSid,
      { dns: "missing" },
    );
  }
}

async function isSet(jambonz: Jambonz, accountSid: string, realm: string): Promise<boolean> {
  const row = await jambonz.accountNow(accountSid, undefined);
  return same(realmType, row?.sip_realm, realm);
}
