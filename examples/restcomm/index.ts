import * as pulumi from "@pulumi/pulumi";
import { restcomm } from "pulumi-cpaas";

const config = new pulumi.Config();

const acme = new restcomm.Account("acme", {
  // The platform lets an address be used once, for ever: after a `pulumi destroy` it takes another one.
  emailAddress: config.require("emailAddress"),
  password: config.requireSecret("accountPassword"),
  friendlyName: "Acme Corporation",
  // `pulumi destroy` closes the account for good. Leave this out where that must not happen.
  closeOnDeletion: true,
});
const accountSid = acme.sid;

const menu = new restcomm.Application("menu", { accountSid, kind: "voice", rcmlUrl: "https://ivr.acme.example.com/menu" });

const reception = new restcomm.Client("reception", {
  accountSid,
  password: config.requireSecret("clientPassword"),
  friendlyName: "Reception desk",
});

const main = new restcomm.IncomingPhoneNumber("main", {
  accountSid,
  phoneNumber: config.get("phoneNumber") ?? "+15015550100",
  voiceApplicationSid: menu.sid,
});

export const resources = { account: accountSid, application: menu.sid, client: reception.sid, number: main.sid };
/** With which the account signs in: `pulumi stack output authToken --show-secrets`. */
export const authToken = acme.authToken;
