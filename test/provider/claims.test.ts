import assert from "node:assert/strict";
import { marks, UNKNOWN } from "../../provider/values";
import { Engine } from "../support/engine";
import { accountsOf, jambonzTarget, limitsOf, made, type Target } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";
import { restcommTarget } from "../support/restcomm";

describe("what two resources could have at once", () => {
  let target: Target;
  let engine: Engine;
  beforeEach(async () => {
    target = await jambonzTarget();
    engine = new Engine({ environment: () => target.variables, pace: 0.2, log: () => {} });
  });
  afterEach(() => target.sandbox.stop());

  const acme = (args = {}): Declared => ({
    type: "jambonz:Account",
    name: "acme",
    args: { serviceProviderSid: target.serviceProviderSid, ...args },
  });
  const limit = (name: string, category: string, quantity: number): Declared => ({
    type: "jambonz:Limit",
    name,
    args: { accountSid: { $ref: "acme.sid" }, category, quantity },
  });
  const realm: Declared = {
    type: "jambonz:SipRealm",
    name: "realm",
    args: { accountSid: { $ref: "acme.sid" }, realm: "acme.example.com" },
  };
  const limits = async () => limitsOf(target, (await accountsOf(target)).acme.account_sid as string);

  /** As a run of the program asks, for what the engine model does not do. */
  const runOf = (type: string) => lifecycleOf(type, sessionOf("jambonz", target.variables, { pace: 0.005 }));

  for (const [type, args, fault] of [
    ["jambonz:Limit", { category: "device", quantity: 1 }, { method: "POST", path: "/Accounts/*/Limits" }],
    ["jambonz:SipRealm", { realm: "acme.example.com" }, { method: "PUT", path: "/Accounts/*" }],
  ] as const) {
    it(`tells that a ${type} which is asked to be replaced, and could not be made anew, is still there`, async () => {
      const accountSid = await made(target.sandbox, "/Accounts", { name: "acme", service_provider_sid: target.serviceProviderSid });
      const inputs = { accountSid, ...args };
      const { id, state } = await runOf(type).create(inputs);
      const run = runOf(type);
      // It is compared as one that stays, and the engine deletes it all the same, because a person wants it so.
      assert.equal(run.diff(id, state, inputs).changes, false);
      target.sandbox.clearRequests();
      await run.delete(id, state);
      assert.deepEqual(target.sandbox.requests, []);
      target.sandbox.addFault({ match: fault, fault: { status: 403, body: { msg: "insufficient privileges" } } });
      await assert.rejects(
        run.create(inputs),
        /insufficient privileges \(403\); what it was to replace was not deleted before, and is still/,
      );
      const again = await run.create(inputs);
      assert.equal(again.id, id);
    });
  }

  for (const refresh of [false, true]) {
    const how = refresh ? "also with a refresh before it" : "in one run";

    it(`moves a realm from an account to a SipRealm and back, ${how}`, async () => {
      await engine.up([acme({ sipRealm: "acme.example.com" })]);
      assert.deepEqual((await engine.up([acme(), realm], { refresh })).errors, []);
      assert.equal((await accountsOf(target)).acme.sip_realm, "acme.example.com");
      assert.deepEqual((await engine.up([acme({ sipRealm: "acme.example.com" })], { refresh })).errors, []);
      assert.equal((await accountsOf(target)).acme.sip_realm, "acme.example.com");
      assert.deepEqual(await engine.up([acme({ sipRealm: "acme.example.com" })], { refresh: true }), { steps: [], errors: [] });
    });

    it(`hands a limit over to a resource of another name, ${how}`, async () => {
      await engine.up([acme(), limit("one", "device", 1)]);
      assert.deepEqual((await engine.up([acme(), limit("other", "device", 2)], { refresh })).errors, []);
      assert.deepEqual(await limits(), { device: 2 });
    });

    it(`is refused to the second, ${how}`, async () => {
      await engine.up([acme(), limit("one", "device", 1)]);
      const { errors } = await engine.up([acme(), limit("one", "device", 1), limit("two", "device", 2)], { refresh });
      assert.deepEqual(errors, [
        `Limit: another Limit of this program manages the same thing (limit Accounts/${engine.find("acme")!.id}/Limits/device), and they would undo each other; keep one of them`,
      ]);
      assert.deepEqual(await limits(), { device: 1 });
    });
  }

  it("stays when a rename was interrupted before what had the old name was deleted", async () => {
    const renamed = (which: string): Declared[] => [acme(), limit(which, "device", 200), { ...realm, name: `realm ${which}` }];
    await engine.up(renamed("old"));
    target.sandbox.addFault({ match: { method: "POST", path: "/ApiKeys" }, fault: { status: 403, body: { msg: "no" } }, times: "always" });
    const failing: Declared = { type: "jambonz:ApiKey", name: "key", args: { accountSid: { $ref: "acme.sid" } } };
    assert.equal((await engine.up([...renamed("other"), failing])).errors.length, 1);
    assert.equal((await engine.up([...renamed("new"), failing])).errors.length, 1);
    assert.deepEqual((await engine.up(renamed("new"))).errors, []);
    assert.deepEqual(await limits(), { device: 200 });
    assert.equal((await accountsOf(target)).acme.sip_realm, "acme.example.com");
    assert.deepEqual(await engine.up(renamed("new"), { refresh: true }), { steps: [], errors: [] });
  });

  it("is set anew when a person wants it replaced although nothing changed", async () => {
    await engine.up([acme()]);
    const accountSid = engine.find("acme")!.id;
    const inputs = { accountSid, category: "device", quantity: 3 };
    const { id, state } = await runOf("jambonz:Limit").create(inputs);
    await target.sandbox.outside("POST", `/Accounts/${accountSid}/Limits`, { category: "device", quantity: 9 });
    const run = runOf("jambonz:Limit");
    assert.equal(run.diff(id, state, inputs).changes, false);
    await run.delete(id, state);
    assert.equal((await run.create(inputs)).id, id);
    assert.deepEqual(await limits(), { device: 3 });
  });

  it("is deleted although the engine has asked before what would become of it", async () => {
    await engine.up([acme()]);
    const accountSid = engine.find("acme")!.id;
    const before = { accountSid, category: "device", quantity: 3 };
    const { id, state } = await runOf("jambonz:Limit").create(before);
    const run = runOf("jambonz:Limit");
    run.diff(id, state, { ...before, quantity: UNKNOWN });
    const after = { accountSid, category: "api_rate", quantity: 3 };
    assert.deepEqual(run.diff(id, state, after).replaces, ["category"]);
    await run.delete(id, state);
    await run.create(after);
    assert.deepEqual(await limits(), { api_rate: 3 });
  });

  it("is not given up for what another resource has", async () => {
    await engine.up([acme(), limit("a", "device", 200), limit("b", "api_rate", 50)]);
    const { errors } = await engine.up([acme(), limit("b", "api_rate", 50), limit("a", "api_rate", 10)]);
    assert.match(errors.join(), /another Limit of this program manages the same thing/);
    assert.deepEqual(await limits(), { device: 200, api_rate: 50 });
  });

  it("is known to belong to two before anything is deleted, in whichever order the program declares them", () => {
    const accountSid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    const ofCategory = (category: string) => ({ accountSid, category, quantity: 1 });
    const idOf = (category: string) => `Accounts/${accountSid}/Limits/${category}`;
    for (const order of [0, 1]) {
      const lifecycle = runOf("jambonz:Limit");
      const compare = (before: string) => lifecycle.diff(idOf(before), { ...ofCategory(before), sid: "x" }, ofCategory("api_rate"));
      assert.throws(() => (order ? ["device", "api_rate"] : ["api_rate", "device"]).map(compare), /manages the same thing/);
    }
  });

  it("stays with the SipRealm that sets it while its account gives it up", async () => {
    const slow = (operation: string) => (operation === "update" ? new Promise<void>((resolve) => setTimeout(resolve, 200)) : undefined);
    const slowly = new Engine({ environment: () => target.variables, pace: 0.2, log: () => {}, before: slow });
    await slowly.up([acme({ sipRealm: "acme.example.com" })]);
    const accountSid = slowly.find("acme")!.id;
    const moved = [acme({ planType: "paid" }), { ...realm, args: { accountSid, realm: "acme.example.com" } }];
    const { steps, errors } = await slowly.up(moved);
    assert.deepEqual([steps, errors], [["create realm", "update acme"], []]);
    const { sip_realm, plan_type } = (await accountsOf(target)).acme;
    assert.deepEqual([sip_realm, plan_type], ["acme.example.com", "paid"]);
    assert.deepEqual(await slowly.up(moved, { refresh: true }), { steps: [], errors: [] });
  });

  it("stays when another resource takes it over by an import of Pulumi's", async () => {
    await engine.up([acme()]);
    const inputs = { accountSid: engine.find("acme")!.id, category: "device", quantity: 5 };
    const { id, state } = await runOf("jambonz:Limit").create(inputs);
    const run = runOf("jambonz:Limit");
    run.check(inputs, {});
    const imported = (await run.read(id, {}))!;
    assert.equal(run.diff(id, imported.state, inputs).changes, false);
    await run.delete(id, state);
    assert.deepEqual(await limits(), { device: 5 });
  });

  it("goes when a rename was interrupted and the program then drops both, with a refresh, too", async () => {
    for (const refresh of [false, true]) {
      await engine.up([acme(), limit("old", "device", 5)]);
      target.sandbox.addFault({ match: { method: "POST", path: "/ApiKeys" }, fault: { status: 403, body: { msg: "no" } }, times: 1 });
      const key: Declared = { type: "jambonz:ApiKey", name: "key", args: { accountSid: { $ref: "acme.sid" } } };
      assert.equal((await engine.up([acme(), limit("new", "device", 5), key])).errors.length, 1);
      assert.deepEqual((await engine.up([acme()], { refresh })).errors, []);
      assert.deepEqual(await limits(), {});
    }
  });

  it("stays with a SipRealm that was there before, when its account gives it up", async () => {
    await engine.up([acme({ sipRealm: "acme.example.com" })]);
    const literal = { ...realm, args: { accountSid: engine.find("acme")!.id, realm: "acme.example.com" } };
    target.sandbox.addFault({ match: { method: "PUT" }, fault: { status: 403, body: { msg: "no" } }, skip: 1 });
    const moved = [literal, acme({ planType: "paid" })];
    await engine.up(moved);
    target.sandbox.clearFaults();
    await engine.up(moved);
    assert.deepEqual((await engine.up(moved)).errors, []);
    assert.equal((await accountsOf(target)).acme.sip_realm, "acme.example.com");
    assert.deepEqual(await engine.up(moved, { refresh: true }), { steps: [], errors: [] });
  });

  it("is told when two resources have it in state and the program says different things of it", async () => {
    await engine.up([acme(), limit("one", "device", 1)]);
    const [entry] = engine.entries.filter(({ name }) => name === "one");
    engine.entries.push({ ...entry!, name: "two" });
    const { errors } = await engine.up([acme(), limit("one", "device", 1), limit("two", "device", 2)], { refresh: true });
    assert.match(errors.join(), /another Limit of this program manages the same thing/);
  });

  it("is free when the engine only asked what would become of who had it", async () => {
    await engine.up([acme()]);
    const before = { accountSid: engine.find("acme")!.id, category: "device", quantity: 5 };
    const { id, state } = await runOf("jambonz:Limit").create(before);
    const run = runOf("jambonz:Limit");
    run.diff(id, state, { ...before, quantity: UNKNOWN });
    assert.deepEqual(run.diff(id, state, { ...before, category: "api_rate" }).replaces, ["category"]);
    assert.equal((await run.create({ ...before, quantity: 7 })).id, id);
  });

  it("is one thing with what a refresh compares, also where the engine runs the program meanwhile", async () => {
    const hook = { url: "https://a.example.com/hook", username: "u", password: "p" };
    await engine.up([acme({ registrationHook: hook }), limit("one", "device", 1), limit("two", "api_rate", 2)]);
    const run = runOf("jambonz:Limit");
    const account = lifecycleOf("jambonz:Account", run.session);
    const [its, one, two] = [engine.find("acme")!, engine.find("one")!, engine.find("two")!];
    await account.read(its.id, its.outputs);
    for (const { id, outputs } of [one, two]) await run.read(id, outputs);
    account.diff(its.id, its.outputs, its.inputs);
    // The engine sorts what is inside.
    account.check(its.inputs, { ...its.inputs, registrationHook: Object.fromEntries(Object.entries(hook).reverse()) });
    run.diff(two.id, two.outputs, two.inputs);
    run.check(two.inputs, two.inputs);
    run.check({ accountSid: its.id, category: "voice_call_minutes", quantity: 1 }, {});
    run.diff(one.id, one.outputs, one.inputs);
    const changed = { ...one.inputs, quantity: 10 };
    run.check(changed, one.inputs);
    assert.deepEqual(run.diff(one.id, one.outputs, changed).changed, ["quantity"]);
    assert.throws(() => run.diff(one.id, one.outputs, one.inputs), /another Limit of this program manages the same thing/);
  });

  it("is not deleted as long as the program has it by a resource of another name", async () => {
    await engine.up([acme()]);
    const entry = engine.find("acme")!;
    engine.entries.push({ ...entry, name: "by another name" });
    const { errors } = await engine.up([acme()]);
    assert.match(errors.join(), /the program still has it, by a resource of another name, so it is not deleted; take this entry out/);
    assert.deepEqual(Object.keys(await accountsOf(target)), ["acme"]);
  });

  it("is not deleted either when the run makes others of its type", async () => {
    const keyed = (...names: string[]): Declared[] =>
      names.map((name) => ({ type: "jambonz:ApiKey", name, args: { accountSid: { $ref: "acme.sid" }, rotateWhenChanged: { name } } }));
    await engine.up([acme(), ...keyed("used")]);
    for (const entry of [engine.find("acme")!, engine.find("used")!])
      engine.entries.push({ ...entry, name: `${entry.name} of another name` });
    const { errors } = await engine.up([acme(), { ...acme(), name: "globex" }, ...keyed("used", "new")]);
    assert.match(errors.join(), /the program still has it, by a resource of another name, so it is not deleted/);
    const accounts = await accountsOf(target);
    assert.deepEqual(Object.keys(accounts).sort(), ["acme", "globex"]);
    const { body } = await target.sandbox.outside("GET", `/Accounts/${accounts.acme.account_sid}/ApiKeys`);
    assert.equal(body.length, 2);
  });

  it("is not deleted where the program has it by another name, also when the run makes one more like it", async () => {
    const key = (name: string): Declared => ({ type: "jambonz:ApiKey", name, args: { accountSid: { $ref: "acme.sid" } } });
    await engine.up([acme(), key("used")]);
    const used = engine.find("used")!;
    engine.entries.push({ ...used, name: "old" });
    const { errors } = await engine.up([acme(), key("used"), key("new")]);
    assert.match(errors.join(), /the program still has it/);
    const { body } = await target.sandbox.outside("GET", `/Accounts/${engine.find("acme")!.id}/ApiKeys`);
    assert.ok((body as { token: string }[]).some(({ token }) => token === used.outputs.token));
  });

  it("is set again, in the next run at the latest, where an account gave up its realm and that could not be", async () => {
    for (const fault of [{ status: 403, body: { msg: "not now" } }, "dropAnswer" as const]) {
      await engine.up([acme(), realm]);
      target.sandbox.addFault({ match: { method: "POST", path: "/ApiKeys" }, fault: { status: 400, body: { msg: "no" } } });
      const key = { type: "jambonz:ApiKey", name: "key", args: { accountSid: { $ref: "acme.sid" } } };
      assert.equal((await engine.up([acme({ sipRealm: "acme.example.com" }), key])).errors.length, 1);
      target.sandbox.addFault({ match: { method: "PUT" }, fault, skip: 1, times: fault === "dropAnswer" ? "always" : 1 });
      assert.equal((await engine.up([acme(), realm])).errors.length, 1);
      target.sandbox.clearFaults();
      assert.deepEqual((await engine.up([acme(), realm])).errors, []);
      const { body } = await target.sandbox.outside("GET", `/Accounts/${engine.find("acme")!.id}`);
      assert.equal(body.sip_realm, "acme.example.com", JSON.stringify(fault));
      assert.deepEqual((await engine.destroy()).errors, []);
    }
  });

  it("is not forgotten for an account that could not take it over", async () => {
    await engine.up([acme(), realm]);
    await made(target.sandbox, "/Accounts", { name: "x", service_provider_sid: target.serviceProviderSid, sip_realm: "taken.example.com" });
    const run = runOf("jambonz:SipRealm");
    const account = lifecycleOf("jambonz:Account", run.session);
    const [a, held] = [engine.find("acme")!, engine.find("realm")!];
    const news = { ...a.inputs, sipRealm: "taken.example.com" };
    account.diff(a.id, a.outputs, news);
    await assert.rejects(account.update(a.id, a.outputs, news), /taken by another account/);
    await assert.rejects(run.delete(held.id, held.outputs), /was to have it, or its place/);
  });

  it("stays where the realm of another account could not be had because of it", async () => {
    await engine.up([acme({ sipRealm: "acme.example.com" })]);
    const { id, outputs } = engine.find("acme")!;
    const run = runOf("jambonz:Account");
    const other = { name: "other", serviceProviderSid: target.serviceProviderSid, sipRealm: "ACME.example.com" };
    await assert.rejects(run.create(other), /sipRealm "acme.example.com" is taken by another account/i);
    await assert.rejects(run.delete(id, outputs), /was to have it, or its place/);
  });

  it("is made again when it was deleted for a successor that could not be made, and the program goes back", async () => {
    await engine.up([acme(), limit("one", "device", 1), realm]);
    target.sandbox.addFault({ match: { method: "POST", path: "/Accounts/*/Limits" }, fault: { status: 403, body: { msg: "no" } } });
    assert.equal((await engine.up([acme(), limit("one", "api_rate", 1), realm])).errors.length, 1);
    assert.deepEqual(await limits(), {});
    const { errors } = await engine.up([acme(), limit("one", "device", 1), limit("other", "device", 1), realm]);
    assert.match(errors.join(), /another Limit of this program manages the same thing/);
    assert.deepEqual((await engine.up([acme(), limit("one", "device", 1), realm])).errors, []);
    assert.deepEqual(await limits(), { device: 1 });
  });

  for (const [what, back, type] of [
    ["limit", "device", "jambonz:Limit"],
    ["realm", "acme.example.com", "jambonz:SipRealm"],
  ] as const) {
    it(`is made again when it was deleted for a successor that could not be made, although somebody else has set the ${what} since`, async () => {
      const program = (value: string): Declared[] => {
        const accountSid = { $ref: "acme.sid" };
        const args = what === "limit" ? { accountSid, category: value, quantity: 1 } : { accountSid, realm: value };
        return [acme(), { type, name: "it", args }];
      };
      await engine.up(program(back));
      const { id, state } = { id: engine.find("it")!.id, state: engine.find("it")!.outputs };
      await runOf(type).delete(id, state);
      const accountSid = engine.find("acme")!.id;
      if (what === "limit") await target.sandbox.outside("POST", `/Accounts/${accountSid}/Limits`, { category: back, quantity: 7 });
      else await target.sandbox.outside("PUT", `/Accounts/${accountSid}`, { sip_realm: "outside.example.com" });
      const run = runOf(type);
      // The engine compares what it has deleted for its successor, and makes it.
      const inputs = engine.find("it")!.inputs;
      assert.equal(run.diff(id, state, inputs).changes, false);
      await run.create(inputs);
      if (what === "limit") assert.deepEqual(await limits(), { device: 1 });
      else assert.equal((await accountsOf(target)).acme.sip_realm, "acme.example.com");
    });
  }

  it("that the program no longer sets by its account, which may have set it without an answer, is left to the SipRealm that has it", async () => {
    await engine.up([acme(), realm]);
    const put = { method: "PUT", path: "/Accounts/*" };
    for (const fault of ["dropAnswer", { status: 403, body: { msg: "not now" } }] as const) target.sandbox.addFault({ match: put, fault });
    const { errors } = await engine.up([acme({ sipRealm: "acme.example.com" })]);
    assert.match(errors.join(), /not now \(403\)/);
    assert.deepEqual((await engine.up([acme(), realm])).errors, []);
    assert.equal((await accountsOf(target)).acme.sip_realm, "acme.example.com");
    assert.deepEqual(await engine.up([acme(), realm], { refresh: true }), { steps: [], errors: [] });
  });

  it("is shared by one that is added later and says exactly the same, and stays when that one goes", async () => {
    await engine.up([acme(), limit("one", "device", 1)]);
    assert.deepEqual((await engine.up([acme(), limit("one", "device", 1), limit("same", "device", 1)])).errors, []);
    assert.deepEqual((await engine.up([acme(), limit("one", "device", 1)])).errors, []);
    assert.deepEqual(await limits(), { device: 1 });
    const { errors } = await engine.up([acme(), limit("one", "device", 1), limit("other", "device", 2)]);
    assert.match(errors.join(), /another Limit of this program manages the same thing/);
  });

  it("is not taken for gone at another host, nor for a program's own, where it was imported and never refreshed", async () => {
    await engine.up([acme()]);
    const inputs = { accountSid: engine.find("acme")!.id, category: "device", quantity: 5 };
    const { id } = await runOf("jambonz:Limit").create(inputs);
    const imported = { accountSid: "", category: "", quantity: 0, accountServiceProviderSid: "", [marks.unmanaged]: [] };
    const state = await runOf("jambonz:Limit").update(id, imported, { ...inputs, quantity: 6 });
    assert.equal(state[marks.place], target.sandbox.url.replace("http://", ""));
    const run = runOf("jambonz:Limit");
    await run.read(id, state);
    run.diff(id, state, { ...inputs, quantity: 6 });
    await run.delete(id, state);
    assert.deepEqual(await limits(), {});
  });

  it("is deleted when the engine replaces what the provider would have changed, also where it ignores some of it", async () => {
    await engine.up([acme()]);
    const inputs = { accountSid: engine.find("acme")!.id, rotateWhenChanged: { quarter: "1" } };
    const { id, state } = await runOf("jambonz:ApiKey").create(inputs);
    const run = runOf("jambonz:ApiKey");
    const account = lifecycleOf("jambonz:Account", run.session);
    const { id: accountSid, outputs, inputs: before } = engine.find("acme")!;
    assert.equal(account.diff(accountSid, outputs, { ...before, planType: "paid" }).changes, true);
    await account.create({ ...before, name: "other", planType: "paid" });
    await account.delete(accountSid, outputs);
    assert.deepEqual(Object.keys(await accountsOf(target)), ["other"]);
    assert.equal(run.diff(id, state, inputs).changes, false);
    await assert.rejects(run.delete(id, state), /the program still has it/);
  });

  it("stays with both when two limits change places, although a deletion has to be sent twice", async () => {
    await engine.up([acme(), limit("a", "device", 1), limit("b", "api_rate", 2)]);
    target.sandbox.addFault({ match: { method: "DELETE" }, fault: "drop", times: 1 });
    const swapped = [acme(), limit("a", "api_rate", 1), limit("b", "device", 2)];
    assert.deepEqual((await engine.up(swapped)).errors, []);
    assert.deepEqual(await limits(), { api_rate: 1, device: 2 });
    assert.deepEqual(await engine.up(swapped, { refresh: true }), { steps: [], errors: [] });
  });

  it("is deleted where the one that should have it next could not be made", async () => {
    await engine.up([acme(), limit("one", "device", 1)]);
    target.sandbox.addFault({ match: { method: "POST" }, fault: { status: 403, body: { msg: "no" } } });
    const { errors } = await engine.up([acme(), limit("other", "device", 2)]);
    assert.equal(errors.length, 1);
    target.sandbox.clearFaults();
    await engine.up([acme()]);
    assert.deepEqual(await limits(), {});
  });
});

