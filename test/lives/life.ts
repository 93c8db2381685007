import fc from "fast-check";
import type { FaultRule } from "../../sandbox/src";
import type { Declared } from "../support/pulumi";

/** A tenant as a random program declares it; what is undefined is left out of the program. */
export interface Tenant {
  /** Which of the two service providers has it; moving it replaces it. */
  serviceProvider: 0 | 1;
  account: Record<string, unknown>;
  /** How the account gets its realm, and which. */
  realm?: { by: "account" | "resource" | "resource with key"; value: string };
  limits: Record<string, number>;
  /** One for each key: a changed number rotates it. */
  keys: number[];
  deletedWith: boolean;
}

export const slots = ["ann", "bob", "cid"] as const;
export type Slot = (typeof slots)[number];
export type Tenants = Partial<Record<Slot, Tenant>>;

/** What somebody does to one tenant behind Pulumi's back. */
export const changeKinds = [
  "rename",
  "deactivate",
  "change realm",
  "clear realm",
  "change hook",
  "change limit",
  "delete limit",
  "delete key",
  "delete account",
  "add foreign key",
] as const;

export interface OutsideChange {
  slot: Slot;
  what: (typeof changeKinds)[number];
}

export interface Chapter {
  outside: OutsideChange[];
  faults: FaultRule[];
  command: "up" | "up --refresh" | "refresh" | "destroy";
  program: Tenants;
}

/** Some runs of Pulumi with what happens between and during them; then everything is calm. */
export interface Life {
  key: "admin" | "service provider";
  chapters: Chapter[];
  /** Afterwards, one more, that has to show as exactly itself. */
  last: OutsideChange;
}

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const hook = fc.record(
  {
    url: fc.constantFrom("https://a.example.com/r", "https://b.example.com/r?x=1"),
    method: fc.constantFrom("GET", "POST"),
    username: fc.constantFrom("u1", "u2"),
    password: fc.constantFrom("secret-password-1", 'secret"password\\2', "secret päßword&3"),
  },
  { requiredKeys: ["url"], noNullPrototype: true },
);

const bucket = fc.oneof(
  fc.record(
    {
      vendor: fc.constant("aws_s3"),
      region: fc.constantFrom("eu-1", "us-1"),
      name: fc.constantFrom("b1", "b2"),
      accessKeyId: fc.constant("AKIA1"),
      secretAccessKey: fc.constantFrom("bucket-secret-1", "bucket-secret-2"),
      tags: fc.constantFrom({ team: "a" }, { team: "b", env: "x" }),
    },
    { requiredKeys: ["vendor", "region", "name", "accessKeyId", "secretAccessKey"], noNullPrototype: true },
  ),
  fc.record({ vendor: fc.constant("azure"), name: fc.constant("b1"), connectionString: fc.constantFrom("connection-secret-1") }),
);

const tenant = (slot: Slot, providers: (0 | 1)[]): fc.Arbitrary<Tenant> =>
  fc.record({
    serviceProvider: fc.constantFrom(...providers),
    account: fc
      .record(
        {
          name: fc.constantFrom(`${slot} & Söhne "x"`, `${slot}-2`),
          registrationHook: hook,
          queueEventHook: hook,
          isActive: fc.boolean(),
          planType: fc.constantFrom("trial", "paid"),
          disableCdrs: fc.boolean(),
          recordAllCalls: fc.boolean(),
          recordFormat: fc.constantFrom("wav", "mp3"),
          deviceToCallRatio: fc.constantFrom(0, 5, 7),
          bucketCredential: bucket,
        },
        { requiredKeys: [], noNullPrototype: true },
      )
      .map((account) => account as Record<string, unknown>),
    realm: optional(
      fc.record({
        by: fc.constantFrom("account" as const, "resource" as const, "resource with key" as const),
        value: fc.constantFrom(`${slot}.sip.example.com`, `${slot.toUpperCase()}.sip.example.com`, `${slot}.other.example.com`),
      }),
    ),
    limits: fc.record(
      { voice_call_session: fc.constantFrom(0, 10, 20), device: fc.constantFrom(1, 2), api_rate: fc.constant(5) },
      { requiredKeys: [], noNullPrototype: true },
    ),
    keys: fc.array(fc.constantFrom(1, 2), { maxLength: 2 }),
    deletedWith: fc.boolean(),
  });

const tenants = (providers: (0 | 1)[], among: readonly Slot[] = slots): fc.Arbitrary<Tenants> =>
  fc
    .tuple(...among.map((slot) => optional(tenant(slot, providers))))
    .map((list) => Object.fromEntries(among.flatMap((slot, index) => (list[index] ? [[slot, list[index]]] : []))));

const change = fc.record({ slot: fc.constantFrom(...slots), what: fc.constantFrom(...changeKinds) });

/** Repeated less often than the provider repeats, so that every one of them can be overcome or ends an operation for good. */
const fault: fc.Arbitrary<FaultRule> = fc
  .record({
    method: optional(fc.constantFrom("GET", "POST", "PUT", "DELETE")),
    fault: fc.constantFrom<FaultRule["fault"][]>(
      "dropAnswer",
      "drop",
      "refuse",
      "truncated",
      "html",
      "empty",
      "redirect",
      "restart",
      { status: 403, body: { msg: "insufficient privileges" } },
      { status: 404 },
      { status: 429, headers: { "Retry-After": "0" } },
      { status: 500 },
      { status: 500, body: { msg: "Deadlock found when trying to get lock; try restarting transaction" } },
      { status: 502 },
      { status: 503 },
      { status: 504 },
    ),
    skip: fc.nat(6),
    times: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ method, fault, skip, times }) => ({
    match: method ? { method } : {},
    fault,
    skip,
    times,
    ...(fault === "redirect" ? { location: "http://127.0.0.1:9/elsewhere" } : {}),
    ...(fault === "refuse" || fault === "restart" ? { delayMs: 3 } : {}),
  }));

