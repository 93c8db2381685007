import assert from "node:assert/strict";
import { exported } from "../../provider/cli/export";
import { inventory } from "../../provider/cli/inventory";
import { program } from "../../provider/cli/program";
import type { Jambonz } from "../../provider/jambonz/client";
import { marks } from "../../provider/values";
import { Engine } from "../support/engine";
import { applicationsOf, asked, jambonzTarget, made, numbersOf, type KeyKind, type Target } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";

/** Pauses are this much shorter than in earnest. */
const PACE = 0.005;

const hooks = { callHook: { url: "https://a.example.com/call" }, callStatusHook: { url: "https://a.example.com/status" } };
const isWrite = (line: string) => !line.startsWith("GET");

/** Every kind of key with which an account's things can be managed. */
const keys = ["admin", "service provider", "account"] as const;

interface Place extends Target {
  accountSid: string;
  engine: Engine;
  /** What the provider said beside errors. */
  said: string[];
}

async function place(kind: (typeof keys)[number] = "admin"): Promise<Place> {
  const target = await jambonzTarget(kind === "service provider" ? kind : "admin");
  const { sandbox, serviceProviderSid } = target;
  const accountSid = await made(sandbox, "/Accounts", { name: "acme", service_provider_sid: serviceProviderSid });
  const variables = { ...target.variables };
  if (kind === "account") variables.JAMBONZ_API_KEY = (await sandbox.outside("POST", "/ApiKeys", { account_sid: accountSid })).body.token;
  const said: string[] = [];
  const engine = new Engine({ environment: () => variables, pace: PACE, log: (message) => said.push(message) });
  sandbox.clearRequests();
  return { ...target, variables, accountSid, engine, said };
}

const menu = (accountSid: unknown, args: object = {}): Declared => ({
  type: "jambonz:Application",
  name: "menu",
  args: { accountSid, ...hooks, ...args },
});
const main = (args: object): Declared => ({ type: "jambonz:PhoneNumber", name: "main", args: { number: "+15015550100", ...args } });

const somebodysApplication = ({ sandbox, accountSid }: Place, name: string, more: object = {}) =>
  made(sandbox, "/Applications", {
    account_sid: accountSid,
    name,
    call_hook: { url: `https://${name}.example.com/call` },
    call_status_hook: { url: `https://${name}.example.com/status` },
    ...more,
  });

async function ok(run: Promise<{ steps: string[]; errors: string[] }>): Promise<string[]> {
  const { steps, errors } = await run;
  assert.deepEqual(errors, []);
  return steps;
}

async function fails(run: Promise<{ errors: string[] }>, expected: RegExp): Promise<void> {
  const { errors } = await run;
  assert.equal(errors.length, 1, errors.join("\n"));
  assert.match(errors[0]!, expected);
}

