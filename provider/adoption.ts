/** Through which an engine comes to the resources: the npm package in a program, or the provider plugin. */
export const doors = ["package", "plugin"] as const;
export type Door = (typeof doors)[number];

/** What the plugin calls a type, such as `jambonz:index:Account`. */
export const pluginType = (type: string): string => type.replace(":", ":index:");

/** The command that lists what no state knows, as a message writes it. */
export const orphansCommand = (type: string): string => `\`npx pulumi-cpaas orphans --platform ${type.split(":")[0]!}\``;

/** The command that adopts an object that exists, by the door in use. */
export const adoptCommand: Record<Door, (type: string, name: string, id: string) => string> = {
  package: (type, name, id) => `npx pulumi-cpaas adopt ${type} ${name} ${id}`,
  plugin: (type, name, id) => `pulumi import ${pluginType(type)} ${name} ${id}`,
};

/**
 * The same as a message writes it. The resource's name in the program is left to the reader: what an object is called on the
 * platform is another thing.
 */
export type AdoptCommand = (type: string, id: string) => string;

export const adoptThroughPackage: AdoptCommand = (type, id) => `\`${adoptCommand.package(type, "<name>", id)}\``;

export const adoptThroughPlugin: AdoptCommand = (type, id) => `\`${adoptCommand.plugin(type, "<name>", id)}\``;
