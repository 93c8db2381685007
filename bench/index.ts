/**
 * `npm run bench`: measures this package beside the engine alone, a provider written in the program and the bare requests,
 * prints the results, and writes them to RESULTS.md with plots.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { pluginFolder } from "../test/support/doors";
import type { Environment } from "../test/support/environment";
import { machine } from "./machine";
import { measure, measureBare, measureLimited } from "./measure";
import { plots } from "./plots";
import { EMPTY_HANDLER, measurePluginReady, measureReady } from "./ready";
import { report } from "./report";
import { Results } from "./results";
import { rotated, variants } from "./variants";

const USAGE = `npm run bench [-- options]

  --sizes N,…   how many resources (default 10,100,500,1000)
  --repeat N    how often each is measured; medians count (default 1)
  --limited N   how many resources at a rate limit that binds (default 1000, 0 leaves it out)
  --help
`;

/** How often the start of the provider process is measured: it is short, so chance weighs more. */
const STARTS = 10;

const say = (message: string) => console.error(`> ${message}`);

class UsageError extends Error {}

function readOptions() {
  const { values } = parseArgs({
    options: {
      sizes: { type: "string", default: "10,100,500,1000" },
      repeat: { type: "string", default: "1" },
      limited: { type: "string", default: "1000" },
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
    help: values.help,
  };
}

async function bench({ sizes, repeat, limited }: ReturnType<typeof readOptions>, interrupted: AbortSignal): Promise<void> {
  const { environment, ...versions } = JSON.parse(process.env.BENCH_PULUMI!) as {
    environment: Environment;
    cliVersion: string;
    sdkVersion: string;
  };
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
  say("The start of the provider process …");
  const config = { "jambonz:apiUrl": "http://127.0.0.1:1/v1", "jambonz:apiKey": "none" };
  for (let round = 0; round < STARTS; round++) {
    for (const [name, handler] of [["empty", EMPTY_HANDLER], ...results.handlers()] as const) {
      interrupted.throwIfAborted();
      results.addStart(name, await measureReady(environment.program, handler, config));
    }
    const settings = { apiUrl: config["jambonz:apiUrl"], apiKey: config["jambonz:apiKey"] };
    results.addStart("plugin", await measurePluginReady(pluginFolder(environment), settings));
  }
  for (const [file, svg] of Object.entries(await plots(results))) writeFileSync(join(__dirname, file), svg);
  const text = report(results);
  writeFileSync(join(__dirname, "RESULTS.md"), text);
  process.stdout.write(`\n${text}`);
  say("Written to bench/RESULTS.md.");
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
    await bench(options, interruption.signal);
    return 0;
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
