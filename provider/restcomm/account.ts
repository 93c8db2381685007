import { z } from "zod";
import { RefusedError, UnansweredError, UnfinishedError, UserError } from "../errors";
import { resource, type Properties } from "../resource";
import { traitsOf } from "../schema";
import { isUnknown } from "../values";
import { accountSidOf, fromRow, STALE, time, toForm, type Restcomm, type Row } from "./platform";
import { dates, friendlyName, password, sid } from "./types";

const forWhich = "needs exactly one of emailAddress, for a new sub-account, and accountSid, for an account that exists";

const inputs = z
  .strictObject({
    emailAddress: z
      .string()
      .max(255)
      .regex(/^[^\s@?=]+@[^\s@]+\.[^\s@]+$/, { error: "must be an e-mail address, with neither ? nor = before the @" })
      .optional()
      .describe("The e-mail address of a new sub-account. The platform lets each address be used once, for ever.")
      .meta({ replaceOnChanges: true, computed: true, ignoreCase: true }),
    accountSid: sid("AC")
      .optional()
      .describe("An account that exists, to be managed and never closed. Instead of emailAddress.")
      .meta({ replaceOnChanges: "evenIfAdded", local: true }),
    password: password
      .optional()
      .describe(
        "The password, of at least 8 characters; the platform also refuses weak ones. Needed with emailAddress. A new password makes a new authToken.",
      ),
    friendlyName: friendlyName.optional().describe("A description. Default: the e-mail address."),
    status: z
      .enum(["active", "suspended"])
      .optional()
      .describe("Whether the account, with all below it, may be used. An account is closed by deleting it. Default: active.")
      .meta({ platformDefault: "active", typeName: "AccountStatus", ignoreCase: true }),
    role: z
      .enum(["Administrator", "Developer", "ProvisioningAgent"])
      .optional()
      .describe(
        "What a new sub-account may do: an Administrator everything; a Developer everything but manage accounts; a ProvisioningAgent what a Developer may, but not read messages or remove recordings. Default: as the account above it.",
      )
      .meta({ computed: true, typeName: "AccountRole" }),
    closeOnDeletion: z
      .boolean()
      .optional()
      .describe(
        "Whether deleting or replacing the sub-account may close it, with everything below it, for ever. Counts once it was deployed. Default: false.",
      )
      .meta({ local: true }),
  })
  // What is not known yet in a preview may turn out not to be given.
  .refine(({ emailAddress, accountSid }) => [emailAddress, accountSid].some(isUnknown) || Boolean(emailAddress) !== Boolean(accountSid), {
    error: forWhich,
    when: () => true,
  })
  .refine(({ emailAddress, password }) => !emailAddress || isUnknown(emailAddress) || password !== undefined, {
    path: ["password"],
    error: "is required",
    when: () => true,
  })
  .refine(({ accountSid, role }) => !accountSid || isUnknown(accountSid) || role === undefined, {
    path: ["role"],
    error: "cannot be set for an account that is given by accountSid",
    when: () => true,
  });

const outputs = z.object({
  sid: sid("AC").describe("The account's sid."),
  authToken: z.string().describe("The token with which the account signs in.").meta({ secret: true, changesOnUpdate: true }),
  organization: z.string().optional().describe("The sid of its organisation."),
  type: z.string().optional().describe("Full or Trial."),
  uri: z.string().optional().describe("Its path on the platform."),
  ...dates,
});

