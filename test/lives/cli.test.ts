import assert from "node:assert/strict";
import fc from "fast-check";
import { startSandbox, type Sandbox } from "../../sandbox/src";
import { Engine } from "../support/engine";
import { made } from "../support/jambonz";
import { TestStack } from "../support/pulumi";
import { story, type Chapter } from "./life";
import { declared, jambonz, limitName, shortLife, two, type Change, type Slot, type Tenants } from "./subjects/jambonz";

/** How many lives, and the seed of the first; `npm run soak` lives more of them. */
const { CLI_LIVES = "4", SEED = "1" } = process.env;

/** A resource in state, in the model's words. */
interface Held {
  type: string;
  name: string;
  id: string;
  outputs: Record<string, any>;
}

/** Pulumi or the model of it, with a sandbox of its own. */
interface Side {
  sandbox: Sandbox;
  serviceProviders: string[];
  held: Held[];
}

/** How Pulumi's state marks a secret in JSON. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";

describe("the model of the engine", function () {
  this.timeout(600_000);
  // The first run makes something, and the others have something to change.
  const lives = fc.sample(shortLife, { numRuns: Number(CLI_LIVES), seed: Number(SEED) }).map(({ chapters }) => {
    const [first, ...rest] = chapters;
    return [
      { ...first!, outside: [], command: "up" as const },
      ...rest.map((chapter) => ({ ...chapter, outside: chapter.outside.slice(0, 1) })),
    ];
  });
  for (const [index, chapters] of lives.entries()) it(`does what the real CLI does in life ${index + 1}`, () => compare(chapters));
});

async function compare(chapters: Chapter<Tenants>[]): Promise<void> {
  const [model, real] = [await side(), await side()];
  const engine = new Engine({ environment: () => variables(model.sandbox), pace: 0.001 });
  const stack = await TestStack.create(variables(real.sandbox), { resources: [] });
  try {
    let program: Tenants = {};
    for (const { outside, command, program: next } of chapters) {
      for (const change of outside) for (const side of [model, real]) await somebody(side, change as Change, program);
      if (command.startsWith("up")) program = next;
      const [outcome, { code, text }] = await Promise.all([
        run(engine, command, declared(program, model.serviceProviders)),
        runReal(stack, command, declared(program, real.serviceProviders)),
      ]);
      const told = () =>
        `${story(jambonz, { setting: two, chapters, last: { slot: "ann", what: "rename" } })}\n\nafter pulumi ${command}:\n${text}`;
      assert.equal(outcome.errors.length === 0, code === 0, `${outcome.errors.join("\n")}\n${told()}`);
      // What else a failed run has done depends on what was under way.
      if (code !== 0) return;
      model.held = engine.entries.map(({ type, name, id, outputs }) => ({ type, name, id, outputs }));
      real.held = await heldBy(stack);
      assert.deepEqual(comparable(model.held), comparable(real.held), told());
    }
  } finally {
    stack.remove();
    await Promise.all([model, real].map(({ sandbox }) => sandbox.stop()));
  }
}

async function side(): Promise<Side> {
  const sandbox = await startSandbox({ rateLimit: false, dns: "skipped" });
  const serviceProviders = [];
  for (const name of ["one", "two"]) serviceProviders.push(await made(sandbox, "/ServiceProviders", { name }));
  return { sandbox, serviceProviders, held: [] };
}

const variables = ({ url, adminKey }: Sandbox) => ({ JAMBONZ_API_URL: url, JAMBONZ_API_KEY: adminKey });

function run(engine: Engine, command: Chapter["command"], program: ReturnType<typeof declared>) {
  if (command === "refresh") return engine.refresh();
  return command === "destroy" ? engine.destroy() : engine.up(program, { refresh: command === "up --refresh" });
}

function runReal(stack: TestStack, command: Chapter["command"], resources: ReturnType<typeof declared>) {
  stack.write({ resources });
  return stack.run([...command.split(" "), "--yes", "--skip-preview"]);
}

async function heldBy(stack: TestStack): Promise<Held[]> {
  const { deployment } = await stack.state(true);
  return (deployment.resources ?? [])
    .filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/"))
    .map(({ type, urn, id, outputs: { __provider: _, ...outputs } }) => ({
      type: type.replace("pulumi-nodejs:dynamic/", ""),
      name: urn.split("::").at(-1)!,
      id,
      outputs: opened(outputs) as Record<string, any>,
    }));
}

/** Without the marks of secrets. */
function opened(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(opened);
  if (SIGNATURE in value) return opened(JSON.parse((value as unknown as { plaintext: string }).plaintext));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, opened(item)]));
}

