import assert from "node:assert/strict";
import { platform, resourceOf } from "../../provider/platforms";
import type { Properties } from "../../provider/resource";
import { leaves, secretsIn } from "../../provider/schema";
import type { LoggedRequest } from "../../sandbox/src";
import { Engine, type Entry, type Outcome } from "../support/engine";
import type { Declared } from "../support/pulumi";
import { story, type Life } from "./life";
import type { OutsideChange, Scene, Stage, Subject } from "./subject";

/** What a life left behind that tells how much it went through. */
export interface Lived {
  requests: number;
  operations: number;
  /** Operations that ended with an error; each is allowed to while something is broken. */
  failures: number;
}

/** How often in a row somebody does what a failure tells, before that is a failure itself. */
const MOST_ADVICE = 12;

/** A platform on which lives are lived one after the other. */
export class World {
  static async start(subject: Subject): Promise<World> {
    return new World(subject, await subject.open());
  }

  private constructor(
    readonly subject: Subject,
    readonly stage: Stage,
  ) {}

  stop(): Promise<void> {
    return this.stage.close();
  }

  /** @throws AssertionError that tells the life's story and what was wrong at its end */
  async live(life: Life): Promise<Lived> {
    const course = await Course.begin(this.subject, await this.stage.begin(life.setting), life);
    try {
      return await course.run();
    } catch (error) {
      throw new Error(`${story(this.subject, life)}\n\n${course.log.join("\n")}\n\n${(error as Error).message}`, { cause: error });
    } finally {
      await course.end();
    }
  }
}

class Course {
  readonly log: string[] = [];
  readonly #subject: Subject;
  readonly #life: Life;
  readonly #scene: Scene;
  readonly #engine: Engine;
  /** What stands for it between two commands: text that the next one reads. */
  #state = "[]";
  #said: string[] = [];
  readonly #lived: Lived = { requests: 0, operations: 0, failures: 0 };
  #foreign: unknown;
  /** Every secret that was ever seen. */
  readonly #secrets = new Set<string>();
  /** Whether anything may be otherwise on the platform than when it was looked at last. */
  #isNews = true;

  static async begin(subject: Subject, scene: Scene, life: Life): Promise<Course> {
    const course = new Course(subject, scene, life);
    course.#foreign = await scene.foreign();
    scene.sandbox.clearRequests();
    return course;
  }

