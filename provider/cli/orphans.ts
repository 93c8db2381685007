import type { Item } from "./inventory";
import { key } from "./stack";

/** What is on the platform and not in a stack's state. What belongs to an orphan is not told of besides. */
export function orphans(items: Item[], managed: ReadonlyMap<string, string>): Item[] {
  const isManaged = ({ definition, id }: Item) => managed.has(key(definition.type, id));
  return items.filter((item) => !isManaged(item) && !(item.parent && !isManaged(item.parent)));
}

/** A line for each, with how to adopt it. */
export function report(found: Item[]): string {
  return found
    .map(({ definition, id, label, name, live }) => {
      const made = typeof live.createdAt === "string" ? `, made ${live.createdAt}` : "";
      return `${definition.type} ${JSON.stringify(label)} (${id})${made}\n  npx pulumi-cpaas adopt ${definition.type} ${name} ${id}`;
    })
    .join("\n");
}
