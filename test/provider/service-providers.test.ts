import assert from "node:assert/strict";
import type { Properties } from "../../provider/resource";
import { Engine, ok } from "../support/engine";
import { jambonzTarget, made, type Row, type Target, writesTo } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";

const TYPE = "jambonz:ServiceProvider";

describe("a service provider", () => {
  let target: Target;
  let run: Engine;
  beforeEach(async () => {
    target = await jambonzTarget();
    run = engine();
    target.sandbox.clearRequests();
  });
  afterEach(() => target.sandbox.stop());

  const engine = () => new Engine({ environment: () => target.variables, pace: 0.005, log: () => {} });
  const reseller = (args: Properties = {}, name = "reseller"): Declared => ({ type: TYPE, name, args });
  const row = async (): Promise<Row> => (await target.sandbox.outside("GET", `/ServiceProviders/${run.find("reseller")!.id}`)).body as Row;
  const writes = () => writesTo(target);
  const hook = { url: "https://example.com/register", username: "u", password: "hook-password" };

  it("is made with everything that a program says, changed, cleared and deleted", async () => {
    const all = { description: "sells on", rootDomain: "sip.globex.com", msTeamsFqdn: "sbc.globex.com", registrationHook: hook };
    await ok(run.up([reseller(all)]));
    assert.deepEqual(await row(), {
      service_provider_sid: run.find("reseller")!.id,
      name: "reseller",
      description: "sells on",
      root_domain: "sip.globex.com",
      ms_teams_fqdn: "sbc.globex.com",
      registration_hook: { ...hook, method: "POST" },
    });
    assert.deepEqual(await ok(run.refresh()), []);
    assert.deepEqual(await ok(run.up([reseller(all)])), []);
    assert.deepEqual(await ok(run.up([reseller({ ...all, description: undefined })])), ["update reseller"]);
    const kept = await row();
    assert.deepEqual([kept.description, kept.registration_hook], [null, { ...hook, method: "POST" }], "an update names the hook");
    assert.deepEqual(await ok(run.up([reseller()])), ["update reseller"]);
    assert.deepEqual(await row(), {
      service_provider_sid: run.find("reseller")!.id,
      name: "reseller",
      description: null,
      root_domain: null,
      ms_teams_fqdn: null,
      registration_hook: null,
    });
    assert.deepEqual(await ok(run.refresh()), []);
    assert.deepEqual(await ok(run.destroy()), ["delete reseller"]);
  });

  it("keeps a hook that no program names", async () => {
    await ok(run.up([reseller()]));
    await target.sandbox.outside("PUT", `/ServiceProviders/${run.find("reseller")!.id}`, { registration_hook: hook });
    await ok(run.up([reseller({ description: "sells on" })]));
    assert.deepEqual((await row()).registration_hook, { ...hook, method: "POST" });
  });

  it("has accounts of the same program, which go before it", async () => {
    const accountOf = { type: "jambonz:Account", name: "acme", args: { serviceProviderSid: { $ref: "reseller.sid" } } };
    assert.deepEqual(await ok(run.up([reseller(), accountOf])), ["create reseller", "create acme"]);
    const { body } = await target.sandbox.outside("GET", `/ServiceProviders/${run.find("reseller")!.id}/Accounts`);
    assert.deepEqual(
      (body as Row[]).map(({ account_sid }) => account_sid as string),
      [run.find("acme")!.id],
    );
    assert.deepEqual(await ok(run.destroy()), ["delete acme", "delete reseller"]);
  });

  it("whose name or domain is taken is told who has it, and how to adopt that", async () => {
    await ok(run.up([reseller({ rootDomain: "sip.globex.com" })]));
    const { id } = run.find("reseller")!;
    for (const args of [{ name: "RESELLER" }, { name: "another", rootDomain: "sip.globex.com" }]) {
      const { errors } = await engine().up([reseller(args)]);
      assert.match(
        errors.join(),
        /^jambonz refused to create ServiceProvider "\w+": a service provider has the (name "RESELLER"|domain \S+) already/,
      );
      assert(errors[0]!.includes(`adopt ${TYPE} <name> ${id}`), errors[0]);
    }
    await ok(run.up([reseller({ rootDomain: "sip.globex.com" }), reseller({}, "other")]));
    const { errors } = await run.up([reseller({ rootDomain: "sip.globex.com" }), reseller({ rootDomain: "sip.globex.com" }, "other")]);
    assert.match(errors.join(), /rootDomain "sip\.globex\.com" is taken \(422\)$/);
  });

  it("is not deleted while anything holds it, and keeps all that it has", async () => {
    await ok(run.up([reseller({ name: "held" })]));
    const { sandbox } = target;
    const service_provider_sid = run.find("reseller")!.id;
    await sandbox.outside("POST", "/ApiKeys", { service_provider_sid });
    const carrier = { name: "trunk", service_provider_sid };
    const trunk = await made(sandbox, "/VoipCarriers", carrier);
    const account_sid = await made(sandbox, "/Accounts", { name: "theirs", service_provider_sid });
    const initial_password = "some-password";
    const user = await made(sandbox, "/Users", { name: "eve", email: "e@example.com", initial_password, service_provider_sid });
    const number = await made(sandbox, "/PhoneNumbers", { number: "15015550100", voip_carrier_sid: trunk });
    const tenant = await made(sandbox, "/MicrosoftTeamsTenants", { service_provider_sid, account_sid, tenant_fqdn: "t.example.com" });
    const lcr = await made(sandbox, "/Lcrs", { name: "routing", service_provider_sid });
    const lcr_route_sid = await made(sandbox, "/LcrRoutes", { lcr_sid: lcr, regex: "^1", priority: 1 });
    const entry = await made(sandbox, "/LcrCarrierSetEntries", { lcr_route_sid, voip_carrier_sid: trunk });
    const sbc = await made(sandbox, "/Sbcs", { ipv4: "192.0.2.9", service_provider_sid });
    sandbox.clearRequests();
    const { errors } = await run.destroy();
    assert.match(
      errors.join(),
      new RegExp(
        `^ServiceProvider "held" \\(\\S+\\): the platform cannot delete a service provider while there is 1 account \\(theirs\\), 1 user \\(eve\\), 1 phone number \\(15015550100\\), 1 Teams tenant \\(t\\.example\\.com\\), 1 LCR \\(routing\\), 1 LCR entry on its carriers \\(${entry}\\), 1 address of an SBC \\(192\\.0\\.2\\.9\\); remove that first$`,
      ),
    );
    assert.deepEqual(writes(), []);
    for (const path of [
      `/MicrosoftTeamsTenants/${tenant}`,
      `/PhoneNumbers/${number}`,
      `/Lcrs/${lcr}`,
      `/Users/${user}`,
      `/Accounts/${account_sid}`,
      `/Sbcs/${sbc}`,
    ])
      assert.equal((await sandbox.outside("DELETE", path)).status, 204, path);
    assert.match(
      (await run.destroy()).errors.join(),
      /deleting it would also delete 1 carrier \(trunk\); remove that first, or deploy forceDestroy/,
    );
    await ok(run.up([reseller({ name: "held", forceDestroy: true })]));
    assert.deepEqual(await ok(run.destroy()), ["delete reseller"]);
    assert.equal((await sandbox.outside("GET", `/VoipCarriers/${trunk}`)).status, 404);
  });

  it("that somebody deleted with all it had leaves nothing in state that cannot be refreshed", async () => {
    const accountSid = { $ref: "acme.sid" };
    const serviceProviderSid = { $ref: "reseller.sid" };
    const program: Declared[] = [
      reseller(),
      { type: "jambonz:Account", name: "acme", args: { serviceProviderSid } },
      { type: "jambonz:ApiKey", name: "key", args: { serviceProviderSid } },
      { type: "jambonz:Limit", name: "limit", args: { serviceProviderSid, category: "device", quantity: 1 } },
      { type: "jambonz:VoipCarrier", name: "trunk", args: { serviceProviderSid } },
      { type: "jambonz:User", name: "ann", args: { serviceProviderSid, email: "ann@example.com", initialPassword: "some-password" } },
      { type: "jambonz:Client", name: "desk", args: { accountSid } },
      { type: "jambonz:Lcr", name: "table", args: { serviceProviderSid } },
      { type: "jambonz:Lcr", name: "own table", args: { accountSid } },
    ];
    await ok(run.up(program));
    for (const [name, noun] of [
      ["desk", "Clients"],
      ["own table", "Lcrs"],
      ["table", "Lcrs"],
      ["ann", "Users"],
      ["acme", "Accounts"],
      ["trunk", "VoipCarriers"],
      ["reseller", "ServiceProviders"],
    ] as const)
      assert.equal((await target.sandbox.outside("DELETE", `/${noun}/${run.find(name)!.id}`)).status, 204, name);
    assert.equal((await ok(run.refresh())).length, program.length);
    await ok(run.up(program));
    assert.equal((await ok(run.destroy())).length, program.length);
  });

  it("is replaced on demand, the old one first", async () => {
    await ok(run.up([reseller()]));
    const { id, outputs, inputs } = run.find("reseller")!;
    const lifecycle = lifecycleOf(TYPE, sessionOf("jambonz", target.variables, { pace: 0.005 }));
    assert.equal(lifecycle.diff(id, outputs, inputs).deleteBeforeReplace, true);
  });

  it("is found again where its creation was not answered, and is gone where somebody deleted it", async () => {
    target.sandbox.addFault({ match: { method: "POST" }, fault: "dropAnswer" });
    await ok(run.up([reseller()]));
    assert.deepEqual(writes(), ["POST /ServiceProviders"]);
    await target.sandbox.outside("DELETE", `/ServiceProviders/${run.find("reseller")!.id}`);
    assert.deepEqual(await ok(run.refresh()), ["gone reseller"]);
    await ok(run.up([reseller()]));
    await target.sandbox.outside("DELETE", `/ServiceProviders/${run.find("reseller")!.id}`);
    assert.deepEqual(await ok(run.destroy()), ["delete reseller"]);
  });
});

