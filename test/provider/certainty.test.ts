import assert from "node:assert/strict";
import type { InitializationError } from "../../provider/errors";
import { Engine } from "../support/engine";
import { between, serve, type Exchange } from "../support/http";
import { accountsOf, jambonzTarget, made, type Target } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";
import { restcommTarget } from "../support/restcomm";

describe("what cannot be known for certain", () => {
  let target: Target;
  beforeEach(async () => void (target = await jambonzTarget()));
  afterEach(() => target.sandbox.stop());

  const lifecycle = (type: string, url = target.sandbox.url) =>
    lifecycleOf(type, sessionOf("jambonz", { ...target.variables, JAMBONZ_API_URL: url }, { pace: 0.005 }));
  const accountsNamed = async (name: string) => {
    const { body } = await target.sandbox.outside("GET", `/ServiceProviders/${target.serviceProviderSid}/Accounts`);
    return (body as Record<string, string>[]).filter((row) => row.name === name).length;
  };

  it("an account that was made, and is dated an hour early by a database in another time zone, is told and not made again", async () => {
    let lost = 0;
    const proxy = await between(target.sandbox.url, async (exchange) => {
      await exchange.carry();
      if (exchange.line.startsWith("POST") && lost++ === 0) return exchange.cut();
      const early = (_all: string, at: string) => `"created_at":"${new Date(Date.parse(at) - 3_600_000).toISOString()}"`;
      await exchange.answer((text) => text.replace(/"created_at":"([^"]+)"/g, early));
    });
    const creation = lifecycle("jambonz:Account", proxy.url).create({ name: "once", serviceProviderSid: target.serviceProviderSid });
    await assert.rejects(creation, /now there is one that may be what it made: [0-9a-f-]{36} \(made .*\)\. Nothing was changed/);
    assert.equal(await accountsNamed("once"), 1);
    await proxy.stop();
  });

  it("an account that was made, and changed by somebody before it was looked for, is told and not made again", async () => {
    let lost = 0;
    const proxy = await between(target.sandbox.url, async (exchange) => {
      const answer = await exchange.carry();
      if (!exchange.line.startsWith("POST") || lost++ > 0) return exchange.answer();
      await target.sandbox.outside("PUT", `/Accounts/${(JSON.parse(answer) as { sid: string }).sid}`, { plan_type: "free" });
      exchange.cut();
    });
    const inputs = { name: "once", planType: "paid", serviceProviderSid: target.serviceProviderSid };
    const creation = lifecycle("jambonz:Account", proxy.url).create(inputs);
    await assert.rejects(creation, /now there is one that may be what it made: [0-9a-f-]{36} \(made .*\)\. Nothing was changed/);
    assert.equal(await accountsNamed("once"), 1);
    await proxy.stop();
  });

  it("an account whose creation was answered with more than anybody reads is found", async () => {
    const proxy = await between(target.sandbox.url, async (exchange) => {
      await exchange.carry();
      await exchange.answer((text) => (exchange.line.startsWith("POST") ? text + " ".repeat(65 * 2 ** 20) : text));
    });
    const { id } = await lifecycle("jambonz:Account", proxy.url).create({ name: "once", serviceProviderSid: target.serviceProviderSid });
    assert.equal((await accountsOf(target)).once.account_sid, id);
    assert.equal(await accountsNamed("once"), 1);
    await proxy.stop();
  });

  it("an account whose first try may have been carried out after its second is told where nobody may look", async () => {
    let creations = 0;
    let first: Exchange;
    const proxy = await between(target.sandbox.url, async (exchange) => {
      if (!exchange.line.startsWith("POST")) return exchange.pass();
      if (++creations === 1) return (first = exchange).cut();
      await first.carry();
      const fault = { status: 403, body: { msg: "insufficient privileges" } };
      target.sandbox.addFault({ match: { method: "GET", path: "/ServiceProviders/*/Accounts" }, fault, times: "always" });
      await exchange.pass();
    });
    const creation = lifecycle("jambonz:Account", proxy.url).create({ name: "twice", serviceProviderSid: target.serviceProviderSid });
    const told = /a first attempt was not answered; whether it was made all the same could not be found out \(insufficient privileges/;
    await assert.rejects(creation, (error: InitializationError) => told.test(error.message) && error.id.length === 36);
    target.sandbox.clearFaults();
    assert.equal(await accountsNamed("twice"), 2);
    await proxy.stop();
  });

  it("a name that somebody took after a list was read for something else is not free", async () => {
    const other = await made(target.sandbox, "/Accounts", { name: "other", service_provider_sid: target.serviceProviderSid });
    const accounts = lifecycle("jambonz:Account");
    await accounts.read(other, { name: "other", sid: other, serviceProviderSid: target.serviceProviderSid });
    await made(target.sandbox, "/Accounts", { name: "acme", service_provider_sid: target.serviceProviderSid });
    await assert.rejects(accounts.create({ name: "acme", serviceProviderSid: target.serviceProviderSid }), /already has an account/);
    assert.equal(await accountsNamed("acme"), 1);
  });

  it("a realm whose change was not answered is cleared by a destroy, whichever it is", async () => {
    const accountSid = await made(target.sandbox, "/Accounts", { name: "a", service_provider_sid: target.serviceProviderSid });
    const engine = new Engine({ environment: () => ({ ...target.variables, JAMBONZ_MAX_RETRIES: "1" }), pace: 0.005, log: () => {} });
    const program = (realm: string): Declared[] => [{ type: "jambonz:SipRealm", name: "realm", args: { accountSid, realm } }];
    await engine.up(program("old.example.com"));
    target.sandbox.addFault({ match: { method: "PUT" }, fault: "dropAnswer", times: 2 });
    assert.equal((await engine.up(program("new.example.com"))).errors.length, 1);
    assert.equal((await accountsOf(target)).a.sip_realm, "new.example.com");
    assert.deepEqual((await engine.destroy()).errors, []);
    assert.equal((await accountsOf(target)).a.sip_realm, null);
  });

  it("a realm set with the account's own key is done where the platform is not set up for DNS, unless DNS was asked for", async () => {
    await target.sandbox.stop();
    target = await jambonzTarget("admin", { dns: "none" });
    const accountSid = await made(target.sandbox, "/Accounts", { name: "a", service_provider_sid: target.serviceProviderSid });
    const { body } = await target.sandbox.outside("POST", "/ApiKeys", { account_sid: accountSid });
    const engine = new Engine({ environment: () => ({ ...target.variables, JAMBONZ_API_KEY: body.token }), pace: 0.005, log: () => {} });
    const program = (realm: string, args = {}): Declared[] => [
      { type: "jambonz:SipRealm", name: "realm", args: { accountSid, realm, ...args } },
    ];
    assert.deepEqual(await engine.up(program("old.sip.example.com")), { steps: ["create realm"], errors: [] });
    assert.deepEqual(await engine.up(program("old.sip.example.com")), { steps: [], errors: [] });
    assert.deepEqual(await engine.up(program("new.sip.example.com")), { steps: ["update realm"], errors: [] });
    assert.equal((await accountsOf(target)).a.sip_realm, "new.sip.example.com");
    assert.equal(engine.find("realm")!.outputs.dns, "none");
    const { errors } = await engine.up(program("new.sip.example.com", { accountApiKey: body.token }));
    assert.match(errors.join(), /the realm new.sip.example.com is set, but the platform made no DNS records .* take accountApiKey out/);
    assert.deepEqual(await engine.up(program("new.sip.example.com")), { steps: ["update realm"], errors: [] });
  });

  it("a realm that an account's own key may not set by its account is refused with what to declare instead", async () => {
    const accountSid = await made(target.sandbox, "/Accounts", { name: "a", service_provider_sid: target.serviceProviderSid });
    const { body } = await target.sandbox.outside("POST", "/ApiKeys", { account_sid: accountSid });
    target.variables.JAMBONZ_API_KEY = body.token;
    const state = { sid: accountSid, name: "a", serviceProviderSid: target.serviceProviderSid };
    await assert.rejects(
      lifecycle("jambonz:Account").update(accountSid, state, { name: "a", sipRealm: "a.sip.example.com" }),
      /a realm is set by a jambonz\.SipRealm and not by sipRealm \(400\)/,
    );
  });

  it("an id that was edited by hand reaches nothing of another kind", async () => {
    const { serviceProviderSid } = target;
    const id = `../ServiceProviders/${serviceProviderSid}`;
    const account = lifecycle("jambonz:Account");
    await assert.rejects(account.delete(id, { sid: "x", forceDestroy: true }), /is not the id of a/);
    await assert.rejects(account.update(id, { sid: "x", name: "x" }, { name: "renamed" }), /is not the id of a/);
    assert.deepEqual(target.sandbox.requests, []);
  });

  it("an account that a web page answered for is looked for a while, and the page is told", async () => {
    let isAway = false;
    const portal = await serve((request, response) => {
      isAway ||= request.method === "POST";
      if (isAway) response.setHeader("content-type", "text/html").end("<!doctype html><html>Portal</html>");
      else response.setHeader("content-type", "application/json").end("[]");
    });
    const creation = lifecycle("jambonz:Account", portal.url).create({ name: "a", serviceProviderSid: target.serviceProviderSid });
    const told = await creation.then(
      () => "",
      (error: Error) => error.message,
    );
    await portal.stop();
    assert.match(
      told,
      /whether it was made all the same could not be found out \(jambonz at \S+ answered 200 with a web page instead of its API/,
    );
  });

  it("a realm that was imported and never refreshed is cleared by a destroy", async () => {
    const accountSid = await made(target.sandbox, "/Accounts", {
      name: "a",
      service_provider_sid: target.serviceProviderSid,
      sip_realm: "a.example.com",
    });
    await lifecycle("jambonz:SipRealm").delete(accountSid, { accountApiKey: "" });
    assert.equal((await accountsOf(target)).a.sip_realm, null);
  });
});

describe("of two things at once, one of which asks for everything that the other asks for, and more,", () => {
  const isCreation = (line: string) => /^POST \S*\/(Accounts|Applications\.json)$/.test(line);

  /** Two of a type at a platform, the first of which asks for less. */
  interface Pair {
    target: { sandbox: { url: string; stop(): Promise<unknown> }; variables: Record<string, string> };
    program: Declared[];
    /** What is in the request of the one that asks for more. */
    more: RegExp;
    settings: (url: string) => Record<string, string>;
  }

  const pairs: Record<string, () => Promise<Pair>> = {
    "jambonz:Account": async () => {
      const target = await jambonzTarget();
      const args = { serviceProviderSid: target.serviceProviderSid, name: "Acme", allowDuplicateName: true };
      return {
        target,
        program: [
          { type: "jambonz:Account", name: "less", args },
          { type: "jambonz:Account", name: "more", args: { ...args, planType: "paid" } },
        ],
        more: /paid/,
        settings: (url) => ({ JAMBONZ_API_URL: url }),
      };
    },
    "restcomm:Application": async () => ({
      target: await restcommTarget(),
      program: [
        { type: "restcomm:Application", name: "less", args: { friendlyName: "menu" } },
        { type: "restcomm:Application", name: "more", args: { friendlyName: "menu", kind: "sms" } },
      ],
      more: /sms/i,
      settings: (url) => ({ RESTCOMM_API_URL: url, RESTCOMM_CONSISTENCY_TIMEOUT: "0" }),
    }),
  };

  const fates = ["lost on the way", "made without an answer", "made and answered late"] as const;
  type Fate = (typeof fates)[number];

  for (const [type, open] of Object.entries(pairs)) {
    for (const less of fates)
      for (const more of fates) {
        it(`each ${type} is its own when the one with less is ${less} and the other ${more}`, async () => {
          const { target, program, more: isMore, settings } = await open();
          const fateOf: Record<string, Fate> = { less, more };
          const seen = new Set<string>();
          const made: [which: string, sid: string][] = [];
          let bothAreSent: () => void, isLookedFor: () => void;
          const sent = new Promise<void>((resolve) => (bothAreSent = resolve));
          const looked = new Promise<void>((resolve) => (isLookedFor = resolve));
          const proxy = await between(target.sandbox.url, async (exchange) => {
            if (!isCreation(exchange.line)) {
              await exchange.pass();
              if (seen.size === 2) isLookedFor();
              return;
            }
            const which = isMore.test(exchange.body) ? "more" : "less";
            const fate = seen.has(which) ? undefined : fateOf[which];
            if (fate !== "lost on the way") {
              const { sid } = JSON.parse(await exchange.carry()) as { sid: string };
              made.push([which, sid]);
            }
            if (!fate) return exchange.answer();
            seen.add(which);
            if (seen.size === 2) bothAreSent();
            await sent;
            if (fate !== "made and answered late") return exchange.cut();
            if (less !== more) await looked;
            await new Promise((resolve) => setTimeout(resolve, 20)); // for whoever looks, and does not wait
            await exchange.answer();
          });
          const engine = new Engine({ environment: () => ({ ...target.variables, ...settings(proxy.url) }), pace: 0.005, log: () => {} });
          assert.deepEqual((await engine.up(program)).errors, []);
          assert.deepEqual(engine.entries.map(({ name, outputs }) => [name, outputs.sid]).sort(), made.sort());
          assert.deepEqual((await engine.refresh()).errors, []);
          assert.deepEqual(await engine.up(program), { steps: [], errors: [] });
          await proxy.stop();
          await target.sandbox.stop();
        });
      }
  }

  it("none is given what a proxy tells of the other", async () => {
    const { target, program, settings } = await pairs["jambonz:Account"]!();
    let told: string | undefined;
    const proxy = await between(target.sandbox.url, async (exchange) => {
      await exchange.carry();
      if (!isCreation(exchange.line)) return exchange.answer();
      await exchange.answer((text) => (told ??= text));
    });
    const engine = new Engine({ environment: () => ({ ...target.variables, ...settings(proxy.url) }), pace: 0.005, log: () => {} });
    const { errors } = await engine.up(program);
    assert.equal(errors.length, 1);
    assert.match(errors[0]!, /the platform answered with [0-9a-f-]{36}, which another resource of this run was given already/);
    assert.equal(engine.entries.length, 1);
    await proxy.stop();
    await target.sandbox.stop();
  });
});
