import type { Jambonz } from "./client";

/** How old the answer with a list of names may be, in milliseconds: whatever somebody else makes within that time is overlooked. */
const NAMES_AGE = 30_000;

/** The accounts of one service provider. */
interface Names {
  /** When the list was answered; Infinity while it is awaited. */
  at: number;
  /** Names on the platform by sid. */
  listed: Promise<Map<string, string>>;
  /** What this run has done since it began: names by sid, undefined for what it deleted. */
  own: Map<string, string | undefined>;
  beingCreated: Set<string>;
}

/**
 * The names of accounts, by service provider. jambonz lets two accounts have the same name (db/jambones-sql.sql),
 * so after a crash or with a lost state a program would double every tenant; asking here first prevents it.
 * One list serves many creations, kept up with what the run itself does.
 */
export class AccountNames {
  readonly #byOwner = new Map<string, Names>();
  readonly #jambonz: Jambonz;

  constructor(jambonz: Jambonz) {
    this.#jambonz = jambonz;
  }

  #of(owner: string): Names {
    let names = this.#byOwner.get(owner);
    if (!names) this.#byOwner.set(owner, (names = { at: 0, listed: Promise.resolve(new Map()), own: new Map(), beingCreated: new Set() }));
    return names;
  }

  async #listed(owner: string): Promise<Map<string, string>> {
    const names = this.#of(owner);
    if (Date.now() - names.at >= NAMES_AGE) {
      names.at = Infinity;
      // Asked anew: the list that reads share may be older than this one may be.
      names.listed = this.#jambonz.list(`/ServiceProviders/${owner}/Accounts`, 0).then((rows) => {
        names.at = Date.now();
        return new Map(rows.map((row) => [String(row.account_sid), String(row.name)]));
      });
      names.listed.catch(() => (names.at = 0));
    }
    return names.listed;
  }

  /** Who has a name, other than one account: a sid, or words. */
  async holder(owner: string, name: string, except: string): Promise<string | undefined> {
    return this.#holder(owner, name, await this.#listed(owner), except);
  }

  /** Takes a free name for a creation. Gives who has it, where it is not free. */
  async take(owner: string, name: string): Promise<string | undefined> {
    const listed = await this.#listed(owner);
    // Nothing may be waited for between the look and the taking, or two creations at once would both find it free.
    const holder = this.#holder(owner, name, listed);
    if (holder === undefined) this.#of(owner).beingCreated.add(name);
    return holder;
  }

  /** Gives back a name that was taken, because its account was not made. */
  giveBack(owner: string, name: string): void {
    this.#of(owner).beingCreated.delete(name);
  }

  #holder(owner: string, name: string, listed: Map<string, string>, except?: string): string | undefined {
    const { own, beingCreated } = this.#of(owner);
    if (beingCreated.has(name)) return "another one of this program";
    for (const [sid, held] of own) if (held === name && sid !== except) return "another one of this program";
    for (const [sid, held] of listed) if (held === name && sid !== except && !own.has(sid)) return sid;
    return undefined;
  }

  /** The accounts that were there when the names were listed. */
  async sids(owner: string): Promise<ReadonlySet<string>> {
    return new Set((await this.#listed(owner)).keys());
  }

  /** This run has made, renamed or deleted an account: the name that it has from now on, if any. */
  changed(owner: string, sid: string, name: string | undefined): void {
    this.#of(owner).own.set(sid, name);
    if (name !== undefined) this.#of(owner).beingCreated.delete(name);
  }
}
