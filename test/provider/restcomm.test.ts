import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { UnfinishedError, UnspokenError } from "../../provider/errors";
import { look } from "../../provider/lookup";
import { platform, resourceOf } from "../../provider/platforms";
import { Recovery } from "../../provider/recovery";
import type { Properties } from "../../provider/resource";
import { readSettings, type CommonSettings } from "../../provider/settings";
import { validate } from "../../provider/validate";
import { UNKNOWN } from "../../provider/values";
import type { FaultRule, SandboxOptions } from "../../sandbox/src";
import { Engine } from "../support/engine";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";
import { asked, listed, restcommTarget, strong, type RestcommTarget } from "../support/restcomm";

const acme = (args: Properties = {}): Declared => ({
  type: "restcomm:Account",
  name: "acme",
  args: { emailAddress: "Ops@acme.example.com", password: strong, friendlyName: "Acme", ...args },
});
const ivr = (args: Properties = {}): Declared => ({
  type: "restcomm:Application",
  name: "ivr",
  args: { kind: "voice", rcmlUrl: "https://a.example.com/rcml", ...args },
});
const alice = (args: Properties = {}): Declared => ({
  type: "restcomm:Client",
  name: "alice",
  args: { password: strong, friendlyName: "Alice", voiceUrl: "https://a.example.com/voice", ...args },
});
const number = (args: Properties = {}): Declared => ({
  type: "restcomm:IncomingPhoneNumber",
  name: "number",
  args: { phoneNumber: "+15015550100", friendlyName: "Main", voiceApplicationSid: { $ref: "ivr.sid" }, ...args },
});
/** A sub-account with everything in it. */
const tenant = (args: Properties = {}): Declared[] => {
  const accountSid = { $ref: "acme.sid" };
  return [acme({ closeOnDeletion: true, ...args }), ivr({ accountSid }), alice({ accountSid }), number({ accountSid })];
};

