/** Resources of the same shape that cost nothing: what is left is the price of Pulumi's engine, SDK and state file. */
import * as pulumi from "@pulumi/pulumi";

type Props = Record<string, unknown>;

/** What makes a dynamic resource whose handler is a constant text, as this package's are, and answers at once; see provider.ts. */
function instant(type: string, secrets: string[], name: string, props: Props, opts?: pulumi.CustomResourceOptions) {
  const __provider = `exports.handler = () => require(process.cwd() + "/provider.js")("${type}");`;
  return [`pulumi-nodejs:dynamic/instant:${type}`, name, { ...props, __provider }, { ...opts, additionalSecretOutputs: secrets }] as const;
}

class Account extends pulumi.CustomResource {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    const props = { name, sid: undefined, webhookSecret: undefined, createdAt: undefined, ...args };
    super(...instant("Account", ["webhookSecret"], name, props, opts));
  }
}

class ApiKey extends pulumi.CustomResource {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super(...instant("ApiKey", ["token"], name, { sid: undefined, token: undefined, ...args }, opts));
  }
}

class Limit extends pulumi.CustomResource {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super(...instant("Limit", [], name, { sid: undefined, ...args }, opts));
  }
}

class SipRealm extends pulumi.CustomResource {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super(...instant("SipRealm", [], name, { dns: undefined, ...args }, opts));
  }
}

export const jambonz = { Account, ApiKey, Limit, SipRealm };
