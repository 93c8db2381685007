import assert from "node:assert/strict";
import fc from "fast-check";
import { startSandbox, type LoggedRequest, type Sandbox } from "../../../sandbox/src";
import type { Entry } from "../../support/engine";
import { holder, made, type KeyKind } from "../../support/jambonz";
import type { Declared } from "../../support/pulumi";
import { broken, optional, type Life } from "../life";
import { current, type Effect, type OutsideChange, type Scene, type Subject } from "../subject";

type Row = Record<string, any>;

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
  /** A carrier with its gateways. */
  trunk?: { carrier: Record<string, unknown>; gateways: Record<string, unknown>[] };
  client?: Record<string, unknown>;
  /** A credential for a vendor of speech. */
  speech?: Record<string, unknown>;
  application?: Record<string, unknown>;
  /** Somebody who signs in. */
  user?: Record<string, unknown>;
  /** A table of least cost routing; its entries name the trunk, so without one there are none. */
  routing?: { table: Record<string, unknown>; routes: Route[]; hasDefault: boolean };
  /** Numbers that may be routed to the application. */
  numbers: { variant: number; isRouted: boolean }[];
  deletedWith: boolean;
}

interface Route {
  said: Record<string, unknown>;
  entries: Record<string, unknown>[];
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
  "change carrier",
  "delete carrier",
  "change gateway",
  "delete gateway",
  "change client",
  "delete client",
  "delete account",
  "add foreign key",
  "change application",
  "delete application",
  "unroute number",
  "delete number",
  "change speech",
  "delete speech",
  "change user",
  "delete user",
  "change route",
  "delete entry",
  "clear default",
  "delete table",
] as const;

/** What a tenant may have beside its account. */
const kinds = ["key", "limit", "realm", "trunk", "client", "speech", "application", "number", "user", "routing"] as const;

/** A life has some tenants with some things only, so that these meet more often. */
export interface Setting {
  key: KeyKind;
  slots: readonly Slot[];
  kinds: readonly (typeof kinds)[number][];
}

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

const gateway = fc
  .tuple(
    fc.constantFrom(
      { ipv4: "sip.example.com" },
      { ipv4: "192.0.2.1", inbound: true },
      { ipv4: "192.0.2.0", inbound: true, netmask: 28 },
      { ipv4: "192.0.2.1", inbound: true, outbound: false },
    ),
    fc.record(
      { port: fc.constantFrom(5060, 5061), protocol: fc.constantFrom("udp", "tls"), isActive: fc.boolean() },
      { requiredKeys: [], noNullPrototype: true },
    ),
  )
  .map(([address, rest]) => ({ ...address, ...rest }));

const trunk = fc.record({
  carrier: fc
    .record(
      {
        name: fc.constantFrom("trunk", "Träger 2"),
        techPrefix: fc.constantFrom("99", "00"),
        isActive: fc.boolean(),
        trunkType: fc.constantFrom("static_ip", "auth"),
        inboundAuthPassword: fc.constantFrom("carrier-password-1", 'carrier"password\\2'),
      },
      { requiredKeys: [], noNullPrototype: true },
    )
    .map((carrier) => carrier as Record<string, unknown>),
  gateways: fc.array(gateway, { maxLength: 2 }),
});

