import { z } from "zod";
import type { Properties } from "./resource";
import { isOptional, membersOf, objectSchema, traitsOf, unwrap } from "./schema";

/** How the engine writes "not known yet" in a preview, for a value of any type. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export const isUnknown = (value: unknown): boolean => value === UNKNOWN;

/** Plain JSON, without what no state can hold: undefined, functions, big integers. */
export function plain(value: Properties): Properties {
  return JSON.parse(JSON.stringify(value, (_key, item: unknown) => (typeof item === "bigint" ? Number(item) : item))) as Properties;
}

/** The same without what is null: to a program, null is the same as left out. */
export function withoutNulls(value: Properties): Properties {
  return JSON.parse(JSON.stringify(value, (_key, item: unknown) => (item === null ? undefined : item))) as Properties;
}

/** What a text in JSON says, or undefined where it is not of this form. */
export function parsed<T>(text: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;

/** Whether two values of a property mean the same to the platform. A value not known yet is never the same. */
export function same(schema: z.core.$ZodType, a: unknown, b: unknown): boolean {
  const [isNothing, isAlsoNothing] = [a, b].map((value) => isAbsent(value) || isEmptyRecord(schema, value));
  if (isNothing || isAlsoNothing) return isNothing === isAlsoNothing;
  if (isUnknown(a) || isUnknown(b)) return false;
  if (typeof a === "string" && typeof b === "string") return a === b || canonicalText(schema, a) === canonicalText(schema, b);
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  const [left, right] = [a as Properties, b as Properties];
  const members = objectSchema(schema, a)?.shape;
  // A nested object is written as a whole, so what is left out in it takes the platform's default.
  const filled = (value: unknown, key: string) => (isAbsent(value) ? traitsOf(members?.[key]).platformDefault : value);
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => same(members?.[key] ?? z.unknown(), filled(left[key], key), filled(right[key], key)));
}

/** Where a program names entries as it likes, none is the same as left out. */
function isEmptyRecord(schema: z.core.$ZodType, value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0 && unwrap(schema) instanceof z.ZodRecord;
}

/** One place where two values differ, as the engine writes paths: `registrationHook.url`. */
export interface PropertyDifference {
  path: string;
  kind: "add" | "delete" | "update";
}

