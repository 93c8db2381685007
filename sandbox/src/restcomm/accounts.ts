import { Router } from "express";
import { now, type Row } from "../database";
import { answer, columns, date, formOf, named, pascal, record, type Form } from "./answers";
import { mayActOn, type Authenticated } from "./auth";
import { digest, newClient } from "./clients";
import type { Context } from "./context";
import { badRequest, failure, forbidden, missing, Refusal } from "./errors";
import { checkPassword, md5 } from "./passwords";
import type { Store } from "./store";

const statuses = ["active", "suspended", "closed", "inactive", "uninitialized"];
const roles = ["Administrator", "Developer", "ProvisioningAgent"];
/** Accounts stand in at most so many levels. */
const levels = 3;
const subresources = "available_phone_numbers calls conferences incoming_phone_numbers notifications outgoing_caller_ids recordings";

/** Restcomm-Connect, AccountsEndpoint. There is no DELETE: closing an account is for ever, and its record stays. */
export function accounts(context: Context): Router {
  const { store } = context;
  const router = Router();

  router.get("/", async (_request, response: Authenticated) => {
    const { caller, isOutside } = response.locals;
    const rows = await store.shown("accounts", { parent_sid: caller["sid"] }, isOutside);
    answer(response, "Accounts", rows.map(toRecord));
  });

  router.post("/", async (request, response: Authenticated) => {
    const { caller } = response.locals;
    if (caller["role"] !== "Administrator") throw forbidden();
    answer(response, "Account", toRecord(await create(store, caller, formOf(request))));
  });

  router.get("/:id", async (request, response: Authenticated) => {
    const found = await lookUp(store, request.params.id);
    if (!found) throw failure();
    await mayActOn(context, response, found, true);
    const [row] = await store.shown("accounts", { sid: found["sid"]! }, response.locals.isOutside);
    if (!row) throw missing();
    response.set("Link", `</restcomm/2012-04-24/Profiles/PRae6e420f425248d6a26948c17a9e2acf>; rel="related"`);
    answer(response, "Account", toRecord(row));
  });

  for (const method of ["put", "post"] as const) {
    router[method]("/:id", async (request, response: Authenticated) => {
      const found = await lookUp(store, request.params.id);
      if (!found) throw missing();
      await mayActOn(context, response, found, true);
      const row = await update(store, response.locals.caller, found, formOf(request));
      // Its builder starts anew for each update, so the answer says that the account was created just now.
      answer(response, "Account", { ...toRecord(row), date_created: date(now()) });
    });
  }

  return router;
}

/** By sid; anything else is taken for a friendly name first and for an e-mail address then (MybatisAccountsDao). */
async function lookUp(store: Store, id: string): Promise<Row | undefined> {
  if (/^AC[a-zA-Z0-9]{32}$/.test(id)) return store.first("accounts", { sid: id });
  return (await store.first("accounts", { friendly_name: id })) ?? store.first("accounts", { email_address: id.toLowerCase() });
}

/** The sid is computed from the e-mail address, so no address can be used twice, not even after its account was closed. */
export const sidOf = (emailAddress: string): string => `AC${md5(emailAddress.toLowerCase())}`;

async function create(store: Store, caller: Row, form: Form): Promise<Row> {
  const { EmailAddress: email, Password: password, Status: status = "active", Role: role } = form;
  if (!email) throw badRequest("EmailAddress can not be null.");
  if (!/^[^\s@?=]+@[^\s@]+\.[^\s@]+$/.test(email)) throw badRequest("EmailAddress is not valid.");
  if (!password) throw badRequest("Password can not be null.");
  checkPassword(password, "reasonPhrase");
  if (!statuses.includes(status.toLowerCase())) throw badRequest("Status is not valid.");
  if (role !== undefined && !roles.includes(role)) throw badRequest("Role is not valid.");
  let level = 1;
  for (let at: Row | undefined = caller; at; at = await store.first("accounts", { sid: at["parent_sid"] })) level++;
  if (level > levels) throw badRequest("The maximum of sub-accounts' levels is reached.");
  const sid = sidOf(email);
  if (await store.first("accounts", { sid })) throw new Refusal(409, "Email address used is already in use by another account.");
  const row = await store.insert("accounts", {
    sid,
    parent_sid: caller["sid"],
    organization: caller["organization"],
    friendly_name: form["FriendlyName"] ?? email.toLowerCase(),
    email_address: email.toLowerCase(),
    status: status.toLowerCase(),
    role: role ?? caller["role"],
    auth_token: md5(password),
  });
  const login = email.split("@")[0]!;
  if (!(await store.first("clients", { login })))
    await newClient(store, sid, { Login: login, Password: password, FriendlyName: String(row["friendly_name"]) });
  return row;
}

async function update(store: Store, caller: Row, account: Row, form: Form): Promise<Row> {
  const sid = String(account["sid"]);
  if (account["status"] === "closed") throw badRequest("Account is closed", "reasonPhrase");
  const change = columns(form, named("FriendlyName"));
  if (form["Password"] !== undefined) {
    checkPassword(form["Password"], "reasonPhrase");
    change["auth_token"] = md5(form["Password"]);
    if (account["status"] === "uninitialized") change["status"] = "active";
  }
  if (form["Role"] !== undefined) {
    if (caller["role"] !== "Administrator") throw forbidden();
    if (!roles.includes(form["Role"])) throw failure();
    change["role"] = form["Role"];
  }
  if (form["Status"] !== undefined) {
    const status = form["Status"].toLowerCase();
    if (!statuses.includes(status)) throw failure();
    change["status"] = status;
    for (const descendant of await below(store, sid)) await setStatus(store, descendant, status);
    if (status === "closed") await removeContents(store, sid);
  }
  // The client that was made along with the account follows it.
  const login = String(account["email_address"]).split("@")[0]!;
  const linked = await store.first("clients", { account_sid: sid, login });
  if (linked && (form["FriendlyName"] ?? form["Password"]) !== undefined) {
    await store.update("clients", String(linked["sid"]), {
      friendly_name: form["FriendlyName"] ?? linked["friendly_name"],
      ...(form["Password"] !== undefined && { password: digest(login, form["Password"]) }),
    });
  }
  return store.update("accounts", sid, change);
}

async function below(store: Store, sid: string): Promise<string[]> {
  const children = (await store.select("accounts", { parent_sid: sid })).map((row) => String(row["sid"]));
  return [...children, ...(await Promise.all(children.map((child) => below(store, child)))).flat()];
}

async function setStatus(store: Store, sid: string, status: string): Promise<void> {
  const account = await store.first("accounts", { sid });
  if (account?.["status"] === "closed") return;
  await store.update("accounts", sid, { status });
  if (status === "closed") await removeContents(store, sid);
}

/** What goes with a closed account; the account's own record stays. */
async function removeContents(store: Store, sid: string): Promise<void> {
  for (const table of ["clients", "incoming_phone_numbers", "applications"] as const)
    for (const row of await store.select(table, { account_sid: sid })) await store.delete(table, String(row["sid"]));
}

function toRecord({ parent_sid: _, ...row }: Row) {
  const sid = String(row["sid"]);
  const under = `/2012-04-24/Accounts/${sid}`;
  return {
    ...record(row, `/2012-04-24/Accounts.json/${sid}`),
    subresource_uris: Object.fromEntries(subresources.split(" ").map((name) => [name, `${under}/${pascal(name)}.json`])),
  };
}
