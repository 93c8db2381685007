import { Router } from "express";
import type { Database } from "../database";
import { applicationList } from "./applications";
import { hasAccountPermissions, mustOwnAccount, serviceProviderOf, type Authenticated, type User } from "./auth";
import { obscureCredential, readCredential, writeCredential } from "./bucket-credentials";
import { carrierList } from "./carriers";
import type { Context } from "./context";
import { badRequest, failure, forbidden } from "./errors";
import { accountLimits } from "./limits";
import { asText, make, retrieve, update, type Body } from "./model";
import { select, type Criteria, type Shown } from "./rows";
import { webhookSecret } from "./secrets";
import { sidInUrl } from "./sids";
import { isRealm, sipRealms } from "./sip-realms";
import { speechCredentials } from "./speech-credentials";
import { replaceHook, makeHooks, removeUnusedHook } from "./webhooks";

const hooks = ["registration_hook", "queue_event_hook"];

/** Accounts as lists show them: with their bucket credentials in clear. */
export async function listAccounts(db: Database, criteria: Criteria): Promise<Shown[]> {
  const accounts = await select(db, "accounts", criteria, { hooks });
  return accounts.map((account) => ({ ...account, bucket_credential: readCredential(account["bucket_credential"]) }));
}

/** jambonz-api-server 0.9.6, lib/routes/api/accounts.js */
export function accounts(context: Context): Router {
  const { db } = context;
  const router = Router();

  router.use("/:sid/SpeechCredentials", hasAccountPermissions(db), speechCredentials(context));
  router.use("/:sid/SipRealms", hasAccountPermissions(db), sipRealms(context));
  router.use("/:sid/Limits", hasAccountPermissions(db), accountLimits(context));

  router.get("/:sid/Applications", async (request, response: Authenticated) => {
    const account_sid = sidInUrl(request, "Accounts") ?? null;
    await mustOwnAccount(db, response.locals.user, account_sid);
    // Here, a name is looked at only together with a page.
    const name = request.query["page"] === undefined ? undefined : request.query["name"];
    await applicationList(db, request, response, { "t.account_sid = ?": account_sid }, name);
  });

  router.get("/:sid/VoipCarriers", async (request, response: Authenticated) => {
    const account_sid = sidInUrl(request, "Accounts") ?? null;
    await mustOwnAccount(db, response.locals.user, account_sid);
    await carrierList(db, request, response, { account_sid });
  });

  router.post("/:sid/VoipCarriers", async (request, response: Authenticated) => {
    const { user } = response.locals;
    const account_sid = sidInUrl(request, "Accounts");
    await mustOwnAccount(db, user, account_sid);
    // The service provider is looked up by the token's account, which only an account's token has.
    const service_provider_sid = await serviceProviderOf(db, user.account_sid);
    if (!service_provider_sid) throw failure("Cannot read properties of undefined (reading 'service_provider_sid')");
    const sid = await make(db, "voip_carriers", { account_sid, service_provider_sid, ...(request.body as Body) });
    response.status(201).json({ sid });
  });

  router.put("/:sid/VoipCarriers/:carrier", async (request, response: Authenticated) => {
    await mustOwnAccount(db, response.locals.user, sidInUrl(request, "Accounts"));
    const updated = await update(db, "voip_carriers", sidInUrl(request, "VoipCarriers")!, request.body as Body);
    response.sendStatus(updated ? 204 : 404);
  });

  router.get("/:sid/ApiKeys", async (request, response: Authenticated) => {
    const { user } = response.locals;
    const account_sid = sidInUrl(request, "Accounts") ?? null;
    await mustOwnAccount(db, user, account_sid);
    response.json(await db.select("api_keys", { account_sid }));
    await noteKeyUse(db, user);
  });

  router.get("/:sid/WebhookSecret", async (request, response: Authenticated) => {
    const sid = sidInUrl(request, "Accounts");
    await mustOwnAccount(db, response.locals.user, sid);
    const account = await retrieve(db, "accounts", sid);
    if (!account) return void response.status(404).end();
    // Any value regenerates, "false" too.
    const webhook_secret = request.query["regenerate"] ? webhookSecret() : account["webhook_secret"];
    if (webhook_secret !== account["webhook_secret"]) await update(db, "accounts", sid!, { webhook_secret });
    response.json({ webhook_secret });
  });

  router.post("/", async (request, response: Authenticated) => {
    const body: Body = { ...(request.body as Body) };
    await mayAdd(db, response.locals.user, body);
    body["webhook_secret"] = webhookSecret();
    const withUrl = hooks.filter((hook) => (body[hook] as Body | null | undefined)?.["url"]);
    for (const hook of hooks) if (!withUrl.includes(hook)) delete body[hook];
    await makeHooks(db, body, withUrl);
    lowerCaseRealm(body);
    response.status(201).json({ sid: await make(db, "accounts", body) });
  });

  router.get("/", async (_request, response: Authenticated) => {
    const { scope, account_sid, service_provider_sid } = response.locals.user;
    response.json(
      await listAccounts(db, {
        "t.account_sid = ?": scope === "account" ? account_sid : undefined,
        "t.service_provider_sid = ?": scope === "serviceProvider" ? service_provider_sid : undefined,
      }),
    );
  });

  router.get("/:sid", async (request, response: Authenticated) => {
    const sid = sidInUrl(request, "Accounts") ?? null;
    await mustOwnAccount(db, response.locals.user, sid);
    const [account] = await listAccounts(db, { "t.account_sid = ?": sid });
    if (!account) return void response.status(404).end();
    response.json({ ...account, bucket_credential: obscureCredential(account["bucket_credential"] as Shown | null) });
  });

  router.put("/:sid", async (request, response: Authenticated) => {
    const { user } = response.locals;
    const sid = sidInUrl(request, "Accounts")!;
    await mustOwnAccount(db, user, sid);
    const body: Body = { ...(request.body as Body) };
    await changeHooks(db, body);
    if (user.scope === "account" && body["sip_realm"]) {
      throw badRequest("use POST /Accounts/:sid/sip_realm/:realm to set or change the sip realm");
    }
    const account = await retrieve(db, "accounts", sid);
    if (!account) throw badRequest(`account not found for sid ${sid}`);
    if (body["service_provider_sid"]) throw badRequest("service_provider_sid may not be modified");
    if (Object.keys(body).length > 0) {
      if ("bucket_credential" in body) {
        body["bucket_credential"] = writeCredential(body["bucket_credential"], readCredential(account["bucket_credential"]));
      }
      lowerCaseRealm(body);
      if ((await update(db, "accounts", sid, body)) === 0) return void response.status(404).end();
    }
    response.status(204).end();
    await noteKeyUse(db, user);
  });

  router.delete("/:sid", async (request, response: Authenticated) => {
    const sid = sidInUrl(request, "Accounts")!;
    await mustOwnAccount(db, response.locals.user, sid);
    await deleteAccount(context, sid);
    response.status(204).end();
  });

  return router;
}

