import { type z } from "zod";
import type { Properties, Resource } from "./resource";
import { holdsSecret, objectSchema, traitsOf } from "./schema";
import { isUnknown } from "./values";

/** One thing that is wrong with what a program says. */
export interface Failure {
  /** Where; empty where it concerns several properties. */
  path: string[];
  /** The whole sentence, with the path in it and never with a secret. */
  reason: string;
}

/**
 * Checks what a program says of a resource, without any request. Reports everything that is wrong at once.
 * Values that a preview does not know yet pass untouched, whatever their type.
 */
export function validate(definition: Pick<Resource, "type" | "inputs">, inputs: Properties): Failure[] {
  const result = definition.inputs.safeParse(inputs);
  if (result.success) return [];
  const typeName = definition.type.split(":")[1]!;
  const failures: Failure[] = [];
  for (const issue of result.error.issues) {
    if (knownNot(inputs, issue.path)) continue;
    const path = issue.path.map(String);
    if (issue.code === "unrecognized_keys") {
      const parent = objectAt(definition.inputs, inputs, path);
      const names = Object.keys(parent?.shape ?? {});
      for (const key of issue.keys) {
        const where = [...path, key].join(".");
        failures.push({
          path: [...path, key],
          reason: `${where} is not a property of ${path.length ? path.join(".") : typeName}; ${suggestion(key, names)}`,
        });
      }
    } else {
      const value = valueAt(inputs, path);
      const missing = value === undefined && path.length > 0;
      const shown = isSecret(definition.inputs, inputs, path) && issue.code !== "invalid_union" ? undefined : value;
      failures.push({
        path,
        reason: `${path.join(".") || typeName} ${missing ? "is required" : describeIssue(issue, shown)}`,
      });
    }
  }
  return failures;
}

/** What is wrong, as the rest of a sentence that begins with the property's name. `value` is shown where given. */
export function describeIssue(issue: z.core.$ZodIssue, value?: unknown): string {
  const plain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  // A URL may hold a password, and one that is mistyped may hold it anywhere before the host; its query may hold a token.
  const shown = plain
    ? `, not ${JSON.stringify(value)
        .replace(/.*@/, '"…@')
        .replace(/\?.+"$/, '?…"')}`
    : "";
  switch (issue.code) {
    case "invalid_type":
      return `must be ${typeWords[issue.expected] ?? `of type ${issue.expected}`}${shown}`;
    case "invalid_value":
      return `must be ${oneOf(issue.values.map(String))}${shown}`;
    case "invalid_union":
      if (issue.discriminator && "options" in issue) return `must be ${oneOf((issue.options as unknown[]).map(String))}${shown}`;
      return `has none of the forms that it may have${shown}`;
    case "too_small":
      if (issue.origin === "string") return issue.minimum === 1 ? "must not be empty" : `must have at least ${issue.minimum} characters`;
      return `must be ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${shown}`;
    case "too_big":
      if (issue.origin === "string")
        return `must have at most ${issue.maximum} characters${typeof value === "string" ? `, not ${value.length}` : ""}`;
      return `must be at most ${issue.maximum}${shown}`;
    case "invalid_format":
      return `${formatWords[issue.format] ?? issue.message}${shown}`;
    default:
      return issue.message;
  }
}

const typeWords: Record<string, string> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "a map",
  array: "a list",
};

const formatWords: Record<string, string> = {
  guid: "must be a sid, such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301",
  safeint: "must be a whole number",
};

function oneOf(values: string[]): string {
  return values.length === 1 ? values[0]! : `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`;
}

/** Whether the value at the path, or something it lies in, is not known yet. */
function knownNot(inputs: Properties, path: readonly PropertyKey[]): boolean {
  let value: unknown = inputs;
  for (const key of path) {
    value = (value as Properties | undefined)?.[key as string];
    if (isUnknown(value)) return true;
  }
  return false;
}

function valueAt(inputs: Properties, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Properties | undefined)?.[key], inputs);
}

function objectAt(schema: z.ZodObject, inputs: Properties, path: readonly string[]): z.ZodObject | undefined {
  let object: z.ZodObject | undefined = schema;
  let value: unknown = inputs;
  for (const key of path) {
    value = (value as Properties | undefined)?.[key];
    object = object?.shape[key] && objectSchema(object.shape[key] as z.ZodType, value);
  }
  return object;
}

/** Whether the value at the path is secret, holds a secret or lies in one: then it is not shown. */
function isSecret(schema: z.ZodObject, inputs: Properties, path: readonly string[]): boolean {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = objectAt(schema, inputs, path.slice(0, depth - 1));
    const property = parent?.shape[path[depth - 1]!] as z.ZodType | undefined;
    if (property && traitsOf(property).secret) return true;
    if (depth === path.length && property && holdsSecret(property)) return true;
    if (depth === path.length && !property) return path.length > 1;
  }
  return false;
}

/** "did you mean …?" where a name is near, else all names. */
export function suggestion(name: string, names: readonly string[]): string {
  const nearest = names
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase().replace(/_/g, ""), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  // The platform that a type begins with is no part of what may be mistyped.
  const { length } = name.slice(name.indexOf(":") + 1);
  if (nearest && nearest.distance <= Math.max(1, Math.floor(length / 3))) return `did you mean ${nearest.candidate}?`;
  return `it has ${names.join(", ")}`;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length]!;
}
