import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jambonzTarget, made, type Target } from "../support/jambonz";
import { TestStack } from "../support/pulumi";

const bin = join(__dirname, "..", "..", "bin", "pulumi-cpaas.js");
const NAMES = ["Acme & Sons", "acme-sons", 'quo"te', "Ünïcödé Straße", "密码", "new", "1st", "twice", "twice", "…", "a`b${c}\\n"];

/** A platform that people have run by hand, with everything that is awkward. */
async function fill({ sandbox, serviceProviderSid }: Target, accounts: number): Promise<number> {
  let objects = 0;
  for (let index = 0; index < accounts; index++) {
    const name = `${NAMES[index % NAMES.length]!}${index < NAMES.length ? "" : ` ${Math.floor(index / NAMES.length)}`}`;
    const hook = { url: `https://h${index}.example.com/r?a=1&b=2`, method: index % 2 ? "GET" : "POST" };
    const sid = await made(sandbox, "/Accounts", {
      name,
      service_provider_sid: serviceProviderSid,
      ...(index % 3 ? { sip_realm: `Realm${index}.SIP.example.com` } : {}),
      ...(index % 12 === 1 ? { registration_hook: { ...hook, username: "u", password: `hook-password-${index}` } } : {}),
      ...(index % 4 === 2 ? { queue_event_hook: hook, is_active: false, record_all_calls: true, plan_type: "paid" } : {}),
    });
    objects++;
    if (index % 15 === 0) {
      const bucket = { vendor: "aws_s3", region: "eu", name: "calls", access_key_id: "AKIA", secret_access_key: `bucket-secret-${index}` };
      await sandbox.outside("PUT", `/Accounts/${sid}`, { bucket_credential: bucket });
    }
    for (let key = 0; key < index % 3; key++) await made(sandbox, "/ApiKeys", { account_sid: sid });
    const limits = Object.entries({ voice_call_session: 0, device: 5, api_rate: 7 }).slice(0, index % 4);
    for (const [category, quantity] of limits) await made(sandbox, `/Accounts/${sid}/Limits`, { category, quantity });
    objects += (index % 3) + limits.length;
  }
  return objects;
}

