import { UserError } from "./errors";
import type { Lookup, Platform, Properties } from "./resource";
import { secretsIn } from "./schema";
import type { Session } from "./session";
import { validate } from "./validate";
import { withoutNulls } from "./values";

/** @throws UserError where the platform has none of this type */
export function lookupOf(platform: Platform, type: string): Lookup {
  const definition = platform.lookups.find((lookup) => lookup.type === type);
  if (!definition) throw new UserError(`this version of pulumi-cpaas knows no ${type}`);
  return definition;
}

/**
 * Answers a look-up.
 *
 * @param type `platform:getThing`
 * @throws UserError, one sentence
 */
export async function look(type: string, args: Properties, session: Session): Promise<Properties> {
  const definition = lookupOf(session.platform, type);
  const name = type.replace(":", ".");
  const query = withoutNulls(args);
  session.redactor.add(...secretsIn(definition.inputs, query));
  const failures = validate(definition, query);
  if (failures.length > 0) throw new UserError(`${name}: ${failures.map(({ reason }) => reason).join("; ")}`);
  try {
    return (await session.client.http.operation(() => definition.run(session.client, query))) as Properties;
  } catch (error) {
    throw new UserError(session.redactor.clean(`${name}: ${(error as Error).message}`));
  }
}
