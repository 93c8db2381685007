import type { Jambonz, Row } from "./client";

/** How old a list may be on which a deletion relies, in milliseconds; deletions side by side share it. */
const AGE_BEFORE_DELETION = 5_000;

/** How many names of each kind a message shows. */
const SHOWN = 5;

/**
 * What points to an application, as far as the key in use sees it, in words; undefined where nothing does. The platform refuses
 * to delete it then, in words for phone numbers only and not to a service provider's key, else by a foreign key of its
 * database (lib/routes/api/applications.js).
 */
export async function holding(jambonz: Jambonz, id: string): Promise<string | undefined> {
  // A shared list may still show what this run has changed meanwhile, so a refusal is never given from one.
  return (await listed(jambonz, id, AGE_BEFORE_DELETION)) && listed(jambonz, id, 0);
}

async function listed(jambonz: Jambonz, id: string, maxAge: number): Promise<string | undefined> {
  const users: [list: string, column: string, words: string, label: string][] = [
    ["/PhoneNumbers", "application_sid", "phone number", "number"],
    ["/Accounts", "device_calling_application_sid", "deviceCallingApplicationSid of account", "name"],
    ["/Accounts", "siprec_hook_sid", "siprecHookSid of account", "name"],
    ["/VoipCarriers", "application_sid", "carrier", "name"],
    ["/MicrosoftTeamsTenants", "application_sid", "Teams tenant", "tenant_fqdn"],
  ];
  const found = await Promise.all(
    users.map(async ([list, column, words, label]) => {
      const rows = (await jambonz.list(list, maxAge)).filter((row) => row[column] === id);
      return rows.length > 0 ? `${words} ${names(rows, label)}` : undefined;
    }),
  );
  return found.filter((part) => part !== undefined).join(", ") || undefined;
}

function names(rows: Row[], label: string): string {
  const shown = rows.slice(0, SHOWN).map((row) => String(row[label]));
  return rows.length > SHOWN ? `${shown.join(", ")} and ${rows.length - SHOWN} more` : shown.join(", ");
}
