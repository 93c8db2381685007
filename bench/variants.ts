import { join } from "node:path";

/** What is measured, each with the same program on another library of classes. */
export interface Variant {
  name: "package" | "naive" | "engine";
  /** What it is, in a few words. */
  title: string;
  /** Files of the program beside what every test stack has. `library.ts` has the classes; without it they are this package's. */
  sources: string[];
}

export const variants: readonly Variant[] = [
  { name: "package", title: "pulumi-cpaas", sources: [] },
  { name: "engine", title: "engine alone", sources: [join("engine", "library.ts"), join("engine", "provider.ts")] },
  { name: "naive", title: "classes in the program", sources: [join("naive", "library.ts")] },
];

export const operations = ["create", "no-op", "refresh", "update", "destroy"] as const;
export type Operation = (typeof operations)[number];
