import { type z } from "zod";
import type { Example, Platform, Properties, Resource } from "../../provider/resource";
import { objectSchema, traitsOf, unwrap } from "../../provider/schema";
import { validate } from "../../provider/validate";
import { UNKNOWN } from "../../provider/values";

/** The languages that examples are written in, as Pulumi's documentation names them. */
export const languages = ["typescript", "yaml", "python"] as const;
export type Language = (typeof languages)[number];

/** A value that is an output of another resource, or a secret of the stack's configuration. */
interface Reference {
  resource?: string;
  name: string;
}

const pattern = /^\$\{(?:(\w+)\.)?(\w+)\}$/;

function referenceOf(value: unknown): Reference | undefined {
  const [, resource, name] = (typeof value === "string" && pattern.exec(value)) || [];
  return name ? { resource, name } : undefined;
}

function* references(value: unknown): Generator<Reference> {
  const found = referenceOf(value);
  if (found) yield found;
  else if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) yield* references(inner);
}

const title = (type: string) => type.split(":")[1]!;

/** The values of an example that the stack's configuration has to have. */
export function secretsOf({ resources }: Example): string[] {
  const all = Object.values(resources).flatMap(({ properties }) => [...references(properties)]);
  return [...new Set(all.filter(({ resource }) => !resource).map(({ name }) => name))];
}

/**
 * The example of a resource, when everything in it is as the definitions say.
 * @throws Error that says what is wrong, of the first example that is
 */
export function checkedExample(platform: Platform, definition: Resource): Example {
  const { example } = definition;
  const wrong = example ? problems(platform, definition.type, example) : ["it has no example"];
  if (wrong.length > 0) throw new Error(`the example of ${definition.type}: ${wrong.join("; ")}`);
  return example;
}

function problems(platform: Platform, shown: string, { resources }: Example): string[] {
  const of = (type: string) => platform.resources.find((resource) => resource.type === type);
  const declared = new Set<string>();
  const wrong: string[] = [];
  for (const [name, { type, properties, options = {} }] of Object.entries(resources)) {
    const definition = of(type);
    if (!definition) {
      wrong.push(`there is no ${type}`);
      continue;
    }
    for (const reference of references(properties)) {
      if (!reference.resource) continue;
      const target = declared.has(reference.resource) ? of(resources[reference.resource]!.type) : undefined;
      if (!target) wrong.push(`${name} refers to ${reference.resource}, which is not declared before it`);
      else if (!(reference.name in { ...target.inputs.shape, ...target.outputs.shape }))
        wrong.push(`${target.type} has no ${reference.name}`);
    }
    for (const { name: target } of references(options)) if (!declared.has(target)) wrong.push(`${name} has an option with ${target}`);
    const named = Object.keys(definition.inputs.shape as object).find((key) => traitsOf(definition.inputs.shape[key]).defaultsToName);
    const inputs = { ...(named && { [named]: name }), ...(withUnknowns(properties) as Properties) };
    wrong.push(...validate(definition, inputs).map(({ reason }) => `${name}: ${reason}`));
    declared.add(name);
  }
  if (!Object.values(resources).some(({ type }) => type === shown)) wrong.push("it has none of them");
  return wrong;
}

/** A reference is not known before its resource is made. */
function withUnknowns(value: unknown): unknown {
  if (referenceOf(value)) return UNKNOWN;
  if (Array.isArray(value)) return value.map(withUnknowns);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withUnknowns(inner)]));
}

interface Options {
  /** The line that brings the platform's classes into a program in TypeScript. */
  imports: string;
}

/** The program of an example. */
export function written(language: Language, platform: Platform, example: Example, options: Options): string {
  switch (language) {
    case "typescript":
      return typescript(platform, example, options);
    case "yaml":
      return yaml(example);
    case "python":
      return python(platform, example);
  }
}

/** Names of resources that others refer to, which need a variable. */
function referredTo({ resources }: Example): Set<string> {
  const all = Object.values(resources).flatMap(({ properties, options = {} }) => [
    ...[...references(properties)].map(({ resource }) => resource),
    ...[...references(options)].map(({ name }) => name),
  ]);
  return new Set(all.filter((name) => name !== undefined));
}

/** A value, laid out over several lines where it does not fit into one. */
function laidOut(open: string, entries: string[], close: string, indent: string, room: number): string {
  const short = `${open}${entries.join(", ")}${close}`;
  if (entries.length === 0) return short.replaceAll(" ", "");
  if (!short.includes("\n") && indent.length + room + short.length <= 100) return short;
  return `${open.trim()}\n${entries.map((entry) => `${indent}${STEP}${entry},\n`).join("")}${indent}${close.trim()}`;
}

const STEP = "    ";

