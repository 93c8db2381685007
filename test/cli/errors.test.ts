import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dynamic, eitherDoor, plugin, through } from "../support/doors";
import { accountsOf, asked, jambonzTarget, made, tenant, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

const nowhere = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

for (const door of [dynamic, plugin]) {
  describe(`what goes wrong is told in one sentence through the ${door.title}`, () => {
    through(door);
    let target: Target;
    let stack: TestStack;

    beforeEach(async () => {
      target = await jambonzTarget("admin");
      stack = await TestStack.create(target.variables, { resources: [] }, { door });
    });
    afterEach(async () => {
      stack?.remove();
      await target?.sandbox.stop();
    });

    const account = (args: object = {}): Declared => ({
      type: "jambonz:Account",
      name: "acme",
      args: { serviceProviderSid: target.serviceProviderSid, ...args },
    });

    /** Fails without a stack trace, and tells this. */
    async function told(pattern: RegExp, resources: Declared[], args = ["up", "--yes", "--skip-preview"]): Promise<string> {
      stack.write({ resources });
      const text = await stack.fails(args);
      assert.match(text.replace(/\s+/g, " "), pattern);
      assert.doesNotMatch(text, /^\s+at .*\d+:\d+\)?$/m, "no stack trace");
      return text;
    }

    it("every wrong property, in the preview, before any request", async () => {
      const text = await told(
        /name must have at most 64 characters, not 65/,
        // In YAML a property of a wrong name does not even come to the plugin.
        [account({ name: "n".repeat(65), deviceToCallRatio: 1.5, ...(door === dynamic && { sipRealms: "x" }) })],
        ["preview"],
      );
      if (door === dynamic)
        assert.match(text, /resource 'acme' has a problem: sipRealms is not a property of Account; did you mean sipRealm\?/);
      assert.match(text, /resource 'acme' has a problem: deviceToCallRatio must be a whole number, not 1.5/);
      assert.deepEqual(asked(target), []);
    });

    it("a wrong key", async () => {
      stack.platform = { ...target.variables, JAMBONZ_API_KEY: nowhere };
      await told(/error: jambonz refused to create Account "acme": the API key is not valid \(401\)/, [account()]);
    });

    it("a key that is missing, and a URL that is missing", async () => {
      stack.platform = { JAMBONZ_API_URL: target.sandbox.url };
      await told(/jambonz needs an API key: JAMBONZ_API_KEY in the environment, or `pulumi config set --secret jambonz:apiKey …`/, [
        account(),
      ]);
      stack.platform = { JAMBONZ_API_KEY: target.key };
      await told(
        /jambonz needs jambonz:apiUrl in the stack's configuration .* or JAMBONZ_API_URL in the environment; for jambonz's own cloud it is https:\/\/api\.jambonz\.cloud\/v1/,
        [account()],
      );
    });

    it("that it waits for the platform's rate limit, which is no error", async () => {
      const fault = { status: 429, headers: { "Retry-After": "2" } };
      target.sandbox.addFault({ match: { method: "POST", path: "/Accounts" }, fault });
      stack.write({ resources: [account()] });
      assert.match(await stack.up(), /jambonz: waiting \d+ s for the platform's rate limit: /);
    });

    it("a name that the service provider already has, with how to adopt it", async () => {
      const sid = await made(target.sandbox, "/Accounts", { name: "acme", service_provider_sid: target.serviceProviderSid });
      const command = door === plugin ? "pulumi import jambonz:index:Account" : "npx pulumi-cpaas adopt jambonz:Account";
      await told(
        new RegExp(`already has an account of this name: ${sid}; adopt it \\(\`${command} <name> ${sid}\`\\), or set allowDuplicateName`),
        [account()],
      );
      assert.deepEqual(asked(target), ["GET /ServiceProviders/:sid/Accounts"]);
      stack.write({ resources: [account({ allowDuplicateName: true })] });
      await stack.up();
      const { body } = await target.sandbox.outside("GET", `/ServiceProviders/${target.serviceProviderSid}/Accounts`);
      assert.equal((body as unknown[]).length, 2);
    });

    // The rest is told by what both doors share.
    if (door !== eitherDoor()) return;

    it("a URL that is none, and settings that are wrong", async () => {
      stack.platform = { ...target.variables, JAMBONZ_API_URL: "jambonz.example.com" };
      await told(/jambonz:apiUrl must be a URL that begins with https:\/\/ or http:\/\//, [account()]);
      stack.platform = { ...target.variables, JAMBONZ_REQUEST_TIMEOUT: "soon" };
      await told(/jambonz:requestTimeout must be a number/, [account()]);
    });

    it("a URL beside the API, and a web page", async () => {
      stack.platform = { ...target.variables, JAMBONZ_API_URL: target.sandbox.url.replace("/v1", "/v2") };
      await told(/answered 404 with a web page instead of its API; check the API's URL, http:\/\/127\.0\.0\.1:\d+\/v2/, [account()]);
      stack.platform = target.variables;
      target.sandbox.addFault({ fault: "html", times: "always" });
      await told(/answered 200 with a web page instead of its API/, [account()]);
    });

    it("a server that is not there, and a host that does not exist", async () => {
      const { port } = await freePort();
      stack.platform = { ...target.variables, JAMBONZ_API_URL: `http://127.0.0.1:${port}/v1`, JAMBONZ_MAX_RETRIES: "1" };
      await told(/jambonz at 127\.0\.0\.1:\d+ cannot be reached: the connection was refused/, [account()]);
      stack.platform = { ...target.variables, JAMBONZ_API_URL: "https://jambonz.invalid/v1" };
      await told(/jambonz at jambonz\.invalid cannot be reached: there is no host of this name/, [account()]);
    });

    it("a key that would go over plain HTTP to another machine", async () => {
      stack.platform = { ...target.variables, JAMBONZ_API_URL: "http://jambonz.example.com/v1" };
      await told(/no key is sent over plain HTTP to jambonz\.example\.com; use https, or set allowPlainHttp to true/, [account()]);
    });

    it("a redirect, which is not followed with a key", async () => {
      const seen: string[] = [];
      const other: Server = createServer((request, response) => {
        seen.push(request.url!);
        response.end("[]");
      });
      await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
      target.sandbox.addFault({
        fault: "redirect",
        location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/stolen`,
        times: "always",
      });
      await told(/answered with a redirect \(307\), which is not followed with a key/, [account()]);
      other.close();
      assert.deepEqual(seen, []);
    });

    it("a shell that points the stack at another platform than its own", async () => {
      await stack.ok(["config", "set", "jambonz:apiUrl", "https://jambonz.acme.example.com/v1"]);
      await told(
        /jambonz:apiUrl in the stack's configuration is https:\/\/jambonz\.acme\.example\.com\/v1, but JAMBONZ_API_URL is http:\/\/127\.0\.0\.1:\d+\/v1; unset one of them/,
        [account()],
      );
      await stack.ok(["config", "set", "jambonz:apiUrl", `${target.sandbox.url}/`]);
      stack.write({ resources: [account()] });
      await stack.up();
    });

    it("two accounts of one name in one program", async () => {
      await told(/already has an account of this name: another one of this program; keep one of them/, [
        account(),
        { ...account({ name: "acme" }), name: "second" },
      ]);
      assert.equal(Object.keys(await accountsOf(target)).length, 1);
    });

    it("two limits of one category, also where one of them exists already", async () => {
      const limit = (name: string, quantity: number): Declared => ({
        type: "jambonz:Limit",
        name,
        args: { accountSid: { $ref: "acme.sid" }, category: "device", quantity },
      });
      await told(/another Limit of this program manages the same thing/, [account(), limit("one", 1), limit("two", 2)]);
      stack.write({ resources: [account(), limit("one", 1)] });
      await stack.up();
      await told(/another Limit of this program manages the same thing/, [
        account(),
        limit("one", 1),
        { ...limit("two", 2), opts: { dependsOn: ["one"] } },
      ]);
      stack.write({ resources: [account(), limit("one", 1)] });
      await stack.up("--refresh");
      const { acme } = await accountsOf(target);
      const { body } = await target.sandbox.outside("GET", `/Accounts/${acme.account_sid}/Limits`);
      assert.deepEqual(
        (body as { quantity: number }[]).map(({ quantity }) => quantity),
        [1],
      );
    });

    it("a realm that is set in two ways", async () => {
      const realm: Declared = {
        type: "jambonz:SipRealm",
        name: "realm",
        args: { accountSid: { $ref: "acme.sid" }, realm: "b.example.com" },
      };
      await told(/SipRealm.*: another Account of this program manages the same thing/, [account({ sipRealm: "a.example.com" }), realm]);
      assert.equal((await accountsOf(target)).acme.sip_realm, "a.example.com");
    });

    it("a realm that is taken", async () => {
      await made(target.sandbox, "/Accounts", {
        name: "other",
        service_provider_sid: target.serviceProviderSid,
        sip_realm: "taken.example.com",
      });
      await told(/jambonz refused to create Account "acme": sipRealm "taken\.example\.com" is taken by another account \(422\)/, [
        account({ sipRealm: "Taken.example.com" }),
      ]);
    });

    it("an account that does not exist, and a service provider that does not exist", async () => {
      await told(/jambonz refused to create ApiKey: accountSid names something that does not exist \(500\)/, [
        { type: "jambonz:ApiKey", name: "key", args: { accountSid: nowhere } },
      ]);
      await told(/Account "acme": the key in use sees no service provider 3f2504e0/, [
        account({ serviceProviderSid: nowhere, allowDuplicateName: true }),
      ]);
      await told(/jambonz refused to create Account "acme": service_provider not found for sid 3f2504e0/, [
        account({ serviceProviderSid: nowhere }),
      ]);
    });

    it("a service provider that has to be named", async () => {
      const needed = new RegExp(
        `serviceProviderSid is needed, because there are 2 service providers: .*acme telecom \\(${target.serviceProviderSid}\\)`,
      );
      await told(needed, [{ type: "jambonz:Account", name: "acme" }]);
    });

    it("a look-up that finds nothing", async () => {
      stack.write({ resources: [], lookups: [{ name: "found", type: "jambonz:getAccount", args: { name: "nobody" } }] });
      const text = await stack.fails(["preview"]);
      assert.match(text, /error: jambonz\.getAccount: there is no account named "nobody"; the key in use sees default account/);
      assert.doesNotMatch(text, /^\s+at .*\d+:\d+\)?$/m);
    });
  });
}

describe("looking things up", () => {
  it("finds service providers and accounts by name and by sid, without secrets", async () => {
    const target = await jambonzTarget("admin");
    const acme = await made(target.sandbox, "/Accounts", {
      name: "acme",
      service_provider_sid: target.serviceProviderSid,
      sip_realm: "acme.example.com",
    });
    const lookups = [
      { name: "provider", type: "jambonz:getServiceProvider", args: { name: "acme telecom" } },
      { name: "providers", type: "jambonz:getServiceProviders", args: {} },
      { name: "byName", type: "jambonz:getAccount", args: { name: "acme", serviceProviderSid: target.serviceProviderSid } },
      { name: "bySid", type: "jambonz:getAccountOutput", args: { sid: { $output: acme } } },
      { name: "accounts", type: "jambonz:getAccountsOutput", args: { serviceProviderSid: { $output: target.serviceProviderSid } } },
    ];
    const stack = await TestStack.create(target.variables, { resources: tenant(target, "globex"), lookups });
    try {
      await stack.up();
      const outputs = await stack.outputs();
      assert.equal(outputs.provider.sid, target.serviceProviderSid);
      assert.equal(outputs.providers.serviceProviders.length, 2);
      for (const found of [outputs.byName, outputs.bySid]) {
        const { createdAt, ...rest } = found as Record<string, unknown>;
        assert.match(String(createdAt), /^20/);
        assert.deepEqual(rest, {
          sid: acme,
          name: "acme",
          serviceProviderSid: target.serviceProviderSid,
          sipRealm: "acme.example.com",
          isActive: true,
        });
      }
      assert.ok((outputs.accounts.accounts as { name: string }[]).some(({ name }) => name === "acme"));
    } finally {
      stack.remove();
      await target.sandbox.stop();
    }
  });
});

async function freePort(): Promise<AddressInfo> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return address;
}
