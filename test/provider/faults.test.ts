import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import { CancelledError, UnansweredError, UnreachableError, UserError } from "../../provider/errors";
import { platform, resourceOf } from "../../provider/platforms";
import { Recovery } from "../../provider/recovery";
import type { Properties } from "../../provider/resource";
import { readSettings } from "../../provider/settings";
import type { FaultRule } from "../../sandbox/src";
import { Engine, type Outcome } from "../support/engine";
import { between, serve, type Exchange, type LocalServer } from "../support/http";
import {
  accountTarget,
  applicationsOf,
  asked,
  carriersOf,
  clientsOf,
  jambonzTarget,
  keysOf,
  limitsOf,
  made,
  numbersOf,
  type Row,
  type Target,
} from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";
import { restcommTarget } from "../support/restcomm";

/** Pauses are this much shorter than in earnest. */
const PACE = 0.005;

/** What may be found on the platform, and in state: an id and what one of its properties is. */
type Objects = Record<string, unknown>;

interface Kind {
  type: string;
  /** Makes what it belongs to beside the account, and gives the properties that say so. */
  prepare?(place: Target, accountSid: string): Promise<Properties>;
  args(place: Target, accountSid: string): Properties;
  /** Whether it is not created where nobody can tell whose the account is. */
  needsOwner?: boolean;
  /** What the program says later, and what has to be there for that; nothing where nothing can be changed in place. */
  change?: Properties | ((place: Target, accountSid: string) => Promise<Properties>);
  /** The property by which an object is compared. */
  property: string;
  onPlatform(place: Target, accountSid: string): Promise<Objects>;
}

/** A carrier of the account. */
const trunk = async ({ sandbox, serviceProviderSid }: Target, account_sid: string) => ({
  voipCarrierSid: await made(sandbox, "/VoipCarriers", { name: "trunk", account_sid, service_provider_sid: serviceProviderSid }),
});

/** The gateways of that carrier. */
async function gatewaysOf(place: Target, noun: string): Promise<Row[]> {
  const [{ voip_carrier_sid } = { voip_carrier_sid: "" }] = await carriersOf(place);
  return (await place.sandbox.outside("GET", `/${noun}?voip_carrier_sid=${voip_carrier_sid}`)).body;
}

/** An LCR of the account with a route that has so many entries, each with another workload, and what their sids are. */
async function routing(place: Target, account_sid: string, entries = 0) {
  const { sandbox } = place;
  const lcrSid = await made(sandbox, "/Lcrs", { name: "routing", account_sid });
  const lcrRouteSid = await made(sandbox, "/LcrRoutes", { lcr_sid: lcrSid, regex: "^49", priority: 1 });
  const { voipCarrierSid } = await trunk(place, account_sid);
  const entrySids = [];
  for (let workload = 1; workload <= entries; workload++) {
    const entry = { lcr_route_sid: lcrRouteSid, voip_carrier_sid: voipCarrierSid, workload };
    entrySids.push(await made(sandbox, "/LcrCarrierSetEntries", entry));
  }
  return { lcrSid, lcrRouteSid, voipCarrierSid, entrySids };
}

const lcrsOf = async ({ sandbox }: Target, accountSid: string): Promise<Row[]> =>
  ((await sandbox.outside("GET", "/Lcrs")).body as Row[]).filter((row) => row.account_sid === accountSid);

const routesOf = async (place: Target, accountSid: string): Promise<Row[]> => {
  const [{ lcr_sid } = {}] = await lcrsOf(place, accountSid);
  return lcr_sid ? (await place.sandbox.outside("GET", `/LcrRoutes?lcr_sid=${lcr_sid}`)).body : [];
};

