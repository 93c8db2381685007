import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";

describe("the audit of what users get", () => {
  /** Runs it with an npm that gives this report. */
  function audit(report: string): { status: number | null; said: string } {
    const folder = mkdtempSync(join(tmpdir(), "pulumi-cpaas-"));
    try {
      writeFileSync(join(folder, "report"), report);
      writeFileSync(join(folder, "npm"), `#!/bin/sh\ncat '${join(folder, "report")}'\nexit 1\n`, { mode: 0o755 });
      const script = join(__dirname, "../../scripts/audit.mjs");
      const env = { PATH: [folder, dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter) };
      const { status, stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: "utf8" });
      return { status, said: stdout + stderr };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  const vulnerable = (severity: string, name = "leaky", nodes?: string[]) => {
    const via = [{ title: "Something leaks", url: "https://example.com/advisory", severity }];
    return JSON.stringify({ vulnerabilities: { [name]: { name, severity, range: "<2.0.0", via, nodes } } });
  };

  for (const severity of ["high", "critical"]) {
    it(`fails where something ${severity} is known, and names it`, () => {
      const { status, said } = audit(vulnerable(severity));
      assert.equal(status, 1);
      assert.equal(said, `leaky <2.0.0: ${severity}: Something leaks (https://example.com/advisory)\n`);
    });
  }

  it("fails for what is installed along, and for what is inside of the plugins' bundle, though it is only built with that", () => {
    for (const name of ["zod", "google-protobuf", "@grpc/grpc-js"])
      assert.equal(audit(vulnerable("high", name, [`node_modules/${name}`])).status, 1, name);
  });

  it("passes where nothing grave is known of what users get", () => {
    for (const report of [
      vulnerable("moderate"),
      vulnerable("critical", "mocha", ["node_modules/mocha"]),
      JSON.stringify({ vulnerabilities: {} }),
    ]) {
      assert.deepEqual(audit(report), {
        status: 0,
        said: "No package that users get has a known vulnerability that is high or critical.\n",
      });
    }
  });

  it("passes without an answer, and says so in one line", () => {
    for (const report of [
      '{"message":"405 Method Not Allowed\\nmore","error":{"summary":""}}',
      '{"error":{"code":"ENOTFOUND","summary":"offline"}}',
      "",
      "{",
    ]) {
      const { status, said } = audit(report);
      assert.equal(status, 0);
      assert.match(said, /^The registry did not answer the audit, so nothing is known of vulnerabilities: .+\n$/);
    }
  });
});