const chapter = (providers: (0 | 1)[]): fc.Arbitrary<Chapter> =>
  fc.record({
    outside: fc.array(change, { maxLength: 2 }),
    faults: fc.array(fault, { maxLength: 3 }),
    command: fc.oneof(
      { weight: 6, arbitrary: fc.constant("up" as const) },
      { weight: 3, arbitrary: fc.constant("up --refresh" as const) },
      { weight: 1, arbitrary: fc.constant("refresh" as const) },
      { weight: 1, arbitrary: fc.constant("destroy" as const) },
    ),
    program: tenants(providers),
  });

export const life: fc.Arbitrary<Life> = fc
  .constantFrom("admin" as const, "service provider" as const)
  .chain((key) =>
    fc.record({
      key: fc.constant(key),
      chapters: fc.array(chapter(key === "admin" ? [0, 1] : [0]), { minLength: 1, maxLength: 4 }),
      last: change,
    }),
  )
  .map((one) => (one.chapters.some(({ faults }) => faults.length > 0) ? withoutDeletedWith(one) : one));

/** One or two runs without trouble, as the real CLI can live them in a short time. */
export const shortLife: fc.Arbitrary<Pick<Life, "chapters">> = fc.record({
  chapters: fc.array(
    fc.record({
      outside: fc.array(fc.record({ slot: fc.constantFrom("ann", "bob"), what: fc.constantFrom(...changeKinds) }), { maxLength: 2 }),
      faults: fc.constant([]),
      command: fc.constantFrom("up", "up", "up --refresh", "refresh", "destroy"),
      program: tenants([0, 1], ["ann", "bob"]),
    }),
    { minLength: 1, maxLength: 2 },
  ),
});

/** Pulumi forgets what is `deletedWith` an account as soon as it tries to delete the account; after a failure it is on the platform all the same. */
function withoutDeletedWith({ chapters, ...rest }: Life): Life {
  const alone = (program: Tenants) =>
    Object.fromEntries(Object.entries(program).map(([slot, tenant]) => [slot, { ...tenant, deletedWith: false }]));
  return { ...rest, chapters: chapters.map((chapter) => ({ ...chapter, program: alone(chapter.program) })) };
}

/** The program as Pulumi sees it, with the service providers' real sids. */
export function declared(tenants: Tenants, serviceProviders: string[]): Declared[] {
  return Object.entries(tenants).flatMap(([slot, { serviceProvider, account, realm, limits, keys, deletedWith }]) => {
    const accountSid = { $ref: `${slot}.sid` };
    const opts = deletedWith ? { deletedWith: slot } : {};
    const own: Declared[] = [
      {
        type: "jambonz:Account",
        name: slot,
        args: {
          serviceProviderSid: serviceProviders[serviceProvider],
          ...account,
          ...(realm?.by === "account" ? { sipRealm: realm.value } : {}),
        },
      },
      ...keys.map((rotation, index) => ({
        type: "jambonz:ApiKey",
        name: keyName(slot, index),
        args: { accountSid, rotateWhenChanged: { number: String(rotation) } },
        opts,
      })),
      ...Object.entries(limits).map(([category, quantity]) => ({
        type: "jambonz:Limit",
        name: limitName(slot, category),
        args: { accountSid, category, quantity },
        opts,
      })),
    ];
    if (realm && realm.by !== "account") {
      const withKey = realm.by === "resource with key" && keys.length > 0;
      const accountApiKey = withKey ? { accountApiKey: { $ref: `${keyName(slot, 0)}.token` } } : {};
      own.push({ type: "jambonz:SipRealm", name: realmName(slot), args: { accountSid, realm: realm.value, ...accountApiKey }, opts });
    }
    return own;
  });
}

export const keyName = (slot: string, index: number) => `${slot}-key${index}`;
export const limitName = (slot: string, category: string) => `${slot}-${category}`;
export const realmName = (slot: string) => `${slot}-realm`;

/** As a person would tell it. */
export function story({ key, chapters, last }: Life): string {
  const lines = [`with a key of ${key === "admin" ? "an admin" : "a service provider"}:`];
  for (const { outside, faults, command, program } of chapters) {
    for (const { slot, what } of outside) lines.push(`  somebody: ${what} of ${slot}`);
    for (const { match, fault, skip, times } of faults)
      lines.push(`  fault: ${String(match?.method ?? "any request")} after ${skip} others, ${times} times: ${JSON.stringify(fault)}`);
    lines.push(`  pulumi ${command}`);
    if (command.startsWith("up")) {
      for (const { type, name, args } of declared(program, ["provider 1", "provider 2"]))
        lines.push(`    new ${type.replace(":", ".")}("${name}", ${JSON.stringify(args)})`);
    }
  }
  lines.push("  pulumi up --refresh, with the last program, without trouble", `  somebody: ${last.what} of ${last.slot}`);
  return lines.join("\n");
}
