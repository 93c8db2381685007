import { randomUUID } from "node:crypto";
import { syntaxError, type Database, type Row } from "../database";
import { badRequest } from "./errors";
import { tables, type Model, type TableName } from "./tables";

/** A JSON body, or what a handler made of it: every key is taken for a column. */
export type Body = Record<string, unknown>;

/** Anything as a text: objects become "[object Object]", as they do in jambonz. */
export const asText = (value: unknown): string => String(value);

export const keyOf = (table: TableName): string => (tables[table] as Model).key!;

/** jambonz-api-server 0.9.6, lib/models/model.js: the server makes the primary key, whatever the client sends. */
export async function make(db: Database, table: TableName, body: Body): Promise<string> {
  const missing = (tables[table] as Model).required?.find((field) => !(field in body));
  if (missing !== undefined) throw badRequest(`missing field ${missing}`);
  const sid = randomUUID();
  await db.insert(table, { ...body, [keyOf(table)]: sid });
  return sid;
}

/** Changes the columns that the body names. Returns how many rows have this sid. */
export function update(db: Database, table: TableName, sid: string, body: Body): Promise<number> {
  const key = keyOf(table);
  if (key in body) throw badRequest(`primary key ${key} is immutable`);
  if (Object.keys(body).length === 0) throw syntaxError(`WHERE ${key} = '${sid}'`);
  return db.update(table, body, { [key]: sid });
}

export const remove = (db: Database, table: TableName, sid: string): Promise<number> => db.delete(table, { [keyOf(table)]: sid });

export const retrieve = (db: Database, table: TableName, sid: unknown): Promise<Row | undefined> =>
  db.first(table, { [keyOf(table)]: typeof sid === "string" ? sid : null });
