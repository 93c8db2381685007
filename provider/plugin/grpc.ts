/**
 * What speaks the engine's protocol: the messages that Pulumi generates, and the gRPC library that its SDK uses. Both come
 * with `@pulumi/pulumi`, whose main module is never loaded; it would take half a second and 70 MB.
 */
import * as grpc from "@grpc/grpc-js";
import * as messages from "@pulumi/pulumi/proto/provider_pb";
import * as generated from "@pulumi/pulumi/proto/provider_grpc_pb";

export { Any } from "google-protobuf/google/protobuf/any_pb";
export { Empty } from "google-protobuf/google/protobuf/empty_pb";
export { Struct } from "google-protobuf/google/protobuf/struct_pb";
export { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
export { Status } from "@pulumi/pulumi/proto/status_pb";
export { grpc, messages };

export const service = generated as unknown as {
  ResourceProviderService: grpc.ServiceDefinition;
  ResourceProviderClient: grpc.ServiceClientConstructor;
};
