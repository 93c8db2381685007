import { AsyncLocalStorage } from "node:async_hooks";

/** What all requests of one operation on a resource share: the time that they may take, and where the resource was seen last. */
export class Budget {
  readonly #deadline: number;

  /**
   * @param clock in milliseconds; it stands still while the platform's rate limit makes everybody wait
   * @param home the platform (see `HttpClient.place`) where the resource was made or seen last; undefined where none is known
   */
  constructor(
    readonly seconds: number,
    readonly clock: () => number,
    readonly home?: string,
  ) {
    this.#deadline = clock() + seconds * 1000;
  }

  /** Milliseconds left, at least 0. */
  get left(): number {
    return Math.max(0, this.#deadline - this.clock());
  }
}

const current = new AsyncLocalStorage<Budget>();

/** Runs an operation under a budget, which all requests in it share. */
export function withBudget<T>(budget: Budget, operation: () => Promise<T>): Promise<T> {
  return current.run(budget, operation);
}

export function currentBudget(): Budget | undefined {
  return current.getStore();
}
