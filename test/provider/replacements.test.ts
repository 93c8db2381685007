import assert from "node:assert/strict";
import type { Lifecycle } from "../../provider/lifecycle";
import type { Properties } from "../../provider/resource";
import { marks } from "../../provider/values";
import { Engine } from "../support/engine";
import { accountsOf, jambonzTarget, keysOf, limitsOf, made, type Target } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";
import { listed, restcommTarget, strong, type RestcommTarget } from "../support/restcomm";

/** What one run of a program asks of resources of one type. */
function runOf(type: string, environment: Record<string, string>): Lifecycle {
  return lifecycleOf(type, sessionOf(type.split(":")[0]!, environment, { pace: 0.005 }));
}

describe("what the engine deletes, whatever was answered when it compared", () => {
  let target: Target;
  let other: string;
  beforeEach(async () => {
    target = await jambonzTarget();
    other = await made(target.sandbox, "/ServiceProviders", { name: "another" });
  });
  afterEach(() => target.sandbox.stop());

  const owner = () => ({ serviceProviderSid: target.serviceProviderSid });
  const run = (type = "jambonz:Account") => runOf(type, target.variables);
  const create = async (inputs: Properties) => {
    const created = await run().create({ ...owner(), ...inputs });
    await target.sandbox.outside("POST", "/ApiKeys", { account_sid: created.id });
    return created;
  };
  /** The account and its key are there. */
  const stays = async (name: string) => {
    const row = (await accountsOf(target))[name];
    assert.ok(row, `${name} is there`);
    assert.equal((await keysOf(target, row.account_sid)).length, 1);
  };

  describe("after a creation that was refused because of it", () => {
    it("an account stays, for the program wants it by a new name of the resource", async () => {
      const { id, state } = await create({ name: "Acme" });
      const again = run();
      await assert.rejects(again.create({ ...owner(), name: "Acme" }), /already has an account of this name: .*aliases/);
      await assert.rejects(
        again.delete(id, state),
        /was to have it, or its place, and could not be created in this run, so it is not deleted/,
      );
      await stays("Acme");
      await run().delete(id, state);
      assert.deepEqual(await accountsOf(target), {});
    });

    it("a limit stays that the program wants by a new name of the resource, and that a passing trouble kept it from having", async () => {
      const { id: accountSid } = await create({ name: "Acme" });
      const inputs = { accountSid, category: "device", quantity: 5 };
      const { id, state } = await run("jambonz:Limit").create(inputs);
      const again = run("jambonz:Limit");
      target.sandbox.addFault({ match: { method: "POST", path: "/Accounts/*/Limits" }, fault: { status: 403, body: { msg: "not now" } } });
      await assert.rejects(again.create(inputs), /not now/);
      await assert.rejects(again.delete(id, state), /could not be created in this run, so it is not deleted/);
      assert.deepEqual(await limitsOf(target, accountSid), { device: 5 });
      await again.create(inputs);
      await again.delete(id, state);
      assert.deepEqual(await limitsOf(target, accountSid), { device: 5 }, "now another resource has it");
    });
  });

  describe("to make room", () => {
    it("an account stays when the realm of its successor is taken", async () => {
      await create({ name: "holder", sipRealm: "Taken.example.com" });
      const { id, state } = await create({ name: "acme", sipRealm: "acme.example.com" });
      const again = run();
      const news = { name: "acme", serviceProviderSid: other, sipRealm: "taken.example.com" };
      assert.deepEqual(again.diff(id, state, news).replaces, ["serviceProviderSid"]);
      await assert.rejects(
        again.delete(id, state),
        /not replaced, because the new one could not be created: sipRealm "taken\.example\.com" is taken by another account, [0-9a-f-]{36}$/,
      );
      await stays("acme");
    });

    it("an account that keeps its realm and its name goes, and its successor is made", async () => {
      const { id, state } = await create({ name: "acme", sipRealm: "acme.example.com" });
      const again = run();
      const news = { name: "acme", serviceProviderSid: other, sipRealm: "acme.example.com" };
      again.diff(id, state, news);
      await again.delete(id, state);
      assert.notEqual((await again.create(news)).id, id);
    });

    it("an account stays when the program has it replaced for a name that is taken (replaceOnChanges)", async () => {
      await create({ name: "Taken" });
      const { id, state } = await create({ name: "acme" });
      const again = run();
      assert.deepEqual(again.diff(id, state, { ...owner(), name: "Taken" }).replaces, []);
      await assert.rejects(again.delete(id, state), /could not be created: its service provider already has an account of this name/);
      await stays("acme");
    });

    it("an account goes when the program has it replaced for a name that is free, or for something else", async () => {
      for (const [name, change] of Object.entries({ first: { name: "second" }, third: { planType: "paid" } })) {
        const { id, state } = await create({ name });
        const again = run();
        const news = { ...owner(), name, ...change };
        again.diff(id, state, news);
        await again.delete(id, state);
        await again.create(news);
      }
      assert.deepEqual(Object.keys(await accountsOf(target)).sort(), ["second", "third"]);
    });
  });

  it("an account goes after its successor was made, where the program has that made first (deleteBeforeReplace: false)", async () => {
    const { id, state } = await create({ name: "acme" });
    const again = run();
    const news = { name: "acme", serviceProviderSid: other };
    again.diff(id, state, news);
    const successor = await again.create(news);
    await again.delete(id, state);
    const { body } = await target.sandbox.outside("GET", "/Accounts");
    const left = (body as { account_sid: string; name: string }[]).filter(({ name }) => name === "acme");
    assert.deepEqual(
      left.map(({ account_sid }) => account_sid),
      [successor.id],
    );
  });

  describe("by an entry that was imported and never refreshed", () => {
    const imported = { [marks.unmanaged]: [] };

    it("a limit stays that the program has by another name", async () => {
      const { id: accountSid } = await create({ name: "acme" });
      const again = run("jambonz:Limit");
      const { id } = await again.create({ accountSid, category: "device", quantity: 5 });
      await again.delete(id, imported);
      assert.deepEqual(await limitsOf(target, accountSid), { device: 5 });
    });

    it("a realm stays that the program has by another name", async () => {
      const { id: accountSid } = await create({ name: "acme" });
      const again = run("jambonz:SipRealm");
      const { id } = await again.create({ accountSid, realm: "acme.example.com" });
      await again.delete(id, imported);
      assert.equal((await accountsOf(target)).acme.sip_realm, "acme.example.com");
    });

    it("a key is gone when its account is, to the key of a service provider too", async () => {
      const { id: accountSid, state } = await create({ name: "acme" });
      const [key] = await keysOf(target, accountSid);
      await run().delete(accountSid, state);
      const { body } = await target.sandbox.outside("POST", "/ApiKeys", { service_provider_sid: target.serviceProviderSid });
      target.variables.JAMBONZ_API_KEY = (body as { token: string }).token;
      const marked = { ...imported, accountServiceProviderSid: target.serviceProviderSid };
      await run("jambonz:ApiKey").delete(`Accounts/${accountSid}/ApiKeys/${key!.api_key_sid}`, marked);
    });
  });

  it("the key that the provider itself uses stays, also by an entry that was imported and never refreshed", async () => {
    const { body } = await target.sandbox.outside("POST", "/ApiKeys", { service_provider_sid: target.serviceProviderSid });
    const { sid, token } = body as { sid: string; token: string };
    target.variables.JAMBONZ_API_KEY = token;
    // An import list holds an empty text in the place of a secret.
    const state = { token: "", [marks.unmanaged]: [] };
    const deletion = run("jambonz:ApiKey").delete(`ServiceProviders/${target.serviceProviderSid}/ApiKeys/${sid}`, state);
    await assert.rejects(deletion, /it is the key that the provider itself uses; run with another key to delete it/);
  });

  it("a limit that is not there any more is made again, whatever the program ignores of it", async () => {
    const { id: accountSid } = await create({ name: "acme" });
    const inputs = { accountSid, category: "device", quantity: 5 };
    const { id, state } = await run("jambonz:Limit").create(inputs);
    await run("jambonz:Limit").delete(id, state);
    const again = run("jambonz:Limit");
    // With `ignoreChanges: ["quantity"]` the engine compares what was deployed, and creates what the program says.
    assert.equal(again.diff(id, state, inputs).changes, false);
    await again.create({ ...inputs, quantity: 9 });
    assert.deepEqual(await limitsOf(target, accountSid), { device: 9 });
  });

  it("an admin key is not taken for gone where nothing accepts the provider's own key either", async () => {
    const { id, state } = await run("jambonz:ApiKey").create({ admin: true });
    target.sandbox.addFault({ fault: { status: 401, body: "Unauthorized" }, times: "always" });
    await assert.rejects(run("jambonz:ApiKey").read(id, state), /the API key is not valid/);
    await assert.rejects(run("jambonz:ApiKey").delete(id, state), /the API key is not valid/);
    target.sandbox.clearFaults();
    assert.ok(await run("jambonz:ApiKey").read(id, state));
    await run("jambonz:ApiKey").delete(id, state);
    assert.equal(await run("jambonz:ApiKey").read(id, state), undefined);
  });

  it("a realm of which nobody knows whether it was set is cleared by a destroy", async () => {
    await target.sandbox.stop();
    target = await jambonzTarget("admin", { dns: "none" });
    const { id: accountSid } = await create({ name: "acme" });
    const accountApiKey = (await keysOf(target, accountSid))[0]!.token;
    const realm = run("jambonz:SipRealm");
    const { id, state } = await realm.create({ accountSid, realm: "old.sip.example.com" });
    target.sandbox.addFault({ match: { method: "GET", path: "/Accounts/*" }, fault: { status: 500, body: { msg: "not now" } } });
    const update = run("jambonz:SipRealm").update(id, state, { accountSid, realm: "new.sip.example.com", accountApiKey });
    const kept = await update.then(
      () => assert.fail("it must not succeed"),
      (error: { state: Properties; message: string }) => error,
    );
    assert.match(kept.message, /no SBC addresses provisioned.*, and whether the realm is set could not be read \(.*not now/);
    assert.deepEqual(kept.state[marks.unsure], ["realm", "accountApiKey"]);
    assert.equal((await accountsOf(target)).acme.sip_realm, "new.sip.example.com");
    await run("jambonz:SipRealm").delete(id, kept.state);
    assert.equal((await accountsOf(target)).acme.sip_realm, null);
  });

  it("a key that rotates with nothing and then no longer rotates stays", async () => {
    const { id: accountSid } = await create({ name: "acme" });
    const { id, state } = await run("jambonz:ApiKey").create({ accountSid, rotateWhenChanged: {} });
    assert.equal(run("jambonz:ApiKey").diff(id, state, { accountSid }).changes, false);
    assert.deepEqual(run("jambonz:ApiKey").diff(id, state, { accountSid, rotateWhenChanged: { year: "2026" } }).replaces, [
      "rotateWhenChanged",
    ]);
  });
});

describe("what jambonz takes once only, or again and again", () => {
  let target: Target;
  let accountSid: string;
  beforeEach(async () => {
    target = await jambonzTarget();
    accountSid = await made(target.sandbox, "/Accounts", { name: "acme", service_provider_sid: target.serviceProviderSid });
  });
  afterEach(() => target.sandbox.stop());
  const run = (type: string) => runOf(type, target.variables);
  const rows = async (path: string) => (await target.sandbox.outside("GET", path)).body as Record<string, string>[];
  const hooks = { callHook: { url: "https://a.example.com" }, callStatusHook: { url: "https://a.example.com" } };
  const trunk = () => made(target.sandbox, "/VoipCarriers", { name: "trunk", account_sid: accountSid });

  for (const [type, inputsOf, other] of [
    ["jambonz:Application", () => ({ accountSid, name: "ivr", ...hooks }), { name: "queue" }],
    ["jambonz:Client", () => ({ accountSid, username: "desk1" }), { username: "desk2" }],
    ["jambonz:PhoneNumber", async () => ({ accountSid, number: "15551234567", voipCarrierSid: await trunk() }), { number: "15550000000" }],
  ] as [string, () => Properties | Promise<Properties>, Properties][]) {
    it(`a ${type} stays after a creation that was refused because of it, and when its successor's place is taken`, async () => {
      const inputs = await inputsOf();
      const { id, state } = await run(type).create(inputs);
      const again = run(type);
      await assert.rejects(again.create(inputs), /already/);
      await assert.rejects(again.delete(id, state), /could not be created in this run, so it is not deleted/);
      await run(type).create({ ...inputs, ...other });
      const third = run(type);
      third.diff(id, state, { ...inputs, ...other });
      await assert.rejects(third.delete(id, state), /it is not replaced, because the new one could not be created: .*already/);
      assert.ok(await run(type).read(id, state));
    });

    it(`a ${type} of another account is not made in the account whose key is in use`, async () => {
      const inputs = await inputsOf();
      const own = await made(target.sandbox, "/Accounts", { name: "own", service_provider_sid: target.serviceProviderSid });
      const { body } = await target.sandbox.outside("POST", "/ApiKeys", { account_sid: own });
      target.variables.JAMBONZ_API_KEY = (body as { token: string }).token;
      target.sandbox.clearRequests();
      await assert.rejects(run(type).create(inputs), new RegExp(accountSid));
      assert.ok(target.sandbox.requests.every(({ method }) => method === "GET"));
    });
  }

  it("a number without a carrier is one, also where two resources have it made in one run", async () => {
    const inputs = { accountSid, number: "15551234567" };
    const both = run("jambonz:PhoneNumber");
    const outcomes = await Promise.allSettled([both.create(inputs), both.create({ ...inputs, number: "+15551234567" })]);
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    assert.match(refused.map(({ reason }) => String(reason)).join(), /another PhoneNumber of this program manages the same thing/);
    assert.equal((await rows("/PhoneNumbers")).length, 1);
  });

  for (const forceDestroy of [false, true]) {
    it(`a number goes before its account, which is replaced${forceDestroy ? " and may take everything along" : ""}, and is made anew`, async () => {
      const engine = new Engine({ environment: () => target.variables, pace: 0.005, log: () => {} });
      const other = await made(target.sandbox, "/ServiceProviders", { name: "another" });
      const program = (serviceProviderSid: string): Declared[] => [
        { type: "jambonz:Account", name: "globex", args: { serviceProviderSid, forceDestroy } },
        { type: "jambonz:PhoneNumber", name: "main", args: { accountSid: { $ref: "globex.sid" }, number: "15551234567" } },
      ];
      await engine.up(program(target.serviceProviderSid));
      const { steps, errors } = await engine.up(program(other));
      assert.deepEqual(errors, []);
      assert.deepEqual(steps, ["delete main", "delete globex", "create globex", "create main"]);
      assert.deepEqual(await engine.up(program(other), { refresh: true }), { steps: [], errors: [] });
    });
  }

  it("a number moves in place between accounts that are there", async () => {
    const engine = new Engine({ environment: () => target.variables, pace: 0.005, log: () => {} });
    const other = await made(target.sandbox, "/Accounts", { name: "other", service_provider_sid: target.serviceProviderSid });
    const main = (sid: string): Declared[] => [
      { type: "jambonz:PhoneNumber", name: "main", args: { accountSid: sid, number: "15551234567" } },
    ];
    await engine.up(main(accountSid));
    assert.deepEqual(await engine.up(main(other)), { steps: ["update main"], errors: [] });
  });
});

describe("what Restcomm's engine deletes, whatever was answered when it compared", () => {
  let target: RestcommTarget;
  beforeEach(async () => void (target = await restcommTarget()));
  afterEach(() => target.sandbox.stop());
  const run = (type: string) => runOf(type, target.variables);

  it("an account stays that the program was to have by its sid, and could not in passing", async () => {
    const inputs = { emailAddress: "ops@acme.example.com", password: strong, closeOnDeletion: true };
    const { id, state } = await run("restcomm:Account").create(inputs);
    const again = run("restcomm:Account");
    target.sandbox.addFault({
      match: { method: "GET", path: `/Accounts/${id}.json` },
      fault: { status: 400, body: { message: "not now" } },
    });
    target.sandbox.addFault({
      match: { method: "PUT", path: `/Accounts/${id}.json` },
      fault: { status: 400, body: { message: "not now" } },
    });
    await assert.rejects(again.create({ accountSid: id, friendlyName: "Acme" }), /not now/);
    target.sandbox.clearFaults();
    await assert.rejects(again.delete(id, state), /could not be created in this run, so it is not deleted/);
    const row = (await listed(target, "/Accounts.json")).find(({ sid }) => sid === id);
    assert.equal(row.status, "active");
  });

  for (const [type, inputs, replaced] of [
    ["restcomm:Client", { login: "alice", password: strong }, { login: "bob", password: strong }],
    ["restcomm:IncomingPhoneNumber", { phoneNumber: "+15015550100" }, { phoneNumber: "+15015550101" }],
  ] as [string, Properties, Properties][]) {
    it(`a ${type} stays after a creation that was refused because of it, and when its successor's place is taken`, async () => {
      const { id, state } = await run(type).create(inputs);
      const again = run(type);
      await assert.rejects(again.create(inputs), /already has/);
      await assert.rejects(again.delete(id, state), /could not be created in this run, so it is not deleted/);
      await run(type).create(replaced);
      const third = run(type);
      third.diff(id, state, replaced);
      await assert.rejects(
        third.delete(id, state),
        /it is not replaced, because the new one could not be created: its account already has/,
      );
      assert.ok(await run(type).read(id, state));
    });
  }

  it("a client whose creation was never answered is found", async () => {
    target.variables.RESTCOMM_MAX_RETRIES = "0";
    target.sandbox.addFault({ match: { method: "POST", path: "/Accounts/*/Clients.json" }, fault: "dropAnswer" });
    const { id } = await run("restcomm:Client").create({ login: "alice", password: strong });
    const clients = await listed(target, `/Accounts/${target.accountSid}/Clients.json`);
    assert.deepEqual(
      clients.filter(({ login }) => login === "alice").map(({ sid }) => sid),
      [id.split("/").at(-1)],
    );
  });
});
