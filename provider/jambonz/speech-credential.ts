import { z } from "zod";
import { RefusedError, UnansweredError } from "../errors";
import { resource, type Properties, type Refusal } from "../resource";
import { traitsOf } from "../schema";
import { fromOwnedRow, isAsSent, toRow, type Jambonz, type Row } from "./client";
import { alreadyThere, createUnique, isSameName } from "./names";
import { changeable, recognized, speechMembers, speechMemberWrong, vendor } from "./speech-vendors";
import {
  accountServiceProviderSid,
  exactlyOneOwner,
  isOf,
  ownerIn,
  ownerPath,
  sid,
  splitOwner,
  storable,
  text,
  unseen,
  type Owner,
} from "./types";

const shape = {
  accountSid: sid
    .optional()
    .describe("The account that the credential is for.")
    .meta({ replaceOnChanges: true, refersTo: "jambonz:Account", holdsBack: true }),
  serviceProviderSid: sid
    .optional()
    .describe("The service provider for all whose accounts the credential is.")
    .meta({ replaceOnChanges: true }),
  vendor: vendor
    .describe("Who synthesizes or recognizes speech: a vendor that jambonz knows, or `custom:` and a name of your own.")
    .meta({ replaceOnChanges: true }),
  label: text
    .min(1)
    .max(64)
    .optional()
    .describe(
      "What tells credentials of one vendor apart; applications name it. jambonz takes each label only once for a vendor, among all accounts of a service provider.",
    )
    .meta({ replaceOnChanges: "evenIfAdded" }),
  useForTts: z
    .boolean()
    .optional()
    .describe("Whether the credential is used to synthesize speech. Default: false.")
    .meta({ platformDefault: false }),
  useForStt: z
    .boolean()
    .optional()
    .describe("Whether the credential is used to recognize speech. Default: false.")
    .meta({ platformDefault: false }),
  ...speechMembers,
};

/** What the platform takes for unset would be null, which it reads as false but shows as it is. */
const UNUSED = { useForTts: false, useForStt: false };

const judged = Object.keys(speechMembers).reduce(
  (schema, name) =>
    schema.refine((inputs) => speechMemberWrong(inputs, name) === undefined, {
      path: [name],
      error: ({ input }) => speechMemberWrong(input as Properties, name),
      when: () => true,
    }),
  exactlyOneOwner(shape),
);

/** With what jambonz signs in to a vendor of speech. */
export const speechCredential = resource<Jambonz>()({
  type: "jambonz:SpeechCredential",
  description:
    "A credential with which jambonz signs in to a vendor that synthesizes or recognizes speech, of an account or of all accounts of a service provider. jambonz shows of a secret its first six characters and its length only, so a change made elsewhere shows where one of these differs.",
  example: {
    title: "Recognition by one vendor, synthesis by another",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      acmeRecognition: {
        type: "jambonz:SpeechCredential",
        properties: { accountSid: "${acme.sid}", vendor: "deepgram", useForStt: true, apiKey: "${deepgramKey}" },
      },
      acmeSynthesis: {
        type: "jambonz:SpeechCredential",
        properties: {
          accountSid: "${acme.sid}",
          vendor: "aws",
          label: "acme-polly",
          useForTts: true,
          awsRegion: "eu-west-1",
          accessKeyId: "AKIAIOSFODNN7EXAMPLE",
          secretAccessKey: "${awsSecret}",
        },
      },
    },
  },
  idFormat:
    "Accounts/<account sid>/SpeechCredentials/<credential sid> or ServiceProviders/<service provider sid>/SpeechCredentials/<credential sid>",
  sidFromId: "end",
  // A label is unique, so one that was left undeleted by a failed run would stand in the way of a program that goes back to it.
  deleteBeforeReplace: true,
  onDelete:
    "Deletes the credential with its custom voices, at once: calls that use it fail from then on. Its account cannot be deleted before, so do not give it deletedWith: account.",
  inputs: judged.refine(...storable),
  outputs: z.object({ sid: sid.describe("The credential's sid."), accountServiceProviderSid }),

  /** Whose it is is not asked of the path, and an account that is not there is an error of the platform's database. */
  async refuseCreate(jambonz, inputs, { replacing }) {
    if (!(await jambonz.seenProviderOf(inputs))) return { reason: unseen(inputs) };
    // The platform itself refuses a label that is taken, which is too late where the old one goes first.
    return replacing ? taken(jambonz, inputs, replacing) : undefined;
  },

  async create(jambonz, inputs) {
    // Without its service provider a credential of an account is hidden from that one's key (lib/routes/api/speech-credentials.js).
    const serviceProviderSid = await jambonz.seenProviderOf(inputs);
    const { id, outputs } = await createUnique(jambonz, {
      path: collection(inputs),
      row: toRow({ ...UNUSED, ...inputs, serviceProviderSid }),
      accountSid: inputs.accountSid,
      isRefusal: isLabelTaken,
      inTheWay: async () => (await taken(jambonz, inputs)) ?? { reason: TAKEN_ELSEWHERE },
    });
    return { id: idOf(inputs, id), outputs };
  },

  async existing(jambonz, owner) {
    const rows = jambonz.isNew(owner.accountSid) ? [] : await jambonz.atFirst(collection(owner));
    return new Set(rows.map((row) => idOf(owner, row.speech_credential_sid)));
  },

  async find(jambonz, inputs) {
    const rows = await ofOwner(jambonz, inputs, 0);
    const ownership = await jambonz.ownership(inputs);
    // Nobody can have changed these since.
    const lasting = Object.fromEntries(
      Object.entries(inputs).filter(([name]) => traitsOf((shape as z.ZodRawShape)[name] as z.ZodType).replaceOnChanges),
    );
    return rows
      .filter((row) => (inputs.label !== undefined || row.label === null) && holds(row, inputs, lasting))
      .map((row) => ({
        id: idOf(inputs, row.speech_credential_sid),
        outputs: { sid: row.speech_credential_sid, ...ownership },
        createdAt: new Date(String(row.created_at)),
        isOtherwise: !holds(row, inputs, inputs),
      }));
  },

  async read(jambonz, id, state, options) {
    const { owner, sid } = parse(id);
    const { accountSid, serviceProviderSid } = owner;
    const provider = state.accountServiceProviderSid as string | undefined;
    try {
      const list = (maxAge?: number) => ofOwner(jambonz, owner, maxAge);
      const noun = collection(owner).slice(1);
      const row = await jambonz.object({ noun, column: "speech_credential_sid", list }, sid, options);
      if (row) return { ...live(row, state), ...(provider ? {} : await jambonz.ownership(owner)) };
    } catch (error) {
      // To ask for those of an account that is gone is an error of the platform's code.
      if (!(accountSid && error instanceof RefusedError) || (await jambonz.account(accountSid, provider, 0))) throw error;
      return undefined;
    }
    if (accountSid) await jambonz.account(accountSid, provider);
    if (serviceProviderSid) await jambonz.mustSee(serviceProviderSid);
    return undefined;
  },

  unlisted: "jambonz:SpeechCredential: jambonz lists no credentials that belong to nobody",

  async list(jambonz, progress) {
    const rows = await jambonz.ofEveryOwner("SpeechCredentials", progress);
    return rows
      .filter(({ owner, row }) => isOf(owner, row))
      .map(({ owner, row }) => ({
        id: idOf(owner, row.speech_credential_sid),
        live: found(row),
        label: [row.vendor, row.label].filter(Boolean).join(" "),
      }));
  },

  async update(jambonz, id, changes, inputs) {
    const { owner, sid } = parse(id);
    const path = `${collection(owner)}/${sid}`;
    // Whoever may not change it is answered as if it had been changed, so that is asked before.
    await jambonz.get(path);
    const sentAt = Date.now();
    await jambonz.put(path, toRow({ ...changes, ...changeable(inputs), ...usesOf(inputs) }));
    // What goes wrong beyond the two uses is only written into the platform's log.
    const row = await jambonz.get(path).catch((trouble: Error) => {
      throw new UnansweredError(
        `jambonz answered that it was changed, but it could not be seen whether it was (${trouble.message})`,
        sentAt,
      );
    });
    const sent = Object.fromEntries(Object.entries(inputs).filter(([name]) => name in changes));
    if (holds(row, inputs, sent)) return;
    const which = Object.keys(changes).join(", ");
    throw new UnansweredError(`jambonz answered that it was changed, but ${which} may be as before; refresh to see`, sentAt);
  },

  async delete(jambonz, id) {
    const { owner, sid } = parse(id);
    await jambonz.delete(`${collection(owner)}/${sid}`);
  },
});

