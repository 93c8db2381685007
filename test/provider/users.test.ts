import assert from "node:assert/strict";
import type { Properties } from "../../provider/resource";
import { Engine, ok } from "../support/engine";
import { accountTarget, holder, holders, jambonzTarget, made, type Row, type Target, writesTo } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";

const TYPE = "jambonz:User";
const PASSWORD = "first-password-1";
/** As where jambonz's database lacks the right to look only: the user is written by then. */
const failsInTheEnd = { status: 500, body: { msg: "Cannot read properties of undefined (reading 'permission_sid')" }, handled: true };

for (const kind of holders) {
  describe(`a user, with a key of ${holder[kind]}`, () => {
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
    const ann = (args: Properties = {}, name = "ann"): Declared => ({
      type: TYPE,
      name,
      args: { accountSid, email: `${name}@example.com`, initialPassword: PASSWORD, ...args },
    });
    const rowOf = async (name: string): Promise<Row> => {
      const { sid } = run.find(name)!.outputs;
      return (await target.sandbox.outside("GET", `/Users/${sid as string}`)).body as Row;
    };
    const writes = () => writesTo(target);
    const signsIn = async (password: string) =>
      (await fetch(`${target.sandbox.url}/login`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ username: "ann", password }),
      }).then(({ status }) => status)) === 200;

    it("is made as one of its account, changed in place, and deleted", async () => {
      assert.deepEqual(await ok(run.up([ann({ isViewOnly: true, forceChange: true })])), ["create ann"]);
      const row = await rowOf("ann");
      assert.deepEqual(
        [row.account_sid, row.service_provider_sid, row.is_view_only, row.force_change, row.is_active],
        [accountSid, target.serviceProviderSid, true, 1, 1],
      );
      assert(await signsIn(PASSWORD));
      assert.deepEqual(await ok(run.refresh()), []);
      assert.deepEqual(await ok(run.up([ann({ isViewOnly: true, forceChange: true })])), []);
      // Each of these alone is no update to jambonz, or takes the right to look only away.
      assert.deepEqual(await ok(run.up([ann({ isViewOnly: true, isActive: false })])), ["update ann"]);
      const changed = await rowOf("ann");
      assert.deepEqual([changed.is_view_only, changed.force_change, changed.is_active], [true, 0, 0]);
      assert.deepEqual(await ok(run.up([ann({ email: "anna@example.com" })])), ["update ann"]);
      const cleared = await rowOf("ann");
      assert.deepEqual([cleared.is_view_only, cleared.is_active, cleared.email], [false, 1, "anna@example.com"]);
      assert.deepEqual(await ok(run.refresh()), []);
      assert.deepEqual(await ok(run.destroy()), ["delete ann"]);
    });

    it("keeps the password that was chosen, until the program says another one", async () => {
      await ok(run.up([ann({ forceChange: true })]));
      const { id } = run.find("ann")!;
      await target.sandbox.outside("PUT", `/Users/${id}`, { old_password: PASSWORD, new_password: "my-own-password" });
      assert.deepEqual(await ok(run.up([ann({ forceChange: true })], { refresh: true })), []);
      assert(await signsIn("my-own-password"));
      assert.deepEqual(await ok(run.up([ann({ forceChange: true, initialPassword: "second-password" })])), ["update ann"]);
      assert(await signsIn("second-password"));
      assert(!(await signsIn("my-own-password")));
    });

    it("shows what somebody did to it", async () => {
      await ok(run.up([ann({ isViewOnly: true, isActive: true })]));
      const { id } = run.find("ann")!;
      await target.sandbox.outside("PUT", `/Users/${id}`, { name: "ann", is_active: false });
      assert.deepEqual(await ok(run.up([ann({ isViewOnly: true, isActive: true })], { refresh: true })), ["update ann"]);
      const row = await rowOf("ann");
      assert.deepEqual([row.is_view_only, row.is_active], [true, 1]);
      await target.sandbox.outside("DELETE", `/Users/${id}`);
      assert.deepEqual(await ok(run.refresh()), ["gone ann"]);
      await ok(run.up([ann()]));
      await target.sandbox.outside("DELETE", `/Users/${run.find("ann")!.id}`);
      assert.deepEqual(await ok(run.destroy()), ["delete ann"]);
    });

    it("whose name or address is taken is told who has it, and how to adopt that", async () => {
      await ok(run.up([ann()]));
      const { id } = run.find("ann")!;
      for (const args of [
        { name: "ann", email: "x@example.com" },
        { name: "bob", email: "ann@example.com" },
      ]) {
        const { errors } = await engine().up([ann(args, "other")]);
        assert.match(
          errors.join(),
          /^jambonz refused to create User "(ann|bob)": a user has the (name ann|address ann@example\.com) already: /,
        );
        assert(errors[0]!.includes(`adopt ${TYPE} <name> ${id}`), errors[0]);
        assert(!errors[0]!.includes(PASSWORD));
      }
      await ok(run.up([ann(), ann({}, "bob")]));
      target.sandbox.clearRequests();
      const { errors } = await run.up([ann(), ann({ email: "ann@example.com" }, "bob")]);
      assert.match(errors.join(), /^User "bob" \(\S+\): a user has the address ann@example\.com already/);
      assert.deepEqual(writes(), []);
    });

    it("keeps the right to look only that somebody gave, whatever else changes", async () => {
      await ok(run.up([ann()]));
      const { id } = run.find("ann")!;
      await target.sandbox.outside("PUT", `/Users/${id}`, { name: "ann", is_view_only: true });
      assert.deepEqual(await ok(run.up([ann({ email: "new@example.com" })], { refresh: true })), ["update ann"]);
      assert.equal((await rowOf("ann")).is_view_only, true);
    });

    it("that is adopted keeps the password that it has, and so does one whose password the program leaves out", async () => {
      const { sandbox, serviceProviderSid: service_provider_sid } = target;
      const row = { name: "ann", email: "ann@example.com", initial_password: PASSWORD, account_sid: accountSid, service_provider_sid };
      const id = await made(sandbox, "/Users", row);
      const lifecycle = lifecycleOf(TYPE, sessionOf("jambonz", variables(), { pace: 0.005 }));
      const read = await lifecycle.read(id, {});
      assert.deepEqual(read!.inputs, { accountSid, name: "ann", email: "ann@example.com" });
      assert.equal(lifecycle.diff(id, read!.state, read!.inputs).changes, false);
      target.sandbox.clearRequests();
      const state = { ...read!.state, initialPassword: PASSWORD };
      assert.equal((await lifecycle.update(id, state, read!.inputs)).initialPassword, undefined);
      assert.deepEqual(writes(), []);
      await assert.rejects(
        async () => lifecycle.create({ ...read!.inputs, name: "new", email: "new@example.com" }),
        /initialPassword is required for a new user/,
      );
    });

    it("has to change a password again that the program sets anew", async () => {
      await ok(run.up([ann({ forceChange: true })]));
      const { id } = run.find("ann")!;
      await target.sandbox.outside("PUT", `/Users/${id}`, { old_password: PASSWORD, new_password: "my-own-password" });
      assert.equal((await rowOf("ann")).force_change, 0);
      await ok(run.up([ann({ forceChange: true, initialPassword: "second-password" })]));
      assert.equal((await rowOf("ann")).force_change, 1);
    });

    it("has an address of its own, also where two are made or changed at once", async () => {
      const same = { email: "same@example.com" };
      const { errors } = await run.up([ann(same), ann(same, "bob")]);
      assert.match(errors.join(), /^jambonz refused to create User "(ann|bob)": a user has the address same@example\.com already/);
      await ok(run.up([ann(), ann({}, "bob")]));
      const both = await run.up([ann(same), ann(same, "bob")]);
      assert.match(both.errors.join(), /^User "(ann|bob)" \(\S+\): a user has the address same@example\.com already: .*deploy that first$/);
      assert.equal(both.errors.length, 1);
    });

    it("may change beside one whose name differs in case only", async () => {
      await ok(run.up([ann(), ann({ name: "Ann" }, "other")]));
      await ok(run.up([ann(), ann({ name: "Ann", email: "new@example.com" }, "other")]));
    });

    it("without a password in the program is not deleted to be made anew, nor told to be another one's", async () => {
      if (kind !== "admin") return;
      const other = await made(target.sandbox, "/ServiceProviders", { name: "others" });
      const program = (serviceProviderSid: string, password: Properties = { initialPassword: undefined }): Declared[] => [
        { type: "jambonz:Account", name: "tenant", args: { serviceProviderSid, forceDestroy: true } },
        ann({ accountSid: { $ref: "tenant.sid" }, ...password }),
      ];
      await ok(run.up(program(target.serviceProviderSid, {})));
      await ok(run.up(program(target.serviceProviderSid)));
      const { errors } = await run.up(program(other));
      assert.match(errors.join(), /initialPassword is required for a new user/);
      const alone = await run.up([ann({ accountSid, initialPassword: undefined })]);
      assert.match(alone.errors.join(), /initialPassword is required for a new user/);
    });

    it("is not deleted to be made anew with a password that the platform would refuse", async () => {
      if (kind === "account") return;
      await ok(run.up([ann()]));
      const moved = { accountSid: undefined, serviceProviderSid: target.serviceProviderSid };
      const rules = { min_password_length: 10, require_digit: true, require_special_character: true };
      const refused = async (initialPassword: string, why: RegExp) => {
        const { steps, errors } = await run.up([ann({ ...moved, initialPassword })]);
        assert.deepEqual(steps, []);
        assert.match(errors.join(), why);
      };
      await refused(
        "x".repeat(21),
        /it is not replaced, because the new one could not be created: initialPassword has more than 20 characters$/,
      );
      assert.equal((await target.sandbox.outside("POST", "/PasswordSettings", rules)).status, 201);
      await refused("short-1!!", /initialPassword has fewer than 10 characters$/);
      await refused("long-enough!", /initialPassword has no digit$/);
      await refused("longenough12", /initialPassword has no special character$/);
      await refused("long enough 12", /initialPassword has no special character$/);
      assert.equal((await rowOf("ann")).account_sid, accountSid);
      await ok(run.up([ann({ ...moved, initialPassword: `${"long-enough-1!".repeat(3)}` })]));
    });

    it("that is there although jambonz failed in the end is in state", async () => {
      target.sandbox.addFault({ match: { method: "POST", path: "/Users" }, fault: failsInTheEnd });
      const { errors } = await run.up([ann({ isActive: false, isViewOnly: true })]);
      assert.match(errors.join(), /^User "ann" \(\S+\): the user was made, but then jambonz failed: Cannot read properties/);
      assert.equal(run.entries.length, 1);
      await target.sandbox.outside("PUT", `/Users/${run.find("ann")!.id}`, { name: "ann", is_view_only: false, is_active: true });
      await ok(run.up([ann({ isActive: false, isViewOnly: true })]));
      assert.equal((await rowOf("ann")).is_view_only, true, "it is sent again, because it may not have been done");
    });

    it("that was changed although jambonz failed in the end is changed back", async () => {
      await ok(run.up([ann()]));
      target.sandbox.addFault({ match: { method: "PUT" }, fault: failsInTheEnd });
      const { errors } = await run.up([ann({ email: "other@example.com" })]);
      assert.match(errors.join(), /^jambonz refused to update User "ann" .*permission_sid/);
      assert.equal((await rowOf("ann")).email, "other@example.com");
      assert.deepEqual(await ok(run.up([ann()])), ["update ann"]);
      assert.equal((await rowOf("ann")).email, "ann@example.com");
    });

    it("is told, not lost, where the look fails, too", async () => {
      target.sandbox.addFault({ match: { method: "POST", path: "/Users" }, fault: failsInTheEnd });
      // Before it is asked what there is; again where that is nobody, which is an error of jambonz.
      const skip = kind === "admin" ? 1 : 2;
      target.sandbox.addFault({ match: { method: "GET", path: "/Users" }, fault: { status: 403, body: "" }, skip });
      await ok(run.up([ann()]));
      assert.equal(run.find("ann")!.id, (await rowOf("ann")).user_sid);
    });

    it("is found again where its creation was not answered", async () => {
      target.sandbox.addFault({ match: { method: "POST" }, fault: "dropAnswer" });
      await ok(run.up([ann()]));
      assert.deepEqual(writes(), ["POST /Users"]);
      assert.equal((await rowOf("ann")).name, "ann");
    });

    it("is made anew, the old one first, where it becomes another one's", async () => {
      await ok(run.up([ann()]));
      const other = ann({ accountSid: undefined, serviceProviderSid: target.serviceProviderSid });
      if (kind === "account") {
        const { errors } = await run.up([other]);
        assert.match(
          errors.join(),
          /it is not replaced, because the new one could not be created: the key in use sees no service provider/,
        );
        return;
      }
      assert.deepEqual(await ok(run.up([other])), ["delete ann", "create ann"]);
      const row = await rowOf("ann");
      assert.deepEqual([row.account_sid, row.service_provider_sid], [null, target.serviceProviderSid]);
      assert.deepEqual(await ok(run.refresh()), []);
    });

    it("is no administrator but by an admin's key", async () => {
      const boss = ann({ accountSid: undefined, admin: true }, "boss");
      if (kind === "admin") {
        await ok(run.up([boss]));
        const row = await rowOf("boss");
        assert.deepEqual([row.account_sid, row.service_provider_sid], [null, null]);
        assert.deepEqual(await ok(run.refresh()), []);
        return;
      }
      const { errors } = await run.up([boss]);
      assert.match(errors.join(), /^User "boss": only an admin's key makes administrators$/);
      assert.deepEqual(writes(), []);
    });

    it("of somebody else is neither shown nor taken for gone", async () => {
      const { sandbox } = target;
      const service_provider_sid = await made(sandbox, "/ServiceProviders", { name: "others" });
      const account_sid = await made(sandbox, "/Accounts", { name: "theirs", service_provider_sid });
      const initial_password = PASSWORD;
      const sid = await made(sandbox, "/Users", {
        name: "eve",
        email: "e@example.com",
        initial_password,
        account_sid,
        service_provider_sid,
      });
      const read = () => lifecycleOf(TYPE, sessionOf("jambonz", variables(), { pace: 0.005 })).read(sid, {});
      const lifecycle = lifecycleOf(TYPE, sessionOf("jambonz", variables(), { pace: 0.005 }));
      const state = { sid, name: "eve", email: "e@example.com", accountSid: account_sid, initialPassword: PASSWORD };
      const update = () => lifecycle.update(sid, state, { ...state, initialPassword: "taken-over-1" });
      if (kind !== "admin") await assert.rejects(update(), /^Error: jambonz refused to update User/);
      if (kind === "admin") assert.equal((await read())!.inputs.accountSid, account_sid);
      else await assert.rejects(read(), /^Error: jambonz refused to read User/);
      const { errors } = await run.up([ann({ accountSid: account_sid }, "mallory")]);
      if (kind === "admin") assert.deepEqual(errors, []);
      else assert.match(errors.join(), /the key in use sees no account/);
    });
  });
}

