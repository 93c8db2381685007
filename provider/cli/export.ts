import type { z } from "zod";
import type { Properties } from "../resource";
import { isOptional, leaves, traitsOf } from "../schema";
import { isAbsent, project } from "../values";
import { importEntry, type ImportEntry } from "./import-list";
import { ownerProperty, type Item } from "./inventory";

/** A secret that the platform tells, which the program takes from its configuration. */
export interface ConfigurationSecret {
  /** Its key in the stack's configuration, such as `acmeRegistrationHookPassword`. */
  key: string;
  /** Undefined where the platform does not tell it. */
  value?: string;
}

export interface Export {
  /** For `pulumi import --file`. Without any value of the platform. */
  list: { resources: ImportEntry[] };
  /** A TypeScript program that declares the same. */
  program: string;
  secrets: ConfigurationSecret[];
}

const RESERVED = new Set(
  "break case catch class const continue debugger default delete do else enum export extends false finally for function if import in instanceof new null return super switch this throw true try typeof var void while with yield let static await async of config pulumi".split(
    " ",
  ),
);

/** Writes what brings these items under Pulumi: the list that imports them and the program that declares them. */
export function exported(items: Item[]): Export {
  // What belongs to something that is not exported refers to it by a look at its id.
  const elsewhere = [...new Set(items.flatMap(({ parent }) => (parent && !items.includes(parent) ? [parent] : [])))];
  const names = new Map([...elsewhere, ...items].map((item) => [item, variable(item.name)]));
  const secrets: ConfigurationSecret[] = [];
  const several = ambiguous(items);
  const own = new Set(items);
  const declarations = items.map((item) => declaration(item, own, names, several, secrets));
  const platforms = [...new Set(items.map(({ definition }) => definition.type.split(":")[0]!))];
  const program = [
    `import * as pulumi from "@pulumi/pulumi";`,
    `import { ${platforms.join(", ")} } from "pulumi-cpaas";`,
    "",
    ...(secrets.length > 0 ? ["const config = new pulumi.Config();", ""] : []),
    ...elsewhere.map((item) => {
      const [platform, type] = item.definition.type.split(":") as [string, string];
      return `const ${names.get(item)!} = ${platform}.${type}.get(${JSON.stringify(`${item.name}-elsewhere`)}, ${JSON.stringify(item.id)});`;
    }),
    ...declarations,
    "",
  ].join("\n");
  const list = {
    resources: items.map(({ definition, name, id, parent }) =>
      importEntry(definition, name, id, parent && items.includes(parent) ? parent.name : undefined),
    ),
  };
  return { list, program: secrets.length > 0 ? program : program.replace(/^import \* as pulumi.*\n/, ""), secrets };
}

/** Properties that the platform would choose, and that are not the same for all items of a type, so that they have to be said. */
function ambiguous(items: Item[]): Set<string> {
  const seen = new Map<string, Set<unknown>>();
  for (const { definition, live } of items) {
    for (const [name, schema] of Object.entries(definition.inputs.shape as Record<string, z.ZodType>)) {
      if (!traitsOf(schema).computed) continue;
      const place = `${definition.type} ${name}`;
      seen.set(place, (seen.get(place) ?? new Set()).add(live[name]));
    }
  }
  return new Set([...seen].filter(([, values]) => values.size > 1).map(([place]) => place));
}

/** The inputs that declare an item as it is: what is needed, and what differs from the platform's default. */
function inputsOf({ definition, live }: Item, several: Set<string>): Properties {
  const all = project({ schema: definition.inputs, live, state: {}, everything: true });
  return Object.fromEntries(
    Object.entries(all).filter(
      ([name, value]) =>
        !isAbsent(value) && (!traitsOf(definition.inputs.shape[name] as z.ZodType).computed || several.has(`${definition.type} ${name}`)),
    ),
  );
}

function declaration(item: Item, own: Set<Item>, names: Map<Item, string>, several: Set<string>, secrets: ConfigurationSecret[]): string {
  const { definition, live, name, parent } = item;
  const inputs: Properties = inputsOf(item, several);
  const lines: string[] = [];
  const owner = ownerProperty(definition, live);
  if (owner && parent) inputs[owner.name] = new Code(`${names.get(parent)!}.sid`);
  for (const { path, value } of secretLeaves(item)) {
    const key = variable([name, ...path].join("-"));
    const known = typeof value === "string" && value !== "";
    secrets.push({ key, value: known ? value : undefined });
    set(inputs, path, new Code(`config.requireSecret(${JSON.stringify(key)})`));
    if (!known) lines.push(`// TODO: the platform does not tell ${path.join(".")}: pulumi config set --secret ${key} …`);
  }
  const [platform, type] = definition.type.split(":") as [string, string];
  const holder = parent && own.has(parent) ? names.get(parent)! : undefined;
  const options = holder ? `, { parent: ${holder}, deletedWith: ${holder} }` : "";
  const call = `new ${platform}.${type}(${JSON.stringify(name)}, ${literal(inputs)}${options});`;
  const used = [...names].some(([other]) => other.parent === item);
  return [...lines, used ? `const ${names.get(item)!} = ${call}` : call].join("\n");
}

/** The secrets that a program has to give: those that are set, and those that are needed and not told. */
function secretLeaves({ definition, live }: Item): { path: string[]; value: unknown }[] {
  const told = [...leaves(definition.inputs, live)].filter(({ traits }) => traits.secret && !traits.local);
  const untold = Object.entries(definition.inputs.shape as Record<string, z.ZodType>)
    .filter(([name, schema]) => traitsOf(schema).secret && !isOptional(schema) && isAbsent(live[name]))
    .map(([name]) => ({ path: [name], value: undefined }));
  return [...told, ...untold];
}

function set(holder: Properties, path: string[], value: unknown): void {
  const [first, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) holder[first] = value;
  else set((holder[first] ??= {}) as Properties, rest, value);
}

/** An expression, which stands in a program as it is. */
class Code {
  constructor(readonly text: string) {}
}

function literal(value: unknown, indent = ""): string {
  if (value instanceof Code) return value.text;
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, indent)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => !isAbsent(item));
  if (entries.length === 0) return "{}";
  const inner = `${indent}  `;
  const lines = entries.map(
    ([name, item]) => `${inner}${/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)}: ${literal(item, inner)},`,
  );
  return `{\n${lines.join("\n")}\n${indent}}`;
}

/** A name as TypeScript writes it: `acme-device` becomes acmeDevice. */
function variable(name: string): string {
  const camel = name.replace(/[^A-Za-z0-9]+([A-Za-z0-9])/g, (_all, next: string) => next.toUpperCase()).replace(/[^A-Za-z0-9]/g, "");
  return /^\d/.test(camel) || RESERVED.has(camel) ? `_${camel}` : camel;
}
