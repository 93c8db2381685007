import { z } from "zod";
import { RefusedError, UnansweredError } from "../errors";
import { resource, type Properties } from "../resource";
import { fromOwnedRow, isAsSent, toRow, type Jambonz, type Row } from "./client";
import { nameTaken } from "./names";
import { exactlyOneOwner, isOf, ownerPath, sid, text, unseen, whole, type Owner } from "./types";
import { usesOfCarrier } from "./uses";

const userName = text.regex(/^\S+$/, { error: "must not be empty or hold blanks" });
const password = text.regex(/\S/, { error: "must not be blank" });
/** A domain or address as the platform takes it (lib/routes/api/voip-carriers.js). */
const host = text.regex(/^(?!sips?:)\S*\.\S*$/i, { error: "must be a domain or an IP address, without sip: and blanks" });

/** A trunk to a carrier. */
export const voipCarrier = resource<Jambonz>()({
  type: "jambonz:VoipCarrier",
  description:
    "A carrier: a SIP trunk, of an account or of all accounts of a service provider. The addresses that it calls from and is called at are its gateways, each a SipGateway.",
  example: {
    title: "A carrier with which jambonz registers",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      acmeTrunk: {
        type: "jambonz:VoipCarrier",
        properties: {
          accountSid: "${acme.sid}",
          name: "Acme trunk",
          trunkType: "reg",
          requiresRegister: true,
          registerUsername: "acme",
          registerPassword: "${trunkPassword}",
          registerSipRealm: "sip.carrier.example.com",
        },
      },
      acmeTrunkOut: {
        type: "jambonz:SipGateway",
        properties: { voipCarrierSid: "${acmeTrunk.sid}", ipv4: "sip.carrier.example.com", port: 5060 },
        options: { deletedWith: "${acmeTrunk}" },
      },
    },
  },
  idFormat: "<carrier sid>",
  sidFromId: "whole",
  deleteBeforeReplace: { whileSame: ["accountSid", "serviceProviderSid"] }, // its owner may not have another one of its name
  onDelete:
    "Deletes the carrier with all its SIP and SMPP gateways, also those that no program knows. Refused with a list, before anything is sent, while phone numbers or LCR entries that the key in use sees are on it. (A service provider's key does not see the LCRs of accounts; where one of these holds the carrier, jambonz deletes the gateways and then fails.)",
  inputs: exactlyOneOwner({
    name: text.min(1).max(64).describe("The name of the carrier.").meta({ defaultsToName: true }),
    accountSid: sid
      .optional()
      .describe("The account that the carrier is for.")
      .meta({ replaceOnChanges: true, refersTo: "jambonz:Account", holdsBack: true }),
    serviceProviderSid: sid
      .optional()
      .describe("The service provider for all whose accounts the carrier is.")
      .meta({ replaceOnChanges: true }),
    description: text.min(1).max(255).optional().describe("What it is, in words."),
    applicationSid: sid
      .optional()
      .describe("The application that handles calls from the carrier. It has to belong to the account, so it needs accountSid."),
    isActive: z.boolean().optional().describe("Whether the carrier is used. Default: true.").meta({ platformDefault: true }),
    trunkType: z
      .enum(["static_ip", "auth", "reg"])
      .optional()
      .describe("How jambonz and the carrier know each other: by addresses, by credentials or by registration. Default: static_ip.")
      .meta({ platformDefault: "static_ip", typeName: "TrunkType" }),
    e164LeadingPlus: z
      .boolean()
      .optional()
      .describe("Whether numbers sent to the carrier begin with a +. Default: false.")
      .meta({ platformDefault: false }),
    techPrefix: text.min(1).max(16).optional().describe("Put before numbers that are called through the carrier."),
    diversion: text.min(1).max(32).optional().describe("The number in the Diversion header of calls through the carrier."),
    dtmfType: z
      .enum(["rfc2833", "tones", "info"])
      .optional()
      .describe("How keys that are pressed in a call are sent. Default: rfc2833.")
      .meta({ platformDefault: "rfc2833", typeName: "DtmfType" }),
    outboundSipProxy: text.min(1).max(255).optional().describe("The proxy through which calls to the carrier go."),
    requiresRegister: z
      .boolean()
      .optional()
      .describe("Whether jambonz registers with the carrier; needs registerUsername and registerPassword. Default: false.")
      .meta({ platformDefault: false }),
    registerUsername: userName.max(64).optional().describe("The user name with which jambonz registers."),
    registerPassword: password.max(64).optional().describe("The password with which jambonz registers.").meta({ secret: true }),
    registerSipRealm: host.max(64).optional().describe("The realm in which jambonz registers. Default: the gateway's address."),
    registerFromUser: text.min(1).max(128).optional().describe("The user in the From header of a registration."),
    registerFromDomain: host.max(255).optional().describe("The domain in the From header of a registration."),
    registerPublicIpInContact: z
      .boolean()
      .optional()
      .describe("Whether the Contact header of a registration holds jambonz's public address. Default: false.")
      .meta({ platformDefault: false }),
    inboundAuthUsername: text.min(1).max(64).optional().describe("The user name with which the carrier signs in for calls to jambonz."),
    inboundAuthPassword: text
      .min(1)
      .max(64)
      .optional()
      .describe("The password with which the carrier signs in for calls to jambonz.")
      .meta({ secret: true }),
    smppSystemId: text.min(1).max(255).optional().describe("The system id with which jambonz signs in for messages."),
    smppPassword: text.min(1).max(64).optional().describe("The password with which jambonz signs in for messages.").meta({ secret: true }),
    smppInboundSystemId: text.min(1).max(255).optional().describe("The system id with which the carrier signs in for messages."),
    smppInboundPassword: text
      .min(1)
      .max(64)
      .optional()
      .describe("The password with which the carrier signs in for messages.")
      .meta({ secret: true }),
    smppEnquireLinkInterval: whole
      .optional()
      .describe("How often an SMPP connection is tested, in the platform's own unit. Default: 0.")
      .meta({ platformDefault: 0 }),
    allowDuplicateName: z
      .boolean()
      .optional()
      .describe("Whether to create the carrier although its owner has one of this name already. Default: false.")
      .meta({ local: true }),
  })
    .refine((inputs) => inputs.requiresRegister !== true || Boolean(inputs.registerUsername && inputs.registerPassword), {
      path: ["requiresRegister"],
      error: "needs registerUsername and registerPassword",
      when: () => true,
    })
    .refine(({ applicationSid, accountSid }) => !applicationSid || Boolean(accountSid), {
      path: ["applicationSid"],
      error: "needs accountSid, because the application has to belong to the same account",
      when: () => true,
    }),
  outputs: z.object({ sid: sid.describe("The carrier's sid.") }),

  async refuseCreate(jambonz, inputs, { replacing }) {
    // jambonz asks neither a service provider's key whose the account is, nor an account's key whether it means itself.
    if (!(await jambonz.seenProviderOf(inputs))) return { reason: unseen(inputs) };
    if (inputs.allowDuplicateName) return undefined;
    const holder = await jambonz.carrierNames.take(ownerPath(inputs), inputs.name, replacing);
    const owner = inputs.accountSid ? "account" : "service provider";
    return holder ? nameTaken(jambonz.adopt, { type: "jambonz:VoipCarrier", noun: "carrier", owner }, holder) : undefined;
  },

  async create(jambonz, { allowDuplicateName, ...inputs }) {
    // Without its service provider a carrier of an account is hidden from that one's key (lib/routes/api/voip-carriers.js).
    const serviceProviderSid = await jambonz.seenProviderOf(inputs);
    try {
      const { sid } = await jambonz.post<{ sid: string }>("/VoipCarriers", toRow({ ...inputs, serviceProviderSid }));
      return made(jambonz, sid, inputs);
    } catch (error) {
      // Where there was no answer it may have been made.
      if (!allowDuplicateName && !(error instanceof UnansweredError)) jambonz.carrierNames.giveBack(ownerPath(inputs), inputs.name);
      throw error;
    }
  },

  existing: (jambonz, inputs) => jambonz.carrierNames.sids(ownerPath(inputs)),

  async find(jambonz, { allowDuplicateName, ...inputs }) {
    const owner = ownerPath(inputs);
    const rows = await jambonz.list(`/${owner}VoipCarriers`, 0);
    const named = rows
      .filter((row) => isOf(inputs, row) && row.name === inputs.name)
      .map((row) => ({
        id: String(row.voip_carrier_sid),
        outputs: { sid: row.voip_carrier_sid },
        createdAt: new Date(String(row.created_at)),
        // Somebody may have changed it since.
        isOtherwise: !holds(row, inputs),
        taken: () => void made(jambonz, String(row.voip_carrier_sid), inputs),
      }));
    // Where the name may be another one's too, one that differs is.
    return allowDuplicateName ? named.filter(({ isOtherwise }) => !isOtherwise) : named;
  },

  async read(jambonz, id, state, options) {
    const list = (maxAge?: number) => jambonz.list("/VoipCarriers", maxAge);
    const row = await jambonz.object({ noun: "VoipCarriers", column: "voip_carrier_sid", list }, id, options);
    if (!row) jambonz.carrierNames.changed(ownerPath(state), id, undefined);
    return row && live(row);
  },

  unlisted:
    "jambonz:VoipCarrier: to a service provider's key jambonz shows no carriers of accounts that were made without naming the service provider",

  async list(jambonz) {
    const rows = await carriersInReach(jambonz);
    return rows.map((row) => ({ id: String(row.voip_carrier_sid), live: live(row), label: String(row.name) }));
  },

  async update(jambonz, id, changes, inputs) {
    // The application is judged by the account in the same request.
    await jambonz.put(`/VoipCarriers/${id}`, toRow({ ...changes, ...(changes.applicationSid ? { accountSid: inputs.accountSid } : {}) }));
    if ("name" in changes) jambonz.carrierNames.changed(ownerPath(inputs), id, inputs.name);
  },

  refuseDelete: usesOfCarrier,

  async delete(jambonz, id, state) {
    await jambonz.delete(`/VoipCarriers/${id}`).catch((error: unknown) => {
      if (!(error instanceof RefusedError && /lcr.carrier.set.entry/.test(error.reason))) throw error;
      throw error.because(
        "an LCR that the key in use does not see has an entry with this carrier, whose gateways jambonz has deleted by now; remove the entry and delete it then, or refresh to have the gateways made anew",
      );
    });
    jambonz.carrierNames.changed(ownerPath(state), id, undefined);
  },
});

/** The carriers that the key in use manages. An account's key is shown those of its service provider besides, but may not read one. */
export async function carriersInReach(jambonz: Jambonz): Promise<Row[]> {
  const [carriers, providers] = await Promise.all([jambonz.list("/VoipCarriers"), jambonz.list("/ServiceProviders")]);
  const seen = new Set(providers.map((row) => row.service_provider_sid));
  return carriers.filter(({ account_sid, service_provider_sid }) => account_sid || !service_provider_sid || seen.has(service_provider_sid));
}

function made(jambonz: Jambonz, sid: string, inputs: Owner & { name: string }) {
  jambonz.made(sid);
  jambonz.carrierNames.changed(ownerPath(inputs), sid, inputs.name);
  return { id: sid, outputs: { sid } };
}

const holds = (row: Row, sent: Properties): boolean => isAsSent(voipCarrier.inputs, live(row), sent);

const live = (row: Row): Properties => ({ ...fromOwnedRow(voipCarrier.inputs, row), sid: row.voip_carrier_sid });
