import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { platform, platformNames } from "../../provider/platforms";
import { snake, written } from "../../scripts/generate/example";
import { testEnvironment } from "../support/environment";
import { typeErrors } from "../support/type-check";

const root = join(__dirname, "..", "..");
const installed = join(root, "node_modules", "@pulumi", "pulumi");

describe("the SDKs that Pulumi's generators make from the schemas", () => {
  let folder: string;
  let generators: Record<string, string>;

  before(function () {
    const { sdkGenerators } = testEnvironment();
    if (!sdkGenerators) return this.skip();
    generators = sdkGenerators;
    folder = mkdtempSync(join(tmpdir(), "cpaas-sdks-"));
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  const sdk = (language: string, name: string) => join(folder, name, language);
  /** @returns what is wrong with the schema; nothing where an SDK was made */
  const generate = (language: string, schema: string, target: string) => {
    const { status, stderr } = spawnSync(generators[language]!, [language, schema, target], { encoding: "utf8", timeout: 300_000 });
    return status === 0 ? "" : stderr;
  };

  /** A file that each resource has in the SDK of a language. */
  const files: Record<string, (platform: string, resource: string) => string> = {
    nodejs: (_name, resource) => `${resource[0]!.toLowerCase()}${resource.slice(1)}.ts`,
    python: (name, resource) => join(`pulumi_${name}`, `${snake(resource).slice(1)}.py`),
    go: (name, resource) => join(name, `${resource[0]!.toLowerCase()}${resource.slice(1)}.go`),
    dotnet: (_name, resource) => `${resource}.cs`,
    java: (name, resource) => join("src", "main", "java", "com", "pulumi", name, `${resource}.java`),
  };

  for (const name of platformNames) {
    it(`of ${name} are made without a warning in ${Object.keys(files).join(", ")}`, function () {
      this.timeout(600_000);
      for (const [language, fileOf] of Object.entries(files)) {
        assert.equal(generate(language, join(root, "plugins", name, "schema.json"), sdk(language, name)), "", language);
        for (const { type } of platform(name).resources) {
          const file = join(sdk(language, name), fileOf(name, type.split(":")[1]!));
          assert.ok(existsSync(file), file);
        }
      }
    });
  }

  it("are not made where the schema has a mistake", () => {
    const file = join(folder, "wrong.json");
    const refused = (language: string, mistake: (schema: Record<string, any>) => void, reason: RegExp) => {
      const schema = JSON.parse(readFileSync(join(root, "plugins", "jambonz", "schema.json"), "utf8")) as Record<string, any>;
      mistake(schema);
      writeFileSync(file, JSON.stringify(schema));
      assert.match(generate(language, file, join(folder, "wrong")), reason, language);
    };
    for (const language of ["python", "java"])
      refused(
        language,
        ({ resources }) => (resources["jambonz:index:Limit"].inputProperties.quantity.type = "count"),
        /Limit\/inputProperties\/quantity/,
      );
    refused("go", ({ types }) => delete types["jambonz:index:Webhook"], /type jambonz:index:Webhook not found/);
    assert.equal(existsSync(join(folder, "wrong")), false);
  });

  for (const name of platformNames) {
    it(`take the examples of ${name} in TypeScript`, function () {
      this.timeout(300_000);
      const programs = platform(name).resources.map(({ type, example }) => [
        `${type.replace(":", "-")}.ts`,
        written("typescript", platform(name), example, { imports: `import * as ${name} from "@pulumi/${name}";` }),
      ]);
      const paths = {
        [`@pulumi/${name}`]: [join(sdk("nodejs", name), "index.ts")],
        "@pulumi/pulumi": [installed],
        "@pulumi/pulumi/*": [join(installed, "*")],
      };
      assert.deepEqual(typeErrors(root, Object.fromEntries(programs) as Record<string, string>, paths), []);
    });

    it(`have the arguments and outputs that the examples of ${name} in Python name`, () => {
      for (const { example } of platform(name).resources) {
        const program = written("python", platform(name), example, { imports: "" });
        const sources = Object.values(example.resources).map(({ type }) =>
          readFileSync(join(sdk("python", name), files.python!(name, type.split(":")[1]!)), "utf8"),
        );
        const text = sources.join("\n");
        const args = [...program.replace(/opts=pulumi.*/g, "").matchAll(/\b(\w+)=/g)].map(([, arg]) => arg!);
        for (const arg of args) assert.match(text, new RegExp(`^ +${arg}: (Optional\\[)?pulumi\\.Input\\[`, "m"), arg);
        const outputs = [...program.matchAll(/=(?:\w+)\.(\w+)[,)\n]/g)].map(([, output]) => output!);
        for (const output of outputs) assert.match(text, new RegExp(`^    def ${output}\\(self\\) -> pulumi\\.Output\\[`, "m"), output);
      }
    });
  }

  it("compile in Go", function () {
    this.timeout(1_200_000);
    const cwd = sdk("go", "jambonz");
    const version = testEnvironment().goModules!;
    const env = { ...process.env, GOFLAGS: "-mod=mod -buildvcs=false", GOWORK: "off" };
    const go = (...args: string[]) => execFileSync("go", args, { cwd, env, stdio: "pipe" });
    // With the same modules as the generators, of which everything is compiled already.
    for (const module of ["pkg", "sdk"]) go("mod", "edit", `-require=github.com/pulumi/pulumi/${module}/v3@v${version}`);
    go("build", "./...");
  });
});
