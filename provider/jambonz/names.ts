import type { AdoptCommand } from "../adoption";
import { RefusedError } from "../errors";
import type { Created, Refusal } from "../resource";
import type { Jambonz, Row } from "./client";
import { sid } from "./types";

/** How old the answer with a list of names may be, in milliseconds: whatever somebody else makes within that time is overlooked. */
const NAMES_AGE = 30_000;

/** What one owner has. */
interface Owned {
  /** When the list was answered; Infinity while it is awaited. */
  at: number;
  /** Names on the platform by sid. */
  listed: Promise<Map<string, string>>;
  /** What this run has done since it began: names by sid, undefined for what it deleted. */
  own: Map<string, string | undefined>;
  beingCreated: Set<string>;
}

/**
 * The names of things of one kind, by owner. jambonz lets two accounts, and two carriers, have the same name
 * (db/jambones-sql.sql), so after a crash or with a lost state a program would double every one; asking here first prevents it.
 * One list serves many creations, kept up with what the run itself does.
 */
export class Names {
  readonly #byOwner = new Map<string, Owned>();
  readonly #list: (owner: string) => Promise<Map<string, string>>;

  /** @param list asks anew for what an owner has: names by sid */
  constructor(list: (owner: string) => Promise<Map<string, string>>) {
    this.#list = list;
  }

  #of(owner: string): Owned {
    let names = this.#byOwner.get(owner);
    if (!names) this.#byOwner.set(owner, (names = { at: 0, listed: Promise.resolve(new Map()), own: new Map(), beingCreated: new Set() }));
    return names;
  }

  async #listed(owner: string): Promise<Map<string, string>> {
    const names = this.#of(owner);
    if (Date.now() - names.at >= NAMES_AGE) {
      names.at = Infinity;
      // Asked anew: the list that reads share may be older than this one may be.
      names.listed = this.#list(owner).then((listed) => {
        names.at = Date.now();
        return listed;
      });
      names.listed.catch(() => (names.at = 0));
    }
    return names.listed;
  }

  /**
   * Takes a free name for a creation. Gives who has it, where it is not free: a sid, or words.
   * @param replacing the sid of what is to be deleted to make room: then it is only looked whether anything else has the name
   */
  async take(owner: string, name: string, replacing?: string): Promise<string | undefined> {
    const listed = await this.#listed(owner);
    // Nothing may be waited for between the look and the taking, or two creations at once would both find it free.
    const holder = this.#holder(owner, name, listed, replacing);
    if (holder === undefined && replacing === undefined) this.#of(owner).beingCreated.add(name);
    return holder;
  }

  /** Gives back a name that was taken, because nothing was made. */
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

  /** What was there when the names were listed. */
  async sids(owner: string): Promise<ReadonlySet<string>> {
    return new Set((await this.#listed(owner)).keys());
  }

  /** This run has made, renamed or deleted one: the name that it has from now on, if any. */
  changed(owner: string, sid: string, name: string | undefined): void {
    this.#of(owner).own.set(sid, name);
    if (name !== undefined) this.#of(owner).beingCreated.delete(name);
  }
}

/**
 * Why a second one of the same name is not made.
 *
 * @param what its type, and in words what it is and whose
 * @param holder who has the name: a sid, or words
 */
export function nameTaken(adopt: AdoptCommand, what: { type: string; noun: string; owner: string }, holder: string): Refusal {
  const { type, noun, owner } = what;
  const way = sid.safeParse(holder).success ? `adopt it (${adopt(type, holder)})` : "keep one of them";
  const reason = `its ${owner} already has ${/^[aeiou]/.test(noun) ? "an" : "a"} ${noun} of this name: ${holder}; ${way}, or set allowDuplicateName to create another. If this program has it under another resource name, give this resource aliases: [{ name: "…" }] with that name instead; if the program gives that ${noun} another name in this run, run it again afterwards`;
  return { reason, holder };
}

/**
 * Why a second one is not made of what there is only one of.
 *
 * @param what who has what already, as the beginning of a sentence
 * @param otherwise what else there is to do but to adopt it, as its end
 */
export function alreadyThere(jambonz: Jambonz, type: string, holder: string, what: string, otherwise = ""): Refusal {
  return { reason: `${what}: ${holder}; adopt it (${jambonz.adopt(type, holder)})${otherwise}`, holder };
}

/** Something of which the platform itself takes only one of a name. */
interface Unique {
  /** The collection in the path: `/Clients`. */
  path: string;
  row: Row;
  /** Where the answer has the new sid. Default: `sid`. */
  sid?: string;
  accountSid?: string;
  /** How the platform refuses a second one. */
  isRefusal: (error: RefusedError) => boolean;
  /** Which one is in the way. */
  inTheWay: () => Promise<Refusal | undefined>;
}

/** Creates it. @throws RefusedError with what is in the way, as far as that can be found */
export async function createUnique(jambonz: Jambonz, what: Unique): Promise<Created> {
  const { path, row, sid: column = "sid", accountSid, isRefusal, inTheWay } = what;
  try {
    const { [column]: answered } = await jambonz.post(path, row, { sid: column });
    const sid = String(answered);
    return { id: sid, outputs: { sid, ...(await jambonz.ownership({ accountSid })) } };
  } catch (error) {
    if (!(error instanceof RefusedError && isRefusal(error))) throw error;
    const found = await inTheWay().catch(() => undefined);
    throw found ? error.because(found.reason, found.holder) : error;
  }
}

/** Whether two names are one to the database, which does not tell capital and small letters apart. */
export const isSameName = (a: unknown, b: string): boolean => String(a).toLowerCase() === b.toLowerCase();

/** How the database refuses what is there already (lib/routes/error.js). */
export const isDuplicate = ({ status }: RefusedError) => status === 422;