/** What has to be the same on both sides: sids and tokens are numbered, times and webhook secrets left out. */
function comparable(held: Held[]): unknown {
  const numbers = new Map<string, number>();
  const number = (uuid: string) => {
    if (!numbers.has(uuid)) numbers.set(uuid, numbers.size);
    return `#${numbers.get(uuid)}`;
  };
  const normal = (value: unknown, key = ""): unknown => {
    if (key === "webhookSecret") return "<secret>";
    if (typeof value === "string") {
      return value
        .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, number)
        .replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, "<time>")
        .replace(/^127\.0\.0\.1:\d+\/v1$/, "<place>");
    }
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => normal(item));
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, item]) => [name, normal(item, name)]),
    );
  };
  return [...held].sort((a, b) => (a.name < b.name ? -1 : 1)).map((one) => normal(one));
}

/** Does the same on both sides, where there is something to do it to. */
async function somebody({ sandbox, held }: Side, { slot, what }: Change, program: Tenants): Promise<void> {
  const sid = held.find(({ name }) => name === slot)?.id;
  if (!sid) return;
  const path = `/Accounts/${sid}`;
  const outside = async (method: string, at: string, body?: unknown) => {
    const { status } = await sandbox.outside(method, at, body);
    assert(status < 300, `${method} ${at}: ${status}`);
  };
  const category = Object.keys(program[slot as Slot]?.limits ?? {}).find((one) => held.some(({ name }) => name === limitName(slot, one)));
  // The order in which things are made differs, so of several that of the first name is meant.
  const byName = held.toSorted((a, b) => a.name.localeCompare(b.name));
  const of = (noun: string) => byName.find(({ type, name }) => type === `jambonz:${noun}` && name.startsWith(slot));
  const key = of("ApiKey");
  const device = { carrier: of("VoipCarrier"), gateway: of("SipGateway"), client: of("Client") }[what.split(" ")[1]!];
  const devicePath = device && `/${device.type.split(":")[1]!}s/${device.id}`;
  const changed = { carrier: { tech_prefix: "777" }, gateway: { port: 7777 }, client: { password: "by-somebody-else" } };
  switch (what) {
    case "rename":
      return outside("PUT", path, { name: `${slot} renamed by somebody` });
    case "deactivate":
      return outside("PUT", path, { is_active: false });
    case "change realm":
      return outside("PUT", path, { sip_realm: `${slot}.changed.example.com` });
    case "clear realm":
      return outside("PUT", path, { sip_realm: null });
    case "change hook":
      return outside("PUT", path, { registration_hook: { url: "https://changed.example.com/r", method: "GET" } });
    case "change limit":
      if (category) return outside("POST", `${path}/Limits`, { category, quantity: 777 });
      return;
    case "delete limit":
      if (category) return outside("DELETE", `${path}/Limits?category=${category}`);
      return;
    case "delete key":
      if (key) return outside("DELETE", `/ApiKeys/${key.outputs.sid}`);
      return;
    case "change carrier":
    case "change gateway":
    case "change client":
      if (devicePath) return outside("PUT", devicePath, changed[what.split(" ")[1] as keyof typeof changed]);
      return;
    case "delete carrier":
    case "delete gateway":
    case "delete client":
      if (devicePath) return outside("DELETE", devicePath);
      return;
    case "delete account":
      // jambonz deletes no account that has clients.
      for (const { type, name, id } of held)
        if (type === "jambonz:Client" && name.startsWith(slot)) await sandbox.outside("DELETE", `/Clients/${id}`);
      return outside("DELETE", path);
    case "add foreign key":
      return outside("POST", "/ApiKeys", { account_sid: sid });
  }
}
