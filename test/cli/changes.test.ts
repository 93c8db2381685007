import assert from "node:assert/strict";
import { dynamic, plugin, through } from "../support/doors";
import { accountsOf, asked, holder, jambonzTarget, keysOf, limitsOf, made, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

const hookA = { url: "https://a.example.com/hook", username: "u", password: { $secret: "pw-a" } };
const hookB = { url: "https://b.example.com/hook", method: "GET" };
const rowA = { url: "https://a.example.com/hook", method: "POST", username: "u", password: "pw-a" };
const rowB = { url: "https://b.example.com/hook", method: "GET", username: null, password: null };
const s3 = {
  vendor: "aws_s3",
  region: "us-east-1",
  name: "calls",
  accessKeyId: "AKIA",
  secretAccessKey: { $secret: "example-secret-key-1" },
  tags: { team: "voice" },
};
const azure = { vendor: "azure", name: "calls", connectionString: { $secret: "AccountKey=abc" } };

/** A property: a first value, another one, the column it is in, and what stands there for both and after it was taken out. */
type Case = [property: string, first: unknown, second: unknown, column: string, rows: [unknown, unknown, unknown]];

const cases: Case[] = [
  ["sipRealm", "One.example.com", "two.example.com", "sip_realm", ["one.example.com", "two.example.com", null]],
  ["registrationHook", hookA, hookB, "registration_hook", [rowA, rowB, null]],
  ["queueEventHook", hookB, hookA, "queue_event_hook", [rowB, rowA, null]],
  ["isActive", false, true, "is_active", [0, 1, 1]],
  ["planType", "paid", "free", "plan_type", ["paid", "free", "trial"]],
  ["disableCdrs", true, false, "disable_cdrs", [1, 0, 0]],
  ["recordAllCalls", true, false, "record_all_calls", [1, 0, 0]],
  ["recordFormat", "wav", "mp3", "record_format", ["wav", "mp3", "mp3"]],
  ["enableDebugLog", true, false, "enable_debug_log", [1, 0, 0]],
  ["deviceToCallRatio", 3, 0, "device_to_call_ratio", [3, 0, 5]],
  [
    "bucketCredential",
    s3,
    azure,
    "bucket_credential",
    [
      {
        vendor: "aws_s3",
        region: "us-east-1",
        name: "calls",
        access_key_id: "AKIA",
        secret_access_key: "example-secret-key-1",
        tags: [{ Key: "team", Value: "voice" }],
      },
      { vendor: "azure", name: "calls", connection_string: "AccountKey=abc" },
      null,
    ],
  ],
];

for (const [door, kind] of [
  [dynamic, "admin"],
  [plugin, "service provider"],
] as const) {
  describe(`changing a program through the ${door.title} with a key of ${holder[kind]}`, () => {
    through(door);
    let target: Target;
    let stack: TestStack;
    let all: Case[];
    const name = (property: string) => `of-${property}`;

    /** One account for each property, with a key and a limit that must never be touched. */
    function program(value: (one: Case) => unknown): { resources: Declared[] } {
      const resources = all.flatMap((one): Declared[] => {
        const said = value(one);
        const account = name(one[0]);
        return [
          {
            type: "jambonz:Account",
            name: account,
            args: { serviceProviderSid: target.serviceProviderSid, ...(said === undefined ? {} : { [one[0]]: said }) },
          },
          { type: "jambonz:ApiKey", name: `${account}-key`, args: { accountSid: { $ref: `${account}.sid` } } },
          {
            type: "jambonz:Limit",
            name: `${account}-limit`,
            args: { accountSid: { $ref: `${account}.sid` }, category: "device", quantity: 1 },
          },
        ];
      });
      return { resources };
    }

    async function deploy(value: (one: Case) => unknown): Promise<void> {
      stack.write(program(value));
      assert.deepEqual(
        await stack.plan(),
        all.map(([property]) => `update ${name(property)}`).sort(),
        "the preview shows one update for each account and nothing else",
      );
      target.sandbox.clearRequests();
      await stack.up();
      assert.deepEqual(
        asked(target),
        all.map(() => "PUT /Accounts/:sid"),
      );
    }

    async function onPlatform(which: 0 | 1 | 2): Promise<void> {
      const rows = await accountsOf(target);
      for (const [property, , , column, expected] of all) assert.deepEqual(rows[name(property)][column], expected[which], property);
    }

    before(async () => {
      target = await jambonzTarget(kind);
      const home = await made(target.sandbox, "/Accounts", { name: "apps", service_provider_sid: target.serviceProviderSid });
      const hook = { url: "https://app.example.com", method: "POST" };
      const app = (label: string) =>
        made(target.sandbox, "/Applications", { name: label, account_sid: home, call_hook: hook, call_status_hook: hook });
      const [one, two] = [await app("one"), await app("two")];
      all = [
        ...cases,
        ["deviceCallingApplicationSid", one, two, "device_calling_application_sid", [one, two, null]],
        ["siprecHookSid", two, one, "siprec_hook_sid", [two, one, null]],
      ];
      stack = await TestStack.create(
        target.variables,
        program(([, first]) => first),
        { door },
      );
      await stack.up();
    });
    after(async () => {
      stack?.remove();
      await target?.sandbox.stop();
    });

    it("creates each property", () => onPlatform(0));

    it("changes each property", async () => {
      await deploy(([, , second]) => second);
      await onPlatform(1);
    });

    it("clears each property that is taken out of the program", async () => {
      await deploy(() => undefined);
      await onPlatform(2);
    });

    it("sets each property again", async () => {
      await deploy(([, first]) => first);
      await onPlatform(0);
    });

    it("finds nothing to refresh and nothing to do after all that", async () => {
      await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
      assert.deepEqual(await stack.plan("--expect-no-changes"), []);
    });

    it("renames an account in one update and nothing else", async () => {
      const { resources } = program(([, first]) => first);
      resources[0]!.args = { ...(resources[0]!.args as object), name: "renamed" };
      stack.write({ resources });
      assert.deepEqual(await stack.plan(), [`update ${name("sipRealm")}`]);
      await stack.up();
      assert.equal((await accountsOf(target)).renamed.sip_realm, "one.example.com");
    });
  });
}

for (const [door, kind] of [
  [dynamic, "service provider"],
  [plugin, "admin"],
] as const) {
  describe(`replacing through the ${door.title} with a key of ${holder[kind]}`, () => {
    through(door);
    let target: Target;
    let stack: TestStack;
    const accounts = (): Declared[] =>
      ["acme", "globex"].map((name) => ({ type: "jambonz:Account", name, args: { serviceProviderSid: target.serviceProviderSid } }));
    const on = (account: string) => ({ accountSid: { $ref: `${account}.sid` } });

    async function deploy(...resources: Declared[]): Promise<void> {
      stack.write({ resources: [...accounts(), ...resources] });
      target.sandbox.clearRequests();
      await stack.up();
    }

    before(async () => {
      target = await jambonzTarget(kind);
      stack = await TestStack.create(target.variables, { resources: [] }, { door });
    });
    after(async () => {
      stack?.remove();
      await target?.sandbox.stop();
    });

    it("makes the new key before it deletes the old one", async () => {
      const key = (rotateWhenChanged: object): Declared => ({
        type: "jambonz:ApiKey",
        name: "key",
        args: { ...on("acme"), rotateWhenChanged },
      });
      await deploy(key({ year: "2026" }));
      const { acme } = await accountsOf(target);
      const [old] = await keysOf(target, acme.account_sid as string);
      await deploy(key({ year: "2027" }));
      // The keys that were there before are known, so that a lost answer could be told from them; and whose account it is.
      assert.deepEqual(asked(target), ["GET /Accounts/:sid/ApiKeys", "POST /ApiKeys", "GET /Accounts", "DELETE /ApiKeys/:sid"]);
      const keys = await keysOf(target, acme.account_sid as string);
      assert.equal(keys.length, 1);
      assert.notEqual(keys[0]!.token, old!.token);
      await deploy(key({ year: "2027" }));
      assert.deepEqual(asked(target), []);
    });

    it("makes a new key for another account, and for another expiry date", async () => {
      await deploy({ type: "jambonz:ApiKey", name: "key", args: on("acme") });
      await deploy({ type: "jambonz:ApiKey", name: "key", args: on("globex") });
      const rows = await accountsOf(target);
      assert.equal((await keysOf(target, rows.acme.account_sid as string)).length, 0);
      assert.equal((await keysOf(target, rows.globex.account_sid as string)).length, 1);
      await deploy({ type: "jambonz:ApiKey", name: "key", args: { ...on("globex"), expiresAt: "2030-01-01T02:00:00+02:00" } });
      assert.deepEqual(
        (await keysOf(target, rows.globex.account_sid as string)).map(({ expires_at }) => expires_at),
        ["2030-01-01T00:00:00.000Z"],
      );
      await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    });

    it("moves a limit to another category and to another account", async () => {
      await deploy({ type: "jambonz:Limit", name: "limit", args: { ...on("acme"), category: "device", quantity: 3 } });
      await deploy({ type: "jambonz:Limit", name: "limit", args: { ...on("acme"), category: "api_rate", quantity: 3 } });
      const rows = await accountsOf(target);
      assert.deepEqual(await limitsOf(target, rows.acme.account_sid as string), { api_rate: 3 });
      await deploy({ type: "jambonz:Limit", name: "limit", args: { ...on("globex"), category: "api_rate", quantity: 3 } });
      assert.deepEqual(await limitsOf(target, rows.acme.account_sid as string), {});
      assert.deepEqual(await limitsOf(target, rows.globex.account_sid as string), { api_rate: 3 });
    });

    it("changes a limit's quantity in one request", async () => {
      await deploy({ type: "jambonz:Limit", name: "limit", args: { ...on("acme"), category: "device", quantity: 3 } });
      await deploy({ type: "jambonz:Limit", name: "limit", args: { ...on("acme"), category: "device", quantity: 0 } });
      assert.deepEqual(asked(target), ["POST /Accounts/:sid/Limits"]);
      assert.deepEqual(await limitsOf(target, (await accountsOf(target)).acme.account_sid as string), { device: 0 });
    });

    it("moves a realm to another account, which has to give it up first", async () => {
      await deploy({ type: "jambonz:SipRealm", name: "realm", args: { ...on("acme"), realm: "pbx.example.com" } });
      await deploy({ type: "jambonz:SipRealm", name: "realm", args: { ...on("globex"), realm: "pbx.example.com" } });
      const rows = await accountsOf(target);
      assert.equal(rows.acme.sip_realm, null);
      assert.equal(rows.globex.sip_realm, "pbx.example.com");
    });

    it("hands a limit and a realm over when their resources are renamed in the program", async () => {
      const pair = (suffix: string): Declared[] => [
        { type: "jambonz:Limit", name: `limit${suffix}`, args: { ...on("acme"), category: "device", quantity: 3 } },
        { type: "jambonz:SipRealm", name: `realm${suffix}`, args: { ...on("acme"), realm: "pbx.example.com" } },
      ];
      await deploy(...pair(""));
      await deploy(...pair("-2"));
      const { acme } = await accountsOf(target);
      assert.equal(acme.sip_realm, "pbx.example.com");
      assert.deepEqual(await limitsOf(target, acme.account_sid as string), { device: 3 });
      assert.deepEqual(Object.keys(await stack.resources()).sort(), [
        "jambonz:Account acme",
        "jambonz:Account globex",
        "jambonz:Limit limit-2",
        "jambonz:SipRealm realm-2",
      ]);
    });

    it("replaces limits, keys and realms that somebody asks to replace", async () => {
      await deploy(
        { type: "jambonz:Limit", name: "limit", args: { ...on("acme"), category: "device", quantity: 3 } },
        { type: "jambonz:SipRealm", name: "realm", args: { ...on("acme"), realm: "pbx.example.com" } },
        { type: "jambonz:ApiKey", name: "key", args: on("acme") },
      );
      const urns = Object.values(await stack.resources()).filter(({ type }) => !type.endsWith("Account"));
      await stack.up(...urns.flatMap(({ urn }) => ["--replace", urn]));
      const { acme } = await accountsOf(target);
      assert.equal(acme.sip_realm, "pbx.example.com");
      assert.deepEqual(await limitsOf(target, acme.account_sid as string), { device: 3 });
      assert.equal((await keysOf(target, acme.account_sid as string)).length, 1);
      await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    });

    it("moves a realm between Account.sipRealm and SipRealm in one run", async () => {
      const account = (sipRealm?: string): Declared => ({
        type: "jambonz:Account",
        name: "acme",
        args: { serviceProviderSid: target.serviceProviderSid, sipRealm },
      });
      const realm: Declared = { type: "jambonz:SipRealm", name: "realm", args: { ...on("acme"), realm: "pbx.example.com" } };
      const realmNow = async () => (await accountsOf(target)).acme.sip_realm as unknown;
      stack.write({ resources: [account(), realm] });
      await stack.up();
      stack.write({ resources: [account("pbx.example.com")] });
      await stack.up();
      assert.equal(await realmNow(), "pbx.example.com");
      stack.write({ resources: [account(), realm] });
      await stack.up();
      assert.equal(await realmNow(), "pbx.example.com");
      assert.deepEqual(await stack.plan("--refresh"), []);
    });

    if (kind === "admin") {
      it("moves an account to another service provider with all that is in it, the old one first", async () => {
        const other = await made(target.sandbox, "/ServiceProviders", { name: "other" });
        const program = (serviceProviderSid: string): Declared[] => [
          { type: "jambonz:Account", name: "solo", args: { serviceProviderSid, sipRealm: "solo.example.com" } },
          { type: "jambonz:ApiKey", name: "key", args: on("solo") },
          { type: "jambonz:Limit", name: "limit", args: { ...on("solo"), category: "device", quantity: 3 } },
        ];
        stack.write({ resources: program(target.serviceProviderSid) });
        await stack.up();
        stack.write({ resources: program(other) });
        await stack.up();
        const { solo } = await accountsOf({ ...target, serviceProviderSid: other });
        assert.equal(solo.sip_realm, "solo.example.com");
        assert.deepEqual(await limitsOf(target, solo.account_sid as string), { device: 3 });
        assert.deepEqual(await accountsOf(target), {});
        assert.deepEqual(await stack.plan("--refresh"), []);
      });
    }
  });
}
