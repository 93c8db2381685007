import { AsyncLocalStorage } from "node:async_hooks";

/** The time that one operation on a resource may take, all its requests together. */
export class Budget {
  readonly #deadline: number;

  /** @param clock in milliseconds; it stands still while the platform's rate limit makes everybody wait */
  constructor(
    readonly seconds: number,
    readonly clock: () => number,
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