describe("an administrator", () => {
  it("that is the last one is not deleted, and nobody lists one", async () => {
    const target = await jambonzTarget();
    const { sandbox } = target;
    const session = sessionOf("jambonz", target.variables, { pace: 0.005 });
    const [admin] = (await sandbox.outside("GET", "/Users")).body as Row[];
    const lifecycle = lifecycleOf(TYPE, session);
    const read = await lifecycle.read(admin!.user_sid as string, {});
    assert.deepEqual(read!.inputs, { admin: true, name: "admin", email: "joe@foo.bar", forceChange: true });
    await assert.rejects(
      lifecycle.delete(admin!.user_sid as string, read!.state),
      /^Error: jambonz refused to delete User "admin" \(\S+\): it is the last active administrator \(400\)$/,
    );
    assert.deepEqual(await lifecycle.definition.list!(session.client, () => {}), []);
    await sandbox.stop();
  });

  it("that has gone already, where jambonz answers by an error of its code, is deleted", async () => {
    const target = await jambonzTarget();
    const accountSid = await made(target.sandbox, "/Accounts", { name: "acme", service_provider_sid: target.serviceProviderSid });
    const run = new Engine({ environment: () => target.variables, pace: 0.005, log: () => {} });
    const args = { accountSid, email: "ann@example.com", initialPassword: PASSWORD };
    assert.deepEqual((await run.up([{ type: TYPE, name: "ann", args }])).errors, []);
    await target.sandbox.outside("DELETE", `/Users/${run.find("ann")!.id}`);
    assert.deepEqual(await run.destroy(), { steps: ["delete ann"], errors: [] });
    await target.sandbox.stop();
  });
});

