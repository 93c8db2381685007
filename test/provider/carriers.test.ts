import assert from "node:assert/strict";
import type { InitializationError } from "../../provider/errors";
import type { Properties } from "../../provider/resource";
import { Engine } from "../support/engine";
import {
  accountTarget,
  asked,
  carriersOf,
  clientsOf,
  holder,
  holders,
  jambonzTarget,
  made,
  type Row,
  type Target,
  writesTo,
} from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";

for (const kind of holders) {
  describe(`carriers, gateways and clients, with a key of ${holder[kind]}`, () => {
    let target: Target;
    let accountSid: string;
    beforeEach(async () => {
      target = { accountSid } = await accountTarget(kind);
      target.sandbox.clearRequests();
    });
    afterEach(() => target.sandbox.stop());

    const variables = () => target.variables;
    const engine = () => new Engine({ environment: variables, pace: 0.005, log: () => {} });
    const session = () => sessionOf("jambonz", variables(), { pace: 0.005 });
    const lifecycle = (type: string) => lifecycleOf(type, session());
    const trunk = (args: Properties = {}): Declared => ({ type: "jambonz:VoipCarrier", name: "trunk", args: { accountSid, ...args } });
    const gateway = (args: Properties = {}): Declared => ({
      type: "jambonz:SipGateway",
      name: "gateway",
      args: { voipCarrierSid: { $ref: "trunk.sid" }, ipv4: "192.0.2.1", ...args },
    });
    const desk = (args: Properties = {}): Declared => ({
      type: "jambonz:Client",
      name: "desk",
      args: { accountSid, password: "desk-password", ...args },
    });
    const put = async (path: string, body: object) => {
      assert.equal((await target.sandbox.outside("PUT", path, body)).status, 204);
    };
    const gatewaysOf = async (carrier: string): Promise<Row[]> =>
      (await target.sandbox.outside("GET", `/SipGateways?voip_carrier_sid=${carrier}`)).body;
    const writes = () => writesTo(target);

    it("are made with everything that a program says, changed, cleared and deleted", async () => {
      const run = engine();
      const all = {
        description: "what it is",
        isActive: false,
        trunkType: "reg",
        e164LeadingPlus: true,
        techPrefix: "99",
        diversion: "15015550100",
        dtmfType: "info",
        outboundSipProxy: "proxy.example.com",
        requiresRegister: true,
        registerUsername: "u",
        registerPassword: "register-password",
        registerSipRealm: "sip.example.com",
        registerFromUser: "from",
        registerFromDomain: "from.example.com",
        registerPublicIpInContact: true,
        inboundAuthUsername: "in",
        inboundAuthPassword: "inbound-password",
        smppSystemId: "s",
        smppPassword: "smpp-password",
        smppInboundSystemId: "si",
        smppInboundPassword: "smpp-inbound-password",
        smppEnquireLinkInterval: 30,
      };
      const address = {
        ipv4: "192.0.2.0",
        port: 5061,
        netmask: 28,
        inbound: true,
        outbound: true,
        protocol: "tls/srtp",
        isActive: false,
        sendOptionsPing: true,
        useSipsScheme: true,
        padCrypto: true,
        removeIce: true,
        dtlsOff: true,
      };
      const flags = { isActive: false, allowDirectAppCalling: false, allowDirectQueueCalling: false, allowDirectUserCalling: false };
      assert.deepEqual((await run.up([trunk(all), gateway(address), desk(flags)])).errors, []);
      const [carrier] = await carriersOf(target);
      assert.equal(carrier!.account_sid, accountSid);
      assert.equal(carrier!.service_provider_sid, target.serviceProviderSid, "else a key of the service provider could not read it");
      const column = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const held = (row: Row, said: Properties) =>
        Object.fromEntries(
          Object.keys(said).map((name) => [name, typeof said[name] === "boolean" ? Boolean(row[column(name)]) : row[column(name)]]),
        );
      assert.deepEqual(held(carrier!, all), all);
      assert.deepEqual(held((await gatewaysOf(carrier!.voip_carrier_sid))[0]!, address), address);
      const [client] = await clientsOf(target);
      assert.deepEqual(held(client!, flags), flags);
      assert.deepEqual([client!.username, client!.password], ["desk", "dXXXXXXXXXXXX"]);

      for (const command of ["refresh", "up"] as const) {
        const outcome = await (command === "up" ? run.up([trunk(all), gateway(address), desk(flags)]) : run.refresh());
        assert.deepEqual(outcome, { steps: [], errors: [] }, command);
      }

      const bare = [trunk(), gateway(), desk({ password: undefined })];
      assert.deepEqual((await run.up(bare)).steps.sort(), ["update desk", "update gateway", "update trunk"]);
      const [cleared] = await carriersOf(target);
      for (const name of Object.keys(all)) {
        const value: unknown = cleared![column(name)];
        const wanted = { isActive: 1, trunkType: "static_ip", dtmfType: "rfc2833" }[name];
        assert.ok(wanted === undefined ? value === null || value === 0 : value === wanted, `${name}: ${String(value)}`);
      }
      const [row] = await gatewaysOf(carrier!.voip_carrier_sid);
      assert.deepEqual(
        [row!.port, row!.netmask, row!.inbound, row!.outbound, row!.protocol, row!.is_active, row!.dtls_off],
        [null, 32, 0, 1, "udp", 1, 0],
      );
      assert.deepEqual((await clientsOf(target))[0]!.password, "{X");
      assert.deepEqual(await run.refresh(), { steps: [], errors: [] });
      assert.deepEqual((await run.destroy()).steps.sort(), ["delete desk", "delete gateway", "delete trunk"]);
      assert.deepEqual([await carriersOf(target), await clientsOf(target)], [[], []]);
    });

    it("show what somebody changed or deleted, which the next up puts right", async () => {
      const run = engine();
      const program = [trunk({ techPrefix: "99", registerPassword: "a-password" }), gateway({ port: 5060 }), desk({ isActive: true })];
      assert.deepEqual((await run.up(program)).errors, []);
      const id = (name: string) => run.find(name)!.id;
      await put(`/VoipCarriers/${id("trunk")}`, { tech_prefix: null, register_password: "another", description: "of somebody" });
      await put(`/SipGateways/${id("gateway")}`, { port: 5070, dtls_off: true });
      await put(`/Clients/${id("desk")}`, { is_active: false, password: "other-password", allow_direct_app_calling: false });
      assert.deepEqual((await run.refresh()).steps.sort(), ["changed desk", "changed gateway", "changed trunk"]);
      target.sandbox.clearRequests();
      assert.deepEqual((await run.up(program)).steps.sort(), ["update desk", "update gateway", "update trunk"]);
      const sent = target.sandbox.requests.map(({ path, body }) => [path.split("/")[1], body as Properties]);
      assert.deepEqual(Object.fromEntries(sent), {
        VoipCarriers: { tech_prefix: "99", register_password: "a-password" },
        SipGateways: { port: 5060 },
        Clients: { is_active: true, password: "desk-password" },
      });
      assert.deepEqual(await run.refresh(), { steps: [], errors: [] });

      await target.sandbox.outside("DELETE", `/SipGateways/${id("gateway")}`);
      await target.sandbox.outside("DELETE", `/Clients/${id("desk")}`);
      assert.deepEqual((await run.refresh()).steps.sort(), ["gone desk", "gone gateway"]);
      assert.deepEqual((await run.up(program)).steps.sort(), ["create desk", "create gateway"]);
      await target.sandbox.outside("DELETE", `/VoipCarriers/${id("trunk")}`);
      assert.deepEqual((await run.refresh()).steps.sort(), ["gone gateway", "gone trunk"]);
      assert.deepEqual((await run.up(program)).errors, []);

      await target.sandbox.outside("DELETE", `/Clients/${id("desk")}`);
      await target.sandbox.outside("DELETE", `/SipGateways/${id("gateway")}`);
      await target.sandbox.outside("DELETE", `/VoipCarriers/${id("trunk")}`);
      assert.deepEqual((await run.destroy()).errors, [], "what is gone already is deleted");
    });

    it("share lists when many are read", async () => {
      const run = engine();
      const many = [1, 2, 3].flatMap((n): Declared[] => [
        { ...trunk(), name: `trunk${n}` },
        { ...gateway({ voipCarrierSid: { $ref: "trunk1.sid" } }), name: `gateway${n}` },
        { ...desk(), name: `desk${n}` },
      ]);
      assert.deepEqual((await run.up(many)).errors, []);
      target.sandbox.clearRequests();
      assert.deepEqual(await run.refresh(), { steps: [], errors: [] });
      // The list that a service provider's key is shown lacks some of what clients are.
      const single = kind === "service provider" ? Array<string>(3).fill("GET /Clients/:sid") : [];
      assert.deepEqual(asked(target).sort(), ["GET /Clients", ...single, "GET /SipGateways?voip_carrier_sid=:sid", "GET /VoipCarriers"]);
    });

    it("are imported by their ids alone", async () => {
      const { sandbox, serviceProviderSid } = target;
      const carrier = await made(sandbox, "/VoipCarriers", {
        name: "by hand",
        account_sid: accountSid,
        service_provider_sid: serviceProviderSid,
        register_password: "by-hand-password",
      });
      const sid = await made(sandbox, "/SipGateways", { voip_carrier_sid: carrier, ipv4: "192.0.2.9", inbound: true, outbound: false });
      const client = await made(sandbox, "/Clients", {
        account_sid: accountSid,
        username: "hand",
        password: "p",
        allow_direct_app_calling: false,
      });
      const read = async (type: string, id: string) => (await lifecycle(type).read(id, {}))!.inputs;
      assert.deepEqual(await read("jambonz:VoipCarrier", carrier), { name: "by hand", accountSid });
      assert.deepEqual(await read("jambonz:SipGateway", sid), {
        voipCarrierSid: carrier,
        ipv4: "192.0.2.9",
        inbound: true,
        outbound: false,
      });
      assert.deepEqual(await read("jambonz:Client", client), { accountSid, username: "hand", allowDirectAppCalling: false });
    });

    it("are not made a second time by the same name, and the error tells how to adopt", async () => {
      const first = engine();
      assert.deepEqual((await first.up([trunk(), desk()])).errors, []);
      const { errors } = await engine().up([trunk(), desk()]);
      assert.equal(errors.length, 2);
      errors.reverse();
      assert.match(errors[0]!, /^jambonz refused to create Client "desk": its account already has a client of this username: /);
      assert.ok(errors[0]!.includes(`adopt jambonz:Client <name> ${first.find("desk")!.id}`), errors[0]);
      assert.match(errors[1]!, /^VoipCarrier "trunk": its account already has a carrier of this name: /);
      assert.ok(errors[1]!.includes(`adopt jambonz:VoipCarrier <name> ${first.find("trunk")!.id}`), errors[1]);
      assert.deepEqual([(await carriersOf(target)).length, (await clientsOf(target)).length], [1, 1]);
      assert.deepEqual((await engine().up([trunk({ allowDuplicateName: true })])).errors, []);
      assert.equal((await carriersOf(target)).length, 2);
    });

    it("are not made a second time beside one that a list for all does not show, nor in another spelling", async () => {
      const hidden = await made(target.sandbox, "/VoipCarriers", { name: "trunk", account_sid: accountSid });
      const client = await made(target.sandbox, "/Clients", { account_sid: accountSid, username: "DESK" });
      const { errors } = await engine().up([trunk(), desk()]);
      assert.equal(errors.length, 2, errors.join());
      assert.ok(errors.some((error) => error.includes(`its account already has a carrier of this name: ${hidden}`)));
      assert.ok(errors.some((error) => error.includes(`adopt jambonz:Client <name> ${client}`)));
      const carriers = (await target.sandbox.outside("GET", "/VoipCarriers")).body as Row[];
      assert.deepEqual([carriers.length, (await clientsOf(target)).length], [1, 1]);
    });

    it("are refused for an account that the key does not see, before anything is sent", async () => {
      if (kind === "admin") return;
      const foreign = await made(target.sandbox, "/ServiceProviders", { name: "another" });
      const account = await made(target.sandbox, "/Accounts", { name: "theirs", service_provider_sid: foreign });
      const { errors } = await engine().up([
        trunk({ accountSid: account }),
        desk({ accountSid: account }),
        { type: "jambonz:VoipCarrier", name: "shared", args: { serviceProviderSid: foreign } },
      ]);
      assert.deepEqual(errors.sort(), [
        `Client "desk": the key in use sees no account ${account}`,
        `VoipCarrier "shared": the key in use sees no service provider ${foreign}`,
        `VoipCarrier "trunk": the key in use sees no account ${account}`,
      ]);
      assert.deepEqual(writes(), []);
    });

    it("of somebody else are not taken for gone", async () => {
      if (kind === "admin") return;
      const serviceProvider = await made(target.sandbox, "/ServiceProviders", { name: "another" });
      const account = await made(target.sandbox, "/Accounts", { name: "theirs", service_provider_sid: serviceProvider });
      const carrier = await made(target.sandbox, "/VoipCarriers", {
        name: "t",
        account_sid: account,
        service_provider_sid: serviceProvider,
      });
      const client = await made(target.sandbox, "/Clients", { account_sid: account, username: "c" });
      await assert.rejects(
        lifecycle("jambonz:VoipCarrier").read(carrier, { name: "t", accountSid: account, sid: carrier }),
        /jambonz refused to read VoipCarrier "t" \([^)]*\): insufficient privileges \(400\)/,
      );
      for (const accountServiceProviderSid of [serviceProvider, undefined]) {
        const state = { username: "c", accountSid: account, sid: client, accountServiceProviderSid };
        await assert.rejects(lifecycle("jambonz:Client").read(client, state));
      }
    });
  });
}

