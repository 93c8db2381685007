import { isDeepStrictEqual } from "node:util";
import { orphansCommand } from "./adoption";
import { CancelledError, RefusedError, UnansweredError, UnfinishedError, UnspokenError, UserError } from "./errors";
import { currentBudget } from "./http/budget";
import type { Candidate, Client, Created, Properties, Resource } from "./resource";
import { isObject } from "./values";

/** When to look for what may have been made, in milliseconds after the look before: the platform may still be at it. */
const LOOKS = [200, 1000, 2500];
/** And after a time limit: a wait for a lock of the platform's database ends after 50 s. */
const LONG_LOOKS = [...LOOKS, 5000, 10_000, 20_000, 25_000];

/** How often looking may be refused before that is taken for an answer. */
const MOST_REFUSALS = 6;

/** How far the clock that dates objects may be behind the one that dates answers, in milliseconds. */
const CLOCKS_DIFFER = 60_000;

/** Creations of equal things in this process, which can be taken for one another. */
interface Equals {
  /** What the platform is sent for each of them. */
  like: Properties;
  /** Not answered, and not yet known to have made something. */
  lost: number;
  /** One look at a time, until all of these are over. */
  looking: Promise<unknown>;
}

/** Creations of one type in this process. */
interface Creations {
  /** Sent, and neither answered nor lost. */
  underWay: Set<Promise<unknown>>;
  /** By what the platform is sent, as text. */
  equals: Map<string, Equals>;
}

/** One creation. */
interface Creation {
  definition: Resource;
  client: Client;
  inputs: Properties;
  equals: Equals;
  /** What was there before. */
  existing: ReadonlySet<string>;
  /** When it was sent first without an answer: a later try must not overlook what an earlier one made. */
  sentAt: number;
}

/** What became of a creation: made, or not answered and being looked for. */
type Fate = { created: Created } | { error: UnansweredError; looking: Promise<Candidate | undefined> };

/** What may have been made by a creation whose answer was lost. */
interface Possible {
  /** Made since then, as far as the platform tells. */
  likely: Candidate[];
  /** Dated before, or in no way that can be read: the platform's clock may be wrong, or somebody else has made it just before. */
  doubtful: Candidate[];
}

/**
 * Creates without ever making a thing twice. When the answer to a creation is lost, or a repeat is refused, it looks for
 * what may have been made: nothing there, it creates again; as many objects as lost answers, it takes one; more, it
 * stops and lists them, because one of them belongs to somebody else. It also stops where there are only such
 * as were made before by their date, which may be wrong.
 */
export class Recovery {
  readonly #types = new Map<string, Creations>();
  /** Ids that creations of this process have been given. */
  readonly #claimed = new Set<string>();

  /** @param like what makes two creations equal to the platform: the inputs that it is sent */
  async create(definition: Resource, client: Client, inputs: Properties, like: Properties, maxRetries: number): Promise<Created> {
    const equals = this.#equals(definition, like);
    // What writes over itself was repeated by the client already; it only remains to see whether it is there.
    const retries = definition.createsOver ? 0 : maxRetries;
    const existing = (await definition.existing?.(client, inputs)) ?? new Set<string>();
    const creation: Creation = { definition, client, inputs, equals, existing, sentAt: Infinity };
    for (let attempt = 0; ; attempt++) {
      const fate = await this.#send(creation);
      if ("created" in fate) {
        if (attempt > 0) await this.#wasLate(creation, fate.created);
        return fate.created;
      }
      const found = await fate.looking.catch((trouble: Error) => {
        throw notLookedFor(definition, fate.error, trouble);
      });
      if (found) return found;
      const { refusal } = fate.error;
      if (refusal) throw definition.showsLate ? notSeen(definition, refusal) : refusal;
      if (attempt >= retries) throw definition.createsOver ? fate.error : notSeen(definition, fate.error);
    }
  }

