import assert from "node:assert/strict";
import { inventory, type Filter } from "../../provider/cli/inventory";
import type { Properties } from "../../provider/resource";
import { Engine, ok } from "../support/engine";
import { accountTarget, holder, holders, jambonzTarget, made, type Row, type Target, writesTo } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";

const ref = (output: string) => ({ $ref: output });

for (const kind of holders) {
  describe(`least cost routing, with a key of ${holder[kind]}`, () => {
    let target: Target;
    let accountSid: string;
    let run: Engine;
    /** A service provider's key makes tables of the service provider only. */
    let owner: Properties;
    let trunks: string[];
    beforeEach(async () => {
      target = { accountSid } = await accountTarget(kind);
      const { sandbox, serviceProviderSid: service_provider_sid } = target;
      owner = kind === "service provider" ? { serviceProviderSid: service_provider_sid } : { accountSid };
      const trunk = (name: string) => made(sandbox, "/VoipCarriers", { name, account_sid: accountSid, service_provider_sid });
      trunks = [await trunk("one"), await trunk("two")];
      run = engine();
      sandbox.clearRequests();
    });
    afterEach(() => target.sandbox.stop());

    const variables = () => target.variables;
    const engine = () => new Engine({ environment: variables, pace: 0.005, log: () => {} });
    const table = (args: Properties = {}): Declared => ({ type: "jambonz:Lcr", name: "table", args: { ...owner, ...args } });
    const route = (args: Properties = {}, name = "route"): Declared => ({
      type: "jambonz:LcrRoute",
      name,
      args: { lcrSid: ref("table.sid"), regex: "^49", priority: 1, ...args },
    });
    const entry = (name: string, voipCarrierSid: unknown, args: Properties = {}): Declared => ({
      type: "jambonz:LcrCarrierSetEntry",
      name,
      args: { lcrRouteSid: ref("route.sid"), voipCarrierSid, ...args },
    });
    const fallback = (name: string): Declared => ({
      type: "jambonz:LcrDefaultEntry",
      name: "fallback",
      args: { lcrSid: ref("table.sid"), lcrCarrierSetEntrySid: ref(`${name}.sid`) },
    });
    const whole = (): Declared[] => [table(), route(), entry("first", trunks[0]), entry("second", trunks[1]), fallback("first")];
    const tables = async (): Promise<Row[]> => (await target.sandbox.outside("GET", "/Lcrs")).body;
    const routes = async (): Promise<Row[]> =>
      (await target.sandbox.outside("GET", `/LcrRoutes?lcr_sid=${run.find("table")!.id}`)).body as Row[];
    const writes = () => writesTo(target);

    it("is made as a whole, changed in place, and deleted from its end", async () => {
      assert.equal((await ok(run.up(whole()))).length, 5);
      assert.deepEqual(await ok(run.refresh()), []);
      assert.deepEqual(await ok(run.up(whole())), []);
      const [before] = await tables();
      assert.equal(before!.default_carrier_set_entry_sid, run.find("first")!.id);
      assert.deepEqual(
        [before!.account_sid, before!.service_provider_sid],
        kind === "service provider" ? [null, target.serviceProviderSid] : [accountSid, null],
      );
      const steps = await ok(
        run.up([
          table({ isActive: false, name: "routing" }),
          route({ regex: "^43", description: "Austria" }),
          entry("first", trunks[1], { workload: 3 }),
          entry("second", trunks[0], { priority: 2 }),
          fallback("second"),
        ]),
      );
      assert.deepEqual(steps.sort(), ["update fallback", "update first", "update route", "update second", "update table"]);
      const [after] = await tables();
      assert.deepEqual([after!.name, after!.is_active, after!.default_carrier_set_entry_sid], ["routing", 0, run.find("second")!.id]);
      const [changed] = await routes();
      assert.deepEqual([changed!.regex, changed!.description, changed!.priority], ["^43", "Austria", 1]);
      const carriers = changed!.lcr_carrier_set_entries as Row[];
      assert.deepEqual(
        carriers.map((row) => [row.voip_carrier_sid, row.workload, row.priority]).sort(),
        [
          [trunks[0], 1, 2],
          [trunks[1], 3, 0],
        ].sort(),
      );
      assert.deepEqual(await ok(run.refresh()), []);
      assert.equal((await ok(run.destroy())).length, 5);
      assert.deepEqual(await tables(), []);
    });

    it("shows what somebody did, and is repaired", async () => {
      await ok(run.up(whole()));
      const { sandbox } = target;
      await sandbox.outside("PUT", `/Lcrs/${run.find("table")!.id}`, { default_carrier_set_entry_sid: run.find("second")!.id });
      await sandbox.outside("PUT", `/LcrRoutes/${run.find("route")!.id}`, { regex: "^1" });
      await sandbox.outside("DELETE", `/LcrCarrierSetEntries/${run.find("first")!.id}`);
      const steps = await ok(run.up(whole(), { refresh: true }));
      assert.deepEqual(steps.sort(), ["create first", "update fallback", "update route"]);
      assert.equal((await tables())[0]!.default_carrier_set_entry_sid, run.find("first")!.id);
      await sandbox.outside("DELETE", `/Lcrs/${run.find("table")!.id}`);
      const { steps: gone, errors } = await run.refresh();
      assert.deepEqual(errors, []);
      assert.deepEqual(gone.sort(), ["gone fallback", "gone first", "gone route", "gone second", "gone table"]);
    });

    it("keeps a default that somebody else has set meanwhile", async () => {
      await ok(run.up(whole()));
      const second = run.find("second")!.id;
      await target.sandbox.outside("PUT", `/Lcrs/${run.find("table")!.id}`, { default_carrier_set_entry_sid: second });
      await ok(run.up(whole().slice(0, 4)));
      assert.equal((await tables())[0]!.default_carrier_set_entry_sid, second);
    });

    it("does not let go what is the default, and says so", async () => {
      await ok(run.up(whole().slice(0, 4)));
      const first = run.find("first")!.id;
      await target.sandbox.outside("PUT", `/Lcrs/${run.find("table")!.id}`, { default_carrier_set_entry_sid: first });
      const { errors } = await run.up([table(), route(), entry("second", trunks[1])]);
      assert.match(errors.join(), /^jambonz refused to delete LcrCarrierSetEntry \(\S+\): it is the default of its LCR, or holds it; /);
      assert.equal(run.entries.length, 4);
    });

    it("has one table of an owner, one default of a table, and says which one is there", async () => {
      await ok(run.up([table()]));
      const { errors } = await engine().up([table()]);
      const { id } = run.find("table")!;
      assert.match(errors.join(), /^jambonz refused to create Lcr "table": its (account|service provider) already has an LCR: /);
      assert(errors[0]!.includes(`adopt jambonz:Lcr <name> ${id}`), errors[0]);
      const both = await run.up([...whole(), { ...fallback("second"), name: "other" }]);
      assert.match(both.errors.join(), /another LcrDefaultEntry of this program manages the same thing \(default of LCR /);
    });

    it("is found again where a creation was not answered, beside others like it", async () => {
      await ok(run.up([table(), route(), entry("first", trunks[0])]));
      for (const path of ["/LcrRoutes", "/LcrCarrierSetEntries"])
        target.sandbox.addFault({ match: { method: "POST", path }, fault: "dropAnswer" });
      await ok(run.up([table(), route(), entry("first", trunks[0]), route({}, "twin"), entry("again", trunks[0])]));
      assert.equal((await routes()).length, 2);
      assert.equal(writes().filter((line) => line.startsWith("POST")).length, 5);
      assert.deepEqual(await ok(run.refresh()), []);
      assert.equal(new Set(run.entries.map(({ id }) => id)).size, 5);
      const other = engine();
      target.sandbox.addFault({ match: { method: "POST", path: "/Lcrs" }, fault: "dropAnswer" });
      await ok(run.destroy());
      await ok(other.up([table()]));
      assert.equal((await tables()).length, 1);
    });

    it("of somebody else is neither changed nor taken for gone", async () => {
      const { sandbox, serviceProviderSid } = target;
      const theirs = await made(sandbox, "/Accounts", { name: "theirs", service_provider_sid: serviceProviderSid });
      const lcrSid = await made(sandbox, "/Lcrs", { name: "theirs", account_sid: theirs });
      const lcrRouteSid = await made(sandbox, "/LcrRoutes", { lcr_sid: lcrSid, regex: "^1", priority: 1 });
      const lcrCarrierSetEntrySid = await made(sandbox, "/LcrCarrierSetEntries", {
        lcr_route_sid: lcrRouteSid,
        voip_carrier_sid: trunks[0],
      });
      await sandbox.outside("PUT", `/Lcrs/${lcrSid}`, { default_carrier_set_entry_sid: lcrCarrierSetEntrySid });
      const own: Declared = { type: "jambonz:Lcr", name: "table", args: { accountSid: theirs } };
      const { errors } = await run.up([own]);
      const session = sessionOf("jambonz", variables(), { pace: 0.005 });
      const state = { sid: lcrSid, name: "theirs", accountSid: theirs, accountServiceProviderSid: serviceProviderSid };
      const held = { lcrSid, lcrCarrierSetEntrySid, sid: lcrCarrierSetEntrySid };
      const read = () => lifecycleOf("jambonz:Lcr", session).read(lcrSid, state);
      const readDefault = () => lifecycleOf("jambonz:LcrDefaultEntry", session).read(lcrSid, held);
      if (kind === "admin") {
        assert.match(errors.join(), /its account already has an LCR/);
        assert.equal((await read())!.state.name, "theirs");
        assert.equal((await readDefault())!.state.sid, lcrCarrierSetEntrySid);
        return;
      }
      assert.match(
        errors.join(),
        kind === "account" ? /the key in use sees no account/ : /a service provider's key makes LCRs of the service/,
      );
      await assert.rejects(
        read(),
        kind === "account" ? /^Error: jambonz refused to read Lcr "theirs"/ : /jambonz shows no LCR of an account to/,
      );
      await assert.rejects(readDefault(), /the key in use sees no LCR \S+, whose default it is/);
      await assert.rejects(lifecycleOf("jambonz:LcrDefaultEntry", session).delete(lcrSid, held), /sees no LCR/);
      const { errors: refused } = await engine().up([{ type: "jambonz:LcrRoute", name: "r", args: { lcrSid, regex: "^2", priority: 2 } }]);
      assert.match(refused.join(), /^LcrRoute: the key in use sees no LCR /);
      const entryArgs = { lcrRouteSid, voipCarrierSid: trunks[0] };
      const { errors: entries } = await engine().up([{ type: "jambonz:LcrCarrierSetEntry", name: "e", args: entryArgs }]);
      assert.match(entries.join(), /^LcrCarrierSetEntry: the key in use sees no LCR /);
      const parts: [type: string, id: string, state: Properties, change: Properties][] = [
        ["jambonz:LcrRoute", lcrRouteSid, { sid: lcrRouteSid, lcrSid, regex: "^1", priority: 1 }, { regex: "^9" }],
        ["jambonz:LcrCarrierSetEntry", lcrCarrierSetEntrySid, { sid: lcrCarrierSetEntrySid, ...entryArgs }, { workload: 7 }],
      ];
      for (const [type, id, was, change] of parts) {
        await assert.rejects(lifecycleOf(type, session).update(id, was, { ...was, ...change }), /the key in use sees no LCR /);
        await assert.rejects(lifecycleOf(type, session).delete(id, was), /the key in use sees no LCR /);
      }
      if (kind === "service provider") {
        // Nothing tells an import whose it is.
        await assert.rejects(lifecycleOf("jambonz:Lcr", session).read(lcrSid, {}), /jambonz shows no LCR of an account to/);
        await assert.rejects(lifecycleOf("jambonz:LcrDefaultEntry", session).read(lcrSid, {}), /the key in use sees no LCR /);
      }
      assert.deepEqual(writes(), []);
    });

    it("is neither deleted nor gone by a 404 of something in between", async () => {
      await ok(run.up([table(), route()]));
      const { sandbox } = target;
      const [lcr] = await tables();
      for (const body of ["Not Found", { message: "no Route matched with those values" }]) {
        sandbox.addFault({ match: { method: "DELETE", path: "/Lcrs/*" }, fault: { status: 404, body } });
        const { errors } = await run.up([]);
        assert.match(errors.join(), /^jambonz refused to delete Lcr .*\(404\)$/);
        assert.deepEqual(
          (await tables()).map(({ lcr_sid }) => lcr_sid),
          [lcr!.lcr_sid],
        );
      }
      await ok(run.up([table(), route()]));
      // Given to somebody else, it is hidden from all keys but an admin's, but its routes are not.
      const account_sid = await made(sandbox, "/Accounts", { name: "theirs", service_provider_sid: target.serviceProviderSid });
      await sandbox.outside("PUT", `/Lcrs/${lcr!.lcr_sid}`, { account_sid });
      const { id, outputs } = run.find("route")!;
      sandbox.addFault({ match: { method: "GET", path: "/LcrRoutes/*" }, fault: { status: 404, body: "Not Found" } });
      const read = await lifecycleOf("jambonz:LcrRoute", sessionOf("jambonz", variables(), { pace: 0.005 })).read(id, outputs);
      assert.equal(read?.state.regex, "^49");
    });

    it("lets a carrier go beside an LCR that goes at the same time", async () => {
      const { sandbox } = target;
      await ok(run.up([table(), route()]));
      const [trunk] = trunks as [string, string];
      const lcrSid = run.find("table")!.id;
      // The list of LCRs that the deletion of the carrier relies on still shows it.
      sandbox.addFault({
        match: { method: "GET", path: "/LcrRoutes?lcr_sid=*" },
        fault: "outside",
        request: { method: "DELETE", path: `/Lcrs/${lcrSid}` },
      });
      const state = { sid: trunk, name: "one", accountSid };
      await lifecycleOf("jambonz:VoipCarrier", sessionOf("jambonz", variables(), { pace: 0.005 })).delete(trunk, state);
      assert.equal((await sandbox.outside("GET", `/VoipCarriers/${trunk}`)).status, 404);
      assert.deepEqual(await tables(), []);
    });

    it("lists everything that the key sees", async () => {
      await ok(run.up(whole()));
      const session = sessionOf("jambonz", variables(), { pace: 0.005 });
      for (const [type, names] of [
        ["jambonz:Lcr", ["table"]],
        ["jambonz:LcrRoute", ["route"]],
        ["jambonz:LcrCarrierSetEntry", ["first", "second"]],
        ["jambonz:LcrDefaultEntry", ["fallback"]],
      ] as const) {
        const found = await lifecycleOf(type, session).definition.list!(session.client, () => {});
        assert.deepEqual(found.map(({ id }) => id).sort(), names.map((name) => run.find(name)!.id).sort(), type);
      }
    });
  });
}

describe("an LCR of an account, with a service provider's key", () => {
  it("is deleted, also where it is gone already, and only if the key sees the account", async () => {
    const target = await jambonzTarget("service provider");
    const { sandbox, serviceProviderSid, variables } = target;
    const lifecycle = lifecycleOf("jambonz:Lcr", sessionOf("jambonz", variables, { pace: 0.005 }));
    const tableOf = async (service_provider_sid: string) => {
      const accountSid = await made(sandbox, "/Accounts", { name: "acme", service_provider_sid });
      const id = await made(sandbox, "/Lcrs", { name: "table", account_sid: accountSid });
      return { id, state: { sid: id, name: "table", accountSid, accountServiceProviderSid: service_provider_sid } };
    };
    const own = await tableOf(serviceProviderSid);
    // Something in between says once that it is not there.
    sandbox.addFault({ match: { method: "DELETE" }, fault: { status: 404, body: "Not Found" } });
    await lifecycle.delete(own.id, own.state);
    assert.equal((await sandbox.outside("GET", `/Lcrs/${own.id}`)).status, 404);
    await lifecycle.delete(own.id, own.state);
    const theirs = await tableOf(await made(sandbox, "/ServiceProviders", { name: "others" }));
    await assert.rejects(lifecycle.delete(theirs.id, theirs.state), /insufficient permissions \(403\)$/);
    // Neither is one of another service provider, nor one of which nothing is known, taken for deleted.
    const other = await made(sandbox, "/ServiceProviders", { name: "yet others" });
    const foreign = await made(sandbox, "/Lcrs", { name: "table", service_provider_sid: other });
    const state = { sid: foreign, name: "table", serviceProviderSid: other };
    await assert.rejects(lifecycle.delete(foreign, state), /does not see service provider/);
    await assert.rejects(lifecycle.delete(foreign, {}), /jambonz shows no LCR of an account to/);
    for (const id of [theirs.id, foreign]) assert.equal((await sandbox.outside("GET", `/Lcrs/${id}`)).status, 200);
    // Where the account is gone, too, there is nothing to be asked.
    const left = await tableOf(serviceProviderSid);
    await sandbox.outside("DELETE", `/Lcrs/${left.id}`);
    await sandbox.outside("DELETE", `/Accounts/${left.state.accountSid}`);
    await lifecycle.delete(left.id, left.state);
    await sandbox.stop();
  });
});

describe("a route that is looked for by its type", () => {
  it("belongs to the account of its LCR all the same", async () => {
    const { sandbox, serviceProviderSid, variables } = await jambonzTarget();
    const account_sid = await made(sandbox, "/Accounts", { name: "acme", service_provider_sid: serviceProviderSid });
    const owners: Row[] = [{ account_sid }, { service_provider_sid: serviceProviderSid }];
    for (const [index, owner] of owners.entries()) {
      const lcr_sid = await made(sandbox, "/Lcrs", { name: "table", ...owner });
      await made(sandbox, "/LcrRoutes", { lcr_sid, regex: `^${index}`, priority: 1 });
    }
    const found = async (filter: Filter) => {
      const session = sessionOf("jambonz", variables, { pace: 0.005 });
      const { items } = await inventory(session, { ...filter, types: ["jambonz:LcrRoute"] }, { known: new Map() }, () => {});
      return items.map(({ live }) => live.regex).sort();
    };
    assert.deepEqual(await found({ where: { serviceProviderSid } }), ["^0", "^1"]);
    assert.deepEqual(await found({ name: "acme" }), ["^0"]);
    await sandbox.stop();
  });
});

describe("the default of an LCR", () => {
  it("is not cleared for one that cannot be set", async () => {
    const target = await jambonzTarget();
    const { sandbox, serviceProviderSid } = target;
    const account_sid = await made(sandbox, "/Accounts", { name: "acme", service_provider_sid: serviceProviderSid });
    const lcrSid = await made(sandbox, "/Lcrs", { name: "table", account_sid });
    const lcr_route_sid = await made(sandbox, "/LcrRoutes", { lcr_sid: lcrSid, regex: "^1", priority: 1 });
    const voip_carrier_sid = await made(sandbox, "/VoipCarriers", { name: "trunk", service_provider_sid: serviceProviderSid });
    const entry = await made(sandbox, "/LcrCarrierSetEntries", { lcr_route_sid, voip_carrier_sid });
    const run = new Engine({ environment: () => target.variables, pace: 0.005, log: () => {} });
    const program = (args: Properties): Declared[] => [{ type: "jambonz:LcrDefaultEntry", name: "default", args }];
    assert.deepEqual((await run.up(program({ lcrSid, lcrCarrierSetEntrySid: entry }))).errors, []);
    const none = "22222222-2222-4222-8222-222222222222";
    for (const args of [
      { lcrSid: none, lcrCarrierSetEntrySid: entry },
      { lcrSid: await made(sandbox, "/Lcrs", { name: "other", service_provider_sid: serviceProviderSid }), lcrCarrierSetEntrySid: none },
    ]) {
      const { steps, errors } = await run.up(program(args));
      assert.deepEqual(steps, []);
      assert.match(
        errors.join(),
        /^jambonz refused to create LcrDefaultEntry: (unknown lcr_sid|defaultCarrierSetEntrySid names something)/,
      );
    }
    const { body } = await sandbox.outside("GET", `/Lcrs/${lcrSid}`);
    assert.equal((body as Row).default_carrier_set_entry_sid, entry);
    await sandbox.stop();
  });
});

describe("the default of an LCR that is gone", () => {
  it("is gone, although its entry is there, in a route of another LCR", async () => {
    const target = await jambonzTarget();
    const { sandbox, serviceProviderSid } = target;
    const account_sid = await made(sandbox, "/Accounts", { name: "acme", service_provider_sid: serviceProviderSid });
    const other = await made(sandbox, "/Lcrs", { name: "other", service_provider_sid: serviceProviderSid });
    const lcr_route_sid = await made(sandbox, "/LcrRoutes", { lcr_sid: other, regex: "^1", priority: 1 });
    const voip_carrier_sid = await made(sandbox, "/VoipCarriers", { name: "trunk", service_provider_sid: serviceProviderSid });
    const lcrCarrierSetEntrySid = await made(sandbox, "/LcrCarrierSetEntries", { lcr_route_sid, voip_carrier_sid });
    const lcrSid = await made(sandbox, "/Lcrs", { name: "table", account_sid });
    const run = new Engine({ environment: () => target.variables, pace: 0.005, log: () => {} });
    const args = { lcrSid, lcrCarrierSetEntrySid };
    assert.deepEqual((await run.up([{ type: "jambonz:LcrDefaultEntry", name: "default", args }])).errors, []);
    await sandbox.outside("PUT", `/Lcrs/${lcrSid}`, { default_carrier_set_entry_sid: null });
    await sandbox.outside("DELETE", `/Lcrs/${lcrSid}`);
    assert.deepEqual(await run.refresh(), { steps: ["gone default"], errors: [] });
    await sandbox.stop();
  });
});

describe("a carrier of a route", () => {
  it("is replaced by another one before it is deleted", async () => {
    const target = await jambonzTarget();
    const { serviceProviderSid } = target;
    const run = new Engine({ environment: () => target.variables, pace: 0.005, log: () => {} });
    const program = (trunk: Properties): Declared[] => [
      { type: "jambonz:Account", name: "acme", args: { serviceProviderSid } },
      { type: "jambonz:VoipCarrier", name: "trunk", args: trunk },
      { type: "jambonz:Lcr", name: "table", args: { accountSid: ref("acme.sid") } },
      { type: "jambonz:LcrRoute", name: "route", args: { lcrSid: ref("table.sid"), regex: "^1", priority: 1 } },
      {
        type: "jambonz:LcrCarrierSetEntry",
        name: "entry",
        args: { lcrRouteSid: ref("route.sid"), voipCarrierSid: ref("trunk.sid") },
      },
    ];
    assert.deepEqual((await run.up(program({ accountSid: ref("acme.sid") }))).errors, []);
    const { steps, errors } = await run.up(program({ serviceProviderSid }));
    assert.deepEqual([steps, errors], [["create trunk", "update entry", "delete trunk"], []]);
    assert.deepEqual((await run.destroy()).errors, []);
    await target.sandbox.stop();
  });
});