function typescript(platform: Platform, example: Example, { imports }: Options): string {
  const secrets = secretsOf(example);
  const referred = referredTo(example);
  const value = (of: unknown, indent: string, room: number): string => {
    const reference = referenceOf(of);
    if (reference)
      return reference.resource ? `${reference.resource}.${reference.name}` : `config.requireSecret(${JSON.stringify(reference.name)})`;
    if (Array.isArray(of))
      return laidOut(
        "[",
        of.map((inner) => value(inner, indent + STEP, 0)),
        "]",
        indent,
        room,
      );
    if (typeof of !== "object" || of === null) return JSON.stringify(of);
    const entries = Object.entries(of).map(([key, inner]) => `${key}: ${value(inner, indent + STEP, key.length + 2)}`);
    return laidOut("{ ", entries, " }", indent, room);
  };
  const lines = Object.entries(example.resources).map(([name, { type, properties, options }]) => {
    const start = `${referred.has(name) ? `const ${name} = ` : ""}new ${platform.name}.${title(type)}(${JSON.stringify(name)}`;
    const option = Object.entries(options ?? {}).map(([key, of]) => `${key}: ${referenceOf(of)?.name ?? String(of)}`);
    const end = option.length ? `, { ${option.join(", ")} }` : "";
    const args = Object.keys(properties).length || end ? `, ${value(properties, "", start.length + end.length + 4)}` : "";
    return `${start}${args}${end});`;
  });
  return [
    ...(secrets.length ? [`import * as pulumi from "@pulumi/pulumi";`] : []),
    imports,
    "",
    ...(secrets.length ? ["const config = new pulumi.Config();", ""] : []),
    ...lines,
  ].join("\n");
}

function yaml(example: Example): string {
  const block = (value: Properties, indent: string): string =>
    Object.entries(value)
      .map(([key, inner]) => {
        if (typeof inner === "object" && inner !== null && Object.keys(inner).length > 0)
          return `${indent}${key}:\n${block(inner as Properties, `${indent}  `)}`;
        const plain =
          typeof inner === "string" &&
          /^(\$\{[\w.]+\}|[A-Za-z][\w:/.@ -]*)$/.test(inner) &&
          !/^(true|false|yes|no|on|off|null)$|: /i.test(inner);
        return `${indent}${key}: ${plain ? inner : JSON.stringify(inner)}\n`;
      })
      .join("");
  const secrets = secretsOf(example);
  const config = secrets.length ? { config: Object.fromEntries(secrets.map((name) => [name, { type: "string", secret: true }])) } : {};
  const resources = Object.fromEntries(
    Object.entries(example.resources).map(([name, { type, properties, options }]) => [
      name,
      { type, ...(Object.keys(properties).length > 0 && { properties }), ...(options && { options: { ...options } }) },
    ]),
  );
  return block({ ...config, resources }, "").trimEnd();
}

/** `apiKey` -> `api_key`, as Pulumi's SDKs in Python spell it. */
export const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function python(platform: Platform, example: Example): string {
  const secrets = secretsOf(example);
  const referred = referredTo(example);
  const value = (of: unknown, schema: z.ZodType | undefined, indent: string, room: number): string => {
    const reference = referenceOf(of);
    if (reference)
      return reference.resource
        ? `${snake(reference.resource)}.${snake(reference.name)}`
        : `config.require_secret(${JSON.stringify(reference.name)})`;
    if (typeof of === "boolean") return of ? "True" : "False";
    if (Array.isArray(of)) {
      const element = (unwrap(schema!) as z.ZodArray).element as z.ZodType;
      return laidOut(
        "[",
        of.map((inner) => value(inner, element, indent + STEP, 0)),
        "]",
        indent,
        room,
      );
    }
    if (typeof of !== "object" || of === null) return JSON.stringify(of);
    // The keys of a map are the program's own.
    const shape = schema && objectSchema(schema, of)?.shape;
    const entries = Object.entries(of).map(([key, inner]) => {
      const name = JSON.stringify(shape ? snake(key) : key);
      return `${name}: ${value(inner, shape?.[key] as z.ZodType | undefined, indent + STEP, name.length + 2)}`;
    });
    return laidOut("{", entries, "}", indent, room);
  };
  const lines = Object.entries(example.resources).map(([name, { type, properties, options }]) => {
    const { shape } = platform.resources.find((resource) => resource.type === type)!.inputs as z.ZodObject;
    const args = Object.entries(properties).map(([key, of]) => `${snake(key)}=${value(of, shape[key] as z.ZodType, STEP, key.length + 2)}`);
    const option = Object.entries(options ?? {}).map(
      ([key, of]) => `${snake(key)}=${referenceOf(of) ? snake(referenceOf(of)!.name) : of ? "True" : "False"}`,
    );
    const start = `${referred.has(name) ? `${snake(name)} = ` : ""}${platform.name}.${title(type)}`;
    const all = [JSON.stringify(name), ...args, ...(option.length ? [`opts=pulumi.ResourceOptions(${option.join(", ")})`] : [])];
    return `${start}${laidOut("(", all, ")", "", start.length)}`;
  });
  const usesPulumi = secrets.length > 0 || Object.values(example.resources).some(({ options }) => options);
  return [
    ...(usesPulumi ? ["import pulumi"] : []),
    `import pulumi_${platform.name} as ${platform.name}`,
    "",
    ...(secrets.length ? ["config = pulumi.Config()", ""] : []),
    ...lines,
  ].join("\n");
}
