import { handlerText, SECRET, SIGNATURE } from "../handler";
import type { Resource } from "../resource";
import { holdsSecret, traitsOf } from "../schema";

/** One entry of the list that `pulumi import --file` takes. */
export interface ImportEntry {
  type: string;
  name: string;
  id: string;
  parent?: string;
  inputs: Record<string, unknown>;
  outputs: Record<string, unknown>;
}

/** How the engine writes a secret in JSON; its value is an empty text, which the refresh that follows replaces. */
const SECRET_PLACEHOLDER = { [SIGNATURE]: SECRET, plaintext: '""' };

/**
 * What adopts an object that exists. The list holds its id, its handler and a placeholder for each secret, so that the
 * engine encrypts what the refresh after the import fills in; no value of the platform is in it.
 */
export function importEntry(definition: Resource, name: string, id: string, parent?: string): ImportEntry {
  const handler = { __provider: handlerText(definition.type) };
  const secrets = (shape: Record<string, any>) =>
    Object.fromEntries(
      Object.entries(shape)
        .filter(([, schema]) => holdsSecret(schema))
        .map(([key]) => [key, SECRET_PLACEHOLDER]),
    );
  // The provider alone keeps a local secret: no refresh would replace its placeholder.
  const inputs = Object.fromEntries(
    Object.entries(definition.inputs.shape as Record<string, any>).filter(([, schema]) => !traitsOf(schema).local),
  );
  return {
    type: `pulumi-nodejs:dynamic/${definition.type}`,
    name,
    id,
    ...(parent ? { parent } : {}),
    inputs: { ...handler, ...secrets(inputs) },
    outputs: { ...handler, ...secrets(inputs), ...secrets(definition.outputs.shape as Record<string, any>) },
  };
}
