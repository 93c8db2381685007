import { z } from "zod";
import { resource } from "../resource";
import type { Jambonz, Row } from "./client";
import { accountServiceProviderSid, exactlyOneOwner, ownerPath, sid, splitOwner, whole, type Owner } from "./types";

/** The categories that the platform's database knows (db/jambones-sql.sql); its swagger file names others. */
const category = z
  .enum(["api_rate", "voice_call_session", "device", "voice_call_minutes", "voice_call_session_license", "voice_call_minutes_license"])
  .meta({ typeName: "LimitCategory" });

/** How much of one thing an account or a service provider may use. */
export const limit = resource<Jambonz>()({
  type: "jambonz:Limit",
  description: "How much of one thing an account or a service provider may use.",
  example: {
    title: "At most 50 calls at once, and 200 devices",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      acmeCalls: {
        type: "jambonz:Limit",
        properties: { accountSid: "${acme.sid}", category: "voice_call_session", quantity: 50 },
        options: { deletedWith: "${acme}" },
      },
      acmeDevices: {
        type: "jambonz:Limit",
        properties: { accountSid: "${acme.sid}", category: "device", quantity: 200 },
        options: { deletedWith: "${acme}" },
      },
    },
  },
  idFormat: "Accounts/<account sid>/Limits/<category> or ServiceProviders/<service provider sid>/Limits/<category>",
  deleteBeforeReplace: true, // the platform has one limit of a category, and writes over it
  onDelete: "Deletes the limit of this category, so that it is no longer limited.",
  inputs: exactlyOneOwner({
    accountSid: sid.optional().describe("The account that is limited.").meta({ replaceOnChanges: true, refersTo: "jambonz:Account" }),
    serviceProviderSid: sid
      .optional()
      .describe("The service provider that is limited, with all its accounts together.")
      .meta({ replaceOnChanges: true }),
    category: category.describe("What is limited.").meta({ replaceOnChanges: true }),
    quantity: whole.describe("The most that is allowed, in units of the category."),
  }),
  outputs: z.object({
    sid: sid.describe("The limit's sid."),
    accountServiceProviderSid,
  }),

  claims: (inputs, id) => `limit ${id ?? idOf(inputs)}`,
  isItsClaim: true,
  createsOver: true,

  async create(jambonz, inputs) {
    const sid = await set(jambonz, idOf(inputs), inputs.category, inputs.quantity);
    return { id: idOf(inputs), outputs: { sid, ...(await jambonz.ownership(inputs)) } };
  },

  async find(jambonz, inputs) {
    const rows = await jambonz.list(parse(idOf(inputs)).list, 0);
    const row = rows.find(({ category, quantity }) => category === inputs.category && quantity === inputs.quantity);
    return row ? [{ id: idOf(inputs), outputs: { sid: sidOf(row), ...(await jambonz.ownership(inputs)) } }] : [];
  },

  async list(jambonz, progress) {
    const rows = await jambonz.ofEveryOwner("Limits", progress);
    return rows.map(({ owner, row }) => {
      const category = String(row.category);
      return { id: `${ownerPath(owner)}Limits/${category}`, live: live(owner, row), label: category };
    });
  },

  async read(jambonz, id, { accountServiceProviderSid }, { fresh }) {
    const { owner, list, category } = parse(id);
    try {
      const row = (await jambonz.list(list, fresh ? 0 : undefined)).find((row) => row.category === category);
      return row && live(owner, row);
    } catch (error) {
      if (await jambonz.isGoneWithAccount(error, owner.accountSid, accountServiceProviderSid)) return undefined;
      throw error;
    }
  },

  async update(jambonz, id, _changes, { category, quantity }) {
    return { sid: await set(jambonz, id, category, quantity) };
  },

  async delete(jambonz, id) {
    const { list, category } = parse(id);
    await jambonz.delete(`${list}?category=${encodeURIComponent(category)}`);
  },
});

/** Creates the limit or writes over it, so it may be sent twice. */
async function set(jambonz: Jambonz, id: string, category: string, quantity: number): Promise<string> {
  const { sid } = await jambonz.post<{ sid: string }>(parse(id).list, { category, quantity }, { idempotent: true });
  return sid;
}

function live(owner: Owner, row: Row) {
  return { ...owner, category: row.category, quantity: row.quantity, sid: sidOf(row) };
}

function sidOf(row: Row): unknown {
  return row.account_limits_sid ?? row.service_provider_limits_sid;
}

function idOf(inputs: { accountSid?: string; serviceProviderSid?: string; category: string }): string {
  return `${ownerPath(inputs)}Limits/${inputs.category}`;
}

function parse(id: string) {
  const { owner, rest } = splitOwner(id);
  const category = rest.slice("Limits/".length);
  return { owner, list: `/${ownerPath(owner)}Limits`, category };
}
