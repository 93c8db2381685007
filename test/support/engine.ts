import assert from "node:assert/strict";
import type { z } from "zod";
import { InitializationError } from "../../provider/errors";
import type { Lifecycle } from "../../provider/lifecycle";
import { resourceOf } from "../../provider/platforms";
import type { Properties } from "../../provider/resource";
import { traitsOf } from "../../provider/schema";
import type { Session } from "../../provider/session";
import { plain, UNKNOWN } from "../../provider/values";
import { lifecycleOf, sessionOf } from "./lifecycle";
import type { Declared } from "./pulumi";

/** A resource in the model's state, as far as the provider can notice it. */
export interface Entry {
  name: string;
  type: string;
  id: string;
  inputs: Properties;
  outputs: Properties;
  /** Names of what its inputs refer to, its parent, and what it is declared to depend on. */
  dependencies: string[];
  /** What each of its inputs refers to. */
  propertyDependencies: Record<string, string[]>;
  deletedWith?: string;
  protect?: boolean;
  /** Forgotten instead of deleted. */
  retainOnDelete?: boolean;
  initErrors?: string[];
  /** Replaced, and to be deleted at the end of the run. */
  condemned?: boolean;
  /** Deleted for a replacement that was not made yet. */
  pendingReplacement?: boolean;
}

export interface Outcome {
  /** What was done, such as `create acme`, in the order in which it was finished. Nothing for what stayed the same. */
  steps: string[];
  errors: string[];
}

/** The steps of a run in which nothing fails. */
export async function ok(outcome: Promise<Outcome>): Promise<string[]> {
  const { steps, errors } = await outcome;
  assert.deepEqual(errors, []);
  return steps;
}

export interface EngineOptions {
  /** Variables with the platforms' settings. */
  environment: () => Record<string, string>;
  /** Shortens pauses. */
  pace?: number;
  /** Called before each operation of the provider, so that a test can act in between. */
  before?: (operation: string, name: string) => void | Promise<void>;
  log?: (message: string) => void;
}

/**
 * A small model of Pulumi's engine: state, registration in the order of the program with as much at once as
 * the references allow, replacement in both orders, deletion at the end, refresh. Each command has provider
 * processes of its own, as with the real one. That it does what the real engine does is tested against the CLI.
 */
export class Engine {
  entries: Entry[] = [];
  readonly #options: EngineOptions;

  constructor(options: EngineOptions) {
    this.#options = options;
  }

