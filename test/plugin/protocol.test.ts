import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceError } from "@grpc/grpc-js";
import type * as proto from "@pulumi/pulumi/proto/provider_pb";
import type { z } from "zod";
import { platform, platformNames } from "../../provider/platforms";
import { Empty, messages } from "../../provider/plugin/messages";
import { traitsOf } from "../../provider/schema";
import { UNKNOWN } from "../../provider/values";
import { version } from "../../sdk/version";
import { asked, jambonzTarget, made, type Target } from "../support/jambonz";
import { keptBy, secret, TestPlugin } from "../support/plugin";

const SID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

async function errorOf(promise: Promise<unknown>): Promise<ServiceError> {
  return promise.then(
    () => assert.fail("it should have failed"),
    (error: ServiceError) => error,
  );
}

describe("the provider plugin", () => {
  let target: Target;
  let plugin: TestPlugin;
  let key: string;

  before(async () => {
    target = await jambonzTarget();
    key = target.key;
    plugin = await TestPlugin.start({ apiUrl: target.sandbox.url, apiKey: secret(key) });
  });
  beforeEach(() => {
    target.sandbox.clearFaults();
    target.sandbox.clearRequests();
  });
  after(async () => {
    plugin.stop();
    await target.sandbox.stop();
  });

  /** An account as the engine has it in state. */
  async function account(name: string, more: Record<string, unknown> = {}) {
    const { inputs, reasons } = await plugin.check("Account", { serviceProviderSid: target.serviceProviderSid, ...more }, name);
    assert.deepEqual(reasons, []);
    return { inputs, ...(await plugin.create("Account", inputs)) };
  }

  it("tells the engine that it takes secrets as such and makes previews itself", async () => {
    const configured = await plugin.configure({ apiUrl: target.sandbox.url, apiKey: secret(key) });
    assert.deepEqual([configured.getAcceptsecrets(), configured.getSupportspreview()], [true, true]);
    const handshake = await plugin.call<proto.ProviderHandshakeResponse>("handshake", new messages.ProviderHandshakeRequest());
    assert.equal(handshake.getAcceptSecrets(), true);
    const info = await plugin.call<{ getVersion(): string }>("getPluginInfo", new Empty());
    assert.equal(info.getVersion(), version);
  });

  describe("its settings", () => {
    it("names every wrong one, and shows no secret", async () => {
      const other = await TestPlugin.start({});
      const { reasons } = await other.checkConfig({
        apiUrl: "ftp://x",
        requestTimeout: "soon",
        apikey: "hush-hush-hush",
        apiKey: secret(""),
      });
      other.stop();
      assert.deepEqual(reasons, [
        "jambonz: apikey is not a property of Provider; did you mean apiKey?",
        "jambonz:apiUrl must be a URL that begins with https:// or http://",
        "jambonz:requestTimeout must be a number",
      ]);
    });

    it("show no secret in the place of another either", async () => {
      const other = await TestPlugin.start({});
      const { reasons } = await other.checkConfig({ apiUrl: secret("hush-hush-hush"), requestTimeout: secret("hush-hush-too") });
      other.stop();
      assert.equal(reasons.length, 2);
      assert.doesNotMatch(reasons.join(), /hush/);
    });

    it("are complete without a key until the first request, and without a URL too", async () => {
      const keyless = await TestPlugin.start({ apiUrl: target.sandbox.url });
      const homeless = await TestPlugin.start({});
      try {
        const { inputs, reasons } = await keyless.check("Account", {});
        assert.deepEqual(reasons, []);
        assert.equal((await keyless.create("Account", inputs, { preview: true })).properties.name, "acme");
        assert.match(
          (await errorOf(keyless.read("Account", SID))).details,
          /^Account \(.*\): jambonz needs an API key: JAMBONZ_API_KEY in the/,
        );
        assert.deepEqual((await homeless.check("Account", {})).reasons, []);
        assert.match((await errorOf(homeless.read("Account", SID))).details, /jambonz needs jambonz:apiUrl/);
      } finally {
        keyless.stop();
        homeless.stop();
      }
    });

    it("of an explicit provider win over the environment, those of the stack's configuration do not", async () => {
      const { inputs: explicit } = await plugin.checkConfig({ apiKey: secret("mine") });
      const ofTheStack = { apiKey: secret("mine"), apiUrl: target.sandbox.url, version: "0.1.0" };
      const { inputs: configured } = await plugin.checkConfig(ofTheStack, "default_0_1_0");
      assert.equal(explicit.__explicit, true);
      assert.equal(configured.__explicit, undefined);
      assert.deepEqual(explicit.apiKey, secret("mine"));
      const second = await TestPlugin.start({});
      process.env.JAMBONZ_API_KEY = key;
      try {
        await second.configure(configured);
        assert.equal(
          (await second.read("Account", (await account("read-with-the-environment")).id)).properties?.name,
          "read-with-the-environment",
        );
        await second.configure({ ...explicit, apiUrl: target.sandbox.url });
        assert.match((await errorOf(second.read("Account", SID))).details, /the API key is not valid/);
      } finally {
        delete process.env.JAMBONZ_API_KEY;
        second.stop();
      }
    });

    it("are told apart from the stack's configuration by the name that the engine gives, and by nothing like it", async () => {
      const plugins = "https_/plugins.example.com/pulumi-cpaas";
      const cases: [name: string, version: string | undefined, isExplicit: boolean][] = [
        ["default", undefined, false],
        ["default_0_1_0", "0.1.0", false],
        ["default_1_0_0_beta_2_exp_sha", "1.0.0-beta.2+exp.sha", false],
        [`default_${plugins}`, undefined, false],
        [`default_0_1_0_${plugins}`, "0.1.0", false],
        ["default_eu", undefined, true],
        ["default_eu", "0.1.0", true],
        ["default", "0.1.0", true],
        ["default_0_1_0_eu", "0.1.0", true],
        ["default_0_1_0", "0.2.0", true],
        ["defaults", undefined, true],
      ];
      for (const [name, version, isExplicit] of cases) {
        const { inputs } = await plugin.checkConfig(version ? { version } : {}, name);
        assert.equal(inputs.__explicit === true, isExplicit, `${name} of ${version}`);
      }
      const { inputs: ofComponent } = await plugin.checkConfig({}, "default", "parent:index:Component$");
      assert.equal(ofComponent.__explicit, true, "the engine's own have no parent");
    });

    it("let two providers with keys of their own work side by side", async () => {
      const { body } = await target.sandbox.outside("POST", "/ApiKeys", { service_provider_sid: target.serviceProviderSid });
      const other = await TestPlugin.start({ apiUrl: target.sandbox.url, apiKey: secret((body as { token: string }).token) });
      try {
        await Promise.all([account("of-the-first"), other.create("Account", { name: "of-the-second" })]);
        const keys = target.sandbox.requests.filter(({ method }) => method === "POST").map(({ scope }) => scope);
        assert.deepEqual(keys.sort(), ["admin", "serviceProvider"]);
      } finally {
        other.stop();
      }
    });

    it("that change never replace the provider", async () => {
      const olds = { apiUrl: "https://a", apiKey: secret("old"), __explicit: true };
      const news = { apiUrl: "https://b", apiKey: secret("new"), maxRetries: "1", __explicit: true };
      const difference = await plugin.diff("Account", "id", olds, news, { method: "diffConfig" });
      assert.deepEqual(difference, {
        changes: true,
        replaces: [],
        deleteBeforeReplace: false,
        details: { apiUrl: "UPDATE", apiKey: "UPDATE", maxRetries: "ADD" },
      });
      assert.equal((await plugin.diff("Account", "id", olds, olds, { method: "diffConfig" })).changes, false);
    });
  });

  describe("check", () => {
    it("takes the name from the URN, but not in the place of one that is given", async () => {
      assert.equal((await plugin.check("Account", {}, "a::b")).inputs.name, "a::b");
      assert.equal((await plugin.check("Account", { name: "mine" })).inputs.name, "mine");
      assert.deepEqual((await plugin.check("ApiKey", { accountSid: SID })).inputs, { accountSid: SID });
    });

    it("tells everything that is wrong, without a value that is secret", async () => {
      const { reasons } = await plugin.check("Limit", { accountSid: SID, category: "nonsense", quantity: secret(-77) });
      assert.deepEqual(reasons, [
        'category must be api_rate, voice_call_session, device, voice_call_minutes, voice_call_session_license or voice_call_minutes_license, not "nonsense"',
        "quantity must be at least 0, not [secret]",
      ]);
      assert.equal(target.sandbox.requests.length, 0);
    });

    it("marks secrets that the definition knows, nested ones too, and keeps those that the program marks", async () => {
      const { inputs } = await plugin.check("Account", {
        name: secret("hidden"),
        registrationHook: { url: "https://example.com", password: "p-a-s-s" },
      });
      assert.deepEqual(inputs, {
        name: secret("hidden"),
        registrationHook: { url: "https://example.com", password: secret("p-a-s-s") },
      });
    });

    it("lets pass what a preview does not know yet, of every type, bare or wrapped as an output", async () => {
      const number = "3eeb2bf0-c639-47a8-9e75-3b44932eb421";
      const output = { "4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4", secret: true, dependencies: ["urn"] };
      const { inputs, reasons } = await plugin.check("Limit", {
        accountSid: output,
        category: { ...output, value: "device" },
        quantity: number,
      });
      assert.deepEqual(reasons, []);
      assert.deepEqual(inputs, { accountSid: secret(UNKNOWN), category: secret("device"), quantity: UNKNOWN });
    });
  });

  describe("diff", () => {
    it("tells each place and its kind, and what replaces", async () => {
      const state = {
        sid: SID,
        name: "acme",
        serviceProviderSid: SID,
        planType: "free",
        registrationHook: { url: "https://a", username: "u" },
      };
      const news = {
        name: "acme",
        serviceProviderSid: UNKNOWN,
        registrationHook: { url: "https://b", method: "POST", password: secret("p") },
        sipRealm: "acme.example.com",
      };
      assert.deepEqual(await plugin.diff("Account", SID, state, news), {
        changes: true,
        replaces: ["serviceProviderSid"],
        deleteBeforeReplace: true,
        details: {
          serviceProviderSid: "UPDATE_REPLACE",
          planType: "DELETE",
          "registrationHook.url": "UPDATE",
          "registrationHook.username": "DELETE",
          "registrationHook.password": "ADD",
          sipRealm: "ADD",
        },
      });
    });

    it("finds nothing where nothing changed, nor where the change is to be ignored", async () => {
      const state = { sid: SID, name: "acme", planType: "free", registrationHook: { url: "https://a", method: "POST" } };
      const same = await plugin.diff("Account", SID, state, { name: "acme", planType: "free", registrationHook: { url: "https://a" } });
      assert.deepEqual([same.changes, same.details], [false, {}]);
      const news = { ...state, planType: "paid", registrationHook: { url: "https://b", method: "POST", username: "u" } };
      const ignored = ["planType", "registrationHook.url", "registrationHook.username"];
      assert.equal((await plugin.diff("Account", SID, state, news, { ignoreChanges: ignored })).changes, false);
      const { details } = await plugin.diff("Account", SID, state, news, { ignoreChanges: ignored.slice(1) });
      assert.deepEqual(details, { planType: "UPDATE" });
    });

    for (const path of [
      "*",
      "registrationHook",
      "registrationHook.*",
      'registrationHook["url"]',
      '["registrationHook"].url',
      '["registrationHook"]["url"]',
    ])
      it(`leave out what ${path} names`, async () => {
        const state = { name: "acme", serviceProviderSid: SID, registrationHook: { url: "https://a" }, sid: SID };
        const news = { ...state, registrationHook: { url: "https://b" } };
        assert.equal((await plugin.diff("Account", SID, state, news)).changes, true);
        assert.equal((await plugin.diff("Account", SID, state, news, { ignoreChanges: [path] })).changes, false);
      });

    for (const path of ["registrationHook.method", 'registrationHook["url', "registrationHook[0]", "name.url", "", "queueEventHook.url"])
      it(`are all seen where ${path || "an empty path"} names nothing that changed`, async () => {
        const state = { name: "acme", serviceProviderSid: SID, registrationHook: { url: "https://a" }, sid: SID };
        const news = { ...state, registrationHook: { url: "https://b" } };
        const { details } = await plugin.diff("Account", SID, state, news, { ignoreChanges: [path] });
        assert.deepEqual(details, { "registrationHook.url": "UPDATE" });
      });
  });

  describe("previews", () => {
    it("of a creation show what is known, and nothing else, and send nothing", async () => {
      const { id, properties } = await plugin.create("Account", { name: "new", sipRealm: UNKNOWN }, { preview: true });
      assert.equal(id, "");
      assert.deepEqual(properties, {
        name: "new",
        sipRealm: UNKNOWN,
        serviceProviderSid: UNKNOWN,
        sid: UNKNOWN,
        webhookSecret: secret(UNKNOWN),
        createdAt: UNKNOWN,
      });
      assert.equal(target.sandbox.requests.length, 0);
    });

    it("of an update show what the update then gives", async () => {
      const { id, inputs, properties: state } = await account("previewed");
      const news = { ...inputs, planType: "paid", name: "renamed" };
      target.sandbox.clearRequests();
      const promised = await plugin.update("Account", id, state, news, { preview: true });
      assert.equal(target.sandbox.requests.length, 0);
      assert.equal(promised.sid, id);
      assert.deepEqual(promised, await plugin.update("Account", id, state, news));
    });

    it("of an update do not promise what it may change", async () => {
      const { id: accountSid } = await account("with-a-realm");
      const inputs = { accountSid, realm: "one.sip.example.com" };
      const { id, properties: state } = await plugin.create("SipRealm", inputs);
      const promised = await plugin.update("SipRealm", id, state, { ...inputs, realm: "two.sip.example.com" }, { preview: true });
      assert.deepEqual([promised.realm, promised.dns, state.dns], ["two.sip.example.com", UNKNOWN, "none"]);
    });
  });

  it("creates, and gives secrets back as secrets", async () => {
    const { id, properties } = await account("secretive", {
      registrationHook: secret({ url: "https://example.com", password: "p" }),
      queueEventHook: { url: "https://example.com", password: secret("q") },
      sipRealm: secret("secretive.sip.example.com"),
    });
    const row = (await target.sandbox.outside("GET", `/Accounts/${id}`)).body as Record<string, any>;
    assert.deepEqual([row.name, row.registration_hook.password], ["secretive", "p"]);
    assert.deepEqual(properties.registrationHook, secret({ url: "https://example.com", password: "p" }));
    assert.deepEqual(properties.queueEventHook, { url: "https://example.com", password: secret("q") });
    assert.deepEqual(properties.sipRealm, secret("secretive.sip.example.com"));
    assert.deepEqual(properties.webhookSecret, secret(row.webhook_secret));
    assert.equal(properties.sid, id);
  });

  it("keeps an object whose creation was not finished, with its id, its state and the reason", async () => {
    target.sandbox.addFault({ match: { method: "PUT" }, fault: { status: 400, body: { msg: "no bucket today" } }, times: "always" });
    const bucketCredential = {
      vendor: "s3_compatible",
      endpoint: "https://s3",
      region: "eu-1",
      name: "b",
      accessKeyId: "i",
      secretAccessKey: "very-secret",
    };
    const error = await errorOf(account("half-made", { bucketCredential }));
    const kept = keptBy(error)!;
    assert.match(kept.reasons[0]!, /^jambonz refused to create Account "half-made" \(.*\): no bucket today \(400\)$/);
    assert.equal(error.details, kept.reasons[0]);
    assert.equal(kept.properties.name, "half-made");
    assert.equal("bucketCredential" in kept.properties, false);
    target.sandbox.clearFaults();
    const next = await plugin.update("Account", kept.id, kept.properties, { name: "half-made", bucketCredential });
    assert.deepEqual(next.bucketCredential, { ...bucketCredential, secretAccessKey: secret("very-secret") });
  });

  it("answers with no secret in clear where the kind of an object is not known yet", async () => {
    const bucketCredential = { vendor: UNKNOWN, name: "b", secretAccessKey: "very-secret" };
    const { inputs } = await plugin.check("Account", { bucketCredential }, "not-known");
    assert.deepEqual(inputs.bucketCredential, { ...bucketCredential, secretAccessKey: secret("very-secret") });
  });

  it("keeps what an update may have changed, when its answer was lost", async () => {
    const { id, inputs, properties } = await account("lost-update");
    target.sandbox.addFault({ match: { method: "PUT" }, fault: "dropAnswer", times: "always" });
    const impatient = await TestPlugin.start({ apiUrl: target.sandbox.url, apiKey: secret(key), maxRetries: 0 });
    try {
      const error = await errorOf(impatient.update("Account", id, properties, { ...inputs, planType: "paid" }));
      const kept = keptBy(error)!;
      assert.equal(kept.id, id);
      assert.equal((await plugin.diff("Account", id, kept.properties, inputs)).changes, true);
    } finally {
      impatient.stop();
    }
  });

  it("tells a refusal in one sentence and keeps nothing", async () => {
    const { inputs, id } = await account("taken");
    const later = await TestPlugin.start({ apiUrl: target.sandbox.url, apiKey: secret(key) });
    try {
      const error = await errorOf(later.create("Account", inputs));
      const adopt = `adopt it (\`pulumi import jambonz:index:Account <name> ${id}\`)`;
      const start = `Account "taken": its service provider already has an account of this name: ${id}; ${adopt}`;
      assert.equal(error.details.slice(0, start.length), start);
      assert.equal(keptBy(error), undefined);
    } finally {
      later.stop();
    }
  });

  it("reads for an import by the id alone, and what it reads is what a program says", async () => {
    const sid = await made(target.sandbox, "/Accounts", { name: "found", service_provider_sid: target.serviceProviderSid });
    const { id, inputs, properties } = await plugin.read("Account", sid);
    assert.equal(id, sid);
    assert.deepEqual(inputs, { name: "found" });
    assert.equal((properties!.webhookSecret as { value: string }).value.length > 0, true);
    assert.equal((await plugin.diff("Account", id, properties!, inputs)).changes, false);
    const declared = { ...inputs, serviceProviderSid: target.serviceProviderSid };
    assert.equal((await plugin.diff("Account", id, properties!, declared)).changes, false);
  });

  it("reads for an import no secret inside of an object, because the program that Pulumi writes then would show it", async () => {
    const registration_hook = { url: "https://example.com", method: "GET", username: "u", password: "of-the-hook" };
    const body = { name: "hooked", service_provider_sid: target.serviceProviderSid, registration_hook };
    const { inputs } = await plugin.read("Account", await made(target.sandbox, "/Accounts", body));
    assert.deepEqual(inputs, { name: "hooked", registrationHook: { url: "https://example.com", method: "GET", username: "u" } });
  });

  it("reads drift for a refresh with secrets as they were, and an empty id when it is gone", async () => {
    const { id, inputs, properties } = await account("drifting", { sipRealm: secret("drifting.sip.example.com") });
    await target.sandbox.outside("PUT", `/Accounts/${id}`, { sip_realm: "other.sip.example.com" });
    const live = await plugin.read("Account", id, properties, inputs);
    assert.deepEqual([live.inputs!.sipRealm, live.properties!.sipRealm], Array(2).fill(secret("other.sip.example.com")));
    await target.sandbox.outside("DELETE", `/Accounts/${id}`);
    const fresh = await TestPlugin.start({ apiUrl: target.sandbox.url, apiKey: secret(key) }); // lists are shared for a while
    try {
      assert.deepEqual(await fresh.read("Account", id, properties, inputs), { id: "", properties: undefined, inputs: undefined });
    } finally {
      fresh.stop();
    }
  });

  it("deletes, and what is gone already is a success", async () => {
    const { id, properties } = await account("to-go");
    await plugin.delete("Account", id, properties);
    await plugin.delete("Account", id, properties);
    assert.equal((await target.sandbox.outside("GET", `/Accounts/${id}`)).status, 404);
  });

  it("answers look-ups, and does not ask for what is not known yet", async () => {
    const { id } = await account("looked-up");
    assert.equal((await plugin.invoke("getAccount", { name: "looked-up" })).sid, id);
    assert.match(
      (await errorOf(plugin.invoke("getAccount", { name: "nobody" }))).details,
      /^jambonz\.getAccount: there is no account named/,
    );
    target.sandbox.clearRequests();
    for (const name of ["nobody", UNKNOWN])
      assert.equal(
        (await errorOf(plugin.invoke("getNothing", { name }))).details,
        "this version of pulumi-cpaas knows no jambonz:getNothing",
      );
    assert.equal((await plugin.invoke("getAccount", { name: UNKNOWN })).sid, UNKNOWN);
    assert.equal(target.sandbox.requests.length, 0);
  });

  it("keeps to the time limit of a resource", async () => {
    const { id, inputs, properties } = await account("hurried");
    target.sandbox.addFault({ match: { method: "PUT" }, fault: "drop", times: "always" });
    target.sandbox.clearRequests();
    const error = await errorOf(plugin.update("Account", id, properties, { ...inputs, planType: "paid" }, { timeout: 0.3 }));
    assert.match(
      error.details,
      /^Account "hurried" \(.*\): jambonz at .* (the time for one operation, 0\.3 s, is used up|no answer within the 0\.3 s that one operation may take)$/,
    );
    assert.ok(asked(target).length < 5, "without a limit it would have tried six times");
  });

  it("stops waiting at once when the run is cancelled, but waits for a write under way and sends no more", async () => {
    const hasty = await TestPlugin.start({ apiUrl: target.sandbox.url, apiKey: secret(key) });
    try {
      const { id, properties } = await account("cancelled-read");
      target.sandbox.addFault({ match: { method: "GET", path: "/Accounts/*" }, fault: "slow", delayMs: 60_000, times: "always" });
      target.sandbox.addFault({
        match: { method: "GET", path: "/ServiceProviders/*/Accounts" },
        fault: "slow",
        delayMs: 60_000,
        times: "always",
      });
      const limit = { accountSid: id, category: "device", quantity: 1 };
      target.sandbox.addFault({ match: { method: "POST" }, fault: "slow", delayMs: 400 });
      target.sandbox.clearRequests();
      const reading = errorOf(hasty.read("Account", id, properties));
      const writing = hasty.create("Limit", limit);
      await sleep(200);
      await hasty.cancel();
      assert.match((await reading).details, /^Account "cancelled-read" \(.*\): the run was cancelled$/);
      await writing;
      const count = target.sandbox.requests.length;
      assert.match((await errorOf(hasty.create("Limit", { ...limit, category: "api_rate" }))).details, /^Limit: the run was cancelled$/);
      assert.equal(target.sandbox.requests.length, count);
    } finally {
      hasty.stop();
    }
  });
});

