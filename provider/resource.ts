import { type z } from "zod";
import type { AdoptCommand } from "./adoption";
import type { HttpClient } from "./http/client";
import type { Layout } from "./layout";
import type { Surroundings } from "./session";

/**
 * Facts about one property that no type can say. They are given with zod's `.meta(…)`; everything that
 * treats a property in a special way (check, diff, read, the SDK, the plugin's schema) reads them from here.
 */
export interface Traits {
  /** A value that must never be shown: encrypted in state, left out of every message. */
  secret?: boolean;
  /**
   * The platform cannot change it in place: a changed value replaces the resource. `"evenIfAdded"` also
   * replaces when a value appears where the last deployment had none.
   */
  replaceOnChanges?: true | "evenIfAdded";
  /**
   * It changes in place, but to what does not exist yet a new one is made: what it belonged to may be deleted before that is
   * made, and take it along. The engine asks so about all that depends on something that is deleted to be replaced.
   */
  replaceIfUnknown?: boolean;
  /**
   * Why nobody can ever change it, neither in place nor by a replacement, as the end of a sentence. Another value
   * than the one that state holds is refused, in the preview already. A read has to keep what state holds, because the
   * engine compares what a refresh found by the same diff.
   */
  unchangeable?: string;
  /** Only the provider acts on it: it is never sent, and a change of it alone needs no request. */
  local?: boolean;
  /** The platform never returns it, so a read keeps what state says. */
  writeOnly?: boolean;
  /** What is made needs it, but not what is there already, of which the platform does not show it. */
  neededToCreate?: boolean;
  /** The platform chooses a value when the program leaves it out; leaving it out is then no change. */
  computed?: boolean;
  /** An output that an update may change: it is not known in the update's preview. */
  changesOnUpdate?: boolean;
  /** The platform ignores or loses it at creation, so it follows as an update. */
  setAfterCreate?: boolean;
  /** What the platform uses when nothing was ever set. Default: null. Taking a property out restores it. */
  platformDefault?: string | number | boolean;
  /** Values that differ in letter case only are the same value. */
  ignoreCase?: boolean;
  /** A telephone number of which the platform drops one leading +: with and without it is the same value. */
  ignorePlus?: boolean;
  /** A time in ISO 8601: two that name the same second are the same value. */
  instant?: boolean;
  /** Left out, it takes the resource's name in the program. Only the SDK class knows that name. */
  defaultsToName?: boolean;
  /** The type of the resource whose id it is: `jambonz:Account`. Whatever has it belongs to that. */
  refersTo?: string;
  /** What it refers to cannot be deleted while this is there, so it is always deleted by itself. */
  holdsBack?: boolean;
  /** The name of a nested object or of an enumeration in SDKs. */
  typeName?: string;
  /** What values of that type are, where a property that must be given says something else of its own. */
  typeDescription?: string;
  /** A setting that names on what a stack acts: its configuration and the environment must not contradict each other. */
  target?: boolean;
  /** What to do where it is missing, as the end of a sentence. */
  help?: string;
}

declare module "zod" {
  interface GlobalMeta extends Traits {}
}

/** A plain JSON object: inputs, outputs or state, always in camelCase. */
export type Properties = Record<string, unknown>;

/** What a creation gives: the id, and the outputs as far as the answer told them. */
export interface Created {
  id: string;
  outputs?: Properties;
}

/** Why something is not created. */
export interface Refusal {
  reason: string;
  /** The id of the object that is in its place: what the program still wants, by another name, is not deleted in that run. */
  holder?: string;
}

/** An object on the platform that may be the one whose creation was not answered. */
export interface Candidate extends Created {
  /** By the platform's clock, where the platform tells it. */
  createdAt?: Date;
  /** It differs from what was asked for in something that may have been written otherwise or changed since, so a person has to say. */
  isOtherwise?: boolean;
  /** Told when a creation is given this one; the others are somebody else's. */
  taken?(): void;
}

/** An object as a listing of everything finds it. */
export interface Listed {
  id: string;
  /**
   * The live values of inputs and outputs, as a read gives them; besides, values of local inputs with which one that
   * exists is declared.
   */
  live: Properties;
  /** What a person would call it: its name, or what tells it from others of its owner. */
  label: string;
}

export type Progress = (done: number, of: number) => void;

/** What speaks with a platform. */
export interface Client {
  readonly http: HttpClient;
  readonly adopt: AdoptCommand;
}

/**
 * A short program, for documentation: it is written in every language from this. The resources go by their names, each as
 * a program in YAML says it. A value `${acme.sid}` is an output or input of the resource `acme`, and `${password}` a secret
 * of the stack's configuration.
 */
export interface Example {
  /** What it shows, as a heading. */
  readonly title: string;
  readonly resources: Readonly<Record<string, ExampleResource>>;
}

export interface ExampleResource {
  readonly type: string;
  readonly properties: Properties;
  /** Options of Pulumi; `${acme}` is the resource `acme`. */
  readonly options?: Readonly<Record<string, string | boolean>>;
}

/** Whether a value may come from a list shared by many reads, or has to be read now. */
export interface ReadOptions {
  fresh?: boolean;
}

/**
 * What one kind of thing is on a platform. It holds nothing about Pulumi's protocol and nothing about
 * retries: both doors derive validation, diff, secrets, documentation and recovery from it.
 */
