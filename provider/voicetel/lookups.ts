import { z } from "zod";
import { RefusedError, UserError } from "../errors";
import { lookup } from "../resource";
import { isObject } from "../values";
import type { Body, VoiceTel } from "./client";
import { apiKey, username } from "./types";

const ofAccount = {
  apiKey: apiKey.optional().describe("The API key of the account in question. Default: the key in the settings."),
};

/** The body of a question about one account. */
const about = (voicetel: VoiceTel, inputs: { apiKey?: string }): Body => ({ apikey: inputs.apiKey ?? voicetel.apiKey });

export const getAccountInformation = lookup<VoiceTel>()({
  type: "voicetel:getAccountInformation",
  description: "The account of an API key. One of six calls an hour.",
  inputs: z.strictObject(ofAccount),
  outputs: z.object({
    username: username.describe("Its username."),
    name: z.string().optional().describe("Its name."),
    email: z.string().optional().describe("Its e-mail address."),
    enabled: z.boolean().optional().describe("Whether it may be used."),
    cash: z.number().optional().describe("Its balance."),
    rate: z.number().optional().describe("What a minute costs."),
    callerId: z.string().optional().describe("The caller id of its calls where they have none of their own."),
    notify: z.boolean().optional().describe("Whether it is told when its balance is low."),
    notifyThreshold: z.number().optional().describe("The balance below which it is told."),
    created: z.string().optional().describe("When it was added, in ISO 8601."),
  }),
  async run(voicetel, inputs) {
    const { account } = await voicetel.ask("info", about(voicetel, inputs));
    const record: unknown = Array.isArray(account) ? account[0] : account;
    if (!isObject(record)) throw new UserError("VoiceTel answered without an account");
    const { username, notify_threshold, caller_id, ...rest } = record;
    const { name, email, enabled, cash, rate, notify, created } = rest as Record<string, any>;
    const callerId = caller_id as string | undefined;
    const notifyThreshold = notify_threshold as number | undefined;
    return { username: Number(username), name, email, enabled, cash, rate, callerId, notify, notifyThreshold, created };
  },
});

export const getRegistration = lookup<VoiceTel>()({
  type: "voicetel:getRegistration",
  description: "Whether a SIP device is registered for an account, and which.",
  inputs: z.strictObject(ofAccount),
  outputs: z.object({
    registered: z.boolean().describe("Whether one is registered."),
    uri: z.string().optional().describe("Its SIP URI."),
    agent: z.string().optional().describe("What it calls itself."),
  }),
  async run(voicetel, inputs) {
    try {
      const { account } = await voicetel.ask("registration", about(voicetel, inputs), { idempotent: true });
      const { uri, agent } = (isObject(account) ? account : {}) as { uri?: string; agent?: string };
      return { registered: true, uri, agent };
    } catch (error) {
      if (error instanceof RefusedError && error.status === 404) return { registered: false };
      throw error;
    }
  },
});

export const getMonthlyCharges = lookup<VoiceTel>()({
  type: "voicetel:getMonthlyCharges",
  description: "What an account costs each month. One of six calls an hour.",
  inputs: z.strictObject(ofAccount),
  outputs: z.object({
    services: z
      .array(
        z
          .object({ description: z.string().describe("What it is."), charge: z.number().describe("What it costs.") })
          .describe("One service of an account.")
          .meta({ typeName: "ServiceCharge" }),
      )
      .describe("What each service costs."),
    did: z.number().optional().describe("What its numbers cost."),
    total: z.number().optional().describe("What all of it costs."),
  }),
  async run(voicetel, inputs) {
    const { mrc } = await voicetel.ask("mrc", about(voicetel, inputs));
    // One object for each service, one for the numbers and one for the total.
    const entries = rows(mrc).flatMap((entry) =>
      Object.entries(entry).map(([description, charge]) => ({ description, charge: Number(charge) })),
    );
    const special = (name: string) => entries.find(({ description }) => description === name)?.charge;
    return {
      services: entries.filter(({ description }) => description !== "did" && description !== "total"),
      did: special("did"),
      total: special("total"),
    };
  },
});

const time = z.iso.datetime({ offset: true, error: "must be a time in ISO 8601, such as 2030-01-01T00:00:00Z" });
const DAY = 86_400;

export const getCallRecords = lookup<VoiceTel>()({
  type: "voicetel:getCallRecords",
  description: "The calls of an account in a span of time, the newest first. One of six calls an hour.",
  inputs: z
    .strictObject({
      start: time.optional().describe("From when on, in ISO 8601. Default: 24 hours before the end."),
      end: time.optional().describe("Until when, in ISO 8601. Default: now."),
      ...ofAccount,
    })
    .refine(({ start, end }) => !start || !end || Date.parse(start) <= Date.parse(end), {
      error: "needs a start that is not after its end",
    }),
  outputs: z.object({
    records: z.array(z.record(z.string(), z.unknown())).describe("The records as VoiceTel gives them, whose form it does not document."),
  }),
  async run(voicetel, { start, end, ...inputs }) {
    const body = about(voicetel, inputs);
    if (start || end) {
      const newer = end ? seconds(end) : Math.floor(Date.now() / 1000);
      // The API's start is the newer end of the span, and its end the older one.
      Object.assign(body, { start: newer, end: start ? seconds(start) : newer - DAY });
    }
    const { cdr } = await voicetel.ask("cdr", body);
    return { records: rows(cdr) };
  },
});

function seconds(iso: string): number {
  return Math.floor(Date.parse(iso) / 1000);
}

function rows(list: unknown): Body[] {
  if (!Array.isArray(list)) throw new UserError("VoiceTel answered with something that is not a list");
  return list.filter(isObject);
}
