/** Brings a checkout from nothing to built: dependencies, compiled code. Does again only what is out of date. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** What this checkout keeps for itself: state, database, passphrase. Readable by its owner only, never committed. */
export const local = join(root, ".local");

const say = (message) => console.error(`> ${message}`);

/** @returns {Promise<void>} when `node_modules` is as the lock file says and everything is compiled */
export async function setUp() {
  mkdirSync(local, { recursive: true, mode: 0o700 });
  once(join(root, "node_modules", ".cpaas-installed"), [join(root, "package-lock.json")], () => {
    say("Installing dependencies (npm ci) …");
    npm(["ci", "--ignore-scripts"]);
  });
  const sources = [
    "provider",
    "sdk",
    "sandbox/src",
    "scripts/bundle.mjs",
    "tsconfig.json",
    "tsconfig.build.json",
    "sandbox/tsconfig.json",
    "package.json",
  ].flatMap((path) => files(join(root, path)));
  once(join(root, "node_modules", ".cpaas-built"), sources, () => {
    say("Compiling …");
    for (const folder of ["dist", "sandbox/dist"]) rmSync(join(root, folder), { recursive: true, force: true });
    npm(["run", "build", "--silent"]);
  });
}

/** Packs the package as it would be published. @returns the archive's path, new where its contents are */
export function pack() {
  const [{ filename, integrity }] = JSON.parse(npm(["pack", "--ignore-scripts", "--json", "--pack-destination", local], "pipe"));
  return { archive: join(local, filename), integrity };
}

/**
 * Installs a program's dependencies and this checkout's package in the place of the published one, without writing
 * that down in the program.
 */
export function installPacked(folder) {
  const { archive, integrity } = pack();
  const marker = join(folder, "node_modules", ".cpaas-package");
  const wanted = `${integrity} ${hash([join(folder, "package.json")])}`;
  unlessDone(marker, wanted, () => {
    say(`Installing the packed package in ${folder} …`);
    npm(["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", archive], "ignore", folder);
  });
}

/** @returns a folder with this package and one version of Pulumi's SDK, installed as a user would */
export function installedProgram(sdk) {
  const folder = join(local, "programs", sdk);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "test", private: true, dependencies: { "@pulumi/pulumi": sdk } }));
  installPacked(folder);
  return folder;
}

export function npm(args, stdout = "ignore", cwd = root) {
  return execFileSync("npm", args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", stdout, "inherit"],
    env: { ...process.env, npm_config_loglevel: "error" },
  });
}

/** Runs `act` unless it ran to its end before with the same files. */
export function once(marker, inputs, act) {
  unlessDone(marker, hash(inputs), act);
}

/** Runs `act` unless the marker says that it ran to its end before for the same. */
function unlessDone(marker, wanted, act) {
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return;
  // What fails, or is interrupted, leaves something half-made.
  rmSync(marker, { force: true });
  act();
  mkdirSync(dirname(marker), { recursive: true });
  writeFileSync(marker, wanted);
}

function hash(paths) {
  const sum = createHash("sha256");
  for (const path of paths) sum.update(relative(root, path)).update(readFileSync(path));
  return sum.digest("hex");
}

function files(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .map((name) => join(path, name))
    .filter((file) => statSync(file).isFile())
    .sort();
}
