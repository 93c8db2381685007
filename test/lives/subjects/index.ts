import type { Subject } from "../subject";
import { jambonz } from "./jambonz";
import { restcomm } from "./restcomm";
import { voicetel } from "./voicetel";

/** The platforms in the random lives, by name. */
export const subjects: Record<string, Subject> = { jambonz, restcomm, voicetel };
