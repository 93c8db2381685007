/**
 * Finds a Pulumi CLI, or gets one: the one on PATH where it is new enough, else the npm package `pulumi`, which downloads
 * it, else built from its Go modules. What was got is kept in the user's cache folder.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The oldest CLI that this package works with. */
export const OLDEST_CLI = "3.150.0";
/** The npm package that downloads the CLI. */
const NPM_CLI = "3.265.0";
/** The version that is built from its Go modules, and the last of the language host's before it moved. */
export const GO_CLI = "3.258.0";
const GO_LANGUAGE_HOST = "3.68.0";
const GO_YAML_HOST = "1.12.0";
/** The newest of PyPI's `pulumi` that was tried. */
const PYTHON_SDK = "3.272.0";
/** The version of the generator for Java. */
const GO_JAVA = "0.9.8";

const CLI_MODULE = "github.com/pulumi/pulumi/pkg/v3";
const SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3";

const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "pulumi-cpaas");
const goFolder = (version) => join(cacheFolder, `pulumi-go-${version}`);

/**
 * @param {(message: string) => void} log tells what takes long
 * @returns {{ folder: string, version: string, origin: "PATH" | "npm" | "Go" }} the folder to put first on PATH
 * @throws Error of one sentence when there is no way to get one
 */
export function pulumiCli(log) {
  // What was built before is taken without trying to download again.
  const instead = `There is no Pulumi CLI of version ${OLDEST_CLI} or newer on PATH, and none could be downloaded: install it from https://www.pulumi.com/docs/install/, or Go 1.25 or newer, with which it is built`;
  return fromPath() ?? (existsSync(goFolder(GO_CLI)) ? undefined : fromNpm(log)) ?? fromGo(GO_CLI, log, instead);
}

/** The oldest CLI that this package works with, for its tests. */
export function oldestPulumiCli(log) {
  return fromGo(OLDEST_CLI, log, `The tests also need the oldest CLI, ${OLDEST_CLI}, which is built with Go: install Go 1.25 or newer`);
}

/**
 * What runs programs in YAML: it comes with the CLI, unless that was built here.
 * @returns {string} the folder that it is in
 */
export function yamlLanguageHost({ folder }, log) {
  const host = "pulumi-language-yaml";
  if (existsSync(join(folder, host))) return folder;
  return filled(join(cacheFolder, `${host}-${GO_YAML_HOST}`), (work) => {
    log(`Building Pulumi's language host for YAML ${GO_YAML_HOST} from its Go module. This takes 1 to 2 minutes, once …`);
    build(join(work, host), { "github.com/pulumi/pulumi-yaml": GO_YAML_HOST }, `github.com/pulumi/pulumi-yaml/cmd/${host}`);
  });
}

/**
 * What runs programs in Python: it comes with the CLI, unless that was built here.
 * @returns {string} the folder that it is in
 */
export function pythonLanguageHost({ folder }, log) {
  const host = "pulumi-language-python";
  if (existsSync(join(folder, host))) return folder;
  return filled(join(cacheFolder, `${host}-${GO_LANGUAGE_HOST}`), (work) => {
    log(`Building Pulumi's language host for Python ${GO_LANGUAGE_HOST} from its Go module. This takes 1 to 2 minutes, once …`);
    const sources = build(join(work, host), { [SDK_MODULE]: GO_LANGUAGE_HOST }, `${SDK_MODULE}/python/cmd/${host}`);
    // The script in which it runs the program has to be beside it.
    copyFileSync(join(sources, "python", "cmd", `${host}-exec`), join(work, `${host}-exec`));
    chmodSync(join(work, `${host}-exec`), 0o755);
  });
}

/**
 * A virtual environment with Pulumi's SDK for Python.
 * @returns {string} its folder with `python`
 * @throws Error of one sentence when it cannot be made
 */
export function pythonEnvironment(log) {
  const folder = filled(join(cacheFolder, `python-pulumi-${PYTHON_SDK}`), (work) => {
    if (spawnSync("python3", ["--version"]).status !== 0) fail("there is no Python");
    log(`Getting Pulumi's SDK for Python ${PYTHON_SDK} from PyPI …`);
    const run = (program, args) => {
      const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
      if (status !== 0) fail(`Pulumi's SDK for Python could not be installed (${lastLine({ stderr })})`);
    };
    run("python3", ["-m", "venv", work]);
    // The last two are what an SDK that Pulumi generates needs besides, and what installs it.
    run(join(work, "bin", "python"), ["-m", "pip", "install", "--quiet", `pulumi==${PYTHON_SDK}`, "parver==0.5", "wheel==0.45.1"]);
  });
  return join(folder, "bin");
}

/**
 * What makes SDKs in Python, Go and Node.js from a schema: `<program> python|go|nodejs <schema.json> <folder>`.
 * @returns {string} the program
 * @throws Error of one sentence when it cannot be built
 */
export function sdkGenerator(log) {
  return generator("current", { [CLI_MODULE]: GO_CLI }, log);
}

/** The same for .NET and Java (`dotnet|java`), whose generators are in earlier versions of Pulumi's modules. */
export function earlierSdkGenerator(log) {
  return generator("earlier", { [CLI_MODULE]: OLDEST_CLI, "github.com/pulumi/pulumi-java/pkg": GO_JAVA }, log);
}