describe("exporting what exists", () => {
  let target: Target;
  let stack: TestStack;
  let objects: number;

  before(async () => {
    target = await jambonzTarget("service provider");
    objects = await fill(target, 60);
    stack = await TestStack.create(target.variables, { resources: [] });
  });
  after(async () => {
    stack.remove();
    await target.sandbox.stop();
  });

  /** Not in step: the sandbox answers in this process. */
  function cli(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      execFile(process.execPath, [bin, ...args], { cwd: stack.folder, env: stack.environmentVariables() }, (error, stdout, stderr) => {
        resolve({ status: error ? Number(error.code) : 0, stdout, stderr });
      });
    });
  }

  /** From now on the stack's program is the one that an export wrote. */
  function use(folder: string): void {
    writeFileSync(join(stack.folder, "Pulumi.yaml"), `name: test\nruntime: nodejs\nmain: ${folder}/index.ts\n`);
    writeFileSync(
      join(stack.folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { strict: true, module: "commonjs", target: "es2020" } }),
    );
  }

  it("counts without writing", async () => {
    const { status, stderr } = await cli("export", "--dry-run");
    assert.equal(status, 0, stderr);
    assert.match(stderr, new RegExp(`${objects} to export`));
  });

  it("filters by type and by name", async () => {
    assert.match((await cli("export", "--dry-run", "--type", "jambonz:Account")).stderr, /^60 to export/m);
    assert.match((await cli("export", "--dry-run", "--type", "jambonz:Account", "--name", "twice*")).stderr, /^10 to export/m);
    assert.match((await cli("export", "--dry-run", "--name", "nobody")).stderr, /^0 to export/m);
  });

  it("brings half of it under Pulumi with no change left to do", async () => {
    const { status, stderr } = await cli("export", "--out", "first", "--name", "*e*", "--set-secrets");
    assert.equal(status, 0, stderr);
    await imported("first");
  });

  it("then the other half, leaving out what the stack has", async () => {
    writeFileSync(join(stack.folder, "state.json"), await stack.ok(["stack", "export"]));
    const { status, stderr } = await cli("export", "--out", "second", "--state", "state.json", "--set-secrets");
    assert.equal(status, 0, stderr);
    const had = JSON.parse(readFileSync(join(stack.folder, "first", "import.json"), "utf8")) as { resources: { id: string }[] };
    const list = JSON.parse(readFileSync(join(stack.folder, "second", "import.json"), "utf8")) as { resources: { id: string }[] };
    assert.equal(had.resources.length + list.resources.length, objects);
    writeFileSync(join(stack.folder, "second", "both.ts"), 'import "./index";\nimport "../first/index";\n');
    await imported("second", "both.ts");
  });

  it("keeps every secret out of what it writes", async () => {
    const { body } = await target.sandbox.outside("GET", `/ServiceProviders/${target.serviceProviderSid}/Accounts`);
    const keys = (
      await Promise.all(
        (body as { account_sid: string }[]).map(({ account_sid }) => target.sandbox.outside("GET", `/Accounts/${account_sid}/ApiKeys`)),
      )
    ).flatMap((answer) => answer.body as { token: string }[]);
    const secrets = [
      ...(body as { webhook_secret: string }[]).map((row) => row.webhook_secret),
      ...keys.map(({ token }) => token),
      "hook-password",
      "bucket-secret",
      target.key,
    ];
    for (const file of [
      "first/import.json",
      "first/index.ts",
      "second/import.json",
      "second/index.ts",
      "Pulumi.test.yaml",
      ".state/.pulumi/stacks/test/test.json",
    ]) {
      const text = readFileSync(join(stack.folder, file), "utf8");
      for (const secret of secrets) assert.ok(!text.includes(secret), `${file} holds a secret`);
    }
  });

  it("would destroy exactly what was exported", async () => {
    const steps = await stack.ok(["destroy", "--preview-only", "--json"]);
    const plan = JSON.parse(steps.slice(steps.indexOf("{"))) as { steps?: { op: string; urn: string }[] };
    assert.equal((plan.steps ?? []).filter(({ op, urn }) => op === "delete" && !urn.includes("pulumi:pulumi:Stack")).length, objects);
  });

  it("finds nothing that no state knows, and then what somebody made", async () => {
    assert.deepEqual((await cli("orphans")).status, 0);
    const sid = await made(target.sandbox, "/Accounts", { name: "by hand", service_provider_sid: target.serviceProviderSid });
    await made(target.sandbox, "/ApiKeys", { account_sid: sid });
    const { status, stdout } = await cli("orphans");
    assert.equal(status, 1);
    assert.match(
      stdout,
      new RegExp(`^jambonz:Account "by hand" \\(${sid}\\), made .*\\n {2}npx pulumi-cpaas adopt jambonz:Account by-hand ${sid}\\n$`),
    );
  });

  /** Imports a list, and shows that there is nothing left to do. */
  async function imported(folder: string, main = "index.ts"): Promise<void> {
    await stack.ok(["import", "--file", `${folder}/import.json`, "--generate-code=false", "--yes", "--skip-preview", "--protect=false"]);
    await stack.ok(["refresh", "--yes", "--skip-preview"]);
    use(folder);
    if (main !== "index.ts") writeFileSync(join(stack.folder, "Pulumi.yaml"), `name: test\nruntime: nodejs\nmain: ${folder}/${main}\n`);
    assert.deepEqual(await stack.plan("--diff"), []);
    target.sandbox.clearRequests();
    await stack.ok(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    assert.deepEqual(target.sandbox.requests.length, 0);
    await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
  }
});