describe("Restcomm", () => {
  let target: RestcommTarget;
  let engine: Engine;
  /** Seconds for which an old answer is taken for one. */
  let patience = "0";

  async function start(options: SandboxOptions = {}, seconds = "0"): Promise<void> {
    patience = seconds;
    target = await restcommTarget(options);
    engine = new Engine({ environment: () => ({ ...target.variables, RESTCOMM_CONSISTENCY_TIMEOUT: patience }), pace: 0.05 });
  }
  beforeEach(() => start());
  afterEach(() => target.sandbox.stop());

  const put = (path: string, form: Record<string, string>) => target.sandbox.outside("PUT", path, form);
  async function up(...program: Declared[]): Promise<string[]> {
    const { steps, errors } = await engine.up(program);
    assert.deepEqual(errors, []);
    return steps;
  }
  async function fails(...program: Declared[]): Promise<string> {
    const { errors } = await engine.up(program);
    assert.equal(errors.length, 1, `${errors.join("\n")} has one error`);
    return errors[0]!;
  }
  async function refresh(): Promise<string[]> {
    const { steps, errors } = await engine.refresh();
    assert.deepEqual(errors, []);
    return steps;
  }
  async function destroy(): Promise<string[]> {
    const { steps, errors } = await engine.destroy();
    assert.deepEqual(errors, []);
    return steps;
  }
  const own = () => `/Accounts/${target.accountSid}`;
  const fault = (rule: FaultRule) => target.sandbox.addFault(rule);

  describe("a sub-account with everything in it", () => {
    it("is made with one request each, beside a look at what is there", async () => {
      await up(...tenant());
      assert.deepEqual(asked(target).sort(), [
        "GET /Accounts.json",
        "GET /Accounts/:sid/Clients.json",
        "GET /Accounts/:sid/IncomingPhoneNumbers.json?PhoneNumber=%2B15015550100",
        "POST /Accounts.json EmailAddress Password FriendlyName",
        "POST /Accounts/:sid/Applications.json FriendlyName Kind RcmlUrl",
        "POST /Accounts/:sid/Clients.json Login Password FriendlyName VoiceUrl",
        "POST /Accounts/:sid/IncomingPhoneNumbers.json PhoneNumber FriendlyName VoiceApplicationSid",
      ]);
      const { id } = engine.find("acme")!;
      assert.match(engine.find("alice")!.id, new RegExp(`^Accounts/${id}/Clients/CL[0-9a-f]{32}$`));
      assert.match(engine.find("number")!.id, new RegExp(`^Accounts/${id}/IncomingPhoneNumbers/PN[0-9a-f]{32}$`));
      assert.match(engine.find("ivr")!.id, new RegExp(`^Accounts/${id}/Applications/AP[0-9a-f]{32}$`));
      const [row] = await listed(target, `/Accounts/${id}/IncomingPhoneNumbers`);
      assert.equal(row.voice_application_sid, engine.find("ivr")!.outputs.sid);
    });

    it("sends nothing when nothing changed, and finds nothing to refresh", async () => {
      await up(...tenant());
      target.sandbox.clearRequests();
      assert.deepEqual(await up(...tenant()), []);
      assert.deepEqual(asked(target), []);
      assert.deepEqual(await refresh(), []);
      assert.deepEqual(await up(...tenant()), []);
    });

    it("is changed with one request each, of what changed only", async () => {
      await up(...tenant());
      const accountSid = { $ref: "acme.sid" };
      const changed = [
        acme({ closeOnDeletion: true, status: "suspended", friendlyName: undefined }),
        ivr({ accountSid, kind: "sms", rcmlUrl: undefined }),
        alice({ accountSid, status: 0, voiceUrl: undefined, password: `${strong}!` }),
        number({ accountSid, voiceApplicationSid: undefined, smsUrl: "https://a.example.com/sms", friendlyName: undefined }),
      ];
      target.sandbox.clearRequests();
      await up(...changed);
      assert.deepEqual(asked(target).sort(), [
        "PUT /Accounts/:sid.json FriendlyName Status",
        "PUT /Accounts/:sid/Applications/:sid.json Kind RcmlUrl",
        "PUT /Accounts/:sid/Clients/:sid.json Password Status VoiceUrl",
        "PUT /Accounts/:sid/IncomingPhoneNumbers/:sid.json FriendlyName VoiceApplicationSid SmsUrl",
      ]);
      const { id } = engine.find("acme")!;
      const [row] = await listed(target, `/Accounts/${id}/IncomingPhoneNumbers`);
      assert.deepEqual([row.voice_application_sid, row.sms_url, row.friendly_name], [null, "https://a.example.com/sms", "+15015550100"]);
      const found = (await listed(target, `/Accounts/${id}/Clients`)).find(({ login }) => login === "alice");
      assert.deepEqual([found.voice_url, found.status], [undefined, "0"]);
      const account = (await listed(target, "/Accounts"))[0];
      assert.deepEqual([account.friendly_name, account.status], ["ops@acme.example.com", "suspended"]);
      assert.deepEqual(await refresh(), []);
      target.sandbox.clearRequests();
      assert.deepEqual(await up(...changed), []);
      assert.deepEqual(asked(target), []);
    });

    it("shows drift, and undoes it", async () => {
      await up(...tenant());
      await put(`/Accounts/${engine.find("acme")!.id}`, { Status: "suspended", FriendlyName: "Other" });
      await put(`/${engine.find("alice")!.id}`, { VoiceUrl: "https://evil.example.com", VoiceMethod: "GET" });
      await put(`/${engine.find("number")!.id}`, { VoiceApplicationSid: "" });
      await put(`/${engine.find("ivr")!.id}`, { Kind: "ussd" });
      assert.deepEqual((await refresh()).sort(), ["changed acme", "changed alice", "changed ivr", "changed number"]);
      target.sandbox.clearRequests();
      await up(...tenant({ status: "active" }));
      assert.deepEqual(asked(target).sort(), [
        "PUT /Accounts/:sid.json FriendlyName Status",
        "PUT /Accounts/:sid/Applications/:sid.json Kind",
        "PUT /Accounts/:sid/Clients/:sid.json VoiceUrl",
        "PUT /Accounts/:sid/IncomingPhoneNumbers/:sid.json VoiceApplicationSid",
      ]);
    });

    it("is made again where somebody else deleted it", async () => {
      await up(...tenant());
      for (const name of ["alice", "number", "ivr"]) await target.sandbox.outside("DELETE", `/${engine.find(name)!.id}`);
      assert.deepEqual((await refresh()).sort(), ["gone alice", "gone ivr", "gone number"]);
      assert.deepEqual((await up(...tenant())).sort(), ["create alice", "create ivr", "create number"]);
    });

    it("is gone as a whole when somebody else closed the account, and cannot be made again with its address", async () => {
      await up(...tenant());
      await put(`/Accounts/${engine.find("acme")!.id}`, { Status: "closed" });
      assert.deepEqual((await refresh()).sort(), ["gone acme", "gone alice", "gone ivr", "gone number"]);
      assert.match(await fails(acme()), /address that was used once can never be used again, not even after its account was closed/);
    });

    it("is deleted in order, and the account closed", async () => {
      await up(...tenant());
      const { id } = engine.find("acme")!;
      assert.deepEqual((await destroy()).at(-1), "delete acme");
      assert.equal((await target.sandbox.outside("GET", `/Accounts/${id}`)).body.status, "closed");
    });

    it("keeps its secrets out of errors", async () => {
      await up(...tenant());
      const token = String(engine.find("acme")!.outputs.authToken);
      const secrets = [strong, encodeURIComponent(strong), token, target.sandbox.adminKey];
      fault({ match: { method: "PUT" }, fault: { status: 400, body: { message: `no ${secrets.join(" ")}` } }, times: "always" });
      const { errors } = await engine.up(tenant({ friendlyName: "Other" }));
      assert.match(errors[0]!, /^Restcomm refused to update Account .*: no \[secret\]/);
      for (const secret of secrets) assert.ok(!errors.join().includes(secret), secret);
    });
  });

  describe("an account", () => {
    it("is not closed unless that was deployed before", async () => {
      await up(acme());
      const { errors } = await engine.destroy();
      assert.match(errors[0]!, /closed? it for ever.*closeOnDeletion: true before.*retainOnDelete/);
      assert.deepEqual(
        asked(target).filter((line) => line.startsWith("PUT")),
        [],
      );
      target.sandbox.clearRequests();
      await up(acme({ closeOnDeletion: true }));
      assert.deepEqual(asked(target), [], "a flag of the provider alone sends nothing");
      await destroy();
      assert.equal((await listed(target, "/Accounts"))[0].status, "closed");
    });

    it("that somebody else closed is deleted without a word", async () => {
      await up(acme());
      await put(`/Accounts/${engine.find("acme")!.id}`, { Status: "closed" });
      assert.deepEqual(await destroy(), ["delete acme"]);
    });

    it("keeps its e-mail address unless closing was deployed before, whatever its case", async () => {
      await up(acme());
      target.sandbox.clearRequests();
      assert.deepEqual(await up(acme({ emailAddress: "OPS@acme.example.com" })), []);
      assert.match(
        await fails(acme({ emailAddress: "new@acme.example.com" })),
        /closing this one .* for ever.*closeOnDeletion: true before/,
      );
      assert.deepEqual(asked(target), []);
      await up(acme({ closeOnDeletion: true }));
      assert.deepEqual(await up(acme({ closeOnDeletion: true, emailAddress: "new@acme.example.com" })), ["create acme", "delete acme"]);
      const rows = Object.fromEntries((await listed(target, "/Accounts")).map((row) => [row.email_address, row.status]));
      assert.deepEqual(rows, { "ops@acme.example.com": "closed", "new@acme.example.com": "active" });
    });

    it("has a new token after a new password, and keeps the time of its creation", async () => {
      await up(acme());
      const { authToken, dateCreated } = engine.find("acme")!.outputs;
      await sleep(1000);
      await up(acme({ password: `${strong}!` }));
      const after = engine.find("acme")!.outputs;
      assert.notEqual(after.authToken, authToken);
      assert.equal(after.dateCreated, dateCreated);
      assert.deepEqual(await refresh(), []);
    });

    it("has a preview that promises no output that the update changes", async () => {
      await up(...tenant());
      const before = new Map(["acme", "ivr", "alice", "number"].map((name) => [name, engine.find(name)!.outputs]));
      await sleep(1000); // the platform's times are in seconds
      const accountSid = { $ref: "acme.sid" };
      await up(
        acme({ closeOnDeletion: true, password: `${strong}!` }),
        ivr({ accountSid, kind: "sms" }),
        alice({ accountSid, friendlyName: "A" }),
        number({ accountSid, friendlyName: "A" }),
      );
      for (const [name, state] of before) {
        const { type, id, inputs, outputs } = engine.find(name)!;
        const promised = lifecycleOf(type, sessionOf("restcomm", target.variables)).preview(inputs, { id, state });
        const known = Object.entries(promised).filter(([, value]) => value !== UNKNOWN);
        assert.equal(promised.dateUpdated, UNKNOWN, name);
        assert.deepEqual(Object.fromEntries(known.map(([key]) => [key, outputs[key]])), Object.fromEntries(known), name);
      }
    });

    it("that exists is changed, and only forgotten when deleted", async () => {
      const { body } = await target.sandbox.outside("POST", "/Accounts", { EmailAddress: "old@acme.example.com", Password: strong });
      const existing = (args: Properties = {}): Declared => ({
        type: "restcomm:Account",
        name: "old",
        args: { accountSid: body.sid, ...args },
      });
      await up(existing({ friendlyName: "Managed" }));
      assert.deepEqual(asked(target), ["GET /Accounts/:sid.json", "PUT /Accounts/:sid.json FriendlyName"]);
      assert.deepEqual(await refresh(), []);
      await up(existing({ friendlyName: "Managed", status: "suspended" }));
      target.sandbox.clearRequests();
      await destroy();
      assert.deepEqual(asked(target), []);
      assert.equal((await listed(target, "/Accounts"))[0].status, "suspended");
    });

    it("that signs in is neither suspended nor closed nor locked out", async () => {
      const me = (args: Properties): Declared => ({
        type: "restcomm:Account",
        name: "me",
        args: { accountSid: target.accountSid, ...args },
      });
      await up(me({ friendlyName: "Headquarters" }));
      assert.match(
        await fails(me({ friendlyName: "Headquarters", status: "suspended" })),
        /it is the account that signs in, and it is never suspended/,
      );
      assert.match(await fails(me({ friendlyName: "Headquarters", password: strong })), /a new password would end its token/);
      // As if somebody had adopted it as a sub-account.
      const state = { emailAddress: "a@b.example.com", closeOnDeletion: true };
      const session = sessionOf("restcomm", target.variables);
      const refusal = await resourceOf("restcomm:Account").definition.refuseDelete!(session.client, target.accountSid, state);
      assert.match(refusal!, /it is the account that signs in, which is never closed/);
    });

    it("that is declared by its own sid is not closed, but told how to have it so", async () => {
      await up(acme({ closeOnDeletion: true }));
      const { id } = engine.find("acme")!;
      const bySid = { ...acme(), args: { accountSid: id } };
      target.sandbox.clearRequests();
      assert.match(
        await fails(bySid),
        /^Account \(AC\w+\): accountSid names this very account, which its emailAddress \(Ops@acme.example.com\) names here.*`pulumi state delete`/,
      );
      assert.deepEqual(asked(target), []);
      engine.entries = []; // pulumi state delete
      assert.deepEqual(await up(bySid), ["create acme"]);
      await destroy();
      assert.equal((await listed(target, "/Accounts"))[0].status, "active");
    });

    it("that was adopted by its id and is then declared by its sid hears nothing of closing", async () => {
      const { body } = await target.sandbox.outside("POST", "/Accounts", { EmailAddress: "old@acme.example.com", Password: strong });
      const lifecycle = lifecycleOf("restcomm:Account", sessionOf("restcomm", target.variables));
      const { state } = (await lifecycle.read(body.sid, {}))!;
      assert.throws(() => lifecycle.diff(body.sid, state, { accountSid: body.sid }), /names this very account(?!.*for ever)/);
    });

    it("is handed over, and not closed, when another resource of the program has it by its sid", async () => {
      for (const closeOnDeletion of [true, undefined]) {
        await up(acme({ closeOnDeletion }));
        const { id } = engine.find("acme")!;
        assert.deepEqual(await up({ type: "restcomm:Account", name: "kept", args: { accountSid: id } }), ["create kept", "delete acme"]);
        assert.equal((await listed(target, "/Accounts")).find(({ sid }) => sid === id).status, "active");
        await target.sandbox.stop();
        await start();
      }
    });

    for (const refresh of [false, true]) {
      it(`is not closed while another resource has it by its sid, ${refresh ? "with" : "without"} a refresh`, async () => {
        await up(acme({ closeOnDeletion: true }));
        const kept = { type: "restcomm:Account", name: "kept", args: { accountSid: engine.find("acme")!.id } };
        const [sub] = engine.entries.splice(0);
        await up(kept);
        engine.entries.unshift(sub!);
        assert.deepEqual(await engine.up([kept], { refresh }), { steps: ["delete acme"], errors: [] });
        assert.equal((await listed(target, "/Accounts"))[0].status, "active");
      });
    }

    it("is not taken for closed because something on the way speaks of a closed connection", async () => {
      await up(acme({ closeOnDeletion: true }));
      const body = { message: "The upstream connection was closed" };
      fault({ match: { method: "PUT" }, fault: { status: 400, body }, times: "always" });
      assert.match((await engine.destroy()).errors.join(), /refused to delete Account .*upstream connection was closed/);
      assert.equal(engine.entries.length, 1);
      assert.equal((await listed(target, "/Accounts"))[0].status, "active");
    });

    it("is not managed twice in one program", async () => {
      const twice = { ...acme(), name: "again" };
      assert.match(await fails(acme(), twice), /another Account of this program manages the same thing/);
    });

    it("tells when the platform gave it another role", async () => {
      fault({ match: { method: "POST", path: "/Accounts.json" }, fault: { status: 200, body: roleless() } });
      assert.match(await fails(acme({ role: "Developer" })), /with the role Administrator instead of Developer/);
      assert.equal(engine.find("acme")!.outputs.role, "Administrator", "so that the next run tries to change it");
    });

    const roleless = () => ({
      sid: `AC${"1".repeat(32)}`,
      email_address: "ops@acme.example.com",
      role: "Administrator",
      status: "active",
      auth_token: "t",
      date_created: "Mon, 4 Nov 2013 16:33:39 -0500",
      date_updated: "Mon, 4 Nov 2013 16:33:39 -0500",
    });

    it("is told in the platform's words why its password is refused", async () => {
      assert.match(await fails(acme({ password: "NewPassword" })), /^Restcomm refused to create Account: Password too weak \(400\)$/);
    });
  });

  describe("a client", () => {
    it("with a login that is there is refused, and not adopted", async () => {
      const { body } = await target.sandbox.outside("POST", `${own()}/Clients`, { Login: "alice", Password: `${strong}x` });
      const message = await fails(alice());
      assert.match(message, /^Client "alice": its account already has a client with the login alice/);
      assert.ok(
        message.includes(`npx pulumi-cpaas adopt restcomm:Client <name> Accounts/${target.accountSid}/Clients/${body.sid}`),
        message,
      );
      assert.deepEqual(asked(target), ["GET /Accounts/:sid/Clients.json"]);
    });

    it("with a login that differs in letter case only is refused, too, also where it was just made", async () => {
      await up(alice());
      assert.match(await fails(alice(), { ...alice({ login: "Alice" }), name: "other" }), /already has a client with the login Alice/);
      assert.equal(engine.entries.length, 1);
    });

    it("that the list did not show yet is noticed by its age", async () => {
      const old = {
        sid: `CL${"1".repeat(32)}`,
        account_sid: target.accountSid,
        login: "alice",
        date_created: "Mon, 4 Nov 2013 16:33:39 -0500",
      };
      fault({ match: { method: "POST" }, fault: { status: 200, body: old } });
      assert.match(await fails(alice()), /already has a client with the login alice/);
      assert.equal(engine.find("alice"), undefined);
    });

    it("is not made twice by one program", async () => {
      assert.match(await fails(alice(), { ...alice({ login: "alice" }), name: "again" }), /already has a client with the login alice/);
    });

    it("is replaced when its login changes, and keeps its password to itself", async () => {
      await up(alice());
      assert.deepEqual(await up(alice({ login: "alice2" })), ["create alice", "delete alice"]);
      assert.deepEqual(
        (await listed(target, `${own()}/Clients`)).map(({ login }) => login),
        ["alice2"],
      );
      assert.equal(engine.find("alice")!.outputs.password, strong, "a read does not bring the digest in");
      await refresh();
      assert.equal(engine.find("alice")!.outputs.password, strong);
    });
  });

  describe("a number", () => {
    it("that the account has is refused, and one that somebody else has is told", async () => {
      await target.sandbox.outside("POST", `${own()}/IncomingPhoneNumbers`, { PhoneNumber: "+15015550100" });
      assert.match(await fails(ivr(), number()), /its account already has the number \+15015550100: .* adopt it/);
      const { errors } = await engine.up([ivr(), ...tenant().slice(0, 1), number({ accountSid: { $ref: "acme.sid" } })]);
      assert.match(errors.join(), /the number \+15015550100 is taken, or the carrier does not give it \(21452\)/);
    });

    it("is bought before the old one is released", async () => {
      await up(ivr(), number());
      assert.deepEqual(await up(ivr(), number({ phoneNumber: "+15015550101" })), ["create number", "delete number"]);
      assert.deepEqual(
        (await listed(target, `${own()}/IncomingPhoneNumbers`)).map((row) => row.phone_number),
        ["+15015550101"],
      );
    });

    it("of the platform's own may get a + that it did not have", async () => {
      const virtual = number({ phoneNumber: "1234", isSip: true, friendlyName: undefined, voiceApplicationSid: undefined });
      await up(virtual);
      assert.deepEqual(await refresh(), []);
      assert.deepEqual(await up(virtual), []);
    });

    it("that the carrier replaced is kept, and told", async () => {
      const body = {
        sid: `PN${"1".repeat(32)}`,
        account_sid: target.accountSid,
        phone_number: "+15015550199",
        date_created: "x",
        date_updated: "x",
      };
      fault({ match: { method: "POST", path: "*/IncomingPhoneNumbers.json" }, fault: { status: 200, body } });
      fault({ match: { method: "POST", path: "**IncomingPhoneNumbers.json" }, fault: { status: 200, body } });
      assert.match(await fails(ivr(), number()), /the carrier gave \+15015550199 instead of \+15015550100, and it is bought/);
      assert.equal(engine.find("number")!.outputs.sid, body.sid);
    });

    it("that the carrier replaced is told again by every update, until it is given back", async () => {
      const { body } = await target.sandbox.outside("POST", `${own()}/IncomingPhoneNumbers`, { PhoneNumber: "+15015550199" });
      fault({ match: { method: "POST", path: "**IncomingPhoneNumbers.json" }, fault: { status: 200, body } });
      const told = /the carrier gave \+15015550199 instead of \+15015550100/;
      assert.match(await fails(ivr(), number()), told);
      target.sandbox.clearRequests();
      assert.match(await fails(ivr(), number()), told);
      assert.deepEqual(asked(target), [], "another one is not bought");
      await refresh();
      assert.match(await fails(ivr(), number()), told);
      assert.match(await fails(ivr(), number({ friendlyName: "Other" })), told);
      const { boughtNumber, friendlyName } = engine.find("number")!.outputs;
      assert.deepEqual([boughtNumber, friendlyName], ["+15015550199", "Other"]);
      await up(ivr());
      assert.deepEqual(await listed(target, `${own()}/IncomingPhoneNumbers`), []);
      await up(ivr(), number());
      assert.equal(engine.find("number")!.outputs.boughtNumber, "+15015550100");
    });

    it("may say of itself what it is anyway", async () => {
      await up(ivr(), number());
      assert.deepEqual(await up(ivr(), number({ isSip: false })), ["update number"]);
      assert.deepEqual(await up(ivr(), number({ isSip: false })), []);
    });

    it("shows what was bought once state that says nothing of it is refreshed", async () => {
      await up(ivr(), number());
      delete engine.find("number")!.outputs.boughtNumber;
      assert.deepEqual(await up(ivr(), number()), []);
      assert.deepEqual(await refresh(), ["changed number"]);
      assert.equal(engine.find("number")!.outputs.boughtNumber, "+15015550100");
    });

    it("is given to one of two resources only, though the answer to its purchase is lost", async () => {
      fault({ match: { method: "POST", path: "**IncomingPhoneNumbers.json" }, fault: "dropAnswer" });
      const twice = { ...number({ friendlyName: "Main" }), name: "again" };
      assert.match(await fails(ivr(), number(), twice), /another IncomingPhoneNumber of this program manages the same thing/);
      assert.equal(engine.entries.filter(({ type }) => type === "restcomm:IncomingPhoneNumber").length, 1);
    });

    it("may go to another account of one program", async () => {
      await up(acme(), number({ voiceApplicationSid: undefined }));
      const moved = number({ voiceApplicationSid: undefined, accountSid: { $ref: "acme.sid" } });
      assert.deepEqual(await up(acme(), moved), ["delete number", "create number"]);
      assert.deepEqual(await up(acme(), moved), []);
    });

    it("that was bought although the answer was 500 is found", async () => {
      for (const [phoneNumber, body] of Object.entries({
        "+15015550100": "",
        "+15015550101": { message: "An unexpected error occurred" },
      })) {
        fault({ match: { method: "POST", path: "**IncomingPhoneNumbers.json" }, fault: { status: 500, body, handled: true } });
        await up(ivr(), { ...number({ phoneNumber }), name: phoneNumber });
        const numbers = await listed(target, `${own()}/IncomingPhoneNumbers`);
        assert.deepEqual(
          numbers.map(({ phone_number }) => phone_number as string),
          [phoneNumber],
        );
      }
    });
  });

  it("pages through lists that are longer than a page", async () => {
    for (let i = 0; i < 51; i++)
      await target.sandbox.outside("POST", `${own()}/IncomingPhoneNumbers`, { PhoneNumber: `+1502555${1000 + i}` });
    const session = sessionOf("restcomm", target.variables);
    const { list } = session.client as unknown as { list: (path: string) => Promise<unknown[]> };
    assert.equal((await list.call(session.client, `${own()}/IncomingPhoneNumbers.json`)).length, 51);
  });

  it("takes no 500 for gone, and no 404 where the API does not know the account that signs in", async () => {
    await up(alice());
    fault({ match: { method: "GET" }, fault: { status: 500, body: "" }, times: 1 });
    const { errors } = await engine.refresh();
    assert.match(
      errors[0]!,
      /^Restcomm refused to read Client .*: it gave no reason, as it does for an account or a value that it does not know \(500\)$/,
    );
    fault({ match: { method: "GET" }, fault: { status: 404, body: "" }, times: "always" });
    assert.match((await engine.refresh()).errors[0]!, /does not know account AC\w+ either, so nothing can be said; check the API's URL/);
    assert.ok(engine.find("alice"));
  });

  it("takes no 404 of something in between for a deletion", async () => {
    const gateway: FaultRule = {
      match: { method: "DELETE" },
      fault: { status: 404, body: { message: "no Route matched with those values" } },
    };
    await up(ivr(), number());
    fault(gateway);
    assert.match((await engine.destroy()).errors.join(), /^Restcomm refused to delete IncomingPhoneNumber .*: no Route matched/);
    assert.ok(engine.find("number"));
    patience = "10";
    fault(gateway);
    assert.deepEqual(await destroy(), ["delete number", "delete ivr"], "it is tried again where there is time");
    assert.deepEqual(await listed(target, `${own()}/IncomingPhoneNumbers`), []);
  });

  describe("behind something that answers in its place", () => {
    const notFound = { status: 404, body: { message: "no Route matched with those values" } };
    const numbers = () => listed(target, `${own()}/IncomingPhoneNumbers`);

    it("is not empty, neither by one 404 nor when everything is 404", async () => {
      await up(acme({ closeOnDeletion: true }), ivr(), alice(), number());
      for (const path of ["**/Applications/*", "**/IncomingPhoneNumbers/*", "**/Clients/*", "/Accounts/*"]) {
        fault({ match: { method: "GET", path }, fault: notFound });
        assert.deepEqual(await refresh(), []);
        target.sandbox.clearFaults();
      }
      // What is gone is asked for first, so that the platform has once been seen to answer.
      const session = sessionOf("restcomm", { ...target.variables, RESTCOMM_CONSISTENCY_TIMEOUT: "0" }, { pace: 0.05 });
      const readOf = (name: string) => {
        const { type, id, outputs } = engine.find(name)!;
        return lifecycleOf(type, session).read(id, outputs);
      };
      await target.sandbox.outside("DELETE", `/${engine.find("alice")!.id}`);
      assert.equal(await readOf("alice"), undefined);
      fault({ match: { method: "GET" }, fault: notFound, times: "always" });
      await assert.rejects(readOf("number"), /does not know account AC\w+ either/);
    });

    it("lets nothing go that it does not delete", async () => {
      const account = acme({ closeOnDeletion: true });
      await up(account, number({ voiceApplicationSid: undefined }));
      const busy = { status: 503, body: "" };
      for (const program of [[account], []]) {
        fault({ match: { method: ["PUT", "DELETE"] }, fault: busy, times: "always" });
        for (const path of ["**/IncomingPhoneNumbers/*", "/Accounts/*"]) fault({ match: { method: "GET", path }, fault: notFound });
        assert.match(await fails(...program), /^Restcomm refused to delete \w+ .*\(503\)$/);
        target.sandbox.clearFaults();
        if (program.length > 0) {
          fault({ match: { method: "DELETE" }, fault: { status: 200, body: { message: "queued" } } });
          await up(...program);
          assert.deepEqual(await numbers(), [], "it is sent again");
        }
      }
      const { body } = await target.sandbox.outside("GET", `/Accounts/${engine.find("acme")!.id}`);
      fault({ match: { method: "PUT" }, fault: { status: 200, body } });
      assert.match((await engine.destroy()).errors.join(), /^Account .*: the platform answered that its status is active still$/);
      assert.deepEqual(await destroy(), ["delete acme"]);
    });

    for (const [what, answer] of [
      ["a 500 in its own words", { status: 500, body: { message: "Internal server error" } }],
      ["a web page", { status: 403, body: "<!DOCTYPE html><html>Blocked</html>" }],
    ] as const) {
      it(`makes nothing a second time for ${what}, and sends a change again`, async () => {
        fault({ match: { method: "POST" }, fault: { ...answer, handled: true }, times: 4 });
        await up(acme({ closeOnDeletion: true }), ivr(), alice(), number());
        target.sandbox.clearFaults();
        assert.equal((await listed(target, `${own()}/Applications`)).length, 1);
        assert.equal((await numbers()).length, 1);
        assert.deepEqual(await refresh(), []);
        fault({ match: { method: "PUT" }, fault: { ...answer, handled: true } });
        await fails(acme({ closeOnDeletion: true }), ivr({ rcmlUrl: "https://new.example.com/rcml" }), alice(), number());
        assert.deepEqual(await up(acme({ closeOnDeletion: true }), ivr(), alice(), number()), ["update ivr"]);
        assert.equal((await listed(target, `${own()}/Applications`))[0].rcml_url, "https://a.example.com/rcml");
      });
    }
  });

  it("buys no second number where the carrier may have given another one and the answer was lost", async () => {
    await up(number({ voiceApplicationSid: undefined }));
    const path = `${own()}/IncomingPhoneNumbers`;
    fault({ match: { method: "POST", path: "**IncomingPhoneNumbers.json" }, fault: "drop" });
    // Asked for before the purchase, and afterwards.
    fault({
      match: { method: "GET", path: "**IncomingPhoneNumbers.json?PhoneNumber=*" },
      fault: "outside",
      skip: 1,
      request: { method: "POST", path, body: { PhoneNumber: "+15015550199" } },
    });
    const second = { ...number({ phoneNumber: "+15015550101", voiceApplicationSid: undefined }), name: "second" };
    const error = await fails(number({ voiceApplicationSid: undefined }), second);
    assert.match(error, /now there is one that may be what it made: Accounts\/\S+ \(made [^)]*\)\. Nothing was changed/);
    assert.deepEqual((await listed(target, path)).map((row) => row.phone_number as string).sort(), ["+15015550100", "+15015550199"]);
  });

  it("suspects nobody of having made the number that another purchase of the run was given instead of its own", async () => {
    const { definition } = resourceOf("restcomm:IncomingPhoneNumber");
    const { client } = sessionOf("restcomm", { ...target.variables, RESTCOMM_CONSISTENCY_TIMEOUT: "0" }, { pace: 0.05 });
    const recovery = new Recovery();
    const buy = (phoneNumber: string, create: () => Promise<never>) =>
      client.http.operation(() => recovery.create({ ...definition, create }, client, { phoneNumber }, { phoneNumber }, 3));
    const given = buy("+15015550100", async () => {
      const { body } = await target.sandbox.outside("POST", `${own()}/IncomingPhoneNumbers`, { PhoneNumber: "+15015550199" });
      throw new UnfinishedError("the carrier gave another one", `${own().slice(1)}/IncomingPhoneNumbers/${body.sid as string}`);
    });
    await assert.rejects(given, UnfinishedError);
    const refused = buy("+15015550101", () => Promise.reject(new UnspokenError(500, "no such number", Date.now())));
    await assert.rejects(refused, /^Error: no such number; it may have been made all the same and show later/);
  });

  it("makes no second application after a 500 that something in between has answered, and takes a refusal for one", async () => {
    const made = async () => (await listed(target, `${own()}/Applications`)).length;
    fault({ match: { method: "POST" }, fault: { status: 500, body: "", handled: true } });
    await up(ivr());
    assert.equal(await made(), 1);
    const second = { ...ivr({ rcmlUrl: "https://b.example.com/rcml" }), name: "second" };
    fault({ match: { method: "POST" }, fault: { status: 500, body: "" } });
    assert.match(await fails(ivr(), second), /^Restcomm refused to create Application "second": it gave no reason, as it does for/);
    assert.equal(await made(), 1);
    fault({ match: { method: "POST" }, fault: { status: 500, body: "" } });
    fault({ match: { method: "GET" }, fault: { status: 500, body: "" }, times: "always" });
    assert.match(await fails(ivr(), second), /^Restcomm refused to create Application "second": it gave no reason/);
    target.sandbox.clearFaults();
    await up(ivr(), second);
    assert.equal(await made(), 2);
  });

  it("leaves what the platform chooses to it again, although an update of it was never answered", async () => {
    await up(ivr({ kind: undefined }));
    fault({ match: { method: "PUT" }, fault: "drop", times: "always" });
    await fails(ivr());
    target.sandbox.clearFaults();
    assert.deepEqual(await up(ivr({ kind: undefined, friendlyName: "Renamed" })), ["update ivr"]);
    assert.deepEqual(await up(ivr({ kind: undefined, friendlyName: "Renamed" })), []);
    assert.deepEqual(await up(ivr({ friendlyName: "Renamed" })), ["update ivr"]);
    const kind = async () => (await listed(target, `${own()}/Applications`))[0].kind as string;
    assert.equal(await kind(), "voice");
    fault({ match: { method: "PUT" }, fault: "dropAnswer", times: "always" });
    await fails(ivr({ kind: "sms", friendlyName: "Renamed" }));
    target.sandbox.clearFaults();
    assert.equal(await kind(), "sms");
    assert.deepEqual(await up(ivr({ kind: undefined, friendlyName: "Again" })), ["update ivr"]);
    assert.deepEqual(await up(ivr({ friendlyName: "Again" })), ["update ivr"]);
    assert.equal(await kind(), "voice");
    assert.deepEqual(await up(ivr({ friendlyName: "Again" })), []);
  });

  it("sends again what an update said that was answered with 500 by nobody knows whom", async () => {
    await up(ivr());
    fault({ match: { method: "PUT" }, fault: { status: 500, body: "", handled: true } });
    await fails(ivr({ rcmlUrl: "https://new.example.com/rcml" }));
    assert.deepEqual(await up(ivr()), ["update ivr"]);
    assert.equal((await listed(target, `${own()}/Applications`))[0].rcml_url, "https://a.example.com/rcml");
  });

  it("needs its account and token at the first request only, and names them", async () => {
    const keyless = new Engine({ environment: () => ({ RESTCOMM_API_URL: target.sandbox.url }) });
    const { errors } = await keyless.up([ivr({ accountSid: target.accountSid })]);
    assert.match(errors[0]!, /RESTCOMM_ACCOUNT_SID and RESTCOMM_AUTH_TOKEN/);
    const nowhere = new Engine({ environment: () => ({}) });
    assert.match((await nowhere.up([ivr()])).errors[0]!, /restcomm:apiUrl .* or RESTCOMM_API_URL in the environment; usually https:/);
    const wrong = new Engine({ environment: () => ({ ...target.variables, RESTCOMM_AUTH_TOKEN: "wrong" }) });
    assert.match((await wrong.up([ivr()])).errors[0]!, /the account sid or the auth token is not valid \(401\)/);
  });

  it("refuses a shell that points the stack at another account than its own, unless a provider names one itself", () => {
    const [mine, other] = ["1", "2"].map((digit) => `AC${digit.repeat(32)}`);
    const config = (name: string) => ({ apiUrl: "https://r.example.com", accountSid: mine, authToken: "old" })[name];
    const read = (environment: Record<string, string>, explicit?: Properties) =>
      readSettings<CommonSettings & Properties>(platform("restcomm"), { config, environment, explicit });
    assert.throws(() => read({ RESTCOMM_ACCOUNT_SID: other!, RESTCOMM_API_URL: "https://s.example.com" }), {
      message:
        /restcomm:apiUrl in .* RESTCOMM_API_URL is .*\. restcomm:accountSid in the stack's configuration is AC1+, but RESTCOMM_ACCOUNT_SID is AC2+; unset one/,
    });
    const { accountSid, authToken } = read({ RESTCOMM_ACCOUNT_SID: ` ${mine}`, RESTCOMM_AUTH_TOKEN: "rotated" });
    assert.deepEqual([accountSid, authToken], [mine, "rotated"]);
    assert.equal(read({ RESTCOMM_ACCOUNT_SID: other! }, { accountSid: mine }).accountSid, mine);
  });

  it("previews accounts whose addresses it does not know yet", async () => {
    await up(acme());
    const lifecycle = lifecycleOf("restcomm:Account", sessionOf("restcomm", target.variables));
    const { id, outputs, inputs } = engine.find("acme")!;
    const { replaces, changes } = lifecycle.diff(id, outputs, { ...inputs, emailAddress: UNKNOWN });
    assert.deepEqual([replaces, changes], [[], true], "nothing below it is deleted before it is refused");
    for (const other of ["AC".padEnd(34, "1"), "AC".padEnd(34, "2")])
      lifecycle.diff(other, { ...outputs, sid: other, closeOnDeletion: true }, { ...inputs, emailAddress: UNKNOWN, closeOnDeletion: true });
    assert.throws(() => lifecycle.diff(id, outputs, { ...inputs, emailAddress: "other@acme.example.com" }), /means another account/);
  });

  it("shows no token that was put where the account belongs", () => {
    const [mine, token] = [`AC${"1".repeat(32)}`, "0123456789abcdef0123456789abcdef"];
    const read = (config: Record<string, string>, environment: Record<string, string>) => () =>
      readSettings(platform("restcomm"), { config: (name) => ({ apiUrl: "https://r.example.com", ...config })[name], environment });
    const hides = (message: RegExp) => (error: Error) => message.test(error.message) && !error.message.includes(token);
    assert.throws(
      read({}, { RESTCOMM_ACCOUNT_SID: token, RESTCOMM_AUTH_TOKEN: mine }),
      hides(/^restcomm:accountSid must be the sid of an account: AC and 32 letters or digits$/),
    );
    assert.throws(read({ accountSid: mine }, { RESTCOMM_ACCOUNT_SID: token }), hides(/but RESTCOMM_ACCOUNT_SID is no valid value; unset/));
  });

  describe("that somebody else changes, too", () => {
    const connect = () => sessionOf("restcomm", target.variables, { pace: 0.005 });
    const lifecycle = (type: string, session = connect()) => lifecycleOf(`restcomm:${type}`, session);

    it("has an application of its own made, though an equal one of somebody else is only just there", async () => {
      const { body: theirs } = await target.sandbox.outside("POST", `${own()}/Applications`, { FriendlyName: "menu", Kind: "voice" });
      fault({ match: { method: "POST" }, fault: "drop" });
      const { state } = await lifecycle("Application").create({ friendlyName: "menu", kind: "voice" });
      assert.notEqual(state.sid, theirs.sid);
      assert.equal((await listed(target, `${own()}/Applications`)).length, 2);
    });

    it("asks once what applications there are before it makes many", async () => {
      const session = connect();
      for (const friendlyName of ["a", "b", "c"]) await lifecycle("Application", session).create({ friendlyName });
      assert.equal(asked(target).filter((line) => line.startsWith("GET")).length, 1);
    });

    it("finds an application whose kind the platform chose", async () => {
      const { body } = await target.sandbox.outside("POST", `${own()}/Applications`, { FriendlyName: "menu", Kind: "sms" });
      const { definition } = resourceOf("restcomm:Application");
      const found = async (wanted: Properties) => (await definition.find!(connect().client, wanted))!.map(({ outputs }) => outputs!.sid);
      assert.deepEqual(await found({ friendlyName: "menu" }), [body.sid]);
      assert.deepEqual(await found({ friendlyName: "menu", kind: "voice" }), []);
      assert.deepEqual(await found({ friendlyName: "menu", rcmlUrl: "https://a.example.com" }), []);
      assert.deepEqual(await found({ friendlyName: "menu", voiceCallerIdLookup: true }), []);
    });

    it("takes no account that somebody else has only just made", async () => {
      await target.sandbox.outside("POST", "/Accounts", { EmailAddress: "ops@acme.example.com", Password: strong });
      fault({ match: { method: "POST" }, fault: "drop" });
      assert.match(await fails(acme()), /address that was used once can never be used again.* adopt it/);
      assert.equal(engine.find("acme"), undefined);
    });

    it("shows in a look-up what this run has made and deleted", async () => {
      const session = connect();
      const names = async () => {
        const { applications } = (await look("restcomm:getApplications", {}, session)) as { applications: { friendlyName: string }[] };
        return applications.map(({ friendlyName }) => friendlyName);
      };
      assert.deepEqual(await names(), []);
      const { id, state } = await lifecycle("Application", session).create({ friendlyName: "menu" });
      assert.deepEqual(await names(), ["menu"]);
      await lifecycle("Application", session).update(id, state, { friendlyName: "renamed" });
      assert.deepEqual(await names(), ["renamed"]);
      await lifecycle("Application", session).delete(id, state);
      assert.deepEqual(await names(), []);
      target.sandbox.clearRequests();
      await names();
      assert.deepEqual(asked(target), [], "one list serves many questions");
    });

    it("can tell that something is gone although the account that signs in could not be read once", async () => {
      const session = connect();
      const { id, state } = await lifecycle("Application", session).create({ friendlyName: "menu" });
      await target.sandbox.outside("DELETE", `/${id}`);
      fault({ match: { method: "GET", path: `${own()}.json` }, fault: { status: 403, body: "" } });
      await assert.rejects(lifecycle("Application", session).read(id, state), /may not do this/);
      assert.equal(await lifecycle("Application", session).read(id, state), undefined);
    });
  });

  for (const consistencyDelayMs of [0, 1200]) {
    describe(`whose answers are lost${consistencyDelayMs ? ", while changes show late" : ""}`, () => {
      beforeEach(async () => {
        await target.sandbox.stop();
        await start({ consistencyDelayMs }, consistencyDelayMs ? "10" : "0");
      });

      const count = async () => {
        const { id } = engine.find("acme")!;
        const [clients, numbers, applications] = await Promise.all(
          ["Clients", "IncomingPhoneNumbers", "Applications"].map((noun) => listed(target, `/Accounts/${id}/${noun}`)),
        );
        return [
          (await listed(target, "/Accounts")).length,
          clients!.filter(({ login }) => login === "alice").length,
          numbers!.length,
          applications!.length,
        ];
      };

      for (const kind of ["dropAnswer", "truncated", "drop", "empty"] as const) {
        it(`makes everything once (${kind})`, async () => {
          for (const path of [
            "/Accounts.json",
            "/Accounts/*/Applications.json",
            "/Accounts/*/Clients.json",
            "/Accounts/*/IncomingPhoneNumbers.json",
          ])
            fault({ match: { method: "POST", path }, fault: kind });
          await up(...tenant());
          assert.deepEqual(await count(), [1, 1, 1, 1]);
          assert.deepEqual(await up(...tenant()), []);
          target.sandbox.clearRequests();
        }).timeout(20_000);
      }

      it("changes and deletes everything all the same", async () => {
        await up(...tenant());
        fault({ match: { method: ["PUT", "DELETE"] }, fault: "dropAnswer", times: 4 });
        const accountSid = { $ref: "acme.sid" };
        const changed = [
          acme({ closeOnDeletion: true, friendlyName: "A" }),
          ivr({ accountSid, kind: "sms" }),
          alice({ accountSid, friendlyName: "A" }),
          number({ accountSid, friendlyName: "A" }),
        ];
        await up(...changed);
        const { id } = engine.find("acme")!;
        assert.equal((await listed(target, `/Accounts/${id}/IncomingPhoneNumbers`))[0].friendly_name, "A");
        fault({ match: { method: ["PUT", "DELETE"] }, fault: "dropAnswer", times: 4 });
        await destroy();
        assert.equal((await listed(target, "/Accounts"))[0].status, "closed");
        assert.deepEqual(engine.entries, []);
      }).timeout(20_000);
    });
  }

  describe("that shows changes late", () => {
    beforeEach(async () => {
      await target.sandbox.stop();
      await start({ consistencyDelayMs: 1500 }, "10");
    });

    it("is not taken for drift right after a creation, a change or both", async () => {
      await up(...tenant());
      assert.deepEqual(await refresh(), [], "what is not there yet is waited for");
      const accountSid = { $ref: "acme.sid" };
      const changed = [
        acme({ closeOnDeletion: true, friendlyName: "B" }),
        ivr({ accountSid }),
        alice({ accountSid, friendlyName: "B" }),
        number({ accountSid, friendlyName: "B" }),
      ];
      await up(...changed);
      assert.deepEqual(await refresh(), []);
      target.sandbox.clearRequests();
      assert.deepEqual(await up(...changed), []);
      assert.deepEqual(asked(target), []);
      await sleep(1500);
      assert.deepEqual(await refresh(), []);
    }).timeout(20_000);

    it("sells a number once, although its answer is lost, the second one is a refusal without words and a look fails", async () => {
      const purchase = { method: "POST", path: "**IncomingPhoneNumbers.json" };
      for (const [index, look] of [0, 2, 3, 4, 5].entries()) {
        const phoneNumber = `+1501555010${index}`;
        fault({ match: purchase, fault: "dropAnswer" });
        fault({ match: purchase, fault: { status: 400, body: "" } });
        fault({ match: { method: "GET", path: "**IncomingPhoneNumbers.json*" }, fault: { status: 500, body: "" }, skip: look });
        await up({ ...number({ phoneNumber, voiceApplicationSid: undefined }), name: "bought" });
        target.sandbox.clearFaults();
        await sleep(1500);
        assert.deepEqual(await refresh(), []);
        const numbers = await listed(target, `${own()}/IncomingPhoneNumbers`);
        assert.deepEqual(
          numbers.map((row) => row.phone_number as string),
          [phoneNumber],
        );
        await destroy();
      }
    }).timeout(60_000);

    it("may have sold a number behind a 500 that does not show in time, and says so", async () => {
      fault({ match: { method: "POST" }, fault: { status: 500, body: "", handled: true } });
      const bought = number({ voiceApplicationSid: undefined });
      const refusal = await fails(bought);
      assert.match(
        refusal,
        /^Restcomm refused to create IncomingPhoneNumber: .*; it may have been made all the same and show later: see `npx pulumi-cpaas orphans --platform restcomm` before the next run/,
      );
      await sleep(1500);
      assert.match(await fails(bought), /its account already has the number \+15015550100: \S+; adopt it/);
    }).timeout(20_000);

    it("may have sold a number that no answer tells of, and says so", async () => {
      fault({ match: { method: "POST" }, fault: { status: 502, body: "", handled: true }, times: "always" });
      engine = new Engine({ environment: () => ({ ...target.variables, RESTCOMM_MAX_RETRIES: "0" }), pace: 0.05 });
      const error = await fails(number({ voiceApplicationSid: undefined }));
      assert.match(error, /^IncomingPhoneNumber: Restcomm answered 502: .*; it may have been made all the same and show later: /);
    });

    it("is told gone once the time is over in which it could still appear", async () => {
      patience = "2";
      await up(alice());
      await target.sandbox.outside("DELETE", `/${engine.find("alice")!.id}`);
      await sleep(1500);
      assert.deepEqual(await refresh(), ["gone alice"]);
    }).timeout(20_000);

    it("is not taken for deleted by something in between before it shows", async () => {
      await up(number({ voiceApplicationSid: undefined }), alice());
      const body = { message: "no Route matched with those values" };
      fault({ match: { method: "DELETE" }, fault: { status: 404, body }, times: 2 });
      assert.deepEqual((await destroy()).sort(), ["delete alice", "delete number"]);
      await sleep(1500);
      for (const noun of ["IncomingPhoneNumbers", "Clients"]) assert.deepEqual(await listed(target, `${own()}/${noun}`), []);
    }).timeout(20_000);

    it("closes an account although the answer is lost and the old state still shows", async () => {
      await up(acme({ closeOnDeletion: true }));
      fault({ match: { method: "PUT" }, fault: "dropAnswer" });
      assert.deepEqual(await destroy(), ["delete acme"]);
      assert.equal((await listed(target, "/Accounts"))[0].status, "closed");
    });

    it("may have a number again that this run has released", async () => {
      await up(number({ voiceApplicationSid: undefined }));
      await sleep(1500);
      const { id, outputs } = engine.find("number")!;
      const session = sessionOf("restcomm", target.variables);
      const { definition } = resourceOf("restcomm:IncomingPhoneNumber");
      assert.match((await definition.refuseCreate!(session.client, outputs, {}))!.reason, /already has the number/);
      await definition.delete(session.client, id, outputs);
      assert.equal(await definition.refuseCreate!(session.client, outputs, {}), undefined);
    });

    it("is deleted once, whatever it still shows", async () => {
      await up(...tenant());
      await destroy();
      assert.deepEqual(engine.entries, []);
    });
  });

  describe("look-ups", () => {
    const ask = (type: string, args: Properties) => look(`restcomm:${type}`, args, sessionOf("restcomm", target.variables));

    it("find an account by e-mail address and by sid, without its token", async () => {
      await up(acme());
      const { id } = engine.find("acme")!;
      const byAddress = await ask("getAccount", { emailAddress: "ops@acme.example.com" });
      assert.deepEqual([byAddress.sid, byAddress.friendlyName, byAddress.status], [id, "Acme", "active"]);
      assert.deepEqual(await ask("getAccount", { sid: id }), byAddress);
      assert.ok(!JSON.stringify(byAddress).includes(String(engine.find("acme")!.outputs.authToken)));
      await assert.rejects(
        ask("getAccount", { emailAddress: "nobody@acme.example.com" }),
        /restcomm\.getAccount: .*an account .* that it does not know/,
      );
      await put(`/Accounts/${id}`, { FriendlyName: "administrator@company.example" });
      await assert.rejects(ask("getAccount", { emailAddress: "administrator@company.example" }), /look it up by sid/);
    });

    it("find applications by name, and numbers that can be bought", async () => {
      await up(ivr(), { ...ivr({ friendlyName: "ivr" }), name: "twin" }, { ...ivr(), name: "other" });
      const { applications } = (await ask("getApplications", { friendlyName: "ivr" })) as { applications: { kind: string }[] };
      assert.deepEqual(
        applications.map(({ kind }) => kind),
        ["voice", "voice"],
      );
      const { phoneNumbers } = await ask("getAvailablePhoneNumbers", { isoCountry: "US", areaCode: "501", contains: "50*07" });
      assert.deepEqual(phoneNumbers, [
        {
          phoneNumber: "+15015550107",
          friendlyName: "+15015550107",
          isoCountry: "US",
          cost: "0.67",
          voiceCapable: true,
          smsCapable: true,
          mmsCapable: false,
          faxCapable: false,
        },
      ]);
    });
  });
});

