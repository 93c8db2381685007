import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { GetSchemaResponse } from "@pulumi/pulumi/proto/provider_pb";
import { peakMemory } from "../../bench/processes";
import { messages } from "../../provider/plugin/messages";
import { version } from "../../sdk/version";
import { jambonzTarget } from "../support/jambonz";
import { TestPlugin } from "../support/plugin";

const root = join(__dirname, "..", "..");

describe("the process of the provider plugin", () => {
  it("takes at most 80 MB, all definitions loaded and a resource made", async function () {
    const target = await jambonzTarget();
    const { plugin, pid } = await TestPlugin.spawned();
    try {
      const { inputs: settings } = await plugin.checkConfig({ apiUrl: target.sandbox.url, apiKey: target.key });
      await plugin.configure(settings);
      const { inputs } = await plugin.check("Account", { serviceProviderSid: target.serviceProviderSid });
      const { id, properties } = await plugin.create("Account", inputs);
      assert.equal((await plugin.diff("Account", id, properties, inputs)).changes, false);
      const memory = peakMemory(pid);
      if (memory === undefined) this.skip();
      assert.ok(memory <= 80e6, `it took ${(memory / 1e6).toFixed(1)} MB`);
    } finally {
      plugin.stop();
      await target.sandbox.stop();
    }
  });

  it("runs from a folder with nothing else installed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pulumi-cpaas-"));
    try {
      for (const path of ["package.json", "bin", "plugins", "dist/plugin"])
        cpSync(join(root, path), join(folder, path), { recursive: true });
      const { plugin, ended } = await TestPlugin.spawned(join(folder, "bin"));
      try {
        const schema = await plugin.call<GetSchemaResponse>("getSchema", new messages.GetSchemaRequest());
        assert.equal((JSON.parse(schema.getSchema()) as { name: string }).name, "jambonz");
        assert.deepEqual((await plugin.check("Account", { sipRealm: "acme.sip.example.com" })).reasons, []);
      } finally {
        plugin.stop();
        await ended;
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  for (const argument of ["--help", "-h", "--version"])
    it(`tells what it is, and ends, when somebody starts it with ${argument}`, () => {
      const program = join(root, "bin", "pulumi-resource-jambonz");
      const { status, stdout, stderr } = spawnSync(program, [argument], { encoding: "utf8", timeout: 30_000 });
      assert.deepEqual([status, stderr], [0, ""]);
      assert.equal(
        stdout,
        `pulumi-resource-jambonz ${version}: the Pulumi provider plugin for jambonz, which Pulumi starts by itself for programs that use the package jambonz.\n`,
      );
    });

  it("ends by itself when the engine was killed", async () => {
    const program = join(__dirname, "..", "..", "bin", "pulumi-resource-jambonz");
    const start = `const { spawn } = require("node:child_process");
      const plugin = spawn(${JSON.stringify(program)}, { stdio: ["pipe", "pipe", "inherit"] });
      plugin.stdout.once("data", () => console.log(plugin.pid));`;
    const engine = spawn(process.execPath, ["-e", start], { stdio: ["ignore", "pipe", "inherit"] });
    const [pid] = (await once(createInterface({ input: engine.stdout }), "line")) as [string];
    engine.kill("SIGKILL");
    while (isRunning(Number(pid))) await sleep(100);
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
