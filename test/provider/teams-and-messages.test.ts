import assert from "node:assert/strict";
import type { Properties } from "../../provider/resource";
import { Engine, ok } from "../support/engine";
import { accountTarget, holder, holders, made, type Row, type Target, writesTo } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";

const ref = (output: string) => ({ $ref: output });

for (const kind of holders) {
  describe(`Teams tenants and SMPP gateways, with a key of ${holder[kind]}`, () => {
    let target: Target;
    let accountSid: string;
    let run: Engine;
    beforeEach(async () => {
      target = { accountSid } = await accountTarget(kind);
      run = engine();
      target.sandbox.clearRequests();
    });
    afterEach(() => target.sandbox.stop());

    const variables = () => target.variables;
    const engine = () => new Engine({ environment: variables, pace: 0.005, log: () => {} });
    const session = () => sessionOf("jambonz", variables(), { pace: 0.005 });
    const teams = (args: Properties = {}): Declared => ({
      type: "jambonz:MicrosoftTeamsTenant",
      name: "teams",
      args: { accountSid, tenantFqdn: "acme.teams.example.com", ...args },
    });
    const trunk: Declared = { type: "jambonz:VoipCarrier", name: "trunk", args: {} };
    const gateway = (args: Properties = {}): Declared => ({
      type: "jambonz:SmppGateway",
      name: "gateway",
      args: { voipCarrierSid: ref("trunk.sid"), ipv4: "192.0.2.1", ...args },
    });
    const tenants = async (): Promise<Row[]> => (await target.sandbox.outside("GET", "/MicrosoftTeamsTenants")).body;
    const writes = () => writesTo(target);

    it("a tenant is made, changed in place, found gone and deleted", async () => {
      const { sandbox, serviceProviderSid } = target;
      const hook = { url: "https://example.com" };
      const menu = { account_sid: accountSid, name: "menu", call_hook: hook, call_status_hook: hook };
      const applicationSid = await made(sandbox, "/Applications", menu);
      await ok(run.up([teams({ applicationSid })]));
      const [row] = await tenants();
      assert.deepEqual(
        [row!.account_sid, row!.service_provider_sid, row!.application_sid, row!.tenant_fqdn],
        [accountSid, serviceProviderSid, applicationSid, "acme.teams.example.com"],
      );
      assert.deepEqual(await ok(run.refresh()), []);
      assert.deepEqual(await ok(run.up([teams({ applicationSid })])), []);
      assert.deepEqual(await ok(run.up([teams({ tenantFqdn: "acme2.teams.example.com" })])), ["update teams"]);
      const [changed] = await tenants();
      assert.deepEqual([changed!.application_sid, changed!.tenant_fqdn], [null, "acme2.teams.example.com"]);
      await sandbox.outside("DELETE", `/MicrosoftTeamsTenants/${changed!.ms_teams_tenant_sid}`);
      assert.deepEqual(await ok(run.refresh()), ["gone teams"]);
      await ok(run.up([teams()]));
      const listed = await lifecycleOf("jambonz:MicrosoftTeamsTenant", session()).definition.list!(session().client, () => {});
      assert.deepEqual(
        listed.map(({ id, label }) => [id, label]),
        [[run.find("teams")!.id, "acme.teams.example.com"]],
      );
      assert.deepEqual(await ok(run.destroy()), ["delete teams"]);
      assert.deepEqual(await tenants(), []);
    });

    it("a tenant is not deleted to be made anew with an application that is not there", async () => {
      if (kind === "account") return;
      await ok(run.up([teams()]));
      const other = await made(target.sandbox, "/Accounts", { name: "other", service_provider_sid: target.serviceProviderSid });
      const { steps, errors } = await run.up([teams({ accountSid: other, applicationSid: "22222222-2222-4222-8222-222222222222" })]);
      assert.deepEqual(steps, []);
      assert.match(errors.join(), /it is not replaced, because the new one could not be created: the key in use sees no application 2{8}-/);
      assert.equal((await tenants()).length, 1);
    });

    it("a tenant is found again where its creation was not answered", async () => {
      target.sandbox.addFault({ match: { method: "POST" }, fault: "dropAnswer" });
      await ok(run.up([teams()]));
      assert.deepEqual(writes(), ["POST /MicrosoftTeamsTenants"]);
    });

    it("a tenant's domain is taken once, and nobody else's tenant is touched", async () => {
      const { sandbox } = target;
      const service_provider_sid = await made(sandbox, "/ServiceProviders", { name: "others" });
      const account_sid = await made(sandbox, "/Accounts", { name: "theirs", service_provider_sid });
      const theirs = await made(sandbox, "/MicrosoftTeamsTenants", { service_provider_sid, account_sid, tenant_fqdn: "x.example.com" });
      const { errors } = await run.up([teams({ tenantFqdn: "X.example.com" })]);
      assert.match(
        errors.join(),
        new RegExp(
          `the domain X\\.example\\.com is a tenant of account ${account_sid} already: ${theirs}; ${kind === "admin" ? "adopt it \\(" : "the key in use does not see that account"}`,
        ),
      );
      if (kind === "admin") return;
      target.sandbox.clearRequests();
      const lifecycle = lifecycleOf("jambonz:MicrosoftTeamsTenant", session());
      const state = { sid: theirs, accountSid: account_sid, tenantFqdn: "x.example.com" };
      await assert.rejects(lifecycle.delete(theirs, state), /the key in use sees no account/);
      await assert.rejects(lifecycle.update(theirs, state, { ...state, tenantFqdn: "y.example.com" }), /the key in use sees no account/);
      assert.deepEqual(
        await lifecycle.create({ accountSid: account_sid, tenantFqdn: "z.example.com" }).catch(String),
        "Error: MicrosoftTeamsTenant: the key in use sees no account " + account_sid,
      );
      assert.deepEqual(writes(), []);
    });

    it("an SMPP gateway is made, changed in place, set back and deleted", async () => {
      const carrier = { ...trunk, args: { accountSid } };
      if (kind === "account") {
        // jambonz lets an account's key make a carrier that names the service provider, but no gateway of it.
        const { errors } = await run.up([carrier, gateway()]);
        assert.match(errors.join(), /^jambonz refused to create SmppGateway: insufficient privileges \(403\)$/);
        const found = await lifecycleOf("jambonz:SmppGateway", session()).definition.list!(session().client, () => {});
        assert.deepEqual(found, []);
        return;
      }
      await ok(run.up([carrier, gateway({ port: 3550, useTls: true, inbound: true, outbound: false, isPrimary: false, netmask: 28 })]));
      const { id } = run.find("gateway")!;
      const row = async () => (await target.sandbox.outside("GET", `/SmppGateways/${id}`)).body as Row;
      const columns = ["port", "use_tls", "inbound", "outbound", "is_primary", "netmask"];
      const values = async () =>
        Object.values(Object.fromEntries(await row().then((now) => columns.map((name) => [name, now[name] as unknown]))));
      assert.deepEqual(await values(), [3550, 1, 1, 0, 0, 28]);
      assert.deepEqual(await ok(run.refresh()), []);
      assert.deepEqual(await ok(run.up([carrier, gateway()])), ["update gateway"]);
      assert.deepEqual(await values(), [2775, 0, 0, 1, 1, 32]);
      assert.deepEqual(await ok(run.refresh()), []);
      const found = await lifecycleOf("jambonz:SmppGateway", session()).definition.list!(session().client, () => {});
      assert.deepEqual(
        found.map((each) => each.id),
        [id],
      );
      await target.sandbox.outside("DELETE", `/SmppGateways/${id}`);
      assert.deepEqual(await ok(run.refresh()), ["gone gateway"]);
      await ok(run.up([carrier, gateway()]));
      assert.deepEqual(await ok(run.destroy()), ["delete gateway", "delete trunk"]);
    });
  });
}
