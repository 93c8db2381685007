import { z } from "zod";
import { RefusedError, UnansweredError, UserError } from "../errors";
import { resource, type Properties } from "../resource";
import { same } from "../values";
import { deleteContents, refuseAccountDelete } from "./account-delete";
import { fromRow, isAsSent, isRealmOfOwnKey, toRow, type Jambonz, type Row } from "./client";
import { nameTaken } from "./names";
import { googleServiceKey, notObscured, sid, sipRealm, storable, text, unseen, webhook, whole } from "./types";

const tags = z.record(z.string(), z.string()).optional().describe("Tags of each recording, by name.");
const bucket = z.string().min(1).describe("The bucket's or container's name.");
/** A bucket's secret. What looks as the platform shows a secret would leave the stored one as it is (lib/utils/encrypt-decrypt.js). */
const bucketSecret = notObscured(z.string().min(1));
const accessKeyId = z.string().min(1).describe("The id of the access key.");
const secretAccessKey = bucketSecret.describe("The secret of the access key.").meta({ secret: true });

const bucketCredential = z
  .discriminatedUnion("vendor", [
    z
      .strictObject({
        vendor: z.literal("aws_s3"),
        region: z.string().min(1).describe("The AWS region."),
        name: bucket,
        accessKeyId,
        secretAccessKey,
        tags,
      })
      .meta({ typeName: "AwsBucketCredential" })
      .describe("A bucket of Amazon S3."),
    z
      .strictObject({
        vendor: z.literal("s3_compatible"),
        endpoint: z.string().min(1).describe("The URL of the storage."),
        region: z.string().min(1).optional().describe("The region, where the storage has regions."),
        name: bucket,
        accessKeyId,
        secretAccessKey,
        tags,
      })
      .meta({ typeName: "S3CompatibleBucketCredential" })
      .describe("A bucket of a storage that speaks as Amazon S3 does."),
    z
      .strictObject({
        vendor: z.literal("google"),
        name: bucket,
        serviceKey: googleServiceKey,
        tags,
      })
      .meta({ typeName: "GoogleBucketCredential" })
      .describe("A bucket of Google Cloud Storage."),
    z
      .strictObject({
        vendor: z.literal("azure"),
        name: bucket,
        connectionString: bucketSecret.describe("The connection string of the storage account.").meta({ secret: true }),
        tags,
      })
      .meta({ typeName: "AzureBucketCredential" })
      .describe("A container of Azure Blob Storage."),
  ])
  .refine(...storable)
  .describe("Where recordings are stored, and the credential for it.")
  .meta({ typeName: "BucketCredential" });

