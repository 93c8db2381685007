import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { grpc, messages, service } from "../../provider/plugin/grpc";
import { platformNames } from "../../provider/platforms";
import { cleanVariables, testEnvironment } from "../support/environment";

/** What Pulumi's language host for Node.js starts for a folder with a PulumiPlugin.yaml. */
const RUN = "@pulumi/pulumi/cmd/run-plugin";

describe("a plugin's folder, run by the language host as source", () => {
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
