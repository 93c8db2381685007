import { z } from "zod";
import { UserError } from "../errors";
import { resource } from "../resource";
import type { VoiceTel } from "./client";
import { NOT_READ, username } from "./types";

/** The API key of an account, from Get API Key. */
export const apiKey = resource<VoiceTel>()({
  type: "voicetel:ApiKey",
  description:
    "The API key of an account, which VoiceTel tells to whoever has the account's password. It is asked for once and kept in state; that is one of six calls an hour. A refresh sends nothing.",
  example: {
    title: "The key of an account",
    resources: {
      acme: {
        type: "voicetel:Account",
        properties: { name: "Acme Corp", username: 4592086960, email: "billing@acme.example.com" },
        options: { retainOnDelete: true },
      },
      acmeKey: { type: "voicetel:ApiKey", properties: { username: "${acme.username}", password: "${acme.password}" } },
    },
  },
  idFormat: "<username>",
  unlisted: "voicetel:ApiKey: VoiceTel has no list of keys; declare one, and it is asked for",
  onDelete:
    "Forgets the key. It stays valid: VoiceTel has no way to delete a key, and ends it only when the account's password is changed.",
  onlyForgotten: true,
  inputs: z.strictObject({
    username: username.describe("The username of the account.").meta({ replaceOnChanges: true }),
    password: z
      .string()
      .min(1)
      .describe(
        "The password of the account. When it changes, the key is asked for anew, because VoiceTel ends the old one with the old password.",
      )
      .meta({ secret: true, writeOnly: true }),
  }),
  outputs: z.object({
    apiKey: z.string().describe("The key itself: 32 hexadecimal digits.").meta({ secret: true, changesOnUpdate: true }),
  }),

  async create(voicetel, inputs) {
    return { id: String(inputs.username), outputs: await fetchKey(voicetel, inputs) };
  },

  async read(voicetel, id, state) {
    voicetel.tellOnce(NOT_READ);
    return { ...state, username: Number(id) };
  },

  async update(voicetel, id, _changes, inputs) {
    if (inputs.username !== Number(id)) throw new UserError(`username is ${inputs.username}, but the id is that of account ${id}`);
    return fetchKey(voicetel, inputs);
  },

  async delete() {
    // Nothing on the platform belongs to this resource alone.
  },
});

async function fetchKey(voicetel: VoiceTel, { username, password }: { username: number; password: string }): Promise<{ apiKey: string }> {
  const { apikey } = await voicetel.post(
    "apikey",
    { username, password },
    { refusals: { 401: "the username or the password is not valid" }, ownKey: true },
  );
  if (typeof apikey !== "string" || apikey === "") throw new UserError("VoiceTel answered without a key");
  voicetel.redactor.add(apikey);
  return { apiKey: apikey };
}
