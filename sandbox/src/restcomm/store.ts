import { randomBytes } from "node:crypto";
import { now, type Database, type Row, type Where } from "../database";
import type { TableName } from "./tables";

/** The platform names accounts, clients and incoming phone numbers as distributed; applications are not among them. */
const distributed: readonly TableName[] = ["accounts", "clients", "incoming_phone_numbers"];

/** A row as it was before a write that readers do not see yet; undefined where there was none. */
interface Before {
  at: number;
  row: Row | undefined;
}

/**
 * The platform's records, with the delay after which a change shows. Writes act on the records as they are; what
 * a GET answers may be older. The documentation of the Enterprise platform speaks of "up to few minutes".
 */
export class Store {
  readonly #before = new Map<string, Before[]>();

  constructor(
    readonly db: Database,
    readonly delayMs: number,
  ) {}

  first(table: TableName, where: Where): Promise<Row | undefined> {
    return this.db.first(table, where);
  }

  select(table: TableName, where: Where = {}): Promise<Row[]> {
    return this.db.select(table, where);
  }

  async insert(table: TableName, row: Record<string, unknown> & { sid: string }): Promise<Row> {
    await this.db.insert(table, row);
    this.#note(table, row.sid, undefined);
    return (await this.first(table, { sid: row.sid }))!;
  }

  async update(table: TableName, sid: string, change: Record<string, unknown>): Promise<Row> {
    const before = await this.first(table, { sid });
    await this.db.update(table, { ...change, date_updated: new Date(now()) }, { sid });
    this.#note(table, sid, before);
    return (await this.first(table, { sid }))!;
  }

  async delete(table: TableName, sid: string): Promise<boolean> {
    const before = await this.first(table, { sid });
    if (!before) return false;
    await this.db.delete(table, { sid });
    this.#note(table, sid, before);
    return true;
  }

  /** The rows that a GET shows to somebody for whom changes show late, or to an outsider at once. */
  async shown(table: TableName, where: Where, isOutside: boolean): Promise<Row[]> {
    const rows = await this.select(table);
    const sids = new Set([...rows.map((row) => String(row["sid"])), ...this.#pending(table)]);
    const visible = [...sids].map((sid) => {
      const row = rows.find((row) => row["sid"] === sid);
      const hidden = isOutside ? undefined : this.#hiding(table, sid);
      return hidden ? hidden.row : row;
    });
    return visible.filter((row) => row !== undefined && Object.entries(where).every(([name, value]) => row[name] === value)) as Row[];
  }

  #note(table: TableName, sid: string, row: Row | undefined): void {
    if (this.delayMs === 0 || !distributed.includes(table)) return;
    const key = `${table} ${sid}`;
    this.#before.set(key, [...(this.#before.get(key) ?? []), { at: Date.now(), row }]);
  }

  /** The oldest write that does not show yet: readers see what was before it. */
  #hiding(table: TableName, sid: string): Before | undefined {
    const key = `${table} ${sid}`;
    const left = (this.#before.get(key) ?? []).filter(({ at }) => at + this.delayMs > Date.now());
    if (left.length > 0) this.#before.set(key, left);
    else this.#before.delete(key);
    return left[0];
  }

  #pending(table: TableName): string[] {
    return [...this.#before.keys()].filter((key) => key.startsWith(`${table} `)).map((key) => key.slice(table.length + 1));
  }
}

/** 34 characters, the first two of which tell the type (Restcomm-Connect, Sid). */
export const newSid = (prefix: string): string => `${prefix}${randomBytes(16).toString("hex")}`;
