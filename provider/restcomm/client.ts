import { z } from "zod";
import { UserError } from "../errors";
import { resource } from "../resource";
import { accountSid, owned } from "./owned";
import { time, toForm, type Restcomm } from "./platform";
import { dates, friendlyName, methodOf, password, sid, url } from "./types";

const inputs = z.strictObject({
  accountSid,
  login: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[^?=@]+$/, { error: "must have none of ?, = and @" })
    .describe("The name with which the device registers; unique in the organisation.")
    .meta({ replaceOnChanges: true, defaultsToName: true }),
  password: password.describe(
    "The password with which the device registers, of at least 8 characters; the platform also refuses weak ones.",
  ),
  friendlyName: friendlyName.optional().describe("A description. Default: the login."),
  status: z.int().min(0).max(1).optional().describe("1: it may be used; 0: it may not. Default: 1.").meta({ platformDefault: 1 }),
  voiceUrl: url.optional().describe("Where the platform asks what to do with a call from the device."),
  voiceMethod: methodOf("voiceUrl"),
  voiceFallbackUrl: url.optional().describe("Asked when voiceUrl fails."),
  voiceFallbackMethod: methodOf("voiceFallbackUrl"),
  voiceApplicationSid: sid("AP").optional().describe("The application that handles its calls; the URLs are then not used."),
});

const outputs = z.object({
  sid: sid("CL").describe("The client's sid."),
  uri: z.string().optional().describe("Its path on the platform."),
  ...dates,
});

const common = owned({ noun: "Clients", inputs, outputs, namedAfter: "login", distributed: true });

/** How much older than its creation a client may say to be, in milliseconds, and still be the one just made. */
const CLOCKS_DIFFER = 10_000;

/** A SIP user of an account. */
export const client = resource<Restcomm>()({
  ...common,
  type: "restcomm:Client",
  description: "A client: a SIP device or app that registers with a login and a password.",
  example: {
    title: "A desk phone whose calls go to an application",
    resources: {
      menu: { type: "restcomm:Application", properties: { kind: "voice", rcmlUrl: "https://ivr.acme.example.com/menu" } },
      reception: {
        type: "restcomm:Client",
        properties: { password: "${clientPassword}", friendlyName: "Reception desk", voiceApplicationSid: "${menu.sid}" },
      },
    },
  },
  onDelete: "Deletes the client; its device can no longer register.",
  deleteBeforeReplace: { whileSame: ["login"] }, // a login is unique in the organisation
  inputs,
  outputs,

  /** The platform answers the creation of a login that is there with the client that has it, unchanged. */
  async refuseCreate(restcomm, { accountSid, login }, { replacing }) {
    const rows = await restcomm.listLately(common.listPath(restcomm, accountSid));
    const holder = rows
      .filter((row) => isSame(row.login, login))
      .map((row) => common.candidate(row).id)
      .find((id) => id !== replacing);
    if (holder) return { reason: taken(restcomm, login, holder), holder };
    const isBroughtAlong = restcomm.broughtAlong.get(String(accountSid)) === login.toLowerCase();
    return isBroughtAlong ? { reason: taken(restcomm, login) } : undefined;
  },

  async create(restcomm, { accountSid, ...sent }) {
    const since = restcomm.http.platformTime(Date.now()).getTime() - CLOCKS_DIFFER;
    // Sent twice it is made once, see above.
    const row = await restcomm.post(common.listPath(restcomm, accountSid), toForm(inputs, sent), { idempotent: true });
    const created = common.candidate(row);
    // The list that was looked at may be some minutes behind.
    const isAnothers = time(row.date_created) < since || restcomm.made.has(created.id) || String(row.login) !== sent.login;
    if (isAnothers) throw new UserError(taken(restcomm, sent.login, created.id));
    restcomm.made.add(created.id);
    return created;
  },

  async find(restcomm, { accountSid, login }) {
    const rows = (await restcomm.list(common.listPath(restcomm, accountSid), 0)).filter((row) => row.login === login);
    const candidates = rows.map((row) => common.candidate(row)).filter(({ id }) => !restcomm.made.has(id));
    return candidates.map((candidate) => ({ ...candidate, taken: () => void restcomm.made.add(candidate.id) }));
  },
});

/** Two clients of an account may not differ in letter case only, as its database compares them. */
const isSame = (a: unknown, b: string) => String(a).toLowerCase() === b.toLowerCase();

/** @param id undefined where the platform does not show it yet */
function taken(restcomm: Restcomm, login: string, id?: string): string {
  const adopt = id ? `: ${id}; adopt it (${restcomm.adopt("restcomm:Client", id)}), or` : ", which shows in some minutes;";
  return `its account already has a client with the login ${login}${adopt} choose another login. A new account brings a client along that is named after its e-mail address, and one that was deleted shows for some minutes more`;
}
