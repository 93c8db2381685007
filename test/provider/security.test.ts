import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import dns from "node:dns";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpsServer, type Server } from "node:https";
import { connect, Socket, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { declare } from "../../provider/cli/declare";
import { report, told } from "../../provider/cli/orphans";
import { program } from "../../provider/cli/program";
import { look } from "../../provider/lookup";
import { platform, platformNames, resourceOf } from "../../provider/platforms";
import type { Properties } from "../../provider/resource";
import { traitsOf } from "../../provider/schema";
import type { Session } from "../../provider/session";
import { environmentVariable, findSettings, settingsOf } from "../../provider/settings";
import { validate } from "../../provider/validate";
import { serve, type LocalServer } from "../support/http";
import { lifecycleOf, sessionOf } from "../support/lifecycle";

const KEY = "0c9d1f58-5f4b-4f4e-9a43-secret-key-1";
const sid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

function session(settings: Record<string, string>, log?: (message: string) => void): Session {
  return sessionOf("jambonz", { JAMBONZ_API_KEY: KEY, ...settings }, { pace: 0.001, log });
}

/** What every operation of every resource, and a look-up, do with these settings; each a promise that fails with an error. */
function everything(settings: Record<string, string>): [string, () => Promise<unknown>][] {
  const subjects: [string, string, Properties, Properties][] = [
    ["jambonz:Account", sid, { name: "acme", serviceProviderSid: sid, sid, webhookSecret: "s", createdAt: "x" }, { planType: "paid" }],
    ["jambonz:ApiKey", `Accounts/${sid}/ApiKeys/${sid}`, { accountSid: sid, sid, token: "t" }, {}],
    ["jambonz:Limit", `Accounts/${sid}/Limits/device`, { accountSid: sid, category: "device", quantity: 5, sid }, { quantity: 6 }],
    ["jambonz:SipRealm", sid, { accountSid: sid, realm: "a.example.com", dns: "none" }, { realm: "b.example.com" }],
  ];
  const operations = subjects.flatMap(([type, id, state, change]): [string, () => Promise<unknown>][] => {
    const { definition } = resourceOf(type);
    const lifecycle = () => lifecycleOf(type, session(settings));
    const inputs = Object.fromEntries(Object.entries(state).filter(([name]) => name in definition.inputs.shape));
    return [
      [`create ${type}`, () => lifecycle().create(inputs)],
      [`read ${type}`, () => lifecycle().read(id, state)],
      ...(Object.keys(change).length > 0
        ? [[`update ${type}`, () => lifecycle().update(id, state, { ...inputs, ...change })] as [string, () => Promise<unknown>]]
        : []),
      [`delete ${type}`, () => lifecycle().delete(id, state)],
    ];
  });
  return [...operations, ["jambonz:getAccounts", () => look("jambonz:getAccounts", {}, session(settings))]];
}

describe("a key in clear", () => {
  /** Hosts whose address was asked for, or that were connected to. */
  const attempts: string[] = [];
  const { lookup } = dns;
  const { connect: connectSocket } = Socket.prototype as unknown as Record<"connect", (...args: unknown[]) => Socket>;
  before(() => {
    const notHere = Object.assign(new Error("not here"), { code: "ENOTFOUND", syscall: "getaddrinfo" });
    Object.assign(dns, {
      lookup: (hostname: string, ...rest: unknown[]) => {
        attempts.push(hostname);
        process.nextTick(rest.at(-1) as (error: Error) => void, notHere);
      },
    });
    Object.assign(Socket.prototype, {
      connect(this: Socket, ...args: unknown[]) {
        const [options] = [args[0]].flat() as [{ host?: string }];
        attempts.push(String(options.host));
        return connectSocket.apply(this, args);
      },
    });
  });
  after(() => {
    Object.assign(dns, { lookup });
    Object.assign(Socket.prototype, { connect: connectSocket });
  });
  beforeEach(() => (attempts.length = 0));

  const hosts = [
    "example.invalid",
    "10.255.255.1:8080",
    "localhost.example.invalid",
    "127.0.0.1.example.invalid",
    "jambonz.localhost",
    "[2001:db8::1]",
  ];
  for (const host of hosts) {
    it(`is never sent to ${host}`, async () => {
      for (const [what, act] of everything({ JAMBONZ_API_URL: `http://${host}/v1` })) {
        const message = await act().then(
          () => "no error",
          (error: Error) => error.message,
        );
        const clear = `jambonz: no key is sent over plain HTTP to ${host}; use https, or set allowPlainHttp to true where the network is trusted`;
        assert(message.endsWith(clear), `${what}: ${message}`);
      }
      assert.deepEqual(attempts, []);
    });
  }

  it("is sent where it was allowed", async () => {
    const settings = { JAMBONZ_API_URL: "http://example.invalid/v1", JAMBONZ_ALLOW_PLAIN_HTTP: "true" };
    await assert.rejects(look("jambonz:getAccounts", {}, session(settings)), /there is no host of this name/);
    assert(attempts.includes("example.invalid"));
  });
});

describe("a redirect", () => {
  let elsewhere: LocalServer;
  let here: LocalServer;
  let status: number;
  const seen: { elsewhere: string[]; here: string[] } = { elsewhere: [], here: [] };
  before(async () => {
    elsewhere = await serve((request, response) => {
      seen.elsewhere.push(`${request.method} ${request.url}`);
      response.end("[]");
    });
    here = await serve((request, response) => {
      seen.here.push(`${request.method} ${request.url}`);
      response.writeHead(status, { location: `${elsewhere.url}/v1/taken?key=${KEY}` }).end();
    });
  });
  after(() => Promise.all([elsewhere.stop(), here.stop()]));

  for (const code of [301, 302, 303, 307, 308]) {
    it(`of ${code} is not followed, and what it answers is not sent again`, async () => {
      status = code;
      for (const [what, act] of everything({ JAMBONZ_API_URL: `${here.url}/v1` })) {
        seen.here.length = 0;
        const message = await act().then(
          () => "no error",
          (error: Error) => error.message,
        );
        assert.match(
          message,
          new RegExp(`answered with a redirect \\(${code}\\), which is not followed with a key; .*\\(${elsewhere.url}\\)$`),
          what,
        );
        assert(!message.includes(KEY), what);
        assert.equal(new Set(seen.here).size, seen.here.length, `${what}: ${seen.here.join(", ")}`);
      }
      assert.deepEqual(seen.elsewhere, []);
    });
  }

  it("does not repeat a write", async () => {
    status = 307;
    seen.here.length = 0;
    const lifecycle = lifecycleOf("jambonz:Limit", session({ JAMBONZ_API_URL: `${here.url}/v1` }));
    await assert.rejects(lifecycle.create({ accountSid: sid, category: "device", quantity: 5 }), /redirect/);
    assert.deepEqual(seen.here, [`POST /v1/Accounts/${sid}/Limits`]);
  });
});

describe("a key in state", () => {
  const TOKEN = "1d7c2f3a-7b0e-4c7c-8f55-token-of-a";
  let other: LocalServer;
  let cache: string; // where VoiceTel's calls are counted
  const { XDG_CACHE_HOME: userCache } = process.env;
  /** What the platform that the URL names now was sent. */
  const seen: { line: string; key?: string; body: string }[] = [];
  before(async () => {
    other = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { authorization: key } = request.headers;
        seen.push({ line: `${request.method} ${request.url}`, key, body: Buffer.concat(chunks).toString() });
        response.writeHead(401, { "content-type": "application/json" }).end("{}");
      });
    });
  });
  before(() => (process.env.XDG_CACHE_HOME = cache = mkdtempSync(join(tmpdir(), "pulumi-cpaas-"))));
  after(() => other.stop());
  after(() => {
    if (userCache === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = userCache;
    rmSync(cache, { recursive: true });
  });
  beforeEach(() => (seen.length = 0));

  const kinds: [string, string, Properties, Properties?][] = [
    ["jambonz:ApiKey", `ApiKeys/${sid}`, { admin: true, sid, token: TOKEN }],
    ["jambonz:SipRealm", sid, { accountSid: sid, realm: "a.b.example.com", accountApiKey: TOKEN, dns: "missing" }, {}],
    ["voicetel:ApiKey", "4592086960", { username: 4592086960, password: "before", apiKey: TOKEN }, { password: TOKEN }],
  ];
  for (const [type, id, state, change] of kinds) {
    const lifecycle = () => {
      const variables = (name: string) => ({ [`${name}_API_URL`]: `${other.url}/v1`, [`${name}_API_KEY`]: KEY });
      const environment = { ...variables("JAMBONZ"), ...variables("VOICETEL") };
      return lifecycleOf(type, sessionOf(type.split(":")[0]!, environment, { pace: 0.001 }));
    };
    const news = Object.fromEntries(Object.keys(resourceOf(type).definition.inputs.shape).map((name) => [name, state[name]]));
    const acts = (place: string): [string, () => Promise<unknown>][] => {
      const held = { ...state, __place: place };
      if (change) return [["update", () => lifecycle().update(id, held, { ...news, ...change })]];
      return [
        ["read", () => lifecycle().read(id, held)],
        ["delete", () => lifecycle().delete(id, held)],
      ];
    };
    const isSent = () => seen.some(({ key, body }) => `${key} ${body}`.includes(TOKEN));

    it(`is not sent to another platform than its own: ${type}`, async () => {
      for (const [what, act] of acts("jambonz.example.com/v1")) {
        await assert.rejects(act(), /it was seen last at jambonz\.example\.com\/v1, so no key or password of it is sent to 127\./, what);
        assert(!isSent(), what);
      }
    });

    it(`is sent to its own: ${type}`, async () => {
      for (const [what, act] of acts(other.url.replace("http://", "") + "/v1")) {
        seen.length = 0;
        await act().catch(() => undefined);
        assert(isSent(), what);
      }
    });
  }
});

