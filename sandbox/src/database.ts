import { createHash } from "node:crypto";
import { resolve } from "node:path";
import Sqlite from "libsql";

type Statement = Sqlite.Statement<unknown[]>;

/** A value as the database holds it. Booleans are 0 and 1, times are ISO texts in UTC. */
export type Value = string | number | null;
export type Row = Record<string, Value>;

/** A column: gives `CREATE TABLE` its line and `insert` and `update` their refusals. */
export interface Column {
  type: "text" | "integer" | "boolean" | "datetime" | "enum";
  /** Longest text, in characters. */
  length?: number;
  /** What an enum allows; compared without case, stored as written here. */
  values?: readonly string[];
  notNull?: true;
  /** Used when an insert does not name the column; "now" is the time of the insert, in whole seconds. */
  default?: Value;
  unique?: true;
  references?: { table: string; constraint: string; cascade?: true };
}

export interface Table {
  /** The primary key: every list comes out in its order. Tables of one row have none. */
  key?: string;
  columns: Record<string, Column>;
  /** Unique indexes over several columns, by name. */
  unique?: Record<string, readonly string[]>;
}

export type Tables = Record<string, Table>;

type Trait = Partial<Column>;
const column = (type: Column["type"], traits: Trait[]): Column => Object.assign({ type }, ...traits) as Column;

export const varchar = (length: number, ...traits: Trait[]): Column => column("text", [{ length }, ...traits]);
export const text = (...traits: Trait[]): Column => varchar(65_535, ...traits);
export const integer = (...traits: Trait[]): Column => column("integer", traits);
export const boolean = (...traits: Trait[]): Column => column("boolean", traits);
export const datetime = (...traits: Trait[]): Column => column("datetime", traits);
export const oneOf = (values: readonly string[], ...traits: Trait[]): Column => column("enum", [{ values }, ...traits]);

export const notNull: Trait = { notNull: true };
export const unique: Trait = { unique: true };
export const byDefault = (value: Value): Trait => ({ default: value });
export const references = (table: string, constraint: string, cascade?: "cascade"): Trait => ({
  references: { table, constraint, ...(cascade && { cascade: true }) },
});

/** A refusal of the database, worded as MariaDB 10.11 words it. */
export class DatabaseError extends Error {
  constructor(
    message: string,
    readonly duplicate = false,
  ) {
    super(message);
  }
}

/** A data file that cannot be used, said in a sentence. */
export class DataFileError extends Error {}

/** The database's answer to a statement that it cannot read, from the point where it stops understanding. */
export function syntaxError(near: string): DatabaseError {
  return new DatabaseError(
    "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version " +
      `for the right syntax to use near '${near}' at line 1`,
  );
}

/** Rows whose columns equal these values. As in SQL, nothing equals null. */
export type Where = Record<string, Value | undefined>;

/** The time now in whole seconds, as MariaDB's CURRENT_TIMESTAMP. */
export const now = (): string => new Date(Math.floor(Date.now() / 1000) * 1000).toISOString();

/** How many different statements are kept prepared. */
const MOST_STATEMENTS = 1000;

const quote = (name: string) => `"${name}"`;

/**
 * An embedded SQL database that refuses what MariaDB in strict mode refuses, in MariaDB's words.
 * Each call is one statement: as on the platforms, nothing spans several statements.
 */
export class Database {
  readonly #sqlite: Sqlite.Database;
  /** Statements by their text: to prepare one takes longer than to run it. */
  readonly #statements = new Map<string, Statement>();

  private constructor(
    sqlite: Sqlite.Database,
    readonly tables: Tables,
    /** The name under which error messages know the database. */
    readonly name: string,
  ) {
    this.#sqlite = sqlite;
  }

  /** Opens the database in `file`, or a new one in memory, with these tables. */
  static async open(tables: Tables, name: string, file?: string): Promise<Database> {
    let sqlite: Sqlite.Database | undefined;
    try {
      sqlite = new Sqlite(file === undefined ? ":memory:" : resolve(file));
      const definition = createTables(tables);
      const version = createHash("sha256").update(definition).digest().readUInt32BE() & 0x7fff_ffff;
      const [pragma] = sqlite.prepare("PRAGMA user_version").all([]) as Row[];
      const written = Number(pragma?.["user_version"]);
      if (written !== 0 && written !== version) throw new Error("it was written by another version of the sandbox");
      if (file !== undefined) sqlite.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
      sqlite.exec(`PRAGMA foreign_keys = ON; ${definition} PRAGMA user_version = ${version}`);
    } catch (error) {
      sqlite?.close();
      throw file === undefined ? error : new DataFileError(`Cannot use the data file ${file}: ${(error as Error).message}.`);
    }
    return new Database(sqlite, tables, name);
  }

