import type { Struct as StructMessage } from "google-protobuf/google/protobuf/struct_pb";
import type { z } from "zod";
import type { Properties } from "../resource";
import { markSecrets, pathOf } from "../secrets";
import { SECRET, SIGNATURE } from "../signature";
import { plain, UNKNOWN } from "../values";
import { Struct } from "./messages";

/** How the engine marks an output with its dependencies, and another resource (sdk/go/common/resource/sig in Pulumi). */
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
const REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e";

/** How the engine writes "not known yet", by type (sdk/go/common/resource/plugin/rpc.go). */
const UNKNOWNS = new Set([
  UNKNOWN,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

/** Property values as the lifecycle takes them, and what the engine said of them beside. */
export interface Received {
  /** Plain JSON; what is not known yet is `UNKNOWN`, whatever its type. */
  properties: Properties;
  /** Paths of the values that are marked as secret. */
  secrets: ReadonlySet<string>;
  /** The texts at these paths. */
  secretTexts: string[];
}

/** Unwraps what the engine sends. */
export function received(struct: StructMessage | undefined): Received {
  const secrets = new Set<string>();
  const secretTexts: string[] = [];
  const open = (value: unknown, path: string, secret: boolean): unknown => {
    if (typeof value === "string" && UNKNOWNS.has(value)) return UNKNOWN;
    if (typeof value !== "object" || value === null) {
      if (secret && (typeof value === "string" || typeof value === "number")) secretTexts.push(String(value));
      return value;
    }
    if (Array.isArray(value)) return value.map((item, at) => open(item, pathOf(path, String(at)), secret));
    const object = value as Properties;
    switch (object[SIGNATURE]) {
      case SECRET:
        secrets.add(path);
        return open(object.value, path, true);
      case OUTPUT:
        if (object.secret) secrets.add(path);
        return "value" in object ? open(object.value, path, secret || object.secret === true) : UNKNOWN;
      case REFERENCE: // a resource in the place of its id
        return open(object.id || UNKNOWN, path, secret);
    }
    return Object.fromEntries(Object.entries(object).map(([key, item]) => [key, open(item, pathOf(path, key), secret)]));
  };
  return { properties: open(struct?.toJavaScript() ?? {}, "", false) as Properties, secrets, secretTexts };
}

/**
 * Wraps what goes to the engine: as secret what the schema calls so, and what was secret at the same path before.
 *
 * @param shape the properties that may be in it, by name
 * @param before what was received of the same resource
 */
export function sent(properties: Properties, shape: Record<string, z.ZodType>, before: readonly Received[] = []): StructMessage {
  const isMarked = (path: string, isSecret: boolean) => isSecret || before.some(({ secrets }) => secrets.has(path));
  return Struct.fromJavaScript(markSecrets(plain(properties), shape, isMarked) as Parameters<typeof Struct.fromJavaScript>[0]);
}
