import { setFlagsFromString } from "node:v8";
import * as grpc from "@grpc/grpc-js";
import { version } from "../../sdk/version";
import type { Provider } from "./provider";

/** As much as Pulumi's own programs send and take, in bytes. */
const MAX_MESSAGE = 400 * 1024 * 1024;

/**
 * Serves a platform as a Pulumi provider on a free port of this machine.
 *
 * @param platform its name
 * @param announce is told the port as soon as it is bound
 * @param engine the address at which the engine serves its plugins; without it, what is to be logged goes to standard error
 * @returns the port, what ends all waiting of the resources, and what ends the server
 */
export async function serve(
  platform: string,
  announce: (port: number) => void = () => {},
  engine?: string,
): Promise<{ port: number; cancel: () => void; stop: () => void }> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": MAX_MESSAGE, "grpc.max_send_message_length": MAX_MESSAGE });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  announce(port);
  // The engine waits for the port. Its first call is taken when this turn is over, which is when it can be answered.
  const { Empty, engineService, messages, service } = require("./messages") as typeof import("./messages");
  let client: InstanceType<grpc.ServiceClientConstructor> | undefined;
  /** Never fails, or what it only tells of would fail with it. */
  const log = (message: string) => {
    if (engine === undefined) return console.error(message);
    const { EngineClient, LogRequest, LogSeverity } = engineService();
    const request = new LogRequest();
    request.setSeverity(LogSeverity.INFO);
    request.setMessage(message);
    try {
      // It is on this machine, whatever proxy leads to others.
      client ??= new EngineClient(engine, grpc.credentials.createInsecure(), { "grpc.enable_http_proxy": 0 });
      client.log!(request, (error: unknown) => void (error && console.error(message)));
    } catch {
      console.error(message);
    }
  };
  let made: Provider | undefined;
  // The resources and their schemas are loaded by the first call that needs them.
  const provider = () => (made ??= new (require("./provider") as typeof import("./provider")).Provider(platform, log));
  const answer =
    (act: (request: any) => unknown): grpc.handleUnaryCall<any, any> =>
    (call, callback) => {
      Promise.resolve()
        .then(() => act(call.request))
        .then(
          (response) => callback(null, response ?? new Empty()),
          (error: unknown) => callback(provider().failure(error)),
        );
    };
  server.addService(service.ResourceProviderService, {
    handshake: answer(() => provider().handshake()),
    attach: answer((request) => void (engine = request.getAddress())),
    getPluginInfo: answer(() => provider().pluginInfo()),
    getSchema: answer(() => provider().schema()),
    checkConfig: answer((request) => provider().checkConfig(request)),
    diffConfig: answer((request) => provider().diffConfig(request)),
    configure: answer((request) => provider().configure(request)),
    check: answer((request) => provider().check(request)),
    diff: answer((request) => provider().diff(request)),
    create: answer((request) => provider().create(request)),
    read: answer((request) => provider().read(request)),
    update: answer((request) => provider().update(request)),
    delete: answer((request) => provider().delete(request)),
    invoke: answer((request) => provider().invoke(request)),
    cancel: answer(() => provider().cancel()),
    getMapping: answer(() => new messages.GetMappingResponse()),
    getMappings: answer(() => new messages.GetMappingsResponse()),
  });
  const stop = () => {
    client?.close();
    server.forceShutdown();
  };
  return { port, cancel: () => made?.cancel(), stop };
}

/** What somebody asks who starts the program by hand; the engine never gives these. */
const ASKED = ["--help", "-h", "--version"];

/** How often the program looks whether the engine is still there, in milliseconds. */
const LOOK = 1000;

/**
 * The program `pulumi-resource-<platform>`: tells the engine its port on standard output, then serves until the engine ends
 * it or is gone itself. An engine that was killed tells its plugins nothing; a write that is under way then is finished.
 */
export async function main(platform: string): Promise<void> {
  if (process.argv.slice(2).some((argument) => ASKED.includes(argument)))
    return console.log(
      `pulumi-resource-${platform} ${version}: the Pulumi provider plugin for ${platform}, which Pulumi starts by itself for programs that use the package ${platform}.`,
    );
  const parent = process.ppid;
  // The engine's address comes last, behind flags.
  const engine = process.argv.length > 2 ? process.argv.at(-1) : undefined;
  const { cancel, stop } = await serve(platform, (port) => process.stdout.write(`${port}\n`), engine);
  // Keeps the space for young objects small: 5 MB less for a process that mostly waits. Not before, because with any flag
  // Node compiles its own modules anew, which would take 20 ms.
  setFlagsFromString("--semi-space-growth-factor=1");
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    cancel();
    stop();
  }, LOOK);
}
