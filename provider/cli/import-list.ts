import { pluginType, type Door } from "../adoption";
import { handlerText } from "../handler";
import type { Import } from "../layout";
import { holdsSecret, traitsOf } from "../schema";
import { SECRET, SIGNATURE } from "../signature";
import { marks } from "../values";
import { DYNAMIC } from "./stack";
import type { z } from "zod";

/** One entry of the list that `pulumi import --file` takes. */
export interface ImportEntry {
  type: string;
  /** By which other entries refer to it. */
  name: string;
  /** Its name in the program, where that is another. */
  logicalName?: string;
  id?: string;
  parent?: string;
  component?: boolean;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/** For `pulumi import --file`. */
export interface ImportList {
  /** The URNs of what the stack has already, by the names that entries call it by. */
  nameTable?: Record<string, string>;
  resources: ImportEntry[];
}

/** The oldest Pulumi CLI that takes a list with the package's resources: one of these holds inputs and outputs. */
const OLDEST_CLI = "3.254.0";

/** Whether a Pulumi CLI is too old for a list; then the oldest that is not. */
export function neededCli(version: string | undefined, door: Door): string | undefined {
  const isOlder = version !== undefined && version.localeCompare(OLDEST_CLI, "en", { numeric: true }) < 0;
  return door === "package" && isOlder ? OLDEST_CLI : undefined;
}

/** How the engine writes a secret in JSON; its value is an empty text, which the refresh that follows replaces. */
const SECRET_PLACEHOLDER = { [SIGNATURE]: SECRET, plaintext: '""' };

/** The list that adopts what exists. No value of the platform is in it but ids. */
export function importList(imports: Import[], door: Door): ImportList {
  const parents = [...new Set(imports.flatMap(({ parent }) => parent ?? []))];
  const inState = parents.flatMap((parent) => ("urn" in parent ? [[parent.urn, parent.urn] as const] : []));
  const components = parents.flatMap((parent) =>
    "urn" in parent || "definition" in parent
      ? []
      : [{ type: parent.type, name: nameOf(parent), logicalName: parent.name, component: true }],
  );
  const entryOf = door === "plugin" ? pluginEntry : packageEntry;
  return {
    ...(inState.length > 0 ? { nameTable: Object.fromEntries(inState) } : {}),
    resources: [
      ...components,
      ...imports.map((entry) => ({ ...entryOf(entry), ...(entry.parent ? { parent: nameOf(entry.parent) } : {}) })),
    ],
  };
}

/** By which a list calls a parent. Several resources of one component may have its name, and it has to be named without doubt. */
function nameOf(parent: NonNullable<Import["parent"]>): string {
  if ("urn" in parent) return parent.urn;
  return "definition" in parent ? parent.name : `${parent.type} ${parent.name}`;
}

/** The plugin is asked by the id alone. */
const pluginEntry = ({ definition, name, id }: Import): ImportEntry => ({ type: pluginType(definition.type), name, id });

/**
 * With outputs in it the engine does not read, so the entry holds what a read needs: the handler, a placeholder for each
 * secret, so that the engine encrypts what the refresh after the import fills in, and what that shall leave alone.
 */
function packageEntry({ definition, name, id, unmanaged = [], local = {} }: Import): ImportEntry {
  const handler = { __provider: handlerText(definition.type) };
  const secrets = (shape: Record<string, z.ZodType>) =>
    Object.fromEntries(
      Object.entries(shape)
        .filter(([, schema]) => holdsSecret(schema))
        .map(([key]) => [key, SECRET_PLACEHOLDER]),
    );
  // The provider alone keeps a local secret: no refresh would replace its placeholder.
  const declared = Object.fromEntries(
    Object.entries(definition.inputs.shape as Record<string, z.ZodType>).filter(
      ([key, schema]) => !traitsOf(schema).local && !unmanaged.includes(key),
    ),
  );
  const inputs = { ...handler, ...local, ...secrets(declared), [marks.unmanaged]: unmanaged };
  return {
    type: `${DYNAMIC}${definition.type}`,
    name,
    id,
    inputs,
    outputs: { ...inputs, ...secrets(definition.outputs.shape as Record<string, z.ZodType>) },
  };
}