describe("a carrier of a service provider", () => {
  let target: Target;
  let run: Engine;
  beforeEach(async () => {
    target = await jambonzTarget("service provider");
    run = new Engine({ environment: () => target.variables, pace: 0.005, log: () => {} });
  });
  afterEach(() => target.sandbox.stop());

  const shared = (args: Properties = {}): Declared => ({
    type: "jambonz:VoipCarrier",
    name: "trunk",
    args: { serviceProviderSid: target.serviceProviderSid, ...args },
  });
  const account = (name: string) => made(target.sandbox, "/Accounts", { name, service_provider_sid: target.serviceProviderSid });
  const out = (args: Properties = {}): Declared => ({
    type: "jambonz:SipGateway",
    name: "out",
    args: { voipCarrierSid: { $ref: "trunk.sid" }, ipv4: "sip.example.com", ...args },
  });

  it("is replaced when it becomes an account's, with its gateways, and the new one is there before the old one goes", async () => {
    const accountSid = await account("acme");
    assert.deepEqual((await run.up([shared(), out()])).errors, []);
    const outcome = await run.up([shared({ serviceProviderSid: undefined, accountSid }), out()]);
    assert.deepEqual(outcome, { steps: ["create trunk", "create out", "delete out", "delete trunk"], errors: [] });
    assert.deepEqual(
      (await carriersOf(target)).map((row) => [row.account_sid, row.voip_carrier_sid]),
      [[accountSid, run.find("trunk")!.id]],
    );
  });

  it("goes first where its owner stays the same, and only there", () => {
    const lifecycle = lifecycleOf("jambonz:VoipCarrier", sessionOf("jambonz", target.variables));
    const [one, two] = ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"];
    const state = { name: "trunk", serviceProviderSid: one, sid: one };
    const isFirst = (news: Properties) => lifecycle.diff(one, state, { name: "trunk", ...news }).deleteBeforeReplace;
    assert.deepEqual([{ serviceProviderSid: one }, { serviceProviderSid: two }, { accountSid: two }].map(isFirst), [true, false, false]);
  });

  it("takes an application of its account only, and names the account again where that changes", async () => {
    const accountSid = await account("acme");
    const hook = { url: "https://a.example.com" };
    const application = await made(target.sandbox, "/Applications", {
      name: "ivr",
      account_sid: accountSid,
      call_hook: hook,
      call_status_hook: hook,
    });
    const own = (args: Properties = {}) => [shared({ serviceProviderSid: undefined, accountSid, ...args })];
    assert.deepEqual((await run.up(own())).errors, []);
    assert.deepEqual((await run.up(own({ applicationSid: application }))).errors, []);
    assert.equal((await carriersOf(target))[0]!.application_sid, application);
    assert.deepEqual((await run.up(own())).errors, []);
    assert.equal((await carriersOf(target))[0]!.application_sid, null);
    const other = await account("other");
    const { errors } = await run.up([{ ...own({ accountSid: other, applicationSid: application })[0]!, name: "wrong" }]);
    assert.match(errors.join(), /VoipCarrier "wrong": application_sid does not exist for specified account_sid \(400\)$/);
  });

  it("is not deleted while phone numbers or an LCR use it, and then keeps its gateways", async () => {
    const { sandbox, serviceProviderSid } = target;
    const accountSid = await account("acme");
    assert.deepEqual((await run.up([shared()])).errors, []);
    const voip_carrier_sid = run.find("trunk")!.id;
    const gateway = { voip_carrier_sid, ipv4: "192.0.2.1", inbound: true, outbound: true };
    await made(sandbox, "/SipGateways", gateway);
    await made(sandbox, "/SmppGateways", { voip_carrier_sid, ipv4: "192.0.2.2" });
    const number = await made(sandbox, "/PhoneNumbers", { number: "15015550100", voip_carrier_sid, account_sid: accountSid });
    const lcr = await made(sandbox, "/Lcrs", { name: "routes", service_provider_sid: serviceProviderSid });
    const route = await made(sandbox, "/LcrRoutes", { lcr_sid: lcr, regex: ".*", priority: 0 });
    const entry = await made(sandbox, "/LcrCarrierSetEntries", { lcr_route_sid: route, voip_carrier_sid });
    sandbox.clearRequests();
    assert.deepEqual((await run.destroy()).errors, [
      `VoipCarrier "trunk" (${voip_carrier_sid}): it is used by 1 phone number (15015550100) and 1 LCR entry (${entry}); remove that first`,
    ]);
    assert.ok(!asked(target).some((line) => line.startsWith("DELETE")));
    await sandbox.outside("DELETE", `/PhoneNumbers/${number}`);
    await sandbox.outside("DELETE", `/Lcrs/${lcr}`);
    // An account's LCR is hidden from the key, and jambonz notices it too late.
    const hidden = await made(sandbox, "/Lcrs", { name: "hidden", account_sid: accountSid });
    const hiddenRoute = await made(sandbox, "/LcrRoutes", { lcr_sid: hidden, regex: ".*", priority: 0 });
    await made(sandbox, "/LcrCarrierSetEntries", { lcr_route_sid: hiddenRoute, voip_carrier_sid });
    assert.match((await run.destroy()).errors.join(), /an LCR that the key in use does not see has an entry with this carrier/);
    assert.equal(run.entries.length, 1);
    await sandbox.outside("DELETE", `/Lcrs/${hidden}`);
    assert.deepEqual((await run.destroy()).errors, []);
    assert.deepEqual(await carriersOf(target), []);
  });

  it("is of one name once in a run, whoever else has one of that name", async () => {
    const accounts = await Promise.all(["a", "b"].map(account));
    const program = accounts.map((accountSid, index): Declared => ({
      type: "jambonz:VoipCarrier",
      name: `trunk${index}`,
      args: { accountSid, name: "trunk" },
    }));
    target.sandbox.clearRequests();
    assert.deepEqual((await run.up([...program, shared({ name: "trunk" })])).errors, []);
    assert.deepEqual(
      asked(target)
        .filter((line) => line.endsWith("/VoipCarriers") && line.startsWith("GET"))
        .sort(),
      ["GET /Accounts/:sid/VoipCarriers", "GET /Accounts/:sid/VoipCarriers", "GET /ServiceProviders/:sid/VoipCarriers"],
      "one list for each owner",
    );
    const again = await run.up([...program, shared({ name: "trunk" }), { ...program[0]!, name: "again" }]);
    assert.match(again.errors.join(), /its account already has a carrier of this name/);
    assert.equal((await carriersOf(target)).length, 3);
  });

  it("has gateways of which any of the values that jambonz judges together may change", async () => {
    const inward = { ipv4: "192.0.2.0", inbound: true, netmask: 28 };
    assert.deepEqual((await run.up([shared(), out()])).errors, []);
    assert.deepEqual((await run.up([shared(), out(inward)])).errors, []);
    // One member alone would be refused, because jambonz looks at what is sent only.
    for (const change of [{ outbound: false }, { outbound: true }, { netmask: 24 }, { inbound: undefined, netmask: undefined }, {}]) {
      assert.deepEqual((await run.up([shared(), out({ ...inward, ...change })])).errors, [], JSON.stringify(change));
      assert.deepEqual(await run.refresh(), { steps: [], errors: [] });
    }
    assert.deepEqual((await run.up([shared(), out()])).errors, []);
  });
});

