import { isIPv4 } from "node:net";
import { z } from "zod";
import { resource } from "../resource";
import { isUnknown } from "../values";
import { toRow, type Jambonz } from "./client";
import { address, gatewaysOf, voipCarrierSid } from "./gateways";
import { sid } from "./types";

/** The database wants both directions to be said (db/jambones-sql.sql); these are what it takes itself for an SMPP gateway. */
const DIRECTIONS = { inbound: false, outbound: true };

/** What the platform judges together, from the request alone (lib/routes/api/sip-gateways.js). */
const TOGETHER = ["ipv4", "netmask", "inbound", "outbound"] as const;

const inputs = z
  .strictObject({
    voipCarrierSid,
    ipv4: address.describe("The IPv4 address; where the carrier is only called there, it may be a name instead."),
    port: z.int().min(1).max(65535).optional().describe("The port. Left out, none is stored."),
    netmask: z
      .int()
      .min(0)
      .max(32)
      .optional()
      .describe("The length of the network's prefix, for calls from a whole network; 32 is one address. Default: 32.")
      .meta({ platformDefault: 32 }),
    inbound: z
      .boolean()
      .optional()
      .describe(
        "Whether calls from there are taken; ipv4 has to be an address then. jambonz has no default of its own for it. Default: false.",
      )
      .meta({ platformDefault: DIRECTIONS.inbound }),
    outbound: z
      .boolean()
      .optional()
      .describe("Whether the carrier is called there. jambonz has no default of its own for it. Default: true.")
      .meta({ platformDefault: DIRECTIONS.outbound }),
    protocol: z
      .enum(["udp", "tcp", "tls", "tls/srtp"])
      .optional()
      .describe("The transport of calls to there. Default: udp.")
      .meta({ platformDefault: "udp", typeName: "SipProtocol" }),
    isActive: z.boolean().optional().describe("Whether the gateway is used. Default: true.").meta({ platformDefault: true }),
    sendOptionsPing: z
      .boolean()
      .optional()
      .describe("Whether the gateway is asked by OPTIONS requests if it is there. Default: false.")
      .meta({ platformDefault: false }),
    useSipsScheme: z
      .boolean()
      .optional()
      .describe("Whether requests to the gateway use the scheme sips. Default: false.")
      .meta({ platformDefault: false }),
    padCrypto: z
      .boolean()
      .optional()
      .describe("Whether keys in SDP's crypto attributes are padded. Default: false.")
      .meta({ platformDefault: false }),
    removeIce: z.boolean().optional().describe("Whether ICE is taken out of SDP. Default: false.").meta({ platformDefault: false }),
    dtlsOff: z.boolean().optional().describe("Whether DTLS is not offered. Default: false.").meta({ platformDefault: false }),
  })
  .refine(({ inbound, ipv4 }) => inbound !== true || isIPv4(ipv4), {
    path: ["ipv4"],
    error: "must be an IPv4 address, because inbound is true",
    when: () => true,
  })
  .refine(({ inbound, outbound, netmask = 32 }) => netmask === 32 || Boolean(inbound) || outbound === false || isUnknown(outbound), {
    path: ["netmask"],
    error: "must be 32 unless inbound is true: only calls come from a whole network",
    when: () => true,
  });

/** An address of a carrier. */
export const sipGateway = resource<Jambonz>()({
  type: "jambonz:SipGateway",
  description: "A SIP address of a carrier: one that it calls from, is called at, or both.",
  example: {
    title: "A carrier that calls from one network and is called at a name",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      acmeTrunk: { type: "jambonz:VoipCarrier", properties: { accountSid: "${acme.sid}", name: "Acme trunk" } },
      acmeTrunkIn: {
        type: "jambonz:SipGateway",
        properties: { voipCarrierSid: "${acmeTrunk.sid}", ipv4: "192.0.2.0", netmask: 28, inbound: true, outbound: false },
        options: { deletedWith: "${acmeTrunk}" },
      },
      acmeTrunkOut: {
        type: "jambonz:SipGateway",
        properties: { voipCarrierSid: "${acmeTrunk.sid}", ipv4: "sip.carrier.example.com", port: 5061, protocol: "tls" },
        options: { deletedWith: "${acmeTrunk}" },
      },
    },
  },
  idFormat: "<gateway sid>",
  sidFromId: "whole",
  onDelete: "Deletes the gateway: the carrier is no longer called there, and calls from there are no longer its.",
  inputs,
  outputs: z.object({ sid: sid.describe("The gateway's sid.") }),

  ...gatewaysOf({ noun: "SipGateways", column: "sip_gateway_sid", inputs, defaults: DIRECTIONS }),

  async update(jambonz, id, changes, inputs) {
    const isJudged = TOGETHER.some((name) => name in changes);
    const others = isJudged ? Object.fromEntries(TOGETHER.map((name) => [name, inputs[name]])) : {};
    await jambonz.put(`/SipGateways/${id}`, toRow({ ...others, ...changes }));
  },
});
