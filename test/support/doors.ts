import assert from "node:assert/strict";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { testEnvironment, type Environment } from "./environment";
import type { Declared, Program, TestStack } from "./pulumi";

/** Something on a platform that no state knows. */
export interface Existing {
  /** `jambonz:Account`. */
  type: string;
  name: string;
  id: string;
  /** Properties that the program will not declare and that are to stay as they are; only through the package. */
  leave?: string[];
}

/** One of the two ways in which programs use the resources: how a test's program is written, and what is called differently. */
export interface Door {
  /** As in "through the …". */
  readonly title: string;
  /** Puts into a folder what every program needs. */
  prepare(folder: string, environment: Environment): void;
  write(folder: string, program: Program, environment: Environment): void;
  /** `jambonz:Account` for a type in state; undefined where it is not of this door. */
  typeOf(type: string): string | undefined;
  /** Brings under Pulumi what exists. The program that declares it is written afterwards. Gives what the import told. */
  adopt(stack: TestStack, existing: Existing[]): Promise<string>;
}

const IMPORT = ["import", "--file", "import.json", "--generate-code=false", "--yes", "--skip-preview", "--protect=false"];

const DYNAMIC = "pulumi-nodejs:dynamic/";

/** Dynamic resources of the npm package, in a program for Node. */
export const dynamic: Door = {
  title: "package",
  prepare(folder, environment) {
    writeFileSync(join(folder, "Pulumi.yaml"), "name: test\nruntime: nodejs\nmain: program.js\n");
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "test", private: true, main: "program.js" }));
    writeFileSync(join(folder, "program.js"), readFileSync(join(__dirname, "program.js")));
    symlinkSync(join(environment.program, "node_modules"), join(folder, "node_modules"));
  },
  write: (folder, program) => writeFileSync(join(folder, "program.json"), JSON.stringify(program)),
  typeOf: (type) => (type.startsWith(DYNAMIC) ? type.slice(DYNAMIC.length) : undefined),
  async adopt(stack, existing) {
    const resources: unknown[] = [];
    for (const { type, name, id, leave = [] } of existing) {
      const left = leave.flatMap((property) => ["--leave", property]);
      const { status, stdout, stderr } = await stack.cpaas("adopt", type, name, id, ...left);
      assert.equal(status, 0, stderr);
      resources.push(...(JSON.parse(stdout) as { resources: unknown[] }).resources);
    }
    writeFileSync(join(stack.folder, "import.json"), JSON.stringify({ resources }));
    const told = await stack.ok(IMPORT);
    await stack.ok(["refresh", "--yes", "--skip-preview"]);
    return told;
  },
};

/** The provider plugin, in a program in YAML. */
export const plugin: Door = {
  title: "plugin",
  prepare: (folder, environment) => plugin.write(folder, { resources: [] }, environment),
  write(folder, { resources, lookups = [], outputs = {} }, environment) {
    const program = {
      name: "test",
      runtime: "yaml",
      plugins: { providers: ["jambonz", "restcomm", "voicetel"].map((name) => ({ name, path: pluginFolder(environment) })) },
      resources: Object.fromEntries(resources.map((declared) => [declared.name, yamlResource(declared)])),
      outputs: {
        ...Object.fromEntries(
          lookups.map(({ name, type, args }) => [name, { "fn::invoke": { function: type, arguments: yaml(args ?? {}) } }]),
        ),
        ...(yaml(outputs) as object),
      },
    };
    writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify(program));
  },
  typeOf: (type) => (/^(jambonz|restcomm|voicetel):index:/.exec(type) && type.replace(":index:", ":")) || undefined,
  async adopt(stack, existing) {
    const resources = existing.map(({ type, name, id }) => ({ type: type.replace(":", ":index:"), name, id }));
    writeFileSync(join(stack.folder, "import.json"), JSON.stringify({ resources }));
    return stack.ok(IMPORT);
  },
};

/** For cases in which the door makes no difference: the one whose programs start faster, where there is a way to run them. */
export const eitherDoor = (): Door => (testEnvironment().yaml ? plugin : dynamic);

/** The door of a group of tests, which is left out where there is no way to run its programs. */
export function through(door: Door): void {
  before(function () {
    if (door === plugin && !testEnvironment().yaml) this.skip();
  });
}

/** Where npm puts the programs of the packages that it installs: a plugin's folder, too. */
export const pluginFolder = ({ program }: Environment) => join(program, "node_modules", ".bin");

function yamlResource({ type, args, opts = {}, get }: Declared): object {
  const { parent, deletedWith, provider, dependsOn, ...others } = opts as Record<string, any>;
  const to = (name: string) => `\${${name}}`;
  return {
    type,
    ...(get ? { get: { id: yaml(get) } } : { properties: yaml(args ?? {}) }),
    options: {
      ...others,
      ...(parent && { parent: to(parent) }),
      ...(deletedWith && { deletedWith: to(deletedWith) }),
      ...(provider && { provider: to(provider) }),
      ...(dependsOn && { dependsOn: dependsOn.map(to) }),
    },
  };
}

function yaml(said: unknown): unknown {
  if (typeof said === "string") return said.replaceAll("${", "$${");
  if (Array.isArray(said)) return said.map(yaml);
  if (typeof said !== "object" || said === null) return said;
  if ("$ref" in said) return `\${${String(said.$ref)}}`;
  if ("$secret" in said) return { "fn::secret": yaml(said.$secret) };
  if ("$output" in said) return yaml(said.$output);
  return Object.fromEntries(Object.entries(said).map(([key, value]) => [key, yaml(value)]));
}
