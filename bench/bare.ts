import http from "node:http";
import axios, { type AxiosInstance } from "axios";
import type { Declared } from "../test/support/pulumi";
import type { SandboxProcess } from "./platform";
import type { Operation } from "./variants";

type Args = Record<string, any>;

/**
 * The requests alone, as many at once as the package sends by default: what platform and network cost. These are the
 * fewest that do each operation, in the order in which one thing needs another.
 */
export class Bare {
  /** Sids of accounts and keys by their names in the program. */
  readonly #sids = new Map<string, string>();
  readonly #api: AxiosInstance;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 10 });
  readonly #serviceProviderSid: string;

  constructor({ url, key, serviceProviderSid }: SandboxProcess) {
    this.#serviceProviderSid = serviceProviderSid;
    this.#api = axios.create({ baseURL: url, headers: { authorization: `Bearer ${key}` }, httpAgent: this.#agent, proxy: false });
  }

  async run(operation: Operation, resources: readonly Declared[]): Promise<void> {
    if (operation === "no-op") return;
    if (operation === "refresh") await this.#api.get(`/ServiceProviders/${this.#serviceProviderSid}/Accounts`);
    const accounts = resources.filter(({ type }) => type === "jambonz:Account");
    await Promise.all(
      accounts.map((account) => {
        const ref = `${account.name}.sid`;
        const members = resources.filter(({ args }) => (args as Args).accountSid?.$ref === ref);
        return this[operation](account, members);
      }),
    );
  }

  close(): void {
    this.#agent.destroy();
  }

  async create(account: Declared, members: readonly Declared[]): Promise<void> {
    const { data } = await this.#api.post("/Accounts", this.#row(account));
    const sid = data.sid as string;
    this.#sids.set(account.name, sid);
    const read = this.#api.get(`/Accounts/${sid}`); // the webhook secret is told nowhere else
    const made = members.map(async ({ type, name, args }) => {
      const { realm, category, quantity } = args as Args;
      if (type === "jambonz:ApiKey") {
        const { data } = await this.#api.post("/ApiKeys", { account_sid: sid });
        this.#sids.set(name, data.sid as string);
      } else if (type === "jambonz:SipRealm") await this.#api.put(`/Accounts/${sid}`, { sip_realm: realm });
      else await this.#api.post(`/Accounts/${sid}/Limits`, { category, quantity });
    });
    await Promise.all([read, ...made]);
  }

  async refresh({ name }: Declared): Promise<void> {
    const sid = this.#sids.get(name);
    await Promise.all([this.#api.get(`/Accounts/${sid}/ApiKeys`), this.#api.get(`/Accounts/${sid}/Limits`)]);
  }

  async update(account: Declared, members: readonly Declared[]): Promise<void> {
    const sid = this.#sids.get(account.name);
    const limits = members.filter(({ type }) => type === "jambonz:Limit").map(({ args }) => args as Args);
    await Promise.all([
      this.#api.put(`/Accounts/${sid}`, { device_to_call_ratio: this.#row(account).device_to_call_ratio }),
      ...limits.map(({ category, quantity }) => this.#api.post(`/Accounts/${sid}/Limits`, { category, quantity })),
    ]);
  }

  async destroy(account: Declared, members: readonly Declared[]): Promise<void> {
    const sid = this.#sids.get(account.name);
    await Promise.all(
      members.map(async ({ type, name, args }) => {
        if (type === "jambonz:ApiKey") await this.#api.delete(`/ApiKeys/${this.#sids.get(name)}`);
        else if (type === "jambonz:SipRealm") await this.#api.put(`/Accounts/${sid}`, { sip_realm: null });
        else await this.#api.delete(`/Accounts/${sid}/Limits?category=${(args as Args).category}`);
      }),
    );
    await this.#api.delete(`/Accounts/${sid}`);
  }

  #row({ name, args }: Declared): Record<string, unknown> {
    return { name, service_provider_sid: this.#serviceProviderSid, device_to_call_ratio: (args as Args).deviceToCallRatio };
  }
}