const kinds: Kind[] = [
  {
    type: "jambonz:ServiceProvider",
    args: () => ({ registrationHook: { url: "https://example.com/register" } }),
    change: { description: "changed" },
    property: "description",
    onPlatform: async ({ sandbox }) => {
      const rows = ((await sandbox.outside("GET", "/ServiceProviders")).body as Row[]).filter(({ name }) => name === "it");
      return Object.fromEntries(rows.map((row) => [row.service_provider_sid, row.description ?? undefined]));
    },
  },
  {
    type: "jambonz:Account",
    args: ({ serviceProviderSid }) => ({ serviceProviderSid, registrationHook: { url: "https://example.com/hook" } }),
    change: { planType: "paid" },
    property: "planType",
    onPlatform: async ({ sandbox, serviceProviderSid }, accountSid) => {
      const { body } = await sandbox.outside("GET", `/ServiceProviders/${serviceProviderSid}/Accounts`);
      const rows = (body as Record<string, string>[]).filter(({ account_sid }) => account_sid !== accountSid);
      return Object.fromEntries(rows.map(({ account_sid, plan_type }) => [account_sid, plan_type === "trial" ? undefined : plan_type]));
    },
  },
  {
    type: "jambonz:ApiKey",
    args: (_place, accountSid) => ({ accountSid }),
    property: "token",
    onPlatform: async (place, accountSid) =>
      Object.fromEntries(
        (await keysOf(place, accountSid)).map(({ api_key_sid, token }) => [`Accounts/${accountSid}/ApiKeys/${api_key_sid}`, token]),
      ),
  },
  {
    type: "jambonz:Limit",
    args: (_place, accountSid) => ({ accountSid, category: "device", quantity: 5 }),
    change: { quantity: 6 },
    property: "quantity",
    onPlatform: async (place, accountSid) =>
      Object.fromEntries(
        Object.entries(await limitsOf(place, accountSid)).map(([category, n]) => [`Accounts/${accountSid}/Limits/${category}`, n]),
      ),
  },
  {
    type: "jambonz:SipRealm",
    args: (_place, accountSid) => ({ accountSid, realm: `r-${accountSid}.example.com` }),
    change: { realm: "changed.sip.example.com" },
    property: "realm",
    onPlatform: async ({ sandbox }, accountSid) => {
      const { body } = await sandbox.outside("GET", `/Accounts/${accountSid}`);
      return body.sip_realm ? { [accountSid]: body.sip_realm } : {};
    },
  },
  {
    type: "jambonz:VoipCarrier",
    args: (_place, accountSid) => ({ accountSid, registerPassword: "carrier-password" }),
    needsOwner: true,
    change: { techPrefix: "99" },
    property: "techPrefix",
    onPlatform: async (place) =>
      Object.fromEntries((await carriersOf(place)).map((row) => [row.voip_carrier_sid, row.tech_prefix ?? undefined])),
  },
  {
    type: "jambonz:SipGateway",
    prepare: trunk,
    args: () => ({ ipv4: "192.0.2.1", inbound: true }),
    change: { port: 5070 },
    property: "port",
    onPlatform: async (place) => {
      return Object.fromEntries((await gatewaysOf(place, "SipGateways")).map((row) => [row.sip_gateway_sid, row.port ?? undefined]));
    },
  },
  {
    type: "jambonz:SmppGateway",
    prepare: trunk,
    args: () => ({ ipv4: "192.0.2.1" }),
    change: { useTls: true },
    property: "useTls",
    onPlatform: async (place) => {
      return Object.fromEntries(
        (await gatewaysOf(place, "SmppGateways")).map((row) => [row.smpp_gateway_sid, Boolean(row.use_tls) || undefined]),
      );
    },
  },
  {
    type: "jambonz:User",
    needsOwner: true,
    args: (_place, accountSid) => ({ accountSid, email: `${accountSid}@example.com`, initialPassword: "user-password" }),
    change: { isActive: false },
    property: "isActive",
    onPlatform: async ({ sandbox }, accountSid) => {
      const rows = ((await sandbox.outside("GET", "/Users")).body as Row[]).filter((row) => row.account_sid === accountSid);
      return Object.fromEntries(rows.map((row) => [row.user_sid, Boolean(row.is_active) && undefined]));
    },
  },
  {
    type: "jambonz:MicrosoftTeamsTenant",
    needsOwner: true,
    args: (_place, accountSid) => ({ accountSid, tenantFqdn: `t-${accountSid}.example.com` }),
    change: (_place, accountSid) => Promise.resolve({ tenantFqdn: `changed-${accountSid}.example.com` }),
    property: "tenantFqdn",
    onPlatform: async ({ sandbox }, accountSid) => {
      const rows = (await sandbox.outside("GET", "/MicrosoftTeamsTenants")).body as Row[];
      return Object.fromEntries(
        rows.filter((row) => row.account_sid === accountSid).map((row) => [row.ms_teams_tenant_sid, row.tenant_fqdn]),
      );
    },
  },
  {
    type: "jambonz:Lcr",
    needsOwner: true,
    args: (_place, accountSid) => ({ accountSid }),
    change: { isActive: false },
    property: "isActive",
    onPlatform: async (place, accountSid) =>
      Object.fromEntries((await lcrsOf(place, accountSid)).map((row) => [row.lcr_sid, Boolean(row.is_active) && undefined])),
  },
  {
    type: "jambonz:LcrRoute",
    prepare: async ({ sandbox }, account_sid) => ({ lcrSid: await made(sandbox, "/Lcrs", { name: "routing", account_sid }) }),
    args: () => ({ regex: "^1", priority: 2 }),
    change: { description: "America" },
    property: "description",
    onPlatform: async (place, accountSid) =>
      Object.fromEntries((await routesOf(place, accountSid)).map((row) => [row.lcr_route_sid, row.description ?? undefined])),
  },
  {
    type: "jambonz:LcrCarrierSetEntry",
    prepare: async (place, accountSid) => {
      const { lcrRouteSid, voipCarrierSid } = await routing(place, accountSid);
      return { lcrRouteSid, voipCarrierSid };
    },
    args: () => ({}),
    change: { workload: 3 },
    property: "workload",
    onPlatform: async (place, accountSid) => {
      const [route] = await routesOf(place, accountSid);
      const rows = (route?.lcr_carrier_set_entries ?? []) as Row[];
      return Object.fromEntries(rows.map((row) => [row.lcr_carrier_set_entry_sid, row.workload === 1 ? undefined : row.workload]));
    },
  },
  {
    type: "jambonz:LcrDefaultEntry",
    prepare: async (place, accountSid) => {
      const { lcrSid, entrySids } = await routing(place, accountSid, 2);
      return { lcrSid, lcrCarrierSetEntrySid: entrySids[0] };
    },
    args: () => ({}),
    change: async (place, accountSid) => {
      const [route] = await routesOf(place, accountSid);
      const other = (route!.lcr_carrier_set_entries as Row[]).find(({ workload }) => workload === 2);
      return { lcrCarrierSetEntrySid: other!.lcr_carrier_set_entry_sid };
    },
    property: "lcrCarrierSetEntrySid",
    onPlatform: async (place, accountSid) => {
      const rows = (await lcrsOf(place, accountSid)).filter((row) => row.default_carrier_set_entry_sid);
      return Object.fromEntries(rows.map((row) => [row.lcr_sid, row.default_carrier_set_entry_sid]));
    },
  },
  {
    type: "jambonz:Client",
    args: (_place, accountSid) => ({ accountSid, password: "client-password" }),
    needsOwner: true,
    change: { isActive: false },
    property: "isActive",
    onPlatform: async (place, accountSid) => {
      const own = (await clientsOf(place)).filter((row) => row.account_sid === accountSid);
      return Object.fromEntries(own.map((row) => [row.client_sid, Boolean(row.is_active) && undefined]));
    },
  },
  {
    type: "jambonz:SpeechCredential",
    needsOwner: true,
    args: (_place, accountSid) => ({ accountSid, vendor: "deepgram", apiKey: "deepgram-key", label: accountSid }),
    change: { useForStt: true },
    property: "useForStt",
    onPlatform: async (place, accountSid) => {
      const { body } = await place.sandbox.outside("GET", `/Accounts/${accountSid}/SpeechCredentials`);
      const id = (row: Row) => `Accounts/${accountSid}/SpeechCredentials/${row.speech_credential_sid}`;
      return Object.fromEntries((body as Row[]).map((row) => [id(row), Boolean(row.use_for_stt) || undefined]));
    },
  },
  {
    type: "jambonz:Application",
    needsOwner: true,
    args: (_place, accountSid) => ({
      accountSid,
      callHook: { url: "https://example.com/call" },
      callStatusHook: { url: "https://example.com/status" },
    }),
    change: { callHook: { url: "https://example.com/other" } },
    property: "callHook",
    onPlatform: async (place, accountSid) =>
      Object.fromEntries(
        (await applicationsOf(place, accountSid)).map((row) => [row.application_sid, { url: row.call_hook.url as string }]),
      ),
  },
  {
    type: "jambonz:PhoneNumber",
    needsOwner: true,
    args: (_place, accountSid) => ({ accountSid, number: `+${accountSid}` }),
    change: async ({ sandbox }, accountSid) => {
      const hook = { url: "https://example.com" };
      return {
        applicationSid: await made(sandbox, "/Applications", {
          account_sid: accountSid,
          name: "menu",
          call_hook: hook,
          call_status_hook: hook,
        }),
      };
    },
    property: "applicationSid",
    onPlatform: async (place, accountSid) =>
      Object.fromEntries(
        (await numbersOf(place, accountSid)).map((row) => [row.phone_number_sid, (row.application_sid as string | null) ?? undefined]),
      ),
  },
];

const operations = ["create", "read", "update", "delete"] as const;
type Operation = (typeof operations)[number];

/** How an operation fares when one of its requests is struck: it is overcome, by sending again or by finding out, or told; or any of these. */
type Course = "repeated" | "found" | "unharmed" | "any" | RegExp;

interface Fault {
  name: string;
  rule: Omit<FaultRule, "match" | "skip" | "times">;
  read: Course;
  /** PUT and DELETE, and a POST that writes over itself. */
  idempotent: Course;
  /** A POST that makes another thing each time. */
  creation: Course;
  settings?: Record<string, string>;
}

const status = (code: number, body?: unknown, headers?: Record<string, string>): Fault["rule"] => ({
  fault: { status: code, body, headers },
});
const overcome = { read: "repeated", idempotent: "repeated", creation: "repeated" } as const;
const any = { read: "any", idempotent: "any", creation: "any" } as const;
const told = (reason: RegExp) => ({ read: reason, idempotent: reason, creation: reason });
const page = "<!DOCTYPE html>\n<html><body>Oops</body></html>";

