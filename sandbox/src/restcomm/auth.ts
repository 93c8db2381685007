import type { Request, RequestHandler, Response } from "express";
import type { Row } from "../database";
import { failure, forbidden, Refusal } from "./errors";
import type { Context } from "./context";
import { md5 } from "./passwords";

export interface Authenticated extends Response {
  locals: { caller: Row; isOutside: boolean; json: boolean; scope: string };
}

/**
 * HTTP Basic with the account's sid or e-mail address and its AuthToken or password (Restcomm-Connect, SecurityFilter,
 * AccountKey). An account that is not active is refused, save that one that is `uninitialized` may call accounts.
 */
export function authenticate({ store, isOutside }: Context): RequestHandler {
  return async (request: Request, response, next) => {
    const { locals } = response as Authenticated;
    locals.isOutside = isOutside(request);
    const caller = locals.isOutside ? await store.first("accounts", { parent_sid: "" }) : await signIn(request);
    if (!caller) {
      response.set("WWW-Authenticate", 'Basic realm="Restcomm realm"');
      throw new Refusal(401);
    }
    locals.caller = caller;
    locals.scope = caller["parent_sid"] === "" ? "admin" : "account";
    const { status } = caller;
    if (status !== "active" && !(status === "uninitialized" && /^\/Accounts(\/[^/]*)?$/.test(request.path)))
      throw new Refusal(403, "Provided Account is not active");
    next();
  };

  async function signIn(request: Request): Promise<Row | undefined> {
    const [, encoded = ""] = /^Basic (.+)$/i.exec(request.headers.authorization ?? "") ?? [];
    const [, user = "", password = ""] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, "base64").toString()) ?? [];
    const account = await store.first("accounts", user.includes("@") ? { email_address: user.toLowerCase() } : { sid: user });
    return account && [password, md5(password)].includes(String(account["auth_token"])) ? account : undefined;
  }
}

/** The account that a path names, as far as the caller may act on it. Of an unknown one nothing is told but 500. */
export async function accountInPath({ store }: Context, response: Authenticated, sid: string): Promise<Row> {
  const account = await store.first("accounts", { sid });
  if (!account) throw failure();
  await mayActOn({ store }, response, account);
  return account;
}

/** An account itself, its children and its grandchildren; for accounts, only an Administrator's descendants. */
export async function mayActOn(
  { store }: Pick<Context, "store">,
  response: Authenticated,
  account: Row,
  ofAccounts = false,
): Promise<void> {
  const { caller } = response.locals;
  for (let at: Row | undefined = account; at; at = await store.first("accounts", { sid: at["parent_sid"] })) {
    if (at["sid"] !== caller["sid"]) continue;
    if (ofAccounts && account["sid"] !== caller["sid"] && caller["role"] !== "Administrator") break;
    return;
  }
  throw forbidden();
}