describe("an application", () => {
  let at: Place;
  afterEach(() => at.sandbox.stop());
  const row = async () => (await applicationsOf(at, at.accountSid)).find(({ name }) => name === "menu")!;

  for (const kind of keys) {
    describe(`with a key of ${kind === "service provider" ? "a" : "an"} ${kind}`, () => {
      beforeEach(async () => void (at = await place(kind)));

      it("is created by one write, changed in place and set back to what the platform has by itself", async () => {
        const messagingHook = { url: "https://a.example.com/message", method: "GET", username: "u", password: "message-password" };
        const speech = { speechSynthesisVendor: "aws", speechSynthesisVoice: "Vicki", speechRecognizerLanguage: "de-DE" };
        const more = { useForFallbackSpeech: true, fallbackSpeechSynthesisVendor: "google", recordAllCalls: true };
        const appJson = '[{"verb": "hangup"}]';
        await ok(at.engine.up([menu(at.accountSid, { messagingHook, appJson, ...speech, ...more })]));
        assert.deepEqual(asked(at).filter(isWrite), ["POST /Applications"]);
        const full = await row();
        assert.equal(full.account_sid, at.accountSid);
        const { webhook_sid: _, ...told } = full.messaging_hook;
        assert.deepEqual(told, messagingHook);
        assert.equal(full.app_json, appJson);
        assert.deepEqual([full.speech_synthesis_vendor, full.speech_synthesis_voice, full.use_for_fallback_speech], ["aws", "Vicki", 1]);
        assert.deepEqual(await ok(at.engine.refresh()), []);

        assert.deepEqual(await ok(at.engine.up([menu(at.accountSid)])), ["update menu"]);
        const bare = await row();
        assert.deepEqual([bare.messaging_hook, bare.app_json, bare.fallback_speech_synthesis_vendor], [null, null, null]);
        assert.deepEqual([bare.speech_synthesis_vendor, bare.speech_synthesis_voice], ["google", "en-US-Standard-C"]);
        assert.deepEqual([bare.speech_recognizer_language, bare.use_for_fallback_speech, bare.record_all_calls], ["en-US", 0, 0]);
        assert.deepEqual(await ok(at.engine.refresh()), []);
        assert.deepEqual(await ok(at.engine.destroy()), ["delete menu"]);
        assert.deepEqual(await applicationsOf(at, at.accountSid), []);
      });

      it("keeps the webhooks that it has, and what is taken out of one is taken out there", async () => {
        const callHook = { url: "https://a.example.com/call", method: "GET", username: "u", password: "call-password" };
        await ok(at.engine.up([menu(at.accountSid, { callHook })]));
        const before = await row();
        await ok(at.engine.up([menu(at.accountSid, { callHook: { url: "https://b.example.com/call" } })]));
        const after = await row();
        assert.deepEqual(after.call_hook, {
          webhook_sid: before.call_hook.webhook_sid,
          url: "https://b.example.com/call",
          method: "POST",
          username: null,
          password: null,
        });
        assert.deepEqual(after.call_status_hook, before.call_status_hook);
      });

      it("knows that a refused update may have changed a webhook", async () => {
        await somebodysApplication(at, "taken");
        await ok(at.engine.up([menu(at.accountSid)]));
        const moved = { name: "taken", callHook: { url: "https://b.example.com/call" } };
        await fails(
          at.engine.up([menu(at.accountSid, moved)]),
          /^jambonz refused to update Application "menu" .*name "taken" is taken \(422\)$/,
        );
        assert.equal((await row()).call_hook.url, moved.callHook.url);
        await ok(at.engine.up([menu(at.accountSid)]));
        assert.equal((await row()).call_hook.url, hooks.callHook.url);
      });

      it("shows what somebody does to it, and is repaired", async () => {
        await ok(at.engine.up([menu(at.accountSid)]));
        const path = `/Applications/${(await row()).application_sid}`;
        await at.sandbox.outside("PUT", path, { call_hook: { url: "https://evil.example.com" }, speech_recognizer_language: "fr-FR" });
        assert.deepEqual(await ok(at.engine.up([menu(at.accountSid)], { refresh: true })), ["update menu"]);
        assert.equal((await row()).call_hook.url, hooks.callHook.url);
        assert.equal((await row()).speech_recognizer_language, "fr-FR"); // never declared
        assert.equal((await at.sandbox.outside("DELETE", path)).status, 204);
        assert.deepEqual(await ok(at.engine.up([menu(at.accountSid)], { refresh: true })), ["create menu"]);
        await at.sandbox.outside("DELETE", `/Applications/${(await row()).application_sid}`);
        assert.deepEqual(await ok(at.engine.destroy()), ["delete menu"]);
      });

      it("is not deleted while something points to it, which is named before anything is sent", async () => {
        await ok(at.engine.up([menu(at.accountSid)]));
        const { application_sid } = await row();
        const number = await made(at.sandbox, "/PhoneNumbers", { number: "1501", account_sid: at.accountSid, application_sid });
        await at.sandbox.outside("PUT", `/Accounts/${at.accountSid}`, { siprec_hook_sid: application_sid });
        const carrier = { name: "carrier", application_sid, account_sid: at.accountSid, service_provider_sid: at.serviceProviderSid };
        const carrierSid = await made(at.sandbox, "/VoipCarriers", carrier);
        at.sandbox.clearRequests();
        await fails(
          at.engine.destroy(),
          /^Application "menu" \(.*\): the platform cannot delete an application that is in use by phone number 1501, siprecHookSid of account acme, carrier carrier; let that point elsewhere, or remove it first$/,
        );
        assert.deepEqual(asked(at).filter(isWrite), []);
        await at.sandbox.outside("DELETE", `/PhoneNumbers/${number}`);
        await at.sandbox.outside("PUT", `/Accounts/${at.accountSid}`, { siprec_hook_sid: null });
        await at.sandbox.outside("DELETE", `/VoipCarriers/${carrierSid}`);
        await ok(at.engine.destroy());
      });
    });
  }

  it("leaves a webhook that another application has as it is", async () => {
    at = await place();
    await ok(at.engine.up([menu(at.accountSid)]));
    const shared = (await row()).call_hook.webhook_sid;
    const other = await somebodysApplication(at, "other");
    await at.sandbox.outside("PUT", `/Applications/${other}`, { messaging_hook_sid: shared });
    await ok(at.engine.up([menu(at.accountSid, { callHook: { url: "https://b.example.com/call" } })]));
    assert.equal((await row()).call_hook.url, "https://b.example.com/call");
    assert.equal((await at.sandbox.outside("GET", `/Applications/${other}`)).body.messaging_hook.url, hooks.callHook.url);
  });

  it("has variables by the names that the program gives them, hidden everywhere", async () => {
    at = await place();
    const envVars = { API_TOKEN: "variable-secret", maxRetries: 3, verbose: false };
    await ok(at.engine.up([menu(at.accountSid, { envVars })]));
    assert.deepEqual((await row()).env_vars, envVars);
    assert.deepEqual(await ok(at.engine.refresh()), []);
    // Told by the platform in an error, for whatever reason.
    at.sandbox.addFault({
      match: { method: "PUT", path: "/Applications/*" },
      fault: { status: 400, body: { msg: "variable-secret2 is bad" } },
    });
    const changed = { ...envVars, API_TOKEN: "variable-secret2" };
    await fails(
      at.engine.up([menu(at.accountSid, { envVars: changed })]),
      /^jambonz refused to update Application [^:]*: \[secret\] is bad \(400\)$/,
    );
    await ok(at.engine.up([menu(at.accountSid, { envVars: changed })]));
    assert.deepEqual((await row()).env_vars, changed);
    await ok(at.engine.up([menu(at.accountSid)]));
    assert.equal((await row()).env_vars, null);
  });

  it("of a name that is taken says by which, and how to adopt it", async () => {
    at = await place("service provider");
    const other = await somebodysApplication(at, "Menu");
    await fails(
      at.engine.up([menu(at.accountSid)]),
      new RegExp(
        `^jambonz refused to create Application "menu": its account already has an application of this name: ${other}; adopt it \\(.*adopt jambonz:Application \\S+ ${other}.*\\), or choose another name \\(422\\)$`,
      ),
    );
  });

  it("moves to another account by a new one", async () => {
    at = await place();
    const { sandbox, serviceProviderSid } = at;
    const elsewhere = await made(sandbox, "/Accounts", { name: "globex", service_provider_sid: serviceProviderSid });
    await ok(at.engine.up([menu(at.accountSid)]));
    assert.deepEqual(await ok(at.engine.up([menu(elsewhere)])), ["create menu", "delete menu"]);
    assert.equal((await applicationsOf(at, elsewhere)).length, 1);
  });

  it("is not taken for gone by a key that cannot see its account", async () => {
    at = await place();
    await ok(at.engine.up([menu(at.accountSid)]));
    const { sandbox, variables } = at;
    const otherProvider = await made(sandbox, "/ServiceProviders", { name: "other" });
    const otherAccount = await made(sandbox, "/Accounts", { name: "other", service_provider_sid: otherProvider });
    for (const owner of [{ service_provider_sid: otherProvider }, { account_sid: otherAccount }]) {
      variables.JAMBONZ_API_KEY = (await sandbox.outside("POST", "/ApiKeys", owner)).body.token;
      await fails(at.engine.refresh(), /^(jambonz refused to read )?Application "menu"/);
      assert.equal(at.engine.entries.length, 1);
      await fails(at.engine.destroy(), /^(jambonz refused to delete )?Application "menu"/);
      assert.equal(at.engine.entries.length, 1);
    }
    assert.notEqual(await row(), undefined);
  });

  it("goes with its account", async () => {
    at = await place("service provider");
    await ok(at.engine.up([menu(at.accountSid)]));
    await at.sandbox.outside("DELETE", `/Accounts/${at.accountSid}`);
    assert.deepEqual(await ok(at.engine.refresh()), ["gone menu"]);
  });

  it("among many is read by one list, and created by one request", async () => {
    at = await place("service provider");
    const many = Array.from({ length: 20 }, (_, index) => ({ ...menu(at.accountSid), name: `menu ${index}` }));
    await ok(at.engine.up(many));
    assert.equal(asked(at).filter(isWrite).length, 20);
    assert.ok(asked(at).length < 26, asked(at).join("\n"));
    at.sandbox.clearRequests();
    assert.deepEqual(await ok(at.engine.refresh()), []);
    assert.deepEqual(asked(at), ["GET /Applications"]);
  });
});

