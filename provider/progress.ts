import type { Progress } from "./resource";

/**
 * Asks about several things side by side. Gives the answers in the order of the things.
 * @param progress is told how many of them have come
 */
export function askEach<T, R>(things: readonly T[], progress: Progress, ask: (thing: T) => R | Promise<R>): Promise<R[]> {
  let read = 0;
  return Promise.all(
    things.map(async (thing) => {
      const answer = await ask(thing);
      progress(++read, things.length);
      return answer;
    }),
  );
}
