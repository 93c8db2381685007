import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { plugin, pluginFolder } from "../support/doors";
import { testEnvironment } from "../support/environment";
import { accountsOf, asked, jambonzTarget, limitsOf, made, type Target } from "../support/jambonz";
import { TestStack } from "../support/pulumi";

const root = join(__dirname, "..", "..");

/** What the programs below read, so that a test can change them. */
interface Said {
  category: string;
  /** Whether the account that is imported is declared. */
  found: boolean;
}

interface Language {
  title: string;
  available: boolean;
  runtime: string;
  /** The program, and what it needs in its folder. */
  write(folder: string): void;
  variables: Record<string, string>;
}

const { languages = {}, program, cli } = testEnvironment();

const python: Language = {
  title: "Python",
  available: languages.python !== undefined,
  runtime: "python",
  write(folder) {
    writeFileSync(
      join(folder, "__main__.py"),
      `import json
import pulumi
import pulumi_jambonz as jambonz

said = json.load(open("program.json"))
acme = jambonz.Account(
    "acme",
    registration_hook=jambonz.WebhookArgs(url="https://example.com/a", password=pulumi.Output.secret("p-a-s-s")),
)
jambonz.Limit("limit", account_sid=acme.sid, category=jambonz.LimitCategory(said["category"]), quantity=5)
key = jambonz.ApiKey("key", account_sid=acme.sid)
if said["found"]:
    jambonz.Account("found")
pulumi.export("token", key.token)
pulumi.export("names", jambonz.get_accounts_output().apply(lambda seen: [account.name for account in seen.accounts]))
`,
    );
  },
  variables: {
    PYTHONPATH: languages.python?.sdk ?? "",
    PATH: [...(languages.python?.path ?? []), cli, process.env.PATH].join(delimiter),
  },
};

const typescript: Language = {
  title: "TypeScript",
  available: languages.typescript !== undefined,
  runtime: "nodejs",
  write(folder) {
    const modules = join(folder, "node_modules");
    mkdirSync(join(modules, "@pulumi"), { recursive: true });
    for (const from of [join(program, "node_modules"), join(root, "node_modules")])
      for (const name of ["@pulumi/pulumi", "typescript", "ts-node", "@types"]) link(join(from, name), join(modules, name));
    cpSync(languages.typescript!.sdk, join(modules, "@pulumi", "jambonz"), { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "test", main: "index.ts" }));
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { strict: true, module: "commonjs", target: "es2022" } }),
    );
    writeFileSync(
      join(folder, "index.ts"),
      `import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import * as jambonz from "@pulumi/jambonz";

const said = JSON.parse(readFileSync("program.json", "utf8")) as { category: jambonz.types.enums.LimitCategory; found: boolean };
const acme = new jambonz.Account("acme", {
  registrationHook: { url: "https://example.com/a", password: pulumi.secret("p-a-s-s") },
});
new jambonz.Limit("limit", { accountSid: acme.sid, category: said.category, quantity: 5 });
if (said.found) new jambonz.Account("found");
export const token = new jambonz.ApiKey("key", { accountSid: acme.sid }).token;
export const names = jambonz.getAccountsOutput().accounts.apply((accounts) => accounts.map(({ name }) => name));
`,
    );
  },
  variables: {},
};

function link(target: string, path: string): void {
  try {
    symlinkSync(target, path);
  } catch {
    // The program's own goes first.
  }
}

for (const language of [python, typescript]) {
  describe(`a program in ${language.title}, through the plugin and the SDK that Pulumi generates`, () => {
    let target: Target;
    let stack: TestStack;
    const say = (said: Said) => writeFileSync(join(stack.folder, "program.json"), JSON.stringify(said));
    const account = async () => (await accountsOf(target)).acme;

    before(async function () {
      if (!language.available) this.skip();
      target = await jambonzTarget("service provider");
      const folder = mkdtempSync(join(tmpdir(), "cpaas-language-"));
      const plugins = { providers: [{ name: "jambonz", path: pluginFolder(testEnvironment()) }] };
      writeFileSync(join(folder, "Pulumi.yaml"), JSON.stringify({ name: "test", runtime: language.runtime, plugins }));
      language.write(folder);
      stack = await TestStack.in(folder, { ...target.variables, ...language.variables }, testEnvironment(), plugin);
    });
    beforeEach(() => target.sandbox.clearRequests());
    after(async () => {
      stack?.remove();
      await target?.sandbox.stop();
    });

    it("is deployed, with secrets encrypted", async () => {
      say({ category: "device", found: false });
      await stack.up();
      assert.equal((await account()).registration_hook.password, "p-a-s-s");
      const { token } = (await stack.outputs()) as { token: string };
      const text = JSON.stringify(await stack.state());
      for (const hidden of ["p-a-s-s", token, (await account()).webhook_secret as string]) assert.ok(!text.includes(hidden), hidden);
    });

    it("sends nothing but its look-up when nothing changed, and has the answer", async () => {
      await stack.ok(["up", "--yes", "--skip-preview"]);
      assert.deepEqual(asked(target), ["GET /Accounts"]);
      assert.deepEqual(((await stack.outputs()) as { names: string[] }).names, ["acme"]);
    });

    it("notices drift, and repairs it", async () => {
      const { account_sid } = await account();
      await target.sandbox.outside("PUT", `/Accounts/${account_sid}`, {
        registration_hook: { url: "https://b.example.com", password: "p-a-s-s" },
      });
      await stack.ok(["refresh", "--yes", "--skip-preview"]);
      assert.deepEqual(await stack.plan(), ["update acme"]);
      await stack.up();
      assert.equal((await account()).registration_hook.url, "https://example.com/a");
    });

    it("replaces what cannot be changed in place", async () => {
      say({ category: "api_rate", found: false });
      assert.match((await stack.plan()).join(), /replace limit/);
      await stack.up();
      assert.deepEqual(await limitsOf(target, (await account()).account_sid as string), { api_rate: 5 });
    });

    it("declares what was imported by its id, and nothing changes", async () => {
      const sid = await made(target.sandbox, "/Accounts", { name: "found", service_provider_sid: target.serviceProviderSid });
      await stack.ok([
        "import",
        "jambonz:index:Account",
        "found",
        sid,
        "--yes",
        "--skip-preview",
        "--generate-code=false",
        "--protect=false",
      ]);
      say({ category: "api_rate", found: true });
      target.sandbox.clearRequests();
      await stack.ok(["up", "--yes", "--skip-preview"]);
      assert.deepEqual(asked(target), ["GET /Accounts"]);
      assert.equal((await stack.resources())["jambonz:Account found"]!.id, sid);
    });

    it("is destroyed", async () => {
      await stack.ok(["destroy", "--yes", "--skip-preview"]);
      assert.deepEqual(await accountsOf(target), {});
      assert.deepEqual(await stack.resources(), {});
    });
  });
}