describe("what a program says wrongly of Restcomm", () => {
  const wrong = (type: string, inputs: Properties) =>
    validate(resourceOf(`restcomm:${type}`).definition, inputs).map(({ reason }) => reason);
  const sid = `AC${"0".repeat(32)}`;
  const cases: [string, string, Properties, string[]][] = [
    [
      "neither address nor sid",
      "Account",
      {},
      ["Account needs exactly one of emailAddress, for a new sub-account, and accountSid, for an account that exists"],
    ],
    [
      "an address that is none",
      "Account",
      { emailAddress: "acme", password: strong },
      ['emailAddress must be an e-mail address, with neither ? nor = before the @, not "acme"'],
    ],
    ["no password", "Account", { emailAddress: "a@b.example.com" }, ["password is required"]],
    [
      "a password that is too short",
      "Account",
      { emailAddress: "a@b.example.com", password: "short1!" },
      ["password must have at least 8 characters"],
    ],
    ["a closed account", "Account", { accountSid: sid, status: "closed" }, ['status must be active or suspended, not "closed"']],
    ["an inactive account", "Account", { accountSid: sid, status: "inactive" }, ['status must be active or suspended, not "inactive"']],
    [
      "the role of an account that exists",
      "Account",
      { accountSid: sid, role: "Developer" },
      ["role cannot be set for an account that is given by accountSid"],
    ],
    ["a login with an @", "Client", { login: "a@b", password: strong }, ['login must have none of ?, = and @, not "…@b"']],
    ["a status as a text", "Client", { login: "a", password: strong, status: "enabled" }, ['status must be a number, not "enabled"']],
    [
      "a method that does not exist",
      "Client",
      { login: "a", password: strong, voiceMethod: "PUT" },
      ['voiceMethod must be GET or POST, not "PUT"'],
    ],
    [
      "a number without its +",
      "IncomingPhoneNumber",
      { phoneNumber: "15015550100" },
      ["phoneNumber must be a number in E.164, such as +15015550100, unless isSip is true"],
    ],
    [
      "a sid of another kind",
      "IncomingPhoneNumber",
      { phoneNumber: "+15015550100", voiceApplicationSid: sid },
      [`voiceApplicationSid must be a sid: AP and 32 letters or digits, not "${sid}"`],
    ],
    ["a kind in capitals", "Application", { friendlyName: "x", kind: "Voice" }, ['kind must be voice, sms or ussd, not "Voice"']],
    [
      "a property in the platform's spelling",
      "Application",
      { friendlyName: "x", RcmlUrl: "https://x" },
      ["RcmlUrl is not a property of Application; did you mean rcmlUrl?"],
    ],
  ];
  for (const [what, type, inputs, reasons] of cases) it(`tells ${what}`, () => assert.deepEqual(wrong(type, inputs), reasons));

  it("lets pass what a preview does not know yet", () => {
    assert.deepEqual(wrong("Account", { emailAddress: UNKNOWN, password: UNKNOWN, status: UNKNOWN }), []);
    assert.deepEqual(wrong("IncomingPhoneNumber", { accountSid: UNKNOWN, phoneNumber: UNKNOWN, voiceApplicationSid: UNKNOWN }), []);
    assert.deepEqual(wrong("IncomingPhoneNumber", { phoneNumber: "1234", isSip: UNKNOWN }), []);
    assert.deepEqual(wrong("Account", { emailAddress: "ops@acme.example.com", password: strong, accountSid: UNKNOWN }), []);
    assert.deepEqual(wrong("Account", { emailAddress: UNKNOWN, accountSid: `AC${"1".repeat(32)}` }), []);
  });

  it("never shows a password", () => {
    for (const password of [1234567, "hunt2", ["hunter2"]])
      assert.doesNotMatch(wrong("Client", { login: "a", password }).join(), /hunt|1234567/);
  });

  it("tells a malformed id", async () => {
    const { sandbox, variables } = await restcommTarget();
    await assert.rejects(
      lifecycleOf("restcomm:Client", sessionOf("restcomm", variables)).read("CL1", {}),
      /"CL1" is not the id of a resource restcomm:Client, which is Accounts\/<account sid>\/Clients\/<sid>/,
    );
    await sandbox.stop();
  });
});
