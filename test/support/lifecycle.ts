import { Lifecycle } from "../../provider/lifecycle";
import { platform, resourceOf } from "../../provider/platforms";
import { Session, type SessionOptions } from "../../provider/session";

/**
 * A session as one run of a program has it. Nothing comes from the stack's configuration, and lines for the user go
 * nowhere, unless `options` say otherwise.
 *
 * @param platformName `jambonz`
 * @param environment the settings; default: the variables of this process
 */
export function sessionOf(
  platformName: string,
  environment?: SessionOptions["environment"],
  { log = () => {}, ...options }: Partial<SessionOptions> = {},
): Session {
  return new Session(platform(platformName), { config: () => undefined, environment, log, ...options });
}

/** The resources of a type in a run. @param type `jambonz:Account` */
export function lifecycleOf(type: string, session: Session): Lifecycle {
  return new Lifecycle(resourceOf(type).definition, session);
}
