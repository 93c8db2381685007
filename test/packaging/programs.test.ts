import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { testEnvironment } from "../support/environment";
import { accountsOf, jambonzTarget, type Target } from "../support/jambonz";
import { TestStack } from "../support/pulumi";

const root = join(__dirname, "..", "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  version: string;
  devDependencies: Record<string, string>;
};
const archive = `file:${join(root, ".local", `pulumi-cpaas-${manifest.version}.tgz`)}`;
const sdk = manifest.devDependencies["@pulumi/pulumi"]!;

/** How packages are installed, by the tool that does it. */
const managers: Record<string, (folder: string) => void> = {
  npm: (folder) => run("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], folder),
  pnpm: (folder) => run(process.execPath, [join(root, "node_modules", "pnpm", "bin", "pnpm.cjs"), "install", "--ignore-scripts"], folder),
  yarn: (folder) => {
    writeFileSync(join(folder, ".yarnrc.yml"), "nodeLinker: node-modules\nenableTelemetry: false\nenableScripts: false\n");
    writeFileSync(join(folder, "yarn.lock"), "");
    const registry = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    run(process.execPath, [join(root, "node_modules", "@yarnpkg", "cli-dist", "bin", "yarn.js"), "install"], folder, {
      YARN_NPM_REGISTRY_SERVER: registry,
      YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
    });
  },
};

function run(command: string, args: string[], cwd: string, env: Record<string, string> = {}): void {
  try {
    execFileSync(command, args, { cwd, env: { ...process.env, ...env }, stdio: "pipe", encoding: "utf8" });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(" ")}: ${stdout}${stderr}`, { cause: error });
  }
}

describe("a program", () => {
  let target: Target;
  let folder: string;

  before(async () => (target = await jambonzTarget()));
  after(() => target.sandbox.stop());
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "cpaas-program-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function write(files: Record<string, string | object>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), typeof content === "string" ? content : JSON.stringify(content));
    }
  }

  const project = (main?: string) => `name: test\nruntime: nodejs\n${main ? `main: ${main}\n` : ""}`;
  const dependencies = { "@pulumi/pulumi": sdk, "pulumi-cpaas": archive };
  const typescript = {
    typescript: manifest.devDependencies.typescript!,
    "ts-node": manifest.devDependencies["ts-node"]!,
    "@types/node": manifest.devDependencies["@types/node"]!,
  };
  const commonJs = (name: string) => `const { jambonz } = require("pulumi-cpaas");
const account = new jambonz.Account("${name}", { serviceProviderSid: "${target.serviceProviderSid}" });
new jambonz.Limit("${name}", { accountSid: account.sid, category: jambonz.LimitCategory.Device, quantity: 1 });
exports.sid = account.sid;`;
  const esm = (name: string) =>
    commonJs(name)
      .replace('const { jambonz } = require("pulumi-cpaas")', 'import { jambonz } from "pulumi-cpaas"')
      .replace("exports.sid =", "export const sid =");

  /** Deploys, does nothing the second time, and destroys. */
  async function works(name: string, where = folder): Promise<void> {
    const stack = await TestStack.in(where, target.variables);
    await stack.up();
    assert.equal((await stack.outputs()).sid, (await accountsOf(target))[name].account_sid);
    assert.match(await stack.ok(["up", "--yes", "--skip-preview"]), /3 unchanged/);
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.ok(!(name in (await accountsOf(target))));
  }

  it("in JavaScript, CommonJS, installed by npm", async () => {
    write({ "Pulumi.yaml": project(), "package.json": { name: "p", main: "index.js", dependencies }, "index.js": commonJs("cjs") });
    managers.npm!(folder);
    await works("cjs");
  });

  it("in JavaScript, an ES module, installed by npm", async () => {
    write({
      "Pulumi.yaml": project(),
      "package.json": { name: "p", type: "module", main: "index.js", dependencies },
      "index.js": esm("esm"),
    });
    managers.npm!(folder);
    await works("esm");
  });

  it("in TypeScript, with `main` in Pulumi.yaml, installed by npm", async () => {
    write({
      "Pulumi.yaml": project("src/"),
      "package.json": { name: "p", main: "src/index.ts", dependencies, devDependencies: typescript },
      "tsconfig.json": { compilerOptions: { target: "es2022", module: "commonjs", strict: true } },
      "src/index.ts": esm("main").replace("jambonz.LimitCategory.Device", '"device" satisfies jambonz.LimitCategory'),
    });
    managers.npm!(folder);
    await works("main");
  });

  for (const manager of ["pnpm", "yarn"]) {
    it(`in TypeScript, installed by ${manager}`, async () => {
      write({
        "Pulumi.yaml": project(),
        "package.json": { name: "p", main: "index.ts", dependencies, devDependencies: typescript },
        "tsconfig.json": {
          compilerOptions: { target: "es2022", module: "node16", moduleResolution: "node16", strict: true, skipLibCheck: true },
        },
        "index.ts": esm(manager),
      });
      managers[manager]!(folder);
      await works(manager);
    });
  }

  it("in a workspace, with what it needs installed above it", async () => {
    write({
      "package.json": { name: "root", private: true, workspaces: ["packages/*"] },
      "packages/infra/Pulumi.yaml": project(),
      "packages/infra/package.json": { name: "infra", version: "1.0.0", main: "index.js", dependencies },
      "packages/infra/index.js": commonJs("workspace"),
    });
    managers.npm!(folder);
    assert.ok(!readdirSync(join(folder, "packages", "infra")).includes("node_modules"));
    await works("workspace", join(folder, "packages", "infra"));
  });

  it("that is part of another one, through the Automation API", async () => {
    write({
      "package.json": { name: "p", main: "index.js", dependencies },
      "index.js": `const { LocalWorkspace } = require("@pulumi/pulumi/automation");
const { jambonz } = require("pulumi-cpaas");
const program = async () => ({ sid: new jambonz.Account("automated", { serviceProviderSid: "${target.serviceProviderSid}" }).sid });
(async () => {
  const stack = await LocalWorkspace.createOrSelectStack({ stackName: "test", projectName: "automated", program });
  const up = await stack.up();
  const again = await stack.up();
  await stack.destroy();
  console.log(JSON.stringify({ sid: up.outputs.sid.value, first: up.summary.resourceChanges, second: again.summary.resourceChanges }));
})();`,
    });
    managers.npm!(folder);
    mkdirSync(join(folder, ".state"));
    const env = {
      ...process.env,
      ...target.variables,
      PATH: [testEnvironment().cli, process.env.PATH].join(delimiter),
      PULUMI_HOME: join(folder, ".pulumi"),
      PULUMI_BACKEND_URL: `file://${join(folder, ".state")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
    };
    const { promisify } = await import("node:util");
    const { execFile } = await import("node:child_process");
    const { stdout } = await promisify(execFile)(process.execPath, ["index.js"], { cwd: folder, env });
    const { sid, first, second } = JSON.parse(stdout) as { sid: string; first: object; second: object };
    assert.match(sid, /^[0-9a-f-]{36}$/);
    assert.deepEqual(first, { create: 2 });
    assert.deepEqual(second, { same: 2 });
  });

  it("that has the package behind a company's own package only, is told what to add", async () => {
    write({
      "Pulumi.yaml": project(),
      "package.json": { name: "p", main: "index.js", dependencies: { "@pulumi/pulumi": sdk, components: "file:components" } },
      "components/package.json": { name: "components", version: "1.0.0", main: "index.js", dependencies },
      "components/index.js": `const { jambonz } = require("pulumi-cpaas");\nexports.tenant = (name) => new jambonz.Account(name);`,
      "index.js": `require("components").tenant("hidden");`,
    });
    managers.pnpm!(folder);
    const stack = await TestStack.in(folder, target.variables);
    const text = await stack.fails(["preview"]);
    assert.match(
      text.replace(/\s+/g, " "),
      /error: pulumi-cpaas is not found from \S+, from where Pulumi loads it: add it to the package\.json there \(npm install pulumi-cpaas\)/,
    );
    assert.doesNotMatch(text, /^\s+at .*\d+:\d+\)?$/m);
  });
});
