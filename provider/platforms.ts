import { UserError } from "./errors";
import type { Platform, Resource } from "./resource";

/** Each is loaded when it is first asked for, so that a program pays only for the platforms it uses. */
const loaders: Record<string, () => Platform> = {
  jambonz: () => (require("./jambonz") as typeof import("./jambonz")).jambonz,
  restcomm: () => (require("./restcomm") as typeof import("./restcomm")).restcomm,
  voicetel: () => (require("./voicetel") as typeof import("./voicetel")).voicetel,
};

export const platformNames: readonly string[] = Object.keys(loaders);

export function platform(name: string): Platform {
  const load = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  if (!load) throw new UserError(`this version of pulumi-cpaas knows no platform "${name}", only ${platformNames.join(", ")}`);
  return load();
}

/** @param type `platform:Type` */
export function resourceOf(type: string): { platform: Platform; definition: Resource } {
  const found = platform(type.split(":")[0]!);
  const definition = found.resources.find((resource) => resource.type === type);
  if (!definition)
    throw new UserError(
      `this version of pulumi-cpaas knows no ${type}, only ${found.resources.map((resource) => resource.type).join(", ")}`,
    );
  return { platform: found, definition };
}