  #creations({ type }: Resource): Creations {
    let creations = this.#types.get(type);
    if (!creations) this.#types.set(type, (creations = { underWay: new Set(), equals: new Map() }));
    return creations;
  }

  #equals(definition: Resource, like: Properties): Equals {
    const known = this.#creations(definition).equals;
    const key = JSON.stringify(like);
    let equals = known.get(key);
    if (!equals) known.set(key, (equals = { like, lost: 0, looking: Promise.resolve() }));
    return equals;
  }

  /** Sends, and settles what became of it before anybody who waits for it goes on. */
  #send(creation: Creation): Promise<Fate> {
    const { definition, client, inputs } = creation;
    const { underWay } = this.#creations(definition);
    const sending = definition.create(client, inputs).then(
      (created): Fate => {
        const id = identity(definition, created);
        // What has a claim of its own, or nothing to look for, is named by the program: made again, it has the same id.
        const isNamedByPlatform = definition.find !== undefined && definition.claims?.(inputs) === undefined;
        if (isNamedByPlatform && this.#claimed.has(id)) throw new UserError(anothers(created));
        this.#claimed.add(id);
        return { created };
      },
      (refusal: unknown): Fate => {
        if (refusal instanceof UnfinishedError) this.#claimed.add(identity(definition, refusal));
        const error = unanswered(definition, refusal, creation.sentAt);
        if (!(error instanceof UnansweredError)) throw error;
        creation.sentAt = Math.min(creation.sentAt, error.sentAt);
        return { error, looking: this.#look(creation, error) };
      },
    );
    const settled = sending.catch(() => undefined).finally(() => underWay.delete(settled));
    underWay.add(settled);
    return sending;
  }

  /** Looks several times, one of equal creations after the other. Undefined: there is nothing that it could have made. */
  #look(creation: Creation, error: UnansweredError): Promise<Candidate | undefined> {
    const { definition, client, equals } = creation;
    equals.lost++;
    const turn = equals.looking
      .then(async () => {
        let doubtful: Candidate[] = [];
        for (const pause of error.stillAtIt ? LONG_LOOKS : LOOKS) {
          await client.http.pause(pause);
          const candidates = await this.#candidates(creation, error);
          // From here on nothing is waited for, or another creation could take the same one meanwhile.
          const possible = this.#possible(creation, candidates);
          const { likely } = possible;
          ({ doubtful } = possible);
          if (likely.length > equals.lost) throw new UserError(tooMany(error, likely));
          const [mine] = likely;
          if (!mine) continue;
          this.#claimed.add(identity(definition, mine));
          mine.taken?.();
          return mine;
        }
        if (doubtful.length > 0) {
          const doubt = new UserError(tooMany(error, doubtful));
          // It may be none of these.
          throw definition.showsLate ? notSeen(definition, doubt) : doubt;
        }
        return undefined;
      })
      .finally(() => equals.lost--);
    equals.looking = turn.catch(() => undefined);
    return turn;
  }

  /** After a repeat that was answered: whether the platform carried out the first one too, later than anybody waited. */
  async #wasLate(creation: Creation, { id, outputs }: Created): Promise<void> {
    const first = new UnansweredError("a first attempt was not answered", creation.sentAt);
    const candidates = await this.#candidates(creation, first).catch((trouble: Error) => {
      throw new UnfinishedError(notLookedFor(creation.definition, first, trouble).message, id, outputs);
    });
    const { likely, doubtful } = this.#possible(creation, candidates);
    // Whatever its date, it was not there when the first one was looked for.
    const possible = [...likely, ...doubtful];
    if (possible.length <= creation.equals.lost) return;
    const message = possible.some(({ isOtherwise }) => isOtherwise)
      ? `a first attempt was not answered, and may have made another: ${listed(possible)}; look there, and delete what is not wanted`
      : `a first attempt was carried out late, so it is there twice; delete ${listed(possible)}`;
    throw new UnfinishedError(message, id, outputs);
  }

  /** What is on the platform, when everybody else who may have made it knows what became of it. */
  async #candidates(creation: Creation, error: UnansweredError): Promise<Candidate[]> {
    const candidates = await this.#ask(creation, error);
    if (this.#unclaimed(creation, candidates).length === 0) return [];
    const { underWay, equals } = this.#creations(creation.definition);
    // What another creation is about to be told must not be taken from it: one that asks for more makes what this one looks for.
    await Promise.all(underWay);
    const { like } = creation.equals;
    const askForMore = [...equals.values()].filter((other) => includes(other.like, like) && !includes(like, other.like));
    await Promise.all(askForMore.map(({ looking }) => looking));
    return candidates;
  }

  /** Without what was there before and what others have been given. */
  #unclaimed({ definition, existing }: Creation, candidates: Candidate[]): Candidate[] {
    return candidates.filter((candidate) => !existing.has(candidate.id) && !this.#claimed.has(identity(definition, candidate)));
  }

  /** What may have been made. */
  #possible(creation: Creation, candidates: Candidate[]): Possible {
    const since = creation.client.http.platformTime(creation.sentAt).getTime() - CLOCKS_DIFFER;
    const isLikely = ({ createdAt, isOtherwise }: Candidate) => !isOtherwise && (createdAt === undefined || createdAt.getTime() >= since);
    const unclaimed = this.#unclaimed(creation, candidates);
    return { likely: unclaimed.filter(isLikely), doubtful: unclaimed.filter((candidate) => !isLikely(candidate)) };
  }

  /** Asks until there is an answer or the operation's time is over: not to know would lose the object, or double it. */
  async #ask({ definition, client, inputs }: Creation, error: UnansweredError): Promise<Candidate[]> {
    let refusals = 0;
    for (let pause = 1000; ; pause = Math.min(pause * 2, 10_000)) {
      let candidates: Candidate[] | undefined;
      try {
        candidates = await definition.find?.(client, inputs);
      } catch (trouble) {
        // Who may create may look: a refusal, or a web page, comes from in between, until it comes again and again.
        const isRefusal = trouble instanceof RefusedError && (trouble.status < 500 || error.refusal !== undefined);
        if (isRefusal || trouble instanceof UserError) refusals++;
        if (refusals > MOST_REFUSALS || currentBudget()?.left === 0) throw new UserError(notFoundOut(definition, error, trouble as Error));
        await client.http.pause(pause);
        continue;
      }
      if (candidates) return candidates;
      throw new UserError(
        `${error.message}; it may have been made all the same, and it cannot be listed, so it is not tried again: look on the platform before the next run`,
      );
    }
  }
}

