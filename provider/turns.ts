/** Has actions about the same thing done one after the other. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Acts when every earlier action about it has ended, whether it failed or not. */
  take<T>(thing: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(thing) ?? Promise.resolve()).then(act);
    this.#last.set(
      thing,
      turn.catch(() => {}),
    );
    return turn;
  }
}
