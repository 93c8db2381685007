import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Sandbox } from "../../sandbox/src";

export interface Answer {
  status: number;
  /** Parsed where it is JSON, else the text. */
  body: any;
  headers: Headers;
}

/** Sends a request as a client of the platform does; without a key it speaks as the administrator. */
export async function send(
  sandbox: Pick<Sandbox, "url" | "adminKey">,
  method: string,
  path: string,
  body?: unknown,
  key: string | null = sandbox.adminKey,
): Promise<Answer> {
  const response = await fetch(`${sandbox.url}${path}`, {
    method,
    redirect: "manual",
    headers: {
      connection: "close", // a sandbox may be restarted between two requests
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  return { status: response.status, body: isJson ? JSON.parse(text) : text, headers: response.headers };
}

/** Creates something as the administrator and returns its sid. */
export async function create(sandbox: Sandbox, path: string, body: unknown): Promise<string> {
  const answer = await send(sandbox, "POST", path, body);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return answer.body.sid ?? answer.body.user_sid;
}

export const createProvider = (sandbox: Sandbox): Promise<string> => create(sandbox, "/ServiceProviders", { name: randomUUID() });

export const createAccount = (sandbox: Sandbox, service_provider_sid: string, more: object = {}): Promise<string> =>
  create(sandbox, "/Accounts", { name: "acme", service_provider_sid, ...more });

/** A key of an account, of a service provider or, for `{}`, of an administrator. */
export async function createKey(sandbox: Sandbox, owner: object): Promise<string> {
  return (await send(sandbox, "POST", "/ApiKeys", owner)).body.token;
}

export const createApplication = (sandbox: Sandbox, account_sid: string, name = "ivr"): Promise<string> =>
  create(sandbox, "/Applications", {
    name,
    account_sid,
    call_hook: { url: "https://app.example.com/call" },
    call_status_hook: { url: "https://app.example.com/status" },
  });

/** The status and, for short, the message of an answer. */
export const outcome = ({ status, body }: Pick<Answer, "status" | "body">): [number, string | undefined] => [
  status,
  body?.msg ?? body?.message ?? (typeof body === "string" ? body : undefined),
];
