/** The text in a resource's state that gives the engine its provider. It stays there for ever: whoever changes it breaks every stack. */
export function handlerText(type: string): string {
  return `exports.handler = () => require("pulumi-cpaas/dynamic")("${type}");`;
}

/** The key by which the engine marks special values, and the value that marks a secret (sdk/go/common/resource/sig in Pulumi). */
export const SIGNATURE = "4dabf18193072939515e22adb298388d";
export const SECRET = "1b47061264138c4ac30d75fd1eb44270";
