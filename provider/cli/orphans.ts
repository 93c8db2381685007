import { adoptCommand, type Door } from "../adoption";
import type { Item } from "./inventory";
import { key } from "./stack";

/** What is on the platform and not in a stack's state. What belongs to an orphan is not told of besides. */
export function orphans(items: Item[], managed: ReadonlyMap<string, string>): Item[] {
  const isManaged = ({ definition, id }: Item) => managed.has(key(definition.type, id));
  return items.filter((item) => !isManaged(item) && !(item.parent && !isManaged(item.parent)));
}

/** What is told of an orphan, with the command that adopts it under a suggested name. */
export interface Orphan {
  type: string;
  id: string;
  /** By what people know it. */
  label: string;
  /** When it was made, where the platform tells. */
  createdAt?: string;
  adopt: string;
}

/** @param door the one for which the commands are */
export function told(found: Item[], door: Door): Orphan[] {
  return found.map(({ definition: { type }, id, label, name, live: { createdAt } }) => ({
    type,
    id,
    label,
    ...(typeof createdAt === "string" ? { createdAt } : {}),
    adopt: adoptCommand[door](type, name, id),
  }));
}

/** A line for each, with how to adopt it. */
export function report(found: Orphan[]): string {
  const made = ({ createdAt }: Orphan) => (createdAt === undefined ? "" : `, made ${createdAt}`);
  return found.map((each) => `${each.type} ${JSON.stringify(each.label)} (${each.id})${made(each)}\n  ${each.adopt}`).join("\n");
}
