/**
 * The command that adopts an object that exists, as a message writes it, by the door in use. The resource's name in the program
 * is left to the reader: what an object is called on the platform is another thing.
 */
export type AdoptCommand = (type: string, id: string) => string;

export const adoptThroughPackage: AdoptCommand = (type, id) => `\`npx pulumi-cpaas adopt ${type} <name> ${id}\``;

export const adoptThroughPlugin: AdoptCommand = (type, id) => `\`pulumi import ${type.replace(":", ":index:")} <name> ${id}\``;