describe("what a creation leaves undone", () => {
  it("is taken away again when the program gives it up, although it was never answered", async () => {
    const target = await jambonzTarget();
    const environment = { ...target.variables, JAMBONZ_MAX_RETRIES: "0" };
    const engine = new Engine({ environment: () => environment, pace: 0.005, log: () => {} });
    const acme = (args = {}): Declared[] => [
      { type: "jambonz:Account", name: "acme", args: { serviceProviderSid: target.serviceProviderSid, ...args } },
    ];
    const bucketCredential = { vendor: "azure", name: "n", connectionString: "AccountKey=abcdefghijklmnop" };
    target.sandbox.addFault({ match: { method: "PUT" }, fault: "dropAnswer", times: 1 });
    assert.equal((await engine.up(acme({ bucketCredential }))).errors.length, 1);
    assert.equal((await accountsOf(target)).acme.bucket_credential.vendor, "azure");
    assert.deepEqual((await engine.up(acme())).errors, []);
    assert.equal((await accountsOf(target)).acme.bucket_credential, null);
    await target.sandbox.stop();
  });

  it("still tells where it was made", async () => {
    const target = await jambonzTarget();
    const accountSid = await made(target.sandbox, "/Accounts", { name: "a", service_provider_sid: target.serviceProviderSid });
    const { body } = await target.sandbox.outside("POST", "/ApiKeys", { account_sid: accountSid });
    const realm = { accountSid, realm: "a.b.example.com", accountApiKey: (body as { token: string }).token };
    const lifecycle = lifecycleOf("jambonz:SipRealm", sessionOf("jambonz", target.variables, { pace: 0.005 }));
    await assert.rejects(lifecycle.create(realm), ({ state }: { state: Record<string, unknown> }) => {
      assert.equal(state.__place, target.sandbox.url.replace("http://", ""));
      return true;
    });
    await target.sandbox.stop();
  });
});