const client = fc
  .record(
    {
      username: fc.constantFrom("desk", "desk 2"),
      password: fc.constantFrom("client-password-1", "other päßword-2"),
      isActive: fc.boolean(),
      allowDirectAppCalling: fc.boolean(),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .map((said) => said as Record<string, unknown>);

const application = fc
  .record(
    {
      callHook: hook,
      callStatusHook: hook,
      messagingHook: hook,
      appJson: fc.constantFrom("[]", '[{"verb": "hangup"}]'),
      envVars: fc.constantFrom({ API_TOKEN: "variable-secret-1" }, { API_TOKEN: "variable-secret-2", retries: 3, verbose: true }),
      speechSynthesisVendor: fc.constantFrom("google", "aws"),
      speechRecognizerLanguage: fc.constantFrom("en-US", "de-DE"),
      fallbackSpeechSynthesisLabel: fc.constant("second"),
      useForFallbackSpeech: fc.boolean(),
    },
    { requiredKeys: ["callHook", "callStatusHook"], noNullPrototype: true },
  )
  .map((application) => application as Record<string, unknown>);

const speech = (slot: Slot): fc.Arbitrary<Record<string, unknown>> =>
  fc
    .tuple(
      fc.constantFrom(
        { vendor: "deepgram", apiKey: "speech-secret-1" },
        { vendor: "deepgram", apiKey: "speech sécret-2", deepgramSttUri: "stt.example.com" },
        { vendor: "microsoft", apiKey: "speech-secret-1", region: "westeurope" },
        { vendor: "aws", accessKeyId: "AKIA1", secretAccessKey: 'speech"secret\\3' },
      ),
      fc.record(
        // A label is unique in a service provider.
        { label: fc.constantFrom(`${slot}-1`, `${slot}-2`), useForTts: fc.boolean(), useForStt: fc.boolean() },
        { requiredKeys: [], noNullPrototype: true },
      ),
    )
    .map(([credential, rest]) => ({ ...credential, ...rest }));

const user = (slot: Slot): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(
    {
      email: fc.constantFrom(`${slot}@example.com`, `${slot}+2@example.com`),
      initialPassword: fc.constantFrom("user-password-1", 'user"pässword\\2'),
      name: fc.constantFrom(`${slot} user`, `${slot} üser`),
      isActive: fc.boolean(),
      isViewOnly: fc.boolean(),
      forceChange: fc.boolean(),
    },
    { requiredKeys: ["email", "initialPassword"], noNullPrototype: true },
  );

const route: fc.Arbitrary<Route> = fc.record({
  said: fc.record(
    { regex: fc.constantFrom("^1", "^49"), priority: fc.constantFrom(1, 2), description: fc.constant("Übersee") },
    { requiredKeys: ["regex", "priority"], noNullPrototype: true },
  ),
  entries: fc.array(
    fc.record({ priority: fc.constantFrom(0, 1), workload: fc.constantFrom(1, 5) }, { requiredKeys: [], noNullPrototype: true }),
    { maxLength: 2 },
  ),
});

const routing = fc.record({
  table: fc
    .record({ name: fc.constantFrom("table", "Tafel ß"), isActive: fc.boolean() }, { requiredKeys: [], noNullPrototype: true })
    .map((table) => table as Record<string, unknown>),
  routes: fc.array(route, { maxLength: 2 }),
  hasDefault: fc.boolean(),
});

const tenant = (slot: Slot, { key, kinds }: Setting): fc.Arbitrary<Tenant> => {
  const among = <T>(kind: (typeof kinds)[number], some: fc.Arbitrary<T>, none: T) => (kinds.includes(kind) ? some : fc.constant(none));
  return fc.record({
    serviceProvider: key === "admin" ? fc.constantFrom(0 as const, 1 as const) : fc.constant(0 as const),
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
    realm: among(
      "realm",
      optional(
        fc.record({
          by: fc.constantFrom("account" as const, "resource" as const, "resource with key" as const),
          value: fc.constantFrom(`${slot}.sip.example.com`, `${slot.toUpperCase()}.sip.example.com`, `${slot}.other.example.com`),
        }),
      ),
      undefined,
    ),
    limits: among(
      "limit",
      fc.record(
        { voice_call_session: fc.constantFrom(0, 10, 20), device: fc.constantFrom(1, 2), api_rate: fc.constant(5) },
        { requiredKeys: [], noNullPrototype: true },
      ),
      {},
    ),
    keys: among("key", fc.array(fc.constantFrom(1, 2), { maxLength: 2 }), []),
    trunk: among("trunk", optional(trunk), undefined),
    client: among("client", optional(client), undefined),
    speech: among("speech", optional(speech(slot)), undefined),
    application: among("application", optional(application), undefined),
    user: among("user", optional(user(slot)), undefined),
    // A service provider's key makes none for an account.
    routing: key === "admin" ? among("routing", optional(routing), undefined) : fc.constant(undefined),
    // A number is one on the whole platform, so only one tenant has any.
    numbers: among(
      "number",
      slot === "cid" ? fc.array(fc.record({ variant: fc.constantFrom(0, 1), isRouted: fc.boolean() }), { maxLength: 2 }) : fc.constant([]),
      [],
    ),
    deletedWith: fc.boolean(),
  });
};

const tenants = (setting: Setting): fc.Arbitrary<Tenants> =>
  fc
    .tuple(...setting.slots.map((slot) => optional(tenant(slot, setting))))
    .map((list) => Object.fromEntries(setting.slots.flatMap((slot, index) => (list[index] ? [[slot, list[index]]] : []))));

export type Change = OutsideChange<(typeof changeKinds)[number]>;

const change: fc.Arbitrary<Change> = fc.record({ slot: fc.constantFrom(...slots), what: fc.constantFrom(...changeKinds) });

/** Two tenants with everything, and an admin's key. */
export const two: Setting = { key: "admin", slots: ["ann", "bob"], kinds };

/** One or two runs without trouble, as the real CLI can live them in a short time. */
export const shortLife: fc.Arbitrary<Pick<Life<Setting, Tenants>, "chapters">> = fc.record({
  chapters: fc.array(
    fc.record({
      outside: fc.array(fc.record({ slot: fc.constantFrom("ann", "bob"), what: fc.constantFrom(...changeKinds) }), { maxLength: 2 }),
      faults: fc.constant([]),
      command: fc.constantFrom("up", "up", "up --refresh", "refresh", "destroy"),
      program: tenants(two),
    }),
    { minLength: 1, maxLength: 2 },
  ),
});

/** Pulumi forgets what is `deletedWith` an account as soon as it tries to delete the account; after a failure it is on the platform all the same. */
function withoutDeletedWith({ chapters, ...rest }: Life<Setting, Tenants>): Life<Setting, Tenants> {
  const alone = (program: Tenants) =>
    Object.fromEntries(Object.entries(program).map(([slot, tenant]) => [slot, { ...tenant, deletedWith: false }]));
  return { ...rest, chapters: chapters.map((chapter) => ({ ...chapter, program: alone(chapter.program) })) };
}

/** The program as Pulumi sees it, with the service providers' real sids. */
export function declared(tenants: Tenants, serviceProviders: string[]): Declared[] {
  return Object.entries(tenants).flatMap(([slot, tenant]) => {
    const { serviceProvider, account, realm, limits, keys, trunk, client, speech, application, user, routing, numbers, deletedWith } =
      tenant;
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
    // What an account cannot be deleted with is not deletedWith it.
    if (trunk) {
      own.push({ type: "jambonz:VoipCarrier", name: trunkName(slot), args: { accountSid, ...trunk.carrier } });
      const voipCarrierSid = { $ref: `${trunkName(slot)}.sid` };
      trunk.gateways.forEach((gateway, index) =>
        own.push({
          type: "jambonz:SipGateway",
          name: gatewayName(slot, index),
          args: { voipCarrierSid, ...gateway },
          opts: deletedWith ? { deletedWith: trunkName(slot) } : {},
        }),
      );
    }
    if (client) own.push({ type: "jambonz:Client", name: clientName(slot), args: { accountSid, ...client } });
    if (speech) own.push({ type: "jambonz:SpeechCredential", name: speechName(slot), args: { accountSid, ...speech } });
    if (user) own.push({ type: "jambonz:User", name: userName(slot), args: { accountSid, ...user } });
    if (routing) {
      own.push({ type: "jambonz:Lcr", name: tableName(slot), args: { accountSid, ...routing.table } });
      const lcrSid = { $ref: `${tableName(slot)}.sid` };
      routing.routes.forEach(({ said }, index) =>
        own.push({
          type: "jambonz:LcrRoute",
          name: routeName(slot, index),
          args: { lcrSid, ...said },
          opts: deletedWith ? { deletedWith: tableName(slot) } : {},
        }),
      );
      // What holds a carrier or an entry back is not deletedWith the table.
      const entries = entriesOf(slot, tenant);
      for (const { name, route, said } of entries)
        own.push({
          type: "jambonz:LcrCarrierSetEntry",
          name,
          args: { lcrRouteSid: { $ref: `${route}.sid` }, voipCarrierSid: { $ref: `${trunkName(slot)}.sid` }, ...said },
        });
      if (hasDefault(slot, tenant))
        own.push({
          type: "jambonz:LcrDefaultEntry",
          name: defaultName(slot),
          args: { lcrSid, lcrCarrierSetEntrySid: { $ref: `${entries[0]!.name}.sid` } },
        });
    }
    if (application) own.push({ type: "jambonz:Application", name: menuName(slot), args: { accountSid, ...application } });
    numbers.forEach(({ variant, isRouted }, index) => {
      const route = isRouted && application ? { applicationSid: { $ref: `${menuName(slot)}.sid` } } : {};
      own.push({
        type: "jambonz:PhoneNumber",
        name: numberName(slot, index),
        args: { accountSid, number: digits(index, variant), ...route },
      });
    });
    return own;
  });
}

export const trunkName = (slot: string) => `${slot}-trunk`;
export const gatewayName = (slot: string, index: number) => `${slot}-gateway${index}`;
export const speechName = (slot: string) => `${slot}-speech`;
export const clientName = (slot: string) => `${slot}-client`;
/** As the platform writes it for one of them, and with a + for the other. */
const digits = (index: number, variant: number) => `${index === 0 ? "+" : ""}1501555010${index}${variant}`;

export const userName = (slot: string) => `${slot}-user`;
export const tableName = (slot: string) => `${slot}-table`;
export const routeName = (slot: string, index: number) => `${slot}-route${index}`;
export const defaultName = (slot: string) => `${slot}-default`;

/** The entries of a tenant's routes, by name. */
function entriesOf(slot: string, { trunk, routing }: Tenant) {
  if (!trunk || !routing) return [];
  return routing.routes.flatMap(({ entries }, index) =>
    entries.map((said, nth) => ({ name: `${slot}-entry${index}${nth}`, route: routeName(slot, index), said })),
  );
}

/** The first of the entries is the default. */
const hasDefault = (slot: string, tenant: Tenant) => tenant.routing?.hasDefault === true && entriesOf(slot, tenant).length > 0;

export const menuName = (slot: string) => `${slot}-menu`;
export const numberName = (slot: string, index: number) => `${slot}-number${index}`;

export const keyName = (slot: string, index: number) => `${slot}-key${index}`;
export const limitName = (slot: string, category: string) => `${slot}-${category}`;
export const realmName = (slot: string) => `${slot}-realm`;

export const jambonz: Subject<Setting, Tenants> = {
  platform: "jambonz",
  setting: fc.record({
    key: fc.constantFrom("admin" as const, "service provider" as const),
    slots: fc.subarray([...slots], { minLength: 1 }),
    kinds: fc.oneof(
      { weight: 6, arbitrary: fc.subarray([...kinds], { minLength: 2, maxLength: 4 }) },
      { weight: 1, arbitrary: fc.constant(kinds) },
    ),
  }),
  program: tenants,
  change,
  methods: ["GET", "POST", "PUT", "DELETE"],
  faults: [
    ...broken,
    { status: 403, body: { msg: "insufficient privileges" } },
    { status: 404 },
    { status: 429, headers: { "Retry-After": "0" } },
    { status: 500 },
    { status: 500, body: { msg: "Deadlock found when trying to get lock; try restarting transaction" } },
    { status: 500, body: "", handled: true },
    { status: 502 },
    { status: 502, handled: true },
    { status: 503 },
    { status: 504 },
  ],
  possible: (life) => (life.chapters.some(({ faults }) => faults.length > 0) ? withoutDeletedWith(life) : life),
  nothing: {},
  told: ({ key }) => `with a key of ${holder[key]}`,
  sketch: (program) => declared(program, ["provider 1", "provider 2"]),
  async open() {
    const sandbox = await startSandbox({ rateLimit: false, dns: "skipped" });
    return { begin: ({ key }) => JambonzScene.begin(sandbox, key), close: () => sandbox.stop() };
  },
};

/** Each life has two service providers of its own. */
class JambonzScene implements Scene<Tenants> {
  /** Columns that somebody has changed, by account: where the program does not declare them, they stay so. */
  readonly #changedByOthers = new Map<string, Set<string>>();
  /** Keys that somebody else made, by their sid, with the account that they are for. */
  readonly #foreignKeys = new Map<string, string>();

  static async begin(sandbox: Sandbox, kind: KeyKind): Promise<JambonzScene> {
    const serviceProviders: string[] = [];
    const keys: string[] = [];
    for (const number of [1, 2]) {
      const sid = await made(sandbox, "/ServiceProviders", { name: `provider ${number} ${Math.random()}` });
      serviceProviders.push(sid);
      keys.push((await sandbox.outside("POST", "/ApiKeys", { service_provider_sid: sid })).body.token as string);
    }
    // What is somebody else's, in the same place: an account that nobody of these programs has declared, with a key and a limit.
    const account = await made(sandbox, "/Accounts", { name: "somebody else's", service_provider_sid: serviceProviders[0] });
    await made(sandbox, "/ApiKeys", { account_sid: account });
    await made(sandbox, `/Accounts/${account}/Limits`, { category: "device", quantity: 3 });
    const trunk = { name: "trunk", account_sid: account, service_provider_sid: serviceProviders[0] };
    const carrier = await made(sandbox, "/VoipCarriers", trunk);
    await made(sandbox, "/SipGateways", { voip_carrier_sid: carrier, ipv4: "sip.example.com", inbound: false, outbound: true });
    await made(sandbox, "/Clients", { account_sid: account, username: "desk", password: "their-password" });
    const credential = { vendor: "deepgram", api_key: "speech-secret-1", account_sid: account, service_provider_sid: serviceProviders[0] };
    await made(sandbox, `/Accounts/${account}/SpeechCredentials`, credential);
    const theirs = { account_sid: account, service_provider_sid: serviceProviders[0] };
    const person = { name: `their user ${Math.random()}`, email: `${Math.random()}@example.com`, initial_password: "their-password" };
    await made(sandbox, "/Users", { ...person, ...theirs });
    const lcr_sid = await made(sandbox, "/Lcrs", { name: "table", account_sid: account });
    const lcr_route_sid = await made(sandbox, "/LcrRoutes", { lcr_sid, regex: "^1", priority: 1 });
    const entry = await made(sandbox, "/LcrCarrierSetEntries", { lcr_route_sid, voip_carrier_sid: carrier });
    await sandbox.outside("PUT", `/Lcrs/${lcr_sid}`, { default_carrier_set_entry_sid: entry });
    const url = "https://somebody.example.com";
    const application = { name: menuName("ann"), account_sid: account, call_hook: { url }, call_status_hook: { url } };
    const application_sid = await made(sandbox, "/Applications", application);
    await made(sandbox, "/PhoneNumbers", { number: "15005550006", account_sid: account, application_sid });
    return new JambonzScene(sandbox, serviceProviders, kind === "admin" ? sandbox.adminKey : keys[0]!);
  }

  private constructor(
    readonly sandbox: Sandbox,
    readonly serviceProviders: string[],
    readonly key: string,
  ) {}

  get variables(): Record<string, string> {
    return { JAMBONZ_API_URL: this.sandbox.url, JAMBONZ_API_KEY: this.key };
  }

  async end(): Promise<void> {
    for (const owner of this.serviceProviders) {
      for (const { account_sid } of await this.#rows(`/ServiceProviders/${owner}/Accounts`)) await this.#deleteAccount(String(account_sid));
      await this.sandbox.outside("DELETE", `/ServiceProviders/${owner}`);
    }
  }

  declared(tenants: Tenants): Declared[] {
    return declared(tenants, this.serviceProviders);
  }

  /** jambonz deletes no account that has clients, or on whose carriers there are entries of LCRs. */
  async #deleteAccount(sid: string): Promise<number | null> {
    for (const { lcr_sid } of await this.#tables(sid)) await this.sandbox.outside("DELETE", `/Lcrs/${lcr_sid}`);
    for (const { account_sid, client_sid } of await this.#rows("/Clients"))
      if (account_sid === sid) await this.sandbox.outside("DELETE", `/Clients/${client_sid}`);
    return (await this.sandbox.outside("DELETE", `/Accounts/${sid}`)).status;
  }

  async #gateways(carrier: unknown): Promise<Row[]> {
    return this.#rows(`/SipGateways?voip_carrier_sid=${String(carrier)}`);
  }

  /** What the account has beside keys and limits. */
  async #devices(sid: string): Promise<{ carriers: Row[]; gateways: Row[]; clients: Row[] }> {
    const own = (row: Row) => row.account_sid === sid;
    const carriers = (await this.#rows("/VoipCarriers")).filter(own);
    const gateways = await Promise.all(carriers.map(({ voip_carrier_sid }) => this.#gateways(voip_carrier_sid)));
    return { carriers, gateways: gateways.flat(), clients: (await this.#rows("/Clients")).filter(own) };
  }

  async #users(account: string): Promise<Row[]> {
    return (await this.#rows("/Users")).filter((row) => row.account_sid === account);
  }

  async #tables(account: string): Promise<Row[]> {
    return (await this.#rows("/Lcrs")).filter((row) => row.account_sid === account);
  }

  /** The routes of an account's table, each with its entries. */
  async #routes(account: string): Promise<Row[]> {
    const routes = (await this.#tables(account)).map(({ lcr_sid }) => this.#rows(`/LcrRoutes?lcr_sid=${lcr_sid}`));
    return (await Promise.all(routes)).flat();
  }

  #speech(account: string): Promise<Row[]> {
    return this.#rows(`/Accounts/${account}/SpeechCredentials`);
  }

  /** The columns that somebody has changed of an object, to add to. */
  #noteOthers(sid: string): Set<string> {
    const others = this.#changedByOthers.get(sid) ?? new Set();
    this.#changedByOthers.set(sid, others);
    return others;
  }

  async #rows(path: string): Promise<Row[]> {
    const { status, body } = await this.sandbox.outside("GET", path);
    assert.equal(status, 200, `GET ${path}: ${JSON.stringify(body)}`);
    return body as Row[];
  }

  async foreign(): Promise<unknown> {
    const [account] = (await this.#rows(`/ServiceProviders/${this.serviceProviders[0]}/Accounts`)).filter(
      ({ name }) => name === "somebody else's",
    );
    const sid = String(account?.account_sid);
    const keys = await this.#rows(`/Accounts/${sid}/ApiKeys`);
    return {
      account,
      keys: keys.map(({ api_key_sid, token }) => ({ api_key_sid, token: token as unknown })),
      limits: await this.#rows(`/Accounts/${sid}/Limits`),
      ...(await this.#devices(sid)),
      speech: await this.#speech(sid),
      users: await this.#users(sid),
      tables: await this.#tables(sid),
      routes: await this.#routes(sid),
      applications: await this.#rows(`/Accounts/${sid}/Applications`),
      numbers: await this.#rows(`/PhoneNumbers?account_sid=${sid}`),
    };
  }

  async holds(tenants: Tenants, entries: Entry[]): Promise<void> {
    const id = (name: string) => entries.find((entry) => entry.name === name)!.id;
    const accounts = (await Promise.all(this.serviceProviders.map((sid) => this.#rows(`/ServiceProviders/${sid}/Accounts`)))).flat();
    const own = accounts.filter(({ name }) => name !== "somebody else's");
    assert.deepEqual(
      own.map(({ account_sid }) => account_sid as string).sort(),
      Object.keys(tenants).map(id).sort(),
      "accounts on the platform and in state",
    );
    for (const [slot, tenant] of Object.entries(tenants)) {
      const sid = id(slot);
      const row = own.find(({ account_sid }) => account_sid === sid)!;
      assert.equal(row.service_provider_sid, this.serviceProviders[tenant.serviceProvider]);
      assert.equal(row.name, tenant.account.name ?? slot);
      const others = this.#changedByOthers.get(sid);
      if (tenant.realm) assert.equal(String(row.sip_realm).toLowerCase(), tenant.realm.value.toLowerCase(), "its realm");
      else if (!others?.has("sip_realm")) assert.equal(row.sip_realm, null, "its realm, which the program does not have any more");
      for (const [name, value] of Object.entries(tenant.account)) assertColumn(row, name, value);
      for (const name of Object.keys(undeclared)) {
        if (!(name in tenant.account) && !others?.has(columnOf(name))) assertColumn(row, name, undeclared[name]);
      }
      const limits = await this.#rows(`/Accounts/${sid}/Limits`);
      assert.deepEqual(Object.fromEntries(limits.map(({ category, quantity }) => [category, quantity as number])), tenant.limits);
      const keys = await this.#rows(`/Accounts/${sid}/ApiKeys`);
      const tokens = tenant.keys.map((_, index) => entries.find(({ name }) => name === keyName(slot, index))!.outputs.token as string);
      const found = keys.filter(({ api_key_sid }) => !this.#foreignKeys.has(String(api_key_sid))).map(({ token }) => token as string);
      assert.deepEqual(found.sort(), tokens.sort(), "keys on the platform and in state");
      await this.#holdsDevices(sid, slot, tenant, id);
      await this.#holdsRouting(sid, slot, tenant, id);
      await this.#holdsSpeech(sid, slot, tenant, id);
      await this.#holdsUser(sid, slot, tenant, id);
      await this.#holdsTable(sid, slot, tenant, id);
    }
  }

  async #holdsDevices(account: string, slot: string, { trunk, client }: Tenant, id: (name: string) => string): Promise<void> {
    const { carriers, gateways, clients } = await this.#devices(account);
    const trunks = trunk
      ? [{ carrier: id(trunkName(slot)), gateways: trunk.gateways.map((_, index) => id(gatewayName(slot, index))) }]
      : [];
    const sids = (rows: Row[], column: string) => rows.map((row) => row[column] as string).sort();
    assert.deepEqual(
      [sids(carriers, "voip_carrier_sid"), sids(gateways, "sip_gateway_sid"), sids(clients, "client_sid")],
      [trunks.map(({ carrier }) => carrier), trunks.flatMap(({ gateways }) => gateways).sort(), client ? [id(clientName(slot))] : []],
      "carriers, gateways and clients on the platform and in state",
    );
    const isAs = (row: Row, said: Row, otherwise: Row) => {
      const others = this.#changedByOthers.get(String(row.voip_carrier_sid ?? row.client_sid)) ?? new Set();
      for (const [name, value] of Object.entries({ ...otherwise, ...said }))
        if (name in said || !others.has(columnOf(name))) assertColumn(row, name, value);
    };
    if (trunk) {
      const [row] = carriers;
      assert.equal(row!.service_provider_sid, ((await this.#rows(`/Accounts/${account}`)) as unknown as Row).service_provider_sid);
      isAs(row!, trunk.carrier, {
        name: trunkName(slot),
        techPrefix: null,
        isActive: true,
        trunkType: "static_ip",
        inboundAuthPassword: null,
      });
      trunk.gateways.forEach((said, index) => {
        const found = gateways.find((one) => one.sip_gateway_sid === id(gatewayName(slot, index)))!;
        const rest = { port: null, netmask: 32, inbound: false, outbound: true, protocol: "udp", isActive: true };
        for (const [name, value] of Object.entries({ ...rest, ...said })) {
          const isOthers = name === "port" && !("port" in said) && found.port === CHANGED_PORT;
          if (!isOthers) assertColumn(found, name, value);
        }
      });
    }
    if (client) {
      const { password, ...said } = client;
      isAs(clients[0]!, said, { username: clientName(slot), isActive: true, allowDirectAppCalling: true });
      const shown = typeof password === "string" ? password.slice(0, 1).padEnd(password.length, "X") : "{X";
      const others = this.#changedByOthers.get(String(clients[0]!.client_sid));
      if (password !== undefined || !others?.has("password")) assert.equal(clients[0]!.password, shown, "its password");
    }
  }

  async #holdsSpeech(account: string, slot: string, { speech }: Tenant, id: (name: string) => string): Promise<void> {
    const rows = await this.#speech(account);
    assert.deepEqual(
      rows.map((row) => `Accounts/${account}/SpeechCredentials/${row.speech_credential_sid}`),
      speech ? [id(speechName(slot))] : [],
      "speech credentials on the platform and in state",
    );
    if (!speech) return;
    const [row] = rows as [Row];
    assert.ok(row.service_provider_sid, "its service provider");
    const obscured = (secret: string) => secret.slice(0, 6).padEnd(secret.length, "X");
    const others = this.#changedByOthers.get(String(row.speech_credential_sid)) ?? new Set();
    const none = { label: null, useForTts: false, useForStt: false, deepgramSttUri: null };
    for (const [name, value] of Object.entries({ ...none, ...speech })) {
      if (!(name in speech) && others.has(columnOf(name))) continue;
      if (name === "apiKey" || name === "secretAccessKey") assert.equal(row[columnOf(name)], obscured(String(value)), name);
      else assertColumn(row, name, value);
    }
  }

  async #holdsUser(account: string, slot: string, { user }: Tenant, id: (name: string) => string): Promise<void> {
    const rows = await this.#users(account);
    assert.deepEqual(
      rows.map(({ user_sid }) => user_sid as string),
      user ? [id(userName(slot))] : [],
      "users on the platform and in state",
    );
    if (!user) return;
    const sid = id(userName(slot));
    const row = (await this.sandbox.outside("GET", `/Users/${sid}`)).body as Row;
    assert.ok(row.service_provider_sid, "its service provider");
    const others = this.#changedByOthers.get(sid) ?? new Set();
    const { initialPassword: _, ...said } = user;
    for (const [name, value] of Object.entries({ name: userName(slot), isActive: true, isViewOnly: false, forceChange: false, ...said }))
      if (name in said || !others.has(columnOf(name))) assertColumn(row, name, value);
  }

  async #holdsTable(account: string, slot: string, tenant: Tenant, id: (name: string) => string): Promise<void> {
    const { routing } = tenant;
    const [tables, routes] = [await this.#tables(account), await this.#routes(account)];
    assert.deepEqual(
      tables.map(({ lcr_sid }) => lcr_sid as string),
      routing ? [id(tableName(slot))] : [],
      "tables on the platform and in state",
    );
    if (!routing) return;
    const [table] = tables as [Row];
    const entries = entriesOf(slot, tenant);
    const said = { name: tableName(slot), isActive: true, ...routing.table };
    for (const [name, value] of Object.entries(said)) assertColumn(table, name, value);
    const others = this.#changedByOthers.get(String(table.lcr_sid));
    if (hasDefault(slot, tenant)) assert.equal(table.default_carrier_set_entry_sid, id(entries[0]!.name), "its default");
    else if (!others) assert.equal(table.default_carrier_set_entry_sid, null, "its default, which the program does not have");
    assert.deepEqual(
      routes.map((row) => [row.lcr_route_sid, row.regex, row.priority, row.description] as unknown[]).sort(),
      routing.routes.map(({ said }, index) => [id(routeName(slot, index)), said.regex, said.priority, said.description ?? null]).sort(),
      "routes on the platform and in state",
    );
    const found = routes.flatMap((row) => row.lcr_carrier_set_entries as Row[]);
    assert.deepEqual(
      found
        .map((row) => [row.lcr_carrier_set_entry_sid, row.lcr_route_sid, row.voip_carrier_sid, row.priority, row.workload] as unknown[])
        .sort(),
      entries.map(({ name, route, said }) => [id(name), id(route), id(trunkName(slot)), said.priority ?? 0, said.workload ?? 1]).sort(),
      "entries on the platform and in state",
    );
  }

  async #holdsRouting(sid: string, slot: string, tenant: Tenant, id: (name: string) => string): Promise<void> {
    const applications = await this.#rows(`/Accounts/${sid}/Applications`);
    const menus = tenant.application ? [id(menuName(slot))] : [];
    assert.deepEqual(
      applications.map(({ application_sid }) => application_sid as string),
      menus,
      "applications on the platform and in state",
    );
    for (const row of applications) {
      assert.equal(row.name, menuName(slot));
      for (const [name, value] of Object.entries({ messagingHook: null, ...tenant.application })) assertColumn(row, name, value);
    }
    const numbers = await this.#rows(`/PhoneNumbers?account_sid=${sid}`);
    assert.deepEqual(
      numbers.map((row) => [row.phone_number_sid, row.number, row.application_sid] as string[]).sort(),
      tenant.numbers
        .map(({ variant, isRouted }, index) => [
          id(numberName(slot, index)),
          digits(index, variant).replace("+", ""),
          (isRouted && menus[0]) || null,
        ])
        .sort(),
      "numbers on the platform and in state",
    );
  }

  async act({ slot, what }: Change, program: Tenants, entries: Entry[]): Promise<Effect | undefined> {
    const nothing = { shown: [], repaired: [] };
    const sid = current(entries, slot)?.id;
    const path = `/Accounts/${sid}`;
    const tenant = program[slot as Slot];
    const row = sid && ((await this.sandbox.outside("GET", path)).body as Row);
    if (!sid || !row || row.account_sid !== sid || !tenant) return undefined;
    const others = this.#noteOthers(sid);
    const put = async (body: Row) => {
      assert.equal((await this.sandbox.outside("PUT", path, body)).status, 204);
      for (const column of Object.keys(body)) others.add(column);
    };
    const changed = (name: string, member?: string, shows = true) =>
      shows ? { shown: [`changed ${name}`], repaired: [`update ${name}`], member } : nothing;
    const holderOfRealm = tenant.realm?.by === "account" ? slot : realmName(slot);
    const [category] = Object.keys(tenant.limits).filter((category) => entries.some(({ name }) => name === limitName(slot, category)));
    const [key] = (await this.#rows(`${path}/ApiKeys`)).filter(({ api_key_sid }) => !this.#foreignKeys.has(String(api_key_sid)));
    const keyEntry = key && entries.find(({ outputs, condemned }) => outputs.token === key.token && !condemned);
    const [menu] = await this.#rows(`${path}/Applications`);
    const menuPath = `/Applications/${menu?.application_sid}`;
    const isManaged = (object: string, name: string) => current(entries, name)?.id === object;
    const numbers = await this.#rows(`/PhoneNumbers?account_sid=${sid}`);
    const [number] = numbers;
    const numberIndex = tenant.numbers.findIndex(
      (_, index) => number && isManaged(String(number.phone_number_sid), numberName(slot, index)),
    );
    const gone = (name: string) => ({ shown: [`gone ${name}`], repaired: [`create ${name}`] });
    switch (what) {
      case "change user":
      case "delete user":
      case "change route":
      case "delete entry":
      case "clear default":
      case "delete table":
        return this.#actOnPeopleAndTables(what, slot, tenant, entries);
      case "change speech":
      case "delete speech": {
        const [credential] = await this.#speech(sid);
        const own = `${path}/SpeechCredentials/${credential?.speech_credential_sid}`;
        if (!credential || !tenant.speech || !isManaged(own.slice(1), speechName(slot))) return nothing;
        if (what === "delete speech") {
          assert.equal((await this.sandbox.outside("DELETE", own)).status, 204);
          return gone(speechName(slot));
        }
        // What an update leaves out is wiped, so the provider's sends everything, too.
        const kept = { deepgram_stt_uri: credential.deepgram_stt_uri, region: credential.region };
        const isUsed = Boolean(credential.use_for_stt);
        assert.equal((await this.sandbox.outside("PUT", own, { ...kept, use_for_stt: !isUsed })).status, 204);
        this.#noteOthers(String(credential.speech_credential_sid)).add("use_for_stt");
        return changed(speechName(slot), undefined, tenant.speech.useForStt !== undefined);
      }
      case "change application": {
        if (!menu || !tenant.application || !isManaged(String(menu.application_sid), menuName(slot))) return nothing;
        await this.sandbox.outside("PUT", menuPath, { speech_recognizer_language: "fr-FR" });
        return changed(menuName(slot), "speech_recognizer_language", tenant.application.speechRecognizerLanguage !== undefined);
      }
      case "delete application":
        if (!menu || !tenant.application || !isManaged(String(menu.application_sid), menuName(slot))) return nothing;
        // The platform refuses it where a number is routed to it.
        return (await this.sandbox.outside("DELETE", menuPath)).status === 204 ? gone(menuName(slot)) : nothing;
      case "unroute number":
        if (!number || numberIndex < 0) return nothing;
        await this.sandbox.outside("PUT", `/PhoneNumbers/${number.phone_number_sid}`, { application_sid: null });
        return changed(numberName(slot, numberIndex), "application_sid", number.application_sid !== null);
      case "delete number":
        if (!number || numberIndex < 0) return nothing;
        await this.sandbox.outside("DELETE", `/PhoneNumbers/${number.phone_number_sid}`);
        return gone(numberName(slot, numberIndex));
      case "rename":
        await put({ name: `${slot} renamed by somebody` });
        return changed(slot, "name");
      case "deactivate":
        await put({ is_active: false });
        return changed(slot, "is_active", tenant.account.isActive === true);
      case "change realm":
        await put({ sip_realm: `${slot}.changed.example.com` });
        return changed(holderOfRealm, "sip_realm", tenant.realm !== undefined);
      case "clear realm": {
        await put({ sip_realm: null });
        if (!tenant.realm) return nothing;
        return tenant.realm.by === "account"
          ? changed(slot, "sip_realm")
          : { shown: [`gone ${realmName(slot)}`], repaired: [`create ${realmName(slot)}`], member: "sip_realm" };
      }
      case "change hook":
        await put({ registration_hook: { url: "https://changed.example.com/r", method: "GET" } });
        return changed(slot, "registration_hook", tenant.account.registrationHook !== undefined);
      case "change limit":
        if (!category) return nothing;
        await made(this.sandbox, `${path}/Limits`, { category, quantity: 777 });
        return changed(limitName(slot, category));
      case "delete limit":
        if (!category) return nothing;
        await this.sandbox.outside("DELETE", `${path}/Limits?category=${category}`);
        return { shown: [`gone ${limitName(slot, category)}`], repaired: [`create ${limitName(slot, category)}`] };
      case "delete key": {
        if (!key) return nothing;
        await this.sandbox.outside("DELETE", `/ApiKeys/${key.api_key_sid}`);
        if (!keyEntry) return nothing;
        const feeds = tenant.realm?.by === "resource with key" && keyEntry.name === keyName(slot, 0);
        return { shown: [`gone ${keyEntry.name}`], repaired: [`create ${keyEntry.name}`, ...(feeds ? [`update ${realmName(slot)}`] : [])] };
      }
      case "change carrier":
      case "delete carrier":
      case "change gateway":
      case "delete gateway":
      case "change client":
      case "delete client":
        return this.#actOnDevice(what, slot, tenant, entries);
      case "delete account": {
        assert.equal(await this.#deleteAccount(sid), 204);
        for (const [foreign, account] of this.#foreignKeys) if (account === sid) this.#foreignKeys.delete(foreign);
        const names = declared({ [slot]: tenant }, this.serviceProviders).map(({ name }) => name);
        return { shown: names.map((name) => `gone ${name}`), repaired: names.map((name) => `create ${name}`) };
      }
      case "add foreign key":
        this.#foreignKeys.set(await made(this.sandbox, "/ApiKeys", { account_sid: sid }), sid);
        return nothing;
    }
  }

  /** To a user or a table of least cost routing. */
  async #actOnPeopleAndTables(what: Change["what"], slot: string, tenant: Tenant, entries: Entry[]): Promise<Effect> {
    const nothing = { shown: [], repaired: [] };
    const { user, routing } = tenant;
    const gone = (...names: string[]) => ({ shown: names.map((name) => `gone ${name}`), repaired: names.map((name) => `create ${name}`) });
    const there = async (collection: string, name: string): Promise<Row | undefined> => {
      const entry = current(entries, name);
      const { status, body } = entry ? await this.sandbox.outside("GET", `/${collection}/${entry.id}`) : { status: 404, body: undefined };
      return status === 200 ? (body as Row) : undefined;
    };
    const table = routing && (await there("Lcrs", tableName(slot)));
    const path = `/Lcrs/${table?.lcr_sid}`;
    switch (what) {
      case "change user":
      case "delete user": {
        const row = user && (await there("Users", userName(slot)));
        if (!row) return nothing;
        const own = `/Users/${row.user_sid}`;
        if (what === "delete user") {
          assert.equal((await this.sandbox.outside("DELETE", own)).status, 204);
          return gone(userName(slot));
        }
        const { name, is_view_only } = row;
        assert.equal((await this.sandbox.outside("PUT", own, { name, is_view_only, is_active: !row.is_active })).status, 204);
        this.#noteOthers(String(row.user_sid)).add("is_active");
        return user.isActive === undefined ? nothing : { shown: [`changed ${userName(slot)}`], repaired: [`update ${userName(slot)}`] };
      }
      case "change route": {
        const row = routing?.routes.length ? await there("LcrRoutes", routeName(slot, 0)) : undefined;
        if (!row) return nothing;
        assert.equal((await this.sandbox.outside("PUT", `/LcrRoutes/${row.lcr_route_sid}`, { regex: "^777" })).status, 204);
        return { shown: [`changed ${routeName(slot, 0)}`], repaired: [`update ${routeName(slot, 0)}`], member: "regex" };
      }
      case "delete entry": {
        const last = entriesOf(slot, tenant).at(-1);
        const row = last && (await there("LcrCarrierSetEntries", last.name));
        // jambonz does not let the default go.
        if (!row || row.lcr_carrier_set_entry_sid === table?.default_carrier_set_entry_sid) return nothing;
        assert.equal((await this.sandbox.outside("DELETE", `/LcrCarrierSetEntries/${row.lcr_carrier_set_entry_sid}`)).status, 204);
        return gone(last.name);
      }
      case "clear default":
        if (!table?.default_carrier_set_entry_sid || !current(entries, defaultName(slot)) || !hasDefault(slot, tenant)) return nothing;
        assert.equal((await this.sandbox.outside("PUT", path, { default_carrier_set_entry_sid: null })).status, 204);
        return { ...gone(defaultName(slot)), member: "default_carrier_set_entry_sid" };
      case "delete table": {
        if (!table) return nothing;
        assert.equal((await this.sandbox.outside("DELETE", path)).status, 204);
        const parts = declared({ [slot]: tenant }, this.serviceProviders).filter(({ type }) => type.startsWith("jambonz:Lcr"));
        return gone(...parts.map(({ name }) => name).filter((name) => current(entries, name)));
      }
      default:
        return nothing;
    }
  }

  /** To a carrier, its first gateway or a client of a tenant. */
  async #actOnDevice(what: Change["what"], slot: string, { trunk, client }: Tenant, entries: Entry[]): Promise<Effect> {
    const nothing = { shown: [], repaired: [] };
    const [verb, noun] = what.split(" ") as ["change" | "delete", "carrier" | "gateway" | "client"];
    const { name, collection, said, column, value } = {
      carrier: { name: trunkName(slot), collection: "VoipCarriers", said: trunk?.carrier.techPrefix, column: "tech_prefix", value: "777" },
      gateway: {
        name: gatewayName(slot, 0),
        collection: "SipGateways",
        said: trunk?.gateways[0]?.port,
        column: "port",
        value: CHANGED_PORT,
      },
      client: { name: clientName(slot), collection: "Clients", said: client?.password, column: "password", value: "by-somebody-else" },
    }[noun];
    const isDeclared = { carrier: trunk, gateway: trunk?.gateways[0], client }[noun] !== undefined;
    const entry = current(entries, name);
    if (!isDeclared || !entry) return nothing;
    const path = `/${collection}/${entry.id}`;
    if ((await this.sandbox.outside("GET", path)).status !== 200) return nothing;
    if (verb === "change") {
      assert.equal((await this.sandbox.outside("PUT", path, { [column]: value })).status, 204);
      this.#noteOthers(entry.id).add(column);
      return said === undefined ? nothing : { shown: [`changed ${name}`], repaired: [`update ${name}`], member: column };
    }
    // jambonz would delete its gateways and then fail.
    if (
      noun === "carrier" &&
      (await this.#routes(String(entry.outputs.accountSid))).some((route) => route.lcr_carrier_set_entries.length > 0)
    )
      return nothing;
    assert.equal((await this.sandbox.outside("DELETE", path)).status, 204);
    const gateways = noun === "carrier" ? entries.filter((one) => one.name.startsWith(`${slot}-gateway`)).map((one) => one.name) : [];
    const gone = [name, ...gateways];
    return { shown: gone.map((one) => `gone ${one}`), repaired: gone.map((one) => `create ${one}`) };
  }

  /** Of what a failure lists, because any of it may be what was made, somebody deletes what no state knows. */
  async after(_command: string, _before: Entry[], entries: Entry[], _requests: LoggedRequest[], errors: string[]): Promise<void> {
    for (const error of errors) {
      const [, type, list] = /^(\w+)\b.* that may be (?:the one|what) it made: (.*)\. Nothing was changed: /.exec(error) ?? [];
      const collection = { LcrCarrierSetEntry: "LcrCarrierSetEntries", LcrRoute: "LcrRoutes", SipGateway: "SipGateways" }[type ?? ""];
      if (!collection || !list) continue;
      for (const id of list.split(", ").filter((id) => !entries.some((entry) => entry.id === id)))
        await this.sandbox.outside("DELETE", `/${collection}/${id}`);
    }
  }

  async secrets(): Promise<string[]> {
    const secrets: string[] = [this.key];
    for (const owner of this.serviceProviders) {
      for (const row of await this.#rows(`/ServiceProviders/${owner}/Accounts`)) {
        secrets.push(String(row.webhook_secret));
        for (const { token } of await this.#rows(`/Accounts/${row.account_sid}/ApiKeys`)) secrets.push(String(token));
      }
    }
    return secrets;
  }

  deletes({ method, path }: LoggedRequest): string | undefined {
    return method === "DELETE" ? path : undefined;
  }

  deletionOf({ type, id, outputs }: Entry): string {
    switch (type) {
      case "jambonz:Account":
        return `/Accounts/${id}`;
      case "jambonz:ApiKey":
        return `/ApiKeys/${String(outputs.sid)}`;
      case "jambonz:VoipCarrier":
      case "jambonz:SipGateway":
      case "jambonz:Client":
      case "jambonz:User":
      case "jambonz:Lcr":
      case "jambonz:LcrRoute":
        return `/${type.split(":")[1]!}s/${id}`;
      case "jambonz:Application":
        return `/Applications/${id}`;
      case "jambonz:PhoneNumber":
        return `/PhoneNumbers/${id}`;
      case "jambonz:LcrCarrierSetEntry":
        return `/LcrCarrierSetEntries/${id}`;
      default:
        return `/${id.replace(/Limits\/(.*)/, "Limits?category=$1")}`;
    }
  }

  isReplaced(entry: Entry, now: Row, before: Entry[], program: Declared[]): boolean {
    const { type, name, outputs } = entry;
    if (type === "jambonz:Account") return outputs.serviceProviderSid !== now.serviceProviderSid;
    const slot = name.split("-")[0]!;
    const account = before.find((entry) => entry.name === slot && !entry.condemned);
    const accountNow = program.find((declared) => declared.name === slot);
    const holders: Record<string, [property: string, name: string]> = {
      "jambonz:SipGateway": ["voipCarrierSid", trunkName(slot)],
      "jambonz:LcrRoute": ["lcrSid", tableName(slot)],
      "jambonz:LcrCarrierSetEntry": ["lcrRouteSid", name.replace(/entry(\d)\d$/, "route$1")],
      "jambonz:LcrDefaultEntry": ["lcrSid", tableName(slot)],
    };
    if (holders[type]) {
      const [property, within] = holders[type];
      const holder = before.find((entry) => entry.name === within && !entry.condemned);
      const holderNow = program.find((declared) => declared.name === within);
      if (!holder || holder.id !== outputs[property] || holder.pendingReplacement) return true;
      return !holderNow || this.isReplaced(holder, holderNow.args as Row, before, program);
    }
    // The account it was on is gone, or goes: whatever was on it is made anew.
    if (!account || account.id !== outputs.accountSid || account.pendingReplacement) return true;
    if (accountNow && this.isReplaced(account, accountNow.args as Row, before, program)) return true;
    if (type === "jambonz:SpeechCredential") {
      const lasting = ["vendor", "label", "apiKey", "accessKeyId", "secretAccessKey"];
      return (
        lasting.some((name) => outputs[name] !== undefined && outputs[name] !== now[name]) ||
        (now.label !== undefined && outputs.label === undefined)
      );
    }
    if (type === "jambonz:ApiKey") return JSON.stringify(outputs.rotateWhenChanged) !== JSON.stringify(now.rotateWhenChanged);
    if (type === "jambonz:PhoneNumber") return String(outputs.number).replace("+", "") !== String(now.number).replace("+", "");
    return false;
  }
}

/** What the platform has where a program says nothing, or nothing any more. */
const undeclared: Row = {
  registrationHook: null,
  queueEventHook: null,
  isActive: true,
  planType: "trial",
  disableCdrs: false,
  recordAllCalls: false,
  recordFormat: "mp3",
  deviceToCallRatio: 5,
};

/** A port that somebody gives a gateway. */
const CHANGED_PORT = 7777;

const columnOf = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function assertColumn(row: Row, name: string, value: unknown): void {
  const column = row[columnOf(name)] as unknown;
  if (value === null) assert.equal(column ?? null, null, name);
  else if (name.endsWith("Hook")) {
    const { url, method, username, password } = column as Row;
    assert.deepEqual({ url, method, username, password }, { method: "POST", username: null, password: null, ...(value as object) }, name);
  } else if (name === "bucketCredential") {
    const bucket = column as Row;
    for (const [key, wanted] of Object.entries(value as object)) {
      const found = bucket[columnOf(key)] as unknown;
      if (key === "tags")
        assert.deepEqual(Object.fromEntries((found as Row[]).map(({ Key, Value }) => [Key, Value])), wanted, `tags of ${name}`);
      else assert.deepEqual(found, wanted, `${key} of ${name}`);
    }
  } else if (name === "envVars") assert.deepEqual(column, value, name);
  else assert.equal(typeof value === "boolean" ? Boolean(column) : column, value, name);
}
