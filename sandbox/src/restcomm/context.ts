import type { PlatformContext } from "../platform";
import type { Store } from "./store";

/** What the handlers share. */
export interface Context extends Pick<PlatformContext, "isOutside"> {
  store: Store;
}
