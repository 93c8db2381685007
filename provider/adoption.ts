/** The command that adopts an object that exists, as a message writes it, by the door in use. */
export type AdoptCommand = (type: string, name: string, id: string) => string;

/** A name that a shell would not take as it is stands as `<name>`. */
const argument = (name: string) => (/^[\w.-]+$/.test(name) ? name : "<name>");

export const adoptThroughPackage: AdoptCommand = (type, name, id) => `\`npx pulumi-cpaas adopt ${type} ${argument(name)} ${id}\``;

export const adoptThroughPlugin: AdoptCommand = (type, name, id) =>
  `\`pulumi import ${type.replace(":", ":index:")} ${argument(name)} ${id}\``;
