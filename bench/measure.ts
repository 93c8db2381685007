import { readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { transpileModule, ModuleKind, ScriptTarget } from "typescript";
import { platform } from "../provider/platforms";
import { commonSettings } from "../provider/settings";
import type { Environment } from "../test/support/environment";
import { TestStack } from "../test/support/pulumi";
import { Bare } from "./bare";
import { startSandboxProcess, type SandboxProcess, type Window } from "./platform";
import { processorTimeOfChildren, watchProviders } from "./processes";
import { tenants } from "./tenants";
import { operations, rotated, variants, type Operation, type Variant } from "./variants";

/** What one operation on all resources cost. */
export interface Cost {
  seconds: number;
  /** Of the command and all its processes; undefined where the system does not tell. */
  processorSeconds?: number;
  requests: number;
}

export interface Measured {
  /** One for each time that the operation ran. */
  costs: Partial<Record<Operation, Cost[]>>;
  /** Of the state file after the creation, in bytes. */
  stateBytes?: number;
  /** The most memory that the process serving the dynamic resources held, in bytes; undefined where the system does not tell. */
  providerMemory?: number;
}

const commands: Record<Operation, string> = { create: "up", "no-op": "up", refresh: "refresh", update: "up", destroy: "destroy" };

/** The longest that one command may take, in milliseconds: many times what it takes on a slow machine. */
const timeLimit = (size: number) => 120_000 + 1_500 * size;

/**
 * The whole life of so many resources through the real CLI, for each variant on a sandbox of its own. All do an operation
 * one right after the other, so that a machine that is busy for a time does not wrong one of them.
 *
 * @param order who goes first; the next one does when an operation is repeated
 * @param say is told what each operation took
 */
export async function measure(
  order: readonly Variant[],
  size: number,
  environment: Environment,
  interrupted: AbortSignal,
  say: (message: string) => void,
): Promise<Map<Variant["name"], Measured>> {
  const subjects: Subject[] = [];
  const sandboxes: SandboxProcess[] = [];
  try {
    for (const variant of order) {
      const sandbox = await startSandboxProcess();
      sandboxes.push(sandbox);
      subjects.push({ variant, sandbox, stack: await stackOf(variant, size, environment, sandbox), measured: { costs: {} } });
    }
    for (const operation of operations) {
      const times = ({ variant }: Subject) => (operation === "no-op" ? variant.noOps : 1);
      for (let time = 0; subjects.some((subject) => time < times(subject)); time++) {
        const those = subjects.filter((subject) => time < times(subject));
        for (const subject of rotated(those, time)) {
          const { seconds } = await measureOperation(subject, operation, size, interrupted);
          say(`${subject.variant.title}: ${operation} ${seconds.toFixed(1)} s`);
        }
      }
    }
    return new Map(subjects.map(({ variant, measured }) => [variant.name, measured]));
  } finally {
    for (const { stack } of subjects) stack.remove();
    await Promise.allSettled(sandboxes.map((sandbox) => sandbox.stop()));
  }
}

interface Subject {
  variant: Variant;
  sandbox: SandboxProcess;
  stack: TestStack;
  measured: Measured;
}

async function measureOperation(
  { variant, sandbox, stack, measured }: Subject,
  operation: Operation,
  size: number,
  interrupted: AbortSignal,
) {
  interrupted.throwIfAborted();
  if (operation === "update") stack.write(programOf(variant, size, sandbox, 1));
  stack.signal = AbortSignal.any([interrupted, AbortSignal.timeout(timeLimit(size))]);
  const providers = watchProviders(stack.folder);
  const before = await sandbox.requests();
  const cpu = processorTimeOfChildren();
  const start = performance.now();
  try {
    await stack.ok([commands[operation], "--yes", "--skip-preview"]);
  } finally {
    measured.providerMemory = max(measured.providerMemory, providers());
    interrupted.throwIfAborted();
  }
  const seconds = (performance.now() - start) / 1000;
  const processorSeconds = cpu === undefined ? undefined : processorTimeOfChildren()! - cpu;
  const cost: Cost = { seconds, processorSeconds, requests: (await sandbox.requests()) - before };
  (measured.costs[operation] ??= []).push(cost);
  if (operation === "create") measured.stateBytes = statSync(stack.stateFile).size;
  return cost;
}

/** What one operation on all resources cost at a rate limit that binds. */
export interface LimitedCost extends Cost {
  /** Requests that the platform refused with 429. */
  refused: number;
  /** The platform's windows that began meanwhile. */
  windows: Window[];
}

/** A rate limit that binds where more than 12 requests a second are wanted; the results tell in how many windows. */
export const RATE_LIMIT = { requests: 150, seconds: 10 };

/** How the package goes about it, which has no settings of its own here. */
const { rateLimitReserve, maxConcurrency } = commonSettings.parse({});

/** How many requests of a window the package may send. */
export const SHARE = RATE_LIMIT.requests * (1 - rateLimitReserve / 100);
/** With how many a window is used up: those under way count as sent. */
export const USED_UP = SHARE - maxConcurrency + 1;

/** This package at a rate limit that binds. An operation that fails ends it with an error. */
export async function measureLimited(
  size: number,
  environment: Environment,
  interrupted: AbortSignal,
): Promise<Partial<Record<Operation, LimitedCost>>> {
  const sandbox = await startSandboxProcess(`${RATE_LIMIT.requests}/${RATE_LIMIT.seconds}`);
  const variant = variants.find(({ name }) => name === "package")!;
  try {
    const stack = await stackOf(variant, size, environment, sandbox);
    try {
      const costs: Partial<Record<Operation, LimitedCost>> = {};
      const counts = async () => {
        const windows = await sandbox.windows();
        return { windows, requests: await sandbox.requests(), refused: windows.reduce((sum, { refused }) => sum + refused, 0) };
      };
      for (const operation of ["create", "no-op", "refresh", "destroy"] as const) {
        interrupted.throwIfAborted();
        stack.signal = AbortSignal.any([interrupted, AbortSignal.timeout(timeLimit(size) + limitedSeconds(3 * size) * 1000)]);
        const before = await counts();
        const start = performance.now();
        await stack.ok([commands[operation], "--yes", "--skip-preview"]);
        const seconds = (performance.now() - start) / 1000;
        const after = await counts();
        costs[operation] = {
          seconds,
          requests: after.requests - before.requests,
          refused: after.refused - before.refused,
          windows: after.windows.slice(before.windows.length),
        };
      }
      return costs;
    } finally {
      stack.remove();
    }
  } finally {
    await sandbox.stop();
  }
}

/** How long so many requests take at the least when the reserve is left to others. */
export function limitedSeconds(requests: number): number {
  return Math.max(0, Math.ceil(requests / SHARE) - 1) * RATE_LIMIT.seconds;
}

/** The same without Pulumi. */
export async function measureBare(size: number, interrupted: AbortSignal): Promise<Measured> {
  const sandbox = await startSandboxProcess();
  const bare = new Bare(sandbox);
  try {
    const measured: Measured = { costs: {} };
    for (const operation of operations) {
      interrupted.throwIfAborted();
      const before = await sandbox.requests();
      const start = performance.now();
      await bare.run(operation, tenants(size, sandbox.serviceProviderSid, operation === "create" ? 0 : 1));
      const seconds = (performance.now() - start) / 1000;
      measured.costs[operation] = [{ seconds, requests: (await sandbox.requests()) - before }];
    }
    return measured;
  } finally {
    bare.close();
    await sandbox.stop();
  }
}

/** A stack whose program is ready to run, with nothing deployed. */
async function stackOf(variant: Variant, size: number, environment: Environment, sandbox: SandboxProcess): Promise<TestStack> {
  const config = { "jambonz:apiUrl": sandbox.url, "jambonz:apiKey": sandbox.key };
  const stack = await TestStack.create({}, programOf(variant, size, sandbox, 0), { config, environment });
  for (const source of variant.sources) {
    const options = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2022, esModuleInterop: true };
    const { outputText } = transpileModule(readFileSync(join(__dirname, source), "utf8"), { compilerOptions: options });
    writeFileSync(join(stack.folder, basename(source, ".ts") + ".js"), outputText);
  }
  if (variant.name === "engine") writeFileSync(join(stack.folder, "properties.json"), JSON.stringify(properties()));
  return stack;
}

function programOf({ sources }: Variant, size: number, { serviceProviderSid }: SandboxProcess, revision: number) {
  return { ...(sources.length > 0 && { library: "./library.js" }), resources: tenants(size, serviceProviderSid, revision) };
}

/** What this package's classes declare, by the name of the class. */
function properties(): Record<string, string[]> {
  const types = platform("jambonz").resources;
  return Object.fromEntries(
    types.map(({ type, inputs, outputs }) => [type.split(":")[1]!, [...Object.keys(inputs.shape), ...Object.keys(outputs.shape)]]),
  );
}

function max(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}
