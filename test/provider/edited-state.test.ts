import assert from "node:assert/strict";
import type { Properties } from "../../provider/resource";
import { marks } from "../../provider/values";
import { jambonzTarget } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";

const hook = { url: "https://app.example.com/r" };

/** What somebody wrote into the state by hand, by what it is about. */
const edits: Record<string, Properties> = {
  "a mark that is a number": { [marks.unsure]: 5, [marks.unmanaged]: 7 },
  "a mark that is a text": { [marks.chosen]: "serviceProviderSid" },
  "a mark with numbers in it": { [marks.unsure]: [5], [marks.chosen]: [null, {}] },
  "no place": { [marks.place]: null },
  "a place that is a number": { [marks.place]: 5 },
  "a text for an object": { registrationHook: "str", bucketCredential: "str" },
  "a list for an object": { registrationHook: ["str"], bucketCredential: [] },
  "an object for a text": { name: {}, sipRealm: { a: 1 }, createdAt: {} },
  "numbers for texts": { name: 5, sid: 9, registrationHook: { url: 5 } },
};

describe("a state that somebody has edited into something that it never is", () => {
  let target: Awaited<ReturnType<typeof jambonzTarget>>;

  before(async () => void (target = await jambonzTarget()));
  after(() => target.sandbox.stop());

  const lifecycle = (type: string) => lifecycleOf(`jambonz:${type}`, sessionOf("jambonz", target.variables, { pace: 0.001 }));

  for (const [at, [what, edit]] of Object.entries(edits).entries()) {
    it(`is compared, refreshed, updated and deleted all the same: ${what}`, async () => {
      const inputs = { name: `edited-${at}`, serviceProviderSid: target.serviceProviderSid, registrationHook: hook };
      const { id, state } = await lifecycle("Account").create(inputs);
      const edited = { ...state, ...edit };
      assert.equal(lifecycle("Account").diff(id, edited, { ...inputs, name: "changed" }).changes, true);
      assert.deepEqual(lifecycle("Account").diff(id, edited, inputs).replaces, []);
      const live = await lifecycle("Account").read(id, edited);
      for (const value of [live!.inputs.registrationHook, live!.state.registrationHook])
        if (value !== undefined) assert.deepEqual(value, hook);
      const next = await lifecycle("Account").update(id, edited, inputs);
      assert.equal(lifecycle("Account").diff(id, next, inputs).changes, false);
      assert.equal(next.sid, id);
      await lifecycle("Account").delete(id, edited);
      assert.equal(await lifecycle("Account").read(id, state), undefined);
    });
  }

  it("lets a realm go, too", async () => {
    const { id } = await lifecycle("Account").create({ name: "realm", serviceProviderSid: target.serviceProviderSid });
    const { state } = await lifecycle("SipRealm").create({ accountSid: id, realm: "edited.example.com" });
    await lifecycle("SipRealm").delete(id, { ...state, [marks.unsure]: 5 });
    assert.equal((await target.sandbox.outside("GET", `/Accounts/${id}`)).body.sip_realm, null);
  });
});
