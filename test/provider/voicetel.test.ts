import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { look } from "../../provider/lookup";
import type { Properties } from "../../provider/resource";
import type { Session } from "../../provider/session";
import { validate } from "../../provider/validate";
import { UNKNOWN } from "../../provider/values";
import { account } from "../../provider/voicetel/account";
import { apiKey } from "../../provider/voicetel/api-key";
import { HourlyCalls } from "../../provider/voicetel/hourly-calls";
import type { FaultRule } from "../../sandbox/src";
import { Engine } from "../support/engine";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";
import { accountsOf, added, asked, voicetelTarget, type Target } from "../support/voicetel";

const HOUR = 3_600_000;
const number = 4592086960;
const acme = (args: object = {}): Declared => ({
  type: "voicetel:Account",
  name: "Acme",
  args: { username: number, email: "billing@example.com", ...args },
});
const key = (args: object = {}): Declared => ({
  type: "voicetel:ApiKey",
  name: "key",
  args: { username: { $ref: "Acme.username" }, password: { $ref: "Acme.password" }, ...args },
});

describe("an account of voicetel", () => {
  let target: Target;
  let engine: Engine;
  let lines: string[];

  beforeEach(async () => {
    target = await voicetelTarget();
    lines = [];
    engine = newEngine();
  });
  afterEach(() => target.stop());

  const newEngine = (more: Record<string, string> = {}) =>
    new Engine({ environment: () => ({ ...target.variables, ...more }), pace: 0.01, log: (line) => lines.push(line) });

  async function failsWith(pattern: RegExp, program: Declared[]): Promise<void> {
    const { errors } = await engine.up(program);
    assert.equal(errors.length, 1, errors.join("\n"));
    assert.match(errors[0]!, pattern);
  }

  it("is added with its key, by one request each, and keeps its password in state", async () => {
    const { steps, errors } = await engine.up([acme(), key()]);
    assert.deepEqual([steps, errors], [["create Acme", "create key"], []]);
    assert.deepEqual(asked(target), ["add", "apikey"]);
    const row = (await accountsOf(target)).Acme!;
    const inputs = { name: "Acme", username: number, email: "billing@example.com" };
    const outputs = (name: string) => {
      const { __place: _, __chosen: __, ...rest } = engine.find(name)!.outputs;
      return rest;
    };
    assert.deepEqual(outputs("Acme"), { ...inputs, masterAccount: number, password: row.password });
    assert.deepEqual(outputs("key"), { username: number, password: row.password, apiKey: row.apikey });
    assert.deepEqual([engine.find("Acme")!.id, engine.find("key")!.id], [String(number), String(number)]);
  });

  it("asks for nothing when nothing has changed, nor in a refresh, and says so", async () => {
    await engine.up([acme(), key()]);
    target.sandbox.clearRequests();
    assert.deepEqual(await engine.up([acme(), key()]), { steps: [], errors: [] });
    await target.sandbox.outside("PUT", `/rows/accounts/${number}`, { name: "changed" });
    assert.deepEqual(await engine.refresh(), { steps: [], errors: [] });
    assert.deepEqual(asked(target), []);
    assert.equal(lines.filter((line) => /^VoiceTel: accounts and keys are not looked at in a refresh/.test(line)).length, 1);
    assert.deepEqual(await engine.up([acme({ masterAccount: number }), key()]), { steps: [], errors: [] });
  });

  for (const [name, args] of Object.entries({
    name: { name: "Acme Corp" },
    email: { email: "other@example.com" },
    masterAccount: { masterAccount: 2000000001 },
    username: { username: 2000000001 },
  })) {
    it(`refuses a change of its ${name} before anything is done`, async () => {
      await engine.up([acme()]);
      target.sandbox.clearRequests();
      await failsWith(
        new RegExp(`^Account "Acme" \\(${number}\\): ${name} cannot be changed, because VoiceTel has no way to change an account; `),
        [acme(args)],
      );
      assert.deepEqual(asked(target), []);
      assert.deepEqual(await engine.up([acme()]), { steps: [], errors: [] });
    });
  }

  it("does not take a value that a preview does not know yet for a change", async () => {
    await engine.up([acme()]);
    const { outputs } = engine.find("Acme")!;
    const session = sessionOf("voicetel", target.variables);
    const { changed, replaces } = lifecycleOf("voicetel:Account", session).diff(String(number), outputs, { ...outputs, email: UNKNOWN });
    assert.deepEqual([changed, replaces], [["email"], []]);
  });

  it("is never reported deleted", async () => {
    await engine.up([acme(), key()]);
    target.sandbox.clearRequests();
    const { steps, errors } = await engine.up([]);
    assert.deepEqual(steps, ["delete key"]);
    assert.match(
      errors[0]!,
      new RegExp(
        `^Account "Acme" \\(${number}\\): VoiceTel has no way to delete account ${number}; .*\`retainOnDelete: true\`.* lives on and is billed`,
      ),
    );
    assert.ok(engine.find("Acme"));
    assert.match((await engine.destroy()).errors[0]!, /no way to delete/);
    assert.deepEqual(asked(target), []);
  });

  it("is not added twice in one program", async () => {
    const { errors } = await engine.up([acme(), { ...acme({ email: "b@example.com" }), name: "Second" }]);
    assert.match(errors.join(), /another Account of this program manages the same thing/);
    assert.deepEqual(asked(target), ["add"]);
  });

  it("tells what may be behind a conflict, and how to adopt", async () => {
    await added(target, { username: number, name: "x", email: "x@example.com" });
    await failsWith(
      /^VoiceTel refused to create Account "Acme": it failed, and VoiceTel does not tell why: username 4592086960 or the e-mail address may be taken already; .*`npx pulumi-cpaas adopt voicetel:Account <name> 4592086960`\) \(409\)$/,
      [acme()],
    );
  });

  const lost: [string, FaultRule][] = [
    ["whose answer is lost", { fault: "dropAnswer" }],
    ["that gets no answer", { fault: "drop" }],
    ["whose answer breaks off", { fault: "truncated" }],
    ["whose answer is empty", { fault: "empty" }],
    ["whose answer is a web page", { fault: "html" }],
    ["that is answered 403 with a web page", { fault: { status: 403, body: "<!doctype html><html>Blocked</html>" } }],
    ["that is answered 503", { fault: { status: 503 } }],
    ["that is answered 500", { fault: { status: 500, body: { statusCode: "500", status: "Error", message: "oops" } } }],
    ["whose answer has no account", { fault: { status: 200, body: { statusCode: "200", status: "Success" } } }],
  ];
  for (const [what, fault] of lost) {
    it(`is not added again after a request ${what}`, async () => {
      target.sandbox.addFault(fault);
      await failsWith(
        /account 4592086960 may have been made all the same, with a password that nobody has seen, so it is not tried again/,
        [acme()],
      );
      assert.deepEqual(asked(target), ["add"]);
    });
  }

  it("can be added after a run in which the server could not be reached", async () => {
    engine = newEngine({ VOICETEL_API_URL: "http://127.0.0.1:1", VOICETEL_MAX_RETRIES: "1" });
    await failsWith(/VoiceTel at 127\.0\.0\.1:1 cannot be reached: the connection was refused/, [acme()]);
    engine = newEngine();
    assert.deepEqual((await engine.up([acme()])).errors, []);
  });

  it("stays in state when the answer lacks its password", async () => {
    target.sandbox.addFault({ fault: { status: 200, body: { statusCode: "200", status: "Success", account: { name: "Acme" } } } });
    await failsWith(/account 4592086960 was made, but VoiceTel's answer lacks its password/, [acme()]);
    assert.equal(engine.find("Acme")!.id, String(number));
    assert.deepEqual((await engine.up([acme()])).errors, []);
    assert.deepEqual(asked(target), ["add"]);
  });

  it("takes a refusal inside of a 200 for a refusal", async () => {
    const answer = (statusCode: string, message: string) =>
      target.sandbox.addFault({ fault: { status: 200, body: { statusCode, status: "Error", message, account: { password: "x" } } } });
    answer("400", "Field Required: name");
    await failsWith(/^VoiceTel refused to create Account "Acme": Field Required: name \(400\)$/, [acme()]);
    answer("409", "Account creation failed");
    await failsWith(/may be taken already.*\(409\)$/, [acme()]);
    answer("200", "no");
    await failsWith(/refused to create Account "Acme": no \(400\)$/, [acme()]);
    assert.equal(engine.find("Acme"), undefined);
  });

  it("needs a key at the first request only, and an administrator's", async () => {
    engine = newEngine({ VOICETEL_API_KEY: "" });
    await failsWith(/VoiceTel needs an API key: VOICETEL_API_KEY in the environment, or `pulumi config set --secret voicetel:apiKey …`$/, [
      acme(),
    ]);
    assert.deepEqual(asked(target), []);
    const other = await added(target, { username: 2000000001, name: "other", email: "o@example.com" });
    engine = newEngine({ VOICETEL_API_KEY: other.apikey });
    await failsWith(/the API key is not valid, or it is not an administrator's \(401\)$/, [acme()]);
  });

  it("goes to VoiceTel's own host unless told otherwise", () => {
    const session = sessionOf("voicetel", {});
    assert.equal(session.client.http.host, "api.voicetel.com");
  });

  it("is adopted by its number, and only what is known then is held against the program", async () => {
    const { password, apikey } = await added(target, { username: number, name: "Acme", email: "billing@example.com" });
    // As an import list leaves it: placeholders for secrets.
    const bare = { dependencies: [], propertyDependencies: {}, inputs: {} };
    engine.entries = [
      { ...bare, name: "Acme", type: "voicetel:Account", id: String(number), outputs: { password: "" } },
      { ...bare, name: "key", type: "voicetel:ApiKey", id: String(number), outputs: { password: "", apiKey: "" } },
    ];
    await engine.refresh();
    await failsWith(/username cannot be changed/, [acme({ username: 2000000001 })]);
    const program = [acme({ masterAccount: number }), key({ username: number, password })];
    assert.deepEqual(await engine.up(program), { steps: ["update Acme", "update key"], errors: [] });
    assert.deepEqual(await engine.refresh(), { steps: [], errors: [] });
    assert.deepEqual(asked(target), ["apikey"]);
    assert.equal(engine.find("key")!.outputs.apiKey, apikey);
    assert.deepEqual(await engine.up(program), { steps: [], errors: [] });
    await failsWith(/email cannot be changed/, [acme({ email: "other@example.com" }), key({ username: number, password })]);
    engine.entries[0]!.id = "Acme";
    assert.match((await engine.refresh()).errors[0]!, /"Acme" is not the id of a resource voicetel:Account, which is <username>/);
  });

  it("says everything that is wrong before any request", () => {
    const wrong = (definition: typeof account | typeof apiKey, inputs: Properties) =>
      validate(definition as never, inputs).map(({ reason }) => reason);
    assert.deepEqual(wrong(account, { name: "", username: 459208696, email: "nobody", masterAccount: "4592086960" }), [
      "username must be a number of ten digits, such as 4592086960",
      "name must not be empty",
      'email must be an e-mail address, not "nobody"',
      'masterAccount must be a number, not "4592086960"',
    ]);
    assert.deepEqual(wrong(account, { name: "a", username: 4592086960.5, email: "a@b", apikey: "x" }), [
      "username must be a number of ten digits, such as 4592086960",
      "apikey is not a property of Account; it has username, name, email, masterAccount",
    ]);
    assert.deepEqual(wrong(apiKey, { username: UNKNOWN, password: 5 }), ["password must be a text"]);
  });

  it("shows no secret in any message", async () => {
    const { password, apikey } = await added(target, { username: number, name: "Acme", email: "billing@example.com" });
    const secrets = [password, apikey, target.sandbox.adminKey];
    const echo = { statusCode: "400", status: "Error", message: `wrong: ${JSON.stringify({ secrets })} ${secrets.join(" ")}` };
    target.sandbox.addFault({ fault: { status: 400, body: echo }, times: "always" });
    const messages = [];
    for (const program of [acme(), key({ username: number, password })]) messages.push(...(await engine.up([program])).errors);
    // Both have to have been told of the secrets: the key of the settings, and the password of the resource.
    assert.equal(messages.length, 2);
    assert.doesNotMatch(messages[0]!, new RegExp(target.sandbox.adminKey));
    assert.doesNotMatch(messages[1]!, new RegExp(`${target.sandbox.adminKey}|${password}`));
    const session = sessionOf("voicetel", target.variables);
    await assert.rejects(look("voicetel:getRegistration", { apiKey: apikey }, session), (error: Error) => {
      assert.match(error.message, /^voicetel\.getRegistration: wrong: .*\[secret\]/);
      return !error.message.includes(apikey) && !error.message.includes(target.sandbox.adminKey);
    });
  });

  describe("has a key that", () => {
    it("is asked for anew when the password changes, and replaced when the account does", async () => {
      await engine.up([acme(), key()]);
      await target.sandbox.outside("PUT", `/rows/accounts/${number}`, { password: "changed123", apikey: "f".repeat(32) });
      assert.deepEqual((await engine.up([acme(), key({ password: "changed123" })])).steps, ["update key"]);
      assert.equal(engine.find("key")!.outputs.apiKey, "f".repeat(32));
      const other = await added(target, { username: 2000000001, name: "other", email: "o@example.com" });
      const { steps } = await engine.up([acme(), key({ username: 2000000001, password: other.password })]);
      assert.deepEqual(steps, ["create key", "delete key"]);
      assert.equal(engine.find("key")!.outputs.apiKey, other.apikey);
      assert.deepEqual(asked(target), ["add", "apikey", "apikey", "apikey"]);
    });

    it("may be called otherwise, also when the run that did it was interrupted", async () => {
      await engine.up([acme(), key()]);
      const renamed = { ...key(), name: "renamed" };
      const bad: Declared = { type: "voicetel:ApiKey", name: "bad", args: { username: 2000000002, password: "wrong" } };
      assert.equal((await engine.up([acme(), renamed, bad])).errors.length, 1);
      assert.deepEqual((await engine.up([acme(), renamed])).errors, []);
      assert.equal(engine.find("key"), undefined);
      assert.ok(engine.find("renamed"));
    });

    it("is kept as it was when it cannot be had anew", async () => {
      await engine.up([acme(), key()]);
      const before = structuredClone(engine.find("key")!.outputs);
      await failsWith(/^VoiceTel refused to update ApiKey \(4592086960\): the username or the password is not valid \(401\)$/, [
        acme(),
        key({ password: "wrong" }),
      ]);
      target.sandbox.addFault({ fault: { status: 429, headers: { "Retry-After": "1800" } } });
      await failsWith(
        /^VoiceTel refused to update ApiKey \(4592086960\): it takes only so many calls .* the next one is possible at \d\d:\d\d:\d\d UTC, in 30 minutes \(429\)$/,
        [acme(), key({ password: "wrong" })],
      );
      assert.deepEqual(engine.find("key")!.outputs, before);
    });

    it("is asked for once only, whatever happens", async () => {
      await engine.up([acme()]);
      for (const fault of ["drop", "dropAnswer", "truncated", "empty"] as const) {
        target.sandbox.clearRequests();
        target.sandbox.addFault({ fault });
        await failsWith(/ApiKey: VoiceTel at .* did not answer: .*; nothing was changed by it, but it counts among the hour's calls/, [
          acme(),
          key(),
        ]);
        assert.deepEqual(asked(target), ["apikey"]);
      }
      assert.deepEqual((await engine.up([acme(), key()])).steps, ["create key"]);
    });

    it("does not count where it is not sent, because the key would go in clear", async () => {
      engine = newEngine({ VOICETEL_API_URL: "http://voicetel.example.com", VOICETEL_CALLS_PER_HOUR: "1" });
      for (let i = 0; i < 2; i++) await failsWith(/no key is sent over plain HTTP/, [key({ username: number, password: "abc" })]);
    });

    it("does not count where it is not sent, because the run was cancelled", async () => {
      await engine.up([acme()]);
      const { password } = (await accountsOf(target)).Acme!;
      const create = (signal?: AbortSignal) => {
        const environment = { ...target.variables, VOICETEL_CALLS_PER_HOUR: "1" };
        const session = sessionOf("voicetel", environment, { signal });
        return lifecycleOf("voicetel:ApiKey", session).create({ username: number, password });
      };
      await assert.rejects(create(AbortSignal.abort()), /the run was cancelled/);
      await create();
      assert.deepEqual(asked(target), ["add", "apikey"]);
    });

    it("waits for another hour when the six calls of this one are used up, while the accounts are added", async () => {
      const program = Array.from({ length: 8 }, (_, i) => [
        { ...acme({ username: number + i, email: `${i}@example.com` }), name: `a${i}` },
        { ...key({ username: number + i, password: { $ref: `a${i}.password` } }), name: `key${i}` },
      ]).flat();
      const { steps, errors } = await engine.up(program);
      assert.equal(steps.filter((step) => step.startsWith("create a")).length, 8);
      assert.equal(steps.filter((step) => step.startsWith("create key")).length, 6);
      assert.equal(errors.length, 2);
      for (const error of errors)
        assert.match(
          error,
          /^ApiKey: VoiceTel takes 6 calls of this kind in an hour, .* the next one is possible at \d\d:\d\d:\d\d UTC, in 60 minutes$/,
        );
      assert.equal(asked(target).filter((verb) => verb === "apikey").length, 6);
      target.sandbox.clearRequests();
      assert.equal((await engine.up(program)).errors.length, 2);
      assert.deepEqual(await engine.refresh(), { steps: [], errors: [] });
      assert.deepEqual(asked(target), []);
    });

    it("is refused by the platform when others have used up the hour", async () => {
      engine = newEngine({ VOICETEL_CALLS_PER_HOUR: "7" });
      await engine.up([acme()]);
      const { url } = target.sandbox;
      for (let i = 0; i < 6; i++) await fetch(`${url}/v2.1/account/info/`, { method: "POST" });
      await failsWith(
        /^VoiceTel refused to create ApiKey: it takes only so many calls of this kind in an hour from one address, and they are used up, by this or by other machines; the next one is possible in an hour at the latest \(429\)$/,
        [acme(), key()],
      );
    });
  });
});

