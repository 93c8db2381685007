import assert from "node:assert/strict";
import { eitherDoor } from "../support/doors";
import { accountsOf, asked, jambonzTarget, keysOf, made, tenant, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

describe("what belongs to a service provider, or to nobody", () => {
  const door = eitherDoor();
  let target: Target;
  let stack: TestStack;
  const byToken = async (token: string) =>
    (await fetch(`${target.sandbox.url}/ServiceProviders`, { headers: { authorization: `Bearer ${token}` } })).status;

  beforeEach(async () => (target = await jambonzTarget()));
  afterEach(async () => {
    stack.remove();
    await target.sandbox.stop();
  });

  it("limits and keys of a service provider are made, kept and deleted", async () => {
    const { serviceProviderSid } = target;
    const resources: Declared[] = [
      { type: "jambonz:Limit", name: "limit", args: { serviceProviderSid, category: "voice_call_session_license", quantity: 500 } },
      { type: "jambonz:ApiKey", name: "key", args: { serviceProviderSid } },
    ];
    stack = await TestStack.create(target.variables, { resources }, { door });
    await stack.up();
    assert.equal(
      (await stack.resources())["jambonz:Limit limit"]!.id,
      `ServiceProviders/${serviceProviderSid}/Limits/voice_call_session_license`,
    );
    const { body: limits } = await target.sandbox.outside("GET", `/ServiceProviders/${serviceProviderSid}/Limits`);
    assert.deepEqual(
      (limits as { quantity: number }[]).map(({ quantity }) => quantity),
      [500],
    );
    await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual((await target.sandbox.outside("GET", `/ServiceProviders/${serviceProviderSid}/Limits`)).body, []);
    assert.equal(
      ((await target.sandbox.outside("GET", `/ServiceProviders/${serviceProviderSid}/ApiKeys`)).body as unknown[]).length,
      1,
      "the key made from outside",
    );
  });

  it("an admin key is made only when said so, is read by itself, and its absence is noticed", async () => {
    stack = await TestStack.create(
      target.variables,
      { resources: [{ type: "jambonz:ApiKey", name: "root", args: { admin: true } }] },
      { door },
    );
    await stack.up();
    const { id, outputs } = (await stack.resources(true))["jambonz:ApiKey root"]!;
    const token = JSON.parse(outputs.token.plaintext as string) as string;
    assert.equal(await byToken(token), 200);
    target.sandbox.clearRequests();
    await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    assert.deepEqual(
      target.sandbox.requests.map(({ method, path, scope }) => `${scope} ${method} ${path}`),
      ["admin GET /ServiceProviders"],
    );
    await target.sandbox.outside("DELETE", `/${id}`);
    assert.deepEqual(await stack.plan("--refresh"), ["create root"]);
    await stack.up("--refresh");
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.equal(await byToken(token), 401);
  });

  it("an account without a service provider gets the only one there is, and naming it later changes nothing", async () => {
    const { body } = await target.sandbox.outside("GET", "/ServiceProviders");
    const other = (body as { service_provider_sid: string }[])
      .map((row) => row.service_provider_sid)
      .find((sid) => sid !== target.serviceProviderSid)!;
    const mine = {
      ...target.variables,
      JAMBONZ_API_KEY: (
        (await target.sandbox.outside("POST", "/ApiKeys", { service_provider_sid: target.serviceProviderSid })).body as { token: string }
      ).token,
    };
    stack = await TestStack.create(mine, { resources: [{ type: "jambonz:Account", name: "acme" }] }, { door });
    await stack.up();
    assert.ok("acme" in (await accountsOf(target)));
    await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    stack.write({ resources: [{ type: "jambonz:Account", name: "acme", args: { serviceProviderSid: target.serviceProviderSid } }] });
    assert.deepEqual(await stack.plan(), []);
    stack.write({ resources: [{ type: "jambonz:Account", name: "acme", args: { serviceProviderSid: other } }] });
    assert.deepEqual(await stack.plan(), ["replace acme"]);
    // Neither is the old one given up for it, nor is one made where the key's own is.
    const unseen = /the key in use sees no service provider/;
    assert.match(await stack.fails(["up", "--yes", "--skip-preview"]), unseen);
    assert.ok("acme" in (await accountsOf(target)));
    stack.write({ resources: [{ type: "jambonz:Account", name: "second", args: { serviceProviderSid: other } }] });
    assert.match(await stack.fails(["up", "--yes", "--skip-preview"]), unseen);
    assert.ok(!("second" in (await accountsOf(target))));
  });

  it("the key of another service provider makes nothing look gone", async () => {
    stack = await TestStack.create(target.variables, { resources: tenant(target, "acme") }, { door });
    await stack.up();
    const other = await made(target.sandbox, "/ServiceProviders", { name: "other" });
    const { body } = await target.sandbox.outside("POST", "/ApiKeys", { service_provider_sid: other });
    stack.platform = { ...target.variables, JAMBONZ_API_KEY: (body as { token: string }).token };
    const before = Object.keys(await stack.resources()).sort();
    await stack.fails(["refresh", "--yes", "--skip-preview"]);
    assert.deepEqual(Object.keys(await stack.resources()).sort(), before);
    const { acme } = await accountsOf(target);
    assert.equal((await keysOf(target, acme.account_sid as string)).length, 1);
    // jambonz lets every service provider delete every account's keys, so that one is really gone; nothing else is.
    await stack.fails(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual(
      Object.keys(await stack.resources()).sort(),
      before.filter((name) => !name.startsWith("jambonz:ApiKey")),
    );
    assert.equal((await keysOf(target, acme.account_sid as string)).length, 0);
    assert.equal((await accountsOf(target)).acme.sip_realm, "acme.sip.example.com");
  });

  it("what exists can be read without being managed", async () => {
    const acme = await made(target.sandbox, "/Accounts", {
      name: "acme",
      service_provider_sid: target.serviceProviderSid,
      sip_realm: "acme.example.com",
    });
    const resources: Declared[] = [
      { type: "jambonz:Account", name: "existing", get: acme },
      { type: "jambonz:Limit", name: "limit", args: { accountSid: { $ref: "existing.sid" }, category: "device", quantity: 2 } },
    ];
    stack = await TestStack.create(target.variables, { resources }, { door });
    await stack.up();
    const { body } = await target.sandbox.outside("GET", `/Accounts/${acme}/Limits`);
    assert.equal((body as unknown[]).length, 1);
    assert.ok(!JSON.stringify(await stack.state()).includes((await accountsOf(target)).acme.webhook_secret as string));
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.ok("acme" in (await accountsOf(target)));
  });

  it("a refresh of 100 accounts with their keys and limits asks for one list and two things of each", async () => {
    const resources = Array.from({ length: 100 }, (_, i): Declared[] => {
      const accountSid = { $ref: `a${i}.sid` };
      return [
        { type: "jambonz:Account", name: `a${i}`, args: { serviceProviderSid: target.serviceProviderSid } },
        { type: "jambonz:ApiKey", name: `k${i}`, args: { accountSid } },
        ...["device", "api_rate", "voice_call_session"].map((category): Declared => ({
          type: "jambonz:Limit",
          name: `l${i}-${category}`,
          args: { accountSid, category, quantity: 1 },
        })),
      ];
    }).flat();
    stack = await TestStack.create(target.variables, { resources }, { door });
    await stack.up();
    // Names are listed again after half a minute, so a slow machine needs some more lists.
    const lists = asked(target).filter((request) => request === "GET /ServiceProviders/:sid/Accounts").length;
    assert.ok(lists < 10, `${lists} lists for all names`);
    assert.equal(asked(target).length - lists, 100 * (2 + 1 + 3), "what each resource needs");
    target.sandbox.clearRequests();
    await stack.ok(["refresh", "--yes", "--skip-preview", "--expect-no-changes"]);
    assert.equal(asked(target).filter((request) => request === "GET /ServiceProviders/:sid/Accounts").length, 1);
    assert.equal(asked(target).length, 1 + 100 * 2);
  });
});
