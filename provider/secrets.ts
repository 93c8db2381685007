import { z } from "zod";
import type { Properties } from "./resource";
import { membersOf, traitsOf, unwrap } from "./schema";
import { SECRET, SIGNATURE } from "./signature";

/**
 * Marks for the engine what is secret, so that state holds it encrypted.
 *
 * @param shape the properties that may be in it, by name
 * @param isMarked tells whether what is at a path, such as `registrationHook.password`, is marked, and is told whether the schema calls it secret
 */
export function markSecrets(
  properties: Properties,
  shape: Record<string, z.ZodType>,
  isMarked: (path: string, isSecret: boolean) => boolean,
): Properties {
  const wrap = (value: unknown, schema: z.ZodType | undefined, path: string): unknown => {
    if (value === null || value === undefined) return value;
    if (isMarked(path, traitsOf(schema).secret === true)) return { [SIGNATURE]: SECRET, value };
    if (typeof value !== "object") return value;
    if (Array.isArray(value)) {
      const list = schema && unwrap(schema);
      const element = list instanceof z.ZodArray ? (list.element as z.ZodType) : undefined;
      return value.map((item, at) => wrap(item, element, pathOf(path, String(at))));
    }
    const members = schema && membersOf(schema, value);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, wrap(item, members?.[key], pathOf(path, key))]));
  };
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, wrap(value, shape[name], name)]));
}

export const pathOf = (path: string, key: string): string => (path ? `${path}.${key}` : key);
