import type { RefusedError } from "../errors";
import type { Properties } from "../resource";
import { none, type Jambonz, type Row } from "./client";
import { routesOf } from "./lcr-route";
import { isOf } from "./types";

/** How old a list may be on which a deletion relies, in milliseconds; deletions side by side share it. */
export const AGE_BEFORE_DELETION = 5_000;

/** How many names of each kind a message shows. */
const SHOWN = 5;

/** Rows of one kind, and how a message calls them. */
export type Found = [one: string, many: string, rows: Row[], nameColumn: string];

/**
 * What speaks against a deletion. A shared list may still show what this run has changed meanwhile, so a refusal is never
 * given from one.
 */
export async function certain(ask: (maxAge: number) => Promise<string | undefined>): Promise<string | undefined> {
  return (await ask(AGE_BEFORE_DELETION)) && ask(0);
}

/** `2 applications (ivr, queue)` for each kind of which there are any. */
function counted(kinds: Found[]): string[] {
  return kinds
    .filter(([, , rows]) => rows.length > 0)
    .map(([one, many, rows, column]) => {
      const names = rows.slice(0, SHOWN).map((row) => String(row[column]));
      return `${rows.length} ${rows.length === 1 ? one : many} (${names.join(", ")}${rows.length > SHOWN ? ", …" : ""})`;
    });
}

interface Contents {
  /** What the platform cannot delete it with. */
  held: Found[];
  /** What the platform deletes along. */
  losses: Found[];
  /** Whether the program wants that. */
  forceDestroy: unknown;
}

/** Why something is not deleted for what it has, as a sentence. */
export function refusalOf(what: string, { held, losses, forceDestroy }: Contents): string | undefined {
  const holding = counted(held).join(", ");
  if (holding) return `the platform cannot delete ${what} while there is ${holding}; remove that first`;
  const lost = counted(losses).join(", ");
  if (!lost || forceDestroy === true) return undefined;
  return `deleting it would also delete ${lost}; remove that first, or deploy forceDestroy: true before`;
}

/** The entries of LCRs, each with the carrier that it names. */
export async function entriesOf(jambonz: Jambonz, lcrs: Row[], maxAge: number): Promise<Row[]> {
  const routes = await Promise.all(lcrs.map(({ lcr_sid }) => routesOf(jambonz, lcr_sid, maxAge)));
  return routes.flat().flatMap((route) => (route.lcr_carrier_set_entries ?? []) as Row[]);
}

/**
 * What holds a carrier back from being deleted, as a sentence. The platform asks for phone numbers first, then deletes the
 * gateways, and only then notices an LCR (lib/routes/api/voip-carriers.js), so that is looked at before anything is sent.
 */
export function usesOfCarrier(jambonz: Jambonz, id: string): Promise<string | undefined> {
  return certain(async (maxAge) => {
    const [numbers, lcrs] = await Promise.all([jambonz.list("/PhoneNumbers", maxAge), jambonz.list("/Lcrs", maxAge)]);
    const entries = await entriesOf(jambonz, lcrs, maxAge);
    const on = (rows: Row[]) => rows.filter((row) => row.voip_carrier_sid === id);
    const uses = counted([
      ["phone number", "phone numbers", on(numbers), "number"],
      ["LCR entry", "LCR entries", on(entries), "lcr_carrier_set_entry_sid"],
    ]);
    return uses.length > 0 ? `it is used by ${uses.join(" and ")}; remove that first` : undefined;
  });
}

/**
 * What points to an application, as far as the key in use sees it, as a sentence. The platform refuses to delete it then, in
 * words for phone numbers only and not to a service provider's key, else by a foreign key of its database
 * (lib/routes/api/applications.js).
 */