export interface Resource<C extends Client = any, Inputs extends z.ZodObject = any, Outputs extends z.ZodObject = any> {
  /** `platform:Type`, for example `jambonz:Limit`. */
  readonly type: string;
  /** What it is, in words: the documentation of its class and page. */
  readonly description: string;
  readonly example: Example;
  readonly inputs: Inputs;
  readonly outputs: Outputs;
  /**
   * The form of the id, as documentation, for the check of it and as the help of a malformed one:
   * `Accounts/<account sid>/Limits/<category>`. What stands there is named by its property.
   */
  readonly idFormat: string;
  /** What removing it does on the platform, in one sentence for the documentation. */
  readonly onDelete: string;
  /** Deleting it changes nothing on the platform, so it takes nothing from another resource that has the same object. */
  readonly onlyForgotten?: boolean;
  /** The id is the platform's sid, or ends with it, so that `sid` is known wherever the id is. */
  readonly sidFromId?: "whole" | "end";
  /** The platform cannot hold the old and the new one at once: never, or not while these inputs of both are the same, also where neither has them. */
  readonly deleteBeforeReplace?: true | { whileSame: readonly string[] };
  /** What it claims for itself alone, so that two in one run are noticed; see `claims.ts`. */
  claims?(inputs: z.output<Inputs>, id?: string): string | undefined;
  /** Whoever has its claim has all of it, so it is not deleted when another resource of the run has the claim by then. */
  readonly isItsClaim?: boolean;
  /**
   * Why a creation must not be sent, or undefined. Sends nothing that changes the platform. `replacing`: it is asked before
   * the object with this id is deleted to make room, and asked again without it when that is done.
   */
  refuseCreate?(client: C, inputs: z.output<Inputs>, options: { replacing?: string }): Promise<Refusal | undefined>;
  /** Gives at least one output: a state without any is taken for one that was only just imported. */
  create(client: C, inputs: z.output<Inputs>): Promise<Created>;
  /** A second creation writes over the first, so a lost answer is repeated by the client and needs no caution. */
  readonly createsOver?: boolean;
  /** What was made may be in no list for some minutes, so that not to find it says little. */
  readonly showsLate?: boolean;
  /** The live values of inputs and outputs, or undefined when it is gone. Throws when that is not certain. */
  read(client: C, id: string, state: Properties, options: ReadOptions): Promise<Properties | undefined>;
  /** Sends `changes`: new values, or what clears a property. Absent when nothing can change in place. */
  update?(client: C, id: string, changes: Properties, inputs: z.output<Inputs>, state: Properties): Promise<Properties | void>;
  /** Sends the deletion. It need not tell "already gone" from a refusal: the lifecycle reads afterwards. */
  delete(client: C, id: string, state: Properties): Promise<void>;
  /** Why it must not be replaced, although a property changed that replaces it, or undefined. Sends nothing. */
  refuseReplace?(state: Properties, news: Properties): string | undefined;
  /** Why a deletion must not be sent now, or undefined. Sends nothing that changes the platform. */
  refuseDelete?(client: C, id: string, state: Properties): Promise<string | undefined>;
  /** Why an object cannot be brought under Pulumi, because its id alone is not enough to read it. */
  refuseAdopt?(id: string): string | undefined;
  /**
   * Ids of such objects from a list that may be shared and some time old: none of them is made from now on. What somebody
   * else makes after that list is not among them. Asked before a creation.
   */
  existing?(client: C, inputs: z.output<Inputs>): Promise<ReadonlySet<string>>;
  /** Objects as a creation with these inputs would have made them, or undefined when they cannot be listed. */
  find?(client: C, inputs: z.output<Inputs>): Promise<Candidate[] | undefined>;
  /**
   * Everything of its kind that the key in use sees, for exports and for finding what no state knows.
   * @param progress is told how many of the questions that it takes are answered
   */
  list?(client: C, progress: Progress): Promise<Listed[]>;
  /** What of its kind no list shows, and why, as a sentence. */
  readonly unlisted?: string;
  /** Whether the platform still owes something although the inputs are as deployed. */
  unfinished?(inputs: z.output<Inputs>, state: Properties): boolean;
}

/** A question that changes nothing: `jambonz.getAccount`. */
export interface Lookup<C extends Client = any, Inputs extends z.ZodObject = any, Outputs extends z.ZodObject = any> {
  /** `platform:getThing`. */
  readonly type: string;
  readonly description: string;
  readonly inputs: Inputs;
  readonly outputs: Outputs;
  run(client: C, inputs: z.output<Inputs>): Promise<z.output<Outputs>>;
}

/** A platform: its settings, how to speak with it, and what it has. */
export interface Platform<C extends Client = any> {
  /** In lower case, as in types and settings: `jambonz`. */
  readonly name: string;
  /** As the platform writes itself. */
  readonly title: string;
  readonly description: string;
  /** The form of its sids, where they have one. */
  readonly sid?: RegExp;
  /** Settings of this platform beside the common ones of `settings.ts`. */
  readonly settings: z.ZodObject;
  connect(surroundings: Surroundings): C;
  readonly resources: readonly Resource<C>[];
  readonly lookups: readonly Lookup<C>[];
  /** Forms beside a program in which an export may declare what it found, by name: `export --as tenants`. */
  readonly layouts?: Readonly<Record<string, Layout>>;
}

/** Declares a resource; only infers its types. */
export function resource<C extends Client>() {
  return <I extends z.ZodObject, O extends z.ZodObject>(definition: Resource<C, I, O>): Resource<C, I, O> => definition;
}

/** Declares a look-up; only infers its types. */
export function lookup<C extends Client>() {
  return <I extends z.ZodObject, O extends z.ZodObject>(definition: Lookup<C, I, O>): Lookup<C, I, O> => definition;
}