/** A tenant. */
export const account = resource<Jambonz>()({
  type: "jambonz:Account",
  description: "A tenant: its name, SIP realm, webhooks and settings.",
  example: {
    title: "A tenant whose devices are authenticated by a webhook",
    resources: {
      acme: {
        type: "jambonz:Account",
        properties: {
          name: "Acme Corporation",
          sipRealm: "acme.sip.example.com",
          registrationHook: { url: "https://hooks.acme.example.com/register", username: "jambonz", password: "${hookPassword}" },
        },
        options: { protect: true },
      },
    },
  },
  idFormat: "<account sid>",
  sidFromId: "whole",
  deleteBeforeReplace: true, // a realm is unique, so the old account has to give it up first
  onDelete:
    "Deletes the account, its API keys and limits. Refused with a list while the account has applications, phone numbers, carriers, SIP clients, users, speech credentials, Teams tenants or an LCR, unless forceDestroy was deployed before. Refused always while something outside the account uses its carriers or applications, and if the provider signs in with one of its keys.",
  inputs: z.strictObject({
    name: text.min(1).max(64).describe("The name of the account.").meta({ defaultsToName: true }),
    serviceProviderSid: sid
      .optional()
      .describe("The service provider that owns the account. Default: the one of the key in use, or the only one there is.")
      .meta({ replaceOnChanges: true, computed: true }),
    sipRealm: sipRealm
      .optional()
      .describe(
        "The SIP domain under which devices register; unique on the platform. Set it here or by a SipRealm, not by both. No DNS records are made for it.",
      ),
    registrationHook: webhook.optional().describe("Called to authenticate a device that registers."),
    queueEventHook: webhook.optional().describe("Called when a caller enters or leaves a queue."),
    deviceCallingApplicationSid: sid.optional().describe("The application that handles calls from the account's devices."),
    siprecHookSid: sid.optional().describe("The application that handles SIPREC sessions."),
    isActive: z.boolean().optional().describe("Whether the account may be used. Default: true.").meta({ platformDefault: true }),
    planType: z
      .enum(["trial", "free", "paid"])
      .optional()
      .describe("The plan. Default: trial.")
      .meta({ platformDefault: "trial", typeName: "PlanType" }),
    disableCdrs: z
      .boolean()
      .optional()
      .describe("Whether no call detail records are written. Default: false.")
      .meta({ platformDefault: false }),
    recordAllCalls: z.boolean().optional().describe("Whether every call is recorded. Default: false.").meta({ platformDefault: false }),
    recordFormat: z
      .string()
      .min(1)
      .max(16)
      .optional()
      .describe("The format of recordings, mp3 or wav. Default: mp3.")
      .meta({ platformDefault: "mp3" }),
    enableDebugLog: z
      .boolean()
      .optional()
      .describe("Whether calls of the account are logged in detail. Default: false.")
      .meta({ platformDefault: false }),
    deviceToCallRatio: whole
      .optional()
      .describe("How many devices may be registered for each call session. Default: 5.")
      .meta({ platformDefault: 5 }),
    bucketCredential: bucketCredential.optional().describe("Where recordings are stored.").meta({ setAfterCreate: true }),
    allowDuplicateName: z
      .boolean()
      .optional()
      .describe("Whether to create the account although its service provider has one of this name already. Default: false.")
      .meta({ local: true }),
    forceDestroy: z
      .boolean()
      .optional()
      .describe(
        "Whether deleting the account also deletes its applications, phone numbers, carriers with their gateways, SIP clients, users, speech credentials, Teams tenants and LCR. Counts once it was deployed. Default: false.",
      )
      .meta({ local: true }),
  }),
  outputs: z.object({
    sid: sid.describe("The account's sid."),
    webhookSecret: z.string().describe("The secret with which the platform signs its webhook requests.").meta({ secret: true }),
    createdAt: z.string().describe("When the account was created, in ISO 8601."),
  }),

  claims: ({ sipRealm }, id) => (sipRealm === undefined || id === undefined ? undefined : `realm of ${id}`),

  async refuseCreate(jambonz, { name, serviceProviderSid, sipRealm, allowDuplicateName }, { replacing }) {
    const owner = serviceProviderSid ?? (await jambonz.onlyServiceProvider());
    // With another one's key jambonz would make it in the key's own service provider without a word (lib/routes/api/accounts.js).
    // The list of names is refused to such a key, so that only what is not refused without has to be asked besides.
    if ((replacing || allowDuplicateName) && !(await jambonz.sees(owner))) return { reason: unseen({ serviceProviderSid: owner }) };
    // The platform refuses a realm that is taken, which is too late where the old account goes first.
    const other = replacing && sipRealm && (await holderOf(jambonz, sipRealm, replacing));
    if (other) return { reason: `sipRealm "${sipRealm}" is taken by another account, ${other}`, holder: other };
    if (allowDuplicateName) return undefined;
    let holder: string | undefined;
    try {
      holder = await jambonz.accountNames.take(owner, name, replacing);
    } catch (error) {
      if (error instanceof RefusedError && error.status === 403) return { reason: unseen({ serviceProviderSid: owner }) };
      throw error;
    }
    return holder ? nameTaken(jambonz.adopt, { type: "jambonz:Account", noun: "account", owner: "service provider" }, holder) : undefined;
  },

  async create(jambonz, { serviceProviderSid, allowDuplicateName, forceDestroy: _, bucketCredential: __, ...inputs }) {
    const owner = serviceProviderSid ?? (await jambonz.onlyServiceProvider());
    try {
      const { sid } = await jambonz.post<{ sid: string }>("/Accounts", toRow({ ...inputs, serviceProviderSid: owner }));
      return made(jambonz, sid, owner, inputs.name);
    } catch (error) {
      // Where there was no answer it may have been made.
      if (!allowDuplicateName && !(error instanceof UnansweredError)) jambonz.accountNames.giveBack(owner, inputs.name);
      const isOfRealm = error instanceof RefusedError && error.reason.startsWith('sipRealm "');
      const holder = isOfRealm && inputs.sipRealm ? await holderOf(jambonz, inputs.sipRealm).catch(() => undefined) : undefined;
      throw isOfRealm && holder ? error.because(error.reason, holder) : error;
    }
  },

  async existing(jambonz, { serviceProviderSid }) {
    return jambonz.accountNames.sids(serviceProviderSid ?? (await jambonz.onlyServiceProvider()));
  },

  async find(jambonz, { bucketCredential: _, allowDuplicateName, ...inputs }) {
    const owner = inputs.serviceProviderSid ?? (await jambonz.onlyServiceProvider());
    const rows = await jambonz.list(`/ServiceProviders/${owner}/Accounts`, 0);
    const named = rows
      .filter(({ name }) => name === inputs.name)
      .map((row) => {
        const sid = String(row.account_sid);
        return {
          id: sid,
          outputs: { sid },
          createdAt: new Date(String(row.created_at)),
          // Somebody may have changed it since.
          isOtherwise: !holds(row, inputs),
          taken: () => void made(jambonz, sid, owner, inputs.name),
        };
      });
    // Where the name may be another one's too, one that differs is.
    return allowDuplicateName ? named.filter(({ isOtherwise }) => !isOtherwise) : named;
  },

  async read(jambonz, id, { serviceProviderSid }, { fresh }) {
    jambonz.remember(id, serviceProviderSid);
    const owner = serviceProviderSid as string | undefined;
    // The list serves many reads at once, and shows the bucket's secret in clear.
    const row = await (fresh ? jambonz.accountNow(id, owner) : jambonz.account(id, owner));
    if (!row && owner) jambonz.accountNames.changed(owner, id, undefined);
    return row && live(row);
  },

  async list(jambonz) {
    const rows = await jambonz.list("/Accounts");
    return rows.map((row) => ({ id: String(row.account_sid), live: live(row), label: String(row.name) }));
  },

  async update(jambonz, id, changes, _inputs, state) {
    try {
      await jambonz.put(`/Accounts/${id}`, toRow(withTagList(changes)));
    } catch (error) {
      if (!isRealmOfOwnKey(error)) throw error;
      throw error.because("the key in use is the account's own, with which a realm is set by a jambonz.SipRealm and not by sipRealm");
    }
    if ("name" in changes) jambonz.accountNames.changed(String(state.serviceProviderSid), id, String(changes.name));
  },

  refuseDelete: refuseAccountDelete,

  async delete(jambonz, id, state) {
    if (state.forceDestroy === true) await deleteContents(jambonz, id);
    try {
      await jambonz.delete(`/Accounts/${id}`);
    } catch (error) {
      if (!(error instanceof RefusedError && error.reason.includes("invalid sip_realm"))) throw error;
      // It has DNS records, and the platform finds their domain in the realm only (lib/routes/api/accounts.js).
      const realm = jambonz.clearedRealms.get(id);
      if (!realm) {
        throw new UserError(
          "the platform has DNS records for this account and can delete neither them nor the account while it has no realm of at least three labels; set sipRealm to the realm it had, and delete it then",
        );
      }
      await jambonz.put(`/Accounts/${id}`, { sip_realm: realm });
      await jambonz.delete(`/Accounts/${id}`);
    }
    jambonz.accountNames.changed(String(state.serviceProviderSid), id, undefined);
  },
});