describe("a gateway", () => {
  it("whose creation was not answered is found among those of its carrier, and nobody else's is taken", async () => {
    const target = await jambonzTarget();
    const { sandbox, serviceProviderSid } = target;
    const voipCarrierSid = await made(sandbox, "/VoipCarriers", { name: "t", service_provider_sid: serviceProviderSid });
    const own = { voip_carrier_sid: voipCarrierSid, ipv4: "192.0.2.1", inbound: false, outbound: true };
    await made(sandbox, "/SipGateways", { ...own, port: 5099 });
    const run = new Engine({ environment: () => target.variables, pace: 0.005, log: () => {} });
    const program = [1, 2].map((n): Declared => ({
      type: "jambonz:SipGateway",
      name: `g${n}`,
      args: { voipCarrierSid, ipv4: "192.0.2.1", ...(n === 2 ? { port: 5060 } : {}) },
    }));
    sandbox.addFault({ match: { method: "POST", path: "/SipGateways" }, fault: "dropAnswer", times: 2 });
    assert.deepEqual((await run.up(program)).errors, []);
    const { body } = await sandbox.outside("GET", `/SipGateways?voip_carrier_sid=${voipCarrierSid}`);
    assert.equal((body as Row[]).length, 3);
    const port = (name: string) => (body as Row[]).find((row) => row.sip_gateway_sid === run.find(name)!.id)!.port as unknown;
    assert.deepEqual([port("g1"), port("g2")], [null, 5060]);

    // Somebody adds one of the same address meanwhile.
    sandbox.addFault({ match: { method: "POST", path: "/SipGateways" }, fault: "dropAnswer" });
    const request = { method: "POST", path: "/SipGateways", body: { ...own, ipv4: "192.0.2.2" } };
    sandbox.addFault({ match: { method: "GET", path: "/SipGateways" }, fault: "outside", skip: 1, request });
    const lifecycle = lifecycleOf("jambonz:SipGateway", sessionOf("jambonz", target.variables, { pace: 0.005 }));
    await assert.rejects(lifecycle.create({ voipCarrierSid, ipv4: "192.0.2.2" }), /now there are 2 that may be the one it made/);
    await sandbox.stop();
  });
});

