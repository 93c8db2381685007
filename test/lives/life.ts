import fc from "fast-check";
import type { FaultRule } from "../../sandbox/src";
import type { OutsideChange, Subject } from "./subject";

export interface Chapter<Program = any> {
  outside: OutsideChange[];
  faults: FaultRule[];
  command: "up" | "up --refresh" | "refresh" | "destroy";
  program: Program;
}

/** Some runs of Pulumi with what happens between and during them; then everything is calm. */
export interface Life<Setting = any, Program = any> {
  setting: Setting;
  chapters: Chapter<Program>[];
  /** Afterwards, one more, that has to show as exactly itself. */
  last: OutsideChange;
}

export const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** What happens to connections and to answers, whatever the platform. */
export const broken: FaultRule["fault"][] = [
  "dropAnswer",
  "drop",
  "refuse",
  "truncated",
  "html",
  "empty",
  "redirect",
  "restart",
  // Something in between, after the platform has done it.
  { status: 403, body: "<!doctype html><title>Blocked</title><html></html>", handled: true },
  { status: 500, body: { message: "Internal server error" }, handled: true },
];

/** Repeated less often than the provider repeats, so that every one of them can be overcome or ends an operation for good. */
const fault = ({ methods, faults }: Subject): fc.Arbitrary<FaultRule> =>
  fc
    .record({
      method: optional(fc.constantFrom(...methods)),
      fault: fc.constantFrom(...faults),
      skip: fc.nat(6),
      times: fc.integer({ min: 1, max: 2 }),
    })
    .map(({ method, fault, skip, times }) => ({
      match: method ? { method } : {},
      fault,
      skip,
      times,
      ...(fault === "redirect" ? { location: "http://127.0.0.1:9/elsewhere" } : {}),
      ...(fault === "refuse" || fault === "restart" ? { delayMs: 3 } : {}),
    }));

const chapter = <Setting, Program>(subject: Subject<Setting, Program>, setting: Setting): fc.Arbitrary<Chapter<Program>> =>
  fc.record({
    outside: fc.array(subject.change, { maxLength: 2 }),
    faults: fc.array(fault(subject), { maxLength: 3 }),
    command: fc.oneof(
      { weight: 6, arbitrary: fc.constant("up" as const) },
      { weight: 3, arbitrary: fc.constant("up --refresh" as const) },
      { weight: 1, arbitrary: fc.constant("refresh" as const) },
      { weight: 1, arbitrary: fc.constant("destroy" as const) },
    ),
    program: subject.program(setting),
  });

export function lifeOf<Setting, Program>(subject: Subject<Setting, Program>): fc.Arbitrary<Life<Setting, Program>> {
  return subject.setting
    .chain((setting) =>
      fc.record({
        setting: fc.constant(setting),
        chapters: fc.array(chapter(subject, setting), { minLength: 1, maxLength: 4 }),
        last: subject.change,
      }),
    )
    .map((life) => subject.possible?.(life) ?? life);
}

/** As a person would tell it. */
export function story(subject: Subject, { setting, chapters, last }: Life): string {
  const lines = [`${subject.told(setting)}:`];
  for (const { outside, faults, command, program } of chapters) {
    for (const { slot, what } of outside) lines.push(`  somebody: ${what} of ${slot}`);
    for (const { match, fault, skip, times } of faults)
      lines.push(`  fault: ${String(match?.method ?? "any request")} after ${skip} others, ${times} times: ${JSON.stringify(fault)}`);
    lines.push(`  pulumi ${command}`);
    if (command.startsWith("up")) {
      for (const { type, name, args, opts } of subject.sketch(program)) {
        const options = Object.keys(opts ?? {}).length > 0 ? `, ${JSON.stringify(opts)}` : "";
        lines.push(`    new ${type.replace(":", ".")}("${name}", ${JSON.stringify(args)}${options})`);
      }
    }
  }
  lines.push("  pulumi up --refresh, with the last program, without trouble", `  somebody: ${last.what} of ${last.slot}`);
  return lines.join("\n");
}
