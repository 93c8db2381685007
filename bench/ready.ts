import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import * as provider from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb"; // this and grpc come with Pulumi's SDK
import { cleanVariables } from "../test/support/environment";
import { TestPlugin } from "../test/support/plugin";
import { peakMemory } from "./processes";

const SID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const ACCOUNT = { name: "acme", deviceToCallRatio: 5 };
const OUTPUTS = { sid: SID, webhookSecret: "wh_secret", createdAt: "2025-01-01T00:00:00.000Z" };

export interface Ready {
  /** Milliseconds from the start of the process until it says its port. */
  port: number;
  /** Milliseconds from the start until it has answered its first Configure, Check and Diff. */
  ready: number;
  /** The most memory that it held until then, in bytes; undefined where the system does not tell. */
  memory: number | undefined;
}

/** The provider that does nothing: what is left is the price of Node and of Pulumi's SDK. */
export const EMPTY_HANDLER =
  "exports.handler = () => ({ check: async (olds, inputs) => ({ inputs }), diff: async () => ({ changes: false }) });";

/**
 * Starts the process that serves dynamic resources, as the engine does, asks it once about an account, and ends it.
 *
 * @param folder the program's folder, from where the handler is evaluated
 * @param handler the text in `__provider`
 */
export async function measureReady(folder: string, handler: string, config: Record<string, string>): Promise<Ready> {
  const script = join(folder, "node_modules", "@pulumi", "pulumi", "cmd", "dynamic-provider");
  const start = performance.now();
  const child = spawn(process.execPath, [script, "127.0.0.1:0"], {
    cwd: folder,
    env: { ...cleanVariables(), PULUMI_PROJECT: "test", PULUMI_STACK: "test" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  try {
    const lines = createInterface({ input: child.stdout });
    const [address] = (await Promise.race([once(lines, "line"), ended.then(() => [undefined])])) as [string | undefined];
    if (!address) throw new Error("the process that serves dynamic resources did not start");
    const port = performance.now() - start;
    await ask(address, handler, config);
    return { port, ready: performance.now() - start, memory: peakMemory(child.pid!) };
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}

/**
 * Starts the provider plugin, as the engine does, asks it once about an account, and ends it.
 *
 * @param folder the folder with the program
 */
export async function measurePluginReady(folder: string, settings: Record<string, string>): Promise<Ready> {
  const start = performance.now();
  const { plugin, pid, ended } = await TestPlugin.spawned(folder);
  const port = performance.now() - start;
  try {
    await plugin.configure((await plugin.checkConfig(settings)).inputs);
    const { inputs, reasons } = await plugin.check("Account", ACCOUNT);
    const { changes } = await plugin.diff("Account", SID, { ...ACCOUNT, ...OUTPUTS }, inputs);
    if (reasons.length > 0 || changes) throw new Error("the plugin sees a change where there is none");
    return { port, ready: performance.now() - start, memory: peakMemory(pid) };
  } finally {
    plugin.stop();
    await ended;
  }
}

/** The first calls that the engine makes for a resource that has not changed. */
async function ask(address: string, handler: string, config: Record<string, string>): Promise<void> {
  const client = new provider.ResourceProviderClient(`127.0.0.1:${address}`, grpc.credentials.createInsecure());
  const call = <A>(name: "configure" | "check" | "diff", question: unknown) =>
    new Promise<A>((resolve, reject) => {
      (client as any)[name](question, (error: grpc.ServiceError | null, answer: A) => (error ? reject(error) : resolve(answer)));
    });
  try {
    const account = { ...ACCOUNT, __provider: handler };
    const inputs = Struct.fromJavaScript(account);
    const state = Struct.fromJavaScript({ ...account, ...OUTPUTS });
    const configure = new messages.ConfigureRequest();
    configure.setArgs(Struct.fromJavaScript(config));
    const check = new messages.CheckRequest();
    check.setOlds(inputs);
    check.setNews(inputs);
    const diff = new messages.DiffRequest();
    diff.setId(SID);
    diff.setOlds(state);
    diff.setNews(inputs);
    await call("configure", configure);
    const checked = await call<messages.CheckResponse>("check", check);
    const differs = await call<messages.DiffResponse>("diff", diff);
    if (checked.getFailuresList().length > 0 || differs.getChanges() === messages.DiffResponse.DiffChanges.DIFF_SOME)
      throw new Error("the provider process sees a change where there is none");
  } finally {
    client.close();
  }
}
