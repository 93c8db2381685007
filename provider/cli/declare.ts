import type { z } from "zod";
import type { Declaration } from "../layout";
import type { Properties, Resource } from "../resource";
import { isOptional, leaves, objectSchema, traitsOf } from "../schema";
import { namesUser } from "../urls";
import { validate } from "../validate";
import { isAbsent, project, UNKNOWN } from "../values";
import { unique, ownerProperty, type Item } from "./inventory";

type Shape = Record<string, z.ZodType>;

export interface Declared {
  declarations: Declaration[];
  /** Items that no program can declare, each with the reason. */
  impossible: { item: Item; because: string }[];
}

/** Whether a key of the stack's configuration holds a secret of something else than this item. */
export type IsOtherSecret = (item: Item, key: string, value: string) => boolean;

/**
 * How a program declares what is there, so that it has nothing to change.
 *
 * @param isOther keys for which it holds get a number, so that no secret is written over
 */
export function declare(items: Item[], isOther: IsOtherSecret = () => false): Declared {
  const several = ambiguous(items);
  const keys = new Set<string>();
  const keyFor = (item: Item, secret: Secret): string => {
    const { path, value } = secret;
    const key = unique(keys, identifier([item.name, ...path].join("-")));
    return value !== undefined && isOther(item, key, value) ? keyFor(item, secret) : key;
  };
  const made = new Map<Item, Declaration>();
  const bySid = new Map<unknown, Declaration>();
  const impossible: Declared["impossible"] = [];
  for (const item of items) {
    const { definition, id, label, name, live } = item;
    const owner = ownerProperty(definition, live)?.name;
    const { inputs, secrets, unmanaged, because } = possible(item, owner, several);
    if (because !== undefined) {
      impossible.push({ item, because });
      continue;
    }
    const declaration: Declaration = {
      definition,
      id,
      label,
      name,
      inputs,
      references: [],
      ...(owner && item.parent ? { owner: { property: owner, is: made.get(item.parent) ?? item.parent } } : {}),
      secrets: secrets.map((secret) => ({ ...secret, key: keyFor(item, secret) })),
      unmanaged,
    };
    made.set(item, declaration);
    if (definition.sidFromId) bySid.set(live.sid, declaration);
  }
  for (const declaration of made.values()) {
    for (const [property, value] of Object.entries(declaration.inputs)) {
      const to = bySid.get(value);
      // What belongs to it is declared after it.
      if (to && to !== declaration && to.owner?.is !== declaration) declaration.references.push({ property, to });
    }
  }
  return { declarations: [...made.values()], impossible };
}

type Secret = Omit<Declaration["secrets"][number], "key">;

/** The inputs of an item, less those that the resource itself would refuse or whose secret nobody knows. */
function possible(item: Item, owner: string | undefined, several: Set<string>) {
  const { definition, live } = item;
  const shape = definition.inputs.shape as Shape;
  const inputs = inputsOf(item, owner, several);
  let secrets = secretsOf(item);
  const unmanaged: Declaration["unmanaged"] = [];
  const leave = (property: string, because: string): string | undefined => {
    if (!isOptional(shape[property]!)) return because;
    delete inputs[property];
    secrets = secrets.filter(({ path }) => path[0] !== property);
    unmanaged.push({ property, because });
    return undefined;
  };
  for (const { path, value } of secrets)
    if (value === undefined && path.length > 1) leave(path[0]!, `the platform does not tell ${path.join(".")}`);
  for (;;) {
    const whole = structuredClone(inputs);
    for (const { path } of secrets) place(whole, path, UNKNOWN);
    if (owner) whole[owner] = live[owner];
    const [failure] = validate(definition, whole);
    if (!failure) return { inputs, secrets, unmanaged };
    const property = failure.path[0];
    const because = property !== undefined && property in inputs ? leave(property, failure.reason) : failure.reason;
    if (because !== undefined) return { inputs, secrets, unmanaged, because };
  }
}