async function mayAdd(db: Database, user: User, body: Body): Promise<void> {
  if (user.scope === "account") throw forbidden("insufficient permissions");
  if (user.scope === "serviceProvider") body["service_provider_sid"] = user.service_provider_sid;
  const serviceProvider = body["service_provider_sid"];
  if (serviceProvider && !(await retrieve(db, "service_providers", serviceProvider))) {
    throw badRequest(`service_provider not found for sid ${asText(serviceProvider)}`);
  }
  for (const hook of hooks) {
    if (body[hook] && typeof body[hook] !== "object") throw badRequest(`'${hook}' must be an object when adding an account`);
  }
}

/** An object with a URL makes a new webhook row each time; anything else clears the hook. */
async function changeHooks(db: Database, body: Body): Promise<void> {
  for (const hook of hooks) {
    if (!(hook in body)) continue;
    if (!(body[hook] as Body | null)?.["url"]) {
      delete body[hook];
      body[`${hook}_sid`] = null;
    } else {
      if ("webhook_sid" in (body[hook] as Body)) throw badRequest("primary key webhook_sid is immutable");
      await replaceHook(db, body, hook);
    }
  }
}

function lowerCaseRealm(body: Body): void {
  if (typeof body["sip_realm"] === "string") body["sip_realm"] = body["sip_realm"].toLowerCase();
}

/** Some requests note that the account's keys are in use, once a minute at most. */
async function noteKeyUse(db: Database, user: User): Promise<void> {
  if (user.scope !== "account") return;
  const aMinuteAgo = new Date(Date.now() - 60_000).toISOString();
  const keys = await db.select("api_keys", { account_sid: user.account_sid });
  for (const { api_key_sid, last_used } of keys) {
    if (!last_used || String(last_used) < aMinuteAgo) await db.update("api_keys", { last_used: new Date() }, { api_key_sid });
  }
}

/** What goes with an account, in jambonz's order, each by a statement of its own: a refusal half-way leaves the rest gone. */
async function deleteAccount({ db, dns }: Context, sid: string): Promise<void> {
  const account = await retrieve(db, "accounts", sid);
  if (!account) throw failure("Cannot destructure property 'sip_realm' of 'account[0]' as it is undefined.");
  const own = { account_sid: sid };
  if (dns !== "skipped" && (await db.count("dns_records", own)) > 0) {
    const realm = String(account["sip_realm"]);
    if (!isRealm(realm)) throw badRequest(`invalid sip_realm: ${realm}`);
    await db.delete("dns_records", own);
  }
  for (const table of ["api_keys", "speech_credentials", "users", "phone_numbers", "ms_teams_tenants"]) await db.delete(table, own);
  await db.deleteWhere("sip_gateways", " WHERE voip_carrier_sid IN (SELECT voip_carrier_sid FROM voip_carriers WHERE account_sid = ?)", [
    sid,
  ]);
  for (const table of ["voip_carriers", "applications", "accounts"]) await db.delete(table, own);
  await removeUnusedHook(db, "accounts", "registration_hook_sid", account);
  if (account["stripe_customer_id"]) throw failure("deleteCustomer is not a function");
}
