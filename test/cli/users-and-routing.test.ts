import assert from "node:assert/strict";
import { Adoption, named } from "../support/adoption";
import { dynamic, plugin, through } from "../support/doors";
import { jambonzTarget, made, type Row, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

const ref = (output: string) => ({ $ref: output });
const PASSWORD = "first-password-1";

for (const door of [dynamic, plugin]) {
  describe(`a service provider with users, routing and gateways through the ${door.title}`, function () {
    this.timeout(300_000);
    through(door);
    let target: Target;
    let stack: TestStack;
    before(async () => (target = await jambonzTarget()));
    after(async () => {
      stack?.remove();
      await target.sandbox.stop();
    });

    const program = (isChanged = false): Declared[] => [
      { type: "jambonz:ServiceProvider", name: "reseller", args: isChanged ? { description: "sells on" } : {} },
      { type: "jambonz:Account", name: "acme", args: { serviceProviderSid: ref("reseller.sid") } },
      {
        type: "jambonz:User",
        name: "ann",
        args: {
          accountSid: ref("acme.sid"),
          email: "ann@example.com",
          initialPassword: PASSWORD,
          forceChange: true,
          isViewOnly: isChanged,
        },
      },
      {
        type: "jambonz:User",
        name: "bob",
        args: { serviceProviderSid: ref("reseller.sid"), email: "bob@example.com", initialPassword: PASSWORD },
      },
      { type: "jambonz:VoipCarrier", name: "trunk", args: { accountSid: ref("acme.sid") } },
      { type: "jambonz:SmppGateway", name: "smpp", args: { voipCarrierSid: ref("trunk.sid"), ipv4: "192.0.2.1", useTls: isChanged } },
      {
        type: "jambonz:MicrosoftTeamsTenant",
        name: "teams",
        args: { accountSid: ref("acme.sid"), tenantFqdn: isChanged ? "acme2.example.com" : "acme.example.com" },
      },
      { type: "jambonz:Lcr", name: "table", args: { accountSid: ref("acme.sid"), isActive: !isChanged } },
      { type: "jambonz:LcrRoute", name: "route", args: { lcrSid: ref("table.sid"), regex: isChanged ? "^49" : "^1", priority: 1 } },
      ...["first", "second"].map((name) => ({
        type: "jambonz:LcrCarrierSetEntry",
        name,
        args: { lcrRouteSid: ref("route.sid"), voipCarrierSid: ref("trunk.sid"), ...(isChanged ? { workload: 2 } : {}) },
      })),
      {
        type: "jambonz:LcrDefaultEntry",
        name: "default",
        args: { lcrSid: ref("table.sid"), lcrCarrierSetEntrySid: ref(isChanged ? "second.sid" : "first.sid") },
      },
    ];

    it("are made, kept, changed in place and deleted, and no password is shown", async () => {
      stack = await TestStack.create(target.variables, { resources: program() }, { door });
      assert.equal((await stack.plan()).length, program().length, "planned with sids that are not known yet");
      await stack.up();
      await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
      assert.deepEqual(await stack.plan(), []);
      const state = await stack.ok(["stack", "export"]);
      assert.ok(!state.includes(PASSWORD));
      stack.write({ resources: program(true) });
      const plan = await stack.plan();
      assert.deepEqual(
        plan.sort(),
        ["ann", "default", "first", "reseller", "route", "second", "smpp", "table", "teams"].map((name) => `update ${name}`),
      );
      await stack.up();
      await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
      const [table] = (await target.sandbox.outside("GET", "/Lcrs")).body as Row[];
      const resources = await stack.resources();
      assert.equal(table!.default_carrier_set_entry_sid, resources["jambonz:LcrCarrierSetEntry second"]!.id);
      await stack.ok(["destroy", "--yes", "--skip-preview"]);
      for (const path of ["/Lcrs", "/MicrosoftTeamsTenants", "/VoipCarriers"])
        assert.deepEqual((await target.sandbox.outside("GET", path)).body, [], path);
      const users = (await target.sandbox.outside("GET", "/Users")).body as Row[];
      assert.deepEqual(
        users.map(({ name }) => name as string),
        ["admin"],
      );
    });
  });
}

describe("exporting users, routing and gateways for messages", function () {
  this.timeout(300_000);

  it("leaves nothing to do, and a destroy takes all of it away", async () => {
    const target = await jambonzTarget();
    const { sandbox, serviceProviderSid: service_provider_sid } = target;
    const account_sid = await made(sandbox, "/Accounts", { name: "acme", service_provider_sid });
    const initial_password = PASSWORD;
    await made(sandbox, "/Users", {
      name: "ann",
      email: "ann@example.com",
      initial_password,
      account_sid,
      service_provider_sid,
      is_view_only: true,
    });
    await made(sandbox, "/Users", { name: "bob", email: "bob@example.com", initial_password, service_provider_sid });
    const voip_carrier_sid = await made(sandbox, "/VoipCarriers", { name: "trunk", account_sid, service_provider_sid });
    await made(sandbox, "/SmppGateways", { voip_carrier_sid, ipv4: "192.0.2.1", use_tls: true });
    await made(sandbox, "/MicrosoftTeamsTenants", { account_sid, service_provider_sid, tenant_fqdn: "acme.example.com" });
    const lcr_sid = await made(sandbox, "/Lcrs", { name: "routing", account_sid });
    const lcr_route_sid = await made(sandbox, "/LcrRoutes", { lcr_sid, regex: "^1", priority: 1, description: "America" });
    const entry = await made(sandbox, "/LcrCarrierSetEntries", { lcr_route_sid, voip_carrier_sid });
    await sandbox.outside("PUT", `/Lcrs/${lcr_sid}`, { default_carrier_set_entry_sid: entry });
    const stack = await TestStack.create(target.variables, { resources: [] });
    const adoption = new Adoption(stack, sandbox);
    try {
      const name = ["--service-provider", service_provider_sid];
      const told = await adoption.ok("export", "--out", "out", "--set-secrets", "--unprotected", ...name);
      assert.doesNotMatch(told, /initialPassword/, "a user who is there needs none");
      const text = adoption.read("out", "index.ts");
      assert.match(text, /new jambonz\.LcrDefaultEntry\([^]*?lcrCarrierSetEntrySid: \w+\.sid,/);
      await adoption.import("out", "--generate-code=false", "--protect=false");
      await stack.ok(["refresh", "--yes", "--skip-preview"]);
      adoption.use("out/index.ts");
      await stack.ok(["up", "--yes", "--skip-preview"]);
      await adoption.hasNothingLeftToDo();
      assert.deepEqual(await adoption.wouldDestroy(), named(adoption.list("out")));
      await stack.ok(["destroy", "--yes", "--skip-preview"]);
      assert.deepEqual((await sandbox.outside("GET", "/Lcrs")).body, []);
    } finally {
      stack.remove();
      await sandbox.stop();
    }
  });
});
