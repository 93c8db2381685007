import { z } from "zod";
import { RefusedError, UnansweredError, UnfinishedError, UserError } from "../errors";
import { askEach } from "../progress";
import { resource, type Properties, type Refusal } from "../resource";
import { isAbsent, marks } from "../values";
import { fromOwnedRow, isAsSent, none, toRow, type Jambonz, type Row } from "./client";
import { alreadyThere, createUnique, isDuplicate } from "./names";
import { accountServiceProviderSid, exactlyOneOwner, sid, text, unseen } from "./types";
import { isWithoutUsers, usersOf } from "./uses";

const LIST = "/Users";

/** A person who signs in to jambonz's portal. */
export const user = resource<Jambonz>()({
  type: "jambonz:User",
  description:
    "A person who signs in to jambonz's portal: of an account, of a service provider, or an administrator of the whole platform. Programs sign in with an ApiKey.",
  example: {
    title: "Somebody who may look at an account, and changes the password when signing in first",
    resources: {
      acme: { type: "jambonz:Account", properties: { sipRealm: "acme.sip.example.com" } },
      ann: {
        type: "jambonz:User",
        properties: {
          accountSid: "${acme.sid}",
          email: "ann@acme.example.com",
          initialPassword: "${annPassword}",
          forceChange: true,
          isViewOnly: true,
        },
      },
    },
  },
  idFormat: "<user sid>",
  sidFromId: "whole",
  deleteBeforeReplace: true, // names and addresses are unique
  onDelete: "Deletes the user, who can no longer sign in. jambonz does not delete its last active administrator.",
  inputs: exactlyOneOwner(
    {
      name: text.min(1).max(255).describe("The name with which the user signs in; unique on the platform.").meta({ defaultsToName: true }),
      accountSid: sid
        .optional()
        .describe("The account whose user it is.")
        .meta({ replaceOnChanges: true, refersTo: "jambonz:Account", holdsBack: true }),
      serviceProviderSid: sid.optional().describe("The service provider whose user it is.").meta({ replaceOnChanges: true }),
      admin: z
        .boolean()
        .refine((admin) => admin, { error: "may only be true; leave it out for any other user" })
        .optional()
        .describe("Makes an administrator of the whole platform.")
        .meta({ replaceOnChanges: true }),
      email: z.email({ error: "must be an e-mail address" }).max(255).describe("The e-mail address; unique on the platform."),
      initialPassword: text
        .min(8)
        .optional()
        .describe(
          "The password with which the user signs in at first; needed for a new user. jambonz takes 8 to 20 characters where nobody has set other rules. Where the program says another one, the user's password is set to that, whatever the user has chosen meanwhile. jambonz never shows one: leave it out for a user who was imported, and the password stays.",
        )
        .meta({ secret: true, writeOnly: true, neededToCreate: true }),
      forceChange: z
        .boolean()
        .optional()
        .describe(
          "Whether the user has to choose another password at the next sign-in, which ends it. Sent when it changes here, and with each new initialPassword. Default: false.",
        )
        .meta({ platformDefault: false, writeOnly: true }),
      isActive: z.boolean().optional().describe("Whether the user may sign in. Default: true.").meta({ platformDefault: true }),
      isViewOnly: z
        .boolean()
        .optional()
        .describe("Whether the user may look at things only. Default: false.")
        .meta({ platformDefault: false }),
    },
    "admin",
  ),
  outputs: z.object({ sid: sid.describe("The user's sid."), accountServiceProviderSid }),

  refuseReplace: (_state, { initialPassword }) => (isAbsent(initialPassword) ? PASSWORD_NEEDED : undefined),

  async refuseCreate(jambonz, inputs, { replacing }) {
    const { admin } = inputs;
    if (!admin && !(await jambonz.seenProviderOf(inputs))) return { reason: unseen(inputs) };
    // With another key than an administrator's jambonz would make a user of the key's owner without a word (lib/routes/api/users.js).
    if (admin && (await jambonz.scope()) !== "admin") return { reason: "only an admin's key makes administrators" };
    // The platform itself refuses a name that is taken, or a password, which is too late where the old one goes first.
    if (replacing) return (await taken(jambonz, inputs, replacing, inputs)) ?? refusedPassword(jambonz, inputs.initialPassword);
    return inputs.initialPassword === undefined ? { reason: PASSWORD_NEEDED } : undefined;
  },

  async create(jambonz, { admin: _, ...inputs }) {
    // A user of an account without its service provider is an administrator to jambonz (lib/routes/api/login.js).
    const serviceProviderSid = inputs.accountSid ? await jambonz.seenProviderOf(inputs) : inputs.serviceProviderSid;
    const before = await atFirst(jambonz);
    const sentAt = Date.now();
    const create = () =>
      createUnique(jambonz, {
        path: LIST,
        row: toRow({ ...inputs, serviceProviderSid }),
        sid: "user_sid",
        accountSid: inputs.accountSid,
        isRefusal: isDuplicate,
        inTheWay: () => taken(jambonz, inputs, undefined, inputs),
      });
    return jambonz.turns.take(LIST, create).catch(async (error: unknown) => {
      // Where its database lacks the right to look only, jambonz fails when the user is there already (lib/routes/api/users.js).
      if (!(error instanceof RefusedError && error.status === 500 && error.lostAt === undefined)) throw error;
      const rows = await usersOf(jambonz, 0).catch(() => {
        throw new UnansweredError(error.message, sentAt, false, error); // whoever looks again is told
      });
      const row = rows.find((row) => isNamed(inputs, row) && !before.has(String(row.user_sid)));
      if (!row) throw error;
      throw new UnfinishedError(`the user was made, but then jambonz failed: ${error.reason}`, String(row.user_sid), {
        sid: row.user_sid,
        [marks.unsure]: ["isViewOnly"],
      });
    });
  },

  existing: atFirst,

  async find(jambonz, inputs) {
    const rows = (await usersOf(jambonz, 0)).filter((row) => isNamed(inputs, row));
    const ownership = await jambonz.ownership(inputs);
    return Promise.all(
      rows.map(async ({ user_sid }) => ({
        id: String(user_sid),
        outputs: { sid: user_sid, ...ownership },
        isOtherwise: !holds(await jambonz.get(`${LIST}/${String(user_sid)}`), inputs),
      })),
    );
  },

  async read(jambonz, id, { accountServiceProviderSid: known }) {
    // One that the key may not see is in no list, and is answered otherwise. Something in between would hardly say this twice.
    const row = (await shown(jambonz, id)) ?? (await shown(jambonz, id));
    return row && { ...live(row), ...(known ? {} : await jambonz.ownership({ accountSid: row.account_sid as string | undefined })) };
  },

  unlisted: "jambonz:User: administrators are left out, because every jambonz has one that no program knows",

  async list(jambonz, progress) {
    const rows = (await usersOf(jambonz)).filter(({ scope }) => scope !== "admin");
    const whole = await askEach(rows, progress, ({ user_sid }) => jambonz.get(`${LIST}/${String(user_sid)}`));
    return whole.map((row) => ({ id: String(row.user_sid), live: live(row), label: String(row.name) }));
  },

  async update(jambonz, id, { initialPassword, ...others }, inputs) {
    // A password that the program does not say any more stays.
    const changes: Properties = initialPassword === null || initialPassword === undefined ? others : { ...others, initialPassword };
    if (Object.keys(changes).length === 0) return;
    // jambonz asks the holder of a key whose user it is only here, and whether a name is taken only of a new user.
    const { is_view_only: isViewOnly } = await jambonz.get(`${LIST}/${id}`);
    await jambonz.turns.take(LIST, async () => {
      const refusal = "name" in changes || "email" in changes ? await taken(jambonz, inputs, id, changes) : undefined;
      if (refusal) throw new UserError(refusal.reason);
      // Somebody knows the password that the program says now.
      const { name, forceChange } = inputs;
      const again = "initialPassword" in changes && forceChange !== undefined ? { forceChange } : {};
      const sentAt = Date.now();
      // Without a name an update that takes something away is none, and without the right to look only, that is taken away.
      await jambonz.put(`${LIST}/${id}`, toRow({ isViewOnly, ...again, ...changes, name })).catch((error: unknown) => {
        // The right to look only is set last, and may fail when the rest is changed (lib/routes/api/users.js).
        throw error instanceof RefusedError && error.status === 500 ? error.after(error.lostAt ?? sentAt) : error;
      });
    });
  },

  async delete(jambonz, id) {
    await jambonz.delete(`${LIST}/${id}`).catch((error: unknown) => {
      if (!(error instanceof RefusedError && error.status === 400 && error.reason === "Bad request")) throw error;
      throw error.because("it is the last active administrator");
    });
  },
});

