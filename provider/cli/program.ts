import type { Arrangement, Declaration, Import, Owner } from "../layout";
import type { z } from "zod";
import { traitsOf } from "../schema";
import { isAbsent } from "../values";
import type { Properties } from "../resource";
import { identifier, isCompared, localOf, place } from "./declare";
import { named as plainName, unique } from "./inventory";

/** Names that a program cannot give to a constant, and those that it gives to something else. */
const RESERVED =
  "arguments async await break case catch class config const continue debugger default delete do else enum eval export exports extends false finally for function if implements import in instanceof interface let module new null of package private protected public pulumi require return static super switch this throw true try typeof undefined var void while with yield".split(
    " ",
  );

/** How a program is written. */
interface Manner {
  split: boolean;
  modules: boolean;
  protect: boolean;
}

/**
 * A TypeScript program.
 *
 * @param split one file for each object that others may belong to, with those that do, instead of one for all
 * @param modules whether it is of ES modules, whose imports name files in full
 * @param protect whether Pulumi refuses to delete anything of it: what is in nothing says so, and the rest has it from there
 */
export function program(declarations: Declaration[], { split, modules, protect }: Manner): Arrangement {
  const own = new Map<Owner, Declaration>(declarations.map((declaration) => [declaration, declaration]));
  const parentOf = ({ owner }: Declaration) => owner && own.get(owner.is);
  const named = new Set(
    declarations.flatMap(({ owner, references }) => [...(owner ? [owner.is] : []), ...references.map(({ to }) => to as Owner)]),
  );
  /** What a declaration is written together with. */
  const rootOf = (declaration: Declaration): Owner => {
    const parent = parentOf(declaration);
    return parent ? rootOf(parent) : (declaration.owner?.is ?? declaration);
  };
  const holdsOthers = new Set(declarations.flatMap(({ owner }) => (owner ? [owner.is.definition.type] : [])));
  const byFile = new Map<string, Declaration[]>([["index", []]]);
  const fileOf = new Map<Owner, string>();
  const taken = new Set(["index"]);
  for (const declaration of declarations) {
    const root = rootOf(declaration);
    if (split && holdsOthers.has(root.definition.type) && !fileOf.has(root))
      fileOf.set(root, unique(taken, plainName(root.definition, root.name)));
    const file = fileOf.get(root) ?? "index";
    byFile.set(file, [...(byFile.get(file) ?? []), declaration]);
  }
  const imports = new Map<Owner, Import>();
  for (const declaration of declarations) {
    const { definition, id, name, unmanaged, inputs } = declaration;
    const parent = imports.get(declaration.owner?.is ?? declaration);
    const local = localOf(definition, inputs);
    imports.set(declaration, { definition, id, name, parent, unmanaged: unmanaged.map(({ property }) => property), local });
  }
  // TypeScript keeps this name for what it makes of the file, and Node runs that.
  const parts = [...byFile.keys()].filter((file) => file !== "index").map((file) => (modules ? `${file}.js` : file));
  const files = [...byFile].map(([file, inIt]) => [
    `${file}.ts`,
    text(inOrder(inIt), { named, own, protect, parts: file === "index" ? parts : [] }),
  ]);
  return {
    files: Object.fromEntries(files) as Record<string, string>,
    imports: [...imports.values()],
    secrets: declarations.flatMap(({ secrets }) => secrets),
    remarks: declarations.flatMap((declaration) =>
      todos(declaration).map((todo) => `${declaration.definition.type} ${JSON.stringify(declaration.name)} (${declaration.id}): ${todo}`),
    ),
  };
}

/** What is referred to stands before what refers to it. */
function inOrder(declarations: Declaration[]): Declaration[] {
  const all = new Set(declarations);
  const ordered = new Set<Declaration>();
  const add = (declaration: Declaration, within: Declaration[] = []) => {
    if (ordered.has(declaration) || within.includes(declaration)) return;
    for (const { to } of declaration.references) if (all.has(to)) add(to, [...within, declaration]);
    ordered.add(declaration);
  };
  for (const declaration of declarations) add(declaration);
  return [...ordered];
}

interface Whole {
  /** What others refer to. */
  named: Set<Owner>;
  own: Map<Owner, Declaration>;
  protect: boolean;
  /** Files that this one loads. */
  parts: string[];
}

