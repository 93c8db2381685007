import { createRequire } from "node:module";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { handlerText } from "../provider/handler";
import { SIGNATURE } from "../provider/signature";
import { version } from "./version";

/** What this module has to know of a generated class. */
export interface ResourceClass {
  /** `platform:Type` */
  type: string;
  inputs: readonly string[];
  outputs: readonly string[];
  /** Paths to secret inputs: `registrationHook.password`. */
  secretInputs: readonly string[];
  secretOutputs: readonly string[];
  sidFromId?: "whole" | "end";
  /** Also where somebody asks Pulumi to replace it, when nobody asks the provider. */
  deleteBeforeReplace?: boolean;
  /** The input that takes the resource's name in the program when it is left out. */
  defaultsToName?: string;
}

type Args = Record<string, unknown>;

/**
 * What a generated class hands to Pulumi's constructor: a dynamic resource whose provider is a constant text instead of
 * serialised code, so that state holds no code and an upgrade of this package changes no state.
 *
 * It is no base class because Pulumi's SDK takes the caller of the class below `CustomResource` for the line of the
 * program that declares the resource, and writes that line into state.
 */
export function registration(
  { type, inputs, outputs, secretInputs, secretOutputs, defaultsToName, deleteBeforeReplace }: ResourceClass,
  name: string,
  args: object | undefined,
  opts: pulumi.CustomResourceOptions = {},
): [type: string, name: string, props: Args, opts: pulumi.CustomResourceOptions] {
  checkResolution();
  const props: Args = Object.fromEntries([...inputs, ...outputs].map((key) => [key, undefined]));
  Object.assign(props, args);
  // A resource that is looked up by its id has no inputs of its own.
  if (defaultsToName && opts.id === undefined) props[defaultsToName] ??= name;
  for (const path of secretInputs) hide(props, path.split("."));
  props.__provider = handlerText(type);
  const own = { additionalSecretOutputs: [...secretOutputs], deleteBeforeReplace };
  return [`pulumi-nodejs:dynamic/${type}`, name, props, pulumi.mergeOptions(own, opts)];
}

/** In the preview of an update all outputs are unknown, and whatever depends on them would seem to change; the id is not. */
export function takeSidFromId(resource: pulumi.CustomResource, { sidFromId }: ResourceClass): void {
  const sid = sidFromId === "whole" ? resource.id : resource.id.apply((id) => id.slice(id.lastIndexOf("/") + 1));
  Object.assign(resource, { sid });
}

/** Marks the value at a path as secret, and nothing beside it where that is possible. */
function hide(holder: Args, path: string[]): void {
  const [key, ...rest] = path as [string, ...string[]];
  const value = holder[key];
  if (value === undefined || value === null) return;
  if (rest.length === 0) holder[key] = pulumi.secret(value);
  else if (pulumi.Output.isInstance(value) || value instanceof Promise) {
    const output = pulumi.output(value as unknown) as pulumi.Output<unknown>;
    holder[key] = output.apply((inner) => hidden(inner, rest));
  } else holder[key] = hidden(value, rest);
}

function hidden(value: unknown, path: string[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  const copy = { ...value } as Args;
  hide(copy, path);
  return copy;
}

/** With `--debug` Pulumi's SDK prints the engine's whole answers, secrets in clear. Such a message is cut short. */
function guardDebugLog(): void {
  const log = require("@pulumi/pulumi/log") as { debug: typeof pulumi.log.debug };
  const { debug } = log;
  log.debug = (message, ...rest) => {
    const shown = message.includes(SIGNATURE)
      ? `${message.split(", resp: ")[0]!.split(SIGNATURE)[0]!}, with secrets, which are not shown`
      : message;
    return debug(shown, ...rest);
  };
}
guardDebugLog();

let resolved = false;

/** The engine's provider process loads this package from the program's folder, so it has to be found there. */
function checkResolution(): void {
  if (resolved || !pulumi.runtime.hasEngine()) return;
  let found: string;
  try {
    found = (createRequire(join(process.cwd(), "index.js"))("pulumi-cpaas/package.json") as { version: string }).version;
  } catch {
    throw new pulumi.RunError(
      `pulumi-cpaas is not found from ${process.cwd()}, from where Pulumi loads it: add it to the package.json there (npm install pulumi-cpaas).`,
    );
  }
  if (found !== version) {
    throw new pulumi.RunError(
      `${process.cwd()} has pulumi-cpaas ${found}, but the program uses ${version}: install one version in the package.json there.`,
    );
  }
  resolved = true;
}

/** Asks a platform something, with the settings of the stack. */
export async function invoke<T>(type: string, args: object): Promise<T> {
  const { look } = require("../provider/lookup") as typeof import("../provider/lookup");
  try {
    return (await look(type, args as Args, session(type.split(":")[0]!))) as T;
  } catch (error) {
    throw new pulumi.RunError((error as Error).message);
  }
}

const sessions = new Map<string, import("../provider/session").Session>();

function session(name: string) {
  let known = sessions.get(name);
  if (!known) {
    const { Session } = require("../provider/session") as typeof import("../provider/session");
    const { platform } = require("../provider/platforms") as typeof import("../provider/platforms");
    const config = new pulumi.Config(name);
    known = new Session(platform(name), { config: (setting) => config.get(setting), log: (message) => void pulumi.log.info(message) });
    sessions.set(name, known);
  }
  return known;
}
