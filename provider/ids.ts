import type { Platform, Resource } from "./resource";

/** Whether an id has the form, or one of the forms, that the resource's `idFormat` tells. */
export function hasFormat(platform: Platform, { idFormat }: Resource, id: string): boolean {
  return idFormat.split(/, | or /).some((form) => {
    const wanted = form.split("/");
    const parts = id.split("/");
    const fits = (name: string, part: string) =>
      /^<.*sid>$/.test(name) ? (platform.sid ?? /./).test(part) : /^<.*>$/.test(name) ? part !== "" : name === part;
    return wanted.length === parts.length && wanted.every((name, index) => fits(name, parts[index]!));
  });
}
