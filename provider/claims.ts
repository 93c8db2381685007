/** Who has a claim. */
interface Holder {
  type: string;
  /**
   * `kept`: found in state, and it stays. `made`: in this run. `promised`: to a resource that is about to be replaced by what
   * the program says now, and to nobody else.
   */
  how: "kept" | "made" | "promised";
  /** Whether it is the program that says so, and not a question of the engine. */
  isKnown: boolean;
  /** The id of the resource that is to be replaced. */
  id?: string;
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
 * | compared, to keep it (`keep`) | conflict if of another type | conflict | conflict |
 * | compared, to replace it (`promise`) | conflict | conflict | conflict |
 * | taken by a creation (`take`) | conflict | conflict | taken |
 * | deleted (`passedOn`) | left alone | left alone | deleted |
 *
 * Two of one type that are kept are taken for one, because nobody tells which resource it is that is compared.
 * The claims live as long as the process: one preview or one update.
 */
export class Claims {
  readonly #holders = new Map<string, Holder>();
  readonly #dropped = new Set<string>();
  /** What is done about a claim, one thing after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  /**
   * A resource that is there and stays. Gives the type of another resource that has the claim.
   * @param isKnown false where it was only asked what would become of it if something that it depends on changed
   */
  keep(claim: string, type: string, isKnown: boolean): string | undefined {
    const holder = this.#holders.get(claim);
    if (!holder) this.#holders.set(claim, { type, how: "kept", isKnown });
    else holder.isKnown ||= isKnown;
    // Nobody is asked about a resource that it has just made, so what was made is another one's.
    return holder && (holder.how !== "kept" || holder.type !== type) ? holder.type : undefined;
  }

  /** A resource that is about to be replaced, so that it has the claim. Gives the type of another resource that has it. */
  promise(claim: string, type: string, id: string): string | undefined {
    const holder = this.#holders.get(claim);
    if (!holder) this.#holders.set(claim, { type, how: "promised", isKnown: true, id });
    return holder && holder.id !== id ? holder.type : undefined;
  }

  /** A resource that is being made. Gives the type of whoever has the claim already. */
  take(claim: string, type: string): string | undefined {
    const holder = this.#holders.get(claim);
    const isOwn = holder?.type === type && (holder.how === "promised" || holder.mayBeMadeAnew);
    if (holder && !isOwn) return holder.type;
    this.#holders.set(claim, { type, how: "made", isKnown: true });
    return undefined;
  }

  /** Whether a resource has been made that has it. */
  isMade(claim: string): boolean {
    return this.#holders.get(claim)?.how === "made";
  }

  /** A resource that stays has given up what it claimed, and with it undone what another one may have there. */
  drop(claim: string, type: string): void {
    this.#dropped.add(claim);
    if (this.#holders.get(claim)?.type === type) this.#holders.delete(claim);
  }

  /** Runs a creation or a deletion when every earlier one about the same claim has ended: a deletion under way would take what was just made. */
  inTurn<T>(claim: string | undefined, act: () => Promise<T>): Promise<T> {
    if (claim === undefined) return act();
    const turn = (this.#turns.get(claim) ?? Promise.resolve()).then(act);
    this.#turns.set(
      claim,
      turn.catch(() => {}),
    );
    return turn;
  }

  isDropped(claim: string): boolean {
    return this.#dropped.has(claim);
  }

  release(claim: string): void {
    this.#holders.delete(claim);
  }

  /**
   * Whether a deletion must leave the thing alone, because another resource of this run has it. It may also be the resource
   * itself, kept and replaced all the same because a person wants it so: it sets the thing anew without a deletion.
   */
  passedOn(claim: string, type: string): boolean {
    const holder = this.#holders.get(claim);
    if (!holder || holder.how === "promised" || !holder.isKnown) return false;
    holder.mayBeMadeAnew = holder.how === "kept" && holder.type === type;
    return true;
  }
}