describe("an answer without an end", () => {
  async function ask(
    answer: Parameters<typeof serve>[0],
    settings: Record<string, string> = {},
  ): Promise<{ message: string; asked: number }> {
    let asked = 0;
    const server = await serve((request, response) => {
      asked++;
      response.on("error", () => {});
      answer(request, response);
    });
    const message = await look(
      "jambonz:getAccounts",
      {},
      session({ JAMBONZ_API_URL: server.url, JAMBONZ_MAX_RETRIES: "1", ...settings }),
    ).then(
      () => "no error",
      (error: Error) => error.message,
    );
    await server.stop();
    return { message, asked };
  }

  it("is not read beyond 64 MB", async () => {
    let sent = 0;
    const chunk = Buffer.alloc(1024 * 1024, "x");
    const { message, asked } = await ask((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = () => {
        while (!response.destroyed && sent < 200 * chunk.length) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    assert.equal(message, "jambonz:getAccounts: jambonz answered with more than 64 MB".replace(":", "."));
    assert.equal(asked, 1);
    assert(sent < 100 * chunk.length, `${sent} bytes were sent`);
  });

  it("is not unpacked beyond 64 MB", async () => {
    const packed = gzipSync(Buffer.alloc(100 * 1024 * 1024));
    const { message, asked } = await ask((_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(packed);
    });
    assert.match(message, /jambonz answered with more than 64 MB$/);
    assert.equal(asked, 1);
  });

  it("is not waited for longer than a request may take, though it goes on and on", async () => {
    const { message, asked } = await ask(
      (_request, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        const drip = setInterval(() => response.write(" "), 20);
        response.once("close", () => clearInterval(drip));
      },
      { JAMBONZ_REQUEST_TIMEOUT: "0.4" },
    );
    assert.match(message, /did not answer: no answer within 0\.4 s$/);
    assert.equal(asked, 2);
  });
});

describe("a key that no header can carry", () => {
  it("is refused, and not shown", () => {
    for (const key of ["hunter2\u0007x", "hunter2\nx", "hunter2\u2013x", "hunter2 x", "密码hunter2", "hünter2"]) {
      const { wrong } = findSettings(platform("jambonz"), {
        config: () => undefined,
        environment: { JAMBONZ_API_URL: "https://jambonz.example.com/v1", JAMBONZ_API_KEY: key },
      });
      assert.deepEqual(wrong, [
        "jambonz:apiKey must hold no spaces, control characters or letters beyond ASCII, which no header carries as they are",
      ]);
      const realm = { accountSid: sid, realm: "a.b.example.com", accountApiKey: key };
      const [failure] = validate(resourceOf("jambonz:SipRealm").definition, realm);
      assert.match(
        failure!.reason,
        /^accountApiKey must hold no spaces, control characters or letters beyond ASCII, which no header carries as they are$/,
      );
    }
    assert.equal(session({ JAMBONZ_API_URL: "https://jambonz.example.com/v1" }).settings.maxRetries, 5);
  });
});

describe("a list of Restcomm without an end", () => {
  it("is an error", async () => {
    let pages = 0;
    const clients = Array.from({ length: 5000 }, (_, at) => ({ sid: `CL${String(at).padStart(32, "0")}` }));
    const server = await serve((_request, response) => {
      pages++;
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ total: 1e9, clients }));
    });
    const environment = { RESTCOMM_API_URL: server.url, RESTCOMM_ACCOUNT_SID: `AC${"1".repeat(32)}`, RESTCOMM_AUTH_TOKEN: KEY };
    const { definition } = resourceOf("restcomm:Client");
    const { client } = sessionOf("restcomm", environment, { pace: 0.001 });
    await assert.rejects(
      definition.list!(client, () => {}),
      /^Error: Restcomm at 127\.0\.0\.1:\d+ answered GET \/Accounts.* with page after page, more than 100000 records; check the API's URL$/,
    );
    await server.stop();
    assert.equal(pages, 21);
  });
});

