import { z } from "zod";
import { resource, type Properties, type Refusal } from "../resource";
import { fromRow, isAsSent, toRow, type Jambonz, type Row } from "./client";
import { alreadyThere, createUnique, isDuplicate, isSameName } from "./names";
import { sid, text, webhook } from "./types";
import { usesOfServiceProvider } from "./uses";

const LIST = "/ServiceProviders";

/** Whoever has accounts on a platform. */
export const serviceProvider = resource<Jambonz>()({
  type: "jambonz:ServiceProvider",
  description:
    "A service provider: whoever has accounts on a jambonz, with carriers, speech credentials, limits and keys for all of them. Only an admin's key makes and deletes one; its own key may change it. Every jambonz has one to begin with, which most programs look up by getServiceProvider.",
  example: {
    title: "A reseller with a tenant of its own",
    resources: {
      reseller: { type: "jambonz:ServiceProvider", properties: { name: "Globex Telecom" }, options: { protect: true } },
      acme: {
        type: "jambonz:Account",
        properties: { serviceProviderSid: "${reseller.sid}", sipRealm: "acme.sip.example.com" },
      },
    },
  },
  idFormat: "<service provider sid>",
  sidFromId: "whole",
  deleteBeforeReplace: true, // a name is unique
  onDelete:
    "Deletes the service provider with its API keys and limits. Refused with a list, before anything is sent, while it has accounts, users, applications, phone numbers, Teams tenants, LCRs or addresses of SBCs or SMPP servers, and while phone numbers or LCR entries are on its carriers. Its carriers and speech credentials would go with it, so that is refused, too, unless forceDestroy was deployed before.",
  inputs: z.strictObject({
    name: text.min(1).max(64).describe("The name; unique on the platform.").meta({ defaultsToName: true }),
    description: text.min(1).max(255).optional().describe("What it is, in words."),
    rootDomain: text
      .max(128)
      .regex(/^[^\s.]+(\.[^\s.]+)+$/, { error: "must be a domain name, such as sip.example.com" })
      .optional()
      .describe("The domain under which the platform makes realms for it; unique on the platform."),
    msTeamsFqdn: text.min(1).max(255).optional().describe("The domain name of its border controller for Microsoft Teams."),
    registrationHook: webhook
      .optional()
      .describe(
        "Called to authenticate a device that registers. jambonz makes a new webhook whenever the service provider changes, and never deletes the old one.",
      ),
    forceDestroy: z
      .boolean()
      .optional()
      .describe(
        "Whether deleting the service provider also deletes its carriers with their gateways, and its speech credentials. Counts once it was deployed. Default: false.",
      )
      .meta({ local: true }),
  }),
  outputs: z.object({ sid: sid.describe("The service provider's sid.") }),

  /** The platform itself refuses a name that is taken, which is too late where the old one goes first. */
  refuseCreate: async (jambonz, inputs, { replacing }) => (replacing ? taken(jambonz, inputs, replacing) : undefined),

  create: (jambonz, { forceDestroy: _, ...inputs }) =>
    createUnique(jambonz, { path: LIST, row: toRow(inputs), isRefusal: isDuplicate, inTheWay: () => taken(jambonz, inputs) }),

  async existing(jambonz) {
    return new Set((await jambonz.atFirst(LIST)).map(sidOf));
  },

  async find(jambonz, { forceDestroy: _, ...inputs }) {
    const rows = (await jambonz.list(LIST, 0)).filter(({ name }) => name === inputs.name);
    return rows.map((row) => ({ id: sidOf(row), outputs: { sid: sidOf(row) }, isOtherwise: !holds(row, inputs) }));
  },

  async read(jambonz, id, _state, options) {
    const list = (maxAge?: number) => jambonz.list(LIST, maxAge);
    const row = await jambonz.object({ noun: "ServiceProviders", column: COLUMN, list }, id, options);
    return row && live(row);
  },

  unlisted: "jambonz:ServiceProvider: not listed, because every jambonz has one that no program knows; adopt one by its sid",

  async update(jambonz, id, changes, { registrationHook }) {
    // An update that does not name the hook clears it (lib/routes/api/service-providers.js), also one that the program leaves alone.
    const kept =
      "registrationHook" in changes || registrationHook ? registrationHook : (await jambonz.get(`${LIST}/${id}`)).registration_hook;
    await jambonz.put(`${LIST}/${id}`, toRow({ ...changes, registrationHook: kept ?? {} }));
  },

  refuseDelete: usesOfServiceProvider,

  async delete(jambonz, id) {
    await jambonz.delete(`${LIST}/${id}`);
  },
});

const COLUMN = "service_provider_sid";

const sidOf = (row: Row) => String(row[COLUMN]);

interface Named {
  name: string;
  rootDomain?: string;
}

/** Whether another service provider than one has the name or the domain. */
async function taken(jambonz: Jambonz, { name, rootDomain }: Named, except?: string): Promise<Refusal | undefined> {
  const rows = (await jambonz.list(LIST, 0)).filter((row) => row[COLUMN] !== except);
  const row =
    rows.find((row) => isSameName(row.name, name)) ??
    rows.find((row) => rootDomain !== undefined && isSameName(row.root_domain, rootDomain));
  if (!row) return undefined;
  const what = `a service provider has ${isSameName(row.name, name) ? `the name "${name}"` : `the domain ${rootDomain}`} already`;
  return alreadyThere(jambonz, serviceProvider.type, sidOf(row), what, ", or choose another");
}

const holds = (row: Row, sent: Properties): boolean => isAsSent(serviceProvider.inputs, live(row), sent);

const live = (row: Row): Properties => ({ ...fromRow([serviceProvider.inputs], row), sid: row[COLUMN] });
