import type { z } from "zod";
import { InitializationError, RefusedError, UnansweredError, UnfinishedError, UnreachableError, UserError } from "./errors";
import { hasFormat, wrongId } from "./ids";
import type { Properties, Resource } from "./resource";
import { isOptional, secretsIn, traitsOf } from "./schema";
import type { Session } from "./session";
import { validate, type Failure } from "./validate";
import {
  asWritten,
  canonical,
  differences,
  isAbsent,
  isObject,
  isUnknown,
  marks,
  plain,
  project,
  same,
  UNKNOWN,
  withoutNulls,
  type PropertyDifference,
} from "./values";

export interface Difference {
  /** The inputs that differ, by name. */
  changed: string[];
  /** Where in them, down to the single property of a nested object. */
  details: PropertyDifference[];
  /** Those among them that the platform cannot change in place. */
  replaces: string[];
  /** Whether something has to be done; also true where the platform still owes something. */
  changes: boolean;
  deleteBeforeReplace: boolean;
}

export interface ReadResult {
  inputs: Properties;
  state: Properties;
}

type Verb = "create" | "read" | "update" | "delete";

/**
 * What Pulumi asks of a resource, once for all resources and both doors. State holds the declared inputs,
 * exactly, plus the outputs, as plain JSON.
 *
 * Every error that leaves here is one sentence without a secret; InitializationError says that the object
 * is on the platform all the same.
 */
export class Lifecycle {
  readonly #typeName: string;

  constructor(
    readonly definition: Resource,
    readonly session: Session,
    /** The longest that an operation may take, in seconds. Default: the setting's. */
    readonly timeout?: number,
  ) {
    this.#typeName = definition.type.split(":")[1]!;
  }

  /**
   * The inputs as they will be deployed, and everything that is wrong with them. Sends nothing.
   *
   * @param olds the inputs as state has them, after a refresh as that has read them; empty where there are none
   */
  check(news: Properties, olds: Properties): { inputs: Properties; failures: Failure[] } {
    const inputs = withoutNulls(news);
    this.#endRefresh(olds);
    // An import list, whose entries say nothing yet of what they stand for.
    if (marks.unmanaged in inputs) return { inputs, failures: [] };
    const isNew = Object.keys(olds).length === 0;
    const missing = Object.keys(this.definition.inputs.shape).filter(
      (name) => isNew && this.#traits(name).neededToCreate && isAbsent(inputs[name]),
    );
    const failures = missing.map((name) => ({ path: [name], reason: `${name} is required` }));
    return { inputs, failures: [...failures, ...validate(this.definition, inputs)] };
  }

  /**
   * Only what a program says is checked, so the refresh of that resource is over by then. Those of others may not be, where
   * the engine runs the program to refresh (`--run-program`).
   */
  #endRefresh(olds: Properties): void {
    const { refreshed } = this.session;
    if (refreshed.size === 0 || Object.keys(olds).length === 0) return;
    const before = textOf(olds);
    const own = this.#ofThisType(refreshed).filter(([, inputs]) => inputs === before);
    if (own.length === 0) refreshed.clear();
    for (const [id] of own) refreshed.delete(this.#key(id));
  }