describe("a credential in the URL of a hook", () => {
  const urls = ["https://ann:hunter2hunter2@hooks.example.com/x", "wss://hunter2hunter2@hooks.example.com"];
  const wrong = (type: string, inputs: Properties) => validate(resourceOf(type).definition, inputs).map(({ reason }) => reason);

  it("is refused where it has properties of its own, and not shown", () => {
    for (const url of urls) {
      const why = "registrationHook.url must not hold a user name or password: username and password are properties of their own";
      assert.deepEqual(wrong("jambonz:Account", { name: "a", registrationHook: { url } }), [why]);
    }
    assert.deepEqual(wrong("jambonz:Account", { name: "a", registrationHook: { url: "https://hooks.example.com/x?a=b@c" } }), []);
  });

  it("is not shown where the URL is wrong otherwise", () => {
    const [reason] = wrong("jambonz:Account", { name: "a", registrationHook: { url: "hooks.example.com/x?token=hunter2hunter2" } });
    assert.match(reason!, /, not "hooks\.example\.com\/x\?…"$/);
  });

  it("is in no message", async () => {
    const inputs = (url: string) => ({ friendlyName: "menu", kind: "voice", rcmlUrl: url });
    for (const url of [
      urls[0]!,
      "https://hooks.example.com/x?Token=hunter2%2Bhunter2&lang=en",
      "https://hunter2hunter2@hooks.example.com",
    ]) {
      const server = await serve((request, response) => {
        const message = `no such ${url} or ${decodeURIComponent(url)}`;
        response.writeHead(request.method === "GET" ? 200 : 400, { "content-type": "application/json" });
        response.end(request.method === "GET" ? "[]" : JSON.stringify({ message }));
      });
      const environment = { RESTCOMM_API_URL: server.url, RESTCOMM_ACCOUNT_SID: `AC${"1".repeat(32)}`, RESTCOMM_AUTH_TOKEN: KEY };
      const lifecycle = lifecycleOf("restcomm:Application", sessionOf("restcomm", environment, { pace: 0.001 }));
      await assert.rejects(lifecycle.create(inputs(url)), ({ message }: Error) => {
        assert.match(message, /no such https:.*\[secret\]/);
        return !message.includes("hunter2");
      });
      await server.stop();
    }
  });

  it("is a secret of the stack's configuration in an export", () => {
    const { definition } = resourceOf("restcomm:Application");
    const live = { friendlyName: "menu", kind: "voice", rcmlUrl: urls[0], sid: `AP${"1".repeat(32)}` };
    const { declarations } = declare([{ definition, id: live.sid, live, label: "menu", name: "menu" }]);
    const { files, secrets } = program(declarations, { split: false, modules: false, protect: true });
    assert.deepEqual(
      secrets.map(({ value }) => value),
      [urls[0]],
    );
    assert.match(files["index.ts"]!, /rcmlUrl: config\.requireSecret\("menuRcmlUrl"\)/);
    assert(!files["index.ts"]!.includes("hunter2"));
  });

  it("is left alone by an export where the resource would refuse it, and told", () => {
    const { definition } = resourceOf("jambonz:Account");
    const live = { name: "acme", sid, serviceProviderSid: sid, registrationHook: { url: urls[0], method: "POST" } };
    const { declarations } = declare([{ definition, id: sid, live, label: "acme", name: "acme" }]);
    const { files, remarks } = program(declarations, { split: false, modules: false, protect: true });
    assert.match(
      remarks.join(),
      /registrationHook is left as it is on the platform, because registrationHook\.url must not hold a user name/,
    );
    assert(!JSON.stringify([files, remarks]).includes("hunter2"));
  });
});