describe("an admin's key on a platform without a service provider", () => {
  it("makes the first one, and an administrator", async () => {
    const { sandbox, variables } = await jambonzTarget();
    for (const { service_provider_sid: sid } of (await sandbox.outside("GET", "/ServiceProviders")).body as Row[]) {
      for (const { account_sid } of (await sandbox.outside("GET", `/ServiceProviders/${sid}/Accounts`)).body as Row[])
        await sandbox.outside("DELETE", `/Accounts/${account_sid}`);
      assert.equal((await sandbox.outside("DELETE", `/ServiceProviders/${sid}`)).status, 204);
    }
    const run = new Engine({ environment: () => variables, pace: 0.005, log: () => {} });
    const args = { admin: true, email: "boss@example.com", initialPassword: "some-password" };
    const { errors } = await run.up([
      { type: "jambonz:User", name: "boss", args },
      { type: TYPE, name: "first", args: {} },
    ]);
    assert.deepEqual(errors, []);
    await sandbox.stop();
  });
});

describe("a service provider's own key", () => {
  it("changes it, and neither makes, deletes nor sees another", async () => {
    const target = await jambonzTarget("service provider");
    const { sandbox, serviceProviderSid: sid, variables } = target;
    const lifecycle = () => lifecycleOf(TYPE, sessionOf("jambonz", variables, { pace: 0.005 }));
    const read = await lifecycle().read(sid, {});
    assert.deepEqual(read!.inputs, { name: "acme telecom" });
    await lifecycle().update(sid, read!.state, { name: "acme telecom", description: "ours" });
    assert.equal(((await sandbox.outside("GET", `/ServiceProviders/${sid}`)).body as Row).description, "ours");
    await assert.rejects(lifecycle().create({ name: "another" }), /only admin users can add a service provider \(403\)$/);
    await assert.rejects(lifecycle().delete(sid, read!.state), /only admin users can delete a service provider \(403\)$/);
    const other = await made(sandbox, "/ServiceProviders", { name: "others" });
    await assert.rejects(lifecycle().read(other, { sid: other, name: "others" }), /insufficient permissions \(403\)$/);
    await sandbox.stop();
  });
});
