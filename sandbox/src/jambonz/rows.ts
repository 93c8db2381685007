import type { Request, Response } from "express";
import { syntaxError, type Database, type Row, type Value } from "../database";
import { keyOf } from "./model";
import type { TableName } from "./tables";

/** Conditions on a table `t` and the value in each, such as `{"t.account_sid = ?": sid}`. Undefined: no such condition. */
export type Criteria = Record<string, Value | undefined>;

/** The condition for what belongs to the accounts of a service provider. */
export const inServiceProvider = "t.account_sid IN (SELECT account_sid FROM accounts WHERE service_provider_sid = ?)";

export interface Selection {
  /** Hooks `h` whose `h_sid` points to a webhook: answers show an object, or null, in place of the sid. */
  hooks?: readonly string[];
  /** Whether the object shows the webhook's own sid. Default: false. */
  hookSids?: boolean;
  /** Default: the primary key. */
  order?: string;
  page?: { number: number; size: number };
}

/** What answers show: a row in which some columns have become objects. */
export type Shown = Record<string, unknown>;

const hookFields = ["webhook_sid", "url", "method", "username", "password"];

export async function select(db: Database, table: TableName, criteria: Criteria, selection: Selection = {}): Promise<Shown[]> {
  const { hooks = [], hookSids = false, order = `t.${keyOf(table)}`, page } = selection;
  const columns = hooks.flatMap((hook) => hookFields.map((field) => `"${hook}"."${field}" AS "${hook}.${field}"`));
  const joins = hooks.map((hook) => ` LEFT JOIN webhooks AS "${hook}" ON "${hook}".webhook_sid = t."${hook}_sid"`);
  const [condition, values] = where(criteria);
  const limit = page ? ` LIMIT ${page.size} OFFSET ${page.size * (page.number - 1)}` : "";
  const sql = `SELECT ${["t.*", ...columns].join()} FROM ${table} AS t${joins.join("")}${condition} ORDER BY ${order}${limit}`;
  return (await db.query(sql, values)).map((row) => withHooks(row, hooks, hookSids));
}

function where(criteria: Criteria): [string, Value[]] {
  const entries = Object.entries(criteria).filter((entry): entry is [string, Value] => entry[1] !== undefined);
  return [entries.length ? ` WHERE ${entries.map(([condition]) => condition).join(" AND ")}` : "", entries.map(([, value]) => value)];
}

function withHooks(row: Row, hooks: readonly string[], hookSids: boolean): Shown {
  const shown: Shown = { ...row };
  for (const hook of hooks) {
    const entries = hookFields.map((field) => [field, row[`${hook}.${field}`]] as const);
    for (const [field] of entries) delete shown[`${hook}.${field}`];
    delete shown[`${hook}_sid`];
    shown[hook] = row[`${hook}.url`] == null ? null : Object.fromEntries(hookSids ? entries : entries.slice(1));
  }
  return shown;
}

/**
 * Answers a list: an array of everything or, when the query names a page (from 1), one page of it. Pages have 50 entries
 * unless `page_size` says otherwise, and then the answer says so, too.
 */
export async function answerList(
  db: Database,
  request: Request,
  response: Response,
  table: TableName,
  criteria: Criteria,
  { show = (row) => row, ...selection }: Selection & { show?: (row: Shown) => Shown } = {},
): Promise<void> {
  const { page, page_size } = request.query;
  if (page === undefined) {
    response.json((await select(db, table, criteria, selection)).map(show));
    return;
  }
  const [number, size] = [Number(page), Number(page_size ?? 50)];
  if (!(number >= 1)) throw syntaxError(`${(number - 1) * size}`);
  const [condition, values] = where(criteria);
  const [count] = await db.query(`SELECT COUNT(*) AS total FROM ${table} AS t${condition}`, values);
  const data = (await select(db, table, criteria, { ...selection, page: { number, size } })).map(show);
  response.json({ total: count?.["total"], page: number, page_size: page_size === undefined ? null : size, data });
}