describe("what a platform calls its things", () => {
  it("is no command to a terminal or a build server in the report of orphans, nor to a shell that it is copied to", () => {
    const { definition } = resourceOf("jambonz:ApiKey");
    const live = { createdAt: "2031\n::add-mask::x" };
    const common = { definition, name: "key", live };
    const items = [
      { ...common, id: `ApiKeys/${sid}`, label: "a\u009b2J\n##vso[x]" },
      { ...common, id: "ApiKeys/$(reboot)\u001b", label: "b" },
    ];
    const text = report(told(items, "package"));
    assert.equal(
      text,
      [
        `jambonz:ApiKey "a 2J\\n## vso[x]" (ApiKeys/${sid}), made 2031 : :add-mask::x`,
        `  npx pulumi-cpaas adopt jambonz:ApiKey key ApiKeys/${sid}`,
        `jambonz:ApiKey "b" (ApiKeys/$(reboot) ), made 2031 : :add-mask::x`,
      ].join("\n"),
    );
  });
});

describe("a refusal without an end", () => {
  const endless: Record<string, (length: number) => string> = {
    "a duplicate": (length) => `Duplicate entry 'x' for key '${"name_".repeat(length / 5)}`,
    "a table's name": (length) => `Duplicate entry 'x' for key '${"a.".repeat(length / 2)}`,
    "a missing row": (length) => `Cannot add or update a child row${"FOREIGN KEY (`a".repeat(length / 15)}`,
    words: (length) => "no ".repeat(length / 3),
  };
  for (const [what, text] of Object.entries(endless)) {
    for (const form of ["json", "plain"]) {
      it(`stops nobody else: ${what}, ${form}`, async () => {
        const body = form === "json" ? JSON.stringify({ msg: text(2_000_000) }) : text(2_000_000);
        const server = await serve((_request, response) => void response.writeHead(400, { "content-type": "application/json" }).end(body));
        const before = process.cpuUsage();
        const message = await look("jambonz:getAccounts", {}, session({ JAMBONZ_API_URL: server.url })).then(
          () => "no error",
          (error: Error) => error.message,
        );
        const { user } = process.cpuUsage(before);
        await server.stop();
        assert.match(message, /… \(400\)$/);
        assert(message.length < 1200, `${message.length}`);
        assert(user < 2_000_000, `${user} µs`);
      });
    }
  }
});

