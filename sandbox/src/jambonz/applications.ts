import { Router, type Request, type Response } from "express";
import type { Database } from "../database";
import { serviceProviderOf, type Authenticated, type User } from "./auth";
import type { Context } from "./context";
import { badRequest, failure, forbidden, unprocessable } from "./errors";
import { asText, make, retrieve, update, type Body } from "./model";
import { answerList, inServiceProvider, select, type Criteria, type Shown } from "./rows";
import { sidInUrl } from "./sids";
import { removeUnusedHook, replaceHook, makeHooks } from "./webhooks";

const hooks = ["call_hook", "call_status_hook", "messaging_hook"];

const showVariables = (application: Shown): Shown => ({
  ...application,
  env_vars: application["env_vars"] && (JSON.parse(application["env_vars"] as string) as unknown),
});

/** Answers a list of applications; `name` is any part of one. The variables of an application show as an object or as stored. */
export function applicationList(
  db: Database,
  request: Request,
  response: Response,
  criteria: Criteria,
  name: unknown,
  variables: "object" | "stored" = "object",
): Promise<void> {
  const conditions = { ...criteria, "t.name LIKE ?": typeof name === "string" ? `%${name}%` : undefined };
  const show = variables === "object" ? { show: showVariables } : {};
  return answerList(db, request, response, "applications", conditions, { hooks, hookSids: true, ...show });
}

const own = ({ scope, account_sid, service_provider_sid }: User): Criteria => ({
  "t.account_sid = ?": scope === "account" ? account_sid : undefined,
  [inServiceProvider]: scope === "serviceProvider" ? service_provider_sid : undefined,
});

/** jambonz-api-server 0.9.6, lib/routes/api/applications.js */
export function applications({ db }: Context): Router {
  const router = Router();

  router.post("/", async (request, response: Authenticated) => {
    const { user } = response.locals;
    const body: Body = { ...(request.body as Body) };
    if (user.account_sid) body["account_sid"] = user.account_sid;
    else if (user.scope === "serviceProvider") {
      if (!body["account_sid"]) throw badRequest("missing required field: 'account_sid'");
      if ((await serviceProviderOf(db, body["account_sid"])) !== user.service_provider_sid) throw forbidden();
    }
    for (const hook of ["call_hook", "call_status_hook"]) checkHook(body, hook, "adding");
    await makeHooks(db, body, hooks);
    checkVerbs(body);
    storeVariables(body);
    response.status(201).json({ sid: await make(db, "applications", body) });
  });

  router.get("/", async (request, response: Authenticated) => {
    await applicationList(db, request, response, own(response.locals.user), request.query["name"]);
  });

  router.get("/:sid", async (request, response: Authenticated) => {
    const criteria = { "t.application_sid = ?": sidInUrl(request, "Applications") ?? null, ...own(response.locals.user) };
    const [application] = await select(db, "applications", criteria, { hooks, hookSids: true });
    if (application) response.json(showVariables(application));
    else response.status(404).end();
  });

  router.put("/:sid", async (request, response: Authenticated) => {
    const { user } = response.locals;
    const sid = sidInUrl(request, "Applications")!;
    const body: Body = { ...(request.body as Body) };
    const application = await retrieve(db, "applications", sid);
    if (user.scope === "account" && application?.["account_sid"] !== user.account_sid) throw forbidden();
    if (user.scope === "serviceProvider") await mustServe(db, user, application);
    else for (const hook of ["call_hook", "call_status_hook"]) if (hook in body) checkHook(body, hook, "updating");
    for (const hook of hooks) {
      if (!(hook in body)) continue;
      if (Object.keys(body[hook] as object).length > 0) await replaceHook(db, body, hook);
      else delete body[hook];
    }
    checkVerbs(body);
    if (body["env_vars"] && !application) throw failure("Cannot read properties of undefined (reading 'call_hook')");
    storeVariables(body);
    response.status((await update(db, "applications", sid, body)) ? 204 : 404).end();
  });

  router.delete("/:sid", async (request, response: Authenticated) => {
    const { user } = response.locals;
    const sid = sidInUrl(request, "Applications")!;
    const application = await retrieve(db, "applications", sid);
    if (user.scope === "account") {
      if (!application) throw badRequest("application does not exist");
      if (application["account_sid"] !== user.account_sid) throw unprocessable("insufficient permissions");
    }
    // A service provider is not asked about numbers: they hold the application back by their foreign key.
    if (user.scope === "serviceProvider") await mustServe(db, user, application);
    else if ((await db.count("phone_numbers", { application_sid: sid })) > 0) {
      throw unprocessable("cannot delete application with phone numbers");
    }
    if (!application) throw failure("Cannot destructure property 'call_hook_sid' of 'application[0]' as it is undefined.");
    await db.delete("applications", { application_sid: sid });
    for (const hook of hooks) await removeUnusedHook(db, "applications", `${hook}_sid`, application);
    response.status(204).end();
  });

  return router;
}

async function mustServe(db: Database, user: User, application: Shown | undefined): Promise<void> {
  if (!application) throw failure("Cannot read properties of undefined (reading 'account_sid')");
  if ((await serviceProviderOf(db, application["account_sid"])) !== user.service_provider_sid) {
    throw forbidden("insufficient permissions");
  }
}

function checkHook(body: Body, hook: string, doing: string): void {
  const value = body[hook];
  if (value && typeof value !== "object") throw badRequest(`'${hook}' must be an object when ${doing} an application`);
  if (!value) throw failure(`Cannot read properties of ${String(value)} (reading 'url')`);
  const { url } = value as { url?: unknown };
  // The texts of these refusals but the third are the sandbox's own: no recording shows them.
  if (typeof url !== "string" || url.trim() !== url) throw badRequest(`${hook} URL is missing or has surrounding whitespace`);
  const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: "", hostname: "" };
  if (!/^(https?|wss?):$/.test(protocol)) throw badRequest(`${hook} URL has missing or invalid protocol ${protocol}`);
  if (/[_[]/.test(hostname)) throw badRequest(`${hook} URL has an invalid hostname ${hostname}`);
}

const verbs = new Set(
  (
    "alert answer conference config dequeue dial dialogflow dtmf dub enqueue gather hangup leave lex listen llm message pause play " +
    "rasa redirect rest:dial say sip:decline sip:refer sip:request stream tag transcribe"
  ).split(" "),
);

/** `app_json` is a JSON text of verbs; anything else is first made a text. */
function checkVerbs(body: Body): void {
  if (!body["app_json"]) return;
  const script: unknown = JSON.parse(asText(body["app_json"]));
  if (!Array.isArray(script)) throw badRequest("Error: app_json must be an array of verbs");
  const unknown = (script as { verb?: string }[]).find(({ verb }) => !verbs.has(String(verb)));
  if (unknown) throw badRequest(`Error: invalid instruction: ${String(unknown.verb)}`);
}

/** jambonz asks the call hook for a schema first; what does not answer is taken to have none, and here nothing is asked. */
function storeVariables(body: Body): void {
  if (body["env_vars"]) body["env_vars"] = JSON.stringify(body["env_vars"]);
}
