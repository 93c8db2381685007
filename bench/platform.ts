import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import axios from "axios";

/** A window of the rate limit, as the sandbox counted it. */
export interface Window {
  requests: number;
  /** Those among them that were answered 429. */
  refused: number;
}

/** The sandbox in a process of its own, so that it does not share the measuring one. */
export interface SandboxProcess {
  url: string;
  key: string;
  serviceProviderSid: string;
  /** How many requests have come so far. */
  requests(): Promise<number>;
  /** The windows of its rate limit so far; none where it has no limit. */
  windows(): Promise<Window[]>;
  stop(): Promise<void>;
}

/** @param rateLimit requests in a window of seconds, such as 150/10 */
export async function startSandboxProcess(rateLimit = "off"): Promise<SandboxProcess> {
  const command = join(__dirname, "..", "sandbox", "bin", "pulumi-cpaas-sandbox.js");
  const child = spawn(process.execPath, [command, "--rate-limit", rateLimit], { stdio: ["ignore", "pipe", "inherit"] });
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
  const counts = async () => (await axios.get<{ requests: { total: number }; windows: Window[] }>(control)).data;
  return {
    url,
    key,
    serviceProviderSid: data.sid,
    requests: async () => (await counts()).requests.total,
    windows: async () => (await counts()).windows,
    async stop() {
      child.kill();
      await ended;
    },
  };
}