function generator(name, modules, log) {
  const sources = ["main.go", `${name}.go`].map((file) => join(dirname(fileURLToPath(import.meta.url)), "sdk-generator", file));
  const sum = createHash("sha256").update(JSON.stringify(modules));
  for (const source of sources) sum.update(readFileSync(source));
  const folder = join(cacheFolder, `sdk-generator-${name}-${sum.digest("hex").slice(0, 12)}`);
  if (!existsSync(folder) && spawnSync("go", ["version"]).status !== 0) fail("there is no Go to build Pulumi's SDK generators with");
  try {
    filled(folder, (work) => {
      log(`Building Pulumi's SDK generators (${name}) from their Go modules. This takes 1 to 5 minutes, once …`);
      build(join(work, "sdk-generator"), modules, sources);
    });
  } catch (error) {
    fail(`Pulumi's SDK generators (${name}) could not be built (${lastLine(error)})`);
  }
  return join(folder, "sdk-generator");
}

function lastLine(error) {
  return String(error.stderr ?? error.message)
    .trim()
    .split("\n")
    .at(-1);
}

function fail(message) {
  throw new Error(message);
}

function versionOf(folder) {
  const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "1" };
  const { status, stdout } = spawnSync(join(folder, "pulumi"), ["version"], { encoding: "utf8", env, timeout: 300_000 });
  return status === 0 ? stdout.trim().replace(/^v/, "") : undefined;
}

function isAtLeast(version, oldest) {
  const [a, b] = [version, oldest].map((text) => text.split(/[.-]/).map(Number));
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] > b[i];
  return true;
}

function fromPath() {
  const folder = (process.env.PATH ?? "").split(delimiter).find((path) => path && existsSync(join(path, "pulumi")));
  const version = folder && versionOf(folder);
  return version && isAtLeast(version, OLDEST_CLI) ? { folder, version, origin: "PATH" } : undefined;
}

/** Fills a folder, and puts it in its place only when it is complete. */
function filled(target, fill) {
  if (existsSync(target)) return target;
  mkdirSync(cacheFolder, { recursive: true });
  const work = mkdtempSync(join(cacheFolder, ".new-"));
  try {
    fill(work);
    renameSync(work, target);
  } catch (error) {
    rmSync(work, { recursive: true, force: true });
    if (!existsSync(target)) throw error; // another process may have been faster
  }
  return target;
}

function fromNpm(log) {
  try {
    const folder = filled(join(cacheFolder, `pulumi-npm-${NPM_CLI}`), (work) => {
      log(`Getting the Pulumi CLI ${NPM_CLI} from npm …`);
      writeFileSync(join(work, "package.json"), "{}");
      execFileSync("npm", ["install", "--no-save", "--no-audit", "--no-fund", `pulumi@${NPM_CLI}`], { cwd: work, stdio: "pipe" });
      versionOf(join(work, "node_modules", ".bin")) ?? fail("not downloaded");
    });
    const bin = join(folder, "node_modules", ".bin");
    return { folder: bin, version: versionOf(bin) ?? fail("does not run"), origin: "npm" };
  } catch {
    return undefined;
  }
}

/** @param instead what to do where there is no Go, or it does not build */
function fromGo(version, log, instead) {
  const target = goFolder(version);
  if (!existsSync(target) && spawnSync("go", ["version"]).status !== 0) fail(`${instead}, and run this again.`);
  try {
    filled(target, (work) => {
      log(`Building the Pulumi CLI ${version} from its Go modules. This takes 1 to 10 minutes, once …`);
      build(join(work, "pulumi"), { [CLI_MODULE]: version }, `${CLI_MODULE}/cmd/pulumi`);
      build(join(work, "pulumi-language-nodejs"), { [SDK_MODULE]: GO_LANGUAGE_HOST }, `${SDK_MODULE}/nodejs/cmd/pulumi-language-nodejs`);
      // The program that serves dynamic resources is a script, which the CLI's own archive takes from the npm package too.
      const sdk = dirname(createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json"));
      copyFileSync(join(sdk, "pulumi-resource-pulumi-nodejs"), join(work, "pulumi-resource-pulumi-nodejs"));
      chmodSync(join(work, "pulumi-resource-pulumi-nodejs"), 0o755);
    });
  } catch (error) {
    fail(`The Pulumi CLI ${version} could not be built (${lastLine(error)}). ${instead}, and run this again.`);
  }
  return {
    folder: target,
    version: versionOf(target) ?? fail(`The Pulumi CLI in ${target} does not run: delete it, and run this again.`),
    origin: "Go",
  };
}

/**
 * Builds a program in a temporary Go module of its own.
 * @param {Record<string, string>} modules what it is made of, each with its version; the first gives the program's version
 * @param {string | string[]} program a package of one of them, or source files
 * @returns {string} the folder with the first module's sources
 */
function build(target, modules, program) {
  const folder = mkdtempSync(join(tmpdir(), "pulumi-build-"));
  const env = { ...process.env, GOFLAGS: "-mod=mod", GOWORK: "off" };
  const go = (...args) => execFileSync("go", args, { cwd: folder, env, stdio: "pipe", maxBuffer: 1 << 28 });
  try {
    go("mod", "init", "build");
    if (Array.isArray(program)) for (const file of program) copyFileSync(file, join(folder, basename(file)));
    go("get", ...Object.entries(modules).map(([module, version]) => `${module}@v${version}`));
    // Older versions use what newer linkers forbid unless told otherwise. Without a version the CLI's own checks refuse it.
    const version = Object.values(modules)[0];
    const flags = `-s -w -checklinkname=0 -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${version}`;
    go("build", "-buildvcs=false", "-ldflags", flags, "-o", target, Array.isArray(program) ? "." : program);
    return go("list", "-m", "-f", "{{.Dir}}", Object.keys(modules)[0]).toString().trim();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
