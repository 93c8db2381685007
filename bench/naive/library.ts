/**
 * The resources as somebody writes them in a program after reading Pulumi's guide to dynamic providers: a class for each
 * provider, axios, no package. Pulumi serialises the classes into the state of every resource. The requests are
 * those that come to mind: one for each operation on a resource.
 *
 * https://www.pulumi.com/docs/iac/concepts/resources/dynamic-providers/
 */
import * as pulumi from "@pulumi/pulumi";
import axios, { type AxiosInstance } from "axios";

type Props = Record<string, any>;

/** What all four have in common: the connection, and which inputs differ. */
abstract class JambonzProvider implements pulumi.dynamic.ResourceProvider {
  declare protected api: AxiosInstance;
  protected readonly inputs: string[];
  protected readonly fixed: string[];

  /** @param fixed the inputs that cannot be changed in place */
  constructor(inputs: string[], fixed: string[]) {
    this.inputs = inputs;
    this.fixed = fixed;
  }

  async configure({ config }: pulumi.dynamic.ConfigureRequest): Promise<void> {
    this.api = axios.create({
      baseURL: config.require("jambonz:apiUrl"),
      headers: { authorization: `Bearer ${config.require("jambonz:apiKey")}` },
    });
  }

  async diff(_id: string, olds: Props, news: Props): Promise<pulumi.dynamic.DiffResult> {
    const changed = this.inputs.filter((name) => olds[name] !== news[name]);
    return {
      changes: changed.length > 0,
      replaces: changed.filter((name) => this.fixed.includes(name)),
      deleteBeforeReplace: true,
    };
  }

  abstract create(inputs: Props): Promise<pulumi.dynamic.CreateResult>;
}

class AccountProvider extends JambonzProvider {
  async create(inputs: Props) {
    const { data } = await this.api.post("/Accounts", {
      name: inputs.name,
      service_provider_sid: inputs.serviceProviderSid,
      device_to_call_ratio: inputs.deviceToCallRatio,
    });
    const account = await this.api.get(`/Accounts/${data.sid}`);
    const outs = { ...inputs, sid: data.sid, webhookSecret: account.data.webhook_secret, createdAt: account.data.created_at };
    return { id: data.sid, outs };
  }

  async read(id: string, props: Props) {
    const { data } = await this.api.get(`/Accounts/${id}`);
    return {
      id,
      props: {
        ...props,
        name: data.name,
        serviceProviderSid: data.service_provider_sid,
        deviceToCallRatio: data.device_to_call_ratio,
        sid: id,
        webhookSecret: data.webhook_secret,
        createdAt: data.created_at,
      },
    };
  }

  async update(id: string, olds: Props, news: Props) {
    await this.api.put(`/Accounts/${id}`, { name: news.name, device_to_call_ratio: news.deviceToCallRatio });
    return { outs: { ...olds, ...news } };
  }

  async delete(id: string) {
    await this.api.delete(`/Accounts/${id}`);
  }
}

class ApiKeyProvider extends JambonzProvider {
  async create(inputs: Props) {
    const { data } = await this.api.post("/ApiKeys", { account_sid: inputs.accountSid });
    return { id: data.sid, outs: { ...inputs, sid: data.sid, token: data.token } };
  }

  async read(id: string, props: Props) {
    const { data } = await this.api.get(`/Accounts/${props.accountSid}/ApiKeys`);
    const key = data.find((row: Props) => row.api_key_sid === id);
    return { id, props: { ...props, sid: id, token: key.token } };
  }

  async delete(id: string) {
    await this.api.delete(`/ApiKeys/${id}`);
  }
}

class LimitProvider extends JambonzProvider {
  async create(inputs: Props) {
    const { accountSid, category, quantity } = inputs;
    const { data } = await this.api.post(`/Accounts/${accountSid}/Limits`, { category, quantity });
    return { id: `${accountSid}/${category}`, outs: { ...inputs, sid: data.sid } };
  }

  async read(id: string, props: Props) {
    const { data } = await this.api.get(`/Accounts/${props.accountSid}/Limits`);
    const limit = data.find((row: Props) => row.category === props.category);
    return { id, props: { ...props, quantity: limit.quantity, sid: limit.account_limits_sid } };
  }

  async update(_id: string, olds: Props, news: Props) {
    const { accountSid, category, quantity } = news;
    await this.api.post(`/Accounts/${accountSid}/Limits`, { category, quantity });
    return { outs: { ...olds, ...news } };
  }

  async delete(_id: string, props: Props) {
    await this.api.delete(`/Accounts/${props.accountSid}/Limits?category=${props.category}`);
  }
}

class SipRealmProvider extends JambonzProvider {
  async create(inputs: Props) {
    await this.api.put(`/Accounts/${inputs.accountSid}`, { sip_realm: inputs.realm });
    return { id: inputs.accountSid, outs: inputs };
  }

  async read(id: string, props: Props) {
    const { data } = await this.api.get(`/Accounts/${id}`);
    return { id, props: { ...props, realm: data.sip_realm } };
  }

  async update(id: string, _olds: Props, news: Props) {
    await this.api.put(`/Accounts/${id}`, { sip_realm: news.realm });
    return { outs: news };
  }

  async delete(id: string) {
    await this.api.put(`/Accounts/${id}`, { sip_realm: null });
  }
}

// One object for each type, which the SDK serialises once.
const accountProvider = new AccountProvider(["name", "serviceProviderSid", "deviceToCallRatio"], ["serviceProviderSid"]);
const apiKeyProvider = new ApiKeyProvider(["accountSid"], ["accountSid"]);
const limitProvider = new LimitProvider(["accountSid", "category", "quantity"], ["accountSid", "category"]);
const sipRealmProvider = new SipRealmProvider(["accountSid", "realm"], ["accountSid"]);

class Account extends pulumi.dynamic.Resource {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    const props = { name, sid: undefined, webhookSecret: undefined, createdAt: undefined, ...args };
    super(accountProvider, name, props, { ...opts, additionalSecretOutputs: ["webhookSecret"] });
  }
}

class ApiKey extends pulumi.dynamic.Resource {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super(apiKeyProvider, name, { sid: undefined, token: undefined, ...args }, { ...opts, additionalSecretOutputs: ["token"] });
  }
}

class Limit extends pulumi.dynamic.Resource {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super(limitProvider, name, { sid: undefined, ...args }, opts);
  }
}

class SipRealm extends pulumi.dynamic.Resource {
  constructor(name: string, args: Props, opts?: pulumi.CustomResourceOptions) {
    super(sipRealmProvider, name, args, opts);
  }
}

export const jambonz = { Account, ApiKey, Limit, SipRealm };
