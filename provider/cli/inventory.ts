import type { Listed, Properties, Resource } from "../resource";
import { traitsOf } from "../schema";
import type { Session } from "../session";
import { key } from "./stack";
import type { z } from "zod";

/** One object of a platform, with a place among the others. */
export interface Item extends Listed {
  definition: Resource;
  /** A readable name that no other item has: a lower-case letter, and then letters, digits, underscores and hyphens. */
  name: string;
  /** What it belongs to, where that is in the inventory too. */
  parent?: Item;
}

export interface Filter {
  /** Types, such as `jambonz:Limit`. Default: all that can be listed. */
  types?: string[];
  /** A pattern for the names on the platform of what other objects may belong to: `*` is any text. Of the rest, what belongs to none is left out. */
  name?: string;
  /** Values that a property has to have, such as `serviceProviderSid`; whatever belongs to something is judged by that. */
  where?: Record<string, string | undefined>;
}

export interface Names {
  /** By which objects are known already, by `key`; they keep them, and no other gets one. */
  known: ReadonlyMap<string, string>;
  /** Those that nothing gets. */
  taken?: Iterable<string>;
}

/**
 * Everything that a key sees on a platform, parents before what belongs to them.
 *
 * @param log is told of the progress
 * @returns what is asked for, and whether the platform has anything at all that the filter's name and values are those of
 */
export async function inventory(
  session: Session,
  filter: Filter,
  { known, taken = [] }: Names,
  log: (message: string) => void,
): Promise<{ items: Item[]; matched: boolean }> {
  const { platform, client } = session;
  const items: Item[] = [];
  const byKey = new Map<string, Item>();
  const leftOut = new Set<string>();
  const names = new Set([...known.values(), ...taken]);
  const owners = ownersOf(platform.resources);
  const asked = platform.resources.filter((definition) => isAskedFor(definition, filter));
  const needed = withOwners(asked, platform.resources);
  for (const definition of platform.resources) {
    if (definition.unlisted && isAskedFor(definition, filter)) log(definition.unlisted);
    if (!definition.list || !needed.has(definition.type)) continue;
    const tell = progress((part) => log(`${definition.type}: ${part}`));
    const listed = await client.http.operation(() => definition.list!(client, tell));
    log(`${definition.type}: ${listed.length}`);
    for (const found of listed) {
      const owner = ownerOf(definition, found.live);
      const parent = owner === undefined ? undefined : byKey.get(owner);
      const item: Item = { ...found, live: told(definition, found.live), definition, parent, name: "" };
      const own = key(definition.type, found.id);
      if (!parent && ((owner && leftOut.has(owner)) || !isWanted(item, owners.has(definition.type), filter))) {
        leftOut.add(own);
        continue;
      }
      item.name =
        known.get(own) ??
        unique(names, parent ? `${named(parent.definition, parent.name)}-${slug(found.label)}` : named(definition, found.label));
      byKey.set(own, item);
      items.push(item);
    }
  }
  return { items: items.filter(({ definition }) => isAskedFor(definition, filter)), matched: items.length > 0 };
}

/** Whether a filter is of this type. */
export const isAskedFor = ({ type }: Resource, { types }: Pick<Filter, "types">) => !types || types.includes(type);

/** The types that others may belong to. */
function ownersOf(definitions: readonly Resource[]): Set<string> {
  return new Set(
    definitions.flatMap(({ inputs }) =>
      Object.values(inputs.shape as Record<string, z.ZodType>).flatMap((schema) => traitsOf(schema).refersTo ?? []),
    ),
  );
}

/** Types with those that they belong to, and what these belong to in turn. */
function withOwners(asked: readonly Resource[], all: readonly Resource[]): Set<string> {
  const types = new Set(asked.map(({ type }) => type));
  // What is added while the set is gone through is gone through, too.
  for (const type of types) for (const owner of ownersOf(all.filter((each) => each.type === type))) types.add(owner);
  return types;
}

/** Tells of every tenth part of what takes many questions. */
function progress(log: (part: string) => void): (done: number, of: number) => void {
  let told = 0;
  return (done, of) => {
    const tenth = Math.floor((10 * done) / of);
    if (of < 20 || tenth <= told || done === of) return;
    told = tenth;
    log(`${done} of ${of} lists read`);
  };
}

/** The property by which an item refers to what it belongs to, with the type of that. */
export function ownerProperty(definition: Resource, live: Properties): { name: string; type: string } | undefined {
  for (const [name, schema] of Object.entries(definition.inputs.shape as Record<string, z.ZodType>)) {
    const { refersTo } = traitsOf(schema);
    if (refersTo && typeof live[name] === "string") return { name, type: refersTo };
  }
  return undefined;
}

function ownerOf(definition: Resource, live: Properties): string | undefined {
  const owner = ownerProperty(definition, live);
  return owner && key(owner.type, String(live[owner.name]));
}

/** Without what the platform shows in another form than it takes it, such as the digest of a password. */
function told(definition: Resource, live: Properties): Properties {
  const shape = definition.inputs.shape as Record<string, z.ZodType>;
  const isTold = (name: string) => !(traitsOf(shape[name]).secret && traitsOf(shape[name]).writeOnly);
  return Object.fromEntries(Object.entries(live).filter(([name]) => isTold(name)));
}

/** @param mayOwn whether something may belong to it: only that has a name that somebody gave it to find it by */
function isWanted(item: Item, mayOwn: boolean, { name, where = {} }: Filter): boolean {
  if (name !== undefined && !(mayOwn && pattern(name).test(item.label))) return false;
  return Object.entries(where).every(([property, value]) => value === undefined || item.live[property] === value);
}

function pattern(text: string): RegExp {
  const parts = text.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "is");
}

/**
 * A text as a name, of letters, digits, underscores and hyphens. It begins with a letter: the code that Pulumi writes for an
 * import by the plugin takes no other names.
 */
export function named({ type }: Resource, label: string): string {
  const text = slug(label);
  return /^[a-z]/.test(text) ? text : [type.split(":")[1]!.toLowerCase(), text].filter(Boolean).join("-");
}

function slug(text: string): string {
  return text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/ß/g, "ss")
    .replace(/\p{M}/gu, "")
    .replace(/[^a-z0-9_]+/g, "-")
    .replace(/^[-_]+|[-_]+$/g, "")
    .slice(0, 60);
}

/** The wanted text, with a number where it is taken. */
export function unique(taken: Set<string>, wanted: string): string {
  let name = wanted;
  for (let number = 2; taken.has(name); number++) name = `${wanted}-${number}`;
  taken.add(name);
  return name;
}
