import { CancelledError, RefusedError, UnansweredError, UnfinishedError, UserError } from "./errors";
import { currentBudget } from "./http/budget";
import type { Candidate, Client, Created, Properties, Resource } from "./resource";

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
  /** Under way: sent, and neither answered nor lost. */
  underWay: Set<Promise<unknown>>;
  /** Not answered, and not yet known to have made something. */
  lost: number;
  /** One look at a time, or two creations would claim the same object. */
  looking: Promise<unknown>;
}

/** One creation whose answer was lost. */
interface Lost {
  definition: Resource;
  client: Client;
  inputs: Properties;
  equals: Equals;
  error: UnansweredError;
  /** When it was sent for the first time: a later try must not overlook what an earlier one made. */
  sentAt: number;
  /** What was there before. */
  existing: ReadonlySet<string>;
}

/** What may have been made by a creation whose answer was lost. */
interface Possible {
  /** Made since then, as far as the platform tells. */
  likely: Candidate[];
  /** Dated before, or in no way that can be read: the platform's clock may be wrong, or somebody else has made it just before. */
  doubtful: Candidate[];
}

/**
 * Creates without ever making a thing twice. When the answer to a creation is lost, it looks for what may
 * have been made: nothing there, it creates again; as many objects as lost answers, it takes one; more, it
 * stops and lists them, because one of them belongs to somebody else. It also stops where there are only such
 * as were made before by their date, which may be wrong.
 */
export class Recovery {
  readonly #equals = new Map<string, Equals>();
  /** Ids that creations of this process have been given. */
  readonly #claimed = new Set<string>();

  /** @param like what makes two creations equal to the platform: the inputs that it is sent */
  async create(definition: Resource, client: Client, inputs: Properties, like: Properties, maxRetries: number): Promise<Created> {
    const key = `${definition.type} ${JSON.stringify(like)}`;
    let equals = this.#equals.get(key);
    if (!equals) this.#equals.set(key, (equals = { underWay: new Set(), lost: 0, looking: Promise.resolve() }));
    // What writes over itself was repeated by the client already; it only remains to see whether it is there.
    const retries = definition.createsOver ? 0 : maxRetries;
    const existing = (await definition.existing?.(client, inputs)) ?? new Set<string>();
    let sentAt = Infinity;
    for (let attempt = 0; ; attempt++) {
      try {
        const created = await this.#send(equals, definition, () => definition.create(client, inputs));
        if (attempt > 0)
          await this.#wasLate({ definition, client, inputs, equals, existing, error: new UnansweredError("", sentAt), sentAt }, created);
        return created;
      } catch (error) {
        if (!(error instanceof UnansweredError)) throw error;
        sentAt = Math.min(sentAt, error.sentAt);
        const looking = this.#look({ definition, client, inputs, equals, existing, error, sentAt }).finally(() => equals.lost--);
        const found = await looking.catch((trouble: unknown) => {
          throw trouble instanceof CancelledError ? new UserError(notFoundOut(error, trouble)) : trouble;
        });
        if (found) return found;
        if (attempt >= retries) throw error;
      }
    }
  }

