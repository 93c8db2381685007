import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../provider/cli";
import { resourceOf } from "../../provider/platforms";
import { cleanVariables } from "../support/environment";
import { jambonzTarget, made, type Target } from "../support/jambonz";

/** In this process, and without Pulumi: all settings are in the environment. */
describe("odd files and options of npx pulumi-cpaas", () => {
  let target: Target;
  let folder: string;
  let account: string;
  const environment = process.env;

  before(async () => {
    target = await jambonzTarget("service provider");
    account = await made(target.sandbox, "/Accounts", { name: "Acme", service_provider_sid: target.serviceProviderSid });
    await made(target.sandbox, "/ApiKeys", { account_sid: account });
  });
  after(() => target.sandbox.stop());

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cpaas-odd-"));
    process.env = { ...cleanVariables(), ...target.variables, PATH: folder };
  });
  afterEach(() => {
    process.env = environment;
    rmSync(folder, { recursive: true });
  });

  async function cli(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
    const texts = { stdout: "", stderr: "" };
    const own = { stdout: process.stdout.write.bind(process.stdout), stderr: process.stderr.write.bind(process.stderr) };
    for (const name of ["stdout", "stderr"] as const) process[name].write = (text: string) => ((texts[name] += text), true);
    try {
      return { status: await run(args), ...texts };
    } finally {
      for (const name of ["stdout", "stderr"] as const) process[name].write = own[name];
    }
  }

  /** @returns the one sentence that says why not */
  async function refused(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await cli(...args);
    assert.equal(status, 2, stdout + stderr);
    const sentences = stderr
      .trim()
      .split("\n")
      .filter((line) => !/^jambonz:|rate limit/.test(line)); // progress
    assert.equal(sentences.length, 1, stderr);
    return sentences[0]!;
  }

  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const stateOf = (name: string, id = account, type = "jambonz:index:Account") =>
    JSON.stringify({ deployment: { resources: [{ urn: `urn:pulumi:s::p::${type}::${name}`, type, id }] } });
  const state = (name: string) => file("state.json", stateOf(name));

  for (const text of [
    "",
    "no JSON",
    "5",
    "null",
    "[]",
    "{}",
    '{"resources":[null]}',
    '{"deployment":5}',
    '{"deployment":{"resources":[null]}}',
    '{"deployment":{"resources":[{"type":"jambonz:index:Account","id":"x"}]}}',
    '{"checkpoint":{"latest":[]}}',
  ])
    it(`refuses ${text || "nothing"} as a state`, async () => {
      for (const command of [["orphans"], ["export", "--dry-run"]])
        assert.match(await refused(...command, "--state", file("state.json", text)), /state\.json gives no state/);
    });

  it("refuses a state that cannot be read, and an empty name of one", async () => {
    for (const path of [join(folder, "absent.json"), folder, ""])
      assert.match(await refused("export", "--dry-run", "--state", path), /cannot be read/);
  });

  it("takes the state of a stack that has nothing yet", async () => {
    const { status, stdout } = await cli("orphans", "--state", file("state.json", '{"version":3,"deployment":{"manifest":{}}}'));
    assert.equal(status, 1);
    assert.match(stdout, /jambonz:Account "Acme"/);
  });

  it("takes the states of several stacks, whatever their order", async () => {
    const other = await made(target.sandbox, "/Accounts", { name: "Of another stack", service_provider_sid: target.serviceProviderSid });
    try {
      const states = [file("one.json", stateOf("one")), file("two.json", stateOf("two", other))];
      for (const [first, second] of [states, states.toReversed()] as [string, string][]) {
        const both = ["--state", first, "--state", second, "--type", "jambonz:Account"];
        const { status, stdout, stderr } = await cli("orphans", ...both);
        assert.deepEqual([status, stdout], [0, ""], stderr);
        assert.match((await cli("export", "--dry-run", ...both)).stderr, /^0 to export, 2 in the state already/m);
      }
    } finally {
      await target.sandbox.outside("DELETE", `/Accounts/${other}`);
    }
  });

  it("refuses an option given twice of which only the last would count", async () => {
    for (const [name, one, two] of [
      ["name", "a*", "b*"],
      ["service-provider", target.serviceProviderSid, target.serviceProviderSid],
      ["platform", "jambonz", "restcomm"],
    ] as const)
      assert.match(
        await refused("orphans", `--${name}`, one, `--${name}=${two}`),
        new RegExp(`^--${name} is given more than once, and takes one value`),
      );
    assert.match(await refused("export", "--out", join(folder, "a"), "--out", join(folder, "b")), /^--out is given more than once/);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("knows an object by its whole name, and tells no command that a shell would take apart", async () => {
    const { stdout } = await cli("orphans", "--state", state("a::b; rm *"));
    assert.match(stdout, /pulumi import jambonz:index:ApiKey a-b-rm-[\w-]+ Accounts\/\S+$/m);
  });

  for (const name of ["../../escaped", "/absolute", "team/acme", "..", ".", "", "index", "con\0trol", "x".repeat(300)])
    it(`splits into files of one folder, whatever a stack's object is called: ${JSON.stringify(name.slice(0, 20))}`, async () => {
      const out = join(folder, "a", "b", "out");
      const { status, stderr } = await cli("export", "--split", "--out", out, "--state", state(name));
      assert.equal(status, 0, stderr);
      assert.deepEqual(readdirSync(folder, { recursive: true }).sort().slice(0, 3), ["a", "a/b", "a/b/out"]);
      assert.equal(readdirSync(folder).length, 2);
      assert.equal(readdirSync(join(folder, "a", "b")).length, 1);
      assert.equal(readdirSync(out).length, 3, readdirSync(out).join(" "));
    });

  it("does the same for names of an earlier list in the folder", async () => {
    const out = join(folder, "a", "out");
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, "import.json"), JSON.stringify({ resources: [{ type: "jambonz:Account", name: "../escaped", id: account }] }));
    const { status, stderr } = await cli("export", "--split", "--force", "--out", out);
    assert.equal(status, 0, stderr);
    assert.deepEqual(readdirSync(join(folder, "a")), ["out"]);
    assert.deepEqual(readdirSync(out).sort(), ["escaped.ts", "import.json", "index.ts"]);
  });

  it("protects what is taken over: each owner says so, and what belongs to it has it from there", async () => {
    await target.sandbox.outside("POST", `/ServiceProviders/${target.serviceProviderSid}/Limits`, { category: "device", quantity: 3 });
    const options = async (...args: string[]) => {
      const { status, stderr } = await cli("export", "--force", "--out", join(folder, "out"), ...args);
      assert.equal(status, 0, stderr);
      const text = readFileSync(join(folder, "out", "index.ts"), "utf8");
      const found = [...text.matchAll(/new jambonz\.(\w+)\((?:.|\n)*?\}(?:, (\{ .* \}))?\);$/gm)].map(([, type, said]) => [type, said]);
      return { stderr, found };
    };
    const child = ["ApiKey", "{ parent: acme, deletedWith: acme }"];
    const { stderr, found } = await options();
    assert.deepEqual(found, [["Account", "{ protect: true }"], child, ["Limit", "{ protect: true }"]]);
    assert.match(stderr, /^Next: pulumi import --file \S+ --generate-code=false --yes/m);
    const without = await options("--unprotected");
    assert.deepEqual(without.found, [["Account", undefined], child, ["Limit", undefined]]);
    assert.match(without.stderr, /^Next: pulumi import --file \S+ --generate-code=false --protect=false --yes/m);
    // A child without its owner has nothing to inherit from.
    const alone = await options("--type", "jambonz:ApiKey");
    assert.deepEqual(alone.found, [["ApiKey", "{ protect: true }"]]);
  });

  for (const [title, text, suffix, own] of [
    ["no package.json", undefined, "", ""],
    ["CommonJS", '{"name":"p"}', "", ""],
    ["what is no package.json", "no JSON", "", ""],
    ["ES modules", '{"type":"module"}', ".js", "/index.js"],
  ] as const)
    it(`names the files of a program as its modules need it: ${title}`, async () => {
      if (text !== undefined) file("package.json", text);
      const out = join(folder, "a", "adopted");
      const { status, stderr } = await cli("export", "--split", "--name", "Acme", "--out", out);
      assert.equal(status, 0, stderr);
      assert.deepEqual(readFileSync(join(out, "index.ts"), "utf8").match(/^import "\..*$/gm), [`import "./acme${suffix}";`]);
      assert.ok(stderr.includes(`which one beside it loads by \`import "./adopted${own}";\`.`), stderr);
    });

  it("writes a tag that JavaScript would take for a prototype", async () => {
    const bucket = { vendor: "aws_s3", region: "eu", name: "b", access_key_id: "k", secret_access_key: "s3cr3t-s3cr3t" };
    const tags = [{ Key: "__proto__", Value: "calls" }];
    await target.sandbox.outside("PUT", `/Accounts/${account}`, { bucket_credential: { ...bucket, tags } });
    const { status, stderr } = await cli("export", "--out", join(folder, "out"));
    assert.equal(status, 0, stderr);
    assert.match(readFileSync(join(folder, "out", "index.ts"), "utf8"), /tags: \{\n +\["__proto__"\]: "calls",\n/);
  });

  it("refuses to write into what is no folder, before anything is asked of the platform", async () => {
    target.sandbox.clearRequests();
    assert.match(await refused("export", "--out", file("out", "text")), /out is no folder/);
    assert.equal(target.sandbox.requests.length, 0);
    assert.match(await refused("export", "--out", join(folder, "out", "below")), /below cannot be written/);
  });

  for (const name of ["index.ts", "import.json"])
    it(`refuses to write over a folder, or through a link, that is called ${name}`, async () => {
      const [withFolder, withLink] = [join(folder, "one"), join(folder, "two")];
      mkdirSync(join(withFolder, name), { recursive: true });
      mkdirSync(withLink);
      symlinkSync(join(folder, "elsewhere"), join(withLink, name));
      for (const out of [withFolder, withLink]) {
        assert.match(await refused("export", "--force", "--out", out), /is there, but is no plain file/);
        assert.deepEqual(readdirSync(out), [name]);
      }
      assert.ok(!existsSync(join(folder, "elsewhere")));
    });

  it("refuses a folder whose list is none", async () => {
    for (const text of ["", "[]", "5", "{}", '{"resources":[null]}', '{"resources":[{"type":"a","name":5}]}']) {
      file("import.json", text);
      assert.match(await refused("export", "--out", folder), /import\.json is there, but is no import list/);
    }
  });

  for (const [args, message] of [
    [["--type", "jambonz:Limits"], /^jambonz has no type jambonz:Limits; did you mean jambonz:Limit\?/],
    [["--type", "jambonz:Nope"], /^jambonz has no type jambonz:Nope; it has jambonz:Account, /],
    [["--type", "restcomm:Account"], /^jambonz has no type restcomm:Account/],
    [["--service-provider", "acme telecom"], /"acme telecom" is not the sid of a service provider/],
    [["--platform", "restcomm", "--service-provider", "x"], /Restcomm has no service providers/],
    [["--platform", "twilio"], /no platform "twilio", only jambonz/],
  ] as const)
    it(`refuses ${args.join(" ")}, which would find nothing`, async () => {
      for (const command of [["orphans"], ["export", "--dry-run"]]) assert.match(await refused(...command, ...args), message);
    });

  it("refuses what no option names", async () => {
    assert.match(await refused("export", "--dry-run", "adopted"), /Unexpected argument 'adopted'/);
    assert.match(await refused("orphans", "--out", "x"), /Unknown option '--out'/);
    assert.match(await refused("export", "--out"), /'--out <value>' argument missing/);
  });

  it("adopts by the platform's own form of an id only", async () => {
    const sid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    const [AC, CL] = ["AC", "CL"].map((prefix) => prefix + "0".repeat(32));
    for (const [type, good, ...bad] of [
      ["voicetel:Account", "4592086960", "0x111B3F9B0", "4592086960.0", "4.59208696e9", " 4592086960", "04592086960", "459208696"],
      ["jambonz:Account", sid, sid.toUpperCase(), ` ${sid}`, `${sid}/`, `Accounts/${sid}`, ""],
      [
        "jambonz:Limit",
        `Accounts/${sid}/Limits/device`,
        `Accounts/${sid}/Limits/devices`,
        `Accounts/x/Limits/device`,
        `Accounts/${sid}/Limits/`,
      ],
      ["jambonz:ApiKey", `ServiceProviders/${sid}/ApiKeys/${sid}`, `ApiKeys/x`, `Accounts/${sid}/ApiKeys/x`],
      ["restcomm:Account", AC!, CL!, `${AC}0`],
      ["restcomm:Client", `Accounts/${AC}/Clients/${CL}`, `Accounts/${CL}/Clients/${CL}`, `Accounts/${AC}/Clients/${AC}`],
    ] as const) {
      assert.equal((await cli("adopt", type, "a", good)).status, 0, `${type} ${good}`);
      for (const id of bad) assert.match(await refused("adopt", type, "a", id), id ? /is not the id of/ : /adopt needs/, `${type} "${id}"`);
    }
  });

  it("adopts no admin key, which no refresh could fill in", async () => {
    const told = await refused("adopt", "jambonz:ApiKey", "root", "ApiKeys/3f2504e0-4f89-41d3-9a0c-0305e82c3301");
    assert.match(told, /cannot be adopted: an admin key cannot be listed/);
  });

  /** A CLI of Pulumi in whose stack are these texts; what it is told to store is kept in a file by its name. */
  function pulumiWith({
    state = {},
    configuration = {},
    version = "v3.254.0",
  }: {
    state?: object;
    configuration?: Record<string, string>;
    version?: string;
  }): void {
    const values = Object.fromEntries(Object.entries(configuration).map(([name, value]) => [`test:${name}`, { value, secret: true }]));
    const program = [
      `#!${process.execPath}`,
      `const [command, ...args] = process.argv.slice(2);`,
      `const fs = require("fs");`,
      `if (command === "version") console.log(${JSON.stringify(version)});`,
      `else if (args[0] === "set") fs.writeFileSync(${JSON.stringify(folder)} + "/stored-" + args[2], fs.readFileSync(0));`,
      `else console.log(command === "config" ? ${JSON.stringify(JSON.stringify(values))} : ${JSON.stringify(JSON.stringify(state))});`,
    ];
    writeFileSync(join(folder, "pulumi"), program.join("\n"), { mode: 0o755 });
  }

  it("adopts into what the stack has, and into a component that it does not have yet", async () => {
    const sid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    const urn = (end: string) => `urn:pulumi:s::p::${end}`;
    const [tenant, owner] = [urn("tenants:index:Tenant::acme"), urn("tenants:index:Tenant$pulumi-nodejs:dynamic/jambonz:Account::acme")];
    const twice = ["a", "b"].map((above) => urn(`my:index:${above}$my:index:C::twice`));
    const resources = [
      { urn: tenant, type: "tenants:index:Tenant" },
      { urn: owner, type: "pulumi-nodejs:dynamic/jambonz:Account", id: account },
      ...twice.map((each) => ({ urn: each, type: "my:index:C" })),
    ];
    pulumiWith({ state: { deployment: { resources } } });
    const adopted = async (parent: string, ...args: string[]) => {
      const { status, stdout, stderr } = await cli(
        "adopt",
        "jambonz:Limit",
        "limit",
        `Accounts/${sid}/Limits/device`,
        "--parent",
        parent,
        ...args,
      );
      assert.equal(status, 0, stderr);
      const list = JSON.parse(stdout) as { nameTable?: object; resources: { parent?: string; inputs?: object; outputs?: object }[] };
      return { list, stderr };
    };
    for (const [parent, is] of [
      ["tenants:index:Tenant::acme", tenant],
      [tenant, tenant],
      ["jambonz:Account::acme", owner],
      [twice[1]!, twice[1]!],
    ] as const)
      for (const door of ["package", "plugin"]) {
        const { list } = await adopted(parent, "--door", door);
        assert.deepEqual([list.nameTable, list.resources.length, list.resources[0]!.parent], [{ [is]: is }, 1, is]);
      }
    const { list, stderr } = await adopted("tenants:index:Tenant::beta");
    const [component, { inputs, outputs, ...entry } = {}] = list.resources;
    assert.deepEqual(component, {
      type: "tenants:index:Tenant",
      name: "tenants:index:Tenant beta",
      logicalName: "beta",
      component: true,
    });
    assert.equal(entry.parent, "tenants:index:Tenant beta");
    assert.ok(inputs && outputs && list.nameTable === undefined);
    assert.match(stderr, /^tenants:index:Tenant "beta" is not in the state of the stack in this folder, so the import makes it/);
    const not = (parent: string) => refused("adopt", "jambonz:Limit", "limit", `Accounts/${sid}/Limits/device`, "--parent", parent);
    assert.match(await not("my:index:C::twice"), new RegExp(`give --parent one of ${twice.join(", ").replaceAll("$", "\\$")}$`));
    for (const absent of ["jambonz:Account::beta", urn("tenants:index:Tenant::beta")])
      assert.match(await not(absent), /is not in the state of the stack in this folder; adopt or deploy it first$/);
    for (const wrong of ["acme", "Tenant::acme", "::acme", "tenants:index:Tenant::", ""])
      assert.match(await not(wrong), /needs a type and a name/);
    // One that is there already moves by its URN, whatever it lay in.
    const { stderr: told } = await cli("adopt", "jambonz:Account", "renamed", account);
    assert.ok(told.includes(`aliases: [{ name: "acme" }], and where it lies in another parent now, aliases: ["${owner}"]`), told);
  });

  it("writes over no secret of something else whose name gives the same key of the configuration", async () => {
    const hook = { url: "https://a.example.com/hook", method: "POST", username: "u" };
    for (const [name, password] of [
      ["Team 1", "first-secret"],
      ["Team1", "second-secret"],
    ])
      await made(target.sandbox, "/Accounts", {
        name,
        service_provider_sid: target.serviceProviderSid,
        registration_hook: { ...hook, password },
      });
    const stored = () =>
      readdirSync(folder)
        .filter((name) => name.startsWith("stored-"))
        .map((name) => [name.slice("stored-".length), readFileSync(join(folder, name), "utf8").trim()]);
    pulumiWith({});
    const one = await cli("export", "--name", "Team 1", "--out", join(folder, "one"), "--set-secrets");
    assert.equal(one.status, 0, one.stderr);
    const [[key, secret] = []] = stored();
    assert.equal(secret, "first-secret");
    pulumiWith({ configuration: { [key!]: secret } });
    const two = await cli("export", "--name", "Team1", "--out", join(folder, "two"), "--set-secrets");
    assert.equal(two.status, 0, two.stderr);
    assert.deepEqual(Object.fromEntries(stored()), { [key!]: "first-secret", [`${key!}-2`]: "second-secret" });
    assert.match(readFileSync(join(folder, "two", "index.ts"), "utf8"), new RegExp(`requireSecret\\("${key!}-2"\\)`));
    pulumiWith({ configuration: { [key!]: "what it was before somebody changed it" } });
    const again = await cli("export", "--name", "Team 1", "--out", join(folder, "one"), "--set-secrets");
    assert.equal(again.status, 0, again.stderr);
    assert.equal(Object.fromEntries(stored())[key!], "first-secret");
  });

  it("takes what a program only reads for known, and not for managed", async () => {
    const urn = "urn:pulumi:s::p::jambonz:index:Account::acme";
    const text = { deployment: { resources: [{ urn, type: "jambonz:index:Account", id: account, external: true }] } };
    const reads = file("state.json", JSON.stringify(text));
    const { status, stdout } = await cli("orphans", "--state", reads, "--name", "Acme");
    assert.equal(status, 1);
    assert.match(stdout, /^jambonz:ApiKey "key" /);
    const { stderr } = await cli("export", "--state", reads, "--name", "Acme", "--out", join(folder, "out"));
    assert.match(stderr, /^jambonz:Account: /m);
    const list = readFileSync(join(folder, "out", "import.json"), "utf8");
    assert.match(list, new RegExp(`"name": "acme-2",\\s+"id": "${account}"|"id": "${account}",\\s+"name": "acme-2"`), list);
    pulumiWith({ state: text });
    assert.match(
      await refused("adopt", "jambonz:Account", "acme", account),
      /only reads jambonz:Account .*, as "acme"; take that out of it/,
    );
    assert.equal((await cli("adopt", "jambonz:Account", "other", account)).status, 0);
  });

  it("finds by name only what somebody has named", async () => {
    await made(target.sandbox, "/ApiKeys", { service_provider_sid: target.serviceProviderSid });
    assert.match((await cli("export", "--dry-run", "--allow-none", "--name", "*service*")).stderr, /^0 to export/m);
    assert.match((await cli("export", "--dry-run", "--name", "acme")).stderr, /^2 to export/m);
  });

  for (const [title, states, door] of [
    ["the package, where the stack has nothing yet", ["{}"], "package"],
    ["the package, as the stack has it", ["pulumi-nodejs:dynamic/jambonz:Account"], "package"],
    ["the plugin, as the stack has it", ["jambonz:index:Account"], "plugin"],
    ["the package, where stacks have it through both doors", ["jambonz:index:Account", "pulumi-nodejs:dynamic/jambonz:Account"], "package"],
    ["the plugin, when it is asked for", ["pulumi-nodejs:dynamic/jambonz:Account", "--door"], "plugin"],
  ] as const)
    it(`tells how to adopt an orphan through ${title}`, async () => {
      const texts = states.map((type) => (type === "{}" ? '{"deployment":{}}' : stateOf("other", "another-id", type)));
      const args = states.flatMap((type, at) => (type === "--door" ? [type, "plugin"] : ["--state", file(`${at}.json`, texts[at]!)]));
      const { status, stdout } = await cli("orphans", "--name", "Acme", ...args);
      assert.equal(status, 1);
      const command = { package: "npx pulumi-cpaas adopt jambonz:Account", plugin: "pulumi import jambonz:index:Account" }[door];
      assert.match(stdout, new RegExp(`^jambonz:Account "Acme" [^\\n]+\\n  ${command} acme ${account}\\n$`));
    });

  it("lists orphans for a pipeline", async () => {
    const none = ["orphans", "--json", "--name", "Acme", "--type", "jambonz:Account", "--state"];
    const { status, stdout } = await cli(...none, file("empty.json", '{"deployment":{}}'));
    assert.equal(status, 1);
    const [{ createdAt, ...orphan }, ...more] = JSON.parse(stdout) as [Record<string, string>];
    const adopt = `npx pulumi-cpaas adopt jambonz:Account acme ${account}`;
    assert.deepEqual([orphan, more], [{ type: "jambonz:Account", id: account, label: "Acme", adopt }, []]);
    assert.match(createdAt!, /^\d{4}-/);
    assert.deepEqual(await cli(...none, state("acme")).then((answer) => [answer.status, JSON.parse(answer.stdout)]), [0, []]);
  });

  it("tells that there is no pulumi to ask for the state, and what to do", async () => {
    assert.equal(
      await refused("orphans"),
      "the state of the stack in this folder cannot be read (pulumi is not on PATH); give it with --state FILE, as `pulumi stack export > FILE` writes it",
    );
  });

  it("tells that secrets cannot be stored without pulumi", async () => {
    const hook = { url: "https://a.example.com/hook", method: "POST", username: "u", password: "a-secret" };
    await target.sandbox.outside("PUT", `/Accounts/${account}`, { registration_hook: hook });
    const { status, stderr } = await cli("export", "--name", "Acme", "--out", join(folder, "out"), "--set-secrets");
    assert.equal(status, 2);
    assert.match(stderr, /^acmeRegistrationHookPassword cannot be stored in the stack's configuration: pulumi is not on PATH$/m);
  });

  it("tells its version, its commands and what its exit codes mean", async () => {
    const { version } = JSON.parse(readFileSync(join(__dirname, "..", "..", "package.json"), "utf8")) as { version: string };
    for (const option of ["--version", "-v"]) assert.deepEqual(await cli(option), { status: 0, stdout: `${version}\n`, stderr: "" });
    for (const args of [[], ["--help"], ["-h"], ["orphans", "--help"]]) {
      const { status, stdout } = await cli(...args);
      assert.equal(status, 0);
      assert.match(stdout, /It ends with 0; with 1 when orphans were found; with 2 when it failed\./);
    }
  });

  it("says what comes next as a line that a shell takes", async () => {
    const sid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    const next = async (...args: string[]) => {
      const { status, stderr } = await cli(...args);
      assert.equal(status, 0, stderr);
      return /^Next: (.*)$/m.exec(stderr)![1]!;
    };
    const rest = "--generate-code=false --yes && pulumi refresh --yes";
    assert.equal(await next("adopt", "jambonz:Account", "a", sid), `pulumi import --file adopt.json ${rest}`);
    assert.equal(
      await next("adopt", "jambonz:Account", "a", sid, "--door", "plugin"),
      "pulumi import --file adopt.json --yes --out adopted.yaml",
    );
    assert.equal(await next("export", "--out", join(folder, "out")), `pulumi import --file ${folder}/out/import.json ${rest}`);
    // A shell takes what is written for what it means.
    const line = await next("export", "--out", join(folder, "what's $HOME; in"));
    writeFileSync(join(folder, "pulumi"), `#!${process.execPath}\nconsole.log(JSON.stringify(process.argv.slice(2)))`, { mode: 0o755 });
    const said = execFileSync("/bin/sh", ["-c", line], { encoding: "utf8", env: { PATH: folder } });
    const [imported, refreshed] = said
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text) as string[]);
    assert.equal(imported![2], join(folder, "what's $HOME; in", "import.json"));
    assert.deepEqual(refreshed, ["refresh", "--yes"]);
  });

  for (const [version, door, isTold] of [
    ["v3.150.0", "package", true],
    ["v3.253.9", "package", true],
    ["v3.254.0", "package", false],
    ["v3.1000.0", "package", false],
    ["v4.0.0", "package", false],
    ["v3.150.0", "plugin", false],
    ["nothing that is a version", "package", false],
  ] as const)
    it(`says ${isTold ? "" : "nothing of "}that a list for the ${door} needs another CLI than ${version}`, async () => {
      pulumiWith({ version, state: { deployment: {} } });
      for (const args of [
        ["adopt", "jambonz:Account", "a", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"],
        ["export", "--out", join(folder, "out")],
      ]) {
        const { status, stderr } = await cli(...args, "--door", door);
        assert.equal(status, 0, stderr);
        assert.equal(/^The list needs the Pulumi CLI 3\.254\.0 or newer; the one on PATH is 3\./m.test(stderr), isTold, stderr);
      }
    });

  it("takes a filter that nothing matches for mistyped, unless it is told that this is right", async () => {
    const nowhere = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    for (const [args, told] of [
      [["--name", "Nix*"], '--name "Nix*"'],
      [["--service-provider", nowhere], `--service-provider "${nowhere}"`],
      [["--name", "Acme", "--service-provider", nowhere], `--name "Acme" --service-provider "${nowhere}"`],
      [["--name", "Nix*", "--type", "jambonz:Limit"], '--name "Nix*"'],
    ] as const)
      for (const command of [
        ["orphans", "--state", state("acme")],
        ["export", "--dry-run"],
      ]) {
        const sentence = await refused(...command, ...args);
        assert.ok(sentence.includes(`shows nothing that matches ${told} to the key in use`), sentence);
        const { status, stdout, stderr } = await cli(...command, ...args, "--allow-none");
        assert.deepEqual([status, stdout], [0, ""], stderr);
      }
    // What matches, and has nothing of the type that is asked for, is no mistake.
    const { status, stderr } = await cli("orphans", "--state", state("acme"), "--name", "Acme", "--type", "jambonz:Limit");
    assert.equal(status, 0, stderr);
  });

  it("tells what it did not expect in a sentence too, and where it was only when it is asked to", async () => {
    const { definition } = resourceOf("jambonz:Limit");
    const { idFormat } = definition;
    Object.assign(definition, { idFormat: undefined });
    try {
      const args = ["adopt", "jambonz:Limit", "a", "x"];
      assert.match(
        await refused(...args),
        /^pulumi-cpaas failed unexpectedly: .*[^.]\. Run it with PULUMI_CPAAS_DEBUG=1 to see where, and include that in a bug report$/,
      );
      process.env.PULUMI_CPAAS_DEBUG = "1";
      assert.match((await cli(...args)).stderr, /^TypeError: .*\n +at hasFormat/);
    } finally {
      Object.assign(definition, { idFormat });
    }
  });
});
