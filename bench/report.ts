import type { Machine } from "./machine";
import { limitedSeconds, RATE_LIMIT, SHARE, USED_UP } from "./measure";
import type { Results, Starts } from "./results";
import { NO_OPS, operations, type Operation } from "./variants";

/** The size that the goals speak of. */
const GOAL_SIZE = 500;

const columns = [
  ["package", "pulumi-cpaas"],
  ["naive", "classes in the program"],
  ["engine", "engine alone"],
  ["bare", "bare requests"],
] as const;

/** The results as Markdown, the ratios first. */
export function report(results: Results): string {
  const { machine, repeat, sizes } = results;
  return `# Benchmark

Made by \`npm run bench\`; do not edit. ${on(machine)} ${repeat === 1 ? "Each measured once" : `Medians of ${repeat} rounds`}, a no-op of the package and of the engine alone ${NO_OPS * repeat} times; other work on the machine makes times by the clock noisy, so read the ratios, and those of processor time first.

- **pulumi-cpaas**: this package.
- **Classes in the program**: the same resources as a program declares them after Pulumi's guide to dynamic providers ([naive/library.ts](naive/library.ts)). The SDK serialises the classes into the state of each resource.
- **Engine alone**: the same program, with classes of the same properties, on a dynamic provider that answers at once and sends nothing ([engine/library.ts](engine/library.ts)).
- **Bare requests**: the requests that a program without Pulumi sends for the same, 10 at once; its refresh also asks for keys and limits of accounts that have none ([bare.ts](bare.ts)).

The resources are tenants of a jambonz sandbox that runs in a process of its own: each an account with an API key, a SIP realm and six limits.

## Ratios

By the clock, and by processor time; what dominates is told in [ARCHITECTURE.md](../ARCHITECTURE.md).

${table(["", ...sizes.map(String)], ratios(results))}

${goals(results)}

## Time

![Seconds by number of resources](time.svg)

Seconds by the clock, seconds of processor time of all processes of the command, and the number of requests. Every command is one \`pulumi\` command with \`--skip-preview\`. The update changes every account and every limit.

${sizes.map((size) => `${table([`${size} resources`, ...columns.map(([, title]) => title)], times(results, size))}\n`).join("\n")}
${limitedSection(results)}## State

![Size of the state file by number of resources](state.svg)

The state file after the creation, in KB, and bytes for each resource in brackets.

${table(["resources", ...columns.slice(0, 3).map(([, title]) => title)], states(results))}

## Provider process

The most memory that the process held in which the engine runs the providers, during all operations, in MB. How it starts is in [STARTS.md](STARTS.md).

${table(["resources", ...columns.slice(0, 3).map(([, title]) => title)], memories(results))}
`;
}

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b;
}

const against = (results: Results, size: number, operation: Operation, other: string) =>
  ratio(results.seconds("package", size, operation), results.seconds(other, size, operation));
const processorAgainst = (results: Results, size: number, operation: Operation, other: string) =>
  ratio(results.processorSeconds("package", size, operation), results.processorSeconds(other, size, operation));

function ratios(results: Results): string[][] {
  const row = (title: string, operation: Operation, other: string) => [
    title,
    ...results.sizes.map((size) =>
      [against(results, size, operation, other), processorAgainst(results, size, operation, other)]
        .filter((value) => value !== undefined)
        .map((value) => decimal(value, 2))
        .join(" / "),
    ),
  ];
  return [
    ...operations.map((operation) => row(`${operation}: pulumi-cpaas / engine alone`, operation, "engine")),
    ...operations.map((operation) => row(`${operation}: pulumi-cpaas / classes in the program`, operation, "naive")),
    ...operations.filter((operation) => operation !== "no-op").map((operation) => requestsRow(results, operation)),
  ];
}

/** Beside the bare requests the clock says nothing: nearly all of the time is Pulumi's. */
function requestsRow(results: Results, operation: Operation): string[] {
  const against = (size: number) => ratio(results.requests("package", size, operation), results.requests("bare", size, operation));
  return [`${operation}: requests of pulumi-cpaas / bare requests`, ...results.sizes.map((size) => decimal(against(size), 2))];
}

/** What the package has to keep, and whether it does. */
function goals(results: Results): string {
  const size = results.sizes.includes(GOAL_SIZE) ? GOAL_SIZE : results.sizes.at(-1)!;
  const sent = Math.max(...results.sizes.map((size) => results.requests("package", size, "no-op") ?? Infinity));
  const rows: Goal[] = [
    [`creating ${size} takes at most 1.3 times the engine alone`, against(results, size, "create", "engine"), 1.3, 2],
    [`and at most half of classes in the program`, against(results, size, "create", "naive"), 0.5, 2],
    ["a no-op `up` sends nothing", sent, 0, 0],
    [`a no-op \`up\` of ${size} takes at most 1.1 times the engine alone`, against(results, size, "no-op", "engine"), 1.1, 2],
    ["at a rate limit that binds, requests answered 429", refused(results), 0, 0],
  ];
  return judged(rows);
}

