/** The key by which the engine marks special values, and the value that marks a secret (sdk/go/common/resource/sig in Pulumi). */
export const SIGNATURE = "4dabf18193072939515e22adb298388d";
export const SECRET = "1b47061264138c4ac30d75fd1eb44270";