function notFoundOut({ type }: Resource, { message }: Error, trouble: Error): string {
  return `${message}; whether it was made all the same could not be found out (${trouble.message}): see ${orphansCommand(type)} before the next run`;
}

/** The end of a creation of which nothing was found: in the words of what ended it, with the doubt that is left. */
function notSeen({ type }: Resource, error: UnansweredError | RefusedError | UserError): Error {
  const hint = `it may have been made all the same and show later: see ${orphansCommand(type)} before the next run`;
  if (error instanceof RefusedError) return error.because(`${error.reason}; ${hint}`);
  const message = `${error.message}; ${hint}`;
  return error instanceof UnansweredError ? new UnansweredError(message, error.sentAt, error.stillAtIt) : new UserError(message);
}

/** What ended the looking, in words that a cancelled run lacks. */
function notLookedFor(definition: Resource, error: UnansweredError, trouble: Error): Error {
  return trouble instanceof CancelledError ? new UserError(notFoundOut(definition, error, trouble)) : trouble;
}

function identity({ type }: Resource, { id }: Created): string {
  return `${type} ${id}`;
}

function anothers({ id }: Created): string {
  return `the platform answered with ${id}, which another resource of this run was given already; where both mean the same thing, keep one of them, else run again`;
}

/** Whether an object that is made like the one has everything that the other asks for. */
function includes(more: unknown, less: unknown): boolean {
  if (!isObject(more) || !isObject(less)) return isDeepStrictEqual(more, less);
  return Object.entries(less).every(([name, value]) => includes(more[name], value));
}

function listed(candidates: Candidate[]): string {
  return candidates.map(({ id, createdAt }) => `${id}${made(createdAt)}`).join(", ");
}

function made(createdAt: Date | undefined): string {
  if (!createdAt) return "";
  return Number.isNaN(createdAt.getTime()) ? " (made at a time that cannot be read)" : ` (made ${createdAt.toISOString()})`;
}

function tooMany({ message }: UnansweredError, possible: Candidate[]): string {
  const [those, next] =
    possible.length === 1
      ? ["there is one that may be what it made", "see whose it is, adopt or delete it"]
      : [`there are ${possible.length} that may be the one it made`, "see which it is, adopt or delete that"];
  return `${message}; now ${those}: ${listed(possible)}. Nothing was changed: ${next}, then run again`;
}

/**
 * What a failed try says of the whole creation. A refusal says nothing of an earlier try that was not answered, and may be
 * because of what that has made meanwhile; one that may not be the platform's says nothing at all; and what was not sent
 * leaves the earlier try as it was.
 *
 * @param lostAt when an earlier try was sent that was looked for in vain, else Infinity
 */
function unanswered(definition: Resource, error: unknown, lostAt: number): unknown {
  if (error instanceof UnspokenError) return new UnansweredError(error.message, error.lostAt, false, error);
  if (!(error instanceof RefusedError)) {
    const saysAll = lostAt === Infinity || error instanceof UnansweredError || error instanceof UnfinishedError;
    return saysAll ? error : new UserError(notFoundOut(definition, new Error("a first try was not answered"), error as Error));
  }
  const told = `a first try was not answered, and a second one was refused: ${error.message}`;
  if (error.lostAt !== undefined) return new UnansweredError(told, error.lostAt);
  return lostAt === Infinity ? error : new UnansweredError(told, lostAt, false, error);
}
