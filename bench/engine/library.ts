/** Resources of the same shape that cost nothing: what is left is the price of Pulumi's engine, SDK and state file. */
import * as pulumi from "@pulumi/pulumi";

type Props = Record<string, unknown>;

/** A dynamic resource whose handler is a constant text, as this package's are, and answers at once; see provider.ts. */
class Instant extends pulumi.CustomResource {
  constructor(type: string, secrets: string[], name: string, props: Props, opts: pulumi.CustomResourceOptions = {}) {
    const __provider = `exports.handler = () => require(process.cwd() + "/provider.js")("${type}");`;
    super(`pulumi-nodejs:dynamic/instant:${type}`, name, { ...props, __provider }, { ...opts, additionalSecretOutputs: secrets });
  }
}

class Account extends Instant {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    const props = { name, sid: undefined, webhookSecret: undefined, createdAt: undefined, ...args };
    super("Account", ["webhookSecret"], name, props, opts);
  }
}

class ApiKey extends Instant {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super("ApiKey", ["token"], name, { sid: undefined, token: undefined, ...args }, opts);
  }
}

class Limit extends Instant {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super("Limit", [], name, { sid: undefined, ...args }, opts);
  }
}

class SipRealm extends Instant {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super("SipRealm", [], name, { dns: undefined, ...args }, opts);
  }
}

export const jambonz = { Account, ApiKey, Limit, SipRealm };