  private constructor(subject: Subject, scene: Scene, life: Life) {
    this.#subject = subject;
    this.#life = life;
    this.#scene = scene;
    const prefix = subject.platform.toUpperCase();
    this.#engine = new Engine({
      environment: () => ({ [`${prefix}_REQUEST_TIMEOUT`]: "30", [`${prefix}_OPERATION_TIMEOUT`]: "30", ...scene.variables }),
      pace: 0.001,
      log: (message) => this.#said.push(message),
    });
  }

  /** Leaves the stage as it was. */
  async end(): Promise<void> {
    this.#scene.sandbox.clearFaults();
    await this.#scene.end();
  }

  async run(): Promise<Lived> {
    const { nothing } = this.#subject;
    let program = nothing as unknown;
    let seen = true; // whether state may know everything that somebody has done
    for (const { outside, faults, command, program: next } of this.#life.chapters) {
      for (const change of outside) seen = !(await this.#somebody(change, program)) && seen;
      if (command.startsWith("up")) program = next;
      for (const fault of faults) this.#scene.sandbox.addFault(fault);
      const isShown = this.#scene.isShown?.() ?? true;
      const { errors } = await this.#command(command, program);
      this.#scene.sandbox.clearFaults();
      const troubled = faults.length > 0 || outside.length > 0 || !seen || this.#lived.failures > errors.length;
      for (const error of errors) {
        const heeded = await this.#heed(error, program);
        assert(troubled || heeded !== undefined, `nothing was wrong, and it failed: ${error}`);
      }
      if (errors.length > 0 || command === "refresh") continue;
      // What has ended well has done what it was told, whatever happened in it.
      const knows = seen || (command === "up --refresh" && isShown);
      if (command === "destroy" || knows) await this.#isAsDeclared(command === "destroy" ? nothing : program);
      if (command.startsWith("up")) seen = knows;
    }
    this.#scene.settle?.();
    program = (await this.#calm("up --refresh", program)).program;
    await this.#isAsDeclared(program);
    await this.#isStill(program);
    program = await this.#showsAsItself(this.#life.last, program);
    await this.#isStill(program);
    const { steps } = await this.#calm("destroy", program);
    assert.equal(this.#entries().length, 0, `left in state after ${steps.join(", ")}`);
    await this.#isAsDeclared(nothing);
    return this.#lived;
  }

  /** Runs a command of Pulumi, and checks what has to hold whatever happens in it. */
  async #command(command: string, declaredProgram: unknown): Promise<Outcome> {
    const scene = this.#scene;
    this.log.push(`pulumi ${command}`);
    const before = this.#entries();
    this.#engine.entries = this.#entries();
    this.#said = [];
    scene.sandbox.clearRequests();
    const program = scene.declared(declaredProgram);
    // Also what never comes into state, because it is not created.
    for (const { type, args } of program)
      for (const secret of secretsIn(resourceOf(type).definition.inputs, args as Properties)) if (secret !== "") this.#secrets.add(secret);
    const outcome =
      command === "refresh"
        ? await this.#engine.refresh()
        : command === "destroy"
          ? await this.#engine.destroy()
          : await this.#engine.up(program, { refresh: command === "up --refresh" });
    this.#state = JSON.stringify(this.#engine.entries);
    const requests = [...scene.sandbox.requests];
    this.#lived.requests += requests.length;
    this.#lived.operations += outcome.steps.length + outcome.errors.length;
    this.#lived.failures += outcome.errors.length;
    this.log.push(...outcome.steps.map((step) => `  ${step}`), ...outcome.errors.map((error) => `  error: ${error}`));
    const types = platform(this.#subject.platform).resources.map(({ type }) => type.split(":")[1]!);
    for (const error of outcome.errors)
      assert.match(error, new RegExp(`\\b(${types.join("|")})\\b.*: \\S`), "a failure names the resource and a reason");
    this.#isNews ||= requests.some(({ method }) => method !== "GET");
    if (this.#isNews) {
      for (const secret of await scene.secrets()) this.#secrets.add(secret);
      assert.deepEqual(await scene.foreign(), this.#foreign, "what is somebody else's is untouched");
    }
    this.#isNews = false;
    this.#keepsSecrets(outcome, requests);
    if (command !== "destroy") this.#deletedOnlyWhatItMay(before, program, requests);
    await scene.after?.(command, before, this.#entries(), requests, outcome.errors);
    return outcome;
  }

  /** Nothing is wrong any more, save what somebody sets right who does what the failures say. */
  async #calm(command: string, program: unknown): Promise<{ steps: string[]; program: unknown }> {
    const steps: string[] = [];
    for (let round = 0; ; round++) {
      const outcome = await this.#command(command, program);
      steps.push(...outcome.steps);
      if (outcome.errors.length === 0) return { steps, program };
      assert(round < MOST_ADVICE, `what the failures say does not help: ${outcome.errors.join("; ")}`);
      for (const error of outcome.errors) {
        const next = await this.#heed(error, program);
        assert(next !== undefined, `nothing was wrong, and it failed: ${error}`);
        program = next;
      }
      if (command === "destroy") ({ program } = await this.#calm("up", program));
    }
  }

  async #heed(error: string, program: unknown): Promise<unknown> {
    const entries = this.#entries();
    const next: unknown = await this.#scene.heed?.(error, program, entries);
    if (next === undefined) return undefined;
    this.log.push(`  somebody does what it says: ${error.slice(0, 100)}`);
    this.#isNews = true;
    const state = JSON.stringify(entries);
    if (state === this.#state) return next;
    this.#state = state;
    await this.#command("refresh", program); // as after every import
    return next;
  }

  #entries(): Entry[] {
    return JSON.parse(this.#state) as Entry[];
  }

  /** The platform holds exactly what state holds and the program says: no orphan, no duplicate, nothing missing. */
  async #isAsDeclared(program: unknown): Promise<void> {
    const entries = this.#entries();
    assert.deepEqual(
      entries.map(({ name }) => name).sort(),
      this.#scene
        .declared(program)
        .map(({ name }) => name)
        .sort(),
      "state holds what the program says, once",
    );
    await this.#scene.holds(program, entries);
  }

  /** A further `up` and a further refresh change nothing and write nothing. */
  async #isStill(program: unknown): Promise<void> {
    const before = this.#state;
    const { steps } = await this.#calm("up", program);
    assert.deepEqual([steps, this.#scene.sandbox.requests.length], [[], 0], "a further up does nothing");
    assert.equal(this.#state, before);
    const refreshed = await this.#calm("refresh", program);
    assert.deepEqual(refreshed.steps, [], "a further refresh finds nothing");
    assert.deepEqual(
      this.#scene.sandbox.requests.filter(({ method }) => method !== "GET").map(({ method, path }) => `${method} ${path}`),
      [],
      "a refresh writes nothing",
    );
    assert.deepEqual(
      sortedEntries(this.#entries()),
      sortedEntries(JSON.parse(before) as Entry[]),
      "a further refresh leaves state as it is",
    );
  }

  /** One more change from outside is seen by a refresh as what it is, and the next `up` repairs it and nothing else. */
  async #showsAsItself(change: OutsideChange, program: unknown): Promise<unknown> {
    this.#scene.settle?.();
    const effect = (await this.#somebody(change, program)) ?? { shown: [], repaired: [] };
    this.#scene.settle?.();
    const { steps } = await this.#calm("refresh", program);
    assert.deepEqual(steps.sort(), [...effect.shown].sort(), "what a refresh shows of it");
    const repaired = await this.#calm("up", program);
    assert.deepEqual(repaired.steps.sort(), [...effect.repaired].sort(), "what the next up does about it");
    for (const { method, path, body } of this.#scene.sandbox.requests) {
      if (method === "PUT" && effect.member) assert.deepEqual(Object.keys(body as object), [effect.member], `what PUT ${path} sends`);
    }
    await this.#isAsDeclared(repaired.program);
    return repaired.program;
  }

  async #somebody(change: OutsideChange, program: unknown): ReturnType<Scene["act"]> {
    const effect = await this.#scene.act(change, program, this.#entries());
    if (!effect) return undefined;
    this.log.push(`somebody: ${change.what} of ${change.slot}`);
    this.#isNews = true;
    return effect;
  }

  /** Every secret is only where it belongs: at the places of state that are encrypted. */
  #keepsSecrets({ steps, errors }: Outcome, requests: LoggedRequest[]): void {
    const open: unknown[] = [steps, errors, this.#said, requests.map(({ method, path }) => `${method} ${path}`)];
    for (const { type, inputs, outputs, initErrors, id } of this.#entries()) {
      const { definition } = resourceOf(type);
      open.push(id, initErrors);
      for (const properties of [inputs, outputs]) {
        for (const schema of [definition.inputs, definition.outputs]) {
          for (const { traits, value, path } of leaves(schema, properties)) {
            if (!traits.secret) open.push(path, value);
            else if (value !== "") this.#secrets.add(String(value));
          }
        }
      }
    }
    const text = JSON.stringify(open);
    for (const secret of this.#secrets) {
      for (const spelling of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
        assert(
          !text.includes(spelling),
          `a secret is where it does not belong: ${text.slice(Math.max(0, text.indexOf(spelling) - 200), text.indexOf(spelling))}<here>`,
        );
    }
  }

  /** Nothing was deleted that the program did not delete or replace. */
  #deletedOnlyWhatItMay(before: Entry[], program: Declared[], requests: LoggedRequest[]): void {
    const may = new Set<string | undefined>();
    for (const entry of before) {
      const now = program.find(({ name }) => name === entry.name)?.args as Properties | undefined;
      const stays = now && !entry.condemned && !this.#scene.isReplaced(entry, now, before, program);
      if (!stays) may.add(this.#scene.deletionOf(entry));
    }
    for (const request of requests) {
      const { status } = request;
      const deleted = status === null || status < 300 ? this.#scene.deletes(request) : undefined;
      if (deleted !== undefined) assert(may.has(deleted), `deleted without being told to: ${deleted}`);
    }
  }
}

/** What state says, without the inputs: a refresh writes those as the platform spells them, and the next `up` as the program does. */
function sortedEntries(entries: Entry[]): unknown {
  const sorted = (value: unknown): unknown =>
    typeof value !== "object" || value === null || Array.isArray(value)
      ? value
      : Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, item]) => [key, sorted(item)]),
        );
  return [...entries].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ inputs: _, ...entry }) => sorted(entry));
}
