import type { z } from "zod";
import type { Platform, Resource } from "./resource";

/**
 * Whether an id has the form, or one of the forms, that the resource's `idFormat` tells. What stands there for a property, such
 * as `<account sid>` for accountSid, has to be a value of it, and written as the platform writes it.
 */
export function hasFormat({ sid = /./ }: Platform, { idFormat, inputs, outputs }: Resource, id: string): boolean {
  const shape = { ...outputs.shape, ...inputs.shape } as Record<string, z.ZodType>;
  const fits = (placeholder: string, part: string) => {
    const property = placeholder.replace(/ (\w)/g, (_all, next: string) => next.toUpperCase());
    const schema = Object.hasOwn(shape, property) ? shape[property]! : shape.sid;
    const isValue =
      !schema || [part, ...(String(Number(part)) === part ? [Number(part)] : [])].some((value) => schema.safeParse(value).success);
    return part !== "" && isValue && (!placeholder.endsWith("sid") || sid.test(part));
  };
  return idFormat.split(/, | or /).some((form) => {
    const wanted = form.split("/");
    const parts = id.split("/");
    return (
      wanted.length === parts.length &&
      wanted.every((name, index) => (/^<.*>$/.test(name) ? fits(name.slice(1, -1), parts[index]!) : name === parts[index]))
    );
  });
}

export function wrongId({ type, idFormat }: Resource, id: string): string {
  return `"${id}" is not the id of a resource ${type}, which is ${idFormat}`;
}
