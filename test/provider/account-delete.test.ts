import assert from "node:assert/strict";
import { accountsOf, asked, holder, jambonzTarget, keysOf, made, type KeyKind, type Target } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";

const hook = { url: "https://app.example.com", method: "POST" };

for (const kind of ["admin", "service provider"] as KeyKind[]) {
  describe(`an account that is deleted with ${holder[kind]}'s key`, () => {
    let target: Target;
    let id: string;
    let other: string;
    beforeEach(async () => {
      target = await jambonzTarget(kind);
      id = await make("/Accounts", { name: "acme", service_provider_sid: owner() });
      other = await make("/Accounts", { name: "other", service_provider_sid: owner() });
      await target.sandbox.outside("POST", "/ApiKeys", { account_sid: id });
      target.sandbox.clearRequests();
    });
    afterEach(() => target.sandbox.stop());

    const owner = () => target.serviceProviderSid;
    const make = (path: string, body: object) => made(target.sandbox, path, body);
    const app = (account_sid = id) =>
      make("/Applications", { name: `ivr of ${account_sid}`, account_sid, call_hook: hook, call_status_hook: hook });
    const carrier = (more: object = { account_sid: id }) =>
      make("/VoipCarriers", { name: `trunk ${JSON.stringify(more).length}`, ...more });
    const lcr = async (of: object, voip_carrier_sid: string) => {
      const lcr_sid = await make("/Lcrs", { name: "routes", ...of });
      const lcr_route_sid = await make("/LcrRoutes", { lcr_sid, regex: "^1", priority: 1 });
      await make("/LcrCarrierSetEntries", { lcr_route_sid, voip_carrier_sid });
      return lcr_sid;
    };
    const list = async (path: string) => (await target.sandbox.outside("GET", path)).body as Record<string, unknown>[];
    const deletion = (forceDestroy: boolean) => {
      const session = sessionOf("jambonz", target.variables, { pace: 0.005 });
      const state = { sid: id, name: "acme", serviceProviderSid: owner(), forceDestroy };
      return lifecycleOf("jambonz:Account", session).delete(id, state);
    };
    /** It fails for this reason, and the account and its key are as they were. */
    async function refused(forceDestroy: boolean, reason: RegExp): Promise<void> {
      await assert.rejects(deletion(forceDestroy), (error: Error) => {
        assert.match(error.message, reason);
        return true;
      });
      assert.ok("acme" in (await accountsOf(target)));
      assert.equal((await keysOf(target, id)).length, 1, "its key works still");
    }
    const writes = () => asked(target).filter((request) => !request.startsWith("GET "));

    it("is refused while a carrier that names no service provider would go with it", async () => {
      await carrier();
      target.sandbox.clearRequests();
      await refused(false, /would also delete 1 carrier \(trunk \d+\); remove that first, or deploy forceDestroy: true before/);
      assert.deepEqual(writes(), []);
    });

    it("is refused while its own LCR would be left without an account", async () => {
      await lcr({ account_sid: id }, await carrier({ service_provider_sid: owner() }));
      target.sandbox.clearRequests();
      await refused(false, /would also delete 1 LCR \(routes\)/);
      assert.deepEqual(writes(), []);
    });

    it("takes along what is its own, in an order that works, and nothing else", async () => {
      const application_sid = await app();
      await target.sandbox.outside("PUT", `/Accounts/${id}`, {
        device_calling_application_sid: application_sid,
        siprec_hook_sid: application_sid,
      });
      const own = await carrier({ account_sid: id, application_sid });
      await make("/SmppGateways", { voip_carrier_sid: own, ipv4: "192.0.2.1" });
      await make("/PhoneNumbers", { number: "15551234567", voip_carrier_sid: own, account_sid: id, application_sid });
      await make("/Clients", { account_sid: id, username: "desk1", password: "secret-pw" });
      await make("/MicrosoftTeamsTenants", {
        service_provider_sid: owner(),
        account_sid: id,
        application_sid,
        tenant_fqdn: "t.example.com",
      });
      const shared = await carrier({ service_provider_sid: owner() });
      await make("/SipGateways", { voip_carrier_sid: shared, ipv4: "192.0.2.2", inbound: 1, outbound: 1 });
      await lcr({ account_sid: id }, own);
      const foreign = await app(other);
      await deletion(true);
      assert.deepEqual(Object.keys(await accountsOf(target)), ["other"]);
      assert.deepEqual(await Promise.all(["/Lcrs", "/PhoneNumbers", "/Clients", "/MicrosoftTeamsTenants"].map(list)), [[], [], [], []]);
      assert.deepEqual(
        (await list("/Applications")).map((row) => row.application_sid),
        [foreign],
      );
      assert.deepEqual(
        (await list("/VoipCarriers")).map((row) => row.voip_carrier_sid),
        [shared],
      );
      assert.equal((await list(`/SipGateways?voip_carrier_sid=${shared}`)).length, 1);
    });

    for (const [what, make, reason] of [
      [
        "a Teams tenant of another account uses its application",
        async () =>
          void (await made(target.sandbox, "/MicrosoftTeamsTenants", {
            service_provider_sid: owner(),
            account_sid: other,
            application_sid: await app(),
            tenant_fqdn: "other.example.com",
          })),
        /cannot delete an account while there is 1 Teams tenant of others that uses its applications \(other\.example\.com\); remove that first/,
      ],
      [
        "a carrier of its service provider uses its application",
        async () =>
          void (await made(target.sandbox, `/ServiceProviders/${owner()}/VoipCarriers`, { name: "shared", application_sid: await app() })),
        /while there is 1 carrier of others that uses its applications \(shared\); remove that first/,
      ],
      [
        "another account's devices are handled by its application",
        async () => void (await target.sandbox.outside("PUT", `/Accounts/${other}`, { device_calling_application_sid: await app() })),
        /while there is 1 other account whose deviceCallingApplicationSid is one of its applications \(other\); remove that first/,
      ],
      [
        "an LCR of its service provider uses its carrier",
        async () => void (await lcr({ service_provider_sid: owner() }, await carrier())),
        /while there is 1 entry of another LCR that uses its carriers \([0-9a-f-]{36}\); remove that first/,
      ],
    ] as [string, () => Promise<void>, RegExp][]) {
      it(`is refused although forceDestroy allows it while ${what}`, async () => {
        await make();
        target.sandbox.clearRequests();
        await refused(true, reason);
        assert.deepEqual(writes(), []);
      });
    }

    it("keeps its keys where something that no list shows holds one of its carriers", async () => {
      // To a service provider's key neither is shown: a number of nobody, and the LCR of another account.
      await make("/PhoneNumbers", { number: "15550000000", voip_carrier_sid: await carrier() });
      await refused(
        true,
        kind === "admin"
          ? /phone number of another account/
          : /VoipCarriers\/[0-9a-f-]{36}, which is in the account, was refused: .*phone numbers/,
      );
      await target.sandbox.outside("DELETE", `/PhoneNumbers/${String((await list("/PhoneNumbers"))[0]!.phone_number_sid)}`);
      const [{ voip_carrier_sid }] = (await list("/VoipCarriers")) as [{ voip_carrier_sid: string }];
      const foreign = await lcr({ account_sid: other }, voip_carrier_sid);
      await refused(
        true,
        kind === "admin" ? /entry of another LCR/ : /something in the platform's table lcr_carrier_set_entry still refers to it/,
      );
      await target.sandbox.outside("DELETE", `/Lcrs/${foreign}`);
      await deletion(true);
      assert.deepEqual(Object.keys(await accountsOf(target)), ["other"]);
    });

    it("goes although somebody else has deleted a part of it meanwhile", async () => {
      const number = await make("/PhoneNumbers", { number: "15551234567", account_sid: id });
      target.sandbox.addFault({
        match: { method: "DELETE", path: `/PhoneNumbers/${number}` },
        fault: { status: 404, body: { msg: "Not Found" }, handled: true },
      });
      await deletion(true);
      assert.deepEqual(Object.keys(await accountsOf(target)), ["other"]);
    });
  });
}
