import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ImportEntry } from "../../provider/cli/import-list";
import type { Sandbox } from "../../sandbox/src";
import { made, type Target } from "./jambonz";
import type { TestStack } from "./pulumi";

/** A stack that takes over what is on a platform. */
export class Adoption {
  constructor(
    readonly stack: TestStack,
    readonly sandbox: Sandbox,
  ) {}

  /** Runs `npx pulumi-cpaas`, which has to succeed. @returns what it tells */
  async ok(...args: string[]): Promise<string> {
    const { status, stderr } = await this.stack.cpaas(...args);
    assert.equal(status, 0, stderr);
    return stderr;
  }

  read(...path: string[]): string {
    return readFileSync(join(this.stack.folder, ...path), "utf8");
  }

  list(folder: string): ImportEntry[] {
    return (JSON.parse(this.read(folder, "import.json")) as { resources: ImportEntry[] }).resources;
  }

  /** From now on the stack's program is a TypeScript program in this file. */
  use(main: string): void {
    writeFileSync(join(this.stack.folder, "Pulumi.yaml"), `name: test\nruntime: nodejs\nmain: ${main}\n`);
    const compilerOptions = { strict: true, module: "commonjs", target: "es2020" };
    writeFileSync(join(this.stack.folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  }

  async import(folder: string, ...options: string[]): Promise<void> {
    await this.stack.ok(["import", "--file", `${folder}/import.json`, "--yes", "--skip-preview", ...options]);
  }

  /** Neither the program nor the platform has anything to change, and finding that out writes nothing on the platform. */
  async hasNothingLeftToDo(): Promise<void> {
    assert.deepEqual(await this.stack.plan("--diff"), []);
    this.sandbox.clearRequests();
    await this.stack.ok(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
    assert.deepEqual(this.sandbox.requests.length, 0);
    await this.stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
  }

  /** What a destruction would delete, as `type name`. */
  async wouldDestroy(): Promise<string[]> {
    const text = await this.stack.ok(["destroy", "--preview-only", "--json"]);
    const { steps = [] } = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)) as {
      steps?: { op: string; urn: string }[];
    };
    return steps
      .filter(({ op, urn }) => op === "delete" && !urn.includes("::pulumi:pulumi:Stack::"))
      .map(({ urn }) => urn.split("::"))
      .map(([, , types, name]) => `${types!.split("$").at(-1)!} ${name!}`)
      .sort();
  }
}

/** Entries of an import list, as `type name`. */
export function named(entries: ImportEntry[]): string[] {
  return entries.map(({ type, name, logicalName }) => `${type} ${logicalName ?? name}`).sort();
}

const NAMES = [
  "Acme & Sons",
  "acme-sons",
  'quo"te: #',
  "Ünïcödé Straße",
  "密码",
  "new",
  "1st",
  "twice",
  "twice",
  "…",
  "a`b${c}\\n",
  "a_b",
  "a-b",
  "jambonz",
  "package",
];

/** A platform that people have run by hand, with everything that is awkward. @returns how many objects it has that can be listed */
export async function fill({ sandbox, serviceProviderSid }: Target, accounts: number): Promise<number> {
  let objects = 2;
  await made(sandbox, "/ApiKeys", { service_provider_sid: serviceProviderSid });
  await made(sandbox, `/ServiceProviders/${serviceProviderSid}/Limits`, { category: "device", quantity: 0 });
  for (let index = 0; index < accounts; index++) {
    const name = `${NAMES[index % NAMES.length]!}${index < NAMES.length ? "" : ` ${Math.floor(index / NAMES.length)}`}`;
    const hook = { url: `https://h${index}.example.com/r?a=1&b=2`, method: index % 2 ? "GET" : "POST" };
    const sid = await made(sandbox, "/Accounts", {
      name,
      service_provider_sid: serviceProviderSid,
      ...(index % 3 ? { sip_realm: `Realm${index}.SIP.example.com` } : {}),
      ...(index % 12 === 1 ? { registration_hook: { ...hook, username: "u", password: `hook-password-${index}\n` } } : {}),
      ...(index % 12 === 5 ? { registration_hook: { url: "by hand", method: "POST" } } : {}),
      ...(index % 4 === 2 ? { queue_event_hook: hook, is_active: false, record_all_calls: true, plan_type: "paid" } : {}),
    });
    objects++;
    if (index % 15 === 0) {
      const bucket = {
        vendor: "aws_s3",
        region: "eu",
        name: "calls",
        access_key_id: "AKIA",
        secret_access_key: `bucket-secret-${index}`,
        tags: [{ Key: "__proto__", Value: "calls" }],
      };
      await sandbox.outside("PUT", `/Accounts/${sid}`, { bucket_credential: bucket });
    }
    for (let key = 0; key < index % 3; key++)
      await made(sandbox, "/ApiKeys", { account_sid: sid, ...(index % 6 === 4 ? { expires_at: "2037-01-01 00:00:00" } : {}) });
    const limits = Object.entries({ voice_call_session: 0, device: 5, api_rate: 7 }).slice(0, index % 4);
    for (const [category, quantity] of limits) await made(sandbox, `/Accounts/${sid}/Limits`, { category, quantity });
    objects += (index % 3) + limits.length;
    if (index % 10 === 3) {
      const application = await made(sandbox, "/Applications", {
        name: `menu "${index}"`,
        account_sid: sid,
        call_hook: { ...hook, username: "u", password: `hook-password-${index}` },
        call_status_hook: hook,
        ...(index % 20 === 3 ? { messaging_hook: hook, env_vars: { API_TOKEN: `variable-secret-${index}`, retries: 3 } } : {}),
      });
      await made(sandbox, "/PhoneNumbers", { number: `+1501${index}`, account_sid: sid, application_sid: application });
      // The account refers to what belongs to it.
      await sandbox.outside("PUT", `/Accounts/${sid}`, { device_calling_application_sid: application });
      objects += 2;
    }
  }
  return objects;
}

/** Every secret that is on the platform or among what `fill` has written. */
export async function secretsOf({ sandbox, serviceProviderSid, key }: Target): Promise<string[]> {
  const { body } = await sandbox.outside("GET", `/ServiceProviders/${serviceProviderSid}/Accounts`);
  const accounts = body as { account_sid: string; webhook_secret: string }[];
  const keys = await Promise.all(accounts.map(({ account_sid }) => sandbox.outside("GET", `/Accounts/${account_sid}/ApiKeys`)));
  const tokens = keys.flatMap((answer) => (answer.body as { token: string }[]).map(({ token }) => token));
  return [...accounts.map((row) => row.webhook_secret), ...tokens, "hook-password", "bucket-secret", "variable-secret", key];
}
