import { z } from "zod";
import { resource } from "../resource";
import { toRow, type Jambonz } from "./client";
import { address, gatewaysOf, voipCarrierSid } from "./gateways";
import { sid, whole } from "./types";

const inputs = z.strictObject({
  voipCarrierSid,
  ipv4: address.describe("The IPv4 address; jambonz itself takes any text for it."),
  port: whole.min(1).max(65535).optional().describe("The port. Default: 2775.").meta({ platformDefault: 2775 }),
  netmask: z
    .int()
    .min(0)
    .max(32)
    .optional()
    .describe("The length of the network's prefix; 32 is one address. Default: 32.")
    .meta({ platformDefault: 32 }),
  isPrimary: z.boolean().optional().describe("Whether it is the carrier's primary address. Default: true.").meta({ platformDefault: true }),
  inbound: z.boolean().optional().describe("Whether messages from there are taken. Default: false.").meta({ platformDefault: false }),
  outbound: z.boolean().optional().describe("Whether messages are sent there. Default: true.").meta({ platformDefault: true }),
  useTls: z.boolean().optional().describe("Whether the connection is encrypted. Default: false.").meta({ platformDefault: false }),
});

/** An address of a carrier for messages. */
export const smppGateway = resource<Jambonz>()({
  type: "jambonz:SmppGateway",
  description:
    "An SMPP address of a carrier, for messages: one that they come from, are sent to, or both. An account's key may not use those of a carrier that names a service provider, as every VoipCarrier of this package does.",
  example: {
    title: "Messages through a carrier",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      acmeTrunk: {
        type: "jambonz:VoipCarrier",
        properties: { accountSid: "${acme.sid}", name: "Acme trunk", smppSystemId: "acme", smppPassword: "${smppPassword}" },
      },
      acmeMessages: {
        type: "jambonz:SmppGateway",
        properties: { voipCarrierSid: "${acmeTrunk.sid}", ipv4: "smpp.carrier.example.com", port: 3550, useTls: true },
        options: { deletedWith: "${acmeTrunk}" },
      },
    },
  },
  idFormat: "<gateway sid>",
  sidFromId: "whole",
  onDelete: "Deletes the gateway: no message is sent there any more, or taken from there.",
  inputs,
  outputs: z.object({ sid: sid.describe("The gateway's sid.") }),

  unlisted: "jambonz:SmppGateway: to an account's key jambonz lists none of a carrier that names a service provider",

  ...gatewaysOf({ noun: "SmppGateways", column: "smpp_gateway_sid", inputs }),

  async update(jambonz, id, changes) {
    await jambonz.put(`/SmppGateways/${id}`, toRow(changes));
  },
});