export function usesOfApplication(jambonz: Jambonz, id: string): Promise<string | undefined> {
  const users: [list: string, column: string, words: string, label: string][] = [
    ["/PhoneNumbers", "application_sid", "phone number", "number"],
    ["/Accounts", "device_calling_application_sid", "deviceCallingApplicationSid of account", "name"],
    ["/Accounts", "siprec_hook_sid", "siprecHookSid of account", "name"],
    ["/VoipCarriers", "application_sid", "carrier", "name"],
    ["/MicrosoftTeamsTenants", "application_sid", "Teams tenant", "tenant_fqdn"],
  ];
  return certain(async (maxAge) => {
    const found = await Promise.all(
      users.map(async ([list, column, words, label]) => {
        const rows = (await jambonz.list(list, maxAge)).filter((row) => row[column] === id);
        return rows.length > 0 ? [`${words} ${names(rows, label)}`] : [];
      }),
    );
    const uses = found.flat().join(", ");
    return uses && `the platform cannot delete an application that is in use by ${uses}; let that point elsewhere, or remove it first`;
  });
}

/**
 * What holds a service provider back from being deleted, or would be lost with it, as a sentence. The platform itself asks for
 * accounts and users only, and then deletes step by step until a foreign key stops it (lib/routes/api/service-providers.js).
 */
export async function usesOfServiceProvider(jambonz: Jambonz, id: string, { forceDestroy }: Properties): Promise<string | undefined> {
  const providers = await jambonz.list("/ServiceProviders", AGE_BEFORE_DELETION);
  if (!providers.some((row) => row.service_provider_sid === id)) return undefined;
  return certain(async (maxAge) => {
    const list = (path: string) => jambonz.list(path, maxAge);
    const own = (rows: Row[]) => rows.filter((row) => row.service_provider_sid === id);
    const addresses = (path: string) => list(`${path}?service_provider_sid=${id}`).then(own);
    const [accounts, users, applications, numbers, tenants, lcrs, carriers, speech, sbcs, smpps] = await Promise.all([
      list(`/ServiceProviders/${id}/Accounts`),
      usersOf(jambonz, maxAge),
      list("/Applications"),
      list("/PhoneNumbers"),
      list("/MicrosoftTeamsTenants"),
      list("/Lcrs"),
      list("/VoipCarriers"),
      list(`/ServiceProviders/${id}/SpeechCredentials`),
      addresses("/Sbcs"),
      addresses("/Smpps"),
    ]);
    const trunks = new Set(own(carriers).map((row) => row.voip_carrier_sid));
    const onThem = (row: Row) => trunks.has(row.voip_carrier_sid);
    const entries = trunks.size === 0 ? [] : await entriesOf(jambonz, lcrs, maxAge);
    const held: Found[] = [
      ["account", "accounts", accounts, "name"],
      ["user", "users", own(users), "name"],
      ["application", "applications", own(applications), "name"],
      ["phone number", "phone numbers", numbers.filter((row) => row.service_provider_sid === id || onThem(row)), "number"],
      ["Teams tenant", "Teams tenants", own(tenants), "tenant_fqdn"],
      ["LCR", "LCRs", own(lcrs), "name"],
      ["LCR entry on its carriers", "LCR entries on its carriers", entries.filter(onThem), "lcr_carrier_set_entry_sid"],
      ["address of an SBC", "addresses of SBCs", own(sbcs), "ipv4"],
      ["address of an SMPP server", "addresses of SMPP servers", own(smpps), "ipv4"],
    ];
    const losses: Found[] = [
      ["carrier", "carriers", own(carriers), "name"],
      ["speech credential", "speech credentials", speech.filter((row) => isOf({ serviceProviderSid: id }, row)), "vendor"],
    ];
    return refusalOf("a service provider", { held, losses, forceDestroy });
  });
}

/** The users that the key in use sees, without all that they have. Where there are none the platform answers by an error (lib/routes/api/users.js). */
export const usersOf = (jambonz: Jambonz, maxAge?: number): Promise<Row[]> => jambonz.list("/Users", maxAge).catch(none(isWithoutUsers));

export const isWithoutUsers = ({ reason }: RefusedError): boolean => reason.includes("failure retrieving users list");

function names(rows: Row[], label: string): string {
  const shown = rows.slice(0, SHOWN).map((row) => String(row[label]));
  return rows.length > SHOWN ? `${shown.join(", ")} and ${rows.length - SHOWN} more` : shown.join(", ");
}
