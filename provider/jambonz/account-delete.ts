import type { Properties } from "../resource";
import { RefusedError } from "../errors";
import type { Jambonz, Row } from "./client";

/** How old a list may be on which a deletion relies, in milliseconds; deletions side by side share it. */
const AGE_BEFORE_DELETION = 5_000;

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
  const refusal = await refusalFrom(jambonz, id, state, AGE_BEFORE_DELETION);
  // A shared list may still show what this run has deleted meanwhile, so a refusal is never given from one.
  return refusal && refusalFrom(jambonz, id, state, 0);
}

async function refusalFrom(jambonz: Jambonz, id: string, state: Properties, maxAge: number): Promise<string | undefined> {
  const list = (path: string) => jambonz.list(path, maxAge);
  const [clients, numbers, allCarriers, users, tenants, accounts, applications, credentials, lcrs] = await Promise.all([
    list("/Clients"),
    list("/PhoneNumbers"),
    list("/VoipCarriers"),
    list("/Users").catch(none("failure retrieving users list")),
    list("/MicrosoftTeamsTenants"),
    list("/Accounts"),
    list(`/Accounts/${id}/Applications`),
    list(`/Accounts/${id}/SpeechCredentials`),
    list("/Lcrs"),
  ]);
  const own = (row: Row) => row.account_sid === id;
  // Only the key of an account sees no other account.
  if (accounts.length === 1 && (await list(`/Accounts/${id}/ApiKeys`)).some((row) => row.token === jambonz.apiKey))
    return "the key that the provider itself uses is one of its keys; run with another key to delete it";
  const carriers = allCarriers.filter(own);
  const carrierSids = new Set(carriers.map((row) => row.voip_carrier_sid));
  const applicationSids = new Set(applications.map((row) => row.application_sid));
  const [gateways, routes] = await Promise.all([
    Promise.all([...carrierSids].map((sid) => list(`/SmppGateways?voip_carrier_sid=${String(sid)}`))),
    Promise.all(carriers.length > 0 ? lcrs.map((lcr) => list(`/LcrRoutes?lcr_sid=${String(lcr.lcr_sid)}`)) : []),
  ]);
  const entries = routes.flat().flatMap((route) => (route.lcr_carrier_set_entries ?? []) as Row[]);

  const pointing = (column: string) => accounts.filter((row) => applicationSids.has(row[column]));
  const foreignNumbers = numbers.filter(
    (row) => !own(row) && (carrierSids.has(row.voip_carrier_sid) || applicationSids.has(row.application_sid)),
  );
  const blockers = counted([
    ["SIP client", "SIP clients", clients.filter(own), "username"], // GET /Clients ignores a filter by account
    ["SMPP gateway", "SMPP gateways", gateways.flat(), "smpp_gateway_sid"],
    ["LCR entry", "LCR entries", entries.filter((entry) => carrierSids.has(entry.voip_carrier_sid)), "lcr_carrier_set_entry_sid"],
    [
      "account whose deviceCallingApplicationSid is one of its applications",
      "accounts whose deviceCallingApplicationSid is one of its applications",
      pointing("device_calling_application_sid"),
      "name",
    ],
    [
      "account whose siprecHookSid is one of its applications",
      "accounts whose siprecHookSid is one of its applications",
      pointing("siprec_hook_sid"),
      "name",
    ],
    [
      "phone number of another account that uses its carriers or applications",
      "phone numbers of other accounts that use its carriers or applications",
      foreignNumbers,
      "number",
    ],
  ]);
  if (blockers) return `the platform cannot delete an account with ${blockers}; remove that first`;

  const losses = counted([
    ["application", "applications", applications, "name"],
    ["phone number", "phone numbers", numbers.filter(own), "number"],
    ["carrier", "carriers", carriers, "name"],
    ["user", "users", users.filter(own), "name"],
    ["speech credential", "speech credentials", credentials.filter(own), "vendor"],
    ["Teams tenant", "Teams tenants", tenants.filter(own), "tenant_fqdn"],
  ]);
  if (!losses || state.forceDestroy === true) return undefined;
  return `deleting it would also delete ${losses}; remove that first, or deploy forceDestroy: true before`;
}

/** How many names of each kind a message shows. */
const SHOWN = 5;

/** `2 applications (ivr, queue), 1 user (ann)`, or an empty text where there is nothing. */
function counted(kinds: [one: string, many: string, rows: Row[], nameColumn: string][]): string {
  return kinds
    .filter(([, , rows]) => rows.length > 0)
    .map(([one, many, rows, column]) => {
      const names = rows.slice(0, SHOWN).map((row) => String(row[column]));
      return `${rows.length} ${rows.length === 1 ? one : many} (${names.join(", ")}${rows.length > SHOWN ? ", …" : ""})`;
    })
    .join(", ");
}

/** An empty list where the platform answers 500 for there being nothing (lib/routes/api/users.js). */
function none(text: string): (error: unknown) => Row[] {
  return (error) => {
    if (error instanceof RefusedError && error.reason.includes(text)) return [];
    throw error;
  };
}