function made(jambonz: Jambonz, sid: string, serviceProviderSid: string, name: string) {
  jambonz.made(sid, serviceProviderSid);
  jambonz.accountNames.changed(serviceProviderSid, sid, name);
  return { id: sid, outputs: { sid } };
}

const holds = (row: Row, sent: Properties): boolean => isAsSent(account.inputs, live(row), sent);

function live(row: Row): Properties {
  const properties = fromRow([account.inputs, account.outputs], row);
  const bucket = properties.bucketCredential as (Properties & { tags?: unknown }) | undefined;
  // What a creation with a bucket credential leaves behind reads as an empty object.
  if (bucket && !bucket.vendor) delete properties.bucketCredential;
  else if (bucket && Array.isArray(bucket.tags)) {
    bucket.tags = Object.fromEntries((bucket.tags as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]));
  }
  return { ...properties, sid: row.account_sid };
}

/** Tags go as the platform's own portal sends them (jambonz-webapp, src/api/types.ts). */
function withTagList(changes: Properties): Properties {
  const bucket = changes.bucketCredential as (Properties & { tags?: Record<string, string> }) | null | undefined;
  if (!bucket?.tags) return changes;
  return { ...changes, bucketCredential: { ...bucket, tags: Object.entries(bucket.tags).map(([Key, Value]) => ({ Key, Value })) } };
}

/** The account that has a realm, as far as the key in use sees it. */
async function holderOf(jambonz: Jambonz, realm: string, except?: string): Promise<string | undefined> {
  const rows = await jambonz.list("/Accounts", 0);
  const row = rows.find((row) => same(sipRealm, row.sip_realm, realm) && row.account_sid !== except);
  return row && String(row.account_sid);
}
