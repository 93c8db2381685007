import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { platformNames } from "../../provider/platforms";
import { messages, service } from "../../provider/plugin/messages";
import { cleanVariables, testEnvironment } from "../support/environment";
import { TestStack } from "../support/pulumi";

/** What Pulumi's language host for Node.js starts for a folder with a PulumiPlugin.yaml. */
const RUN = "@pulumi/pulumi/cmd/run-plugin";

describe("a plugin's folder, run by the language host as source", () => {
  it("is installed by Pulumi, which then starts it, or says that its language host is too old to", async function () {
    this.timeout(300_000);
    const folder = mkdtempSync(join(tmpdir(), "cpaas-source-"));
    const copy = join(folder, "pulumi-cpaas");
    cpSync(join(testEnvironment().program, "node_modules", "pulumi-cpaas"), copy, { recursive: true });
    writeFileSync(join(folder, "Pulumi.yaml"), "name: test\nruntime: nodejs\n");
    const stack = await TestStack.in(folder, {});
    try {
      const { code, text } = await stack.run(["package", "get-schema", join(copy, "plugins", "jambonz")]);
      assert.match(text, /Finished installing dependencies/);
      assert.match(text, code === 0 ? /"name": "jambonz"/ : /not supported/);
    } finally {
      stack.remove();
    }
  });

  for (const name of platformNames) {
    it(`serves ${name}, with the schema that lies in it`, async () => {
      const installed = join(testEnvironment().program, "node_modules");
      const folder = join(installed, "pulumi-cpaas", "plugins", name);
      assert.equal(readFileSync(join(folder, "PulumiPlugin.yaml"), "utf8"), "runtime: nodejs\n");
      const child = spawn(process.execPath, [join(installed, RUN), folder, "127.0.0.1:1"], {
        cwd: installed,
        env: cleanVariables(),
        stdio: ["ignore", "pipe", "inherit"],
      });
      const ended = once(child, "close");
      try {
        const [port] = (await Promise.race([once(child.stdout, "data"), ended.then(() => [""])])) as [Buffer | string];
        assert.match(String(port), /^\d+\n$/);
        const client: any = new service.ResourceProviderClient(`127.0.0.1:${String(port).trim()}`, grpc.credentials.createInsecure());
        const schema = await new Promise<string>((resolve, reject) =>
          client.getSchema(new messages.GetSchemaRequest(), (error: Error | null, answer: any) =>
            error ? reject(error) : resolve(answer.getSchema() as string),
          ),
        );
        client.close();
        assert.equal(schema, readFileSync(join(folder, "schema.json"), "utf8"));
        assert.equal((JSON.parse(schema) as { name: string }).name, name);
      } finally {
        child.kill();
        await ended;
      }
    });
  }
});
