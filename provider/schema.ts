import { z } from "zod";
import type { Properties, Traits } from "./resource";
import { secretsOfUrl } from "./urls";

type Schema = z.core.$ZodType;

/** What stands inside optional, nullable and default. */
export function unwrap(schema: Schema): z.ZodType {
  let inner = schema as z.ZodType;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodNullable || inner instanceof z.ZodDefault)
    inner = inner.unwrap() as z.ZodType;
  return inner;
}

const traitsBySchema = new WeakMap<Schema, z.GlobalMeta>();

/** All that `.meta` and `.describe` say of a property, wherever in the chain they were called. */
export function traitsOf(schema: Schema | undefined): z.GlobalMeta {
  if (!schema) return {};
  const known = traitsBySchema.get(schema);
  if (known) return known;
  const outer = (schema as z.ZodType).meta() ?? {};
  const inner =
    schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault ? traitsOf(schema.unwrap()) : {};
  const all = { ...inner, ...outer };
  traitsBySchema.set(schema, all);
  return all;
}

export function isOptional(schema: Schema): boolean {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault;
}

/** The object schema that describes this value: the schema itself, or the member of a union that its discriminator names. */
export function objectSchema(schema: Schema, value: unknown): z.ZodObject | undefined {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) return inner;
  if (inner instanceof z.ZodDiscriminatedUnion) {
    const key = inner.def.discriminator;
    const is = (value as Properties | undefined)?.[key];
    return (inner.options as z.ZodObject[]).find((option) => (option.shape[key] as z.ZodLiteral).value === is);
  }
  return undefined;
}

/**
 * The schemas of an object's members, by name. Where no member of a union fits, because its discriminator is not known yet or
 * is one that this version does not know, they are those of all members together: what one of them calls secret, is secret.
 */
export function membersOf(schema: Schema, value: unknown): Record<string, z.ZodType> | undefined {
  const object = objectSchema(schema, value);
  if (object) return object.shape;
  const inner = unwrap(schema);
  if (!(inner instanceof z.ZodDiscriminatedUnion)) return undefined;
  const all = (inner.options as z.ZodObject[]).flatMap((option) => Object.entries(option.shape) as [string, z.ZodType][]);
  const isSecret = ([, member]: [string, z.ZodType]) => holdsSecret(member);
  // Of several of one name the last one counts.
  return Object.fromEntries([...all.filter((entry) => !isSecret(entry)), ...all.filter(isSecret)]);
}

/** One property of a nested value, with the path to it. */
export interface Leaf {
  path: string[];
  schema: z.ZodType;
  traits: Traits;
  value: unknown;
}

/** The values of an object that are not objects themselves, each with its schema. */
export function leaves(object: z.ZodObject, value: Properties): Generator<Leaf> {
  return leavesOf(object.shape, value, []);
}

function* leavesOf(members: Record<string, z.ZodType>, value: Properties, path: string[]): Generator<Leaf> {
  for (const [name, schema] of Object.entries(members)) {
    if (value[name] === undefined || value[name] === null) continue;
    const traits = traitsOf(schema);
    const nested = traits.secret || typeof value[name] !== "object" ? undefined : membersOf(schema, value[name]);
    if (nested) yield* leavesOf(nested, value[name] as Properties, [...path, name]);
    else yield { path: [...path, name], schema, traits, value: value[name] };
  }
}

/** The texts at secret places of an object, those inside of a secret map too, and those inside of its URLs. */
export function secretsIn(object: z.ZodObject, value: Properties): string[] {
  return [...leaves(object, value)].flatMap((leaf) => {
    if (leaf.traits.secret) return textsIn(leaf.value);
    return typeof leaf.value === "string" ? secretsOfUrl(leaf.value) : [];
  });
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** What a nested object is, wherever it stands. */
export function typeDescription(schema: Schema): string | undefined {
  return traitsOf(schema).typeDescription ?? unwrap(schema).description;
}

/** Whether anything inside a property is secret. */
export function holdsSecret(schema: Schema): boolean {
  if (traitsOf(schema).secret) return true;
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) return Object.values(inner.shape).some(holdsSecret);
  if (inner instanceof z.ZodDiscriminatedUnion) return (inner.options as z.ZodObject[]).some(holdsSecret);
  return false;
}

/** What a property's documentation says beside its description. */
export function remarks(schema: z.ZodType): string[] {
  const { replaceOnChanges, unchangeable, secret, defaultsToName, writeOnly, ignoreCase, ignorePlus } = traitsOf(schema);
  return [
    ...(defaultsToName ? ["Default: the resource's name in the program."] : []),
    ...(replaceOnChanges ? ["A change replaces the resource."] : []),
    ...(unchangeable ? ["It cannot be changed: a change is refused."] : []),
    ...(ignoreCase ? ["Capital and small letters are the same."] : []),
    ...(ignorePlus ? ["With and without a leading + it is the same."] : []),
    ...(writeOnly ? ["It is not read back, so a change made elsewhere does not show."] : []),
    ...(secret ? ["Secret."] : []),
  ];
}