async function shown(jambonz: Jambonz, id: string): Promise<Row | undefined> {
  try {
    return await jambonz.get(`${LIST}/${id}`);
  } catch (error) {
    // One that is gone is an error of the platform's code, as is much else: the list tells.
    if (!(error instanceof RefusedError && [404, 500].includes(error.status))) throw error;
    if ((await usersOf(jambonz, 0)).some(({ user_sid }) => user_sid === id)) throw error;
    return undefined;
  }
}

/** The sids of those that were there when this run first asked. */
async function atFirst(jambonz: Jambonz): Promise<Set<string>> {
  const rows = await jambonz.atFirst(LIST).catch(none(isWithoutUsers));
  return new Set(rows.map(({ user_sid }) => String(user_sid)));
}

/**
 * Whether another user than one has the name or the address, as far as the key in use sees. jambonz compares them letter by
 * letter (lib/routes/api/users.js).
 *
 * @param among what of the two is asked about
 */
async function taken(
  jambonz: Jambonz,
  { name, email }: { name: string; email: string },
  except: string | undefined,
  among: Properties,
): Promise<Refusal | undefined> {
  const rows = (await usersOf(jambonz, 0)).filter(({ user_sid }) => user_sid !== except);
  const namesake = "name" in among ? rows.find((row) => row.name === name) : undefined;
  const row = namesake ?? ("email" in among ? rows.find((row) => row.email === email) : undefined);
  if (!row) return undefined;
  const what = `a user has ${namesake ? `the name ${name}` : `the address ${email}`} already`;
  const otherwise = ", or choose another; if the program gives that user another one in this run, or removes it, deploy that first";
  return alreadyThere(jambonz, "jambonz:User", String(row.user_sid), what, otherwise);
}

