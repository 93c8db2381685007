import type { PlatformContext } from "../platform";
import type { Sessions } from "./auth";

/** What the handlers share. */
export interface Context extends Omit<PlatformContext, "consistencyDelayMs"> {
  sessions: Sessions;
}