function text(declarations: Declaration[], { named, own, protect, parts }: Whole): string {
  // What belongs to something that is not exported refers to it by a look at its id.
  const elsewhere = [...new Set(declarations.flatMap(({ owner }) => (owner && !own.has(owner.is) ? [owner.is] : [])))];
  const platforms = [...new Set([...declarations, ...elsewhere].map(({ definition }) => definition.type.split(":")[0]!))];
  const taken = new Set([...RESERVED, ...platforms]);
  const constants = new Map<Owner, string>();
  for (const owner of [...elsewhere, ...declarations].filter((each) => named.has(each)))
    constants.set(owner, unique(taken, identifier(owner.name)).replace("-", "_"));
  const hasSecrets = declarations.some(({ secrets }) => secrets.length > 0);
  return [
    ...(hasSecrets ? [`import * as pulumi from "@pulumi/pulumi";`] : []),
    ...(platforms.length > 0 ? [`import { ${platforms.join(", ")} } from "pulumi-cpaas";`] : []),
    ...parts.map((part) => `import "./${part}";`),
    "",
    ...(hasSecrets ? ["const config = new pulumi.Config();", ""] : []),
    ...elsewhere.map((owner) => {
      const name = JSON.stringify(`${owner.name}-elsewhere`);
      return `const ${constants.get(owner)!} = ${classOf(owner)}.get(${name}, ${JSON.stringify(owner.id)});`;
    }),
    ...declarations.map((declaration) => statement(declaration, constants, { own, protect })),
    "",
  ].join("\n");
}

const classOf = ({ definition }: Owner) => definition.type.replace(":", ".");

function statement(declaration: Declaration, constants: Map<Owner, string>, { own, protect }: Pick<Whole, "own" | "protect">): string {
  const { name, owner, secrets, references } = declaration;
  const inputs: Properties = structuredClone(declaration.inputs);
  if (owner) inputs[owner.property] = new Code(`${constants.get(owner.is)!}.sid`);
  // One in another file keeps its sid.
  for (const { property, to } of references) if (constants.has(to)) inputs[property] = new Code(`${constants.get(to)!}.sid`);
  for (const { path, key, isObject } of secrets)
    place(inputs, path, new Code(`config.requireSecret${isObject ? "Object" : ""}(${JSON.stringify(key)})`));
  const holder = owner && own.has(owner.is) ? constants.get(owner.is)! : undefined;
  const untold = secrets.filter(({ path, value }) => value === undefined && !isCompared(declaration, path)).map(({ path }) => path[0]!);
  const options = [
    ...(holder ? [`parent: ${holder}`, ...(isHeldBack(declaration) ? [] : [`deletedWith: ${holder}`])] : protect ? ["protect: true"] : []),
    ...(untold.length > 0 ? [`ignoreChanges: ${JSON.stringify(untold)}`] : []),
  ].join(", ");
  const call = `new ${classOf(declaration)}(${JSON.stringify(name)}, ${literal(inputs)}${options && `, { ${options} }`});`;
  const constant = constants.get(declaration);
  return [...todos(declaration).map((todo) => `// TODO: ${todo}`), constant ? `const ${constant} = ${call}` : call].join("\n");
}

/** Whether what it belongs to can be deleted only when it is gone. */
function isHeldBack({ definition, owner }: Declaration): boolean {
  return owner !== undefined && traitsOf(definition.inputs.shape[owner.property] as z.ZodType).holdsBack === true;
}

/** What somebody has to decide or to know, each in a line. */
function todos(declaration: Declaration): string[] {
  return [
    ...declaration.secrets
      .filter(({ value }) => value === undefined)
      .map(({ path, key }) => {
        const then = isCompared(declaration, path)
          ? " to the one that it has; another one is an error"
          : "; it is sent when ignoreChanges is taken out";
        return `the platform does not tell ${path.join(".")}: \`pulumi config set --secret ${key} …\`${then}`;
      }),
    ...declaration.unmanaged.map(({ property, because }) => `${property} is left as it is on the platform, because ${oneLine(because)}`),
  ];
}

/** A reason may quote what somebody has written. */
const oneLine = (text: string) => text.replace(/[\r\n\u2028\u2029]+/g, " ");

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
  const lines = entries.map(([name, item]) => `${inner}${propertyName(name)}: ${literal(item, inner)},`);
  return `{\n${lines.join("\n")}\n${indent}}`;
}

/** As the key of an object. `__proto__` would be no property, but for the brackets. */
function propertyName(name: string): string {
  if (name === "__proto__") return `[${JSON.stringify(name)}]`;
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
