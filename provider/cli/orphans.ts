import { adoptCommand, type Door } from "../adoption";
import { hasFormat } from "../ids";
import { resourceOf } from "../platforms";
import { harmless } from "../redact";
import type { Item } from "./inventory";
import { key } from "./stack";

/** What is on the platform and not in a stack's state. What belongs to an orphan that is told of is not told of besides. */
export function orphans(items: Item[], managed: ReadonlyMap<string, string>): Item[] {
  const unmanaged = new Set(items.filter(({ definition, id }) => !managed.has(key(definition.type, id))));
  return [...unmanaged].filter(({ parent }) => !parent || !unmanaged.has(parent));
}

/** What is told of an orphan, with the command that adopts it under a suggested name. */
export interface Orphan {
  type: string;
  id: string;
  /** By what people know it. */
  label: string;
  /** When it was made, where the platform tells. */
  createdAt?: string;
  /** Undefined where the platform's id is none: it has no place in a command that somebody copies, and `adopt` would refuse it. */
  adopt?: string;
}

/** @param door the one for which the commands are */
export function told(found: Item[], door: Door): Orphan[] {
  return found.map(({ definition, id, label, name, live: { createdAt } }) => ({
    type: definition.type,
    id,
    label,
    ...(typeof createdAt === "string" ? { createdAt } : {}),
    ...(hasFormat(resourceOf(definition.type).platform, definition, id) ? { adopt: adoptCommand[door](definition.type, name, id) } : {}),
  }));
}

/** A line for each, with how to adopt it. */
export function report(found: Orphan[]): string {
  const lines = found.map(({ type, id, label, createdAt, adopt }) => {
    const made = createdAt === undefined ? "" : `, made ${createdAt}`;
    return [harmless(`${type} ${JSON.stringify(label)} (${id})${made}`), ...(adopt === undefined ? [] : [`  ${adopt}`])];
  });
  return lines.flat().join("\n");
}
