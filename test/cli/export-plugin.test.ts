import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { Adoption, fill, named, secretsOf } from "../support/adoption";
import { testEnvironment } from "../support/environment";
import { jambonzTarget, type Target } from "../support/jambonz";
import { TestStack } from "../support/pulumi";

describe("exporting what exists for the provider plugin", function () {
  this.timeout(300_000); // every step runs the CLI several times over all objects

  let target: Target;
  let stack: TestStack;
  let adoption: Adoption;
  let objects: number;
  let told: string;

  const write = (resources: object) => {
    const providers = [{ name: "jambonz", path: join(testEnvironment().program, "node_modules", ".bin") }];
    writeFileSync(join(stack.folder, "Pulumi.yaml"), JSON.stringify({ name: "test", runtime: "yaml", plugins: { providers }, resources }));
  };

  before(async function () {
    if (!testEnvironment().yaml) this.skip();
    target = await jambonzTarget("service provider");
    objects = await fill(target, 26);
    const folder = mkdtempSync(join(tmpdir(), "cpaas-yaml-"));
    writeFileSync(join(folder, "Pulumi.yaml"), "name: test\nruntime: yaml\n");
    stack = await TestStack.in(folder, target.variables);
    write({});
    adoption = new Adoption(stack, target.sandbox);
  });
  after(async () => {
    stack?.remove();
    await target?.sandbox.stop();
  });

  it("writes a list that holds types, names and ids only", async () => {
    told = await adoption.ok("export", "--door", "plugin", "--out", ".");
    const entries = adoption.list(".");
    assert.equal(entries.length, objects);
    for (const entry of entries) assert.deepEqual(Object.keys(entry), ["type", "name", "id"]);
  });

  it("from which Pulumi imports, and writes the program that has nothing to change but what was told", async () => {
    await adoption.import(".", "--out", "generated.yaml");
    const text = readFileSync(join(stack.folder, "generated.yaml"), "utf8");
    for (const secret of await secretsOf(target)) assert.ok(!text.includes(secret), secret);
    const { resources } = parse(text) as { resources: Record<string, { properties: Record<string, any> }> };
    const notes = [...told.matchAll(/^Note: jambonz:Account "(\S+)" \(.*?\)(.*)$/gm)].map(([, name, note]) => ({
      name: name!,
      note: note!,
    }));
    const secret = notes.filter(({ note }) => note.includes(": bucketCredential.secretAccessKey is not imported; declare it"));
    for (const { name } of secret) resources[name]!.properties.bucketCredential.secretAccessKey = { "fn::secret": "another-secret" };
    const wrong = notes.filter(({ note }) => note.includes(" has to be put right in the program: registrationHook.url must be a URL"));
    for (const { name } of wrong) delete resources[name]!.properties.registrationHook;
    const changed = [...secret, ...wrong].map(({ name }) => `update ${name}`).sort();
    assert.equal(changed.length, 2 + 2);
    write(resources);
    assert.deepEqual(await stack.plan(), changed);
    await stack.up();
    await adoption.hasNothingLeftToDo();
  });

  it("would destroy exactly what was exported, once its protection is lifted", async () => {
    assert.match(await stack.fails(["destroy", "--preview-only"]), /protected/);
    await stack.ok(["state", "unprotect", "--all", "--yes"]);
    assert.deepEqual(await adoption.wouldDestroy(), named(adoption.list(".")));
  });

  it("leaves out what a stack has through either door", async () => {
    writeFileSync(join(stack.folder, "state.json"), await stack.ok(["stack", "export"]));
    assert.match(
      await adoption.ok("export", "--dry-run", "--state", "state.json"),
      new RegExp(`^0 to export, ${objects} in the state already`, "m"),
    );
  });

  it("adopts one alike that the stack does not have", async () => {
    const [name, id] = ["acme", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"];
    const { stdout, stderr } = await adoption.stack.cpaas("adopt", "jambonz:Account", name, id, "--door", "plugin");
    assert.deepEqual(JSON.parse(stdout), { resources: [{ type: "jambonz:index:Account", name, id }] });
    assert.match(stderr, /^Next: pulumi import --file/);
  });
});
