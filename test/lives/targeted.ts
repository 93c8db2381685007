import assert from "node:assert/strict";
import type { SandboxOptions } from "../../sandbox/src";
import { Engine } from "../support/engine";
import { accountsOf, jambonzTarget, keysOf, made, tenant, type Target } from "../support/jambonz";
import { listed, restcommTarget, strong, type RestcommTarget } from "../support/restcomm";

type Situations = Record<string, () => Promise<void>>;

const jambonz: Situations = {
  "of two objects that may be the one that was made, none is taken": () =>
    within(async (target, engine) => {
      const { sandbox, serviceProviderSid } = target;
      await engine.up([{ type: "jambonz:Account", name: "acme", args: { serviceProviderSid } }]);
      sandbox.addFault({ match: { method: "POST", path: "/ApiKeys" }, fault: "dropAnswer" });
      // Somebody makes a key of the same account before anybody can look for the lost one.
      const accountSid = engine.find("acme")!.id;
      const path = "/Accounts/*/ApiKeys";
      const request = { method: "POST", path: "/ApiKeys", body: { account_sid: accountSid } };
      sandbox.addFault({ match: { method: "GET", path }, fault: "outside", request, skip: 1 });
      const [account, key] = tenant(target, "acme");
      const { errors } = await engine.up([account!, key!]);
      assert.match(errors.join(), /there are 2 that may be the one it made/);
      assert.equal((await keysOf(target, accountSid)).length, 2);
      assert.equal(engine.find("acme-key"), undefined);
    }),

  "what was there before is not taken for what a lost creation has made": () =>
    within(async (target, engine) => {
      const { sandbox } = target;
      const [account, key] = tenant(target, "acme");
      await engine.up([account!]);
      const accountSid = engine.find("acme")!.id;
      const { body } = await sandbox.outside("POST", "/ApiKeys", { account_sid: accountSid });
      sandbox.addFault({ match: { method: "POST", path: "/ApiKeys" }, fault: "drop" });
      assert.deepEqual((await engine.up([account!, key!])).errors, []);
      assert.equal((await keysOf(target, accountSid)).length, 2);
      assert.notEqual(engine.find("acme-key")!.outputs.token, (body as { token: string }).token);
    }),

  "an account of the same name is never doubled": () =>
    within(async (target, engine) => {
      const sid = await made(target.sandbox, "/Accounts", { name: "acme", service_provider_sid: target.serviceProviderSid });
      const { errors } = await engine.up(tenant(target, "acme"));
      assert.match(errors.join(), new RegExp(`already has an account of this name: ${sid}`));
      assert.deepEqual(Object.keys(await accountsOf(target)), ["acme"]);
    }),

  "a realm stays with its SipRealm when the account gives it up": () =>
    within(async (target, engine) => {
      const [account, , limit, realm] = tenant(target, "acme");
      const sipRealm = "acme.sip.example.com";
      const withRealm = { ...account!, args: { ...(account!.args as object), sipRealm } };
      assert.deepEqual((await engine.up([account!, limit!, realm!])).errors, []);
      // An up that fails before it comes to its deletions leaves both in state.
      target.sandbox.addFault({ match: { method: "POST", path: "/ApiKeys" }, fault: { status: 400, body: { msg: "no" } } });
      const key = { type: "jambonz:ApiKey", name: "key", args: { accountSid: { $ref: "acme.sid" } } };
      assert.equal((await engine.up([withRealm, key])).errors.length, 1);
      assert.deepEqual((await engine.up([account!, realm!])).errors, []);
      assert.equal((await accountsOf(target)).acme.sip_realm, sipRealm);
    }),

  "what an unanswered update left unsure is sent again": () =>
    within(async (target, engine) => {
      const plan = (planType: string) => tenant(target, "acme", { planType }).slice(0, 1);
      assert.deepEqual((await engine.up(plan("trial"))).errors, []);
      target.sandbox.addFault({ match: { method: "PUT" }, fault: "dropAnswer", times: "always" });
      assert.equal((await engine.up(plan("paid"))).errors.length, 1);
      target.sandbox.clearFaults();
      assert.deepEqual((await engine.up(plan("trial"))).errors, []);
      assert.equal((await accountsOf(target)).acme.plan_type, "trial");
    }),

  "what the key may not see is not taken for gone": () =>
    within(async (target, engine) => {
      assert.deepEqual((await engine.up(tenant(target, "acme"))).errors, []);
      for (const path of ["**", "/Accounts/**"]) {
        target.sandbox.addFault({ match: { method: "GET", path }, fault: { status: 403, body: { msg: "no" } }, times: "always" });
        const { steps } = await engine.refresh();
        assert.deepEqual(steps, []);
        assert.equal(engine.entries.length, 4);
        target.sandbox.clearFaults();
      }
    }),

  "what the platform fails to tell is not taken for gone": () =>
    within(async (target, engine) => {
      assert.deepEqual((await engine.up(tenant(target, "acme"))).errors, []);
      target.sandbox.addFault({ match: { method: "GET" }, fault: { status: 500, body: { msg: "oops" } }, times: "always" });
      assert.deepEqual((await engine.refresh()).steps, []);
      assert.equal(engine.entries.length, 4);
    }),

  "what is not deleted stays in state": () =>
    within(async (target, engine) => {
      assert.deepEqual((await engine.up(tenant(target, "acme"))).errors, []);
      target.sandbox.addFault({ match: { method: "DELETE" }, fault: { status: 403, body: { msg: "no" } }, times: "always" });
      assert.match((await engine.destroy()).errors.join(), /refused to delete/);
      target.sandbox.clearFaults();
      assert.deepEqual((await engine.destroy()).errors, []);
      assert.deepEqual(await accountsOf(target), {});
    }),

  "a secret in the platform's words is not in a message": () =>
    within(async ({ sandbox, serviceProviderSid }, engine) => {
      const password = "secret-password-1";
      const registrationHook = { url: "https://a.example.com", password };
      sandbox.addFault({ match: { method: "POST" }, fault: { status: 400, body: { msg: `"${password}" is too weak` } } });
      const { errors } = await engine.up([{ type: "jambonz:Account", name: "acme", args: { serviceProviderSid, registrationHook } }]);
      assert.match(errors.join(), /too weak/);
      assert(!errors.join().includes(password));
    }),
};

