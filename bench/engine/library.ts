/** The same resources at no cost: what is left is the price of Pulumi's engine, SDK and state file. */
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";

type Props = Record<string, unknown>;

/** The properties of each type, so that the SDK has as many to care for. */
const properties = JSON.parse(readFileSync("properties.json", "utf8")) as Record<string, string[]>;

/** What makes a dynamic resource whose handler is a constant text, as this package's are, and answers at once; see provider.ts. */
function instant(type: string, secrets: string[], name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
  const props: Props = Object.fromEntries(properties[type]!.map((property) => [property, undefined]));
  const __provider = `exports.handler = () => require(process.cwd() + "/provider.js")("${type}");`;
  const own = { ...opts, additionalSecretOutputs: secrets };
  return [`pulumi-nodejs:dynamic/instant:${type}`, name, { ...props, ...args, __provider }, own] as const;
}

class Account extends pulumi.CustomResource {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super(...instant("Account", ["webhookSecret"], name, { name, ...args }, opts));
  }
}

class ApiKey extends pulumi.CustomResource {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super(...instant("ApiKey", ["token"], name, args, opts));
  }
}

class Limit extends pulumi.CustomResource {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super(...instant("Limit", [], name, args, opts));
  }
}

class SipRealm extends pulumi.CustomResource {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super(...instant("SipRealm", [], name, args, opts));
  }
}

export const jambonz = { Account, ApiKey, Limit, SipRealm };
