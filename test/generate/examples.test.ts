import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { platform, platformNames } from "../../provider/platforms";
import type { Example, Platform, Resource } from "../../provider/resource";
import { checkedExample, secretsOf, written } from "../../scripts/generate/example";
import { testEnvironment } from "../support/environment";
import { TestStack } from "../support/pulumi";
import { typeErrors } from "../support/type-check";

/** Every example of a platform, by the type that it shows. */
const examplesOf = (found: Platform) => Object.fromEntries(found.resources.map(({ type, example }) => [type, example]));

describe("the examples of the reference", () => {
  describe("in TypeScript", () => {
    const program = (name: string, example: Example) =>
      written("typescript", platform(name), example, { imports: `import { ${name} } from "pulumi-cpaas";` });

    for (const name of platformNames) {
      it(`of ${name} compile with the package`, function () {
        this.timeout(300_000);
        const files = Object.entries(examplesOf(platform(name))).map(([type, example]) => [
          `${type.replace(":", "-")}.ts`,
          program(name, example),
        ]);
        assert.deepEqual(typeErrors(testEnvironment().program, Object.fromEntries(files) as Record<string, string>), []);
      });
    }

    it("would not compile with a property that does not exist", function () {
      this.timeout(300_000);
      const text = program("jambonz", platform("jambonz").resources[0]!.example).replace("sipRealm:", "sipRelm:");
      assert.match(typeErrors(testEnvironment().program, { "wrong.ts": text }).join(), /'sipRelm' does not exist in type 'AccountArgs'/);
    });
  });

  describe("in YAML", () => {
    for (const name of platformNames) {
      it(`of ${name} are previewed by Pulumi as creations of all that they declare`, async function () {
        this.timeout(600_000);
        const environment = testEnvironment();
        if (!environment.yaml) this.skip();
        const folder = mkdtempSync(join(tmpdir(), "cpaas-examples-"));
        const plugins = { providers: [{ name, path: join(environment.program, "node_modules", ".bin") }] };
        // The engine does not tell this language host, which is older, of "config"; its former name works with every host.
        const write = (text: string) => writeFileSync(join(folder, "Pulumi.yaml"), text.replace(/^config:/m, "configuration:"));
        write("name: test\nruntime: yaml\n");
        const stack = await TestStack.in(folder, { [`${name.toUpperCase()}_API_URL`]: "http://127.0.0.1:9" });
        try {
          for (const example of Object.values(examplesOf(platform(name)))) {
            write(
              `name: test\nruntime: yaml\nplugins: ${JSON.stringify(plugins)}\n${written("yaml", platform(name), example, { imports: "" })}\n`,
            );
            for (const secret of secretsOf(example)) await stack.ok(["config", "set", "--secret", secret, "correct horse battery"]);
            const created = Object.keys(example.resources).map((resource) => `create ${resource}`);
            assert.deepEqual(await stack.plan(), created.sort());
          }
        } finally {
          stack.remove();
        }
      });
    }
  });

  describe("are refused by the generator", () => {
    const jambonz = platform("jambonz");
    const limit = jambonz.resources.find(({ type }) => type === "jambonz:Limit")!;
    const acme = { type: "jambonz:Account", properties: {} };
    const properties = { accountSid: "${acme.sid}", category: "device", quantity: 5 };
    const refused = (example: Example | undefined, reason: RegExp) =>
      assert.throws(() => checkedExample(jambonz, { ...limit, example } as Resource), reason);

    it("where a resource has none", () => refused(undefined, /the example of jambonz:Limit: it has no example/));

    it("where they show something else", () =>
      refused({ title: "", resources: { acme } }, /the example of jambonz:Limit: it has none of them/));

    it("where a value would be refused in a program", () =>
      refused(
        { title: "", resources: { acme, limit: { type: limit.type, properties: { ...properties, quantity: -1 } } } },
        /limit: quantity must be at least 0/,
      ));

    it("where they refer to what is not declared before", () =>
      refused({ title: "", resources: { limit: { type: limit.type, properties }, acme } }, /limit refers to acme, which is not declared/));

    it("where they refer to an output that does not exist", () =>
      refused(
        { title: "", resources: { acme, limit: { type: limit.type, properties: { ...properties, accountSid: "${acme.sidd}" } } } },
        /jambonz:Account has no sidd/,
      ));
  });
});