const TAKEN_ELSEWHERE =
  "a credential of the same vendor has this label already, of another account of the service provider; choose another label";

const isLabelTaken = ({ status, reason }: RefusedError) => status === 422 && reason.startsWith("Label ");

/** Whether another credential than one, among those that its account or service provider is shown, has the label. */
async function taken(
  jambonz: Jambonz,
  { accountSid, serviceProviderSid, vendor, label }: Owner & { vendor: string; label?: string },
  except?: string,
): Promise<Refusal | undefined> {
  if (!label) return undefined;
  const rows = await jambonz.list(collection({ accountSid, serviceProviderSid }), 0);
  const row = rows.find(
    (row) => isSameName(row.vendor, vendor) && isSameName(row.label, label) && row.speech_credential_sid !== (except && parse(except).sid),
  );
  if (!row) return undefined;
  const holder = idOf(ownerIn(row), row.speech_credential_sid);
  const what = "a credential of the same vendor has this label already";
  return alreadyThere(jambonz, "jambonz:SpeechCredential", holder, what, ", or choose another label");
}

const usesOf = ({ useForTts = false, useForStt = false }: Properties) => ({ useForTts, useForStt });

const collection = (owner: Owner) => `/${ownerPath(owner)}SpeechCredentials`;

const idOf = (owner: Owner, credentialSid: unknown) => `${ownerPath(owner)}SpeechCredentials/${String(credentialSid)}`;

function parse(id: string): { owner: Owner; sid: string } {
  const { owner, rest } = splitOwner(id);
  return { owner, sid: rest.slice("SpeechCredentials/".length) };
}

/** Those of an owner; the platform shows an account those of its service provider besides. */
async function ofOwner(jambonz: Jambonz, owner: Owner, maxAge?: number): Promise<Row[]> {
  return (await jambonz.list(collection(owner), maxAge)).filter((row) => isOf(owner, row));
}

/** A row in the words of programs; secrets are as the platform shows them. */
function found(row: Row): Properties {
  const members = fromOwnedRow(speechCredential.inputs, row);
  // A token that was left out is stored as an empty one.
  const given = Object.fromEntries(Object.entries(members).filter(([, value]) => value !== ""));
  return { ...UNUSED, ...given, sid: row.speech_credential_sid };
}

/** Whether a row holds this part of what was sent. */
const holds = (row: Row, sent: Properties, part: Properties): boolean => isAsSent(speechCredential.inputs, live(row, sent), part);

/** @param expected what state holds, or what was sent */
const live = (row: Row, expected: Properties): Properties => recognized(found(row), expected);