describe("a property that somebody removes outside and the program gives up", () => {
  it("is not managed any more", async () => {
    const target = await jambonzTarget();
    const engine = new Engine({ environment: () => target.variables, pace: 0.005, log: () => {} });
    const acme = (args = {}): Declared[] => [
      { type: "jambonz:Account", name: "acme", args: { serviceProviderSid: target.serviceProviderSid, ...args } },
    ];
    await engine.up(acme({ queueEventHook: { url: "https://a.example.com/q" } }));
    const outside = (hook: object | null) =>
      target.sandbox.outside("PUT", `/Accounts/${engine.find("acme")!.id}`, { queue_event_hook: hook });
    await outside(null);
    await engine.refresh();
    target.sandbox.clearRequests();
    assert.deepEqual((await engine.up(acme())).errors, []);
    assert.deepEqual(target.sandbox.requests, []);
    assert.deepEqual(await engine.up(acme()), { steps: [], errors: [] });

    await outside({ url: "https://theirs.example.com", method: "POST" });
    assert.deepEqual(await engine.up(acme(), { refresh: true }), { steps: [], errors: [] });
    assert.equal((await accountsOf(target)).acme.queue_event_hook.url, "https://theirs.example.com");
    await target.sandbox.stop();
  });
});

describe("something that is deleted because what it belongs to is replaced", () => {
  it("is deleted, although nobody knows yet what it will belong to", async () => {
    const target = await restcommTarget();
    const lifecycle = (type: string) => lifecycleOf(type, sessionOf("restcomm", target.variables, { pace: 0.005 }));
    const account = await lifecycle("restcomm:Account").create({ emailAddress: "a@b.example.com", password: "C0rrect-Horse-7" });
    const inputs = { accountSid: account.id, login: "desk", password: "C0rrect-Horse-8" };
    const { id, state } = await lifecycle("restcomm:Client").create(inputs);
    const client = lifecycle("restcomm:Client");
    assert.deepEqual(client.diff(id, state, { ...inputs, accountSid: UNKNOWN }).replaces, ["accountSid"]);
    await client.delete(id, state);
    const { body } = await target.sandbox.outside("GET", `/Accounts/${account.id}/Clients.json`);
    assert.doesNotMatch(JSON.stringify(body), /"desk"/);
    await target.sandbox.stop();
  });
});
