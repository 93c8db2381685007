import { readFileSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import type * as proto from "@pulumi/pulumi/proto/provider_pb";
import { adoptThroughPlugin } from "../adoption";
import { version } from "../../sdk/version";
import { InitializationError } from "../errors";
import { Lifecycle, type Difference } from "../lifecycle";
import { look, lookupOf } from "../lookup";
import { platform, resourceOf } from "../platforms";
import type { Properties, Resource } from "../resource";
import { traitsOf } from "../schema";
import { Session } from "../session";
import { findSettings, settingsOf } from "../settings";
import { validate } from "../validate";
import { isUnknown, UNKNOWN } from "../values";
import { Any, messages, PluginInfo, Status } from "./messages";
import { propertyPath, restore } from "./paths";
import { received, sent, type Received } from "./wire";

/**
 * Stands in the inputs of a provider that a program declares, so that its arguments can be told from the stack's
 * configuration, which the engine hands to a provider of its own making in the same way. The engine does not show it.
 */
const EXPLICIT = "__explicit";
/** A URL as the engine writes it in a name: `https_/example.com/plugins`, `github_/api.github.com/acme`. */
const URL_IN_NAME = /^[a-z0-9_]+_\//i;
/** Arguments that are for the engine. */
const NOT_SETTINGS = /^(__.*|version|pluginDownloadURL)$/;

/**
 * The plugin door: Pulumi's provider protocol over one platform. It translates between the engine's messages and the
 * lifecycle, and does nothing else. The engine starts one process for each provider of a program.
 */
export class Provider {
  readonly #name: string;
  readonly #log: (message: string) => void;
  readonly #cancelled = new AbortController();
  #session: Session;

  /**
   * @param name of the platform
   * @param log tells the user something that is no error
   */
  constructor(name: string, log: (message: string) => void) {
    this.#name = name;
    this.#log = log;
    this.#session = this.#connect({});
  }

  #connect(args: Properties): Session {
    const { signal } = this.#cancelled;
    return new Session(platform(this.#name), { ...sources(args), log: this.#log, signal, adopt: adoptThroughPlugin });
  }

  pluginInfo() {
    const info = new PluginInfo();
    info.setVersion(version);
    return info;
  }

  schema(): proto.GetSchemaResponse {
    const response = new messages.GetSchemaResponse();
    // From the package's root, both in a checkout and where it is compiled.
    response.setSchema(readFileSync(require.resolve(`pulumi-cpaas/plugins/${this.#name}/schema.json`), "utf8"));
    return response;
  }

  /** Names every wrong setting. What is missing is told at the first request, so that previews work without a key. */
  checkConfig(request: proto.CheckRequest): proto.CheckResponse {
    const news = this.#received(request.getNews());
    const found = platform(this.#name);
    const inputs = { ...news.properties };
    if (!isOfTheEngine(request.getUrn(), inputs.version)) inputs[EXPLICIT] = true;
    const shape = settingsOf(found).shape;
    const unheardOf = Object.fromEntries(Object.entries(settings(inputs)).filter(([key]) => !(key in shape)));
    const strange = validate({ type: `${this.#name}:Provider`, inputs: settingsOf(found).partial().strict() }, unheardOf);
    const { wrong } = findSettings(found, sources(inputs));
    return this.#checked([...strange.map(({ reason }) => `${this.#name}: ${reason}`), ...wrong], inputs, shape, news);
  }

  /** Another key or another setting never replaces a provider: all its resources would be replaced with it. */
  diffConfig(request: proto.DiffRequest): proto.DiffResponse {
    const olds = settings(received(request.getOlds()).properties);
    const news = settings(received(request.getNews()).properties);
    const changed = [...new Set([...Object.keys(olds), ...Object.keys(news)])].filter((name) => olds[name] !== news[name]);
    const kind = (name: string) => (name in olds ? (name in news ? "update" : "delete") : "add");
    const details = changed.map((name) => ({ path: name, kind: kind(name) }) as const);
    return compared({ changed, details, replaces: [], changes: changed.length > 0, deleteBeforeReplace: false });
  }

  configure(request: proto.ConfigureRequest): proto.ConfigureResponse {
    const { properties, secretTexts } = received(request.getArgs());
    this.#session = this.#connect(properties);
    this.#session.redactor.add(...secretTexts);
    const response = new messages.ConfigureResponse();
    response.setAcceptsecrets(true);
    response.setSupportspreview(true);
    return response;
  }

  handshake(): proto.ProviderHandshakeResponse {
    const response = new messages.ProviderHandshakeResponse();
    response.setAcceptSecrets(true);
    return response;
  }

  /** Ends all waiting at once. A write that is under way is waited for. */
  cancel(): void {
    this.#cancelled.abort();
  }

  check(request: proto.CheckRequest): proto.CheckResponse {
    const { name, definition } = this.#resource(request.getUrn());
    const news = this.#received(request.getNews());
    const shape = definition.inputs.shape as Shape;
    const named = Object.keys(shape).find((key) => traitsOf(shape[key]).defaultsToName);
    if (named) news.properties[named] ??= name;
    const { inputs, failures } = new Lifecycle(definition, this.#session).check(
      news.properties,
      this.#received(request.getOlds()).properties,
    );
    return this.#checked(
      failures.map(({ reason }) => reason),
      inputs,
      shape,
      news,
    );
  }

  #checked(reasons: string[], inputs: Properties, shape: Shape, news: Received): proto.CheckResponse {
    const response = new messages.CheckResponse();
    response.setInputs(sent(inputs, shape, [news]));
    for (const reason of reasons) {
      const failure = new messages.CheckFailure();
      // With a property in it, the engine would print that property's value, secrets included.
      failure.setReason(this.#session.redactor.clean(reason));
      response.addFailures(failure);
    }
    return response;
  }

  diff(request: proto.DiffRequest): proto.DiffResponse {
    const { definition } = this.#resource(request.getUrn());
    const state = this.#received(request.getOlds()).properties;
    const news = this.#received(request.getNews()).properties;
    // The engine has ignored them in the program already, but not where it compares what a refresh found.
    for (const path of request.getIgnorechangesList()) restore(news, state, propertyPath(path));
    return compared(new Lifecycle(definition, this.#session).diff(request.getId(), state, news));
  }

  async create(request: proto.CreateRequest): Promise<proto.CreateResponse> {
    const { definition, lifecycle } = this.#resource(request.getUrn(), request.getTimeout());
    const inputs = this.#received(request.getProperties());
    const response = new messages.CreateResponse();
    if (request.getPreview()) {
      response.setProperties(sent(lifecycle.preview(inputs.properties), shapeOf(definition), [inputs]));
      return response;
    }
    const { id, state } = await keeping(definition, [inputs], () => lifecycle.create(inputs.properties));
    response.setId(id);
    response.setProperties(sent(state, shapeOf(definition), [inputs]));
    return response;
  }

  /** For a refresh, and for an import or a look by the id alone. */
  async read(request: proto.ReadRequest): Promise<proto.ReadResponse> {
    // Older versions of Pulumi know no time limit for reads.
    const { definition, lifecycle } = this.#resource(request.getUrn(), (request as { getTimeout?(): number }).getTimeout?.());
    const state = this.#received(request.getProperties());
    const before = [state, this.#received(request.getInputs())];
    const live = await lifecycle.read(request.getId(), state.properties);
    const response = new messages.ReadResponse();
    if (!live) return response; // an empty id says that it is gone
    response.setId(request.getId());
    response.setProperties(sent(live.state, shapeOf(definition), before));
    response.setInputs(sent(live.inputs, definition.inputs.shape as Shape, before));
    return response;
  }

  async update(request: proto.UpdateRequest): Promise<proto.UpdateResponse> {
    const { definition, lifecycle } = this.#resource(request.getUrn(), request.getTimeout());
    const olds = this.#received(request.getOlds());
    const news = this.#received(request.getNews());
    const state = request.getPreview()
      ? lifecycle.preview(news.properties, { id: request.getId(), state: olds.properties })
      : await keeping(definition, [olds, news], () => lifecycle.update(request.getId(), olds.properties, news.properties));
    const response = new messages.UpdateResponse();
    response.setProperties(sent(state, shapeOf(definition), [news]));
    return response;
  }

  async delete(request: proto.DeleteRequest): Promise<void> {
    const { lifecycle } = this.#resource(request.getUrn(), request.getTimeout());
    await lifecycle.delete(request.getId(), this.#received(request.getProperties()).properties);
  }

  async invoke(request: proto.InvokeRequest): Promise<proto.InvokeResponse> {
    const args = this.#received(request.getArgs()).properties;
    const type = shortType(request.getTok());
    const outputs = lookupOf(platform(this.#name), type).outputs.shape as Shape;
    const response = new messages.InvokeResponse();
    const found = Object.values(args).some(isUnknown)
      ? Object.fromEntries(Object.keys(outputs).map((name) => [name, UNKNOWN]))
      : await look(type, args, this.#session);
    response.setReturn(sent(found, outputs));
    return response;
  }

  /** An error as the engine takes it: one sentence, and of an object that is there all the same its id and state. */
  failure(error: unknown): Partial<grpc.ServiceError> {
    const message = this.#session.redactor.clean(error instanceof Error ? error.message : String(error));
    const metadata = new grpc.Metadata();
    if (error instanceof PartialFailure) metadata.set("grpc-status-details-bin", error.details(message));
    return { code: grpc.status.UNKNOWN, details: message, metadata };
  }

  /** Every value that the engine says is secret is hidden in messages, also where the definition does not call it so. */
  #received(struct: Parameters<typeof received>[0]): Received {
    const values = received(struct);
    this.#session.redactor.add(...values.secretTexts);
    return values;
  }

  /** @param timeout in seconds; 0 where the program sets none */
  #resource(urn: string, timeout = 0): { name: string; definition: Resource; lifecycle: Lifecycle } {
    const { name, type } = identify(urn);
    const { definition } = resourceOf(type);
    return { name, definition, lifecycle: new Lifecycle(definition, this.#session, timeout > 0 ? timeout : undefined) };
  }
}

type Shape = Parameters<typeof sent>[1];

const shapeOf = ({ inputs, outputs }: Resource) => ({ ...inputs.shape, ...outputs.shape }) as Shape;

/** `jambonz:index:Account` -> `jambonz:Account`. */
const shortType = (token: string) => token.replace(/:.*:/, ":");

/** The name and the type in a URN: `urn:pulumi:stack::project::parent$jambonz:index:Account::name`. */
function identify(urn: string): { name: string; type: string; isChild: boolean } {
  const [, , types = "", ...name] = urn.split("::");
  const at = types.lastIndexOf("$");
  return { name: name.join("::"), type: shortType(types.slice(at + 1)), isChild: at >= 0 };
}

/**
 * Whether a provider is one that the engine makes where a program names none. Its name is `default`, then the version
 * where one is asked for, then the URL where its plugin is found (`DefaultName` in pkg/resource/deploy/providers in
 * Pulumi), and it has no parent. A program can give the very same name, but then the engine takes that for its own, too.
 */
function isOfTheEngine(urn: string, version: unknown): boolean {
  const { name, isChild } = identify(urn);
  const start = ["default", ...(typeof version === "string" ? version.split(/[^0-9A-Za-z]/) : [])].join("_");
  return !isChild && (name === start || (name.startsWith(`${start}_`) && URL_IN_NAME.test(name.slice(start.length + 1))));
}

function settings(args: Properties): Properties {
  return Object.fromEntries(Object.entries(args).filter(([name, value]) => !NOT_SETTINGS.test(name) && !isUnknown(value)));
}

/** A provider's arguments as sources of settings. */
function sources(args: Properties) {
  const given = settings(args);
  return EXPLICIT in args ? { config: () => undefined, explicit: given } : { config: (name: string) => given[name] };
}

function compared({ changed, details, replaces, changes, deleteBeforeReplace }: Difference): proto.DiffResponse {
  const { DiffResponse, PropertyDiff } = messages;
  const response = new DiffResponse();
  response.setChanges(changes ? DiffResponse.DiffChanges.DIFF_SOME : DiffResponse.DiffChanges.DIFF_NONE);
  response.setDiffsList(changed);
  response.setReplacesList(replaces);
  response.setDeletebeforereplace(deleteBeforeReplace);
  response.setHasdetaileddiff(true);
  const { ADD, ADD_REPLACE, UPDATE, UPDATE_REPLACE, DELETE, DELETE_REPLACE } = PropertyDiff.Kind;
  const kinds = { add: [ADD, ADD_REPLACE], update: [UPDATE, UPDATE_REPLACE], delete: [DELETE, DELETE_REPLACE] } as const;
  for (const { path, kind } of details) {
    const one = new PropertyDiff();
    one.setKind(kinds[kind][replaces.includes(path.split(/[.[]/)[0]!) ? 1 : 0]);
    response.getDetaileddiffMap().set(path, one);
  }
  return response;
}

/** The object is on the platform, but not as the program wants it. */
class PartialFailure extends Error {
  constructor(
    readonly error: InitializationError,
    readonly properties: ReturnType<typeof sent>,
  ) {
    super(error.message);
  }

  /** A google.rpc.Status that holds the id, the state and the reason. */
  details(message: string): Buffer {
    const kept = new messages.ErrorResourceInitFailed();
    kept.setId(this.error.id);
    kept.setProperties(this.properties);
    kept.setReasonsList([message]);
    const any = new Any();
    any.pack(kept.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const status = new Status();
    status.setCode(grpc.status.UNKNOWN);
    status.setMessage(message);
    status.addDetails(any);
    return Buffer.from(status.serializeBinary());
  }
}

async function keeping<T>(definition: Resource, before: Received[], act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof InitializationError ? new PartialFailure(error, sent(error.state, shapeOf(definition), before)) : error;
  }
}
