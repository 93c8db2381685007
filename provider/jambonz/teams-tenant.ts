import { z } from "zod";
import { UserError } from "../errors";
import { resource, type Properties, type Refusal } from "../resource";
import { fromRow, isAsSent, toRow, type Jambonz, type Row } from "./client";
import { createUnique, isDuplicate, isSameName } from "./names";
import { accountServiceProviderSid, sid, text, unseen } from "./types";
import { certain } from "./uses";

/** A domain of Microsoft Teams that belongs to an account. */
export const microsoftTeamsTenant = resource<Jambonz>()({
  type: "jambonz:MicrosoftTeamsTenant",
  description:
    "A tenant of Microsoft Teams: the domain under which Teams sends an account's calls by direct routing. jambonz asks nobody whose a tenant is, so every key sees those of all.",
  example: {
    title: "Calls from Teams for an account",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      acmeTeams: {
        type: "jambonz:MicrosoftTeamsTenant",
        properties: { accountSid: "${acme.sid}", tenantFqdn: "acme.teams.example.com" },
      },
    },
  },
  idFormat: "<tenant sid>",
  sidFromId: "whole",
  deleteBeforeReplace: true, // a domain is unique on the platform
  onDelete: "Deletes the tenant in jambonz: calls from its domain are no longer the account's. Nothing changes in Teams.",
  inputs: z.strictObject({
    accountSid: sid
      .describe("The account that the tenant is for.")
      .meta({ replaceOnChanges: true, refersTo: "jambonz:Account", holdsBack: true }),
    tenantFqdn: text
      .max(255)
      .regex(/^[^\s.]+(\.[^\s.]+)+$/, { error: "must be a domain name, such as acme.teams.example.com" })
      .describe("The domain name of the tenant's direct routing; unique on the platform."),
    applicationSid: sid.optional().describe("The application that handles calls from Teams."),
  }),
  outputs: z.object({ sid: sid.describe("The tenant's sid."), accountServiceProviderSid }),

  async refuseCreate(jambonz, inputs, { replacing }) {
    // jambonz does not ask whose the account is.
    if (!(await jambonz.seenProviderOf(inputs))) return { reason: unseen(inputs) };
    // The platform itself refuses a domain that is taken, which is too late where the old one goes first.
    if (!replacing) return undefined;
    const { tenantFqdn, applicationSid } = inputs;
    if (applicationSid && !(await jambonz.getIfThere(`/Applications/${applicationSid}`)))
      return { reason: `the key in use sees no application ${applicationSid}` };
    return taken(jambonz, tenantFqdn, replacing);
  },

  create: async (jambonz, inputs) =>
    createUnique(jambonz, {
      path: LIST,
      row: toRow({ ...inputs, serviceProviderSid: await jambonz.seenProviderOf(inputs) }),
      accountSid: inputs.accountSid,
      isRefusal: isDuplicate,
      inTheWay: () => taken(jambonz, inputs.tenantFqdn),
    }),

  async existing(jambonz) {
    return new Set((await jambonz.atFirst(LIST)).map(sidOf));
  },

  async find(jambonz, inputs) {
    const rows = await jambonz.list(LIST, 0);
    const ownership = await jambonz.ownership(inputs);
    return rows
      .filter((row) => row.account_sid === inputs.accountSid && row.tenant_fqdn === inputs.tenantFqdn)
      .map((row) => ({
        id: sidOf(row),
        outputs: { sid: sidOf(row), ...ownership },
        isOtherwise: !holds(row, inputs),
      }));
  },

  async read(jambonz, id, { accountServiceProviderSid: known }, options) {
    const list = (maxAge?: number) => jambonz.list(LIST, maxAge);
    const row = await jambonz.object({ noun: "MicrosoftTeamsTenants", column: COLUMN, list }, id, options);
    return row && { ...live(row), ...(known ? {} : await jambonz.ownership({ accountSid: String(row.account_sid) })) };
  },

  async list(jambonz) {
    const [rows, accounts] = await Promise.all([jambonz.list(LIST), jambonz.list("/Accounts")]);
    const seen = new Set(accounts.map((row) => row.account_sid));
    return rows
      .filter((row) => seen.has(row.account_sid))
      .map((row) => ({ id: sidOf(row), live: live(row), label: String(row.tenant_fqdn) }));
  },

  async update(jambonz, id, changes) {
    const reason = await ofOther(jambonz, id, 0);
    if (reason) throw new UserError(reason);
    await jambonz.put(`${LIST}/${id}`, toRow(changes));
  },

  refuseDelete: (jambonz, id) => certain((maxAge) => ofOther(jambonz, id, maxAge)),

  async delete(jambonz, id) {
    await jambonz.delete(`${LIST}/${id}`);
  },
});

const LIST = "/MicrosoftTeamsTenants";
const COLUMN = "ms_teams_tenant_sid";

const sidOf = (row: Row) => String(row[COLUMN]);

/** Why a tenant is not touched, or undefined: jambonz asks nobody whose it is. */
async function ofOther(jambonz: Jambonz, id: string, maxAge: number): Promise<string | undefined> {
  if ((await jambonz.scope()) === "admin") return undefined;
  const row = (await jambonz.list(LIST, maxAge)).find((row) => row[COLUMN] === id);
  const owner = row && { accountSid: String(row.account_sid) };
  return owner && !(await jambonz.seenProviderOf(owner)) ? unseen(owner) : undefined;
}

const holds = (row: Row, sent: Properties): boolean => isAsSent(microsoftTeamsTenant.inputs, live(row), sent);

const live = (row: Row): Properties => ({ ...fromRow([microsoftTeamsTenant.inputs], row), sid: row[COLUMN] });

/** Whether another tenant than one has the domain. */
async function taken(jambonz: Jambonz, tenantFqdn: string, except?: string): Promise<Refusal | undefined> {
  const row = (await jambonz.list(LIST, 0)).find((row) => isSameName(row.tenant_fqdn, tenantFqdn) && row[COLUMN] !== except);
  if (!row) return undefined;
  const holder = sidOf(row);
  const isSeen = await jambonz.seenProviderOf({ accountSid: String(row.account_sid) });
  const way = isSeen ? `adopt it (${jambonz.adopt("jambonz:MicrosoftTeamsTenant", holder)})` : "the key in use does not see that account";
  return {
    reason: `the domain ${tenantFqdn} is a tenant of account ${String(row.account_sid)} already: ${holder}; ${way}`,
    holder,
  };
}
