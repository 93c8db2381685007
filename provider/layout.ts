import type { Listed, Properties, Resource } from "./resource";

/** A secret that a program takes from its configuration. */
export interface ConfigurationSecret {
  /** Its key in the stack's configuration, such as `acmeRegistrationHookPassword`. */
  key: string;
  /** Undefined where the platform does not tell it. */
  value?: string;
  /** It is no text but an object, and `value` its JSON. */
  isObject?: boolean;
}

/** One object of a platform as a program declares it. */
export interface Declaration extends Omit<Listed, "live"> {
  definition: Resource;
  /** A readable name that no other has: a lower-case letter, and then letters, digits, underscores and hyphens. */
  name: string;
  /** The property that refers to what it belongs to, and that, where it is known. */
  owner?: { property: string; is: Owner };
  /** What declares it as it is, without its owner and without secrets. */
  inputs: Properties;
  /** Inputs whose value is the sid of another declaration. */
  references: { property: string; to: Declaration }[];
  /** The secrets that it takes beside the inputs, each with its place in them. */
  secrets: (ConfigurationSecret & { path: string[] })[];
  /** Inputs that the platform has and that are left to it, each with the reason as the end of a sentence. */
  unmanaged: { property: string; because: string }[];
}

/** What others belong to. */
export type Owner = Pick<Declaration, "definition" | "id" | "name">;

/** One entry of an import list, as far as no door matters. */
export interface Import extends Pick<Declaration, "definition" | "id" | "name"> {
  /** What it lies in: a component that the import makes, an import of the same list, or what the stack has already. */
  parent?: Component | Import | InState;
  /** Names of inputs that the program does not declare although the platform has them. */
  unmanaged?: string[];
  /** Values of local inputs, which no read could fill in. */
  local?: Properties;
}

/** A component of the program. */
export interface Component {
  type: string;
  name: string;
}

/** What a stack has already. */
export interface InState {
  urn: string;
}

/** What declares the exported objects. */
export interface Arrangement {
  /** Texts by the names of their files. */
  files: Record<string, string>;
  imports: Import[];
  /** The secrets that have to be in the configuration. */
  secrets: ConfigurationSecret[];
  /** What is left out or left alone, and why, a sentence each. */
  remarks: string[];
}

/** Writes what declares exported objects. */
export type Layout = (declarations: Declaration[]) => Arrangement;
