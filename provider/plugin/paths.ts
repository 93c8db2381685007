import type { Properties } from "../resource";

/** A name, or a place in a list; `*` is every one of them. */
type Step = string | number;

/** A step of a path: `.name` or `name`, `["name"]`, `[0]` or `[*]`. */
const STEP = /\.?([^.[\]]+)|\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]/gy;

/** Reads a property path as the engine writes them (`ParsePropertyPath` in sdk/go/common/resource in Pulumi); empty where it is none. */
export function propertyPath(text: string): Step[] {
  const steps = [...text.matchAll(STEP)];
  if (steps.reduce((length, [step]) => length + step.length, 0) !== text.length) return [];
  return steps.map(([, name, quoted, place]) => name ?? quoted?.replace(/\\(.)/g, "$1") ?? (place === "*" ? place : Number(place)));
}

/** Puts the values at a path back to what they were. Where the path leads nowhere in one of the two, nothing happens. */
export function restore(now: unknown, before: unknown, [step, ...rest]: Step[]): void {
  if (step === undefined || !isObject(now) || !isObject(before) || Array.isArray(now) !== Array.isArray(before)) return;
  if (Array.isArray(now) && now.length !== (before as unknown as unknown[]).length) return;
  for (const key of step === "*" ? new Set([...Object.keys(now), ...Object.keys(before)]) : [step]) {
    if (rest.length > 0) restore(now[key], before[key], rest);
    else if (before[key] === undefined) delete now[key];
    else now[key] = before[key];
  }
}

const isObject = (value: unknown): value is Properties => typeof value === "object" && value !== null;
