/** The text in a resource's state that gives the engine its provider. It stays there for ever: whoever changes it breaks every stack. */
export function handlerText(type: string): string {
  return `exports.handler = () => require("pulumi-cpaas/dynamic")("${type}");`;
}
