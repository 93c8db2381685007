import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { jambonz } from "pulumi-cpaas";
import { parse } from "yaml";
import { z } from "zod";

const Hook = z.strictObject({
  url: z.string(),
  method: z.enum(["GET", "POST"]).optional(),
  username: z.string().optional(),
  /** Where its password stands in the stack's configuration: `pulumi config set --secret <passwordFrom> …`. */
  passwordFrom: z.string().optional(),
});

/** What `tenants.yaml` may say of a tenant. `npx pulumi-cpaas export --as tenants` writes such entries. */
const TenantArgs = z.strictObject({
  name: z.string(),
  /** The sid of its service provider, if the key in use sees several. Another one would mean another account. */
  serviceProvider: z.string().optional(),
  realm: z.string().optional(),
  hooks: z.strictObject({ registration: Hook.optional(), queueEvents: Hook.optional() }).optional(),
  limits: z.record(z.string(), z.number()).optional(),
  active: z.boolean().optional(),
  keepRecordings: z.boolean().optional(),
  /** Set it to false for a tenant without a key. */
  apiKey: z.boolean().optional(),
  /** Any text. Another text gives the tenant a new key and deletes the old one; set `protect: false` in the same deployment. */
  rotateKey: z.string().optional(),
  /** Whether its account and its key are protected (default: true). Set it to false and deploy, before either may be removed. */
  protect: z.boolean().optional(),
});

/** The tenants in a file, by their keys. */
function read(name: string): Record<string, z.infer<typeof TenantArgs>> {
  try {
    return z.record(z.string(), TenantArgs).parse(parse(readFileSync(join(__dirname, name), "utf8")));
  } catch (error) {
    const wrong =
      error instanceof z.ZodError ? error.issues : [{ path: [], message: (error as Error).message.split("\n")[0]!.replace(/:$/, "") }];
    throw new pulumi.RunError(wrong.map(({ path, message }) => `${`${name} ${path.join(".")}`.trim()}: ${message}`).join("\n"));
  }
}

const config = new pulumi.Config();

function webhook({ passwordFrom, ...hook }: z.infer<typeof Hook>): jambonz.WebhookArgs {
  return { ...hook, password: passwordFrom === undefined ? undefined : config.requireSecret(passwordFrom) };
}

/** A tenant: an account with its key, its limits and its realm. */
class Tenant extends pulumi.ComponentResource {
  readonly account: jambonz.Account;
  readonly apiKey?: jambonz.ApiKey;

  constructor(key: string, args: z.infer<typeof TenantArgs>) {
    const { name, serviceProvider, realm, hooks = {}, limits = {}, active, keepRecordings } = args;
    const { apiKey = true, rotateKey = "", protect = true } = args;
    super("tenants:index:Tenant", key);

    this.account = new jambonz.Account(
      key,
      {
        name,
        serviceProviderSid: serviceProvider,
        registrationHook: hooks.registration && webhook(hooks.registration),
        queueEventHook: hooks.queueEvents && webhook(hooks.queueEvents),
        isActive: active,
        recordAllCalls: keepRecordings,
      },
      { parent: this, protect },
    );
    const accountSid = this.account.sid;
    // When the account goes, the platform deletes these with it, so nothing has to be sent for them. Pulumi forgets them before
    // it tries to delete the account. With `--skip-preview` it would do so even if the account is protected, so the key, which
    // nothing could bring back, is protected as well; a limit or a realm would be set again by the next `pulumi up`.
    const opts = { parent: this, deletedWith: this.account };
    if (apiKey) this.apiKey = new jambonz.ApiKey(key, { accountSid, rotateWhenChanged: { rotateKey } }, { ...opts, protect });
    for (const [category, quantity] of Object.entries(limits)) {
      new jambonz.Limit(`${key}-${category}`, { accountSid, category: category as jambonz.LimitCategory, quantity }, opts);
    }
    if (realm !== undefined) new jambonz.SipRealm(key, { accountSid, realm }, opts);
    this.registerOutputs({});
  }
}

const all = Object.entries(read("tenants.yaml")).map(([key, args]) => ({ key, args, tenant: new Tenant(key, args) }));

export const tenants = Object.fromEntries(
  all.map(({ key, args, tenant }) => [key, { name: args.name, accountSid: tenant.account.sid, realm: args.realm, limits: args.limits }]),
);
/** Each tenant's API key: `pulumi stack output apiKeys --show-secrets`. */
export const apiKeys = Object.fromEntries(all.map(({ key, tenant }) => [key, tenant.apiKey?.token]));
