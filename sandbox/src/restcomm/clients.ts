import { Router } from "express";
import type { Row } from "../database";
import { answer, columns, formOf, named, record, type Form } from "./answers";
import { accountInPath, type Authenticated } from "./auth";
import type { Context } from "./context";
import { badRequest, missing, Refusal } from "./errors";
import { checkPassword, md5 } from "./passwords";
import { newSid, type Store } from "./store";

const parameters = named("FriendlyName", "VoiceUrl", "VoiceMethod", "VoiceFallbackUrl", "VoiceFallbackMethod", "VoiceApplicationSid");

/** Restcomm-Connect, ClientsEndpoint. Members that are null are left out of its answers. */
export function clients(context: Context): Router {
  const { store } = context;
  const router = Router({ mergeParams: true });
  const found = async (accountSid: string, sid: string) => {
    const row = await store.first("clients", { sid, account_sid: accountSid });
    if (!row) throw missing();
    return row;
  };

  router.get("/", async (request, response: Authenticated) => {
    const { sid } = await accountInPath(context, response, accountSid(request));
    const rows = await store.shown("clients", { account_sid: sid! }, response.locals.isOutside);
    answer(response, "Clients", rows.map(toRecord));
  });

  router.post("/", async (request, response: Authenticated) => {
    const account = await accountInPath(context, response, accountSid(request));
    const form = formOf(request);
    if (!form["Login"]) throw badRequest("Login can not be null.");
    if (/[?=@]/.test(form["Login"])) throw badRequest("Login contains invalid characters.");
    if (!form["Password"]) throw badRequest("Password can not be null.");
    checkPassword(form["Password"], "json");
    const existing = await store.first("clients", { login: form["Login"] });
    if (existing && existing["account_sid"] !== account["sid"]) throw new Refusal(409, "The login is in use by another account.");
    // An existing login of the same account is answered as if it had been made just now, unchanged.
    answer(response, "Client", toRecord(existing ?? (await newClient(store, String(account["sid"]), form))));
  });

  router.get("/:sid", async (request, response: Authenticated) => {
    await accountInPath(context, response, accountSid(request));
    const where = { sid: request.params.sid, account_sid: accountSid(request) };
    const [row] = await store.shown("clients", where, response.locals.isOutside);
    if (!row) throw missing();
    answer(response, "Client", toRecord(row));
  });

  for (const method of ["put", "post"] as const) {
    router[method]("/:sid", async (request, response: Authenticated) => {
      await accountInPath(context, response, accountSid(request));
      const row = await found(accountSid(request), request.params.sid);
      const form = formOf(request);
      if (form["Password"] !== undefined) checkPassword(form["Password"], "json");
      const change = { ...columns(form, parameters), ...credentials({ ...form, Login: String(row["login"]) }) };
      answer(response, "Client", toRecord(await store.update("clients", request.params.sid, change)));
    });
  }

  router.delete("/:sid", async (request, response: Authenticated) => {
    await accountInPath(context, response, accountSid(request));
    await found(accountSid(request), request.params.sid);
    await store.delete("clients", request.params.sid);
    response.status(200).end();
  });

  return router;
}

export const accountSid = (request: { params: unknown }): string => (request.params as { accountSid: string }).accountSid;

export function newClient(store: Store, account: string, form: Form): Promise<Row> {
  return store.insert("clients", {
    sid: newSid("CL"),
    account_sid: account,
    login: form["Login"],
    friendly_name: form["Login"],
    ...columns(form, parameters),
    ...credentials(form),
  });
}

/** The password is kept as a digest; a status that is no number becomes 1 without a word. */
function credentials({ Login, Password, Status }: Form): Record<string, unknown> {
  return {
    ...(Password !== undefined && { password: digest(Login!, Password) }),
    ...(Status !== undefined && { status: Status === "0" ? "0" : "1" }),
  };
}

export const digest = (login: string, password: string): string => md5(`${login}:sandbox.restcomm.com:${password}`);

function toRecord(row: Row): Row {
  const told = record(row, `/2012-04-24/Accounts/${row["account_sid"]}/Clients/${row["sid"]}.json`);
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== null));
}
