import type { Database, Row } from "../database";
import { asText, make, update, type Body } from "./model";
import type { TableName } from "./tables";

/** Makes a webhook for each hook that a create names, and leaves its sid in the hook's place. */
export async function makeHooks(db: Database, body: Body, hooks: readonly string[]): Promise<void> {
  for (const hook of hooks) {
    if (!body[hook]) continue;
    body[`${hook}_sid`] = await make(db, "webhooks", body[hook] as Body);
    delete body[hook];
  }
}

/** Makes a new webhook, the old one staying behind for ever, or changes the one that the hook names by its sid. */
export async function replaceHook(db: Database, body: Body, hook: string): Promise<void> {
  const { webhook_sid: sid, ...fields } = body[hook] as Body;
  if (sid === undefined) body[`${hook}_sid`] = await make(db, "webhooks", fields);
  else await update(db, "webhooks", asText(sid), fields);
  delete body[hook];
}

/** Removes a webhook that nothing points to any more through this column. */
export async function removeUnusedHook(db: Database, table: TableName, column: string, row: Row): Promise<void> {
  const sid = row[column];
  if (sid && (await db.count(table, { [column]: sid })) === 0) await db.delete("webhooks", { webhook_sid: sid });
}