describe("the key that every jambonz is seeded with", () => {
  const seeded = "38700987-c7a4-4685-a5bb-af378f9734de";
  const cases: [string, string, number][] = [
    ["https://jambonz.example.com/api/v1", seeded, 1],
    ["http://10.0.0.1/v1", seeded, 1],
    ["http://127.0.0.1:3000/v1", seeded, 0],
    ["http://localhost:3000/v1", seeded, 0],
    ["http://[::1]:3000/v1", seeded, 0],
    ["https://jambonz.example.com/api/v1", KEY, 0],
  ];
  for (const [url, key, warnings] of cases) {
    it(`is ${warnings === 0 ? "no reason to warn" : "warned of"} at ${url}${key === seeded ? "" : ", where another is in use"}`, () => {
      const said: string[] = [];
      assert(session({ JAMBONZ_API_URL: url, JAMBONZ_API_KEY: key }, (message) => said.push(message)).client);
      assert.equal(said.length, warnings);
      for (const message of said) {
        assert.match(message, /^jambonz: the API key in use is the one that every new jambonz is seeded with/);
        assert(!message.includes(seeded));
      }
    });
  }
});

describe("a password in the URL", () => {
  const urls = [
    "https://ann:hunter2@jambonz.example.com/v1",
    "https://hunter2@jambonz.example.com/v1",
    "https://ann:hunter2%40x@jambonz.example.com/v1",
    "https://ann:hunter2@x@jambonz.example.com/v1",
    "HTTPS://ann:hunter2@jambonz.example.com/v1",
    "https:\\\\ann:hunter2@jambonz.example.com/v1",
    "https:ann:hunter2@jambonz.example.com/v1",
    "ftp://ann:hunter2@jambonz.example.com/v1",
    "ann:hunter2@jambonz.example.com/v1",
    "https://ann:hunter2@",
    "https://ann:hunter2@jambonz.example.com:port/v1",
  ];
  for (const url of urls) {
    it(`is refused and not shown: ${url.replace("hunter2", "…")}`, () => {
      assert.throws(
        () => session({ JAMBONZ_API_URL: url }).settings,
        ({ message }: Error) => {
          assert.match(message, /jambonz:apiUrl must /);
          assert.doesNotMatch(message, /hunter2/);
          return true;
        },
      );
    });
  }

  for (const name of platformNames) {
    it(`is refused by every platform, and so is what is not part of a path: ${name}`, () => {
      const reading = (url: string) => () => void sessionOf(name, { [`${name.toUpperCase()}_API_URL`]: url }).settings;
      assert.doesNotThrow(reading("https://cpaas.example.com/v1/"));
      const wrong = new RegExp(`${name}:apiUrl must `);
      for (const url of [
        "https://ann:hunter2@cpaas.example.com/v1",
        "https://cpaas.example.com/v1?key=hunter2",
        "https://cpaas.example.com#hunter2",
      ])
        assert.throws(reading(url), ({ message }: Error) => wrong.test(message) && !message.includes("hunter2"), url);
    });
  }

  it("is not shown either where two URLs contradict each other", () => {
    const environment = { JAMBONZ_API_URL: "https://bob:hunter2@other.example.com" };
    const config = () => "https://ann:hunter2@jambonz.example.com/v1";
    assert.throws(
      () => sessionOf("jambonz", environment, { config }).settings,
      ({ message }: Error) => /unset one of them/.test(message) && !message.includes("hunter2"),
    );
  });
});

