import assert from "node:assert/strict";
import type { Lifecycle } from "../../provider/lifecycle";
import { Engine } from "../support/engine";
import { accountsOf, asked, jambonzTarget, made, type Target } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";

describe("the name of an account", () => {
  let target: Target;
  beforeEach(async () => void (target = await jambonzTarget()));
  afterEach(() => target.sandbox.stop());

  /** The accounts of one run. */
  function accounts(): Lifecycle {
    return lifecycleOf("jambonz:Account", sessionOf("jambonz", target.variables, { pace: 0.005 }));
  }
  const inputs = (name: string) => ({ name, serviceProviderSid: target.serviceProviderSid });

  it("is free only where it still is when the run begins to create, whatever its refresh has read before", async () => {
    const { sandbox, serviceProviderSid } = target;
    const other = await made(sandbox, "/Accounts", { name: "other", service_provider_sid: serviceProviderSid });
    const run = accounts();
    await run.read(other, { ...inputs("other"), sid: other });
    const theirs = await made(sandbox, "/Accounts", { name: "acme", service_provider_sid: serviceProviderSid });
    await assert.rejects(run.create(inputs("acme")), new RegExp(`already has an account of this name: ${theirs}`));
    assert.deepEqual(Object.keys(await accountsOf(target)).sort(), ["acme", "other"]);
  });

  it("is asked for once for all that a run creates", async () => {
    const run = accounts();
    target.sandbox.clearRequests();
    await Promise.all(["a", "b", "c"].map((name) => run.create(inputs(name))));
    await run.create(inputs("d"));
    const lists = asked(target).filter((line) => line === "GET /ServiceProviders/:sid/Accounts");
    assert.equal(lists.length, 1);
  });

  it("is free again when its account could not be created", async () => {
    const run = accounts();
    target.sandbox.addFault({ match: { method: "POST", path: "/Accounts" }, fault: { status: 500, body: { msg: "no such plan" } } });
    await assert.rejects(run.create(inputs("acme")), /no such plan/);
    await run.create(inputs("acme"));
    assert.deepEqual(Object.keys(await accountsOf(target)), ["acme"]);
  });

  it("is not said to be somebody else's where an account of the program is about to give it up", async () => {
    const engine = new Engine({ environment: () => target.variables, pace: 0.005 });
    const account = (name: string, called: string, opts = {}): Declared => ({ type: "jambonz:Account", name, args: inputs(called), opts });
    assert.deepEqual((await engine.up([account("a", "X")])).errors, []);
    const renamed = [account("b", "X"), account("a", "Z")];
    assert.match(
      (await engine.up(renamed)).errors.join(),
      /if the program gives that account another name in this run, run it again afterwards$/,
    );
    assert.deepEqual((await engine.up(renamed)).errors, []);
    assert.deepEqual(Object.keys(await accountsOf(target)).sort(), ["X", "Z"]);

    const depends = [account("a", "Y"), account("b", "X"), account("c", "Z", { dependsOn: "a" })];
    assert.deepEqual((await engine.up(depends)).errors, []);
    assert.deepEqual(Object.keys(await accountsOf(target)).sort(), ["X", "Y", "Z"]);
  });
});
