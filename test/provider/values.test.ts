import assert from "node:assert/strict";
import { account } from "../../provider/jambonz/account";
import { limit } from "../../provider/jambonz/limit";
import { phoneNumber } from "../../provider/jambonz/phone-number";
import { secretsIn } from "../../provider/schema";
import { markSecrets } from "../../provider/secrets";
import { SECRET, SIGNATURE } from "../../provider/signature";
import { canonical, project, same, UNKNOWN, withoutNulls } from "../../provider/values";

const hook = { url: "https://app.example.com/r", method: "POST", username: "u", password: "live-password" };
const schema = account.inputs;

describe("what a read takes over from the platform", () => {
  it("is what state declares, and nothing else", () => {
    const live = { name: "new", sipRealm: "a.example.com", recordAllCalls: true };
    assert.deepEqual(project({ schema, live, state: { name: "old" }, everything: false }), { name: "new" });
  });

  it("is null where the platform has nothing of what is declared", () => {
    assert.deepEqual(project({ schema, live: { name: "a" }, state: { name: "a", sipRealm: "x.example.com" }, everything: false }), {
      name: "a",
      sipRealm: null,
    });
  });

  it("keeps the program's spelling where only letter case differs", () => {
    const live = { name: "a", sipRealm: "acme.example.com" };
    assert.equal(
      project({ schema, live, state: { name: "a", sipRealm: "Acme.Example.com" }, everything: false }).sipRealm,
      "Acme.Example.com",
    );
  });

  it("goes into nested values, and brings no secret in that state does not hold", () => {
    const state = { name: "a", registrationHook: { url: "https://old.example.com" } };
    assert.deepEqual(project({ schema, live: { name: "a", registrationHook: hook }, state, everything: false }).registrationHook, {
      url: hook.url,
    });
    const withPassword = { name: "a", registrationHook: { url: "https://old.example.com", password: "old" } };
    assert.deepEqual(
      project({ schema, live: { name: "a", registrationHook: hook }, state: withPassword, everything: false }).registrationHook,
      {
        url: hook.url,
        password: "live-password",
      },
    );
  });

  it("shows an object that came back after it was cleared, without its secrets", () => {
    const state = { name: "a", registrationHook: null };
    assert.deepEqual(project({ schema, live: { name: "a", registrationHook: hook }, state, everything: false }).registrationHook, {
      url: hook.url,
      method: "POST",
      username: "u",
    });
  });

  it("brings no secret in where the platform has a kind of object that this version does not know", () => {
    const live = { name: "a", bucketCredential: { vendor: "nimbus", name: "b", secretAccessKey: "live-secret", apiToken: "live-token" } };
    const bucketOf = (state: Record<string, unknown>, everything = false) => project({ schema, live, state, everything }).bucketCredential;
    const known = { vendor: "nimbus", name: "b" };
    const declared = { vendor: "aws_s3", name: "old", region: "r", accessKeyId: "i" };
    assert.deepEqual(bucketOf({ name: "a" }, true), known);
    assert.deepEqual(bucketOf({ name: "a", bucketCredential: null }), known);
    assert.deepEqual(bucketOf({ name: "a", bucketCredential: declared }), known);
    const withSecret = { ...declared, secretAccessKey: "old-secret" };
    assert.deepEqual(bucketOf({ name: "a", bucketCredential: withSecret }), { ...known, secretAccessKey: "live-secret" });
  });

  it("after an import is what is required or differs from the platform's defaults", () => {
    const live = {
      name: "a",
      serviceProviderSid: "s",
      isActive: true,
      planType: "trial",
      recordFormat: "wav",
      deviceToCallRatio: 5,
      disableCdrs: false,
    };
    assert.deepEqual(project({ schema, live, state: {}, everything: true }), { name: "a", serviceProviderSid: "s", recordFormat: "wav" });
  });

  it("fills a placeholder of an import list, secrets included", () => {
    const live = { name: "a", registrationHook: hook };
    assert.deepEqual(project({ schema, live, state: { registrationHook: "" }, everything: true }).registrationHook, hook);
    // Nothing is there, so nothing is managed: a null would be a difference to a program that does not say it.
    assert.deepEqual(project({ schema, live: { name: "a" }, state: { registrationHook: "" }, everything: true }), { name: "a" });
  });

  it("keeps what only the provider acts on", () => {
    assert.deepEqual(project({ schema, live: { name: "a" }, state: { name: "a", forceDestroy: true }, everything: false }), {
      name: "a",
      forceDestroy: true,
    });
  });
});

describe("the secrets of an object whose kind is not known", () => {
  const bucket = (vendor: string) => ({ vendor, name: "b", secretAccessKey: "s", serviceKey: "{}", connectionString: "c" });
  for (const vendor of [UNKNOWN, "nimbus"]) {
    it(`are those of every kind: ${vendor}`, () => {
      const secret = (value: string) => ({ [SIGNATURE]: SECRET, value });
      const { shape } = schema;
      assert.deepEqual(
        markSecrets({ bucketCredential: bucket(vendor) }, shape, (_path, isSecret) => isSecret),
        { bucketCredential: { ...bucket(vendor), secretAccessKey: secret("s"), serviceKey: secret("{}"), connectionString: secret("c") } },
      );
      assert.deepEqual(secretsIn(schema, { bucketCredential: bucket(vendor) }).sort(), ["c", "s", "{}"]);
    });
  }
});

describe("whether two values are the same", () => {
  it("does not depend on letter case in a realm, and does in a name", () => {
    assert.ok(same(account.inputs.shape.sipRealm, "A.example.com", "a.example.com"));
    assert.ok(!same(account.inputs.shape.name, "A", "a"));
  });

  it("does not depend on one + before a number", () => {
    const { number } = phoneNumber.inputs.shape;
    assert.ok(same(number, "+1501", "1501"));
    assert.ok(!same(number, "+1501", "1502"));
    assert.equal(
      project({ schema: phoneNumber.inputs, live: { number: "1501" }, state: { number: "+1501" }, everything: false }).number,
      "+1501",
    );
    assert.deepEqual(canonical(phoneNumber.inputs, { number: "+1501" }), { number: "1501" });
  });

  it("takes null for nothing", () => {
    assert.ok(same(account.inputs.shape.sipRealm, undefined, null));
    assert.ok(!same(limit.inputs.shape.quantity, 0, null));
  });

  it("compares nested values member by member", () => {
    assert.ok(same(account.inputs.shape.registrationHook, { url: "u", username: undefined }, { url: "u", username: null }));
    assert.ok(!same(account.inputs.shape.registrationHook, { url: "u" }, { url: "u", password: "p" }));
  });
});

it("null in a program is the same as nothing", () => {
  assert.deepEqual(withoutNulls({ a: null, b: { c: null, d: 1 } }), { b: { d: 1 } });
});

it("what is left out of a nested object is the platform's default", () => {
  assert.ok(same(account.inputs.shape.registrationHook, { url: "u" }, { url: "u", method: "POST" }));
  assert.ok(!same(account.inputs.shape.registrationHook, { url: "u" }, { url: "u", method: "GET" }));
});
