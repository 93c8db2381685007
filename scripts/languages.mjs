/** Makes SDKs of the plugins as users of other languages have them, for the tests: generated from the schema and installed. */
import { execFileSync } from "node:child_process";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pythonEnvironment, pythonLanguageHost, sdkGenerator } from "./pulumi-cli.mjs";
import { local, once, root } from "./setup.mjs";

const schema = join(root, "plugins", "jambonz", "schema.json");

/**
 * @param {(message: string) => void} log tells what takes long
 * @returns {{ path: string[], sdk: string }} folders for PATH, and one for PYTHONPATH
 */
export function python(cli, log) {
  const bin = pythonEnvironment(log);
  const sdk = generated("python", log, (source, folder) => {
    const pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", folder, source];
    execFileSync(join(bin, "python"), pip, { stdio: "pipe" });
  });
  return { path: [bin, pythonLanguageHost(cli, log)], sdk };
}

/** @returns {{ sdk: string }} the compiled package `@pulumi/jambonz` */
export function typescript(log) {
  return {
    sdk: generated("nodejs", log, (source, folder) => {
      const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
      execFileSync(process.execPath, [tsc, "-p", source, "--outDir", join(folder, "bin")], { stdio: "pipe" });
      // The compiled code looks for its version beside itself.
      for (const target of [folder, join(folder, "bin")]) copyFileSync(join(source, "package.json"), join(target, "package.json"));
    }),
  };
}

function generated(language, log, install) {
  const generator = sdkGenerator(log);
  const [source, folder] = ["source", "installed"].map((name) => join(local, "sdks", language, name));
  once(join(local, "sdks", language, "made"), [schema, fileURLToPath(import.meta.url)], () => {
    for (const old of [source, folder]) rmSync(old, { recursive: true, force: true });
    execFileSync(generator, [language, schema, source], { stdio: "pipe" });
    install(source, folder);
  });
  return folder;
}