  /** What the program says now against what state holds. Sends nothing. */
  diff(id: string, held: Properties, news: Properties): Difference {
    const { definition } = this;
    const state = asWritten(definition, held);
    const changed = this.#changed(state, news);
    // After an import the engine compares with inputs that are not there yet.
    const isOther = (name: string) => !isAbsent(state[name]) && !isAbsent(news[name]) && !isUnknown(news[name]);
    const fixed = changed.filter((name) => this.#traits(name).unchangeable && isOther(name));
    if (fixed.length > 0)
      throw new UserError(
        `${this.#label(state, id)}: ${fixed.join(" and ")} cannot be changed, because ${this.#traits(fixed[0]!).unchangeable}`,
      );
    const replacing = this.#replacing(changed, state, news);
    const refusal = replacing.length > 0 ? definition.refuseReplace?.(state, news) : undefined;
    if (refusal && replacing.some((name) => !isUnknown(news[name]))) throw new UserError(`${this.#label(state, id)}: ${refusal}`);
    // What is not known yet may be as it is, or is refused when it is known: nothing may be deleted for it before.
    const replaces = refusal ? [] : replacing;
    // What a refresh has read the engine compares with what was deployed before; what the program says now comes later.
    const { claims, kept, refreshed, successors } = this.session;
    const key = this.#key(id);
    const isOfRefresh = refreshed.has(key);
    const isReplaced = replaces.length > 0;
    const text = textOf(news);
    /** What the program says; undefined where it is a refresh that compares, or the engine that only asks. */
    const says = isOfRefresh || text.includes(UNKNOWN) ? undefined : text;
    const claim = isOfRefresh ? undefined : this.#claim(news, isReplaced ? undefined : id);
    const isComing = claim !== undefined && claim !== this.#claim(withoutNulls(state), id);
    const holder =
      claim && (isReplaced ? claims.promise(claim, definition.type, id) : claims.keep(claim, definition.type, { says, id, isComing }));
    if (holder) throw new UserError(`${this.#label(news, id)}: ${conflict(holder, claim)}`);
    const { deleteBeforeReplace: rule } = definition;
    const deleteBeforeReplace = typeof rule === "object" ? !rule.whileSame.some((name) => changed.includes(name)) : rule === true;
    const unfinished = this.#isUnfinished(id, state, news);
    const forgotten = this.#forgotten(state, news);
    const details = [...changed, ...forgotten].flatMap((name) => differences(definition.inputs.shape[name], state[name], news[name], name));
    const changes = changed.length > 0 || forgotten.length > 0 || unfinished;
    // What has to be changed the engine may also replace, and in either order, whatever is answered here.
    if (says !== undefined && changes) successors.set(key, { says, made: this.#made(says), inputs: news });
    if (says !== undefined && !isReplaced) kept.set(key, { says, made: this.#made(says), isCertain: !changes, state });
    return { changed, details, replaces, changes, deleteBeforeReplace };
  }

  /**
   * What state will hold after a creation, or after an update where there is a state already, as far as that is known
   * before. Sends nothing.
   */
  preview(news: Properties, before?: { id: string; state: Properties }): Properties {
    const { inputs, outputs } = this.definition;
    const unknown = (shape: Record<string, z.ZodType>, which: (traits: z.GlobalMeta) => boolean | undefined) =>
      Object.fromEntries(
        Object.entries(shape)
          .filter(([, schema]) => which(traitsOf(schema)))
          .map(([name]) => [name, UNKNOWN]),
      );
    if (!before) return { ...unknown(inputs.shape, ({ computed }) => computed), ...news, ...unknown(outputs.shape, () => true) };
    const { id } = before;
    const state = asWritten(this.definition, before.state);
    const { changes } = this.#changes(id, state, news);
    return { ...this.#next(state, news), ...(changes ? unknown(outputs.shape, ({ changesOnUpdate }) => changesOnUpdate) : {}) };
  }

  async create(inputs: Properties): Promise<{ id: string; state: Properties }> {
    let isLeft = false;
    const created = this.#operation("create", inputs, undefined, async () => {
      const { definition, session } = this;
      const claim = this.#claim(inputs);
      return session.claims.inTurn(claim, async () => {
        const says = textOf(inputs);
        const holder = claim && session.claims.take(claim, definition.type, { says });
        if (holder && session.claims.take(claim, definition.type, { says, isGone: await this.#isGone(claim) }))
          throw new UserError(conflict(holder, claim));
        try {
          const refusal = await definition.refuseCreate?.(session.client, inputs, {});
          if (refusal?.holder) session.wanted.add(this.#key(refusal.holder));
          if (refusal) throw new UserError(refusal.reason);
          return await this.#create(inputs, claim !== undefined);
        } catch (error) {
          if (error instanceof RefusedError && error.holder) session.wanted.add(this.#key(error.holder));
          if (claim && !(error instanceof InitializationError)) isLeft = session.claims.release(claim);
          throw error;
        }
      });
    });
    return created.catch((error: Error) => {
      throw isLeft ? new UserError(`${error.message}; what it was to replace was not deleted before, and is still on the platform`) : error;
    });
  }

  async #create(inputs: Properties, claimed: boolean): Promise<{ id: string; state: Properties }> {
    const { definition, session } = this;
    const later = this.#select(inputs, (name) => this.#traits(name).setAfterCreate === true);
    const now = this.#select(inputs, (name) => !this.#traits(name).setAfterCreate);
    const like = canonical(
      definition.inputs,
      this.#select(now, (name) => !this.#traits(name).local),
    );
    const place = { [marks.place]: session.client.http.place };
    const created = session.recovery.create(definition, session.client, now, like, session.settings.maxRetries);
    const { id, outputs } = await created.catch((error: unknown) => {
      throw error instanceof UnfinishedError ? this.#unfinished("create", error.id, { ...now, ...place }, error) : error;
    });
    const says = textOf(inputs);
    session.made.set(this.#key(says), this.#made(says) + 1);
    const state: Properties = { ...now, ...outputs, ...place };
    Object.assign(state, marked(Object.keys(this.#select(state, (name) => this.#isLeftOut(name, inputs)))));
    // The object is there: from here on an error has to carry its id, or it would be forgotten.
    try {
      const claim = claimed ? undefined : this.#claim(inputs, id);
      if (claim) session.claims.take(claim, definition.type, { says });
      if (Object.keys(later).length > 0) {
        const updated = definition.update!(session.client, id, later, inputs, state).catch((error: unknown) => {
          if (isUnsure(error)) state[marks.unsure] = Object.keys(later);
          throw error;
        });
        Object.assign(state, await updated, later);
      }
      await this.#complete(id, state);
    } catch (error) {
      throw this.#unfinished("create", id, state, error);
    }
    return { id, state: plain(state) };
  }

  /** Undefined when the object is gone, which is the platform's answer and never a guess. */
  async read(id: string, held: Properties): Promise<ReadResult | undefined> {
    const state = asWritten(this.definition, held);
    return this.#operation("read", state, id, async () => {
      const { definition, session } = this;
      this.#checkId(id);
      const live = await definition.read(session.client, id, state, {});
      if (!live) {
        this.#isWhereItWas(state);
        return undefined;
      }
      const imported = this.#isImported(state);
      const unmanaged = (state[marks.unmanaged] as string[] | undefined) ?? [];
      const values = project({ schema: definition.inputs, live, state, everything: imported, unmanaged });
      const before = this.#chosen(state);
      const isChosen = (name: string) => before.includes(name) || this.#isLeftOut(name, state);
      const chosen = imported ? Object.keys(values).filter(isChosen) : before;
      const inputs = Object.fromEntries(Object.entries(values).filter(([name]) => !chosen.includes(name)));
      const { place } = session.client.http;
      // What is still as it was before an unanswered update may be an old answer, or what the platform never tells.
      const unsure = this.#unsure(state).filter((name) => same(definition.inputs.shape[name] as z.ZodType, values[name], state[name]));
      const known = { ...values, ...this.#outputs(live, state), ...marked(chosen, unsure), [marks.place]: place };
      // What is read for an import by the engine is compared with the program at once, and not with what was deployed.
      if (marks.unmanaged in state || marks.place in state) session.refreshed.set(this.#key(id), textOf(plain(inputs)));
      return { inputs: plain(inputs), state: plain(known) };
    });
  }

  async update(id: string, held: Properties, news: Properties): Promise<Properties> {
    const state = asWritten(this.definition, held);
    return this.#operation(
      "update",
      news,
      id,
      async () => {
        const { definition, session } = this;
        this.#checkId(id);
        const kept = session.kept.get(this.#key(id));
        if (kept) kept.isCertain = true;
        session.successors.delete(this.#key(id));
        await this.#isAsSaid(id, state, news);
        const { changed, changes } = this.#changes(id, state, news);
        // What was not known when it was compared, so that it was no replacement.
        const refusal = this.#replacing(changed, state, news).length > 0 && definition.refuseReplace?.(state, news);
        if (refusal) throw new UserError(refusal);
        const next = this.#next(state, news);
        next[marks.place] ??= session.client.http.place;
        // What an unanswered update may have set counts as set.
        const held = { ...Object.fromEntries(this.#unsure(state).map((name) => [name, UNKNOWN_VALUE])), ...withoutNulls(state) };
        const claim = this.#claim(held, id);
        const givesUp = claim !== undefined && claim !== this.#claim(news, id);
        const send = async () => {
          const isTaken = givesUp && session.claims.isOfAnother(claim, definition.type);
          // What another resource has set by now is not undone.
          const bearsClaim = (name: string) => this.#claim({ ...news, [name]: held[name] }, id) === claim;
          const own = isTaken ? this.#select(changes!, (name) => !bearsClaim(name)) : changes!;
          if (isTaken && Object.keys(own).length === 0) return;
          // Noted before it is sent, so that whoever is compared meanwhile sets it anew.
          const takeBack = givesUp && !isTaken ? session.claims.drop(claim, definition.type) : undefined;
          const sent = definition.update!(session.client, id, own, news, state).catch((error: unknown) => {
            if (!isUnsure(error)) takeBack?.();
            throw error;
          });
          Object.assign(next, await sent);
        };
        if (changes) {
          try {
            await session.claims.inTurn(givesUp || definition.isItsClaim ? claim : undefined, send);
          } catch (error) {
            if (error instanceof UnfinishedError) throw this.#unfinished("update", id, next, error);
            // Whatever the program says next, it has to be said again; what another resource gave up, by the next run at the latest.
            const again = this.#isDropped(id, news) ? Object.keys(this.#select(news, (name) => this.#isChangeable(name))) : [];
            if (isUnsure(error) || again.length > 0)
              throw this.#unfinished("update", id, { ...state, [marks.unsure]: [...new Set([...changed, ...again])] }, error);
            throw error;
          }
        }
        const has = this.#claim(news, id);
        if (has) session.claims.came(has, definition.type);
        try {
          await this.#complete(id, next);
        } catch (error) {
          throw this.#unfinished("update", id, next, error);
        }
        return plain(next);
      },
      state,
    );
  }

  /** What is already gone is a success; everything else that is not a deletion is an error. */
  async delete(id: string, held: Properties): Promise<void> {
    const state = asWritten(this.definition, held);
    await this.#operation("delete", state, id, async () => {
      const { definition, session } = this;
      this.#checkId(id);
      const claim = definition.isItsClaim ? this.#claim(state, id) : undefined;
      await session.claims.inTurn(claim, async () => {
        if (claim && session.claims.passedOn(claim, definition.type)) return;
        if (session.wanted.has(this.#key(id)) || (claim && session.claims.isWanted(claim))) throw new UserError(WANTED);
        if (!claim && !definition.onlyForgotten && (await this.#isKept(id, state))) throw new UserError(KEPT);
        await this.#delete(id, state);
      });
    });
  }

  async #delete(id: string, state: Properties): Promise<void> {
    const { definition, session } = this;
    if (state[marks.place] !== undefined && state[marks.place] !== session.client.http.place) {
      if (!(await definition.read(session.client, id, state, { fresh: true }))) this.#isWhereItWas(state);
    }
    const successor = session.successors.get(this.#key(id));
    const isAhead = successor && successor.made === this.#made(successor.says);
    const impossible = isAhead && (await definition.refuseCreate?.(session.client, successor.inputs, { replacing: id }));
    if (impossible) throw new UserError(`it is not replaced, because the new one could not be created: ${impossible.reason}`);
    const refusal = await definition.refuseDelete?.(session.client, id, state);
    if (refusal) throw new UserError(refusal);
    try {
      await definition.delete(session.client, id, state);
    } catch (error) {
      if (!(error instanceof RefusedError || error instanceof UnansweredError)) throw error;
      const live = await definition.read(session.client, id, state, { fresh: true }).catch(() => "not known");
      if (live) throw error;
    }
  }

  /** What an update has to send, or undefined when there is nothing to send. */
  #changes(id: string, state: Properties, news: Properties): { changed: string[]; changes?: Properties } {
    const changed = this.#changed(state, news);
    const changes: Properties = {};
    for (const name of changed) {
      if (this.#isChangeable(name)) changes[name] = news[name] ?? this.#traits(name).platformDefault ?? null;
    }
    return Object.keys(changes).length > 0 || this.#isUnfinished(id, state, news) ? { changed, changes } : { changed };
  }

  /** The state after an update that changes no output. */
  #next(state: Properties, news: Properties): Properties {
    const chosen = this.#select(state, (name) => this.#isLeftOut(name, news) && !isAbsent(state[name]));
    const unsure = this.#unsure(state).filter((name) => this.#isLeftOut(name, news));
    const { [marks.place]: place } = state;
    return { ...chosen, ...news, ...this.#outputs({}, state), ...marked(Object.keys(chosen), unsure), [marks.place]: place };
  }

  /** Inputs that differ between state and program. Leaving out what the platform chose is no difference. */
  #changed(state: Properties, news: Properties): string[] {
    const unsure = this.#unsure(state);
    return Object.entries<z.ZodType>(this.definition.inputs.shape)
      .filter(([name, schema]) => !this.#isLeftOut(name, news) && (unsure.includes(name) || !same(schema, news[name], state[name])))
      .map(([name]) => name);
  }

  /** Those among them that the platform cannot change in place. */
  #replacing(changed: string[], state: Properties, news: Properties): string[] {
    const imported = this.#isImported(state);
    return changed.filter((name) => {
      const { replaceOnChanges, replaceIfUnknown } = this.#traits(name);
      if (imported || !(replaceOnChanges || (replaceIfUnknown && isUnknown(news[name])))) return false;
      return replaceOnChanges === "evenIfAdded" || !isAbsent(state[name]);
    });
  }

  /** What is empty on the platform and not in the program any more either: state must no longer say that it is managed. */
  #forgotten(state: Properties, news: Properties): string[] {
    return Object.keys(this.definition.inputs.shape).filter((name) => state[name] === null && isAbsent(news[name]));
  }

  /** What is claimed, as far as that is known yet. */
  #claim(inputs: Properties, id?: string): string | undefined {
    const claim = this.definition.claims?.(inputs, id);
    return claim?.includes(UNKNOWN) ? undefined : claim;
  }

  /** How many resources of the type this run has made of which the program says this. */
  #made(says: string): number {
    return this.session.made.get(this.#key(says)) ?? 0;
  }

  /** Whether what the program keeps with this claim is not there: an earlier run has deleted it, and could not make the new one. */
  async #isGone(claim: string): Promise<boolean> {
    const { kept, client } = this.session;
    const holders = this.#ofThisType(kept).filter(([id, { state }]) => this.#claim(state, id) === claim);
    const there = await Promise.all(
      holders.map(async ([id, { state }]) => {
        this.#checkId(id);
        const live = await this.definition.read(client, id, state, { fresh: true });
        if (!live) this.#isWhereItWas(state);
        return live !== undefined;
      }),
    );
    return holders.length > 0 && !there.includes(true);
  }

  /**
   * Whether another resource of the program has the same object. Where the run has made one more like it, it may be this one
   * that was replaced, which was deleted before then.
   */
  async #isKept(id: string, state: Properties): Promise<boolean> {
    const kept = this.session.kept.get(this.#key(id));
    if (!kept?.isCertain) return false;
    if (kept.made === this.#made(kept.says)) return true;
    return (await this.definition.read(this.session.client, id, state, { fresh: true })) !== undefined;
  }

  /** Whether something has to be sent although the inputs are as deployed. */
  #isUnfinished(id: string, state: Properties, news: Properties): boolean {
    return this.definition.unfinished?.(news, state) === true || this.#isDropped(id, news);
  }

  /** Whether another resource has given up in this run what this one claims, and undone it. */
  #isDropped(id: string, news: Properties): boolean {
    const claim = this.definition.isItsClaim ? this.#claim(news, id) : undefined;
    return claim !== undefined && this.session.claims.isDropped(claim);
  }

  /** Whether an update can send it. */
  #isChangeable(name: string): boolean {
    const { local, replaceOnChanges, unchangeable } = this.#traits(name);
    return !local && !replaceOnChanges && !unchangeable;
  }

  /** Nothing of it was ever read or created by a program: an import list knows its id only. */
  #isImported(state: Properties): boolean {
    return Object.keys(this.definition.outputs.shape).every((name) => isAbsent(state[name]) || state[name] === "");
  }

  /**
   * What cannot be changed in place and state does not know is compared with the platform: everything where an imported state
   * was never refreshed, and what a refresh of an import has not brought in, because it is secret.
   */
  async #isAsSaid(id: string, state: Properties, news: Properties): Promise<void> {
    const imported = this.#isImported(state);
    const said = Object.keys(this.definition.inputs.shape).filter((name) => {
      const { replaceOnChanges, local } = this.#traits(name);
      return replaceOnChanges && !isAbsent(news[name]) && (imported || (!local && isAbsent(state[name])));
    });
    if (!imported && said.length === 0) return;
    const secrets = this.#select(news, (name) => this.#traits(name).secret === true);
    const live = await this.definition.read(this.session.client, id, { ...state, ...secrets }, { fresh: true });
    if (!live) throw new UserError(imported ? "it was imported, but the platform does not show it" : "the platform does not show it");
    for (const name of said) {
      if (
        ((imported || this.#traits(name).writeOnly) && isAbsent(live[name])) ||
        same(this.definition.inputs.shape[name] as z.ZodType, news[name], live[name])
      )
        continue;
      throw new UserError(
        imported
          ? `${name} is not what the program says, and it was imported without a refresh; run \`pulumi refresh\` first`
          : `${name} is another one on the platform, which cannot change it in place; have it replaced with \`pulumi up --replace <urn>\`, and with the option deleteBeforeReplace: true where it is one of a kind`,
      );
    }
  }

  /** @throws UserError where it was seen last at another host, so that its absence here says nothing */
  #isWhereItWas(state: Properties): void {
    const { place } = this.session.client.http;
    const last = state[marks.place] as string | undefined;
    if (last === undefined || last === place) return;
    throw new UserError(
      `it was seen last at ${last}, and ${place} does not have it, so it is not taken for gone; check ${this.session.platform.name}:apiUrl, or take it out of the state with \`pulumi state delete\``,
    );
  }

  #checkId(id: string): void {
    const { definition } = this;
    if (!hasFormat(this.session.platform, definition, id)) throw new UserError(wrongId(definition, id));
  }

  /** Reads once where outputs are missing that the platform has by now. */
  async #complete(id: string, state: Properties): Promise<void> {
    const { definition, session } = this;
    const missing = Object.entries<z.ZodType>(definition.outputs.shape).some(
      ([name, schema]) => !isOptional(schema) && isAbsent(state[name]),
    );
    if (!missing) return;
    const live = await definition.read(session.client, id, state, { fresh: true });
    if (!live) throw new UserError("it was accepted, but the platform does not show it");
    Object.assign(state, this.#outputs(live, state));
    const names = Object.keys(definition.inputs.shape);
    const chosen = names.filter((name) => this.#isLeftOut(name, state) && !isAbsent(live[name]));
    for (const name of chosen) state[name] = live[name];
    Object.assign(state, marked([...this.#chosen(state), ...chosen]));
  }

  /** Whether an input is left out that the platform then chooses. */
  #isLeftOut(name: string, inputs: Properties): boolean {
    return this.#traits(name).computed === true && isAbsent(inputs[name]);
  }

  /** Inputs of which nobody knows whether an update has changed them. */
  #unsure(state: Properties): string[] {
    return (state[marks.unsure] as string[] | undefined) ?? [];
  }

  /** Inputs that the program leaves to the platform, whose choice state holds. */
  #chosen(state: Properties): string[] {
    return (state[marks.chosen] as string[] | undefined) ?? [];
  }

  #outputs(live: Properties, state: Properties): Properties {
    const names = Object.keys(this.definition.outputs.shape);
    return Object.fromEntries(names.map((name) => [name, isAbsent(live[name]) ? state[name] : live[name]]));
  }

  #select(inputs: Properties, wanted: (name: string) => boolean): Properties {
    return Object.fromEntries(Object.entries(inputs).filter(([name]) => name in this.definition.inputs.shape && wanted(name)));
  }

  #traits(name: string): z.GlobalMeta {
    return traitsOf(this.definition.inputs.shape[name] as z.ZodType | undefined);
  }

  #label(inputs: Properties, id: string | undefined): string {
    const named = Object.keys(this.definition.inputs.shape).find((key) => this.#traits(key).defaultsToName);
    const name = named && inputs[named];
    return `${this.#typeName}${typeof name === "string" && !isUnknown(name) ? ` "${name}"` : ""}${id ? ` (${id})` : ""}`;
  }

  /** What tells it from everything else of the platform. */
  #key(id: string): string {
    return `${this.definition.type} ${id}`;
  }

  /** What is noted of resources of this type, with their ids. */
  #ofThisType<T>(notes: ReadonlyMap<string, T>): [id: string, note: T][] {
    const prefix = this.#key("");
    return [...notes].filter(([key]) => key.startsWith(prefix)).map(([key, note]) => [key.slice(prefix.length), note]);
  }

  /** Runs an operation within its time, and turns whatever goes wrong into one sentence. */
  async #operation<T>(
    verb: Verb,
    inputs: Properties,
    id: string | undefined,
    operation: () => Promise<T>,
    before: Properties = {},
  ): Promise<T> {
    const { session, definition } = this;
    for (const properties of [before, inputs])
      session.redactor.add(...secretsIn(definition.inputs, properties), ...secretsIn(definition.outputs, properties));
    try {
      const home = (before[marks.place] ?? inputs[marks.place]) as string | undefined;
      return await session.client.http.operation(operation, this.timeout, home);
    } catch (error) {
      if (error instanceof InitializationError) throw error;
      if (error instanceof UnfinishedError) throw this.#unfinished(verb, error.id, inputs, error);
      throw new UserError(this.#sentence(verb, inputs, id, error));
    }
  }

  #unfinished(verb: Verb, id: string, state: Properties, error: unknown): InitializationError {
    const outputs = error instanceof UnfinishedError ? error.outputs : {};
    return new InitializationError(this.#sentence(verb, state, id, error), id, plain({ ...state, ...outputs }));
  }

  #sentence(verb: Verb, inputs: Properties, id: string | undefined, error: unknown): string {
    const label = this.#label(inputs, id);
    const message = error instanceof Error ? error.message : String(error);
    const said =
      error instanceof UserError ||
      error instanceof UnfinishedError ||
      error instanceof UnansweredError ||
      error instanceof UnreachableError;
    const text =
      error instanceof RefusedError
        ? `${this.session.platform.title} refused to ${verb} ${label}: ${message}`
        : said
          ? `${label}: ${message}`
          : `${label}: unexpected trouble to ${verb} it: ${message}`;
    return this.session.redactor.clean(text);
  }
}

function marked(chosen: string[], unsure: string[] = []): Properties {
  return { ...(chosen.length > 0 && { [marks.chosen]: chosen }), ...(unsure.length > 0 && { [marks.unsure]: unsure }) };
}

function conflict(holder: string, claim: string): string {
  return `another ${holder.split(":")[1]!} of this program manages the same thing (${claim}), and they would undo each other; keep one of them`;
}

/** Stands for a value that an update may have set: whatever it is, it claims what such a value claims. */
const UNKNOWN_VALUE = "?";

/** The engine does not tell which resource it is that it deletes, so both ways there are told. */
const KEPT =
  "the program still has it, by a resource of another name, so it is not deleted; take this entry out of the state with `pulumi state delete`; to have it made anew on purpose, take it out of the program, deploy, and put it back";

/** After a creation that failed the engine goes on to deletions only where it is told to (`--continue-on-error`). */
const WANTED = "a resource of the program was to have it, or its place, and could not be created in this run, so it is not deleted";

/** What a program says of a resource, as text: whatever the order of its properties, which the engine changes. */
function textOf(inputs: Properties): string {
  return JSON.stringify(inputs, (_name, value: unknown) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
}

/** Whether what was asked may have been done all the same. */
function isUnsure(error: unknown): boolean {
  return error instanceof UnansweredError || (error instanceof RefusedError && error.lostAt !== undefined);
}