  async up(program: Declared[], { refresh = false } = {}): Promise<Outcome> {
    const run = new Run(this, this.#options);
    if (!refresh) return run.up(program);
    const { steps, errors } = await run.refresh();
    if (errors.length > 0) return { steps, errors };
    steps.length = 0; // what the refresh found is not what the update did
    return run.up(program);
  }

  refresh(): Promise<Outcome> {
    return new Run(this, this.#options).refresh();
  }

  destroy(): Promise<Outcome> {
    return new Run(this, this.#options).destroy();
  }

  find(name: string): Entry | undefined {
    return this.entries.find((entry) => entry.name === name && !entry.condemned);
  }
}

class Run {
  readonly #engine: Engine;
  readonly #options: EngineOptions;
  readonly #sessions = new Map<string, Session>();
  readonly #outcome: Outcome = { steps: [], errors: [] };
  readonly #registered = new Set<string>();
  /** Deleted ahead of their own registration, because what they depend on is deleted before it is replaced. */
  readonly #deletedEarly = new Set<string>();

  constructor(engine: Engine, options: EngineOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  #lifecycle(type: string): Lifecycle {
    const { name } = resourceOf(type).platform;
    let session = this.#sessions.get(name);
    if (!session) {
      const { environment, pace, log } = this.#options;
      session = sessionOf(name, environment(), { pace, log });
      this.#sessions.set(name, session);
    }
    return lifecycleOf(type, session);
  }

  async #attempt<T>(operation: string, entry: { name: string }, act: () => Promise<T>): Promise<T> {
    await this.#options.before?.(operation, entry.name);
    return act();
  }

  async up(program: Declared[]): Promise<Outcome> {
    const promises = new Map<string, Promise<Entry>>();
    for (const declared of program) {
      const registration = this.#register(declared, promises);
      registration.catch(() => {});
      promises.set(declared.name, registration);
    }
    const results = await Promise.allSettled(promises.values());
    for (const result of results) {
      if (result.status === "rejected" && !(result.reason instanceof NotReached))
        this.#outcome.errors.push((result.reason as Error).message);
    }
    if (this.#outcome.errors.length === 0)
      await this.#deleteAll(this.#engine.entries.filter((entry) => entry.condemned || !this.#registered.has(entry.name)));
    return this.#outcome;
  }

  async #register(declared: Declared, promises: Map<string, Promise<Entry>>): Promise<Entry> {
    const { name, type, opts = {} } = declared;
    const dependencies = [...references(declared.args), ...[opts.parent, opts.dependsOn, opts.deletedWith].flat()].filter(
      (other): other is string => typeof other === "string",
    );
    const awaited = new Map<string, Entry>();
    for (const dependency of dependencies) {
      const promise = promises.get(dependency);
      if (!promise) continue; // a component
      awaited.set(dependency, await promise.catch(() => Promise.reject(new NotReached())));
    }
    if (type === "component") return { name, type, id: "", inputs: {}, outputs: {}, dependencies: [], propertyDependencies: {} };
    this.#registered.add(name);
    const lifecycle = this.#lifecycle(type);
    const news = plain(resolve(declared.args ?? {}, awaited) as Properties);
    const shape = lifecycle.definition.inputs.shape as Record<string, z.ZodType>;
    const key = Object.keys(shape).find((key) => traitsOf(shape[key]).defaultsToName);
    const named = key ? { [key]: name, ...news } : news;
    const old = this.#engine.find(name);
    const { inputs, failures } = lifecycle.check(named, old?.inputs ?? {});
    if (failures.length > 0) throw new Error(`${name}: ${failures.map(({ reason }) => reason).join("; ")}`);
    const { deletedWith, protect, retainOnDelete } = opts as Pick<Entry, "deletedWith" | "protect" | "retainOnDelete">;
    const propertyDependencies = Object.fromEntries(
      Object.entries(declared.args ?? {}).map(([key, value]) => [key, [...references(value)]]),
    );
    const facts = { dependencies, propertyDependencies, deletedWith, protect, retainOnDelete };
    if (!old) return this.#create(lifecycle, { name, type, inputs, ...facts });

    const difference = lifecycle.diff(old.id, old.outputs, inputs);
    if (old.pendingReplacement) return this.#create(lifecycle, { name, type, inputs, ...facts }, old);
    if (difference.replaces.length > 0) {
      if (old.protect) throw new Error(`${name} is protected and cannot be replaced`);
      if (!difference.deleteBeforeReplace) {
        old.condemned = true;
        return this.#create(lifecycle, { name, type, inputs, ...facts }, undefined, old);
      }
      await this.#deleteDependents(old);
      await this.#delete(old, true);
      return this.#create(lifecycle, { name, type, inputs, ...facts }, this.#engine.find(name));
    }
    if (difference.changes || old.initErrors) {
      Object.assign(old, facts);
      try {
        const outputs = await this.#attempt("update", old, () => lifecycle.update(old.id, old.outputs, inputs));
        Object.assign(old, { inputs, outputs, initErrors: undefined });
        this.#outcome.steps.push(`update ${name}`);
      } catch (error) {
        // The engine keeps the inputs as they were.
        if (error instanceof InitializationError) Object.assign(old, { outputs: error.state, initErrors: [error.message] });
        throw error;
      }
    } else Object.assign(old, facts, { inputs });
    return old;
  }

  async #create(lifecycle: Lifecycle, made: Omit<Entry, "id" | "outputs">, pending?: Entry, condemned?: Entry): Promise<Entry> {
    const put = (entry: Entry) => {
      if (pending) this.#engine.entries.splice(this.#engine.entries.indexOf(pending), 1);
      this.#engine.entries.push(entry);
      return entry;
    };
    try {
      const { id, state } = await this.#attempt("create", made, () => lifecycle.create(made.inputs));
      this.#outcome.steps.push(`create ${made.name}`);
      return put({ ...made, id, outputs: state });
    } catch (error) {
      if (error instanceof InitializationError) put({ ...made, id: error.id, outputs: error.state, initErrors: [error.message] });
      else if (condemned) condemned.condemned = undefined;
      throw error;
    }
  }

  /** Whatever would have to be replaced too once this one is gone is deleted first, what depends on another before that. */
  async #deleteDependents(root: Entry): Promise<void> {
    const going = new Set([root.name]);
    const replaced: Entry[] = [];
    for (const dependent of dependentsFirst(this.#engine.entries).reverse()) {
      if (dependent.condemned || going.has(dependent.name)) continue;
      const refers = (key: string) => dependent.propertyDependencies[key]?.some((name) => going.has(name)) === true;
      if (!Object.keys(dependent.inputs).some(refers)) continue;
      const unknowns = Object.fromEntries(Object.entries(dependent.inputs).map(([key, value]) => [key, refers(key) ? UNKNOWN : value]));
      if (this.#lifecycle(dependent.type).diff(dependent.id, dependent.outputs, unknowns).replaces.length === 0) continue;
      going.add(dependent.name);
      replaced.unshift(dependent);
    }
    for (const dependent of replaced) {
      if (this.#deletedEarly.has(dependent.name)) continue;
      this.#deletedEarly.add(dependent.name);
      await this.#delete(dependent, true);
    }
  }

  async #delete(entry: Entry, replacing = false): Promise<void> {
    const lifecycle = this.#lifecycle(entry.type);
    if (!entry.retainOnDelete) await this.#attempt("delete", entry, () => lifecycle.delete(entry.id, entry.outputs));
    this.#outcome.steps.push(`delete ${entry.name}`);
    if (replacing) entry.pendingReplacement = true;
    else this.#forget(entry);
  }

  #forget(entry: Entry): void {
    this.#engine.entries.splice(this.#engine.entries.indexOf(entry), 1);
  }

  async #deleteAll(entries: Entry[]): Promise<void> {
    const going = new Set(entries.map(({ name }) => name));
    const locked = entries.filter(({ protect, condemned }) => protect && !condemned);
    if (locked.length > 0) {
      this.#outcome.errors.push(...locked.map(({ name }) => `${name} is protected`));
      return;
    }
    for (const entry of dependentsFirst(entries)) {
      if (entry.pendingReplacement || (entry.deletedWith && going.has(entry.deletedWith) && !entry.condemned)) {
        this.#forget(entry);
        continue;
      }
      try {
        await this.#delete(entry);
      } catch (error) {
        this.#outcome.errors.push((error as Error).message);
        return;
      }
    }
  }

