import type { Jambonz, Row } from "./client";

/** The carriers that the key in use manages. An account's key is shown those of its service provider besides, but may not read one. */
export async function carriersInReach(jambonz: Jambonz): Promise<Row[]> {
  const [carriers, providers] = await Promise.all([jambonz.list("/VoipCarriers"), jambonz.list("/ServiceProviders")]);
  const seen = new Set(providers.map((row) => row.service_provider_sid));
  return carriers.filter(({ account_sid, service_provider_sid }) => account_sid || !service_provider_sid || seen.has(service_provider_sid));
}

/** How many of a kind a message shows. */
const SHOWN = 5;

/**
 * What holds a carrier back from being deleted, as a sentence. The platform asks for phone numbers first, then deletes the
 * gateways, and only then notices an LCR (lib/routes/api/voip-carriers.js), so that is looked at before anything is sent.
 */
export async function usesOfCarrier(jambonz: Jambonz, carrierSid: string, maxAge: number): Promise<string | undefined> {
  const [numbers, lcrs] = await Promise.all([jambonz.list("/PhoneNumbers", maxAge), jambonz.list("/Lcrs", maxAge)]);
  const routes = await Promise.all(lcrs.map(({ lcr_sid }) => jambonz.list(`/LcrRoutes?lcr_sid=${String(lcr_sid)}`, maxAge)));
  const entries = routes.flat().flatMap((route) => (route.lcr_carrier_set_entries ?? []) as Row[]);
  const uses = [
    ...told("phone number", numbers, "number", carrierSid),
    ...told("LCR entry", entries, "lcr_carrier_set_entry_sid", carrierSid),
  ];
  return uses.length > 0 ? `it is used by ${uses.join(" and ")}; remove that first` : undefined;
}

function told(noun: string, rows: Row[], column: string, carrierSid: string): string[] {
  const names = rows.filter((row) => row.voip_carrier_sid === carrierSid).map((row) => String(row[column]));
  if (names.length === 0) return [];
  const plural = names.length === 1 ? noun : noun.replace(/y?$/, (y) => (y ? "ies" : "s"));
  return [`${names.length} ${plural} (${names.slice(0, SHOWN).join(", ")}${names.length > SHOWN ? ", …" : ""})`];
}