/** A sub-account, or an account that exists. */
export const account = resource<Restcomm>()({
  type: "restcomm:Account",
  description:
    "An account. With emailAddress it is a new sub-account of the account that signs in; with accountSid it is one that exists, such as that account itself, of which friendlyName, status and password are managed.",
  example: {
    title: "A sub-account",
    resources: {
      acme: {
        type: "restcomm:Account",
        properties: { emailAddress: "ops@acme.example.com", password: "${accountPassword}", friendlyName: "Acme Corporation" },
        options: { protect: true },
      },
    },
  },
  idFormat: "<account sid>",
  sidFromId: "whole",
  onDelete:
    "Closes a sub-account if closeOnDeletion was deployed before, and is refused else: closing is for ever, takes accounts, applications, clients and numbers below it along, and the e-mail address can never be used again. Pulumi's retainOnDelete lets go of it without closing it. An account that was given by accountSid is only forgotten, and so is one that another resource of the program has by accountSid.",
  inputs,
  outputs,

  claims: ({ emailAddress, accountSid }, id) =>
    `account ${id ?? accountSid ?? (isUnknown(emailAddress) ? emailAddress : accountSidOf(emailAddress!))}`,
  isItsClaim: true,

  async refuseCreate(restcomm, { emailAddress }) {
    if (!emailAddress) return undefined;
    const rows = await restcomm.listLately("/Accounts.json");
    // An address is used up for ever, also by the account that would make room.
    const holder = rows.find((row) => isOf(row, emailAddress));
    return holder && { reason: usedUp(restcomm, emailAddress), holder: String(holder.sid) };
  },

  async create(restcomm, { accountSid, ...wanted }) {
    const row = accountSid ? await manage(restcomm, accountSid, wanted) : await make(restcomm, wanted);
    const id = String(row.sid);
    const { emailAddress = row.email_address, role = row.role } = wanted;
    const told = { ...fromRow([outputs], row), emailAddress, role };
    if (row.role === role) return { id, outputs: told };
    throw new UnfinishedError(
      `the platform made it with the role ${String(row.role)} instead of ${String(role)}, as it does where the account that signs in is no Administrator`,
      id,
      { ...told, role: row.role },
    );
  },

  showsLate: true,

  async find(restcomm, { emailAddress }) {
    if (!emailAddress) return [];
    const rows = (await restcomm.list("/Accounts.json", 0)).filter((row) => isOf(row, emailAddress) && !isClosed(row));
    return rows.map((row) => ({
      id: String(row.sid),
      outputs: { ...fromRow([outputs], row), emailAddress, role: row.role },
      createdAt: new Date(time(row.date_created)),
      taken: () => bringsAlong(restcomm, row),
    }));
  },

  unlisted:
    "restcomm:Account: the platform lists the accounts right below the one that signs in, which is not exported itself; sign in as each of those for what is below it",

  /** As accounts that exist: declared by its address, one needs a password, which nobody is told and which ends its token when it is sent. */
  async list(restcomm) {
    const rows = await restcomm.subAccounts();
    return rows.map((row) => {
      const { emailAddress: _, role: __, password: ___, ...managed } = live(row, {});
      return { id: String(row.sid), live: { ...managed, accountSid: row.sid }, label: String(row.friendly_name ?? row.email_address) };
    });
  },

  async read(restcomm, id, state) {
    const row = await restcomm.read(pathOf(id), state);
    if (!row || (row !== STALE && isClosed(row))) return undefined;
    if (row === STALE) return state;
    return live(row, state);
  },

  async update(restcomm, id, changes, _inputs, state) {
    const { password, ...sent } = changes;
    if (password !== null && password !== undefined) sent.password = password; // one that is taken out stays
    if (sent.friendlyName === null) sent.friendlyName = String(state.emailAddress).toLowerCase(); // as the platform keeps it
    if (Object.keys(sent).length === 0) return;
    // The answer to an update tells the time of the update as that of the creation.
    const { dateCreated: _, ...told } = fromRow([outputs], await change(restcomm, id, sent));
    return told;
  },

  refuseReplace({ sid, accountSid, emailAddress, closeOnDeletion }, news) {
    if (accountSid) return undefined;
    if (news.accountSid === sid)
      return `accountSid names this very account, which its emailAddress (${String(emailAddress)}) names here, so it cannot be replaced by itself; keep emailAddress, or, to have it managed and never closed, take the resource out of the state with \`pulumi state delete\` and run \`pulumi up\` again`;
    if (closeOnDeletion) return undefined;
    return `another emailAddress or accountSid means another account, and closing this one (${String(emailAddress)}) for ever, with everything below it; if that is meant, deploy closeOnDeletion: true before. To keep it, declare the other account as a resource of its own`;
  },

  async refuseDelete(restcomm, id, { accountSid, closeOnDeletion }) {
    if (accountSid) return undefined;
    if (restcomm.isOwn(id)) return "it is the account that signs in, which is never closed";
    if (closeOnDeletion) return undefined;
    const row = await restcomm.get(pathOf(id));
    if (row && isClosed(row)) return undefined;
    return "deleting it would close it for ever, with everything below it, and its e-mail address could never be used again; if that is meant, deploy closeOnDeletion: true before. To let go of it without closing it, deploy Pulumi's option retainOnDelete: true before";
  },

  async delete(restcomm, id, { accountSid }) {
    if (accountSid) return;
    try {
      const { status } = await restcomm.put(pathOf(id), { Status: "closed" });
      if (!isClosed({ status })) throw new UnansweredError(`the platform answered that its status is ${String(status)} still`, Date.now());
    } catch (error) {
      // Nothing can be said to a closed account any more: an earlier try may have closed it. A read may still show it as it was.
      if (!(error instanceof RefusedError && error.status === 400 && /\baccount is closed\b/i.test(error.reason))) throw error;
    }
  },
});