/** Properties that the platform would choose, and that are not the same for all items of a type, so that they have to be said. */
function ambiguous(items: Item[]): Set<string> {
  const seen = new Map<string, Set<unknown>>();
  for (const { definition, live } of items) {
    for (const [name, schema] of Object.entries(definition.inputs.shape as Shape)) {
      if (!traitsOf(schema).computed) continue;
      const place = `${definition.type} ${name}`;
      seen.set(place, (seen.get(place) ?? new Set()).add(live[name]));
    }
  }
  return new Set([...seen].filter(([, values]) => values.size > 1).map(([place]) => place));
}

/** What is needed, and what differs from the platform's default. Secrets are not among them. */
function inputsOf({ definition, live, parent }: Item, owner: string | undefined, several: Set<string>): Properties {
  const all = project({ schema: definition.inputs, live, state: {}, everything: true });
  const isSaid = (name: string) => {
    const schema = definition.inputs.shape[name] as z.ZodType;
    const chosen = traitsOf(schema).computed && isOptional(schema);
    // An owner that is not listed is the one that the platform takes by itself, or has to be said.
    return name === owner ? !parent && !chosen : !chosen || several.has(`${definition.type} ${name}`);
  };
  const said = Object.entries(all).filter(([name, value]) => !isAbsent(value) && isSaid(name));
  return { ...localOf(definition, live), ...Object.fromEntries(said) };
}

/** Values of local inputs with which a listing says that one that exists is declared. */
export function localOf({ inputs }: Resource, live: Properties): Properties {
  const shape = inputs.shape as Shape;
  return Object.fromEntries(Object.entries(live).filter(([name]) => traitsOf(shape[name]).local && !traitsOf(shape[name]).secret));
}

/** The secrets that a program has to give: those that are set, and those that are needed and not told. */
function secretsOf({ definition, live }: Item): Secret[] {
  const told = [...leaves(definition.inputs, live)]
    .filter(({ traits, value, schema }) => (traits.secret || isSecretUrl(value, schema)) && !traits.local)
    // What the resource itself would refuse is not the secret, but how the platform shows that there is one.
    .map(({ path, value, schema }): Secret => {
      if (!schema.safeParse(value).success) return { path };
      return typeof value === "string" ? { path, value } : { path, value: JSON.stringify(value), isObject: true };
    });
  return [...told, ...missing(definition.inputs, live)];
}

/** Whether a value is a URL with a password in it, where the resource takes such a one. */
const isSecretUrl = (value: unknown, schema: z.ZodType) => typeof value === "string" && namesUser(value) && schema.safeParse(value).success;

function* missing(object: z.ZodObject, value: Properties, path: string[] = []): Generator<Secret> {
  for (const [name, schema] of Object.entries(object.shape) as [string, z.ZodType][]) {
    if (isAbsent(value[name])) {
      if (traitsOf(schema).secret && !isOptional(schema)) yield { path: [...path, name] };
    } else if (!traitsOf(schema).secret && typeof value[name] === "object") {
      const nested = objectSchema(schema, value[name]);
      if (nested) yield* missing(nested, value[name] as Properties, [...path, name]);
    }
  }
}

/** Whether a secret that nobody has told is compared with what the platform shows of it, and never sent: it cannot be changed in place. */
export function isCompared({ definition }: Pick<Declaration, "definition">, [name]: string[]): boolean {
  return traitsOf((definition.inputs.shape as Shape)[name!]).replaceOnChanges !== undefined;
}

/** Writes a value into an object, at a path. */
export function place(holder: Properties, [first, ...rest]: string[], value: unknown): void {
  if (rest.length === 0) holder[first!] = value;
  else place((holder[first!] ??= {}) as Properties, rest, value);
}

/** A name as programs write it: `acme-device` becomes acmeDevice. */
export function identifier(name: string): string {
  const camel = name.replace(/[^A-Za-z0-9]+([A-Za-z0-9])/g, (_all, next: string) => next.toUpperCase()).replace(/[^A-Za-z0-9]/g, "");
  return /^\d|^$/.test(camel) ? `_${camel}` : camel;
}
