import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { EOL } from "node:os";
import { z } from "zod";
import type { Door } from "../adoption";
import { UserError } from "../errors";
import { platformNames } from "../platforms";
import { parsed } from "../values";

const deployment = z.object({
  resources: z
    .array(z.object({ urn: z.string(), type: z.string(), id: z.string().optional(), external: z.boolean().optional() }))
    .nullish(),
});

/** A stack's state, as far as it is needed here: as `pulumi stack export` writes it, or as a backend of files holds it. */
const stateFile = z.union([
  z.object({ deployment }).transform((file) => file.deployment),
  z.object({ checkpoint: z.object({ latest: deployment }) }).transform((file) => file.checkpoint.latest),
]);

/** What tells an object of a platform from all others: its type and id. */
export const key = (type: string, id: string): string => `${type} ${id}`;

/** What stands before a type of the npm package in a state. */
export const DYNAMIC = "pulumi-nodejs:dynamic/";

/** Both doors name the same type differently: pulumi-nodejs:dynamic/jambonz:Account and jambonz:index:Account. */
export const plainType = (type: string): string => type.replace(/^.*\//, "").replace(":index:", ":");

/** The objects that a stack has, by `key`, with their names in the program. */
export interface Stack {
  managed: Map<string, string>;
  /** What the program only reads, by a resource's `get`, and does not manage. */
  read: Map<string, string>;
  /** Everything that it has, components too, by its URN. */
  urns: { urn: string; type: string; name: string; key?: string }[];
  /** The doors through which it has objects of this package's types. */
  doors: Set<Door>;
}

/**
 * The objects of one or several stacks.
 *
 * @param files what `pulumi stack export` wrote, or - for standard input; left out, the stack selected in the current folder
 */
export function stackOf(files: string[] | undefined): Stack {
  if (files === undefined) return objectsIn(stateIn(pulumi("stack", "export")));
  const stacks = files.map((file) => objectsIn(read(file), file));
  return {
    managed: merged(stacks.map(({ managed }) => managed)),
    read: merged(stacks.map(({ read }) => read)),
    urns: stacks.flatMap(({ urns }) => urns),
    doors: new Set(stacks.flatMap(({ doors }) => [...doors])),
  };
}

const merged = <T>(maps: Map<string, T>[]) => new Map(maps.flatMap((map) => [...map]));

function objectsIn(text: string, file = "pulumi stack export"): Stack {
  const state = parsed(text, stateFile);
  if (!state) throw new UserError(`${file} gives no state: it has to be what \`pulumi stack export\` writes`);
  const stack = noStack();
  for (const { type, id, urn, external } of state.resources ?? []) {
    const own = id === undefined ? undefined : key(plainType(type), id);
    stack.urns.push({ urn, type: plainType(type), name: nameOf(urn), ...(own && !external ? { key: own } : {}) });
    if (!own) continue;
    stack[external ? "read" : "managed"].set(own, nameOf(urn));
    const door = doorOf(type);
    if (door) stack.doors.add(door);
  }
  return stack;
}

/** The same where there is a stack in the current folder; none is no error. */
export function stackHere(): Stack {
  const answer = pulumi("stack", "export");
  return hasNoStack(answer) ? noStack() : objectsIn(stateIn(answer));
}

export const noStack = (): Stack => ({ managed: new Map(), read: new Map(), urns: [], doors: new Set() });

/** The door of a type as a state has it; undefined for a type of another package. */
function doorOf(type: string): Door | undefined {
  if (!platformNames.includes(plainType(type).split(":")[0]!)) return undefined;
  return type.startsWith(DYNAMIC) ? "package" : "plugin";
}

/** A name may hold what separates the parts of a URN. */
const nameOf = (urn: string) => urn.split("::").slice(3).join("::");

function read(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

/** What the CLI answers. */
interface CliAnswer {
  status: number | null;
  stdout: string;
  stderr: string | null;
  error?: NodeJS.ErrnoException;
}

function pulumi(...args: string[]): CliAnswer {
  return spawnSync("pulumi", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 2 ** 30 });
}

const why = ({ stderr, error }: Omit<CliAnswer, "stdout">) =>
  error?.code === "ENOENT" ? "pulumi is not on PATH" : (stderr || error?.message || "").trim();

function stateIn(answer: CliAnswer): string {
  if (answer.status === 0) return answer.stdout;
  throw new UserError(
    `the state of the stack in this folder cannot be read (${why(answer) || "without a reason"}); give it with --state FILE, as \`pulumi stack export > FILE\` writes it`,
  );
}

/** The version of the CLI on PATH, such as `3.258.0`; undefined where there is none, or it tells none. */
export function cliVersion(): string | undefined {
  return /^v?(\d+\.\d+\.\d+)/.exec(pulumi("version").stdout ?? "")?.[1];
}

const configuration = z.record(z.string(), z.object({ value: z.unknown() }));

/**
 * The configuration of the stack selected in the current folder, where there is one: the settings that are not in the environment.
 *
 * @returns reads a value, and throws a UserError where there is a stack whose configuration cannot be read
 */
export function stackConfiguration(): (name: string) => unknown {
  let values: z.output<typeof configuration> | undefined;
  return (name) => (values ??= readConfiguration())[name]?.value;
}

function readConfiguration(): z.output<typeof configuration> {
  const answer = pulumi("config", "--json", "--show-secrets");
  const values = answer.status === 0 ? parsed(answer.stdout, configuration) : hasNoStack(answer) ? {} : undefined;
  if (values) return values;
  // Without it the environment alone would say which platform it is, and it may be another.
  throw new UserError(`the configuration of the stack in this folder cannot be read: ${why(answer) || "it is no JSON"}`);
}

/** Tells whether a key of the configuration of the stack selected in the current folder holds another value than this. */
export function isOtherSecret(): (key: string, value: string) => boolean {
  const values = Object.entries(readConfiguration());
  return (key, value) => values.some(([name, held]) => name.endsWith(`:${key}`) && held.value !== value);
}

/** Whether there is no CLI, no project or no stack, and not one that cannot be read. */
function hasNoStack({ status, stderr, error }: CliAnswer): boolean {
  if (status === 0) return false;
  if (error) return error.code === "ENOENT";
  return /no Pulumi\.yaml project file found/.test(stderr!) || (/no stack selected/.test(stderr!) && !process.env.PULUMI_STACK);
}

/**
 * Stores secrets in the configuration of the stack selected in the current folder, without writing them anywhere in clear. The
 * CLI takes one line end away from what it reads, so one is added, and a secret that ends with its own keeps it.
 */
export function setSecrets(secrets: { key: string; value?: string }[]): void {
  for (const { key, value } of secrets) {
    if (value === undefined) continue;
    const answer = spawnSync("pulumi", ["config", "set", "--secret", key], {
      input: value + EOL,
      encoding: "utf8",
      stdio: ["pipe", "ignore", "pipe"],
    });
    if (answer.status !== 0) throw new UserError(`${key} cannot be stored in the stack's configuration: ${why(answer)}`);
  }
}
