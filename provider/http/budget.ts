import { AsyncLocalStorage } from "node:async_hooks";

/** The time that one operation on a resource may take, all its requests together. */
export class Budget {
  #deadline: number;

  constructor(
    readonly seconds: number,
    now = Date.now(),
  ) {
    this.#deadline = now + seconds * 1000;
  }

  /** Milliseconds left, at least 0. */
  get left(): number {
    return Math.max(0, this.#deadline - Date.now());
  }

  /** Time that is not counted, such as waiting for the platform's rate limit. */
  excuse(milliseconds: number): void {
    this.#deadline += milliseconds;
  }
}

const current = new AsyncLocalStorage<Budget>();

/** Runs an operation under a budget, which all requests in it share. */
export function withBudget<T>(seconds: number, operation: () => Promise<T>): Promise<T> {
  return current.run(new Budget(seconds), operation);
}

export function currentBudget(): Budget | undefined {
  return current.getStore();
}
