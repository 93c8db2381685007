import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { Adoption, fill, named, secretsOf } from "../support/adoption";
import { testEnvironment } from "../support/environment";
import { jambonzTarget, made, type Target } from "../support/jambonz";
import { TestStack } from "../support/pulumi";

const root = join(__dirname, "..", "..");

interface Tenant {
  name: string;
  serviceProvider?: string;
  realm?: string;
  hooks?: Record<string, { url: string; passwordFrom?: string }>;
  limits?: Record<string, number>;
  apiKey?: boolean;
}

describe("exporting what exists as tenants of the example", function () {
  this.timeout(300_000); // every step runs the CLI several times over all objects

  const accounts = 27;
  let target: Target;
  let stack: TestStack;
  let adoption: Adoption;
  let objects: number;
  let told: string;

  before(async () => {
    target = await jambonzTarget("service provider");
    objects = await fill(target, accounts);
    stack = await TestStack.create(target.variables, { resources: [] });
    adoption = new Adoption(stack, target.sandbox);
    // The example's own program, as somebody has copied it.
    for (const file of ["index.ts", "tsconfig.json"]) cpSync(join(root, "examples", "tenants", file), join(stack.folder, "tenants", file));
    const modules = join(stack.folder, "node_modules");
    rmSync(modules);
    mkdirSync(modules);
    const installed = join(testEnvironment().program, "node_modules");
    for (const name of readdirSync(installed)) symlinkSync(join(installed, name), join(modules, name));
    symlinkSync(join(root, "node_modules", "yaml"), join(modules, "yaml"));
  });
  after(async () => {
    stack.remove();
    await target.sandbox.stop();
  });

  const file = () => parse(adoption.read("tenants", "tenants.yaml")) as Record<string, Tenant>;

  it("writes an entry for each account, with its realm as it is, limits of zero, and whether it has a key", async () => {
    told = await adoption.ok("export", "--as", "tenants", "--out", "tenants", "--set-secrets");
    const entries = Object.values(file());
    const { body } = await target.sandbox.outside("GET", `/ServiceProviders/${target.serviceProviderSid}/Accounts`);
    const rows = body as { name: string; sip_realm: string | null }[];
    const shown = (name: string, realm: string | null | undefined) => `${name} ${realm ?? "-"}`;
    assert.deepEqual(entries.map(({ name, realm }) => shown(name, realm)).sort(), rows.map((row) => shown(row.name, row.sip_realm)).sort());
    assert.ok(entries.some(({ limits }) => limits?.voice_call_session === 0));
    assert.equal(entries.filter(({ apiKey }) => apiKey === false).length, accounts / 3);
  });

  it("takes the passwords of hooks from the configuration", async () => {
    const names = Object.values(file()).flatMap(({ hooks = {} }) => Object.values(hooks).flatMap(({ passwordFrom }) => passwordFrom ?? []));
    assert.ok(names.length > 0);
    for (const name of names) assert.match(await stack.ok(["config", "get", name]), /^hook-password-\d+\n\n$/);
    const secrets = await secretsOf(target);
    for (const text of [adoption.read("tenants", "tenants.yaml"), adoption.read("tenants", "import.json"), told])
      for (const secret of secrets) assert.ok(!text.includes(secret), secret);
  });

  it("leaves nothing to do after the import and a refresh", async () => {
    await adoption.import("tenants", "--generate-code=false");
    await stack.ok(["refresh", "--yes", "--skip-preview"]);
    adoption.use("tenants/index.ts");
    await adoption.hasNothingLeftToDo();
  });

  it("tells of everything for which the file has no place, in the file too, and leaves it on the platform", async () => {
    const notes = [...told.matchAll(/^Note: (.*)$/gm)].map(([, note]) => note!);
    const about = (pattern: RegExp) => notes.filter((note) => pattern.test(note)).length;
    assert.equal(about(/: bucketCredential is left as it is on the platform, because tenants\.yaml has no place/), 2);
    assert.equal(about(/: planType is left/), 7);
    assert.equal(about(/: registrationHook is left as it is on the platform, because registrationHook\.url must be a URL/), 2);
    assert.equal(about(/: expiresAt of its key is left/), 4);
    const keys = about(/: jambonz:ApiKey \S+ is left out, because tenants\.yaml has one key for each tenant/);
    assert.equal(keys, accounts / 3);
    const ofProvider = about(/^jambonz:(ApiKey|Limit) ServiceProviders\S+ is left out, because it belongs to no tenant/);
    assert.equal(ofProvider, 2);
    const others = about(/: jambonz:(Application|PhoneNumber) \S+ is left out, because tenants\.yaml has no place for it/);
    assert.equal(others, 2 * 3);
    assert.equal(about(/: deviceCallingApplicationSid is left/), 3);
    assert.equal(notes.length - ofProvider, [...adoption.read("tenants", "tenants.yaml").matchAll(/^# TODO: /gm)].length);
    const { body } = await target.sandbox.outside("GET", `/ServiceProviders/${target.serviceProviderSid}/Accounts`);
    const rows = body as { plan_type: string; registration_hook: object | null; bucket_credential: string | null }[];
    assert.equal(rows.filter(({ plan_type }) => plan_type === "paid").length, 7);
    assert.equal(rows.filter(({ bucket_credential }) => bucket_credential).length, 2);
    // Nothing else is missing: each realm is a resource besides its account, and each tenant a component.
    const realms = Object.values(file()).filter(({ realm }) => realm !== undefined).length;
    assert.equal(adoption.list("tenants").length, objects - keys - ofProvider - others + realms + accounts);
  });

  it("gives a tenant a new key with the first rotateKey", async () => {
    const written = adoption.read("tenants", "tenants.yaml");
    const [name, tenant] = Object.entries(file()).find(([, { apiKey }]) => apiKey !== false)!;
    const rotated = { ...file(), [name]: { ...tenant, rotateKey: "1", protect: false } };
    writeFileSync(join(stack.folder, "tenants", "tenants.yaml"), stringify(rotated));
    assert.deepEqual(await stack.plan(), [`replace ${name}`]);
    writeFileSync(join(stack.folder, "tenants", "tenants.yaml"), written);
  });

  it("would destroy exactly what was exported, once its protection is lifted", async () => {
    assert.match(await stack.fails(["destroy", "--preview-only"]), /protected/);
    await stack.ok(["state", "unprotect", "--all", "--yes"]);
    assert.deepEqual(await adoption.wouldDestroy(), named(adoption.list("tenants")));
  });

  it("takes in a single object into the component that it belongs to", async () => {
    const [key, tenant] = Object.entries(file()).find(([, { limits }]) => limits && !("api_rate" in limits))!;
    const { id: sid } = adoption.list("tenants").find(({ type, name }) => type.endsWith("jambonz:Account") && name === key)!;
    await made(target.sandbox, `/Accounts/${sid}/Limits`, { category: "api_rate", quantity: 9 });
    const parent = ["--parent", `tenants:index:Tenant::${key}`];
    const { status, stdout, stderr } = await stack.cpaas(
      "adopt",
      "jambonz:Limit",
      `${key}-api_rate`,
      `Accounts/${sid}/Limits/api_rate`,
      ...parent,
    );
    assert.equal(status, 0, stderr);
    mkdirSync(join(stack.folder, "one"));
    writeFileSync(join(stack.folder, "one", "import.json"), stdout);
    await adoption.import("one", "--generate-code=false");
    await stack.ok(["refresh", "--yes", "--skip-preview"]);
    const changed = { ...file(), [key]: { ...tenant, limits: { ...tenant.limits, api_rate: 9 } } };
    writeFileSync(join(stack.folder, "tenants", "tenants.yaml"), stringify(changed));
    await adoption.hasNothingLeftToDo();
  });
});

describe("exporting the accounts of several service providers as tenants of the example", () => {
  it("says whose each is", async () => {
    const target = await jambonzTarget("admin");
    const stack = await TestStack.create(target.variables, { resources: [] });
    try {
      const other = await made(target.sandbox, "/ServiceProviders", { name: "globex telecom" });
      await made(target.sandbox, "/Accounts", { name: "acme", service_provider_sid: target.serviceProviderSid });
      await made(target.sandbox, "/Accounts", { name: "globex", service_provider_sid: other });
      const adoption = new Adoption(stack, target.sandbox);
      await adoption.ok("export", "--as", "tenants", "--out", "tenants");
      const { acme, globex } = parse(adoption.read("tenants", "tenants.yaml")) as Record<string, Tenant>;
      assert.deepEqual([acme!.serviceProvider, globex!.serviceProvider], [target.serviceProviderSid, other]);
    } finally {
      stack.remove();
      await target.sandbox.stop();
    }
  });
});
