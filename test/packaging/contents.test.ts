import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { platformNames } from "../../provider/platforms";

const root = join(__dirname, "..", "..");

describe("the package as it would be published", () => {
  let files: string[];
  let size: number;
  let manifest: Record<string, any>;

  before(() => {
    const [packed] = JSON.parse(
      execFileSync("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"], {
        cwd: root,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }),
    ) as [{ files: { path: string }[]; size: number }];
    files = packed.files.map(({ path }) => path);
    size = packed.size;
    manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, any>;
  });

  it("holds compiled code with its types, and the documents", () => {
    for (const file of [
      "package.json",
      "README.md",
      "LICENSE",
      "CHANGELOG.md",
      "docs/operating.md",
      "docs/reference/README.md",
      "bin/pulumi-cpaas.js",
      "dist/sdk/index.js",
      "dist/sdk/index.d.ts",
      "dist/provider/dynamic.js",
      "dist/provider/jambonz/account.js",
    ]) {
      assert.ok(files.includes(file), file);
    }
  });

  it("holds neither sources nor tests, nor what belongs to the sandbox, and is small", () => {
    const others = files.filter(
      (file) =>
        !/^(dist\/(sdk|provider|plugin)\/|bin\/|plugins\/|docs\/.*\.md$|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(file),
    );
    assert.deepEqual(others, []);
    assert.deepEqual(
      files.filter((file) => /(?<!\.d)\.ts$|\.map$|\.tgz$/.test(file)),
      [],
    );
    assert.ok(size < 700_000, `${size} bytes`);
  });

  it("has a folder for each plugin that Pulumi can run and read", () => {
    for (const name of platformNames)
      for (const file of ["PulumiPlugin.yaml", "package.json", "schema.json"]) assert.ok(files.includes(`plugins/${name}/${file}`), file);
    assert.ok(files.includes("plugins/prepare.js"));
  });

  it("brings the licences of what is inside of the plugins' program", () => {
    assert.ok(files.includes("dist/plugin/LICENSES.txt"));
    const licences = readFileSync(join(root, "dist", "plugin", "LICENSES.txt"), "utf8");
    const inside = new Set<string>();
    for (const file of files.filter((name) => /^dist\/plugin\/.*\.js$/.test(name)))
      for (const [, name] of readFileSync(join(root, file), "utf8").matchAll(/^ *\/\/ node_modules\/((?:@[^/]+\/)?[^/]+)\//gm))
        inside.add(name!);
    assert.ok(inside.size > 5);
    for (const name of inside) assert.match(licences, new RegExp(`^${name} [0-9.]+: .+\n\n[^]{500}`, "m"), name);
  });

  it("has everything that its manifest points to", () => {
    const pointed = [
      manifest.main,
      manifest.types,
      ...Object.values(manifest.bin as object),
      ...Object.values(manifest.exports as object).flatMap((target) =>
        typeof target === "string" ? [target] : Object.values(target as object),
      ),
    ];
    for (const path of pointed as string[])
      for (const name of path.includes("*") ? platformNames : [""])
        assert.ok(files.includes(path.replace("./", "").replace("*", name)), path);
    for (const field of ["name", "version", "description", "license", "repository", "keywords", "engines", "homepage", "bugs", "author"])
      assert.ok(manifest[field], field);
  });

  it("brings along neither the sandbox's packages nor Pulumi's own", () => {
    assert.deepEqual(Object.keys(manifest.dependencies as object).sort(), ["axios", "zod"]);
    assert.deepEqual(Object.keys(manifest.peerDependencies as object), ["@pulumi/pulumi"]);
    assert.equal(manifest.pulumi, undefined, "a plugin named here would be fetched for everybody");
  });
});