  close(): void {
    this.#sqlite.close();
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (!statement) {
      if (this.#statements.size >= MOST_STATEMENTS) this.#statements.clear();
      this.#statements.set(sql, (statement = this.#sqlite.prepare(sql)));
    }
    return statement;
  }

  /** Runs a query written in SQL. */
  async query(sql: string, values: readonly (Value | undefined)[] = []): Promise<Row[]> {
    return this.#prepared(sql).all(values.map((value) => value ?? null)) as Row[];
  }

  select(table: string, where: Where = {}): Promise<Row[]> {
    const key = this.#table(table).key;
    const order = key ? ` ORDER BY ${quote(key)}` : "";
    return this.query(`SELECT * FROM ${quote(table)}${whereClause(where)}${order}`, Object.values(where));
  }

  async first(table: string, where: Where = {}): Promise<Row | undefined> {
    return (await this.select(table, where))[0];
  }

  async count(table: string, where: Where): Promise<number> {
    const [row] = await this.query(`SELECT COUNT(*) AS n FROM ${quote(table)}${whereClause(where)}`, Object.values(where));
    return Number(row?.["n"]);
  }

  async insert(table: string, given: Record<string, unknown>): Promise<void> {
    const { columns } = this.#table(table);
    this.#refuseUnknown(table, given, "INSERT INTO");
    for (const [name, column] of Object.entries(columns)) {
      if (!(name in given) && column.notNull && column.default === undefined) {
        throw new DatabaseError(`Field '${name}' doesn't have a default value`);
      }
    }
    const row = this.#convert(table, given);
    for (const [name, column] of Object.entries(columns)) {
      if (!(name in row) && column.default !== undefined) row[name] = column.default === "now" ? now() : column.default;
    }
    const names = Object.keys(row);
    await this.#write(
      `INSERT INTO ${quote(table)} (${names.map(quote).join()}) VALUES (${names.map(() => "?").join()})`,
      Object.values(row),
      () => this.#whyNotWritten(table, row),
    );
  }

