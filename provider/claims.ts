import { Turns } from "./turns";

/** Who has a claim. */
interface Holder {
  type: string;
  /**
   * `kept`: found in state, and it stays. `made`: in this run. `promised`: to a resource that is about to be replaced by what
   * the program says now, and to nobody else.
   */
  how: "kept" | "made" | "promised";
  /** What the program says of it; undefined where the engine only asked what would become of it if something changed. */
  says?: string;
  /** The id of the resource that is to be replaced. */
  id?: string;
  /** It does not have it yet: an update is to bring it, which may fail. */
  isComing?: boolean;
  /** A deletion was left out for it, which may have been the first half of its own replacement. */
  mayBeMadeAnew?: boolean;
}

/**
 * What resources claim for themselves alone: a category of limits, the realm of an account. The platform
 * writes over such a thing without a word, so two resources that claim it would undo each other for ever,
 * and a resource that is renamed in the program would delete at the end what it set at the beginning.
 *
 * | the claim is | kept by another | made by another | promised to another |
 * |---|---|---|---|
 * | compared, to keep it (`keep`) | conflict if of another type, or if the program says another thing of it | conflict | conflict, unless to itself |
 * | compared, to replace it (`promise`) | conflict | conflict | conflict |
 * | taken by a creation (`take`) | conflict, unless the program says the same of it or it is gone: this may be its successor | conflict | taken |
 * | deleted (`passedOn`) | left alone; refused while that one does not have it yet | left alone | deleted |
 * | deleted when a creation with it failed (`isWanted`) | left alone | left alone | refused |
 *
 * Two of one type of which the program says the same are taken for one, because nobody tells which resource it is that is compared.
 * The claims live as long as the process: one preview or one update.
 */
export class Claims {
  readonly #holders = new Map<string, Holder>();
  readonly #dropped = new Set<string>();
  /** Claims of which the creation failed. */
  readonly #wanted = new Set<string>();
  readonly #turns = new Turns();

  /**
   * A resource that is there and stays. Gives the type of another resource that has the claim.
   * @param kept.says what the program says of it; undefined where it was only asked what would become of it if something changed
   * @param kept.isComing whether an update is to bring what it claims
   */
  keep(claim: string, type: string, kept: { says: string | undefined; id: string; isComing: boolean }): string | undefined {
    const { says, id, isComing } = kept;
    const holder = this.#holders.get(claim);
    // What the engine asked about as if it was replaced may be no more than changed when it is compared in earnest.
    if (!holder || (holder.how === "promised" && holder.id === id)) {
      this.#holders.set(claim, { type, how: "kept", says, isComing });
      return undefined;
    }
    // Nobody is asked about a resource that it has just made, so what was made is another one's.
    const isSelf = holder.how === "kept" && holder.type === type && (holder.says ?? says) === (says ?? holder.says);
    if (isSelf) holder.says ??= says;
    return isSelf ? undefined : holder.type;
  }

  /** A resource that is about to be replaced, so that it has the claim. Gives the type of another resource that has it. */
  promise(claim: string, type: string, id: string): string | undefined {
    const holder = this.#known(claim);
    if (!holder) this.#holders.set(claim, { type, how: "promised", id });
    return holder && holder.id !== id ? holder.type : undefined;
  }

  /**
   * A resource that is being made. Gives the type of whoever has the claim already.
   *
   * An earlier run may have deleted what is kept, and have failed to make its successor: the engine then compares it as one
   * that stays, and makes it all the same. Somebody else may have made the thing again meanwhile.
   * @param says what the program says of it
   * @param isGone whether what is kept is not there
   */
  take(claim: string, type: string, { says, isGone = false }: { says: string; isGone?: boolean }): string | undefined {
    const holder = this.#known(claim);
    const isSelf = holder?.how === "kept" && (isGone || holder.mayBeMadeAnew || holder.says === says);
    const isOwn = holder?.type === type && (holder.how === "promised" || isSelf);
    if (holder && !isOwn) return holder.type;
    this.#holders.set(claim, { type, how: "made", mayBeMadeAnew: holder?.mayBeMadeAnew });
    this.#wanted.delete(claim);
    return undefined;
  }

  /** Whoever has a claim by what the program says; a question of the engine gives none. */
  #known(claim: string): Holder | undefined {
    const holder = this.#holders.get(claim);
    return holder?.how === "kept" && holder.says === undefined ? undefined : holder;
  }

  /** An update has brought what a resource claims. */
  came(claim: string, type: string): void {
    const holder = this.#holders.get(claim);
    if (holder?.type === type) holder.isComing = false;
  }

  /** Whether a resource of another type has it, so that what it has set must not be undone. */
  isOfAnother(claim: string, type: string): boolean {
    const holder = this.#known(claim);
    return holder !== undefined && holder.how !== "promised" && holder.type !== type;
  }

  /** A resource that stays gives up what it claimed, and with it undoes what another one may have there. Gives how to take that back. */
  drop(claim: string, type: string): () => void {
    const holder = this.#holders.get(claim);
    this.#dropped.add(claim);
    if (holder?.type === type) this.#holders.delete(claim);
    return () => {
      this.#dropped.delete(claim);
      if (holder?.type === type && !this.#holders.has(claim)) this.#holders.set(claim, holder);
    };
  }

  /** Runs a creation or a deletion when every earlier one about the same claim has ended: a deletion under way would take what was just made. */
  inTurn<T>(claim: string | undefined, act: () => Promise<T>): Promise<T> {
    return claim === undefined ? act() : this.#turns.take(claim, act);
  }

  isDropped(claim: string): boolean {
    return this.#dropped.has(claim);
  }

  /** A resource that was not made gives up what it took. Gives whether a deletion was left out for it. */
  release(claim: string): boolean {
    const isLeft = this.#holders.get(claim)?.mayBeMadeAnew === true;
    this.#holders.delete(claim);
    this.#wanted.add(claim);
    return isLeft;
  }

  /** Whether a resource of this run was to have it and could not be made, or is yet to have it by an update that was not done. */
  isWanted(claim: string): boolean {
    return this.#wanted.has(claim) || this.#known(claim)?.isComing === true;
  }

  /**
   * Whether a deletion must leave the thing alone, because another resource of this run has it. It may also be the resource
   * itself, kept and replaced all the same because a person wants it so: it sets the thing anew without a deletion.
   */
  passedOn(claim: string, type: string): boolean {
    const holder = this.#known(claim);
    if (!holder || holder.how === "promised" || holder.isComing) return false;
    holder.mayBeMadeAnew = holder.how === "kept" && holder.type === type;
    return true;
  }
}