describe("what a proxy says before it has connected", () => {
  let proxy: LocalServer;
  let status: number;
  let asked = 0;
  const variables = { ...process.env };
  before(async () => {
    proxy = await serve(() => {});
    proxy.server.on("connect", (_request, client) => {
      asked++;
      const headers = `Location: http://127.0.0.1/v1\r\nRetry-After: 60\r\nContent-Type: application/json\r\nContent-Length: 2`;
      client.end(`HTTP/1.1 ${status} No\r\n${headers}\r\n\r\n[]`);
    });
    for (const name of ["NO_PROXY", "no_proxy", "HTTPS_PROXY", "https_proxy"]) delete process.env[name];
    process.env.HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
  });
  after(async () => {
    delete process.env.HTTPS_PROXY;
    Object.assign(process.env, variables);
    await proxy.stop();
  });

  const state = { admin: true, sid, token: "a-token-in-state" };
  for (const [code, tries] of [
    [307, 1],
    [401, 1],
    [404, 1],
    [429, 2],
    [502, 2],
  ] as const) {
    it(`is no answer of the platform: ${code}`, async () => {
      status = code;
      const settings = { JAMBONZ_API_URL: "https://jambonz.example.com/v1", JAMBONZ_MAX_RETRIES: "1" };
      const lifecycle = () => lifecycleOf("jambonz:ApiKey", session(settings));
      const complaint = new RegExp(`: jambonz at jambonz\\.example\\.com cannot be reached: the proxy in between answered ${code}$`);
      for (const act of [
        () => lifecycle().read(`ApiKeys/${sid}`, state),
        () => lifecycle().delete(`ApiKeys/${sid}`, state),
        () => lifecycle().create({ admin: true }),
      ]) {
        asked = 0;
        await assert.rejects(act(), complaint);
        assert.equal(asked % tries, 0);
        assert(asked <= 2 * tries, `${asked} tries`); // a deletion may read afterwards
      }
    });
  }
});

describe("a key in the place of another setting", () => {
  for (const name of platformNames) {
    const { settings } = platform(name);
    const variable = (setting: string) => environmentVariable(name, setting);
    const url = "https://cpaas.example.com/v1";
    const read = (environment: Record<string, string>, config: Record<string, string> = {}) =>
      findSettings(platform(name), { config: (setting) => config[setting], environment });
    const hidden = (wrong: string[], setting: string) => {
      assert(wrong.join().includes(`${name}:${setting} `), wrong.join());
      assert(!wrong.join().includes("secret-key"), wrong.join());
    };

    it(`is not shown: ${name}`, () => {
      const keys = Object.keys(settingsOf(platform(name)).shape).filter((setting) => !traitsOf(settings.shape[setting]).secret);
      for (const setting of keys) hidden(read({ [variable("apiUrl")]: url, [variable(setting)]: KEY }).wrong, setting);
      assert(keys.length >= 7);
    });

    it(`is not shown where two contradict each other: ${name}`, () => {
      for (const setting of Object.keys(settings.shape).filter((each) => traitsOf(settings.shape[each]).target)) {
        hidden(read({ [variable(setting)]: KEY }, { apiUrl: url, [setting]: `${KEY}-2` }).wrong, setting);
        if (setting === "apiUrl") hidden(read({ [variable(setting)]: KEY }, { apiUrl: url }).wrong, setting);
      }
    });
  }

  it("leaves a number shown that is out of range, and the URLs that contradict each other", () => {
    const wrong = (environment: Record<string, string>, apiUrl?: string) =>
      findSettings(platform("jambonz"), { config: (name) => (name === "apiUrl" ? apiUrl : undefined), environment }).wrong.join();
    assert.match(wrong({ JAMBONZ_API_URL: "https://a.example.com", JAMBONZ_REQUEST_TIMEOUT: "90000" }), /at most 86400, not 90000$/);
    assert.match(
      wrong({ JAMBONZ_API_URL: "https://a.example.com/" }, "https://b.example.com/"),
      /configuration is https:\/\/b\.example\.com, but JAMBONZ_API_URL is https:\/\/a\.example\.com; unset/,
    );
  });
});

