import type { Properties } from "../resource";
import { toRow, type Jambonz, type Row } from "./client";

/** The columns of hooks. */
const hooks = { callHook: "call_hook", callStatusHook: "call_status_hook", messagingHook: "messaging_hook" } as const;
const columns = Object.values(hooks);

/** An application as the platform takes it. Names of variables are the program's own and stay as they are. */
export function rowOf({ envVars, ...others }: Properties): Row {
  return { ...toRow(others), ...(envVars !== undefined && { env_vars: envVars }) };
}

/**
 * Changes of an application as the platform takes them. For a hook it makes a new webhook, and never deletes the old one,
 * unless the hook is sent with the sid of the webhook that it has. That is then changed for every hook that has the same one
 * (lib/routes/api/applications.js), so one that others have, as far as the key in use sees them, is left as it is. A hook is
 * cleared by that sid only, and its webhook stays behind: no request deletes one.
 */
export async function changesOf(jambonz: Jambonz, id: string, changes: Properties): Promise<Row> {
  const changed = Object.entries(hooks).filter(([name]) => name in changes);
  const row = rowOf(changes);
  if (changed.length === 0) return row;
  const others = (await jambonz.listLately("/Applications")).filter((other) => other.application_sid !== id);
  const now = await jambonz.get(`/Applications/${id}`);
  const holders = (webhook: unknown) =>
    [now, ...others].flatMap((row) => columns.filter((hook) => webhookOf(row, hook) === webhook)).length;
  for (const [name, column] of changed) {
    const hook = changes[name] as Properties | null;
    delete row[column];
    if (hook === null) {
      row[`${column}_sid`] = null;
      continue;
    }
    const webhook = webhookOf(now, column);
    const { url, method = "POST", username = null, password = null } = hook;
    row[column] = { url, method, username, password };
    // Also said as a column: once the webhook is changed, nothing would be left to change, which is an error of its SQL.
    if (webhook !== undefined && holders(webhook) === 1)
      Object.assign(row, { [column]: { webhook_sid: webhook, ...(row[column] as Row) }, [`${column}_sid`]: webhook });
  }
  return row;
}

function webhookOf(row: Row, hook: string): unknown {
  return (row[hook] as Row | null | undefined)?.webhook_sid ?? undefined;
}

/** Whether a request changes a webhook where it is. */
export const changesHook = (row: Row): boolean => columns.some((column) => webhookOf(row, column) !== undefined);
