/** `npm test`: sets up everything that the tests need, then runs them. Arguments go to mocha. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { python, typescript } from "./languages.mjs";
import { earlierSdkGenerator, GO_CLI, oldestPulumiCli, pulumiCli, sdkGenerator, yamlLanguageHost } from "./pulumi-cli.mjs";
import { installedProgram, local, root, setUp } from "./setup.mjs";

const say = (message) => console.error(`> ${message}`);

/** Something that only some tests need. @returns undefined where it cannot be had */
function optional(what, get) {
  try {
    return get();
  } catch (error) {
    say(`${what} cannot be had, so its tests are left out: ${error.message}`);
    return undefined;
  }
}

try {
  await setUp();
  const { devDependencies, peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const newest = { cli: pulumiCli(say), sdk: devDependencies["@pulumi/pulumi"] };
  const oldest = { cli: oldestPulumiCli(say), sdk: peerDependencies["@pulumi/pulumi"].replace("^", "") };
  const yaml = optional("Pulumi's language host for YAML", () => yamlLanguageHost(newest.cli, say));
  const languages = {
    python: optional("A program in Python", () => python(newest.cli, say)),
    typescript: optional("The SDK for Node.js that Pulumi generates", () => typescript(say)),
  };
  const sdkGenerators = optional("Pulumi's generators of SDKs", () => {
    const [current, earlier] = [sdkGenerator(say), earlierSdkGenerator(say)];
    return { python: current, go: current, nodejs: current, dotnet: earlier, java: earlier };
  });
  const environments = {};
  for (const [name, { cli, sdk }] of Object.entries({ newest, oldest })) {
    environments[name] = {
      cli: cli.folder,
      program: installedProgram(sdk),
      yaml,
      ...(name === "newest" && { languages, sdkGenerators, goModules: GO_CLI }),
    };
    say(`${name}: Pulumi CLI ${cli.version} (${cli.origin}), SDK ${sdk}`);
  }
  writeFileSync(join(local, "test.json"), JSON.stringify(environments));
  const given = process.argv.slice(2);
  const specs = given.some((argument) => argument.endsWith(".ts")) ? [] : ["test/**/*.test.ts"];
  const mocha = join(root, "node_modules", "mocha", "bin", "mocha.js");
  process.exitCode = spawnSync(process.execPath, [mocha, ...given, ...specs], { cwd: root, stdio: "inherit" }).status ?? 1;
} catch (error) {
  console.error(`\n${error.message}\n\n0 passed, 1 failed`);
  process.exitCode = 1;
}
