import type { Properties } from "../resource";
import { RefusedError } from "../errors";
import type { Jambonz, Row } from "./client";
import { AGE_BEFORE_DELETION, certain, entriesOf, refusalOf, usersOf, type Found } from "./uses";

/** What belongs to an account, and what elsewhere holds on to it. Rows as the platform's lists give them. */
interface Contents {
  account: Row | undefined;
  applications: Row[];
  carriers: Row[];
  clients: Row[];
  lcrs: Row[];
  numbers: Row[];
  speechCredentials: Row[];
  teamsTenants: Row[];
  users: Row[];
  /** What others have that refers to its carriers or applications: foreign keys with which the platform refuses. */
  holders: Found[];
}

/**
 * What stands in the way of deleting an account, or would be lost with it.
 *
 * The platform deletes the account's keys first and then, one statement after the other, everything else; where
 * a foreign key holds something back it answers 500 in the middle (lib/routes/api/accounts.js), and what went before
 * stays deleted. So everything is looked at before anything is sent.
 */
export async function refuseAccountDelete(jambonz: Jambonz, id: string, state: Properties): Promise<string | undefined> {
  const accounts = await jambonz.list("/Accounts", AGE_BEFORE_DELETION);
  const listed = accounts.some((row) => row.account_sid === id);
  if (!listed && !(await jambonz.accountNow(id, state.serviceProviderSid as string | undefined))) return undefined;
  return certain((maxAge) => refusalFrom(jambonz, id, state, maxAge));
}

async function refusalFrom(jambonz: Jambonz, id: string, state: Properties, maxAge: number): Promise<string | undefined> {
  const accounts = await jambonz.list("/Accounts", maxAge);
  // Only the key of an account sees no other account.
  if (accounts.length === 1 && (await jambonz.list(`/Accounts/${id}/ApiKeys`, maxAge)).some((row) => row.token === jambonz.apiKey))
    return "the key that the provider itself uses is one of its keys; run with another key to delete it";
  const contents = await contentsOf(jambonz, id, maxAge);
  const losses: Found[] = [
    ["application", "applications", contents.applications, "name"],
    ["phone number", "phone numbers", contents.numbers, "number"],
    ["carrier", "carriers", contents.carriers, "name"],
    ["SIP client", "SIP clients", contents.clients, "username"],
    ["user", "users", contents.users, "name"],
    ["speech credential", "speech credentials", contents.speechCredentials, "vendor"],
    ["Teams tenant", "Teams tenants", contents.teamsTenants, "tenant_fqdn"],
    ["LCR", "LCRs", contents.lcrs, "name"],
  ];
  return refusalOf("an account", { held: contents.holders, losses, forceDestroy: state.forceDestroy });
}

async function contentsOf(jambonz: Jambonz, id: string, maxAge: number): Promise<Contents> {
  const list = (path: string) => jambonz.list(path, maxAge);
  const [clients, numbers, visibleCarriers, accountCarriers, users, tenants, accounts, applications, credentials, lcrs, ownLcrs] =
    await Promise.all([
      list("/Clients"), // ignores a filter by account
      list("/PhoneNumbers"),
      list("/VoipCarriers"),
      carriersSeenByAccount(jambonz, id, maxAge),
      usersOf(jambonz, maxAge),
      list("/MicrosoftTeamsTenants"),
      list("/Accounts"),
      list(`/Accounts/${id}/Applications`),
      list(`/Accounts/${id}/SpeechCredentials`),
      list("/Lcrs"),
      lcrsSeenByAccount(jambonz, id, maxAge),
    ]);
  const own = (row: Row) => row.account_sid === id;
  const others = (row: Row) => !own(row);
  const carriers = accountCarriers.filter(own);
  const carrierSids = new Set(carriers.map((row) => row.voip_carrier_sid));
  const applicationSids = new Set(applications.map((row) => row.application_sid));
  const usesApplication = (row: Row) => applicationSids.has(row.application_sid);
  const entries = await entriesOf(jambonz, carriers.length === 0 ? [] : lcrs.filter(others), maxAge);
  const pointing = (column: string, property: string): Found => [
    `other account whose ${property} is one of its applications`,
    `other accounts whose ${property} is one of its applications`,
    accounts.filter((row) => others(row) && applicationSids.has(row[column])),
    "name",
  ];
  return {
    account: accounts.find(own),
    applications,
    carriers,
    clients: clients.filter(own),
    lcrs: [...new Map([...lcrs.filter(own), ...ownLcrs].map((row) => [row.lcr_sid, row])).values()],
    numbers: numbers.filter(own),
    speechCredentials: credentials.filter(own),
    teamsTenants: tenants.filter(own),
    users: users.filter(own),
    holders: [
      [
        "entry of another LCR that uses its carriers",
        "entries of other LCRs that use its carriers",
        entries.filter((entry) => carrierSids.has(entry.voip_carrier_sid)),
        "lcr_carrier_set_entry_sid",
      ],
      pointing("device_calling_application_sid", "deviceCallingApplicationSid"),
      pointing("siprec_hook_sid", "siprecHookSid"),
      [
        "phone number of another account that uses its carriers or applications",
        "phone numbers of other accounts that use its carriers or applications",
        numbers.filter((row) => others(row) && (carrierSids.has(row.voip_carrier_sid) || usesApplication(row))),
        "number",
      ],
      [
        "carrier of others that uses its applications",
        "carriers of others that use its applications",
        visibleCarriers.filter((row) => others(row) && usesApplication(row)),
        "name",
      ],
      [
        "Teams tenant of others that uses its applications",
        "Teams tenants of others that use its applications",
        tenants.filter((row) => others(row) && usesApplication(row)),
        "tenant_fqdn",
      ],
    ],
  };
}