describe("proxies and certificates", function () {
  let folder: string;
  let server: Server;
  let port: number;
  let proxy: LocalServer;
  let refusing: LocalServer;
  /** What the platform and the proxy were sent, for each way to ask. */
  const seen: { platform: { key?: string; proxyKey?: string }[]; proxy: { target: string; key?: string; proxyKey?: string }[] }[] = [];
  /** What came to the refusing proxy after its refusal. */
  let tunnelled = "";
  /** Each way to ask has a host of its own, so that it shows what was sent for it. */
  const hostOf = (index: number) => `way${index}.jambonz.test:${port}`;
  const seenOf = (host = "") => (seen[Number(/^way(\d)/.exec(host)![1])] ??= { platform: [], proxy: [] });
  let outcomes: unknown[];
  let untrusted: unknown[];

  /** Asks the platform once for each set of variables, in a process that trusts it or not. */
  async function ask(trusted: boolean, variables: Record<string, string>[], first = 0): Promise<unknown[]> {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        "-r",
        "ts-node/register/transpile-only",
        join(__dirname, "../support/ask.ts"),
        JSON.stringify(variables.map((one, index) => ({ ...one, JAMBONZ_API_URL: `https://${hostOf(first + index)}/v1` }))),
      ],
      {
        env: {
          PATH: process.env.PATH,
          JAMBONZ_API_KEY: KEY,
          JAMBONZ_MAX_RETRIES: "2",
          ...(trusted ? { NODE_EXTRA_CA_CERTS: join(folder, "cert.pem") } : {}),
        },
        timeout: 60_000,
      },
    );
    return JSON.parse(stdout) as unknown[];
  }

  before(async function () {
    folder = mkdtempSync(join(tmpdir(), "pulumi-cpaas-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const made = spawnSync("openssl", [
      ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=jambonz.test".split(" "),
      ..."-addext subjectAltName=DNS:*.jambonz.test -keyout".split(" "),
      key,
      "-out",
      cert,
    ]);
    if (made.error) return this.skip(); // there is no openssl on this machine
    assert.equal(made.status, 0, String(made.stderr));
    server = createHttpsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      const { authorization, "proxy-authorization": proxyKey } = request.headers;
      seenOf(request.headers.host).platform.push({ key: authorization, ...(proxyKey ? { proxyKey } : {}) });
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify([{ service_provider_sid: sid, name: "acme telecom" }]));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ({ port } = server.address() as AddressInfo);
    const note = (request: { url?: string; headers: Record<string, unknown> }) => {
      const { authorization, "proxy-authorization": proxyKey } = request.headers as Record<string, string | undefined>;
      seenOf(request.url).proxy.push({
        target: request.url!,
        ...(authorization ? { key: authorization } : {}),
        ...(proxyKey ? { proxyKey } : {}),
      });
    };
    proxy = await serve((request, response) => {
      note(request);
      response.writeHead(400).end();
    });
    proxy.server.on("connect", (request, client) => {
      note(request);
      const upstream = connect(port, "127.0.0.1", () => {
        client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        upstream.pipe(client).pipe(upstream);
      });
      for (const socket of [upstream, client]) socket.on("error", () => [upstream, client].forEach((one) => one.destroy()));
    });
    refusing = await serve(() => {});
    refusing.server.on("connect", (_request, client) => {
      client.on("data", (data) => (tunnelled += String(data))).on("error", () => {});
      client.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    });
    const through = `http://127.0.0.1:${proxy.port}`;
    const ways: Record<string, string>[] = [
      {},
      { HTTPS_PROXY: through },
      { https_proxy: `http://ann:hunter2@127.0.0.1:${proxy.port}` },
      { HTTPS_PROXY: through, NO_PROXY: `example.com,way3.jambonz.test` },
      { HTTPS_PROXY: through, NO_PROXY: ".jambonz.test" },
      { HTTP_PROXY: through },
      { HTTPS_PROXY: `http://127.0.0.1:${refusing.port}` },
      { HTTPS_PROXY: "http://ann:hunter2@127.0.0.1:1" },
    ];
    outcomes = await ask(true, ways);
    untrusted = await ask(false, [{}, { HTTPS_PROXY: through }], ways.length);
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    server?.closeAllConnections();
    server?.close();
    await proxy?.stop();
    await refusing?.stop();
  });

  /** What the platform and the proxy saw of one way to ask. */
  const way = (index: number) => ({ outcome: outcomes[index], ...seenOf(hostOf(index)) });
  const providers = { serviceProviders: [{ sid, name: "acme telecom" }] };
  const platformSaw = [{ key: `Bearer ${KEY}` }];

  it("do without a proxy where none is set", () => assert.deepEqual(way(0), { outcome: providers, platform: platformSaw, proxy: [] }));

  it("let HTTPS_PROXY carry what it cannot read", () =>
    assert.deepEqual(way(1), { outcome: providers, platform: platformSaw, proxy: [{ target: hostOf(1) }] }));

  it("give the proxy's password to the proxy only", () => {
    const proxyKey = `Basic ${Buffer.from("ann:hunter2").toString("base64")}`;
    assert.deepEqual(way(2), { outcome: providers, platform: platformSaw, proxy: [{ target: hostOf(2), proxyKey }] });
  });

  it("go past the proxy to what NO_PROXY names", () => {
    assert.deepEqual(way(3), { outcome: providers, platform: platformSaw, proxy: [] });
    assert.deepEqual(way(4), { outcome: providers, platform: platformSaw, proxy: [] });
  });

  it("do not use HTTP_PROXY for https", () => assert.deepEqual(way(5), { outcome: providers, platform: platformSaw, proxy: [] }));

  it("give nothing to a proxy that refuses, and say why", () => {
    const wants = "the proxy in between wants a user name and a password, which HTTPS_PROXY can hold (407)";
    const outcome = `jambonz.getServiceProviders: jambonz at ${hostOf(6)} cannot be reached: ${wants}`;
    assert.deepEqual(way(6), { outcome, platform: [], proxy: [] });
    assert.equal(tunnelled, "");
  });

  it("do not go past a proxy that cannot be reached, nor show its password", () => {
    const outcome = `jambonz.getServiceProviders: jambonz at ${hostOf(7)} cannot be reached: the connection was refused`;
    assert.deepEqual(way(7), { outcome, platform: [], proxy: [] });
  });

  it("send no key to whom NODE_EXTRA_CA_CERTS does not vouch for, with a proxy or without", () => {
    const reason = "cannot be reached: no trusted connection (self-signed certificate)";
    assert.deepEqual(
      untrusted,
      [8, 9].map((index) => `jambonz.getServiceProviders: jambonz at ${hostOf(index)} ${reason}`),
    );
    assert.equal(seen.flatMap(({ platform }) => platform).length, 6); // by those that trust it
  });

  it("make no key twice when what is encrypted cannot be read any more", async () => {
    let creations = 0;
    const raw: Socket[] = [];
    const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(join(folder, name)));
    const breaking = createHttpsServer({ key, cert }, (request, response) => {
      if (request.method !== "POST") return void response.writeHead(200, { "content-type": "application/json" }).end("[]");
      creations++;
      for (const socket of raw) socket.write("this is not TLS");
    });
    breaking.on("connection", (socket: Socket) => raw.push(socket));
    await new Promise<void>((resolve) => breaking.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(breaking.address() as AddressInfo).port}/v1`;
    const lifecycle = lifecycleOf("jambonz:ApiKey", session({ JAMBONZ_API_URL: url }));
    const { NODE_TLS_REJECT_UNAUTHORIZED: before } = process.env;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    const message = await lifecycle.create({ admin: true }).then(
      () => "no error",
      (error: Error) => error.message,
    );
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    breaking.closeAllConnections();
    breaking.close();
    assert.match(message, /it may have been made all the same/);
    assert.equal(creations, 1);
  });

  it("leave loopback alone", async () => {
    const local = await serve((_request, response) => void response.writeHead(200, { "content-type": "application/json" }).end("[]"));
    const before = { ...process.env };
    Object.assign(process.env, { HTTP_PROXY: "http://127.0.0.1:1", HTTPS_PROXY: "http://127.0.0.1:1" });
    try {
      const found = await look("jambonz:getServiceProviders", {}, session({ JAMBONZ_API_URL: local.url }));
      assert.deepEqual(found, { serviceProviders: [] });
    } finally {
      for (const name of ["HTTP_PROXY", "HTTPS_PROXY"]) delete process.env[name];
      Object.assign(process.env, before);
      await local.stop();
    }
  });
});