/** What nobody chose is not taken over: the platform takes the address for the name. */
function live(row: Row, state: Properties): Properties {
  const live = fromRow([inputs, outputs], row);
  if (live.friendlyName === live.emailAddress && !("friendlyName" in state)) delete live.friendlyName;
  return live;
}

async function make(restcomm: Restcomm, wanted: Properties & { emailAddress?: string }): Promise<Row> {
  const emailAddress = wanted.emailAddress!;
  const isTaken = (error: RefusedError) => error.status === 409;
  const look = async () => (await restcomm.list("/Accounts.json", 0)).find((row) => isOf(row, emailAddress) && !isClosed(row));
  try {
    return bringsAlong(restcomm, await restcomm.createOnce("/Accounts.json", toForm(inputs, wanted), look));
  } catch (error) {
    if (!(error instanceof RefusedError && isTaken(error))) throw error;
    throw error.because(`${usedUp(restcomm, emailAddress)}. The platform says: ${error.reason}`);
  }
}

function usedUp(restcomm: Restcomm, emailAddress: string): string {
  const adopt = restcomm.adopt("restcomm:Account", accountSidOf(emailAddress));
  return `there is or was an account with the e-mail address ${emailAddress}, and an address that was used once can never be used again, not even after its account was closed; choose another one, or, if the account is not closed, adopt it (${adopt})`;
}

/** The platform makes a client along with an account, named after the part of the address before the @. */
function bringsAlong(restcomm: Restcomm, row: Row): Row {
  restcomm.made.add(String(row.sid));
  restcomm.broughtAlong.set(String(row.sid), String(row.email_address).split("@")[0]!.toLowerCase());
  return row;
}

/** Makes an account that exists as the program wants it. */
async function manage(restcomm: Restcomm, accountSid: string, wanted: Properties): Promise<Row> {
  const row = await restcomm.get(pathOf(accountSid));
  if (!row) throw new UserError(`there is no account ${accountSid}`);
  if (isClosed(row)) throw new UserError(`account ${accountSid} is closed, and a closed account cannot be changed any more`);
  const live = fromRow([inputs], row);
  const changes = Object.entries(wanted).filter(([name, value]) => !traitsOf(inputs.shape[name as never]).local && live[name] !== value);
  if (changes.length === 0) return row;
  return { ...row, ...(await change(restcomm, accountSid, Object.fromEntries(changes))), date_created: row.date_created };
}

async function change(restcomm: Restcomm, id: string, changes: Properties): Promise<Row> {
  const own = "it is the account that signs in, and";
  if (restcomm.isOwn(id) && changes.password) throw new UserError(`${own} a new password would end its token in the middle of the run`);
  if (restcomm.isOwn(id) && changes.status && changes.status !== "active") throw new UserError(`${own} it is never suspended`);
  return restcomm.put(pathOf(id), toForm(inputs, changes));
}

const isClosed = (row: Row) => String(row.status).toLowerCase() === "closed";

const isOf = (row: Row, emailAddress: string) => String(row.email_address).toLowerCase() === emailAddress.toLowerCase();

function pathOf(id: string): string {
  return `/Accounts/${id}.json`;
}