  async refresh(): Promise<Outcome> {
    await Promise.all(
      [...this.#engine.entries].map(async (entry) => {
        if (entry.pendingReplacement) return;
        try {
          const lifecycle = this.#lifecycle(entry.type);
          const live = await this.#attempt("read", entry, () => lifecycle.read(entry.id, entry.outputs));
          const before = JSON.stringify(sorted(entry.outputs));
          if (!live) {
            this.#forget(entry);
            this.#outcome.steps.push(`gone ${entry.name}`);
          } else {
            // With the roles reversed: what is there now against what was deployed.
            lifecycle.diff(entry.id, live.state, entry.inputs);
            Object.assign(entry, { inputs: live.inputs, outputs: live.state, initErrors: undefined });
            if (JSON.stringify(sorted(live.state)) !== before) this.#outcome.steps.push(`changed ${entry.name}`);
          }
        } catch (error) {
          this.#outcome.errors.push((error as Error).message);
        }
      }),
    );
    return this.#outcome;
  }

  async destroy(): Promise<Outcome> {
    await this.#deleteAll([...this.#engine.entries]);
    return this.#outcome;
  }
}

/** As the engine deletes: the latest first, and nothing before what has come to depend on it since. */
function dependentsFirst(entries: Entry[]): Entry[] {
  const latestFirst = [...entries].reverse();
  const ordered = new Set<Entry>();
  const add = (entry: Entry, within: Entry[] = []) => {
    if (within.includes(entry)) return;
    for (const other of latestFirst) if (other.dependencies.includes(entry.name)) add(other, [...within, entry]);
    ordered.add(entry);
  };
  for (const entry of latestFirst) if (!ordered.has(entry)) add(entry);
  return [...ordered];
}

/** Something it depends on failed, so it was never registered. */
class NotReached extends Error {}

function* references(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  if ("$ref" in value) yield String(value.$ref).split(".")[0]!;
  else for (const item of Object.values(value)) yield* references(item);
}

function resolve(value: unknown, entries: Map<string, Entry>): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, entries));
  if (typeof value !== "object" || value === null) return value;
  if ("$ref" in value) {
    const [name, key] = String(value.$ref).split(".") as [string, string];
    const entry = entries.get(name);
    return key === "id" ? entry?.id : entry?.outputs[key];
  }
  for (const wrapper of ["$secret", "$output"]) if (wrapper in value) return resolve((value as Properties)[wrapper], entries);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item, entries)]));
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