async function within(act: (target: Target, engine: Engine) => Promise<void>): Promise<void> {
  const target = await jambonzTarget("admin");
  const environment = { ...target.variables, JAMBONZ_REQUEST_TIMEOUT: "5", JAMBONZ_OPERATION_TIMEOUT: "10" };
  try {
    await act(target, new Engine({ environment: () => environment, pace: 0.001 }));
  } finally {
    await target.sandbox.stop();
  }
}

const restcomm: Situations = {
  "a client that came along with its account, and does not show yet, is not adopted": () =>
    withinRestcomm({ consistencyDelayMs: 60_000 }, async (target, engine) => {
      const password = strong;
      const account = { type: "restcomm:Account", name: "acme", args: { emailAddress: "Ops@acme.example.com", password } };
      const client = { type: "restcomm:Client", name: "ops", args: { accountSid: { $ref: "acme.sid" }, password: `${strong}-2` } };
      const { errors } = await engine.up([account, client]);
      assert.match(errors.join(), /^Client "ops": its account already has a client with the login ops, which shows in some minutes;/);
      assert.equal(engine.find("ops"), undefined);
    }),

  "what is unique on the platform moves with its account": () =>
    withinRestcomm({}, async (target, engine) => {
      const accountSid = { $ref: "acme.sid" };
      const program = (emailAddress: string) => [
        { type: "restcomm:Account", name: "acme", args: { emailAddress, password: strong, closeOnDeletion: true } },
        { type: "restcomm:Client", name: "alice", args: { accountSid, password: strong } },
        { type: "restcomm:IncomingPhoneNumber", name: "main", args: { accountSid, phoneNumber: "+15015550100" } },
        { type: "restcomm:IncomingPhoneNumber", name: "short", args: { accountSid, phoneNumber: "1234", isSip: true } },
      ];
      assert.deepEqual((await engine.up(program("a@acme.example.com"))).errors, []);
      const { steps, errors } = await engine.up(program("b@acme.example.com"));
      assert.deepEqual(errors, []);
      for (const name of ["alice", "main", "short"]) assert(steps.indexOf(`delete ${name}`) < steps.indexOf(`create ${name}`), name);
      const path = `/Accounts/${engine.find("acme")!.id}`;
      assert.equal((await listed(target, `${path}/IncomingPhoneNumbers`)).length, 2);
      assert((await listed(target, `${path}/Clients`)).some(({ login }) => login === "alice"));
    }),
};

async function withinRestcomm(options: SandboxOptions, act: (target: RestcommTarget, engine: Engine) => Promise<void>): Promise<void> {
  const target = await restcommTarget(options);
  try {
    await act(target, new Engine({ environment: () => target.variables, pace: 0.001 }));
  } finally {
    await target.sandbox.stop();
  }
}

/** Situations that chance brings about too seldom, each as a short life of its own, by platform. */
export const targeted: Record<string, Situations> = { jambonz, restcomm, voicetel: {} };
