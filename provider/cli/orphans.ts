import { hasFormat } from "../ids";
import { resourceOf } from "../platforms";
import { harmless } from "../redact";
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
      // What is no id has no place in a command that somebody copies; `adopt` would refuse it.
      const isId = hasFormat(resourceOf(definition.type).platform, definition, id);
      const adopt = isId ? `\n  npx pulumi-cpaas adopt ${definition.type} ${name} ${id}` : "";
      return harmless(`${definition.type} ${JSON.stringify(label)} (${id})${made}`) + adopt;
    })
    .join("\n");
}
