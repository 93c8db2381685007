import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { testEnvironment } from "../support/environment";
import { accountsOf, asked, jambonzTarget, limitsOf, made, type Target } from "../support/jambonz";
import { TestStack } from "../support/pulumi";

type Resources = Record<string, { type: string; properties?: Record<string, unknown>; options?: Record<string, unknown> }>;

describe("a program in YAML, through the plugin", () => {
  /** Where npm puts the programs of the packages that it installs: a plugin's folder, too. */
  const programs = join(testEnvironment().program, "node_modules", ".bin");
  let target: Target;
  let stack: TestStack;

  const write = (resources: Resources, { found = true } = {}) =>
    writeFileSync(
      join(stack.folder, "Pulumi.yaml"),
      JSON.stringify({
        name: "test",
        runtime: "yaml",
        ...(found && { plugins: { providers: [{ name: "jambonz", path: programs }] } }),
        resources,
        ...(resources.key && {
          outputs: { token: "${key.token}", seen: { "fn::invoke": { function: "jambonz:getAccounts", return: "accounts" } } },
        }),
      }),
    );

  const acme = (more: Record<string, unknown> = {}, category = "device"): Resources => ({
    acme: {
      type: "jambonz:Account",
      properties: { registrationHook: { url: "https://example.com/a", password: { "fn::secret": "p-a-s-s" } }, ...more },
    },
    key: { type: "jambonz:ApiKey", properties: { accountSid: "${acme.sid}" } },
    limit: { type: "jambonz:Limit", properties: { accountSid: "${acme.sid}", category, quantity: 5 } },
    // A provider of its own, whose key is known only once the account is made.
    tenant: { type: "pulumi:providers:jambonz", properties: { apiUrl: target.sandbox.url, apiKey: "${key.token}" } },
    own: { type: "jambonz:ApiKey", properties: { accountSid: "${acme.sid}" }, options: { provider: "${tenant}" } },
  });

  const state = async () => {
    const { deployment } = await stack.state();
    return Object.fromEntries((deployment.resources ?? []).map((resource) => [resource.urn.split("::").at(-1)!, resource]));
  };

  before(async function () {
    if (!testEnvironment().yaml) this.skip();
    target = await jambonzTarget("service provider");
    const folder = mkdtempSync(join(tmpdir(), "cpaas-yaml-"));
    writeFileSync(join(folder, "Pulumi.yaml"), "name: test\nruntime: yaml\n");
    stack = await TestStack.in(folder, target.variables);
    write(acme());
  });
  beforeEach(() => target.sandbox.clearRequests());
  after(async () => {
    stack?.remove();
    await target?.sandbox.stop();
  });

  it("is previewed without a request for a resource, and without a key", async () => {
    stack.platform = { JAMBONZ_API_URL: target.sandbox.url };
    const { acme: account } = acme();
    write({ acme: account! });
    const shown = await stack.ok(["preview", "--diff"]);
    stack.platform = target.variables;
    assert.match(shown, /name\s*: "acme"/);
    assert.match(shown, /password: \[secret\]/);
    assert.deepEqual(asked(target), []);
  });

  it("is deployed, its secrets encrypted, with two providers", async () => {
    write(acme());
    await stack.up();
    const { acme: account, key, own } = await state();
    assert.equal(account!.type, "jambonz:index:Account");
    assert.equal(account!.id, account!.outputs.sid);
    assert.equal(account!.outputs.name, "acme");
    const row = (await accountsOf(target)).acme;
    assert.equal(row.registration_hook.password, "p-a-s-s");
    const text = JSON.stringify(await stack.state());
    const { token } = await stack.outputs();
    for (const hidden of ["p-a-s-s", row.webhook_secret, token, target.key]) assert.equal(text.includes(hidden as string), false);
    const scopes = target.sandbox.requests.filter(({ method, path }) => method === "POST" && path === "/ApiKeys").map(({ scope }) => scope);
    assert.deepEqual(scopes, ["serviceProvider", "account"]);
    assert.notEqual(key!.id, own!.id);
  });

  it("sends nothing but its look-up when nothing changed", async () => {
    await stack.ok(["up", "--yes", "--expect-no-changes"]);
    assert.deepEqual([...new Set(asked(target))], ["GET /Accounts"]);
  });

  it("notices drift, and sends what the program says", async () => {
    const { id } = (await state()).acme!;
    await target.sandbox.outside("PUT", `/Accounts/${id}`, {
      registration_hook: { url: "https://drift.example.com", password: "p-a-s-s" },
    });
    await stack.fails(["preview", "--refresh", "--expect-no-changes"]);
    const shown = await stack.up("--refresh", "--diff");
    assert.match(shown, /url\s*: "https:\/\/drift\.example\.com" => "https:\/\/example\.com\/a"/);
    assert.equal(((await accountsOf(target)).acme.registration_hook as { url: string }).url, "https://example.com/a");
    assert.deepEqual(await stack.plan(), []);
  });

  it("updates one thing, and shows that nothing else will change", async () => {
    write(acme({ planType: "paid" }));
    assert.deepEqual(await stack.plan(), ["update acme"]);
    await stack.up();
    assert.equal((await accountsOf(target)).acme.plan_type, "paid");
  });

  it("replaces what cannot be changed in place", async () => {
    write(acme({ planType: "paid" }, "api_rate"));
    assert.match((await stack.plan()).join(), /replace limit/);
    await stack.up();
    assert.deepEqual(await limitsOf(target, (await state()).acme!.id), { api_rate: 5 });
  });

  it("imports by the id alone, with the plugin found on PATH, and then has nothing to change", async () => {
    const sid = await made(target.sandbox, "/Accounts", { name: "found", service_provider_sid: target.serviceProviderSid });
    const resources: Resources = { ...acme({ planType: "paid" }, "api_rate"), found: { type: "jambonz:Account" } };
    write(resources, { found: false });
    const { PATH } = stack.environmentVariables();
    stack.platform = { ...target.variables, PATH: [PATH, programs].join(delimiter) };
    await stack.ok(["import", "jambonz:index:Account", "found", sid, "--yes", "--generate-code=false", "--protect=false"]);
    assert.equal((await state()).found!.id, sid);
    assert.deepEqual(await stack.plan(), []);
    const missing = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    const refused = await stack.fails(["import", "jambonz:index:Account", "none", missing, "--yes", "--generate-code=false"]);
    assert.match(refused, /error: .*jambonz refused to read Account \(3f2504e0-.*\): insufficient permissions \(403\)/);
  });

  it("has a schema that Pulumi accepts", async () => {
    const text = await stack.ok(["package", "get-schema", join(programs, "pulumi-resource-jambonz")]);
    const { name, resources } = JSON.parse(text.slice(text.indexOf("{"))) as { name: string; resources: object };
    assert.equal(name, "jambonz");
    assert.ok("jambonz:index:SipRealm" in resources);
  });

  it("is destroyed", async () => {
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual(await accountsOf(target), {});
    assert.deepEqual(await state(), {});
  });
});
