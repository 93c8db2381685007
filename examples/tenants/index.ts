import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { jambonz } from "pulumi-cpaas";
import { parse } from "yaml";

interface HookArgs extends Omit<jambonz.WebhookArgs, "password"> {
  /** Where its password stands in the stack's configuration: `pulumi config set --secret <passwordFrom> …`. */
  passwordFrom?: string;
}

interface TenantArgs {
  name: string;
  realm?: string;
  hooks?: { registration?: HookArgs; queueEvents?: HookArgs };
  limits?: Partial<Record<jambonz.LimitCategory, number>>;
  active?: boolean;
  keepRecordings?: boolean;
  /** Set it to false for a tenant without a key. */
  apiKey?: boolean;
  /** Set it to false and deploy, before the tenant may be removed from the file. */
  protect?: boolean;
}

const config = new pulumi.Config();

function webhook({ passwordFrom, ...hook }: HookArgs): jambonz.WebhookArgs {
  return { ...hook, password: passwordFrom === undefined ? undefined : config.requireSecret(passwordFrom) };
}

/** A tenant: an account with its key, its limits and its realm. */
class Tenant extends pulumi.ComponentResource {
  readonly account: jambonz.Account;
  readonly apiKey?: jambonz.ApiKey;

  constructor(key: string, args: TenantArgs) {
    const { name, realm, hooks = {}, limits = {}, active, keepRecordings, apiKey = true, protect = true, ...unknown } = args;
    super("tenants:index:Tenant", key, {}, { protect });
    for (const property of Object.keys(unknown)) throw new pulumi.RunError(`tenants.yaml: ${key} has an unknown property "${property}".`);

    this.account = new jambonz.Account(
      key,
      {
        name,
        registrationHook: hooks.registration && webhook(hooks.registration),
        queueEventHook: hooks.queueEvents && webhook(hooks.queueEvents),
        isActive: active,
        recordAllCalls: keepRecordings,
      },
      { parent: this },
    );
    const accountSid = this.account.sid;
    // When the account goes, the platform takes these along: nothing has to be sent for them.
    const opts = { parent: this, deletedWith: this.account };
    if (apiKey) this.apiKey = new jambonz.ApiKey(key, { accountSid }, opts);
    for (const [category, quantity] of Object.entries(limits)) {
      new jambonz.Limit(`${key}-${category}`, { accountSid, category: category as jambonz.LimitCategory, quantity }, opts);
    }
    if (realm) new jambonz.SipRealm(key, { accountSid, realm }, opts);
    this.registerOutputs({});
  }
}

const file = parse(readFileSync(join(__dirname, "tenants.yaml"), "utf8")) as Record<string, TenantArgs>;
const all = Object.entries(file).map(([key, args]) => ({ key, args, tenant: new Tenant(key, args) }));

export const tenants = Object.fromEntries(
  all.map(({ key, args, tenant }) => [key, { name: args.name, accountSid: tenant.account.sid, realm: args.realm, limits: args.limits }]),
);
/** Each tenant's API key: `pulumi stack output apiKeys --show-secrets`. */
export const apiKeys = Object.fromEntries(all.map(({ key, tenant }) => [key, tenant.apiKey?.token]));