describe("the preview of a key of voicetel", () => {
  const preview = (password: string) => {
    const session = sessionOf("voicetel", {});
    const state = { username: number, password: "old", apiKey: "key-of-the-old-password" };
    return lifecycleOf("voicetel:ApiKey", session).preview({ username: number, password }, { id: String(number), state }).apiKey;
  };

  it("promises the key as it is, but not once the password changes, which ends it", () => {
    assert.equal(preview("old"), "key-of-the-old-password");
    assert.equal(preview("new"), UNKNOWN);
  });
});

describe("a look-up at voicetel", () => {
  let target: Target;
  let session: Session;
  let admin: string;
  let own: string;

  beforeEach(async () => {
    target = await voicetelTarget();
    session = newSession();
    admin = (await target.sandbox.outside("GET", "/rows/accounts")).body[0].username as string;
    own = (await added(target, { username: number, name: "Acme", email: "billing@example.com" })).apikey;
  });
  afterEach(() => target.stop());

  const newSession = () => sessionOf("voicetel", target.variables, { pace: 0.01 });
  const ask = (name: string, args: object = {}) => look(`voicetel:${name}`, args as Properties, session);

  it("tells the account of a key, by default of the one in the settings", async () => {
    const { created, ...rest } = await ask("getAccountInformation", { apiKey: own });
    assert.match(String(created), /^20/);
    assert.deepEqual(rest, {
      username: number,
      name: "Acme",
      email: "billing@example.com",
      enabled: true,
      cash: 0,
      rate: 0.0075,
      callerId: "",
      notify: false,
      notifyThreshold: 5,
    });
    assert.equal((await ask("getAccountInformation")).username, Number(admin));
  });

  it("tells whether a device is registered", async () => {
    assert.deepEqual(await ask("getRegistration"), { registered: false });
    const registration = { uri: `sip:${number}@192.0.2.1:5060`, agent: "Zoiper rv2.8.97/" };
    await target.sandbox.outside("POST", "/rows/registrations", { username: String(number), ...registration });
    target.sandbox.addFault({ fault: "drop" });
    assert.deepEqual(await ask("getRegistration", { apiKey: own }), { registered: true, ...registration });
  });

  it("tells the monthly charges", async () => {
    for (const [id, description, sum] of [
      ["1", "Metered Trunk", "10"],
      ["2", "did", "2.5"],
    ])
      await target.sandbox.outside("POST", "/rows/charges", { id, username: String(number), description, sum });
    assert.deepEqual(await ask("getMonthlyCharges", { apiKey: own }), {
      services: [{ description: "Metered Trunk", charge: 10 }],
      did: 2.5,
      total: 12.5,
    });
  });

  it("tells the calls between start and end, in the order of time", async () => {
    const at = Date.parse("2026-03-01T12:00:00Z") / 1000;
    for (const [id, offset] of Object.entries({ early: -7200, middle: 0, late: 7200 }))
      await target.sandbox.outside("POST", "/rows/calls", { id, username: String(number), at: at + offset, value: '{"dur":"61"}' });
    const calls = async (range: object) => {
      const { records } = await ask("getCallRecords", { ...range, apiKey: own });
      return (records as { id: string }[]).map(({ id }) => id);
    };
    assert.deepEqual(await calls({ start: "2026-03-01T11:00:00Z", end: "2026-03-01T13:00:00+00:00" }), ["middle"]);
    assert.deepEqual(await calls({ end: "2026-03-01T13:00:00Z" }), ["middle", "early"]);
    assert.deepEqual(await calls({ start: "2026-03-01T12:00:00Z" }), ["late", "middle"]);
    assert.deepEqual(await calls({}), []);
    assert.deepEqual((target.sandbox.requests[0]!.body as { start: number; end: number }).start, at + 3600);
    await assert.rejects(calls({ start: "2026-03-02T00:00:00Z", end: "2026-03-01T00:00:00Z" }), {
      message: "voicetel.getCallRecords: getCallRecords needs a start that is not after its end",
    });
    await assert.rejects(calls({ start: "yesterday" }), /start must be a time in ISO 8601/);
  });

  it("is sent once in a run, also after a failure", async () => {
    target.sandbox.addFault({ fault: { status: 400, body: { statusCode: "400", status: "Error", message: "no" } } });
    await assert.rejects(ask("getMonthlyCharges"), { message: "voicetel.getMonthlyCharges: no (400)" });
    await Promise.all([ask("getMonthlyCharges"), ask("getMonthlyCharges")]);
    await ask("getMonthlyCharges");
    assert.deepEqual(asked(target), ["mrc", "mrc"]);
  });

  it("counts in later runs, too", async () => {
    for (let i = 0; i < 6; i++) {
      session = newSession();
      await ask("getAccountInformation");
    }
    session = newSession();
    await assert.rejects(ask("getMonthlyCharges"), /^Error: voicetel\.getMonthlyCharges: VoiceTel takes 6 calls of this kind in an hour/);
    await ask("getRegistration");
    assert.equal(asked(target).length, 7);
  });

  it("fails on a key that is not valid, and on answers that are none", async () => {
    await assert.rejects(ask("getMonthlyCharges", { apiKey: "0".repeat(32) }), {
      message: "voicetel.getMonthlyCharges: the API key is not valid; a change of an account's password ends its key (401)",
    });
    const success = (more: object) =>
      target.sandbox.addFault({ fault: { status: 200, body: { statusCode: "200", status: "Success", ...more } } });
    success({ account: [] });
    await assert.rejects(ask("getAccountInformation"), /VoiceTel answered without an account$/);
    success({});
    await assert.rejects(ask("getCallRecords"), /VoiceTel answered with something that is not a list$/);
    target.sandbox.addFault({ fault: { status: 404 } });
    await assert.rejects(ask("getRegistration"), /answered 404 with a web page instead of its API/);
    target.sandbox.addFault({ fault: { status: 500, body: "<!doctype html><p>away</p>" } });
    assert.deepEqual(await ask("getRegistration"), { registered: false }, "what passes is waited for");
  });
});