describe("a phone number", () => {
  let at: Place;
  let carriers: string[];
  let application: string;
  const begin = async (kind: (typeof keys)[number] = "admin") => {
    at = await place(kind);
    const { sandbox, serviceProviderSid } = at;
    const carrier = (name: string) => made(sandbox, "/VoipCarriers", { name, service_provider_sid: serviceProviderSid });
    carriers = [await carrier("one"), await carrier("two")];
    application = await somebodysApplication(at, "menu");
    sandbox.clearRequests();
  };
  afterEach(() => at.sandbox.stop());
  const rows = () => numbersOf(at, at.accountSid);

  for (const kind of keys) {
    describe(`with a key of ${kind === "service provider" ? "a" : "an"} ${kind}`, () => {
      beforeEach(() => begin(kind));

      it("is created by one write, routed and unrouted, and its + is no change", async () => {
        const { accountSid } = at;
        const [voipCarrierSid] = carriers;
        await ok(at.engine.up([main({ accountSid, voipCarrierSid })]));
        assert.deepEqual(asked(at).filter(isWrite), ["POST /PhoneNumbers"]);
        const [row] = await rows();
        assert.deepEqual([row!.number, row!.voip_carrier_sid, row!.application_sid], ["15015550100", voipCarrierSid, null]);
        assert.deepEqual(await ok(at.engine.refresh()), []);
        assert.deepEqual(await ok(at.engine.up([main({ accountSid, voipCarrierSid, number: "15015550100" })])), []);
        const routed = main({ accountSid, voipCarrierSid, applicationSid: application });
        assert.deepEqual(await ok(at.engine.up([routed])), ["update main"]);
        assert.equal((await rows())[0]!.application_sid, application);
        assert.deepEqual(await ok(at.engine.up([main({ accountSid, voipCarrierSid })])), ["update main"]);
        assert.equal((await rows())[0]!.application_sid, null);
        assert.deepEqual(await ok(at.engine.destroy()), ["delete main"]);
        assert.deepEqual(await rows(), []);
      });

      it("stays its account's where its key is in use, also where the program does not say so any more", async () => {
        const { accountSid } = at;
        await ok(at.engine.up([main({ accountSid })]));
        at.sandbox.clearRequests();
        assert.deepEqual(await ok(at.engine.up([main({})])), ["update main"]);
        assert.equal((await rows()).length, kind === "account" ? 1 : 0);
        assert.deepEqual(asked(at).filter(isWrite).length, kind === "account" ? 0 : 1);
        assert.deepEqual(await ok(at.engine.refresh()), []);
      });

      it("takes no 404 of something in between for a deletion", async () => {
        const { accountSid, sandbox } = at;
        await ok(at.engine.up([main({ accountSid })]));
        const fault = { status: 404, body: { message: "no Route matched with those values" } };
        sandbox.addFault({ match: { method: "DELETE" }, fault });
        await fails(at.engine.destroy(), /^jambonz refused to delete PhoneNumber .*no Route matched/);
        sandbox.addFault({ match: { method: "DELETE" }, fault: { status: 404, body: "Not Found" } });
        await fails(at.engine.destroy(), /^jambonz refused to delete PhoneNumber .*Not Found/);
        assert.equal((await rows()).length, 1);
        await ok(at.engine.destroy());
      });

      it("is not gone for a 404 of something in between, also where no list shows it", async () => {
        const { accountSid, sandbox } = at;
        for (const args of [{ accountSid }, {}]) {
          await ok(at.engine.up([main(args)]));
          const notFound = { status: 404, body: "Not Found" };
          const strike = (method: string) =>
            sandbox.addFault({
              match: { method, path: "/PhoneNumbers/*" },
              fault: method === "GET" ? notFound : { ...notFound, status: 500 },
            });
          strike("GET");
          assert.deepEqual(await ok(at.engine.refresh()), []);
          sandbox.clearFaults();
          strike("GET");
          strike("DELETE");
          await fails(at.engine.destroy(), /^jambonz refused to delete PhoneNumber .*Not Found \(500\)$/);
          sandbox.clearFaults();
          sandbox.addFault({ match: { method: "DELETE" }, fault: notFound });
          await fails(at.engine.destroy(), /^jambonz refused to delete PhoneNumber .*Not Found \(404\)$/);
          assert.equal(at.engine.entries.length, 1);
          assert.deepEqual(await ok(at.engine.destroy()), ["delete main"]);
          assert.deepEqual((await sandbox.outside("GET", "/PhoneNumbers")).body, []);
        }
      });

      it("shows what somebody does to it, and one that is gone already is deleted", async () => {
        const { accountSid, sandbox } = at;
        const routed = main({ accountSid, applicationSid: application });
        await ok(at.engine.up([routed]));
        const path = `/PhoneNumbers/${(await rows())[0]!.phone_number_sid}`;
        await sandbox.outside("PUT", path, { application_sid: null });
        assert.deepEqual(await ok(at.engine.up([routed], { refresh: true })), ["update main"]);
        await sandbox.outside("DELETE", path);
        if (kind === "account")
          await fails(at.engine.refresh(), /^PhoneNumber \(.*\): it was deleted, or given to another account, and to an /);
        else assert.deepEqual(await ok(at.engine.up([routed], { refresh: true })), ["create main"]);
        const [again] = await rows();
        if (again) await sandbox.outside("DELETE", `/PhoneNumbers/${again.phone_number_sid}`);
        assert.deepEqual(await ok(at.engine.destroy()), ["delete main"]);
      });

      it("with another number or carrier is a new one, for which the old one goes first", async () => {
        const { accountSid } = at;
        const [one, two] = carriers;
        await ok(at.engine.up([main({ accountSid })]));
        for (const change of [{ voipCarrierSid: one }, { voipCarrierSid: two }, { voipCarrierSid: two, number: "+15015550101" }, {}])
          assert.deepEqual(
            await ok(at.engine.up([main({ accountSid, ...change })])),
            ["delete main", "create main"],
            JSON.stringify(change),
          );
        assert.equal((await rows()).length, 1);
      });

      it("that is there already is named, and how to adopt it", async () => {
        const { accountSid, sandbox } = at;
        const [voipCarrierSid] = carriers;
        const ofCarrier = await made(sandbox, "/PhoneNumbers", {
          number: "15015550100",
          account_sid: accountSid,
          voip_carrier_sid: voipCarrierSid,
        });
        await fails(
          at.engine.up([main({ accountSid, voipCarrierSid })]),
          new RegExp(`there already: ${ofCarrier}; adopt it \\(.*\\) \\(422\\)$`),
        );
        const ofNone = await made(sandbox, "/PhoneNumbers", { number: "15015550100", account_sid: accountSid });
        sandbox.clearRequests();
        await fails(at.engine.up([main({ accountSid })]), new RegExp(`^PhoneNumber: .*there already: ${ofNone}; adopt it \\(.*\\)$`));
        assert.deepEqual(asked(at).filter(isWrite), []);
      });
    });
  }

  it("that was imported and never refreshed is updated", async () => {
    await begin();
    const sid = await made(at.sandbox, "/PhoneNumbers", { number: "15015550100", account_sid: at.accountSid });
    const run = lifecycleOf("jambonz:PhoneNumber", sessionOf("jambonz", at.variables, { pace: PACE }));
    const said = { number: "+15015550100", accountSid: at.accountSid };
    assert.equal((await run.update(sid, { [marks.unmanaged]: [] }, said)).number, said.number);
  });

  it("stays where the new one could not be made", async () => {
    await begin();
    const { accountSid, sandbox } = at;
    const [voipCarrierSid] = carriers;
    await ok(at.engine.up([main({ accountSid, voipCarrierSid })]));
    const other = { number: "1502", account_sid: accountSid, voip_carrier_sid: voipCarrierSid };
    const holder = await made(sandbox, "/PhoneNumbers", other);
    sandbox.clearRequests();
    await fails(
      at.engine.up([main({ accountSid, voipCarrierSid, number: "+1502" })]),
      new RegExp(`it is not replaced, .*there already: ${holder};`),
    );
    assert.deepEqual(asked(at).filter(isWrite), []);
  });

  const shared: KeyKind[] = ["admin", "service provider"];
  for (const kind of shared) {
    it(`changes hands in place, and is read where no list shows it, with a key of ${kind}`, async () => {
      await begin(kind);
      const { sandbox, accountSid, serviceProviderSid } = at;
      const elsewhere = await made(sandbox, "/Accounts", { name: "globex", service_provider_sid: serviceProviderSid });
      await ok(at.engine.up([main({})]));
      const { id } = at.engine.find("main")!;
      const row = async () => (await sandbox.outside("GET", `/PhoneNumbers/${id}`)).body;
      assert.deepEqual(
        [(await row()).account_sid, (await row()).service_provider_sid],
        [null, kind === "admin" ? null : serviceProviderSid],
      );
      assert.deepEqual(await ok(at.engine.refresh()), []);
      for (const account of [accountSid, elsewhere, undefined]) {
        assert.deepEqual(await ok(at.engine.up([main({ accountSid: account })])), ["update main"]);
        assert.equal((await row()).account_sid, account ?? null);
        assert.deepEqual(await ok(at.engine.refresh()), []);
      }
      assert.equal(at.engine.find("main")!.id, id);
      await sandbox.outside("DELETE", `/PhoneNumbers/${id}`);
      assert.deepEqual(await ok(at.engine.refresh()), ["gone main"]);
    });
  }

  for (const fault of ["drop", "dropAnswer"] as const) {
    it(`without an account is ${fault === "drop" ? "made again" : "found"} by an admin's key when its creation had no answer`, async () => {
      await begin();
      at.sandbox.addFault({ match: { method: "POST", path: "/PhoneNumbers" }, fault });
      await ok(at.engine.up([main({})]));
      assert.equal(asked(at).filter(isWrite).length, fault === "drop" ? 2 : 1);
      const numbers = (await at.sandbox.outside("GET", "/PhoneNumbers")).body as { phone_number_sid: string }[];
      assert.deepEqual(
        numbers.map(({ phone_number_sid }) => phone_number_sid),
        at.engine.entries.map(({ id }) => id),
      );
    });

    it(`without an account is not made again by a service provider's key when its creation ${fault === "drop" ? "was lost" : "had no answer"}`, async () => {
      await begin("service provider");
      at.sandbox.addFault({ match: { method: "POST", path: "/PhoneNumbers" }, fault });
      await fails(
        at.engine.up([main({})]),
        /^PhoneNumber: .*it may have been made all the same, and it cannot be listed, so it is not tried again/,
      );
      assert.equal(asked(at).filter(isWrite).length, 1);
    });

    it(`is ${fault === "drop" ? "made again" : "found"} by an account's key that leaves the account out`, async () => {
      await begin("account");
      at.sandbox.addFault({ match: { method: "POST", path: "/PhoneNumbers" }, fault });
      await ok(at.engine.up([main({})]));
      assert.deepEqual(
        (await rows()).map(({ phone_number_sid }) => phone_number_sid as string),
        at.engine.entries.map(({ id }) => id),
      );
      assert.deepEqual(await ok(at.engine.refresh()), []);
    });
  }

  it("of an admin's that has no account is told to be out of reach of a service provider's key", async () => {
    await begin();
    await ok(at.engine.up([main({})]));
    const { sandbox, serviceProviderSid, variables, accountSid } = at;
    variables.JAMBONZ_API_KEY = (await sandbox.outside("POST", "/ApiKeys", { service_provider_sid: serviceProviderSid })).body.token;
    await fails(
      at.engine.up([main({ accountSid })]),
      /: a service provider's key cannot change a number without an account that another key has made \(500\)$/,
    );
  });

  it("that no list shows still holds its application back, which is said", async () => {
    await begin("service provider");
    await made(at.sandbox, "/PhoneNumbers", { number: "1501", application_sid: application });
    const other = { ...menu(at.accountSid), name: "other" };
    await ok(at.engine.up([other]));
    await at.sandbox.outside("PUT", `/PhoneNumbers/${(await at.sandbox.outside("GET", "/PhoneNumbers")).body[0].phone_number_sid}`, {
      application_sid: at.engine.find("other")!.id,
    });
    await fails(
      at.engine.destroy(),
      /^jambonz refused to delete Application "other" \(.*\): something in the platform's table phone_numbers still refers to it \(500\)$/,
    );
    assert.equal(at.engine.entries.length, 1);
  });

  it("is not taken for gone by a key that cannot see its account", async () => {
    await begin();
    await ok(at.engine.up([main({ accountSid: at.accountSid })]));
    const { sandbox, variables } = at;
    const otherProvider = await made(sandbox, "/ServiceProviders", { name: "other" });
    const otherAccount = await made(sandbox, "/Accounts", { name: "other", service_provider_sid: otherProvider });
    for (const owner of [{ service_provider_sid: otherProvider }, { account_sid: otherAccount }]) {
      variables.JAMBONZ_API_KEY = (await sandbox.outside("POST", "/ApiKeys", owner)).body.token;
      await fails(at.engine.refresh(), /^(jambonz refused to read )?PhoneNumber/);
      assert.equal(at.engine.entries.length, 1);
    }
    assert.equal((await rows()).length, 1);
  });

  it("among many is read by one list", async () => {
    await begin("service provider");
    const many = Array.from({ length: 20 }, (_, index) => ({
      ...main({ accountSid: at.accountSid, number: `+1501${index}` }),
      name: `n${index}`,
    }));
    await ok(at.engine.up(many));
    assert.equal(asked(at).filter(isWrite).length, 20);
    assert.ok(asked(at).length < 26, asked(at).join("\n"));
    at.sandbox.clearRequests();
    assert.deepEqual(await ok(at.engine.refresh()), []);
    assert.deepEqual(asked(at), ["GET /PhoneNumbers"]);
  });
});

