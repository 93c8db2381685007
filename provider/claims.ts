interface Holder {
  type: string;
  /** Made in this run, and not only found in its state. */
  made: boolean;
}

/**
 * What resources claim for themselves alone: a category of limits, the realm of an account. The platform
 * writes over such a thing without a word, so two resources that claim it would undo each other for ever,
 * and a resource that is renamed in the program would delete at the end what it set at the beginning.
 *
 * The claims live as long as the process: one preview or one update.
 */
export class Claims {
  readonly #holders = new Map<string, Holder>();
  readonly #dropped = new Set<string>();
  /** What is done about a claim, one thing after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  /** A resource that is there and stays. Gives the type of another resource that has the claim. */
  keep(claim: string, type: string): string | undefined {
    const holder = this.#holders.get(claim);
    if (!holder) this.#holders.set(claim, { type, made: false });
    // Nobody is asked about a resource that it has just made, so what was made is another one's.
    return holder && (holder.made || holder.type !== type) ? holder.type : undefined;
  }

  /** A resource that is being made. Gives the type of whoever has the claim already. */
  take(claim: string, type: string): string | undefined {
    const holder = this.#holders.get(claim);
    if (!holder) this.#holders.set(claim, { type, made: true });
    return holder?.type;
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
   * Whether a deletion must leave the thing alone, because another resource of this run has it now. One of the
   * same type that was only kept is the resource itself: it is being replaced, and sets the thing anew.
   */
  passedOn(claim: string, type: string): boolean {
    const holder = this.#holders.get(claim);
    if (!holder || (!holder.made && holder.type === type)) {
      this.#holders.delete(claim);
      return false;
    }
    return true;
  }
}
