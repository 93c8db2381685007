import * as pulumi from "@pulumi/pulumi";
import { voicetel } from "pulumi-cpaas";

const config = new pulumi.Config();

/**
 * A sub-account. The username is a number of ten digits that you choose; VoiceTel can change none of this later.
 *
 * VoiceTel cannot delete an account either. With `retainOnDelete` Pulumi forgets it when it is taken out of the program,
 * or at `pulumi destroy`: the account lives on and is billed until VoiceTel's support closes it.
 */
const acme = new voicetel.Account(
  "acme",
  {
    name: "Acme Corp",
    // Nobody else may have them. After a `pulumi destroy` the account still has them, so the next one takes others.
    username: config.getNumber("username") ?? 4592086960,
    email: config.get("email") ?? "billing@acme.example.com",
  },
  { retainOnDelete: true },
);

/** Asked for once, with one of the six calls that VoiceTel takes in an hour. */
const key = new voicetel.ApiKey("acme", { username: acme.username, password: acme.password });

export const username = acme.username;
/** `pulumi stack output apiKey --show-secrets` */
export const apiKey = key.apiKey;
