/** The messages of the engine's protocol, as Pulumi generates them for its SDK, whose main module is never loaded: it would take half a second and 70 MB. */
import type * as grpc from "@grpc/grpc-js";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import * as generated from "@pulumi/pulumi/proto/provider_grpc_pb";

export { Any } from "google-protobuf/google/protobuf/any_pb";
export { Empty } from "google-protobuf/google/protobuf/empty_pb";
export { Struct } from "google-protobuf/google/protobuf/struct_pb";
export { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
export { Status } from "@pulumi/pulumi/proto/status_pb";
export { messages };

/** The other way round: what the engine does for its plugins. Loaded by who calls for it, which most runs never do. */
export const engineService = () => ({
  ...(require("@pulumi/pulumi/proto/engine_grpc_pb") as { EngineClient: grpc.ServiceClientConstructor }),
  ...(require("@pulumi/pulumi/proto/engine_pb") as typeof import("@pulumi/pulumi/proto/engine_pb")),
});

export const service = generated as unknown as {
  ResourceProviderService: grpc.ServiceDefinition;
  ResourceProviderClient: grpc.ServiceClientConstructor;
};
