/** `npm run bench`: sets up what the benchmark needs, then runs bench/index.ts. Arguments go to it. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pulumiCli } from "./pulumi-cli.mjs";
import { installedProgram, root, setUp } from "./setup.mjs";

try {
  await setUp();
  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const sdk = devDependencies["@pulumi/pulumi"];
  const cli = pulumiCli((message) => console.error(`> ${message}`));
  const pulumi = { environment: { cli: cli.folder, program: installedProgram(sdk) }, cliVersion: cli.version, sdkVersion: sdk };
  const child = spawn(process.execPath, ["-r", "ts-node/register", join("bench", "index.ts"), ...process.argv.slice(2)], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, BENCH_PULUMI: JSON.stringify(pulumi) },
  });
  // A terminal's Ctrl-C reaches the child by itself; what is sent to this process alone is passed on.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("close", (code) => (process.exitCode = code ?? 1));
} catch (error) {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
