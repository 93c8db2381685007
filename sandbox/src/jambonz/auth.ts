import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import type { Database } from "../database";
import { forbidden, insufficientPrivileges, Refusal } from "./errors";
import { MalformedSid, sidInUrl } from "./sids";

export type Scope = "admin" | "serviceProvider" | "account";

/** Who speaks: the holder of an API key, or a user who logged in. */
export interface User {
  scope: Scope;
  account_sid: string | null;
  service_provider_sid: string | null;
  /** Only of users who logged in. */
  user_sid?: string;
  permissions?: string[];
}

/** A response whose request has been authenticated. */
export type Authenticated = Response<unknown, { user: User }>;

export const admin: User = { scope: "admin", account_sid: null, service_provider_sid: null };

/** Tokens of users who logged in: JSON web tokens signed by this process. */
export class Sessions {
  readonly #secret = randomBytes(32);

  /** `minutes` of validity: jambonz's JWT_EXPIRES_IN, 60 unless set. */
  sign(user: User, minutes = 60): string {
    const parts = [
      { alg: "HS256", typ: "JWT" },
      { ...user, exp: Math.floor(Date.now() / 1000) + 60 * minutes },
    ];
    const payload = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    return `${payload}.${this.#signature(payload).toString("base64url")}`;
  }

  /** The user of a token that this process signed and that has not expired. */
  verify(token: string): User | undefined {
    const [head, body, signature] = token.split(".");
    if (!body || !signature) return undefined;
    const expected = this.#signature(`${head}.${body}`);
    const given = Buffer.from(signature, "base64url");
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    const { exp, ...user } = JSON.parse(Buffer.from(body, "base64url").toString()) as User & { exp: number };
    return exp * 1000 > Date.now() ? user : undefined;
  }

  #signature(payload: string): Buffer {
    return createHmac("sha256", this.#secret).update(payload).digest();
  }
}

/**
 * Bearer authentication as of passport-http-bearer. A token is first taken for a login's, then for an API key's.
 * An expiry date of an API key is stored but never looked at (lib/auth/index.js).
 */
export function authenticate(db: Database, sessions: Sessions, isOutside: (request: Request) => boolean): RequestHandler {
  return async (request, response, next) => {
    const user = isOutside(request) ? admin : await identify(db, sessions, request, response);
    if (!user) return;
    response.locals["user"] = user;
    response.locals["scope"] = user.scope;
    const viewOnly = user.permissions?.length === 1 && user.permissions[0] === "VIEW_ONLY";
    if (viewOnly && request.method !== "GET") throw forbidden("User has view-only access");
    next();
  };
}

async function identify(db: Database, sessions: Sessions, request: Request, response: Response): Promise<User | undefined> {
  const refuse = (status: number, challenge?: string) => {
    if (challenge !== undefined) response.setHeader("WWW-Authenticate", `Bearer realm="Users"${challenge}`);
    response.statusCode = status;
    response.end(STATUS_CODES[status]);
    return undefined;
  };
  const parts = request.headers.authorization?.split(" ");
  if (parts && parts.length !== 2) return refuse(400);
  const bodyToken = (request.body as { access_token?: unknown }).access_token;
  const tokens = [parts && /^Bearer$/i.test(parts[0]!) ? parts[1] : undefined, bodyToken, request.query["access_token"]].filter(Boolean);
  if (tokens.length > 1) return refuse(400);
  const [token] = tokens;
  if (typeof token !== "string") return refuse(401, "");
  return sessions.verify(token) ?? (await keyHolder(db, token)) ?? refuse(401, ', error="invalid_token"');
}

async function keyHolder(db: Database, token: string): Promise<User | undefined> {
  const key = await db.first("api_keys", { token });
  if (!key) return undefined;
  const user = { account_sid: key["account_sid"] as string | null, service_provider_sid: key["service_provider_sid"] as string | null };
  return { ...user, scope: user.service_provider_sid ? "serviceProvider" : user.account_sid ? "account" : "admin" };
}

/** Admits administrators only. */
export function adminOnly(_request: Request, response: Response, next: NextFunction): void {
  if ((response as Authenticated).locals.user.scope === "admin") next();
  else insufficientPrivileges(response);
}

/** The service provider of an account, undefined when there is no such account. */
export async function serviceProviderOf(db: Database, accountSid: unknown): Promise<string | undefined> {
  const account = await db.first("accounts", { account_sid: typeof accountSid === "string" ? accountSid : null });
  return account?.["service_provider_sid"] as string | undefined;
}

/** Refuses who may not see an account. An account that is gone is nobody's: 403 to all but administrators. */
export async function mustOwnAccount(db: Database, user: User, accountSid: unknown): Promise<void> {
  if (user.scope === "admin") return;
  const owns =
    user.scope === "account" ? accountSid === user.account_sid : (await serviceProviderOf(db, accountSid)) === user.service_provider_sid;
  if (!owns) throw forbidden("insufficient permissions");
}

/** Admits to what lies below an account, or below a service provider, as jambonz's `hasAccountPermissions`. */
export function hasAccountPermissions(db: Database): RequestHandler {
  return async (request, response, next) => {
    const { user } = (response as Authenticated).locals;
    if (user.scope === "admin") return next();
    try {
      const accountSid = sidInUrl(request, "Accounts");
      await mustOwnAccount(db, user, accountSid);
      next();
    } catch (error) {
      if (error instanceof MalformedSid) {
        response.status(400).json({ status: "fail", message: `invalid ${error.collection}Sid format` });
      } else if (error instanceof Refusal) insufficientPrivileges(response);
      else throw error;
    }
  };
}

/** Admits administrators and the service provider that the URL names, as jambonz's `hasServiceProviderPermissions`. */
export function hasServiceProviderPermissions(request: Request, response: Response, next: NextFunction): void {
  const { user } = (response as Authenticated).locals;
  if (user.scope === "serviceProvider") {
    let sid;
    try {
      sid = sidInUrl(request, "ServiceProviders");
    } catch {
      throw new Refusal(500, "invalid ServiceProvidersSid format");
    }
    if (sid === user.service_provider_sid) return next();
  }
  if (user.scope === "admin") return next();
  insufficientPrivileges(response);
}
