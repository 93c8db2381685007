import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSandbox, type Sandbox, type SandboxOptions } from "../../sandbox/src";

/** A sandbox that is VoiceTel, and a cache folder of its own, so that no call counts among the user's. */
export interface Target {
  sandbox: Sandbox;
  /** Variables, as somebody who runs Pulumi exports them. */
  variables: Record<string, string>;
  stop(): Promise<void>;
}

export async function voicetelTarget(options: SandboxOptions = {}): Promise<Target> {
  const sandbox = await startSandbox({ platform: "voicetel", ...options });
  const cache = mkdtempSync(join(tmpdir(), "cpaas-cache-"));
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = cache;
  const stop = async () => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
    rmSync(cache, { recursive: true, force: true });
    await sandbox.stop();
  };
  return { sandbox, variables: { ...sandbox.variables, XDG_CACHE_HOME: cache }, stop };
}

/** An account as the platform keeps it, with its password and its key. */
export interface Row {
  username: string;
  name: string;
  email: string;
  masterAccount: string;
  password: string;
  apikey: string;
}

/** The accounts that were added, by name. */
export async function accountsOf({ sandbox }: Target): Promise<Record<string, Row>> {
  const rows = (await sandbox.outside("GET", "/rows/accounts")).body as (Row & { administrator: number })[];
  return Object.fromEntries(rows.filter(({ administrator }) => !administrator).map((row) => [row.name, row]));
}

/** Adds an account as somebody else would. */
export async function added({ sandbox }: Target, account: { username: number; name: string; email: string }): Promise<Row> {
  const { status, body } = await sandbox.outside("POST", "/v2.1/account/add/", account);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return (await sandbox.outside("GET", "/rows/accounts")).body.find((row: Row) => row.username === String(account.username)) as Row;
}

/** The endpoints that were called, in order. */
export function asked({ sandbox }: Target): string[] {
  return sandbox.requests.map(({ path }) => path.replace("/v2.1/account/", "").replace(/\/$/, ""));
}