  /** Sends, and settles what became of it before anybody who waits for it goes on. */
  async #send(equals: Equals, definition: Resource, send: () => Promise<Created>): Promise<Created> {
    const sending = send().then(
      (created) => {
        this.#claimed.add(identity(definition, created));
        return created;
      },
      (error: unknown) => {
        const unsure = unanswered(error);
        if (unsure instanceof UnansweredError) equals.lost++;
        throw unsure;
      },
    );
    const settled = sending.catch(() => undefined).finally(() => equals.underWay.delete(settled));
    equals.underWay.add(settled);
    return sending;
  }

  /** Looks several times, one creation after the other. Undefined: there is nothing that it could have made. */
  #look(lost: Lost): Promise<Candidate | undefined> {
    const turn = lost.equals.looking.then(async () => {
      let doubtful: Candidate[] = [];
      for (const pause of lost.error.stillAtIt ? LONG_LOOKS : LOOKS) {
        await lost.client.http.pause(pause);
        const possible = await this.#possible(lost);
        const { likely } = possible;
        ({ doubtful } = possible);
        if (likely.length > lost.equals.lost) throw new UserError(tooMany(lost.error, likely));
        const [mine] = likely;
        if (!mine) continue;
        this.#claimed.add(identity(lost.definition, mine));
        mine.taken?.();
        return mine;
      }
      if (doubtful.length > 0) throw new UserError(tooMany(lost.error, doubtful));
      return undefined;
    });
    lost.equals.looking = turn.catch(() => undefined);
    return turn;
  }

  /** After a repeat that was answered: whether the platform carried out the first one too, later than anybody waited. */
  async #wasLate(lost: Lost, { id, outputs }: Created): Promise<void> {
    const { likely, doubtful } = await this.#possible(lost).catch(() => ({ likely: [], doubtful: [] }));
    // Whatever its date, it was not there when the first one was looked for.
    const possible = [...likely, ...doubtful];
    if (possible.length <= lost.equals.lost) return;
    throw new UnfinishedError(`a first attempt was carried out late, so it is there twice; delete ${listed(possible)}`, id, outputs);
  }

  /** What may have been made, without what was there before and what others have been given. */
  async #possible(lost: Lost): Promise<Possible> {
    const { definition, client, equals, existing, sentAt } = lost;
    const candidates = await this.#candidates(lost);
    // What an equal creation is about to be told must not be taken from it.
    await Promise.all(equals.underWay);
    const since = client.http.platformTime(sentAt).getTime() - CLOCKS_DIFFER;
    const isLikely = ({ createdAt, isOtherwise }: Candidate) => !isOtherwise && (createdAt === undefined || createdAt.getTime() >= since);
    const unclaimed = candidates.filter((candidate) => !existing.has(candidate.id) && !this.#claimed.has(identity(definition, candidate)));
    return { likely: unclaimed.filter(isLikely), doubtful: unclaimed.filter((candidate) => !isLikely(candidate)) };
  }

  /** Asks until there is an answer or the operation's time is over: not to know would lose the object, or double it. */
  async #candidates({ definition, client, inputs, error }: Lost): Promise<Candidate[]> {
    let refusals = 0;
    for (let pause = 1000; ; pause = Math.min(pause * 2, 10_000)) {
      let candidates: Candidate[] | undefined;
      try {
        candidates = await definition.find?.(client, inputs);
      } catch (trouble) {
        // Who may create may look: a refusal, or a web page, comes from in between, until it comes again and again.
        if (trouble instanceof UserError || (trouble instanceof RefusedError && trouble.status < 500)) refusals++;
        if (refusals > MOST_REFUSALS || currentBudget()?.left === 0) throw new UserError(notFoundOut(error, trouble as Error));
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

function notFoundOut({ message }: UnansweredError, trouble: Error): string {
  return `${message}; whether it was made all the same could not be found out (${trouble.message}): see \`npx pulumi-cpaas orphans\` before the next run`;
}

function identity({ type }: Resource, { id }: Created): string {
  return `${type} ${id}`;
}

function listed(candidates: Candidate[]): string {
  return candidates.map(({ id, createdAt }) => `${id}${made(createdAt)}`).join(", ");
}

function made(createdAt: Date | undefined): string {
  if (!createdAt) return "";
  return Number.isNaN(createdAt.getTime()) ? " (made at a time that cannot be read)" : ` (made ${createdAt.toISOString()})`;
}

function tooMany({ message }: UnansweredError, possible: Candidate[]): string {
  const those =
    possible.length === 1 ? "there is one that may be what it made" : `there are ${possible.length} that may be the one it made`;
  return `${message}; now ${those}: ${listed(possible)}. Nothing was changed: delete or adopt what is not wanted, then run again`;
}

/** A refusal says nothing of an earlier try that was not answered. */
function unanswered(error: unknown): unknown {
  if (!(error instanceof RefusedError) || error.lostAt === undefined) return error;
  return new UnansweredError(`a first try was not answered, and a second one was refused: ${error.message}`, error.lostAt);
}
