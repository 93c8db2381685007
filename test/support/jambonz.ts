import { startSandbox, type Sandbox, type SandboxOptions } from "../../sandbox/src";
import type { Program } from "./pulumi";

/** A sandbox with a service provider of its own, spoken with by one kind of key. */
export interface Target {
  sandbox: Sandbox;
  serviceProviderSid: string;
  key: string;
  /** Variables, as somebody who runs Pulumi exports them. */
  variables: Record<string, string>;
}

export type KeyKind = "admin" | "service provider";

/** Whose key that is, as in "with a key of …". */
export const holder = { admin: "an admin", "service provider": "a service provider", account: "an account" } as const;

/** All that a key may be of. */
export const holders = Object.keys(holder) as (keyof typeof holder)[];

export async function jambonzTarget(kind: KeyKind = "admin", options: SandboxOptions = {}): Promise<Target> {
  const sandbox = await startSandbox({ rateLimit: false, ...options });
  const serviceProviderSid = await made(sandbox, "/ServiceProviders", { name: "acme telecom" });
  const { body } = await sandbox.outside("POST", "/ApiKeys", { service_provider_sid: serviceProviderSid });
  const key = kind === "admin" ? sandbox.adminKey : (body as { token: string }).token;
  return { sandbox, serviceProviderSid, key, variables: { JAMBONZ_API_URL: sandbox.url, JAMBONZ_API_KEY: key } };
}

/** A sandbox with an account, spoken with by one kind of key: the account's own, or that of whoever is above it. */
export async function accountTarget(kind: keyof typeof holder): Promise<Target & { accountSid: string }> {
  const target = await jambonzTarget(kind === "admin" ? "admin" : "service provider");
  const { sandbox, serviceProviderSid, variables } = target;
  const accountSid = await made(sandbox, "/Accounts", { name: "acme", service_provider_sid: serviceProviderSid });
  if (kind !== "account") return { ...target, accountSid };
  const key = (await sandbox.outside("POST", "/ApiKeys", { account_sid: accountSid })).body.token as string;
  return { ...target, accountSid, key, variables: { ...variables, JAMBONZ_API_KEY: key } };
}

/** Makes something from outside and gives its sid. */
export async function made(sandbox: Sandbox, path: string, body: unknown): Promise<string> {
  const answer = await sandbox.outside("POST", path, body);
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  const { sid, user_sid } = answer.body as { sid?: string; user_sid?: string };
  return (sid ?? user_sid)!;
}

/** The accounts of a service provider by name, with everything that the platform tells. */
export async function accountsOf({ sandbox, serviceProviderSid }: Target): Promise<Record<string, any>> {
  const { body } = await sandbox.outside("GET", `/ServiceProviders/${serviceProviderSid}/Accounts`);
  return Object.fromEntries((body as { name: string }[]).map((row) => [row.name, row]));
}

export async function limitsOf({ sandbox }: Target, accountSid: string): Promise<Record<string, number>> {
  const { body } = await sandbox.outside("GET", `/Accounts/${accountSid}/Limits`);
  return Object.fromEntries((body as { category: string; quantity: number }[]).map(({ category, quantity }) => [category, quantity]));
}

export async function keysOf(
  { sandbox }: Target,
  accountSid: string,
): Promise<{ api_key_sid: string; token: string; expires_at: string | null }[]> {
  return (await sandbox.outside("GET", `/Accounts/${accountSid}/ApiKeys`)).body;
}

/** A row as the platform tells it. */
export type Row = Record<string, any>;

/** The carriers of a service provider and of its accounts. */
export async function carriersOf({ sandbox, serviceProviderSid }: Target): Promise<Row[]> {
  return (await sandbox.outside("GET", `/ServiceProviders/${serviceProviderSid}/VoipCarriers`)).body;
}

/** The SIP clients of all accounts. */
export async function clientsOf({ sandbox }: Target): Promise<Row[]> {
  return (await sandbox.outside("GET", "/Clients")).body;
}

export async function applicationsOf({ sandbox }: Target, accountSid: string): Promise<Row[]> {
  return (await sandbox.outside("GET", `/Accounts/${accountSid}/Applications`)).body;
}

export async function numbersOf({ sandbox }: Target, accountSid: string): Promise<Row[]> {
  return (await sandbox.outside("GET", `/PhoneNumbers?account_sid=${accountSid}`)).body;
}

/** What was asked of the platform, such as `POST /Accounts`; sids are left out. */
export function asked({ sandbox }: Target): string[] {
  return sandbox.requests.map(({ method, path }) => `${method} ${path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, ":sid")}`);
}

/** What was asked of the platform that changes something. */
export const writesTo = (target: Target): string[] => asked(target).filter((line) => !line.startsWith("GET"));

/** An account with a key, a limit and a realm. */
export function tenant({ serviceProviderSid }: Target, name: string, args: Record<string, unknown> = {}): Program["resources"] {
  const accountSid = { $ref: `${name}.sid` };
  return [
    { type: "jambonz:Account", name, args: { serviceProviderSid, ...args } },
    { type: "jambonz:ApiKey", name: `${name}-key`, args: { accountSid } },
    { type: "jambonz:Limit", name: `${name}-limit`, args: { accountSid, category: "voice_call_session", quantity: 10 } },
    { type: "jambonz:SipRealm", name: `${name}-realm`, args: { accountSid, realm: `${name}.sip.example.com` } },
  ];
}