/** The places in a property where two values differ; the property itself where the difference cannot be told more narrowly. */
export function differences(schema: z.core.$ZodType, before: unknown, after: unknown, path: string): PropertyDifference[] {
  if (isAbsent(before)) return [{ path, kind: "add" }];
  if (isAbsent(after)) return [{ path, kind: "delete" }];
  const members = isObject(before) && isObject(after) ? [...new Set([...Object.keys(before), ...Object.keys(after)])] : [];
  const shape = objectSchema(schema, after)?.shape;
  const inner = members.flatMap((key) => {
    const [a, b] = [(before as Properties)[key], (after as Properties)[key]];
    const member: z.ZodType = shape?.[key] ?? z.unknown();
    // As in `same`, whose verdict on the whole property stands.
    const filled = (value: unknown) => (isAbsent(value) ? traitsOf(member).platformDefault : value);
    if (same(member, filled(a), filled(b))) return [];
    return differences(member, a, b, /^\w+$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`);
  });
  return inner.length > 0 ? inner : [{ path, kind: "update" }];
}

export const isObject = (value: unknown): value is Properties => typeof value === "object" && value !== null && !Array.isArray(value);

/** What state holds beside inputs and outputs. The engine shows no name that begins with two underscores. */
export const marks = {
  /** Names of inputs that the program leaves out and the platform chose. */
  chosen: "__chosen",
  /** Names of inputs that an update may or may not have changed, because its answer was lost. */
  unsure: "__unsure",
  /** Names of inputs that an import leaves alone. Every entry of an import list has it, inputs and outputs, until the first read. */
  unmanaged: "__unmanaged",
  /** Host and path of the platform where it was made or last seen: another one that does not have it proves nothing. */
  place: "__place",
} as const;

/** A placeholder that an import list holds where a secret will be. */
const PLACEHOLDER = "";

/**
 * State without what the provider never writes, such as a text where an object belongs: somebody has edited it by hand.
 * What is left out is as if it was never set, and the next update sets it.
 */
export function asWritten(schemas: { inputs: z.ZodObject; outputs: z.ZodObject }, state: Properties): Properties {
  const shape: Record<string, z.ZodType> = { ...schemas.outputs.shape, ...schemas.inputs.shape };
  const isWritten = (name: string, value: unknown) =>
    Object.hasOwn(markShape, name)
      ? isAbsent(value) || markShape[name as keyof typeof markShape].safeParse(value).success
      : !Object.hasOwn(shape, name) || fits(shape[name]!, value);
  return Object.fromEntries(Object.entries(state).filter(([name, value]) => isWritten(name, value)));
}

const names = z.array(z.string());
const markShape = { [marks.chosen]: names, [marks.unsure]: names, [marks.unmanaged]: names, [marks.place]: z.string() };

/** Whether a value is of the kind that a schema describes; its content is not looked at. */
function fits(schema: z.core.$ZodType, value: unknown): boolean {
  if (isAbsent(value) || isUnknown(value) || value === PLACEHOLDER) return true;
  const inner = unwrap(schema);
  const { type } = inner.def;
  if (type === "string" || type === "number" || type === "boolean") return typeof value === type;
  if (inner instanceof z.ZodArray) return Array.isArray(value) && value.every((item) => fits(inner.element, item));
  if (type === "object" || type === "record" || inner instanceof z.ZodDiscriminatedUnion) {
    const members = isObject(value) ? objectSchema(inner, value)?.shape : undefined;
    return (
      isObject(value) &&
      Object.entries(value).every(([name, item]) => !members || !Object.hasOwn(members, name) || fits(members[name], item))
    );
  }
  return true;
}

/** Values as the platform tells them apart, so that two that are the same to it are written alike. */
export function canonical(schema: z.ZodObject, values: Properties): Properties {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === "string" ? canonicalText(schema.shape[name] as z.ZodType | undefined, value) : value,
    ]),
  );
}

/** A text, written as all that mean the same to the platform are. */
function canonicalText(schema: z.core.$ZodType | undefined, text: string): string | number {
  const { ignoreCase, ignorePlus, instant } = traitsOf(schema);
  if (ignoreCase) return text.toLowerCase();
  if (ignorePlus) return withoutPlus(text);
  return instant ? second(text) : text;
}

export const withoutPlus = (number: string) => number.replace(/^\+/, "");

const second = (time: string) => Math.floor(Date.parse(time) / 1000);

/** What a read found, as the part of it that the program manages. */
export interface Projection {
  schema: z.ZodObject;
  /** The live values. */
  live: Properties;
  /** What state holds. */
  state: Properties;
  /** True when nothing was read before, as right after an import: then what differs from the platform's default is taken. */
  everything: boolean;
  /** Names of properties that are left out although the platform has them. */
  unmanaged?: string[];
}

/**
 * The live values of the properties that state holds, nested ones too. What the platform does not return
 * keeps what state says. A secret is never brought in where state holds none: the engine would write it in
 * clear. A property that is managed but empty on the platform is null.
 */
export function project({ schema, live, state, everything, unmanaged = [] }: Projection): Properties {
  const result: Properties = {};
  for (const [name, property] of Object.entries(schema.shape) as [string, z.ZodType][]) {
    const { writeOnly, local, computed, platformDefault } = traitsOf(property);
    const held = name in state;
    if (local || (writeOnly && held && state[name] !== PLACEHOLDER)) {
      if (held) result[name] = state[name];
      continue;
    }
    if (unmanaged.includes(name)) continue;
    const differs = !isAbsent(live[name]) && !same(property, live[name], platformDefault ?? null);
    if (!held && !(everything && (differs || computed || !isOptional(property)))) continue;
    const value = projectValue(property, live[name], state[name], !held || isAbsent(state[name]));
    // A placeholder stood for what may be there, and is nothing that was managed.
    if (value !== undefined || (held && state[name] !== PLACEHOLDER)) result[name] = value ?? null;
  }
  return result;
}

function projectValue(schema: z.ZodType, live: unknown, held: unknown, introduced: boolean): unknown {
  if (isAbsent(live)) return undefined;
  if (introduced && traitsOf(schema).secret) return undefined;
  const members = typeof live === "object" ? membersOf(schema, live) : undefined;
  if (!members) return !introduced && same(schema, live, held) ? held : live;
  if (held === PLACEHOLDER) return withoutNulls(pick(members, live as Properties));
  const heldObject = (introduced ? {} : held) as Properties;
  const result: Properties = {};
  for (const [name, member] of Object.entries(members)) {
    if (!introduced && !(name in heldObject)) continue;
    const value = projectValue(member, (live as Properties)[name], heldObject[name], introduced);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

function pick(members: Record<string, z.ZodType>, value: Properties): Properties {
  return Object.fromEntries(Object.keys(members).map((name) => [name, value[name]]));
}
