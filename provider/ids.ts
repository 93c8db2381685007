import type { Resource } from "./resource";

/** What a part of an id's form in angle brackets stands for. */
const parts: [RegExp, string][] = [
  [/^<.*sid>$/, "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"],
  [/^<.*>$/, "[^/]+"],
];

/** Whether an id has the form, or one of the forms, that the resource's `idFormat` tells. */
export function hasFormat({ idFormat }: Resource, id: string): boolean {
  return idFormat.split(/, | or /).some((form) => {
    const pattern = form.split("/").map((part) => parts.find(([name]) => name.test(part))?.[1] ?? part);
    return new RegExp(`^${pattern.join("/")}$`).test(id);
  });
}
