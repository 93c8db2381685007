/**
 * What resources claim for themselves alone: a category of limits, the realm of an account. The platform
 * writes over such a thing without a word, so two resources that claim it would undo each other for ever,
 * and a resource that is renamed in the program would delete at the end what it set at the beginning.
 *
 * The claims live as long as the process: one preview or one update.
 */
export class Claims {
  readonly #holders = new Map<string, { type: string; made: boolean }>();

  /** A resource that is there and stays. Gives the type of a resource of another type that has the claim. */
  keep(claim: string, type: string): string | undefined {
    const holder = this.#holders.get(claim);
    if (!holder) this.#holders.set(claim, { type, made: false });
    return holder && holder.type !== type ? holder.type : undefined;
  }

  /** A resource that is being made. Gives the type of whoever has the claim already. */
  take(claim: string, type: string): string | undefined {
    const holder = this.#holders.get(claim);
    if (!holder) this.#holders.set(claim, { type, made: true });
    return holder?.type;
  }

  release(claim: string): void {
    this.#holders.delete(claim);
  }

  /**
   * Whether a deletion must leave the thing alone, because another resource of this run has it now. A claim
   * that was only kept ends with that: its holder is being replaced, and sets the thing anew.
   */
  passedOn(claim: string): boolean {
    const holder = this.#holders.get(claim);
    if (holder && !holder.made) this.#holders.delete(claim);
    return holder !== undefined;
  }
}