it("whose key it is shows, and where it does not, nobody is taken for an admin", async () => {
  for (const kind of keys) {
    const at = await place(kind);
    const session = sessionOf("jambonz", at.variables);
    assert.equal(await (session.client as Jambonz).scope(), kind);
    await at.sandbox.stop();
  }
});

it("an export declares them with references, secrets by the configuration, and nothing that leaves a deletion to the account", async () => {
  const at = await place("service provider");
  const more = {
    call_hook: { url: "https://a.example.com", password: "call-password" },
    env_vars: { API_TOKEN: "variable-secret", retries: 3 },
  };
  const application_sid = await somebodysApplication(at, "menu", more);
  await made(at.sandbox, "/PhoneNumbers", { number: "+1501", account_sid: at.accountSid, application_sid });
  const session = sessionOf("jambonz", at.variables);
  const { items } = await inventory(session, {}, { known: new Map() }, () => {});
  const { files, secrets, remarks } = exported(items, "package", (declarations) =>
    program(declarations, { split: false, modules: false, protect: false }),
  );
  await at.sandbox.stop();
  assert.deepEqual(remarks, []);
  assert.deepEqual(secrets.map(({ key, value }) => [key, value]).sort(), [
    ["acmeMenuCallHookPassword", "call-password"],
    ["acmeMenuEnvVars", '{"API_TOKEN":"variable-secret","retries":3}'],
  ]);
  assert.equal(
    files["index.ts"]!.slice(files["index.ts"]!.indexOf("const acme")),
    `const acme = new jambonz.Account("acme", {
  name: "acme",
});
const acmeMenu = new jambonz.Application("acme-menu", {
  name: "menu",
  callHook: {
    url: "https://a.example.com",
    method: "POST",
    password: config.requireSecret("acmeMenuCallHookPassword"),
  },
  callStatusHook: {
    url: "https://menu.example.com/status",
    method: "POST",
  },
  accountSid: acme.sid,
  envVars: config.requireSecretObject("acmeMenuEnvVars"),
}, { parent: acme });
new jambonz.PhoneNumber("acme-1501", {
  number: "1501",
  applicationSid: acmeMenu.sid,
  accountSid: acme.sid,
}, { parent: acme });
`,
  );
});
