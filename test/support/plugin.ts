import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import type * as proto from "@pulumi/pulumi/proto/provider_pb";
import { Any, Empty, messages, service, Status, Struct } from "../../provider/plugin/messages";
import { serve } from "../../provider/plugin/server";
import { SECRET, SIGNATURE } from "../../provider/signature";
import { cleanVariables } from "./environment";

type Json = Record<string, any>;

/** What the engine makes of a secret. */
export const secret = (value: unknown) => ({ [SIGNATURE]: SECRET, value });

/** An answer that keeps an object in state although it is not as it should be. */
export interface Kept {
  id: string;
  properties: Json;
  reasons: string[];
}

/** A plugin asked over gRPC as the engine does. */
export class TestPlugin {
  readonly #client: any;
  readonly #stop: () => void;

  private constructor(
    readonly platform: string,
    port: number,
    stop: () => void,
  ) {
    this.#client = new service.ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    this.#stop = stop;
  }

  /** One in this process that the engine has configured, with the arguments of an explicit provider unless told otherwise. */
  static async start(args: Json, platform = "jambonz"): Promise<TestPlugin> {
    const { port, stop } = await serve(platform);
    const plugin = new TestPlugin(platform, port, stop);
    const { inputs } = await plugin.checkConfig(args);
    await plugin.configure(inputs);
    return plugin;
  }

  /**
   * One in a process of its own, which is the program that the engine starts; not configured yet.
   *
   * @param folder the folder with the program
   */
  static async spawned(folder = join(__dirname, "..", "..", "bin"), platform = "jambonz") {
    const child: ChildProcess = spawn(join(folder, `pulumi-resource-${platform}`), [], {
      env: cleanVariables(),
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    const [port] = (await Promise.race([once(createInterface({ input: child.stdout! }), "line"), ended.then(() => [])])) as [string?];
    if (!port) throw new Error("the plugin did not start");
    return { plugin: new TestPlugin(platform, Number(port), () => child.kill("SIGKILL")), pid: child.pid!, ended };
  }

  stop(): void {
    this.#client.close();
    this.#stop();
  }

  urn(type: string, name = "acme"): string {
    return `urn:pulumi:test::project::parent:index:Component$${this.platform}:index:${type}::${name}`;
  }

  call<T>(method: string, request: unknown): Promise<T> {
    return new Promise((resolve, reject) =>
      this.#client[method](request, (error: grpc.ServiceError | null, response: T) => (error ? reject(error) : resolve(response))),
    );
  }

  configure(args: Json): Promise<proto.ConfigureResponse> {
    const request = new messages.ConfigureRequest();
    request.setArgs(Struct.fromJavaScript(args));
    return this.call("configure", request);
  }

  /**
   * @param name of the provider; those of the engine's own making are called `default_<version>`
   * @param parents the types of its parents
   */
  checkConfig(news: Json, name = "mine", parents = "") {
    return this.#check("checkConfig", `urn:pulumi:test::project::${parents}pulumi:providers:${this.platform}::${name}`, news);
  }

  check(type: string, news: Json, name?: string) {
    return this.#check("check", this.urn(type, name), news);
  }

  async #check(method: string, urn: string, news: Json): Promise<{ inputs: Json; reasons: string[] }> {
    const request = new messages.CheckRequest();
    request.setUrn(urn);
    request.setNews(Struct.fromJavaScript(news));
    const response = await this.call<proto.CheckResponse>(method, request);
    for (const failure of response.getFailuresList()) if (failure.getProperty()) throw new Error("the engine would print the value");
    return {
      inputs: response.getInputs()!.toJavaScript(),
      reasons: response.getFailuresList().map((failure) => failure.getReason()),
    };
  }

  async diff(type: string, id: string, olds: Json, news: Json, { method = "diff", ignoreChanges = [] as string[] } = {}) {
    const request = new messages.DiffRequest();
    request.setUrn(this.urn(type));
    request.setId(id);
    request.setOlds(Struct.fromJavaScript(olds));
    request.setNews(Struct.fromJavaScript(news));
    request.setIgnorechangesList(ignoreChanges);
    const response = await this.call<proto.DiffResponse>(method, request);
    const kinds = Object.keys(messages.PropertyDiff.Kind);
    const details: Record<string, string> = {};
    response.getDetaileddiffMap().forEach((detail, path) => (details[path] = kinds[detail.getKind()]!));
    return {
      changes: response.getChanges() === messages.DiffResponse.DiffChanges.DIFF_SOME,
      replaces: response.getReplacesList(),
      deleteBeforeReplace: response.getDeletebeforereplace(),
      details,
    };
  }

  async create(type: string, inputs: Json, { preview = false, timeout = 0 } = {}): Promise<{ id: string; properties: Json }> {
    const request = new messages.CreateRequest();
    request.setUrn(this.urn(type));
    request.setProperties(Struct.fromJavaScript(inputs));
    request.setPreview(preview);
    request.setTimeout(timeout);
    const response = await this.call<proto.CreateResponse>("create", request);
    return { id: response.getId(), properties: response.getProperties()!.toJavaScript() };
  }

  async read(type: string, id: string, properties?: Json, inputs?: Json) {
    const request = new messages.ReadRequest();
    request.setUrn(this.urn(type));
    request.setId(id);
    if (properties) request.setProperties(Struct.fromJavaScript(properties));
    if (inputs) request.setInputs(Struct.fromJavaScript(inputs));
    const response = await this.call<proto.ReadResponse>("read", request);
    return {
      id: response.getId(),
      properties: response.getProperties()?.toJavaScript(),
      inputs: response.getInputs()?.toJavaScript(),
    };
  }

  async update(type: string, id: string, olds: Json, news: Json, { preview = false, timeout = 0 } = {}): Promise<Json> {
    const request = new messages.UpdateRequest();
    request.setUrn(this.urn(type));
    request.setId(id);
    request.setOlds(Struct.fromJavaScript(olds));
    request.setNews(Struct.fromJavaScript(news));
    request.setPreview(preview);
    request.setTimeout(timeout);
    return (await this.call<proto.UpdateResponse>("update", request)).getProperties()!.toJavaScript();
  }

  async delete(type: string, id: string, properties: Json): Promise<void> {
    const request = new messages.DeleteRequest();
    request.setUrn(this.urn(type));
    request.setId(id);
    request.setProperties(Struct.fromJavaScript(properties));
    await this.call("delete", request);
  }

  cancel(): Promise<void> {
    return this.call("cancel", new Empty());
  }

  async invoke(name: string, args: Json): Promise<Json> {
    const request = new messages.InvokeRequest();
    request.setTok(`${this.platform}:index:${name}`);
    request.setArgs(Struct.fromJavaScript(args));
    return (await this.call<proto.InvokeResponse>("invoke", request)).getReturn()!.toJavaScript();
  }
}

/** What an error of the plugin says besides its message, as the engine reads it; undefined where nothing is kept. */
export function keptBy(error: grpc.ServiceError): Kept | undefined {
  const [details] = error.metadata.get("grpc-status-details-bin");
  if (!details) return undefined;
  const [any] = Status.deserializeBinary(details as Buffer).getDetailsList();
  const kept = (any ?? new Any()).unpack(
    (bytes) => messages.ErrorResourceInitFailed.deserializeBinary(bytes),
    "pulumirpc.ErrorResourceInitFailed",
  )!;
  return { id: kept.getId(), properties: kept.getProperties()!.toJavaScript(), reasons: kept.getReasonsList() };
}