  /** Changes the rows of `where` and returns how many there are, changed or not. */
  async update(table: string, given: Record<string, unknown>, where: Where): Promise<number> {
    this.#refuseUnknown(table, given, "SET");
    const row = this.#convert(table, given);
    const assignments = Object.keys(row).map((name) => `${quote(name)} = ?`);
    return this.#write(
      `UPDATE ${quote(table)} SET ${assignments.join()}${whereClause(where)}`,
      [...Object.values(row), ...Object.values(where)],
      async () => this.#whyNotWritten(table, { ...(await this.first(table, where)), ...row }),
    );
  }

  delete(table: string, where: Where): Promise<number> {
    return this.deleteWhere(table, whereClause(where), Object.values(where));
  }

  /** Deletes by a condition written in SQL, as one statement: a row that may not go keeps all of them. */
  deleteWhere(table: string, condition: string, values: readonly (Value | undefined)[]): Promise<number> {
    return this.#write(`DELETE FROM ${quote(table)}${condition}`, values, () => this.#whyNotDeleted(table, condition, values));
  }

  async #write(sql: string, values: readonly (Value | undefined)[], why: () => Promise<DatabaseError | undefined>): Promise<number> {
    try {
      return this.#prepared(sql).run(values.map((value) => value ?? null)).changes;
    } catch (error) {
      if (!(error as { code?: string }).code?.startsWith("SQLITE_CONSTRAINT")) throw error;
      throw (await why()) ?? error;
    }
  }

  #table(name: string): Table {
    const table = this.tables[name];
    if (!table) throw new Error(`no table ${name}`);
    return table;
  }

  #refuseUnknown(table: string, given: Record<string, unknown>, clause: string): void {
    const { columns } = this.#table(table);
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(columns, name));
    if (unknown !== undefined) throw new DatabaseError(`Unknown column '${unknown}' in '${clause}'`);
  }

  #convert(table: string, given: Record<string, unknown>): Row {
    const { columns } = this.#table(table);
    const path = (name: string) => `\`${this.name}\`.\`${table}\`.\`${name}\``;
    return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, convert(columns[name]!, name, path(name), value)]));
  }

  /** Which unique index or foreign key a row offends, duplicates first. */
  async #whyNotWritten(table: string, row: Row): Promise<DatabaseError | undefined> {
    const { key, columns, unique: indexes = {} } = this.#table(table);
    const ownKey = key === undefined ? undefined : row[key];
    const singles = Object.entries(columns).filter(([, column]) => column.unique);
    for (const [index, names] of [...singles.map(([name]) => [name, [name]] as const), ...Object.entries(indexes)]) {
      const values = names.map((name) => row[name] ?? null);
      if (values.includes(null)) continue;
      const taken = await this.select(table, Object.fromEntries(names.map((name) => [name, row[name]])));
      if (taken.some((other) => key === undefined || other[key] !== ownKey)) {
        return new DatabaseError(`Duplicate entry '${values.join("-")}' for key '${index}'`, true);
      }
    }
    for (const [name, column] of this.#foreignKeys(table)) {
      const { table: parent } = column.references!;
      const value = row[name] ?? null;
      if (value === null || (await this.count(parent, { [this.#table(parent).key!]: value })) > 0) continue;
      return this.#foreignKeyError("add or update a child row", table, name, column);
    }
    return undefined;
  }

  /** Which row of another table holds on to the rows that a delete names. */
  async #whyNotDeleted(table: string, condition: string, values: readonly (Value | undefined)[]): Promise<DatabaseError | undefined> {
    const key = this.#table(table).key!;
    const children = Object.keys(this.tables)
      .flatMap((child) => this.#foreignKeys(child).map(([name, column]) => ({ child, name, column })))
      .filter(({ column }) => column.references?.table === table && !column.references.cascade)
      .sort((a, b) => (a.column.references!.constraint < b.column.references!.constraint ? -1 : 1));
    for (const { child, name, column } of children) {
      const held = await this.query(
        `SELECT 1 FROM ${quote(child)} WHERE ${quote(name)} IN (SELECT ${quote(key)} FROM ${quote(table)}${condition}) LIMIT 1`,
        values,
      );
      if (held.length > 0) return this.#foreignKeyError("delete or update a parent row", child, name, column);
    }
    return undefined;
  }

  /** A table's foreign keys in the order in which InnoDB looks at them: by name. */
  #foreignKeys(table: string): [string, Column][] {
    return Object.entries(this.#table(table).columns)
      .filter(([, column]) => column.references)
      .sort(([, a], [, b]) => (a.references!.constraint < b.references!.constraint ? -1 : 1));
  }

  #foreignKeyError(what: string, child: string, name: string, column: Column): DatabaseError {
    const { table: parent, constraint, cascade } = column.references!;
    return new DatabaseError(
      `Cannot ${what}: a foreign key constraint fails (\`${this.name}\`.\`${child}\`, CONSTRAINT \`${constraint}\` ` +
        `FOREIGN KEY (\`${name}\`) REFERENCES \`${parent}\` (\`${this.#table(parent).key}\`)${cascade ? " ON DELETE CASCADE" : ""})`,
    );
  }
}

function whereClause(where: Where): string {
  const names = Object.keys(where);
  return names.length ? ` WHERE ${names.map((name) => `${quote(name)} = ?`).join(" AND ")}` : "";
}

/** Texts compare without case, as in MariaDB's default collations. */
function createTables(tables: Tables): string {
  return Object.entries(tables)
    .flatMap(([table, { key, columns, unique: indexes = {} }]) => {
      const lines = Object.entries(columns).map(([name, column]) => {
        const { references: parent } = column;
        const parts = [quote(name), column.type === "integer" || column.type === "boolean" ? "INTEGER" : "TEXT COLLATE NOCASE"];
        if (name === key) parts.push("PRIMARY KEY");
        if (column.notNull) parts.push("NOT NULL");
        if (column.unique) parts.push("UNIQUE");
        if (parent) parts.push(`REFERENCES ${quote(parent.table)}${parent.cascade ? " ON DELETE CASCADE" : ""}`);
        return parts.join(" ");
      });
      return [
        `CREATE TABLE IF NOT EXISTS ${quote(table)} (${lines.join(", ")})${key ? " WITHOUT ROWID" : ""};`,
        ...Object.entries(indexes).map(
          ([index, names]) => `CREATE UNIQUE INDEX IF NOT EXISTS ${quote(index)} ON ${quote(table)} (${names.map(quote).join()});`,
        ),
        ...Object.entries(columns)
          .filter(([, column]) => column.references)
          .map(([name]) => `CREATE INDEX IF NOT EXISTS ${quote(`${table}.${name}`)} ON ${quote(table)} (${quote(name)});`),
      ];
    })
    .join("\n");
}

/** A value from a JSON body as MariaDB would store it. `path` is the column's full name. */
function convert(column: Column, name: string, path: string, value: unknown): Value {
  if (value === null || value === undefined) {
    if (column.notNull) throw new DatabaseError(`Column '${name}' cannot be null`);
    return null;
  }
  if (Array.isArray(value)) {
    if (value.length !== 1)
      throw syntaxError(
        value
          .slice(1)
          .map((item) => ` '${String(item)}'`)
          .join(),
      );
    return convert(column, name, path, value[0]);
  }
  if (value instanceof Date) return value.toISOString();
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- an object is stored as "[object Object]" by mysql2, too
  const written = typeof value === "boolean" ? String(Number(value)) : String(value);
  const incorrect = (kind: string) => new DatabaseError(`Incorrect ${kind} value: '${written}' for column ${path} at row 1`);
  switch (column.type) {
    case "text":
      if ([...written].length > column.length!) throw new DatabaseError(`Data too long for column '${name}' at row 1`);
      return written;
    case "integer":
    case "boolean": {
      if (!/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(written)) throw incorrect("integer");
      const number = Math.round(Number(written));
      const most = column.type === "integer" ? 2 ** 31 : 2 ** 7;
      if (number < -most || number >= most) throw new DatabaseError(`Out of range value for column '${name}' at row 1`);
      return number;
    }
    case "datetime": {
      const match = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?)?$/.exec(written);
      const time = match && new Date(`${match[1]}T${match[2] ?? "00:00"}Z`);
      if (!time || Number.isNaN(time.getTime())) throw incorrect("datetime");
      return time.toISOString();
    }
    case "enum": {
      const found = column.values!.find((allowed) => allowed.toLowerCase() === written.toLowerCase());
      if (found === undefined) throw new DatabaseError(`Data truncated for column '${name}' at row 1`);
      return found;
    }
  }
}
