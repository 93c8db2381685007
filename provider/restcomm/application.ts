import { z } from "zod";
import { resource, type Properties } from "../resource";
import { traitsOf } from "../schema";
import { isAbsent, same } from "../values";
import { accountSid, owned } from "./owned";
import { fromRow, toForm, type Restcomm, type Row } from "./platform";
import { dates, friendlyName, sid, url } from "./types";

const inputs = z.strictObject({
  accountSid,
  friendlyName: friendlyName.describe("The application's name. Several may have the same.").meta({ defaultsToName: true }),
  kind: z
    .enum(["voice", "sms", "ussd"])
    .optional()
    .describe("What it is for. Once set it can be changed, but not taken away: taking it out of the program leaves it.")
    .meta({ computed: true, typeName: "ApplicationKind" }),
  rcmlUrl: url.optional().describe("Where the platform fetches the application's RCML."),
  voiceCallerIdLookup: z
    .boolean()
    .optional()
    .describe("Whether the caller's name is looked up, which costs for each call. Default: false.")
    .meta({ platformDefault: false }),
});

const outputs = z.object({
  sid: sid("AP").describe("The application's sid."),
  uri: z.string().optional().describe("Its path on the platform."),
  ...dates,
});

const common = owned({ noun: "Applications", inputs, outputs, distributed: false });

/** What numbers and clients point to. */
export const application = resource<Restcomm>()({
  ...common,
  type: "restcomm:Application",
  description: "An application: where the platform fetches what to do with calls, messages or USSD sessions.",
  example: {
    title: "An application for calls",
    resources: {
      menu: { type: "restcomm:Application", properties: { kind: "voice", rcmlUrl: "https://ivr.acme.example.com/menu" } },
    },
  },
  onDelete: "Deletes the application. The platform does not ask whether numbers or clients still point to it.",
  inputs,
  outputs,

  async create(restcomm, { accountSid, ...sent }) {
    return common.candidate(await restcomm.post(common.listPath(restcomm, accountSid), toForm(inputs, sent)));
  },

  async find(restcomm, { accountSid, ...wanted }) {
    const rows = await restcomm.list(common.listPath(restcomm, accountSid), 0);
    return rows.filter((row) => isAsSent(row, wanted)).map(common.candidate);
  },
});

/** Whether an application is as one that a creation with these inputs makes; what they leave out the platform may have chosen. */
function isAsSent(row: Row, wanted: Properties): boolean {
  const live = fromRow([inputs], row);
  return Object.entries(inputs.shape).every(([name, schema]) => {
    const { computed, platformDefault } = traitsOf(schema);
    const filled = (value: unknown) => value ?? platformDefault;
    return (computed && isAbsent(wanted[name])) || same(schema, filled(live[name]), filled(wanted[name]));
  });
}