describe("a client's password", () => {
  it("is in no error, and a change of the user name to one that is taken is refused", async () => {
    const target = await jambonzTarget();
    const { sandbox, serviceProviderSid } = target;
    const accountSid = await made(sandbox, "/Accounts", { name: "a", service_provider_sid: serviceProviderSid });
    await made(sandbox, "/Clients", { account_sid: accountSid, username: "taken" });
    const run = new Engine({ environment: () => target.variables, pace: 0.005, log: () => {} });
    const program = (username: string): Declared[] => [
      { type: "jambonz:Client", name: "c", args: { accountSid, username, password: "client-secret" } },
    ];
    assert.deepEqual((await run.up(program("free"))).errors, []);
    const { errors } = await run.up(program("taken"));
    assert.match(errors.join(), /jambonz refused to update Client "taken" \([^)]*\): the client's username already exists \(400\)$/);
    sandbox.addFault({ match: { method: "PUT" }, fault: { status: 400, body: { msg: "no client-secret here" } } });
    const lifecycle = lifecycleOf("jambonz:Client", sessionOf("jambonz", target.variables, { pace: 0.005 }));
    const entry = run.find("c")!;
    const told = await lifecycle.update(entry.id, entry.outputs, { ...entry.inputs, isActive: false }).then(
      () => "",
      (error: InitializationError) => error.message,
    );
    assert.match(told, /no \S+ here/);
    assert.ok(!told.includes("client-secret"), told);
    await sandbox.stop();
  });
});
