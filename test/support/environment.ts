import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type PulumiVersions = "newest" | "oldest";

/** What the tests that run the real CLI need; made by `scripts/test.mjs` before mocha starts. */
export interface Environment {
  /** The folder with the CLI. */
  cli: string;
  /** A folder whose node_modules has the packed package, as a user would have installed it. */
  program: string;
  /** The folder with the language host for YAML, where there is one. */
  yaml?: string;
  /** What programs in other languages need to use the plugin, where it could be made; only of the newest. */
  languages?: {
    /** Folders for PATH, and one for PYTHONPATH. */
    python?: { path: string[]; sdk: string };
    /** The package that Pulumi generates for Node.js, compiled. */
    typescript?: { sdk: string };
  };
  /** For each language the program that makes SDKs from schemas; only of the newest, where there is Go. */
  sdkGenerators?: Record<string, string>;
  /** The version of Pulumi's Go modules with which those were built. */
  goModules?: string;
}

export function testEnvironment(versions: PulumiVersions = "newest"): Environment {
  const file = join(__dirname, "..", "..", ".local", "test.json");
  if (!existsSync(file)) throw new Error("run the tests with `npm test`, which sets up what they need");
  return (JSON.parse(readFileSync(file, "utf8")) as Record<PulumiVersions, Environment>)[versions];
}

/** The process's variables without any that could reach a real platform or somebody's Pulumi. */
export function cleanVariables(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name, value]) => value !== undefined && !/^(PULUMI|JAMBONZ|RESTCOMM|VOICETEL)_/.test(name),
  );
  return Object.fromEntries(kept) as Record<string, string>;
}