describe("a user's properties", () => {
  it("are judged before anything is sent", () => {
    const session = sessionOf("jambonz", { JAMBONZ_API_URL: "http://127.0.0.1:9/v1", JAMBONZ_API_KEY: "k" });
    const accountSid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    const wrong = (args: Properties) =>
      lifecycleOf(TYPE, session)
        .check({ name: "ann", email: "a@example.com", initialPassword: PASSWORD, ...args }, {})
        .failures.map(({ reason }) => reason);
    assert.deepEqual(wrong({ accountSid }), []);
    assert.deepEqual(wrong({}), ["User needs exactly one of accountSid, serviceProviderSid and admin: true"]);
    assert.deepEqual(wrong({ accountSid, admin: true }).length, 1);
    assert.deepEqual(wrong({ accountSid, email: "ann" }), ['email must be an e-mail address, not "ann"']);
    assert.match(
      wrong({ accountSid, initialPassword: "short" }).join(),
      /^initialPassword must (be at least|have at least|not be shorter) /,
    );
    assert.deepEqual(wrong({ accountSid, initialPassword: undefined }), ["initialPassword is required"]);
    const adopted = { name: "ann", email: "a@example.com", accountSid };
    assert.deepEqual(lifecycleOf(TYPE, session).check(adopted, adopted).failures, []);
  });
});