const PASSWORD_NEEDED = "initialPassword is required for a new user";

/** Why jambonz would refuse a password, by the rules that it has (lib/routes/api/users.js). */
async function refusedPassword(jambonz: Jambonz, password: string | undefined): Promise<Refusal | undefined> {
  if (password === undefined) return { reason: PASSWORD_NEEDED };
  const { min_password_length, require_digit: digit, require_special_character: special } = await jambonz.get("/PasswordSettings");
  const least = Number(min_password_length ?? 8);
  const wrong =
    (password.length < least && `has fewer than ${least} characters`) ||
    // It says what a password needs only where somebody has set it.
    (digit === undefined && password.length > 20 && "has more than 20 characters") ||
    (digit === 1 && !/\d/.test(password) && "has no digit") ||
    (special === 1 && !/[!-/:-@[-`{-~]/.test(password) && "has no special character");
  return wrong ? { reason: `initialPassword ${wrong}` } : undefined;
}

const isNamed = (inputs: { name: string; email: string }, row: Row) => row.name === inputs.name && row.email === inputs.email;

const holds = (row: Row, sent: Properties): boolean => isAsSent(user.inputs, live(row), sent);

/** Whose user it is shows in which sids it has. */
function live(row: Row): Properties {
  return { ...fromOwnedRow(user.inputs, row, ownerOf(row)), sid: row.user_sid };
}

/** One of an account without its service provider is an administrator to jambonz. */
function ownerOf({ account_sid, service_provider_sid }: Row): Properties {
  if (typeof service_provider_sid !== "string") return { admin: true };
  return typeof account_sid === "string" ? { accountSid: account_sid } : { serviceProviderSid: service_provider_sid };
}
