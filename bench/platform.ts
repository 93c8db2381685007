import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import axios from "axios";

/** The sandbox in a process of its own and without a rate limit, so that it does not share the measuring process. */
export interface SandboxProcess {
  url: string;
  key: string;
  serviceProviderSid: string;
  /** How many requests have come so far. */
  requests(): Promise<number>;
  stop(): Promise<void>;
}

export async function startSandboxProcess(): Promise<SandboxProcess> {
  const command = join(__dirname, "..", "sandbox", "bin", "pulumi-cpaas-sandbox.js");
  const child = spawn(process.execPath, [command, "--rate-limit", "off"], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const said = new Map<string, string>();
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, value] = line.split(" ");
    said.set(word!, value!);
    if (said.has("url") && said.has("key")) break;
  }
  const [url, key] = [said.get("url"), said.get("key")];
  if (!url || !key) throw new Error("the sandbox did not start");
  const control = `${new URL(url).origin}/sandbox`;
  const headers = { authorization: `Bearer ${key}` };
  const { data } = await axios.post<{ sid: string }>(`${url}/ServiceProviders`, { name: "bench" }, { headers });
  return {
    url,
    key,
    serviceProviderSid: data.sid,
    requests: async () => (await axios.get<{ requests: { total: number } }>(control)).data.requests.total,
    async stop() {
      child.kill();
      await ended;
    },
  };
}