describe("calls by the hour", () => {
  let folder: string;
  let now: number;
  const lines: string[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cpaas-calls-"));
    now = Date.parse("2026-03-01T23:30:00Z");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const calls = (limit = 2, host = "api.example.com") =>
    new HourlyCalls({ host, limit, folder, now: () => now, log: (line) => lines.push(line) });
  const refusal = (time: string) => ({
    message: `VoiceTel takes 2 calls of this kind in an hour, and all of them are used up by this and other runs; the next one is possible ${time}`,
  });

  it("come back an hour after each, also past midnight", () => {
    calls().take();
    now += 20 * 60_000;
    calls().take();
    now += 20 * 60_000;
    assert.throws(() => calls().take(), refusal("at 00:30:00 UTC, in 20 minutes"));
    now += 20 * 60_000;
    calls().take();
    assert.throws(() => calls().take(), refusal("at 00:50:00 UTC, in 20 minutes"));
  });

  it("are counted for each host, and one that was not sent is given back", () => {
    const first = calls().take();
    calls().take();
    calls(2, "127.0.0.1:80").take();
    assert.throws(() => calls().take(), /used up/);
    calls().giveBack(first);
    calls().take();
    assert.throws(() => calls().take(), /used up/);
  });

  it("leave no file older than a day", () => {
    calls().take();
    writeFileSync(join(folder, "other"), "");
    now += 49 * HOUR;
    calls().take();
    assert.equal(readdirSync(folder).length, 2);
  });

  it("are counted for this run where nothing can be written", () => {
    writeFileSync(join(folder, "file"), "");
    const counted = new HourlyCalls({ host: "h", limit: 1, folder: join(folder, "file"), log: (line) => lines.push(line) });
    counted.take();
    assert.throws(() => counted.take(), /used up/);
    assert.match(lines.at(-1)!, /only the calls of this run can be counted, because .* cannot be used \(ENOTDIR\)/);
  });

  it("are shared by processes that take them at the same moment, and outlive one that was killed", async () => {
    const script = join(folder, "take.js");
    const module = join(__dirname, "../../provider/voicetel/hourly-calls.ts");
    writeFileSync(
      script,
      `require(${JSON.stringify(require.resolve("ts-node/register/transpile-only"))});
const { HourlyCalls } = require(${JSON.stringify(module)});
const calls = new HourlyCalls({ host: "h", limit: 6, folder: ${JSON.stringify(folder)}, log() {} });
process.send("ready");
process.on("message", () => {
  let taken = 0;
  for (let i = 0; i < 5; i++) try { calls.take(); taken++; } catch {}
  process.send(taken, () => process.kill(process.pid, "SIGKILL"));
});`,
    );
    chmodSync(script, 0o600);
    const children = Array.from({ length: 3 }, () => fork(script, { cwd: join(__dirname, "../..") }));
    await Promise.all(children.map((child) => once(child, "message")));
    const answers = children.map((child) => once(child, "message"));
    for (const child of children) child.send("go");
    const taken = (await Promise.all(answers)).map(([count]) => count as number);
    assert.equal(
      taken.reduce((sum, count) => sum + count, 0),
      6,
    );
    const [file] = readdirSync(folder).filter((name) => name.startsWith("voicetel-calls-h-"));
    assert.ok(readFileSync(join(folder, file!), "utf8").split("\n").length > 6);
  });
});