/** How a goal is marked that is not reached. */
export const MISSED = "**missed**";

type Goal = [goal: string, value: number | undefined, most: number, digits: number];

function judged(rows: Goal[]): string {
  return table(
    ["goal", "measured", ""],
    rows.map(([goal, value, most, digits]) => [
      goal,
      decimal(value, digits),
      value === undefined ? "not measured" : value <= most ? "met" : MISSED,
    ]),
  );
}

function refused({ limited }: Results): number | undefined {
  return limited && Object.values(limited.costs).reduce((sum, cost) => sum + cost.refused, 0);
}

function times(results: Results, size: number): string[][] {
  return operations.map((operation) => [
    operation,
    ...columns.map(([name]) => {
      const requests = results.requests(name, size, operation);
      if (name === "bare" && requests === 0) return "–";
      const cpu = results.processorSeconds(name, size, operation);
      return [decimal(results.seconds(name, size, operation), 1), ...(cpu === undefined ? [] : [decimal(cpu, 1)]), requests ?? "–"].join(
        " / ",
      );
    }),
  ]);
}

function limitedSection({ limited }: Results): string {
  if (!limited) return "";
  const { requests, seconds } = RATE_LIMIT;
  const rows = Object.entries(limited.costs).map(([operation, cost]) => [
    operation,
    String(cost.requests),
    decimal(cost.seconds, 0),
    decimal(limitedSeconds(cost.requests), 0),
    `${cost.windows.filter((window) => window.requests >= USED_UP).length} of ${cost.windows.length}`,
    String(cost.refused),
  ]);
  return `## At a rate limit

pulumi-cpaas with ${limited.size} resources where the platform takes ${requests} requests in ${seconds} s, of which it may send ${SHARE} and leaves the rest to others. No operation failed. "At least" is what so many requests take when each window but the first is waited for and nothing else takes time. A window counts as used up from ${USED_UP} requests on; where one is not, the limit did not bind: Pulumi sent no more in it.

${table(["", "requests", "seconds", "at least", "windows used up", "answered 429"], rows)}

`;
}

function states(results: Results): string[][] {
  return results.sizes.map((size) => [
    String(size),
    ...columns.slice(0, 3).map(([name]) => {
      const bytes = results.stateBytes(name, size);
      return bytes === undefined ? "–" : `${decimal(bytes / 1000, 0)} (${decimal(bytes / size, 0)})`;
    }),
  ]);
}

/** How the processes start, as Markdown. */
export function startsReport(starts: Starts, times: number): string {
  const rows = (
    [
      ["empty", "empty provider"],
      ["package", "pulumi-cpaas"],
      ["plugin", "provider plugin"],
    ] as const
  ).map(([name, title]) => [
    title,
    decimal(starts.of(name, "port"), 0),
    decimal(starts.of(name, "ready"), 0),
    megabytes(starts.of(name, "memory")),
  ]);
  const ready = ratio(starts.of("package", "ready"), starts.of("empty", "ready"));
  const goals: Goal[] = [
    ["the provider process is ready in at most 1.2 times an empty one", ready, 1.2, 2],
    ["the provider plugin tells its port in at most 250 ms", starts.of("plugin", "port"), 250, 0],
    ["and takes at most 80 MB", megabytesOf(starts.of("plugin", "memory")), 80, 0],
  ];
  return `# How the processes start

Made by \`npm run bench\`, and alone by \`npm run bench -- --starts\`; do not edit. ${on(starts.machine)}

${judged(goals)}

From the start until it says its port, until it has answered its first questions about an account, and the most memory (RSS) that it held until then; the medians of ${times} starts, one of each after the other. The empty provider is a dynamic one that answers the same questions without looking.

${table(["", "port, ms", "ready, ms", "memory, MB"], rows)}
`;
}

/** What it was measured on. */
function on({ date, cpu, cores, memory, node, cliVersion, sdkVersion }: Machine): string {
  return `${date}, ${cpu}, ${cores} cores, ${Math.round(memory / 2 ** 30)} GiB, Node ${node}, Pulumi CLI ${cliVersion}, \`@pulumi/pulumi\` ${sdkVersion}.`;
}

function memories(results: Results): string[][] {
  return results.sizes.map((size) => [String(size), ...columns.slice(0, 3).map(([name]) => megabytes(results.providerMemory(name, size)))]);
}

function decimal(value: number | undefined, digits: number): string {
  return value === undefined ? "–" : value.toFixed(digits);
}

const megabytesOf = (bytes: number | undefined) => (bytes === undefined ? undefined : bytes / 1e6);

function megabytes(bytes: number | undefined): string {
  return decimal(megabytesOf(bytes), 0);
}

/** A Markdown table whose source can be read in a terminal too. */
function table(head: string[], rows: string[][]): string {
  const all = [head, ...rows.map((row) => head.map((_, column) => row[column] ?? ""))];
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column]!.length)));
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(all[0]!), rule, ...all.slice(1).map(line)].join("\n");
}
