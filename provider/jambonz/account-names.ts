import type { Jambonz } from "./client";

/** Stands for the sid of an account that is being created in this run. */
const BEING_CREATED = "being created";

/**
 * The names of accounts, by service provider. jambonz lets two accounts have the same name (db/jambones-sql.sql),
 * so after a crash or with a lost state a program would double every tenant; asking here first prevents it.
 * One list for each service provider and run, kept up with what the run itself does.
 */
export class AccountNames {
  readonly #byOwner = new Map<string, Promise<Map<string, string>>>();
  readonly #jambonz: Jambonz;

  constructor(jambonz: Jambonz) {
    this.#jambonz = jambonz;
  }

  #names(owner: string): Promise<Map<string, string>> {
    let names = this.#byOwner.get(owner);
    if (!names) {
      names = this.#jambonz
        .list(`/ServiceProviders/${owner}/Accounts`)
        .then((rows) => new Map(rows.map((row) => [String(row.name), String(row.account_sid)])));
      names.catch(() => this.#byOwner.delete(owner));
      this.#byOwner.set(owner, names);
    }
    return names;
  }

  /** Takes a free name. Gives who has it, where it is not free: a sid, or words. */
  async take(owner: string, name: string): Promise<string | undefined> {
    const names = await this.#names(owner);
    const holder = names.get(name);
    if (holder === undefined) names.set(name, BEING_CREATED);
    return holder === BEING_CREATED ? "another one of this program" : holder;
  }

  /** A name is free again, after a deletion, a rename or a creation that failed. */
  async release(owner: unknown, name: unknown): Promise<void> {
    (await this.#byOwner.get(String(owner)))?.delete(String(name));
  }
}
