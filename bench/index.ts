/**
 * `npm run bench`: measures this package beside the engine alone, a provider written in the program and the bare requests,
 * prints the results, and writes them to RESULTS.md, with plots, and STARTS.md. Ends with 1 where a goal is missed.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { handlerText } from "../provider/handler";
import { pluginFolder } from "../test/support/doors";
import type { Environment } from "../test/support/environment";
import { machine } from "./machine";
import { measure, measureBare, measureLimited } from "./measure";
import { plots } from "./plots";
import { EMPTY_HANDLER, measurePluginReady, measureReady } from "./ready";
import { MISSED, report, startsReport } from "./report";
import { Results, Starts } from "./results";
import { rotated, variants } from "./variants";

const USAGE = `npm run bench [-- options]

  --sizes N,…   how many resources (default 10,100,500,1000)
  --repeat N    how often each is measured; medians count (default 1)
  --limited N   how many resources at a rate limit that binds (default 1000, 0 leaves it out)
  --starts      only how the processes start
  --help
`;

/** How often the start of the provider process is measured: it is short, so chance weighs more. */
const STARTS = 25;

const say = (message: string) => console.error(`> ${message}`);

class UsageError extends Error {}

function readOptions() {
  const { values } = parseArgs({
    options: {
      sizes: { type: "string", default: "10,100,500,1000" },
      repeat: { type: "string", default: "1" },
      limited: { type: "string", default: "1000" },
      starts: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const count = (text: string, option: string) => {
    if (!/^[1-9]\d{0,4}$/.test(text)) throw new UsageError(`${option} must be a whole number from 1 to 99999, not "${text}".`);
    return Number(text);
  };
  const sizes = values.sizes.split(",").map((text) => count(text, "--sizes"));
  return {
    sizes: [...new Set(sizes)].sort((a, b) => a - b),
    repeat: count(values.repeat, "--repeat"),
    limited: values.limited === "0" ? 0 : count(values.limited, "--limited"),
    starts: values.starts,
    help: values.help,
  };
}

type Options = ReturnType<typeof readOptions>;

const { environment, ...versions } = JSON.parse(process.env.BENCH_PULUMI ?? "{}") as {
  environment: Environment;
  cliVersion: string;
  sdkVersion: string;
};

async function bench({ sizes, repeat, limited }: Options, interrupted: AbortSignal): Promise<boolean> {
  const results = new Results(sizes, repeat, machine(versions));
  for (const size of sizes) {
    for (let round = 1; round <= repeat; round++) {
      const of = `${size} resources, round ${round} of ${repeat}`;
      // Another one goes first in each round.
      const measured = await measure(rotated(variants, round), size, environment, interrupted, (message) => say(`${of}, ${message}`));
      for (const [name, one] of measured) results.add(name, size, one);
      results.add("bare", size, await measureBare(size, interrupted));
    }
  }
  if (limited > 0) {
    say(`${limited} resources at a rate limit …`);
    results.limited = { size: limited, costs: await measureLimited(limited, environment, interrupted) };
  }
  for (const [file, svg] of Object.entries(await plots(results))) writeFileSync(join(__dirname, file), svg);
  return write("RESULTS.md", report(results));
}

async function benchStarts(interrupted: AbortSignal): Promise<boolean> {
  say("The start of the provider process …");
  const starts = new Starts(machine(versions));
  const config = { "jambonz:apiUrl": "http://127.0.0.1:1/v1", "jambonz:apiKey": "none" };
  const settings = { apiUrl: config["jambonz:apiUrl"], apiKey: config["jambonz:apiKey"] };
  for (let round = 0; round < STARTS; round++) {
    interrupted.throwIfAborted();
    starts.add("empty", await measureReady(environment.program, EMPTY_HANDLER, config));
    starts.add("package", await measureReady(environment.program, handlerText("jambonz:Account"), config));
    starts.add("plugin", await measurePluginReady(pluginFolder(environment), settings));
  }
  return write("STARTS.md", startsReport(starts, STARTS));
}

/** @returns whether every goal in it is met */
function write(file: string, text: string): boolean {
  writeFileSync(join(__dirname, file), text);
  process.stdout.write(`\n${text}`);
  say(`Written to bench/${file}.`);
  return !text.includes(MISSED);
}

async function main(): Promise<number> {
  const interruption = new AbortController();
  let folder: string | undefined;
  try {
    const options = readOptions();
    if (options.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => interruption.abort(new Error("interrupted")));
    // Whatever is left of stacks, also by the CLI, goes with this folder.
    process.env.TMPDIR = folder = mkdtempSync(join(tmpdir(), "cpaas-bench-"));
    const met = options.starts || (await bench(options, interruption.signal));
    const startsMet = await benchStarts(interruption.signal);
    return met && startsMet ? 0 : 1;
  } catch (error) {
    const usage = error instanceof UsageError || (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS");
    const { message, stack } = error as Error;
    process.stderr.write(`${usage ? `${message}\n\n${USAGE}` : interruption.signal.aborted ? message : stack}\n`);
    return usage ? 2 : 1;
  } finally {
    if (folder) rmSync(folder, { recursive: true, force: true });
  }
}

void main().then((code) => (process.exitCode = code));
