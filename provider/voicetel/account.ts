import { z } from "zod";
import { UnansweredError, UnfinishedError, UserError } from "../errors";
import { resource } from "../resource";
import { isObject } from "../values";
import type { Body, VoiceTel } from "./client";
import { NOT_READ, username } from "./types";

/** No endpoint changes an account, and a replacement would leave the old one alive and billed. */
const unchangeable =
  "VoiceTel has no way to change an account; leave it as it was in the program, or declare another account with another username beside it";

/** A sub-account, made by Add Account. */
export const account = resource<VoiceTel>()({
  type: "voicetel:Account",
  description:
    "A sub-account, which the key of an administrator adds. VoiceTel can neither change nor delete nor list accounts: what is declared here is meant to stay. A refresh sends nothing and keeps what state says.",
  example: {
    title: "An account, which stays when it is taken out of the program",
    resources: {
      acme: {
        type: "voicetel:Account",
        properties: { name: "Acme Corp", username: 4592086960, email: "billing@acme.example.com" },
        options: { retainOnDelete: true },
      },
    },
  },
  idFormat: "<username>",
  unlisted: "voicetel:Account: VoiceTel has no list of accounts; adopt each by its number",
  onDelete:
    "Refused, because VoiceTel has no way to delete an account. Set the option retainOnDelete and deploy before taking it out of the program; the account then lives on, and is billed.",
  inputs: z.strictObject({
    username: username
      .describe("The number under which the account is known: ten digits of your choice that nobody has yet.")
      .meta({ unchangeable }),
    name: z.string().min(1).describe("The name of the account.").meta({ unchangeable, defaultsToName: true }),
    email: z
      .string()
      .regex(/^\S+@\S+$/, { error: "must be an e-mail address" })
      .describe("The e-mail address of the account, to which a forgotten password's link goes.")
      .meta({ unchangeable }),
    masterAccount: username
      .optional()
      .describe("The username of the account that is billed. Default: the new account itself.")
      .meta({ unchangeable, computed: true }),
  }),
  outputs: z.object({
    password: z
      .string()
      .describe("The password that VoiceTel made. It is told once, when the account is added, and kept in state.")
      .meta({ secret: true }),
  }),

  claims: (inputs) => `account ${inputs.username}`,

  async create(voicetel, { name, username, email, masterAccount }) {
    const id = String(username);
    const made = await add(voicetel, { name, username, email, masterAccount });
    const { password } = made;
    if (typeof password !== "string" || password === "")
      throw new UnfinishedError(
        `account ${id} was made, but VoiceTel's answer lacks its password; have a link to a new one sent to ${email} (Account Recovery)`,
        id,
      );
    voicetel.redactor.add(password);
    return { id, outputs: { password, masterAccount: Number(made.masterAccount ?? masterAccount ?? username) } };
  },

  async read(voicetel, id, state) {
    voicetel.tellOnce(NOT_READ);
    return { ...state, username: Number(id) };
  },

  async refuseDelete(_voicetel, id) {
    return `VoiceTel has no way to delete account ${id}; to give it up, set \`retainOnDelete: true\` on it, run \`pulumi up\`, and then take it out of the program: it leaves the state, but lives on and is billed until VoiceTel's support closes it`;
  },

  async delete() {
    throw new UserError("VoiceTel has no way to delete an account");
  },
});

/** Sends Add Account once. Usernames are unique, so a second one would make nothing; but neither would it tell the lost password. */
async function add(voicetel: VoiceTel, asked: Body): Promise<Body> {
  const adopt = voicetel.adopt("voicetel:Account", String(asked.username));
  try {
    const { account } = await voicetel.post(
      "add",
      { ...asked, apikey: voicetel.apiKey },
      {
        complete: (body) => isObject(body) && isObject(body.account),
        refusals: {
          401: "the API key is not valid, or it is not an administrator's",
          409: `it failed, and VoiceTel does not tell why: username ${String(asked.username)} or the e-mail address may be taken already; choose others, or adopt the account if it is yours (${adopt})`,
        },
      },
    );
    return account as Body;
  } catch (error) {
    if (!(error instanceof UnansweredError)) throw error;
    throw new UserError(
      `${error.message}; account ${String(asked.username)} may have been made all the same, with a password that nobody has seen, so it is not tried again. If the next run is refused with 409, it was made: have a link to a new password sent to its e-mail address (Account Recovery), and adopt it (${adopt})`,
    );
  }
}
