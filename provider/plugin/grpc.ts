import { createRequire } from "node:module";

/**
 * What speaks the engine's protocol, taken from the `@pulumi/pulumi` that is installed: its generated messages and the
 * gRPC library that it uses itself. Its main module is never loaded; it would take half a second and 70 MB.
 */
const load = createRequire(require.resolve("@pulumi/pulumi/package.json"));

export const grpc = load("@grpc/grpc-js") as typeof import("@grpc/grpc-js");
export const { Struct } = load("google-protobuf/google/protobuf/struct_pb") as typeof import("google-protobuf/google/protobuf/struct_pb");
export const { Empty } = load("google-protobuf/google/protobuf/empty_pb") as typeof import("google-protobuf/google/protobuf/empty_pb");
export const { Any } = load("google-protobuf/google/protobuf/any_pb") as typeof import("google-protobuf/google/protobuf/any_pb");
export const messages = load("./proto/provider_pb") as typeof import("@pulumi/pulumi/proto/provider_pb");
export const { Status } = load("./proto/status_pb") as typeof import("@pulumi/pulumi/proto/status_pb");
export const { PluginInfo } = load("./proto/plugin_pb") as typeof import("@pulumi/pulumi/proto/plugin_pb");
export const service = load("./proto/provider_grpc_pb") as {
  ResourceProviderService: import("@grpc/grpc-js").ServiceDefinition;
  ResourceProviderClient: import("@grpc/grpc-js").ServiceClientConstructor;
};