describe("the schemas of the plugins", () => {
  const packageSchema = (name: string) => require(`../../plugins/${name}/schema.json`) as Record<string, any>;

  for (const name of platformNames) {
    it(`of ${name}: every reference leads somewhere, and nothing is required that a program need not say`, () => {
      const schema = packageSchema(name);
      const text = JSON.stringify(schema);
      for (const [, token] of text.matchAll(/"#\/types\/([^"]+)"/g)) assert.ok(token! in schema.types, token);
      assert.deepEqual(
        Object.keys(schema.resources as object),
        platform(name).resources.map(({ type }) => type.replace(":", ":index:")),
      );
      for (const [token, resource] of Object.entries<any>(schema.resources)) {
        for (const property of resource.requiredInputs) assert.ok(property in resource.inputProperties, `${token} ${property}`);
        for (const property of resource.required) assert.ok(property in resource.properties, `${token} ${property}`);
      }
      assert.deepEqual(schema.provider.requiredInputs, undefined);
      const secrets = Object.entries(platform(name).settings.shape as Record<string, z.ZodType>).filter(
        ([, setting]) => traitsOf(setting).secret,
      );
      assert.ok(secrets.length > 0);
      for (const [setting] of secrets) assert.equal(schema.config.variables[setting].secret, true, setting);
    });
  }

  it("tell secrets, enumerations, unions and what replaces", () => {
    const { resources, types } = packageSchema("jambonz");
    assert.equal(resources["jambonz:index:ApiKey"].properties.token.secret, true);
    assert.equal(resources["jambonz:index:Limit"].inputProperties.category.willReplaceOnChanges, true);
    assert.deepEqual(types["jambonz:index:PlanType"].enum[0], { name: "Trial", value: "trial" });
    assert.equal(types["jambonz:index:Webhook"].properties.password.secret, true);
    const bucket = resources["jambonz:index:Account"].inputProperties.bucketCredential;
    assert.equal(bucket.discriminator.mapping.google, "#/types/jambonz:index:GoogleBucketCredential");
    assert.equal(resources["jambonz:index:Account"].requiredInputs.includes("name"), false);
  });
});
