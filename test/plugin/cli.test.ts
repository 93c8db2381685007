import assert from "node:assert/strict";
import { delimiter, join } from "node:path";
import { plugin, pluginFolder, through } from "../support/doors";
import { testEnvironment } from "../support/environment";
import { accountsOf, jambonzTarget, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

/** What only the plugin can do; what both doors can is tested for both in `test/cli`. */
describe("the plugin in the real CLI", () => {
  through(plugin);
  let target: Target;
  let stack: TestStack;
  const accountSid = { $ref: "acme.sid" };
  const acme = (args: object = {}): Declared => ({
    type: "jambonz:Account",
    name: "acme",
    args: { registrationHook: { url: "https://example.com/a", password: { $secret: "p-a-s-s" } }, ...args },
  });
  /** A provider of its own, whose key is known only once the account is made. */
  const withProvider = (): Declared[] => [
    acme(),
    { type: "jambonz:ApiKey", name: "key", args: { accountSid } },
    { type: "pulumi:providers:jambonz", name: "tenant", args: { apiUrl: target.sandbox.url, apiKey: { $ref: "key.token" } } },
    { type: "jambonz:ApiKey", name: "own", args: { accountSid }, opts: { provider: "tenant" } },
  ];

  before(async () => {
    target = await jambonzTarget("service provider");
    stack = await TestStack.create(target.variables, { resources: [acme()] }, { door: plugin });
  });
  beforeEach(() => target.sandbox.clearRequests());
  after(async () => {
    stack?.remove();
    await target?.sandbox.stop();
  });

  it("shows in the preview of a creation what is known, without a secret", async () => {
    const shown = await stack.ok(["preview", "--diff"]);
    assert.match(shown, /name\s*: "acme"/);
    assert.match(shown, /password: \[secret\]/);
  });

  it("works with two keys in one program, one of which the program makes, and keeps both secret", async () => {
    stack.write({ resources: withProvider(), outputs: { token: { $ref: "key.token" } } });
    await stack.up();
    const posts = target.sandbox.requests.filter(({ method, path }) => method === "POST" && path === "/ApiKeys");
    assert.deepEqual(
      posts.map(({ scope }) => scope),
      ["serviceProvider", "account"],
    );
    const text = JSON.stringify(await stack.state());
    const { token } = (await stack.outputs()) as { token: string };
    for (const hidden of [token, target.key]) assert.equal(text.includes(hidden), false);
    assert.deepEqual(await stack.plan(), []);
  });

  it("shows in the preview of an update the single property, and every output that will stay", async () => {
    const { id } = (await stack.resources())["jambonz:Account acme"]!;
    const hook = { url: "https://drift.example.com", password: "p-a-s-s" };
    await target.sandbox.outside("PUT", `/Accounts/${id}`, { registration_hook: hook });
    const shown = await stack.ok(["preview", "--refresh", "--diff"]);
    assert.match(shown, /url\s*: "https:\/\/drift\.example\.com" => "https:\/\/example\.com\/a"/);
    await stack.up("--refresh");
    stack.write({
      resources: [acme({ planType: "paid" }), ...withProvider().slice(1)],
      outputs: { createdAt: { $ref: "acme.createdAt" } },
    });
    const { createdAt } = (await stack.resources())["jambonz:Account acme"]!.outputs as { createdAt: string };
    assert.ok((await stack.ok(["preview", "--diff"])).includes(`createdAt: "${createdAt}"`));
  });

  it("is found on PATH too, and refuses to import what does not exist", async () => {
    const { PATH } = stack.environmentVariables();
    stack.platform = { ...target.variables, PATH: [PATH, pluginFolder(testEnvironment())].join(delimiter) };
    const missing = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    const refused = await stack.fails(["import", "jambonz:index:Account", "none", missing, "--yes", "--generate-code=false"]);
    assert.match(refused, /error: .*jambonz refused to read Account \(3f2504e0-.*\): insufficient permissions \(403\)/);
  });

  it("has a schema that Pulumi accepts", async () => {
    const text = await stack.ok(["package", "get-schema", join(pluginFolder(testEnvironment()), "pulumi-resource-jambonz")]);
    const { name, resources } = JSON.parse(text.slice(text.indexOf("{"))) as { name: string; resources: object };
    assert.equal(name, "jambonz");
    assert.ok("jambonz:index:SipRealm" in resources);
  });

  it("destroys what a provider of the program made", async () => {
    await stack.ok(["destroy", "--yes", "--skip-preview"]);
    assert.deepEqual(await accountsOf(target), {});
    assert.deepEqual(await stack.resources(), {});
  });
});