const faults: Fault[] = [
  { name: "the connection is refused", rule: { fault: "refuse", delayMs: 3 }, ...overcome },
  { name: "the connection breaks off", rule: { fault: "drop" }, ...overcome },
  { name: "the platform restarts", rule: { fault: "restart", delayMs: 3 }, ...overcome },
  { name: "the answer is lost", rule: { fault: "dropAnswer" }, ...overcome, creation: "found" },
  { name: "the answer breaks off", rule: { fault: "truncated" }, ...overcome, creation: "found" },
  { name: "the answer is empty", rule: { fault: "empty" }, ...overcome, creation: "found" },
  {
    name: "a web page is the answer",
    rule: { fault: "html" },
    ...told(/web page instead of its API; check the API's URL/),
    idempotent: "repeated",
    creation: "repeated",
  },
  {
    name: "a redirect is the answer",
    rule: { fault: "redirect", location: "http://127.0.0.1:9/elsewhere" },
    ...told(/redirect \(307\), which is not followed with a key; .* \(http:\/\/127\.0\.0\.1:9\)$/),
  },
  {
    name: "the answer takes longer than a request may",
    // So much longer that the platform has noticed in any case that nobody waits any more, and does nothing.
    rule: { fault: "slow", delayMs: 3000 },
    ...overcome,
    settings: { JAMBONZ_REQUEST_TIMEOUT: "0.4" },
  },
  { name: "408", rule: status(408), ...overcome },
  { name: "429", rule: status(429, undefined, { "Retry-After": "0" }), ...overcome },
  { name: "500 as jambonz refuses", rule: status(500, { msg: "no such thing" }), ...told(/no such thing \(500\)$/) },
  { name: "500 with a web page", rule: status(500, page), ...told(/it answered 500 without a reason \(500\)$/), creation: "repeated" },
  { name: "500 with nothing", rule: status(500, ""), ...told(/it answered 500 without a reason \(500\)$/), creation: "repeated" },
  {
    name: "500 of a lost database",
    rule: status(500, { msg: "Lost connection to MySQL server during query" }),
    ...overcome,
  },
  { name: "502", rule: status(502), ...overcome },
  { name: "503", rule: status(503, { msg: "busy" }), ...overcome },
  { name: "504", rule: status(504), ...overcome },
  { name: "524", rule: status(524, "A timeout occurred"), ...overcome },
  { name: "401 of something in between", rule: status(401, ""), ...any },
  { name: "403 of something in between", rule: status(403, ""), ...any },
  { name: "404 of something in between, with nothing", rule: status(404, ""), ...any },
  { name: "404 of something in between, in its words", rule: status(404, { message: "no Route matched with those values" }), ...any },
  { name: "403 with a web page after it was done", rule: { fault: { status: 403, body: page, handled: true } }, ...any },
  {
    name: "500 in words of something in between after it was done",
    rule: { fault: { status: 500, body: { message: "Internal server error" }, handled: true } },
    ...any,
  },
];

/** A program with one resource, at a platform with an account of somebody else's, brought to where an operation begins. */
class Scene {
  static async at(target: Target, kind: Kind, operation: Operation, settings: Record<string, string> = {}): Promise<Scene> {
    const { sandbox } = target;
    const serviceProviderSid = await made(sandbox, "/ServiceProviders", { name: `sp ${Math.random()}` });
    const accountSid = await made(sandbox, "/Accounts", { name: "somebody", service_provider_sid: serviceProviderSid });
    const place = { ...target, serviceProviderSid };
    const prepared = (await kind.prepare?.(place, accountSid)) ?? {};
    const change = typeof kind.change === "function" ? await kind.change(place, accountSid) : kind.change;
    const scene = new Scene(place, kind, accountSid, prepared, change, settings);
    if (operation !== "create") assert.deepEqual((await scene.engine.up(scene.program())).errors, []);
    sandbox.clearRequests();
    return scene;
  }

  readonly engine: Engine;

  private constructor(
    readonly target: Target,
    readonly kind: Kind,
    readonly accountSid: string,
    readonly prepared: Properties,
    readonly change: Properties | undefined,
    settings: Record<string, string>,
  ) {
    this.engine = new Engine({
      environment: () => ({ ...target.variables, ...settings }),
      pace: PACE,
    });
  }

  program(change: Properties = {}): Declared[] {
    return [{ type: this.kind.type, name: "it", args: { ...this.prepared, ...this.kind.args(this.target, this.accountSid), ...change } }];
  }

  run(operation: Operation): Promise<Outcome> {
    if (operation === "read") return this.engine.refresh();
    if (operation === "delete") return this.engine.destroy();
    return this.engine.up(this.program(operation === "update" ? this.change : {}));
  }

  get requests(): string[] {
    return asked(this.target);
  }

  get state(): Objects {
    return Object.fromEntries(this.engine.entries.map(({ id, outputs }) => [id, outputs[this.kind.property]]));
  }

  /** What state says is on the platform, and nothing else is. */
  async agrees(): Promise<void> {
    assert.deepEqual(this.state, await this.kind.onPlatform(this.target, this.accountSid));
  }

  async end(): Promise<void> {
    const { sandbox, serviceProviderSid } = this.target;
    sandbox.clearFaults();
    // What an account does not take along, or is held back by.
    for (const [noun, column] of [
      ["Clients", "client_sid"],
      ["MicrosoftTeamsTenants", "ms_teams_tenant_sid"],
      ["Lcrs", "lcr_sid"],
    ] as const) {
      for (const row of (await sandbox.outside("GET", `/${noun}`)).body as Row[])
        await sandbox.outside("DELETE", `/${noun}/${row[column] as string}`);
    }
    for (const row of ((await sandbox.outside("GET", "/ServiceProviders")).body as Row[]).filter(({ name }) => name === "it"))
      await sandbox.outside("DELETE", `/ServiceProviders/${row.service_provider_sid as string}`);
    for (const { account_sid } of (await sandbox.outside("GET", `/ServiceProviders/${serviceProviderSid}/Accounts`)).body)
      await sandbox.outside("DELETE", `/Accounts/${account_sid}`);
    await sandbox.outside("DELETE", `/ServiceProviders/${serviceProviderSid}`);
  }
}

const isWrite = (line: string) => !line.startsWith("GET");
const count = (lines: string[], wanted: (line: string) => boolean) => lines.filter(wanted).length;

describe("one request is struck", () => {
  let target: Target;
  before(async () => void (target = await jambonzTarget()));
  after(() => target.sandbox.stop());

  for (const kind of kinds) {
    for (const operation of operations) {
      if (operation === "update" && !kind.change) continue;
      const name = kind.type.split(":")[1]!;
      describe(`to ${operation} ${/^[AEIOU]/.test(name) ? "an" : "a"} ${name}`, () => {
        /** What is asked when nothing goes wrong. */
        let calm: string[];
        before(async () => {
          const scene = await Scene.at(target, kind, operation);
          assert.deepEqual((await scene.run(operation)).errors, []);
          calm = scene.requests;
          await scene.agrees();
          await scene.end();
        });

        for (const fault of faults) {
          // A time limit takes its time here too, so the reads of only one kind are struck by slow answers.
          const strikesReads = fault.rule.fault !== "slow" || (operation === "read" && name === "Account");
          if (operation === "read" && !strikesReads) continue;
          it(`and ${fault.name}`, async () => {
            const lines = [...new Set(calm)];
            // Reads that are alike suffer alike, so of many the first and the last are struck.
            const reads = strikesReads ? lines.filter((line) => !isWrite(line)) : [];
            const struck = new Set([...reads.slice(0, 1), ...reads.slice(-1), ...lines.filter(isWrite)]);
            assert.notEqual(struck.size, 0, "something is struck");
            for (const line of struck) await strike(line, fault);
          });
        }

        async function strike(line: string, { rule, settings, ...courses }: Fault): Promise<void> {
          const scene = await Scene.at(target, kind, operation, settings);
          const [method, path] = line.split(" ") as [string, string];
          target.sandbox.addFault({ ...rule, match: { method, path: path.replaceAll(":sid", "*") } });
          const { errors } = await scene.run(operation);
          const { requests } = scene;
          target.sandbox.clearFaults();
          const where = `${line} was struck: ${requests.join(", ")}; ${errors.join("; ")}`;
          const creation = method === "POST" && kind.type !== "jambonz:Limit";
          let course: Course = isWrite(line) ? (creation ? courses.creation : courses.idempotent) : courses.read;
          // No content is a complete answer.
          if (rule.fault === "empty" && ["PUT", "DELETE"].includes(method)) course = "unharmed";
          const writes = count(calm, isWrite);
          // An update may have been done or not, so whatever the program says next is sent.
          if (course === "any" && operation === "update") assert.deepEqual((await scene.engine.up(scene.program())).errors, [], where);
          if (course === "any") {
            assert(errors.length <= 1, where);
          } else if (course instanceof RegExp) {
            // Whose the account is can be found out later.
            if (operation === "create" && line === "GET /Accounts" && !kind.needsOwner) assert.deepEqual(errors, [], where);
            else {
              assert.equal(errors.length, 1, where);
              assert.match(errors[0]!, course, where);
              assert.match(errors[0]!, new RegExp(`^(jambonz refused to ${operation} )?${name}( "it")?( \\(|: )`), where);
            }
            assert(count(requests, isWrite) <= writes, where);
          } else {
            assert.deepEqual(errors, [], where);
            const again = isWrite(line) && course === "repeated" ? 1 : 0;
            assert.equal(count(requests, isWrite), writes + again, where);
            if (!isWrite(line)) assert(count(requests, (one) => one === line) > count(calm, (one) => one === line), where);
          }
          await scene.agrees();
          // Whatever was left undone is done next time, and not twice.
          assert.deepEqual((await scene.run(operation)).errors, [], where);
          await scene.agrees();
          assert.equal(Object.keys(scene.state).length, operation === "delete" ? 0 : 1, where);
          await scene.end();
        }
      });
    }
  }
});

/** A program's run against a platform, with pauses cut short. */
function engineAt(target: Target, settings: Record<string, string> = {}, said: string[] = []): Engine {
  return new Engine({ environment: () => ({ ...target.variables, ...settings }), pace: PACE, log: (message) => said.push(message) });
}

const isCreation = (line: string) => line.startsWith("POST ");

/** What the platform makes another of with each request, and dates. */
const madeAnew = kinds.filter(({ type }) => /:(Account|ApiKey|VoipCarrier)$/.test(type));

/** What the platform refuses to make a second time. */
const refusedTwice = kinds.filter(({ type }) =>
  /:(ServiceProvider|User|MicrosoftTeamsTenant|Lcr|Client|SpeechCredential|Application)$/.test(type),
);

describe("keys whose creations cannot be told apart", () => {
  let target: Target;
  before(async () => void (target = await jambonzTarget()));
  after(() => target.sandbox.stop());

  const fates: [string, FaultRule["fault"] | undefined][] = [
    ["answered", undefined],
    ["made without an answer", "dropAnswer"],
    ["made with half an answer", "truncated"],
    ["lost", "drop"],
    ["given up by a proxy", { status: 504 }],
  ];
  for (const [first, ...firstFault] of fates) {
    for (const [second, ...secondFault] of fates) {
      it(`are two when one is ${first} and the other ${second}`, async () => {
        const { sandbox, serviceProviderSid } = target;
        const accountSid = await made(sandbox, "/Accounts", { name: `a ${Math.random()}`, service_provider_sid: serviceProviderSid });
        sandbox.clearRequests();
        [firstFault[0], secondFault[0]].forEach((fault, index, both) => {
          // A rule counts what no rule before it has struck.
          const skip = index === 1 && !both[0] ? 1 : 0;
          if (fault) sandbox.addFault({ match: { method: "POST", path: "/ApiKeys" }, fault, skip });
        });
        const engine = engineAt(target);
        const names = ["one", "two"];
        const { errors } = await engine.up(names.map((name) => ({ type: "jambonz:ApiKey", name, args: { accountSid } })));
        sandbox.clearFaults();
        assert.deepEqual(errors, []);
        const inState = engine.entries.map(({ outputs }) => String(outputs.token)).sort();
        const onPlatform = (await keysOf(target, accountSid)).map(({ token }) => token).sort();
        assert.deepEqual(inState, onPlatform);
        assert.equal(new Set(inState).size, 2);
        const lost = [first, second].filter((fate) => ["lost", "given up by a proxy"].includes(fate)).length;
        assert.equal(count(asked(target), isCreation), 2 + lost);
      });
    }
  }

  it("stay as they are when somebody else makes an equal one meanwhile, and all are named", async () => {
    const { sandbox, serviceProviderSid } = target;
    const accountSid = await made(sandbox, "/Accounts", { name: `a ${Math.random()}`, service_provider_sid: serviceProviderSid });
    sandbox.clearRequests();
    sandbox.addFault({ match: { method: "POST", path: "/ApiKeys" }, fault: "dropAnswer" });
    const somebody = { method: "POST", path: "/ApiKeys", body: { account_sid: accountSid } };
    sandbox.addFault({ match: { method: "GET", path: "/Accounts/*/ApiKeys" }, fault: "outside", skip: 1, request: somebody });
    const engine = engineAt(target);
    const { errors } = await engine.up([{ type: "jambonz:ApiKey", name: "mine", args: { accountSid } }]);
    sandbox.clearFaults();
    const keys = await keysOf(target, accountSid);
    assert.equal(keys.length, 2);
    assert.match(
      errors.join("\n"),
      /^ApiKey: jambonz at \S+ did not answer: .*; now there are 2 that may be the one it made: .*Nothing was changed/,
    );
    for (const { api_key_sid, token } of keys) {
      assert(errors[0]!.includes(api_key_sid), errors[0]);
      assert(!errors[0]!.includes(token));
    }
    assert.deepEqual(engine.entries, []);
    assert.equal(count(asked(target), isWrite), 1);
  });

  const mayBeMade: [string, FaultRule["fault"]][] = [
    ["is lost on the way", "drop"],
    ["is made without an answer", "dropAnswer"],
    ["is made with half an answer", "truncated"],
    ["is made with an empty answer", "empty"],
    ["is answered with a web page", "html"],
    ["is given up by a proxy", { status: 504 }],
    ["is refused by something else", { status: 500, body: "" }],
    ["meets a lost database", { status: 500, body: { msg: "Lost connection to MySQL server during query" } }],
  ];
  for (const [what, fault] of mayBeMade) {
    it(`are not made again when an admin's ${what}, because it cannot be listed`, async () => {
      const { sandbox } = target;
      sandbox.clearRequests();
      sandbox.addFault({ match: { method: "POST", path: "/ApiKeys" }, fault });
      const engine = engineAt(target);
      const { errors } = await engine.up([{ type: "jambonz:ApiKey", name: "admin", args: { admin: true } }]);
      sandbox.clearFaults();
      assert.match(
        errors.join("\n"),
        /^ApiKey: .*; it may have been made all the same, and it cannot be listed, so it is not tried again: /,
      );
      assert.equal(count(asked(target), isCreation), 1);
      assert.deepEqual(engine.entries, []);
    });
  }

  it("are made again when an admin's was surely not made", async () => {
    const { sandbox } = target;
    sandbox.clearRequests();
    sandbox.addFault({ match: { method: "POST", path: "/ApiKeys" }, fault: { status: 429, headers: { "Retry-After": "0" } } });
    const back = sandbox.restart(5); // away when the first request comes
    const engine = engineAt(target);
    assert.deepEqual((await engine.up([{ type: "jambonz:ApiKey", name: "admin", args: { admin: true } }])).errors, []);
    await back;
    assert.deepEqual(asked(target), ["POST /ApiKeys", "POST /ApiKeys"]);
  });
});

describe("a creation that the platform carries out late", () => {
  let target: Target;
  let proxy: LocalServer;
  let act: (exchange: Exchange) => Promise<void>;
  before(async () => {
    target = await jambonzTarget();
    proxy = await between(target.sandbox.url, (exchange) => act(exchange));
  });
  after(async () => {
    await proxy.stop();
    await target.sandbox.stop();
  });

  /** Creates one, with `hold` deciding what becomes of the first request to create it. */
  async function createOf(
    kind: Kind,
    hold: (first: Exchange) => Promise<void>,
    next: () => Promise<unknown> = async () => {},
    requestTimeout = "30",
  ) {
    let creations = 0;
    act = async (exchange) => {
      if (!isCreation(exchange.line)) return exchange.pass();
      if (++creations === 1) return hold(exchange);
      await next();
      return exchange.pass();
    };
    const place = { ...target, variables: { ...target.variables, JAMBONZ_API_URL: proxy.url } };
    const scene = await Scene.at(place, kind, "create", { JAMBONZ_REQUEST_TIMEOUT: requestTimeout });
    return { scene, outcome: await scene.run("create"), creations: () => creations };
  }

  for (const kind of refusedTwice) {
    it(`is found where a second ${kind.type.split(":")[1]} is refused because of it`, async () => {
      let first: Exchange | undefined;
      const { scene, outcome, creations } = await createOf(
        kind,
        async (exchange) => (first = exchange).cut(),
        () => first!.carry(),
      );
      assert.deepEqual(outcome.errors, []);
      assert.equal(creations(), 2);
      await scene.agrees();
      await scene.end();
    });
  }

  for (const kind of madeAnew) {
    const name = kind.type.split(":")[1]!;
    const create = createOf.bind(undefined, kind);

    it(`makes one ${name} when it was done while it was being looked for`, async () => {
      const { scene, outcome, creations } = await create(async (first) => {
        first.cut();
        await new Promise((resolve) => setTimeout(resolve, 3)); // between the first and the last look
        await first.carry();
      });
      assert.deepEqual(outcome.errors, []);
      assert.equal(creations(), 1);
      await scene.agrees();
      await scene.end();
    });

    it(`makes one ${name} when it was done after the request's time`, async () => {
      const { scene, outcome, creations } = await create(
        async (first) => {
          await first.gone();
          await first.carry();
        },
        undefined,
        "0.4",
      );
      assert.deepEqual(outcome.errors, []);
      assert.equal(creations(), 1);
      await scene.agrees();
      await scene.end();
    });

    it(`names both ${name}s when it was done only after it was sent again`, async () => {
      let first: Exchange | undefined;
      const { scene, outcome, creations } = await create(
        async (exchange) => (first = exchange).cut(),
        () => first!.carry(),
      );
      assert.equal(creations(), 2);
      const onPlatform = await kind.onPlatform(scene.target, scene.accountSid);
      assert.equal(Object.keys(onPlatform).length, 2);
      const [mine] = Object.keys(scene.state);
      const [other] = Object.keys(onPlatform).filter((id) => id !== mine);
      assert.equal(outcome.errors.length, 1);
      assert(outcome.errors[0]!.startsWith(`${name}${name === "ApiKey" ? "" : ' "it"'} (${mine}): a first attempt was carried out late`));
      assert.match(outcome.errors[0]!, new RegExp(`so it is there twice; delete ${other} \\(made 2[^)]*Z\\)$`));
      await scene.end();
    });
  }
});

describe("something in between that answers in the platform's place", () => {
  let target: Target;
  beforeEach(async () => void (target = await jambonzTarget()));
  afterEach(() => target.sandbox.stop());

  it("deletes nothing by a 200 without a body", async () => {
    for (const kind of kinds) {
      const scene = await Scene.at(target, kind, "delete");
      target.sandbox.addFault({ match: { method: "DELETE" }, fault: { status: 200, body: "" } });
      assert.deepEqual((await scene.run("delete")).errors, [], kind.type);
      await scene.agrees();
      await scene.end();
    }
  });

  it("ends no admin's key by one 401", async () => {
    const engine = engineAt(target);
    const program: Declared[] = [{ type: "jambonz:ApiKey", name: "admin", args: { admin: true } }];
    assert.deepEqual((await engine.up(program)).errors, []);
    target.sandbox.addFault({ match: { method: "GET", path: "/ServiceProviders" }, fault: { status: 401, body: "" } });
    assert.deepEqual(await engine.refresh(), { steps: [], errors: [] });
  });

  it("does away with nothing that the key in use may not see", async () => {
    const own = await accountTarget("account");
    const above = await accountTarget("service provider");
    const { sandbox, accountSid } = above;
    const carrier = await made(sandbox, "/VoipCarriers", { name: "one", account_sid: accountSid });
    const person = { name: "x", email: "x@example.com", initial_password: "first-password-1" };
    const user = await made(sandbox, "/Users", { ...person, account_sid: accountSid });
    const hidden: [place: Target, type: string, id: string, state: Properties][] = [
      [own, "jambonz:ServiceProvider", own.serviceProviderSid, { name: "acme telecom", sid: own.serviceProviderSid }],
      [above, "jambonz:VoipCarrier", carrier, { name: "one", accountSid, sid: carrier }],
      [above, "jambonz:User", user, { name: "x", email: "x@example.com", admin: true, sid: user }],
    ];
    for (const [place, type, id, state] of hidden) {
      const path = `/*/${id}`;
      place.sandbox.addFault({ match: { method: "GET", path }, fault: { status: 404, body: "" } });
      const read = lifecycleOf(type, sessionOf("jambonz", place.variables, { pace: PACE })).read(id, state);
      await assert.rejects(read, /^Error: jambonz refused to read /, type);
    }
    await own.sandbox.stop();
    await sandbox.stop();
  });

  it("shows no key of an account that is only looked into", async () => {
    const above = await accountTarget("service provider");
    const { sandbox, accountSid, serviceProviderSid } = above;
    const { token } = (await sandbox.outside("POST", "/ApiKeys", { account_sid: accountSid })).body as { token: string };
    const echo = { status: 400, body: { msg: `bad header: Authorization: Bearer ${token}` } };
    sandbox.addFault({ match: { method: "GET", path: "/Lcrs" }, fault: echo, times: "always" });
    const account = lifecycleOf("jambonz:Account", sessionOf("jambonz", above.variables, { pace: PACE }));
    const error = await account.delete(accountSid, { name: "acme", serviceProviderSid, sid: accountSid }).catch((error: Error) => error);
    assert.match(String(error), /bad header/);
    assert(!String(error).includes(token));
    await sandbox.stop();
  });
});

describe("a creation that was not answered and is found nowhere", () => {
  const { definition } = resourceOf("jambonz:Account");
  const troubles = [
    new UnreachableError("jambonz cannot be reached"),
    new CancelledError(),
    new UserError("jambonz answered 403 with a web page instead of its API"),
  ];
  for (const trouble of troubles) {
    it(`may have been carried out all the same, where it is not sent again: ${trouble.message}`, async () => {
      const { sandbox, serviceProviderSid, variables } = await jambonzTarget();
      const { client } = sessionOf("jambonz", variables, { pace: PACE });
      const failures = [new UnansweredError("jambonz did not answer", Date.now()), trouble];
      const failing = { ...definition, create: () => Promise.reject(failures.shift()!) };
      const inputs = { name: "acme", serviceProviderSid };
      await assert.rejects(
        client.http.operation(() => new Recovery().create(failing, client, inputs, inputs, 3)),
        {
          message: `a first try was not answered; whether it was made all the same could not be found out (${trouble.message}): see \`npx pulumi-cpaas orphans --platform jambonz\` before the next run`,
        },
      );
      assert.equal(failures.length, 0);
      await sandbox.stop();
    });
  }
});

describe("a realm that was set behind a 500 without words", () => {
  const hidden = { status: 403, body: { msg: "insufficient privileges" } };
  let target: Target;
  let accountSid: string;
  beforeEach(async () => {
    target = await jambonzTarget();
    const { sandbox, serviceProviderSid } = target;
    accountSid = await made(sandbox, "/Accounts", { name: "acme", service_provider_sid: serviceProviderSid });
    sandbox.addFault({ match: { method: "PUT" }, fault: { status: 500, body: "", handled: true }, times: "always" });
  });
  afterEach(() => target.sandbox.stop());
  const set = async () => {
    const engine = engineAt(target);
    const args = { accountSid, realm: "acme.sip.example.com" };
    const { errors } = await engine.up([{ type: "jambonz:SipRealm", name: "realm", args }]);
    return { errors, engine };
  };

  it("is in state, also where the first look at it fails", async () => {
    // The account's own list was asked for before.
    target.sandbox.addFault({ match: { method: "GET" }, fault: hidden, skip: 1, times: 3 });
    const { errors, engine } = await set();
    assert.deepEqual(errors, []);
    assert.equal(engine.entries.length, 1);
  });

  it("is said to be unknown where it cannot be looked at", async () => {
    target.sandbox.addFault({ match: { method: "GET" }, fault: hidden, times: "always" });
    const { errors, engine } = await set();
    assert.match(errors.join(), /it answered 500 without a reason \(500\); whether it was made all the same could not be found out/);
    assert.deepEqual(engine.entries, []);
  });
});

describe("a network that goes away after the platform has done what it was asked", () => {
  let target: Target;
  before(async () => void (target = await jambonzTarget()));
  after(() => target.sandbox.stop());

  /** One run; the connection fails this way as soon as the first such request was carried out. */
  async function up(engineOf: (variables: Record<string, string>) => Engine, program: Declared[], struck: RegExp, failure: object) {
    const sockets = new Set<Socket>();
    const note = (message: unknown) => void sockets.add((message as { socket: Socket }).socket);
    let times = 0;
    const proxy = await between(target.sandbox.url, async (exchange) => {
      await exchange.carry();
      if (!struck.test(exchange.line) || ++times > 1) return exchange.answer();
      for (const socket of sockets)
        if (socket.remotePort === proxy.port) socket.destroy(Object.assign(new Error("the network is away"), failure));
    });
    subscribe("net.client.socket", note);
    const outcome = await engineOf({ ...target.variables, JAMBONZ_API_URL: proxy.url }).up(program);
    unsubscribe("net.client.socket", note);
    await proxy.stop();
    return outcome;
  }

  for (const code of ["EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL", "ENOTFOUND", "EPROTO", "ERR_SSL_BAD_RECORD"]) {
    it(`has made one account when the connection ends with ${code}`, async () => {
      const { serviceProviderSid } = target;
      const name = `of ${code}`;
      const engineOf = (variables: Record<string, string>) => (engine = new Engine({ environment: () => variables, pace: PACE }));
      let engine: Engine | undefined;
      const program = [{ type: "jambonz:Account", name: "it", args: { serviceProviderSid, name } }];
      const { errors } = await up(engineOf, program, /^POST /, { code, syscall: "read" });
      assert.deepEqual(errors, []);
      const { body } = await target.sandbox.outside("GET", `/ServiceProviders/${serviceProviderSid}/Accounts`);
      const sids = (body as Record<string, string>[]).filter((row) => row.name === name).map((row) => row.account_sid);
      assert.deepEqual(
        sids,
        engine!.entries.map(({ id }) => id),
      );
      assert.equal(sids.length, 1);
    });
  }
});

describe("a platform that cannot be reached any more after a change that it did not answer", () => {
  it("is told the change again, whatever the program says by then", async () => {
    const target = await jambonzTarget();
    let url = target.sandbox.url;
    const engine = new Engine({
      environment: () => ({ ...target.variables, JAMBONZ_API_URL: url, JAMBONZ_MAX_RETRIES: "1" }),
      pace: PACE,
    });
    const program = (planType: string): Declared[] => [
      { type: "jambonz:Account", name: "acme", args: { serviceProviderSid: target.serviceProviderSid, planType } },
    ];
    assert.deepEqual((await engine.up(program("free"))).errors, []);
    const proxy = await between(target.sandbox.url, async (exchange) => {
      await exchange.carry();
      proxy.server.close(); // nobody is let in from here on
      exchange.cut();
    });
    url = proxy.url;
    assert.match((await engine.up(program("paid"))).errors.join(), /cannot be reached: the connection was refused/);
    url = target.sandbox.url;
    assert.deepEqual((await engine.up(program("free"))).errors, []);
    const { body } = await target.sandbox.outside("GET", `/Accounts/${engine.entries[0]!.id}`);
    assert.equal((body as Properties).plan_type, "free");
    await target.sandbox.stop();
  });
});

describe("a platform whose clock is not the one of its answers", () => {
  const HOUR = 3_600_000;
  let target: Target;
  before(async () => void (target = await jambonzTarget()));
  after(() => target.sandbox.stop());

  /** Dates as the platform would tell them then. */
  const dated =
    (column: string, date: (really: number) => string) =>
    (body: string): string =>
      body.replaceAll(new RegExp(`"${column}":"([^"]+)"`, "g"), (_all, told: string) => `"${column}":"${date(Date.parse(told))}"`);
  const earlier = (really: number) => new Date(really - HOUR).toISOString();

  /** Creates one; what becomes of each request to create it is up to the test. */
  async function create(kind: Kind, edit: (body: string) => string, creation: (exchange: Exchange, nth: number) => Promise<void>) {
    let creations = 0;
    const proxy = await between(target.sandbox.url, async (exchange) => {
      if (isCreation(exchange.line)) return creation(exchange, ++creations);
      await exchange.carry();
      await exchange.answer(edit);
    });
    const place = { ...target, variables: { ...target.variables, JAMBONZ_API_URL: proxy.url } };
    const scene = await Scene.at(place, kind, "create");
    const { errors } = await scene.run("create");
    await proxy.stop();
    const ids = Object.keys(await kind.onPlatform(scene.target, scene.accountSid));
    await scene.end();
    return { errors, creations, ids, inState: Object.keys(scene.state) };
  }

  const unanswered = async (exchange: Exchange) => {
    await exchange.carry();
    exchange.cut();
  };

  for (const kind of madeAnew) {
    const name = kind.type.split(":")[1]!;
    const ways: [string, (really: number) => string, RegExp][] = [
      ["an hour early", earlier, /\(made 2[^)]*Z\)/],
      ["in a way that cannot be read", () => "0000-00-00 00:00:00", /\(made at a time that cannot be read\)/],
    ];
    for (const [way, date, told] of ways) {
      it(`makes no second ${name} when it dates the one that it did not tell of ${way}`, async () => {
        const { errors, creations, ids, inState } = await create(kind, dated("created_at", date), unanswered);
        assert.equal(errors.length, 1);
        assert.match(
          errors[0]!,
          /now there is one that may be what it made: .*Nothing was changed: see whose it is, adopt or delete it, then run again$/,
        );
        assert(errors[0]!.includes(ids[0]!), errors[0]);
        assert.match(errors[0]!, told);
        assert.deepEqual([creations, ids.length, inState], [1, 1, []]);
      });
    }

    it(`has ${name}s made again that were never made, whatever its dates`, async () => {
      const { errors, creations, ids, inState } = await create(kind, dated("created_at", earlier), async (exchange, nth) =>
        nth === 1 ? exchange.cut() : exchange.pass(),
      );
      assert.deepEqual([errors, creations, ids], [[], 2, inState]);
    });

    it(`has both ${name}s named where it made the first one late and dates it an hour early`, async () => {
      let first: Exchange | undefined;
      const { errors, ids, inState } = await create(kind, dated("created_at", earlier), async (exchange, nth) => {
        if (nth === 1) return (first = exchange).cut();
        await first!.carry();
        await exchange.pass();
      });
      const [other] = ids.filter((id) => id !== inState[0]);
      assert.match(errors.join(), new RegExp(`a first attempt was carried out late, so it is there twice; delete ${other} `));
    });
  }

  it("makes no second key when it reads the time of expiry back as one of another time zone, and replaces none", async () => {
    const { sandbox, serviceProviderSid } = target;
    const accountSid = await made(sandbox, "/Accounts", { name: "zone", service_provider_sid: serviceProviderSid });
    let answers = false;
    const proxy = await between(sandbox.url, async (exchange) => {
      await exchange.carry();
      if (isCreation(exchange.line) && !answers) return exchange.cut();
      await exchange.answer(dated("expires_at", earlier));
    });
    const engine = engineAt(target, { JAMBONZ_API_URL: proxy.url });
    const program: Declared[] = [{ type: "jambonz:ApiKey", name: "key", args: { accountSid, expiresAt: "2030-01-01T00:00:00Z" } }];
    const { errors } = await engine.up(program);
    const [doubtful, ...more] = await keysOf(target, accountSid);
    assert.deepEqual(more, []);
    assert.match(errors.join(), new RegExp(`may be what it made: .*${doubtful!.api_key_sid}`));

    answers = true;
    assert.deepEqual((await engine.up(program)).errors, []);
    assert.deepEqual(await engine.refresh(), { steps: [], errors: [] });
    assert.deepEqual(await engine.up(program), { steps: [], errors: [] });
    await proxy.stop();
  });

  it("has a number that it bought told, and not bought again", async () => {
    const place = await restcommTarget();
    let purchases = 0;
    const proxy = await between(place.sandbox.url, async (exchange) => {
      await exchange.carry();
      if (exchange.line.startsWith("POST") && ++purchases === 1) return exchange.cut();
      await exchange.answer(dated("date_created", (really) => new Date(really - HOUR).toUTCString()));
    });
    const engine = new Engine({ environment: () => ({ ...place.variables, RESTCOMM_API_URL: proxy.url }), pace: PACE });
    const { errors } = await engine.up([{ type: "restcomm:IncomingPhoneNumber", name: "main", args: { phoneNumber: "+15015550100" } }]);
    await proxy.stop();
    await place.sandbox.stop();
    assert.match(errors.join(), /may be what it made: .*PN[0-9a-f]{32} \(made /);
    assert.deepEqual([purchases, engine.entries.length], [1, 0]);
  });
});

describe("another cluster at the same host that takes the same key", () => {
  const children = (accountSid: Properties, serviceProviderSid: string): Declared[] => [
    { type: "jambonz:ApiKey", name: "key", args: { accountSid } },
    { type: "jambonz:ApiKey", name: "provider's key", args: { serviceProviderSid } },
    { type: "jambonz:ApiKey", name: "admin's key", args: { admin: true } },
    { type: "jambonz:Limit", name: "limit", args: { accountSid, category: "device", quantity: 5 } },
    { type: "jambonz:Limit", name: "provider's limit", args: { serviceProviderSid, category: "device", quantity: 5 } },
    { type: "jambonz:SipRealm", name: "realm", args: { accountSid, realm: "here.sip.example.com" } },
  ];
  let here: Target;
  let there: Target;
  let engine: Engine;
  let host: LocalServer;
  let url: string;
  before(async () => {
    here = await jambonzTarget();
    there = await jambonzTarget("admin", { adminKey: here.key });
    engine = new Engine({ environment: () => ({ ...here.variables, JAMBONZ_API_URL: url }), pace: PACE });
    host = await serve((request, response) => {
      const [, cluster, path] = /^\/(here|there)\/v1(.*)$/.exec(request.url!)!;
      const { method, headers } = request;
      const forward = httpRequest(`${(cluster === "here" ? here : there).sandbox.url}${path}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      });
      request.pipe(forward);
    });
    url = `${host.url}/here/v1`;
    const { serviceProviderSid } = here;
    const account: Declared = { type: "jambonz:Account", name: "account", args: { serviceProviderSid } };
    assert.deepEqual((await engine.up([account, ...children({ $ref: "account.sid" }, serviceProviderSid)])).errors, []);
    url = `${host.url}/there/v1`;
    for (const { sandbox } of [here, there]) sandbox.clearRequests();
  });
  after(() => Promise.all([host.stop(), here.sandbox.stop(), there.sandbox.stop()]));

  const complaint =
    /was seen last at 127\.0\.0\.1:\d+\/here\/v1, and 127\.0\.0\.1:\d+\/there\/v1 does not have it, so it is not taken for gone|\/here\/v1, so no key or password of it is sent to 127|does not see service provider/;

  it("has every refresh fail, and nothing is forgotten", async () => {
    const before = JSON.stringify(engine.entries);
    const { steps, errors } = await engine.refresh();
    assert.deepEqual(steps, []);
    assert.equal(errors.length, engine.entries.length, errors.join("\n"));
    for (const error of errors) assert.match(error, complaint);
    assert.equal(JSON.stringify(engine.entries), before);
  });

  for (const name of ["account", "key", "provider's key", "admin's key", "limit", "provider's limit", "realm"]) {
    it(`has the deletion of the ${name} fail, and nothing is written anywhere`, async () => {
      const { type, id, outputs } = engine.find(name)!;
      const session = sessionOf("jambonz", { ...here.variables, JAMBONZ_API_URL: url }, { pace: PACE });
      await assert.rejects(lifecycleOf(type, session).delete(id, outputs), complaint);
      assert.deepEqual(asked(there).filter(isWrite), []);
      assert.deepEqual(asked(here), []);
    });
  }

  it("has a destroy fail, and everything is deleted where it is", async () => {
    const before = JSON.stringify(engine.entries);
    assert.match((await engine.destroy()).errors.join("\n"), complaint);
    assert.equal(JSON.stringify(engine.entries), before);
    url = `${host.url}/here/v1`;
    assert.deepEqual((await engine.destroy()).errors, []);
    assert.deepEqual(engine.entries, []);
  });
});

describe("a platform that says to wait", () => {
  const account = ({ serviceProviderSid }: Target): Declared[] => [{ type: "jambonz:Account", name: "acme", args: { serviceProviderSid } }];
  const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString();

  /** Creates an account at a platform that says so. */
  async function create(headers: Record<string, string>, times: FaultRule["times"] = 1, settings: Record<string, string> = {}) {
    const target = await jambonzTarget();
    const { sandbox } = target;
    sandbox.addFault({ match: { method: "POST" }, fault: { status: 429, headers }, times });
    const said: string[] = [];
    const { errors } = await engineAt(target, settings, said).up(account(target));
    await sandbox.stop();
    return { errors: errors.join("\n"), said, posts: sandbox.requests.filter(({ method }) => method === "POST") };
  }

  it("is heeded, whichever way it says so", async () => {
    const unknown = { "RateLimit-Remaining": "", "RateLimit-Reset": "" };
    const ways: [string, Record<string, string>, number][] = [
      ["seconds", { "Retry-After": "1" }, 1000],
      // A date has whole seconds, and some time passes until it is sent.
      ["a date", { "Retry-After": at(6), ...unknown }, 1000],
      ["a date by a clock that is an hour behind", { "Retry-After": at(3 - 3600), Date: at(-3600), ...unknown }, 1000],
      ["parts of seconds", { "Retry-After": "1.5", ...unknown }, 1500],
      ["the end of its window only", { "Retry-After": "", "RateLimit-Limit": "10", "RateLimit-Reset": "2" }, 2000],
      ["words", { "Retry-After": "soon", ...unknown }, 1000],
    ];
    await Promise.all(
      ways.map(async ([way, headers, least]) => {
        // Waiting for the rate limit is not part of the operation's time.
        const { errors, said, posts } = await create(headers, 1, { JAMBONZ_OPERATION_TIMEOUT: "1.5" });
        assert.equal(errors, "", way);
        assert.equal(posts.length, 2, way);
        const waited = posts[1]!.at - posts[0]!.at;
        assert(waited >= least, `${way}: ${waited} ms`);
        assert.equal(said.length, 1, way);
        assert.match(
          said[0]!,
          /^jambonz: waiting [1-7] s for the platform's rate limit: (it answered 429|0 of \d+ requests are left in this window, and 20 % stay for others)$/,
        );
      }),
    );
  });

  for (const [way, header] of [
    ["seconds", () => "3700"],
    ["a date", () => at(7200)],
  ] as const) {
    it(`for more than an hour, by ${way}, is not waited for`, async () => {
      const { errors, posts } = await create({ "Retry-After": header() });
      assert.match(
        errors,
        /^jambonz refused to create Account "acme": its rate limit is used up for the next (62|119|120) minutes \(429\)$/,
      );
      assert.equal(posts.length, 1);
    });
  }

  it("again and again is told in the end", async () => {
    const { errors } = await create({ "Retry-After": "0" }, "always");
    assert.match(errors, /^jambonz refused to create Account "acme": the rate limit was used up again and again by others \(429\)$/);
  });
});

describe("a platform that does not answer", () => {
  let silent: LocalServer;
  let asked = 0;
  before(async () => void (silent = await serve(() => asked++)));
  beforeEach(() => (asked = 0));
  after(() => silent.stop());

  async function read(settings: Record<string, string>): Promise<{ message: string; seconds: number }> {
    const environment = { JAMBONZ_API_URL: `${silent.url}/v1`, JAMBONZ_API_KEY: "key", ...settings };
    const session = sessionOf("jambonz", environment, { pace: PACE });
    const id = "Accounts/3f2504e0-4f89-41d3-9a0c-0305e82c3301/ApiKeys/3f2504e0-4f89-41d3-9a0c-0305e82c3302";
    const began = Date.now();
    const message = await lifecycleOf("jambonz:ApiKey", session)
      .read(id, {})
      .then(
        () => "no error",
        (error: Error) => error.message,
      );
    return { message, seconds: (Date.now() - began) / 1000 };
  }

  it("is asked as often as the settings say, and each time for as long", async () => {
    const { message } = await read({ JAMBONZ_REQUEST_TIMEOUT: "0.2", JAMBONZ_MAX_RETRIES: "2" });
    assert.match(message, /^ApiKey \(Accounts\S+\): jambonz at 127\.0\.0\.1:\d+ did not answer: no answer within 0\.2 s$/);
    assert.equal(asked, 3);
  });

  it("is not waited for longer than an operation may take", async () => {
    const { message, seconds } = await read({ JAMBONZ_REQUEST_TIMEOUT: "86400", JAMBONZ_OPERATION_TIMEOUT: "0.7" });
    assert.match(message, /no answer within the 0\.7 s that one operation may take$/);
    assert.equal(asked, 1);
    assert(seconds >= 0.69, `${seconds} s`);
  });

  it("is not waited for longer by repeats", async () => {
    const { message } = await read({ JAMBONZ_REQUEST_TIMEOUT: "0.2", JAMBONZ_OPERATION_TIMEOUT: "0.7", JAMBONZ_MAX_RETRIES: "1000" });
    assert.match(message, /no answer within the 0\.7 s that one operation may take$|the time for one operation, 0\.7 s, is used up$/);
    assert(asked >= 2 && asked <= 4, `${asked} requests`);
  });
});

describe("time limits", () => {
  for (const text of ["16.1", "86400", " 7 "]) {
    it(`may be ${JSON.stringify(text)} s`, async () => {
      const { sandbox, serviceProviderSid, variables } = await jambonzTarget();
      const settings = { JAMBONZ_REQUEST_TIMEOUT: text, JAMBONZ_OPERATION_TIMEOUT: text };
      const engine = new Engine({ environment: () => ({ ...variables, ...settings }), pace: PACE });
      assert.deepEqual((await engine.up([{ type: "jambonz:Account", name: "acme", args: { serviceProviderSid } }])).errors, []);
      await sandbox.stop();
    });
  }

  for (const text of ["0", "-1", "86400.1", "soon", "1e9", "Infinity", "NaN", "0x10", "1e2", "true"]) {
    it(`may not be ${JSON.stringify(text)} s`, () => {
      const environment = { JAMBONZ_API_URL: "http://127.0.0.1:9/v1", JAMBONZ_REQUEST_TIMEOUT: text };
      assert.throws(
        () => readSettings(platform("jambonz"), { config: () => undefined, environment }),
        /^Error: jambonz:requestTimeout must /,
      );
    });
  }

  it("are as if they were not set where they are blank", () => {
    const environment = {
      JAMBONZ_API_URL: "http://127.0.0.1:9/v1",
      JAMBONZ_API_KEY: "k",
      JAMBONZ_MAX_RETRIES: " ",
      JAMBONZ_REQUEST_TIMEOUT: "",
    };
    const { maxRetries, requestTimeout } = readSettings(platform("jambonz"), {
      config: (name) => (name === "maxRetries" ? "7" : " "),
      environment,
    });
    assert.deepEqual([maxRetries, requestTimeout], [7, 30]);
  });
});
