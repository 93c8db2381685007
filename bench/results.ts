import type { Machine } from "./machine";
import type { Cost, LimitedCost, Measured } from "./measure";
import type { Ready } from "./ready";
import type { Operation } from "./variants";

/** Everything that was measured, with its medians. */
export class Results {
  readonly #runs = new Map<string, Measured[]>();

  /** This package at a rate limit that binds: how many resources, and what each operation cost. */
  limited?: { size: number; costs: Partial<Record<Operation, LimitedCost>> };

  constructor(
    readonly sizes: readonly number[],
    readonly repeat: number,
    readonly machine: Machine,
  ) {}

  add(name: string, size: number, measured: Measured): void {
    const key = `${name} ${size}`;
    this.#runs.set(key, [...this.runs(name, size), measured]);
  }

  runs(name: string, size: number): readonly Measured[] {
    return this.#runs.get(`${name} ${size}`) ?? [];
  }

  #costs(name: string, size: number, operation: Operation): readonly Cost[] {
    return this.runs(name, size).flatMap(({ costs }) => costs[operation] ?? []);
  }

  seconds(name: string, size: number, operation: Operation): number | undefined {
    return median(this.#costs(name, size, operation).map(({ seconds }) => seconds));
  }

  processorSeconds(name: string, size: number, operation: Operation): number | undefined {
    return median(this.#costs(name, size, operation).map(({ processorSeconds }) => processorSeconds));
  }

  requests(name: string, size: number, operation: Operation): number | undefined {
    return median(this.#costs(name, size, operation).map(({ requests }) => requests));
  }

  stateBytes(name: string, size: number): number | undefined {
    return median(this.runs(name, size).map(({ stateBytes }) => stateBytes));
  }

  providerMemory(name: string, size: number): number | undefined {
    return median(this.runs(name, size).map(({ providerMemory }) => providerMemory));
  }
}

/** How the processes start that serve resources, by their names. */
export class Starts {
  readonly #starts = new Map<string, Ready[]>();

  constructor(readonly machine: Machine) {}

  add(name: string, ready: Ready): void {
    this.#starts.set(name, [...(this.#starts.get(name) ?? []), ready]);
  }

  /** The median. */
  of(name: string, what: keyof Ready): number | undefined {
    return median((this.#starts.get(name) ?? []).map((ready) => ready[what]));
  }
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const middle = known.length / 2;
  return known.length % 2 ? known[Math.floor(middle)] : known.length ? (known[middle - 1]! + known[middle]!) / 2 : undefined;
}
