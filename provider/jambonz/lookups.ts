import { z } from "zod";
import { UserError } from "../errors";
import { lookup } from "../resource";
import { fromRow, type Jambonz, type Row } from "./client";
import { sid } from "./types";

const serviceProviderResult = z.object({
  sid: sid.describe("The service provider's sid."),
  name: z.string().describe("Its name."),
  description: z.string().optional().describe("Its description."),
  rootDomain: z.string().optional().describe("The domain under which the platform makes realms for it."),
});

/** Look-ups share requests at the same time only: what the program has made since must be seen. In milliseconds. */
const LOOKUP_AGE = 1;

/** Without secrets: what a look-up gives is not encrypted. */
const accountResult = z.object({
  sid: sid.describe("The account's sid."),
  name: z.string().describe("Its name."),
  serviceProviderSid: sid.describe("The service provider that owns it."),
  sipRealm: z.string().optional().describe("Its SIP domain."),
  isActive: z.boolean().describe("Whether it may be used."),
  createdAt: z.string().describe("When it was created, in ISO 8601."),
});

const nameOrSid = {
  name: z.string().min(1).optional().describe("The name, exactly. Either this or sid."),
  sid: sid.optional().describe("The sid. Either this or name."),
};

const oneOfNameAndSid = {
  error: "needs exactly one of name and sid",
  when: () => true,
};

export const getServiceProvider = lookup<Jambonz>()({
  type: "jambonz:getServiceProvider",
  description: "One service provider, by name or sid. It is an error when there is none, or more than one.",
  inputs: z.strictObject(nameOrSid).refine(({ name, sid }) => Boolean(name) !== Boolean(sid), oneOfNameAndSid),
  outputs: serviceProviderResult,
  async run(jambonz, query) {
    const rows = await jambonz.list("/ServiceProviders", LOOKUP_AGE);
    return theOne("service provider", query, rows.map(toServiceProvider));
  },
});

export const getServiceProviders = lookup<Jambonz>()({
  type: "jambonz:getServiceProviders",
  description: "All service providers that the key in use sees.",
  inputs: z.strictObject({}),
  outputs: z.object({
    serviceProviders: z.array(serviceProviderResult.meta({ typeName: "ServiceProviderInformation" })).describe("The service providers."),
  }),
  async run(jambonz) {
    return { serviceProviders: (await jambonz.list("/ServiceProviders", LOOKUP_AGE)).map(toServiceProvider) };
  },
});

export const getAccount = lookup<Jambonz>()({
  type: "jambonz:getAccount",
  description: "One account, by name or sid. It is an error when there is none, or more than one.",
  inputs: z
    .strictObject({ ...nameOrSid, serviceProviderSid: sid.optional().describe("Looks only among the accounts of this service provider.") })
    .refine(({ name, sid }) => Boolean(name) !== Boolean(sid), oneOfNameAndSid),
  outputs: accountResult,
  async run(jambonz, { serviceProviderSid, ...query }) {
    return theOne("account", query, await accounts(jambonz, serviceProviderSid));
  },
});

export const getAccounts = lookup<Jambonz>()({
  type: "jambonz:getAccounts",
  description: "All accounts that the key in use sees.",
  inputs: z.strictObject({ serviceProviderSid: sid.optional().describe("Only the accounts of this service provider.") }),
  outputs: z.object({ accounts: z.array(accountResult.meta({ typeName: "AccountInformation" })).describe("The accounts.") }),
  async run(jambonz, { serviceProviderSid }) {
    return { accounts: await accounts(jambonz, serviceProviderSid) };
  },
});

async function accounts(jambonz: Jambonz, serviceProviderSid: string | undefined) {
  const rows = await jambonz.list(serviceProviderSid ? `/ServiceProviders/${serviceProviderSid}/Accounts` : "/Accounts", LOOKUP_AGE);
  return rows.map((row) => result(accountResult, { ...row, sid: row.account_sid }));
}

function toServiceProvider(row: Row) {
  return result(serviceProviderResult, { ...row, sid: row.service_provider_sid });
}

function result<S extends z.ZodObject>(schema: S, row: Row): z.output<S> {
  return fromRow([schema], row) as z.output<S>;
}

function theOne<T extends { sid: string; name: string }>(what: string, query: { name?: string; sid?: string }, all: T[]): T {
  const matches = all.filter((item) => (query.sid ? item.sid === query.sid : item.name === query.name));
  if (matches.length === 1) return matches[0]!;
  const wanted = query.sid ? `with sid ${query.sid}` : `named "${query.name}"`;
  if (matches.length > 1)
    throw new UserError(`there are ${matches.length} ${what}s ${wanted}: ${matches.map(({ sid }) => sid).join(", ")}; look it up by sid`);
  const names = all.slice(0, 10).map(({ name }) => name);
  throw new UserError(
    `there is no ${what} ${wanted}; the key in use sees ${all.length === 0 ? "none" : names.join(", ") + (all.length > names.length ? ", …" : "")}`,
  );
}
