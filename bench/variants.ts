import { join } from "node:path";

/** What is measured, each with the same program on another library of classes. */
export interface Variant {
  name: "package" | "naive" | "engine";
  /** What it is, in a few words. */
  title: string;
  /** Files of the program beside what every test stack has. `library.ts` has the classes; without it they are this package's. */
  sources: string[];
  /** How often a no-op is measured: a difference of a tenth would be lost in the noise of one. */
  noOps: number;
}

/** Of what is compared at a no-op. */
export const NO_OPS = 9;

export const variants: readonly Variant[] = [
  { name: "package", title: "pulumi-cpaas", sources: [], noOps: NO_OPS },
  { name: "engine", title: "engine alone", sources: [join("engine", "library.ts"), join("engine", "provider.ts")], noOps: NO_OPS },
  { name: "naive", title: "classes in the program", sources: [join("naive", "library.ts")], noOps: 1 },
];

/** The same, beginning with another one. */
export function rotated<T>(list: readonly T[], by: number): T[] {
  const first = by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

export const operations = ["create", "no-op", "refresh", "update", "destroy"] as const;
export type Operation = (typeof operations)[number];
