import type fc from "fast-check";
import type { FaultRule, LoggedRequest, Sandbox } from "../../sandbox/src";
import type { Entry } from "../support/engine";
import type { Declared } from "../support/pulumi";
import type { Life } from "./life";

/** What somebody does to one thing behind Pulumi's back. */
export interface OutsideChange<What extends string = string> {
  slot: string;
  what: What;
}

/** What has to follow from a change from outside. */
export interface Effect {
  /** What a refresh shows. */
  shown: string[];
  /** What the next `up` does. */
  repaired: string[];
  /** The only member that it may send to an object that stays. */
  member?: string;
}

/** A platform as the random lives see it. */
export interface Subject<Setting = any, Program = any> {
  /** As in types: `jambonz`. */
  readonly platform: string;
  /** What is the same during a whole life, such as the kind of key. */
  readonly setting: fc.Arbitrary<Setting>;
  program(setting: Setting): fc.Arbitrary<Program>;
  readonly change: fc.Arbitrary<OutsideChange>;
  readonly methods: readonly string[];
  readonly faults: readonly FaultRule["fault"][];
  /** Takes out of a life what no provider could make end well. Default: nothing. */
  possible?(life: Life<Setting, Program>): Life<Setting, Program>;
  readonly nothing: Program;
  /** The setting and a program as a person would tell them. */
  told(setting: Setting): string;
  sketch(program: Program): Declared[];
  /** Where lives take place, one after the other. */
  open(): Promise<Stage<Setting, Program>>;
}

export interface Stage<Setting = any, Program = any> {
  begin(setting: Setting): Promise<Scene<Program>>;
  close(): Promise<void>;
}

/** The platform's side of one life. Everything is asked and done from outside, without a delay, a limit or a fault. */
export interface Scene<Program = any> {
  readonly sandbox: Sandbox;
  /** The settings of the provider. */
  readonly variables: Record<string, string>;
  /** The program as Pulumi sees it. */
  declared(program: Program): Declared[];
  /** What somebody else has in the same place, which nothing may touch. */
  foreign(): Promise<unknown>;
  /** What the platform keeps secret by now, whoever knows of it. */
  secrets(): Promise<string[]>;
  /** Fails unless the platform holds exactly these entries, as the program says them. */
  holds(program: Program, entries: Entry[]): Promise<void>;
  /** Does it, where there is something to do it to; undefined where there is not. */
  act(change: OutsideChange, program: Program, entries: Entry[]): Promise<Effect | undefined>;
  /** The object that a request deletes, in the words of `deletionOf`. */
  deletes(request: LoggedRequest): string | undefined;
  /** How an entry would be deleted; undefined where it must not be, whatever the program says. */
  deletionOf(entry: Entry): string | undefined;
  /** Whether the program asks for something else in the place of this, so that it may go. */
  isReplaced(entry: Entry, args: Record<string, unknown>, before: Entry[], program: Declared[]): boolean;
  /** Whether everything that somebody did shows by now. Default: at once. */
  isShown?(): boolean;
  /** Lets the time pass in which a change may not show yet. */
  settle?(): void;
  /** What else has to hold after a command. */
  after?(command: string, before: Entry[], entries: Entry[], requests: LoggedRequest[], errors: string[]): Promise<void> | void;
  /**
   * What somebody does who reads a failure that is the program's own, or the trace of an earlier one: changes the
   * program, the platform, or `entries` (by an import). Gives the program to go on with; undefined where nothing
   * explains the failure.
   */
  heed?(error: string, program: Program, entries: Entry[]): Promise<Program | undefined>;
  /** Leaves the stage as it was. */
  end(): Promise<void>;
}

/** A resource of a state by its name, not one that is on its way out. */
export function current(entries: Entry[], name: string): Entry | undefined {
  return entries.find((entry) => entry.name === name && !entry.condemned && !entry.pendingReplacement);
}

/** An entry as an import list leaves it: an id, and placeholders for secrets. */
export function imported(type: string, name: string, id: string, secrets: string[]): Entry {
  return {
    type,
    name,
    id,
    inputs: {},
    outputs: Object.fromEntries(secrets.map((secret) => [secret, ""])),
    dependencies: [],
    propertyDependencies: {},
  };
}
