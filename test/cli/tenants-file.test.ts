import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";

const root = join(__dirname, "..", "..");

describe("mistakes in tenants.yaml of the example", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "cpaas-tenants-"));
    cpSync(join(root, "examples", "tenants", "index.ts"), join(folder, "index.ts"));
    const modules = join(folder, "node_modules");
    mkdirSync(modules);
    for (const name of ["@pulumi", "yaml", "zod"]) symlinkSync(join(root, "node_modules", name), join(modules, name));
    symlinkSync(root, join(modules, "pulumi-cpaas"));
  });
  after(() => rmSync(folder, { recursive: true }));

  /** What the program says of a file, a line each, before it declares anything. */
  function told(text: string): string[] {
    writeFileSync(join(folder, "tenants.yaml"), text);
    const program = join(folder, "index.ts");
    delete require.cache[program];
    let lines: string[] = [];
    assert.throws(
      () => require(program) as unknown,
      (error) => {
        assert.ok(pulumi.RunError.isInstance(error), String(error)); // which is shown without a stack
        lines = error.message.split("\n");
        return true;
      },
    );
    return lines;
  }

  it("are told all at once, by tenant and property", () => {
    const lines = told(
      [
        "acme: { name: Acme, apiKey: no, active: 'false' }",
        "globex: { hooks: { registrations: {}, registration: { url: https://g.example.com, password: p } } }",
        "initech: { name: Initech, limits: { device: many } }",
      ].join("\n"),
    );
    const wanted = [
      /^tenants\.yaml acme\.active: .*boolean/,
      /^tenants\.yaml acme\.apiKey: .*boolean/,
      /^tenants\.yaml globex\.hooks\.registration: .*"password"/,
      /^tenants\.yaml globex\.hooks: .*"registrations"/,
      /^tenants\.yaml globex\.name: .*string/,
      /^tenants\.yaml initech\.limits\.device: .*number/,
    ];
    assert.equal(lines.length, wanted.length, lines.join("\n"));
    lines.sort().forEach((line, index) => assert.match(line, wanted[index]!));
  });

  for (const [what, text, message] of [
    ["an empty file", "", /^tenants\.yaml: /],
    ["a tenant without anything", "acme:\n", /^tenants\.yaml acme: /],
    ["hooks without any", "acme:\n  name: Acme\n  hooks:\n", /^tenants\.yaml acme\.hooks: /],
    ["limits without any", "acme:\n  name: Acme\n  limits:\n", /^tenants\.yaml acme\.limits: /],
    [
      "the same tenant twice",
      "acme: { name: Acme }\nacme: { name: Acme }\n",
      /^tenants\.yaml: Map keys must be unique at line 2, column 1$/,
    ],
    ["something else than YAML", "acme: [", /^tenants\.yaml: .* at line 1/],
  ] as const)
    it(`${what} is one sentence`, () => {
      const lines = told(text);
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0]!, message);
    });
});
