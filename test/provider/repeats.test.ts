import assert from "node:assert/strict";
import { Engine } from "../support/engine";
import { accountsOf, jambonzTarget, limitsOf, type Target } from "../support/jambonz";
import type { Declared } from "../support/pulumi";
import { restcommTarget } from "../support/restcomm";

describe("a write that has to be sent again, because nobody knows what became of it", () => {
  let target: Target;
  let engine: Engine;
  beforeEach(async () => {
    target = await jambonzTarget();
    engine = new Engine({ environment: () => target.variables, pace: 0.005, log: () => {} });
  });
  afterEach(() => target.sandbox.stop());

  const acme = (planType: string): Declared => ({
    type: "jambonz:Account",
    name: "acme",
    args: { serviceProviderSid: target.serviceProviderSid, planType },
  });
  const limit: Declared = {
    type: "jambonz:Limit",
    name: "limit",
    args: { accountSid: { $ref: "acme.sid" }, category: "device", quantity: 5 },
  };
  const planOnPlatform = async () => (await accountsOf(target)).acme.plan_type as string;

  const forbidden = { status: 403, headers: { "Content-Type": "text/html" }, body: "<!DOCTYPE html><html><body>Forbidden</body></html>" };
  const wait = (seconds: number) => ({ status: 429, headers: { "Retry-After": String(seconds) } });

  for (const [what, fault] of [
    ["refused", { status: 500 }],
    ["refused with a web page", forbidden],
    ["told to wait for two hours", wait(7200)],
  ] as const) {
    it(`is not lost when the second try is ${what}: what the first has made is found`, async () => {
      await engine.up([acme("paid")]);
      target.sandbox.addFault({ match: { method: "POST" }, fault: "dropAnswer", times: 1 });
      target.sandbox.addFault({ match: { method: "POST" }, fault, times: 1 });
      assert.deepEqual((await engine.up([acme("paid"), limit])).errors, []);
      const { account_sid } = (await accountsOf(target)).acme;
      assert.deepEqual(await limitsOf(target, account_sid as string), { device: 5 });
      await engine.up([acme("paid")]);
      assert.deepEqual(await limitsOf(target, account_sid as string), {});
    });
  }

  for (const [what, faults] of [
    ["refused at the second try", [{ fault: "dropAnswer" }, { fault: { status: 403, body: { msg: "no" } } }]],
    ["refused with a web page at the second try", [{ fault: "dropAnswer" }, { fault: forbidden }]],
    ["redirected at the second try", [{ fault: "dropAnswer" }, { fault: "redirect", location: "http://127.0.0.1:9/elsewhere" }]],
    ["told at the second try to wait for two hours", [{ fault: "dropAnswer" }, { fault: wait(7200) }]],
    ["told to wait again and again from the second try on", [{ fault: "dropAnswer" }, { fault: wait(0), times: "always" }]],
    ["refused by a proxy to the end", [{ fault: { status: 502 }, times: "always" }]],
    ["answered with a web page to the end", [{ fault: "html", times: "always" }]],
  ] as const) {
    it(`may have been carried out when it is ${what}: whatever the program says next is sent`, async () => {
      await engine.up([acme("paid")]);
      for (const fault of faults) target.sandbox.addFault({ match: { method: "PUT" }, times: 1, ...fault });
      assert.equal((await engine.up([acme("free")])).errors.length, 1);
      target.sandbox.clearFaults();
      target.sandbox.clearRequests();
      // Back to what state said before: without a doubt in it nothing would be sent.
      assert.deepEqual(await engine.up([acme("paid")]), { steps: ["update acme"], errors: [] });
      assert.equal(await planOnPlatform(), "paid");
    });
  }

  it("may have been carried out also when a refresh reads nothing of it", async () => {
    const place = await restcommTarget();
    const settings = { ...place.variables, RESTCOMM_CONSISTENCY_TIMEOUT: "0", RESTCOMM_MAX_RETRIES: "0" };
    const phones = new Engine({ environment: () => settings, pace: 0.005, log: () => {} });
    const desk = (password: string): Declared[] => [{ type: "restcomm:Client", name: "desk", args: { password } }];
    await phones.up(desk("C0rrect-Horse-7"));
    place.sandbox.addFault({ match: { method: "PUT" }, fault: "dropAnswer", times: 1 });
    assert.equal((await phones.up(desk("An0ther-Horse-8"))).errors.length, 1);
    await phones.refresh();
    // Back to what state said before: the platform has the other password, and does not tell.
    assert.deepEqual(await phones.up(desk("C0rrect-Horse-7")), { steps: ["update desk"], errors: [] });
    assert.deepEqual(await phones.up(desk("C0rrect-Horse-7"), { refresh: true }), { steps: [], errors: [] });
    await place.sandbox.stop();
  });
});