/** To the key of a service provider /VoipCarriers does not show those of its accounts that name no service provider. */
async function carriersSeenByAccount(jambonz: Jambonz, id: string, maxAge: number): Promise<Row[]> {
  return jambonz.list((await jambonz.scope()) === "admin" ? "/VoipCarriers" : `/Accounts/${id}/VoipCarriers`, maxAge);
}

/** To the key of a service provider /Lcrs does not show those of its accounts, but to a key of the account it does (lib/routes/api/lcrs.js). */
async function lcrsSeenByAccount(jambonz: Jambonz, id: string, maxAge: number): Promise<Row[]> {
  if ((await jambonz.scope()) === "admin") return [];
  const key = (await jambonz.list(`/Accounts/${id}/ApiKeys`, maxAge))[0]?.token;
  return typeof key === "string" ? jambonz.get<Row[]>("/Lcrs", key) : [];
}

/**
 * Deletes what is in an account, part by part, before the account: a part that the platform refuses for a reason that did
 * not show (the key of a service provider does not see everything) leaves the account and its keys as they are.
 */
export async function deleteContents(jambonz: Jambonz, id: string): Promise<void> {
  const contents = await contentsOf(jambonz, id, 0);
  // With its pointer to an application of its own neither of the two could go.
  const pointers = ["device_calling_application_sid", "siprec_hook_sid"].filter((column) => contents.account?.[column]);
  if (pointers.length > 0) await jambonz.put(`/Accounts/${id}`, Object.fromEntries(pointers.map((column) => [column, null])));
  const remove = async (noun: string, kind: keyof typeof keys) => {
    for (const row of contents[kind]) {
      const sid = row[keys[kind]];
      try {
        await jambonz.delete(`/${noun}/${String(sid)}`);
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        // What somebody else has deleted meanwhile is answered in many ways.
        if (!(await contentsOf(jambonz, id, 0))[kind].some((left) => left[keys[kind]] === sid)) continue;
        throw error.because(`DELETE /${noun}/${String(sid)}, which is in the account, was refused: ${error.reason}`);
      }
    }
  };
  // What refers to something goes before it.
  await Promise.all([
    remove("Lcrs", "lcrs"),
    remove("PhoneNumbers", "numbers"),
    remove("Clients", "clients"),
    remove("MicrosoftTeamsTenants", "teamsTenants"),
  ]);
  await remove("VoipCarriers", "carriers");
  await remove("Applications", "applications");
}

/** What the parts that are deleted one by one are told apart by. */
const keys = {
  applications: "application_sid",
  carriers: "voip_carrier_sid",
  clients: "client_sid",
  lcrs: "lcr_sid",
  numbers: "phone_number_sid",
  teamsTenants: "ms_teams_tenant_sid",
} as const;
