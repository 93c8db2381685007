import assert from "node:assert/strict";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { accountsOf, jambonzTarget, keysOf, limitsOf, tenant, type Target } from "../support/jambonz";
import { TestStack, type Declared } from "../support/pulumi";

/** How many runs are killed, and the seed of their moments. */
const { KILLS = "5", SEED = "1", VERBOSE } = process.env;

const ends = ["pulumi is killed", "its provider is killed", "the platform goes away", "somebody presses Ctrl-C"] as const;

interface Kill {
  end: (typeof ends)[number];
  /** Whether tenants are there already, which the killed run changes. */
  later: boolean;
  /** After so many requests and milliseconds. */
  requests: number;
  delayMs: number;
  /** What becomes of an account that is on the platform and not in state. */
  then: "adopt" | "delete";
}

const kill: fc.Arbitrary<Omit<Kill, "end">> = fc.record({
  later: fc.boolean(),
  // The first up of two tenants sends eleven.
  requests: fc.integer({ min: 1, max: 9 }),
  delayMs: fc.nat(120),
  then: fc.constantFrom<Kill["then"][]>("adopt", "delete"),
});

/** How long the platform takes for each request, so that a kill falls into many of them. */
const SLOW_MS = 100;
const up = ["up", "--yes", "--skip-preview"];

describe("a run that is ended in the middle", function () {
  this.timeout(600_000);
  for (const [index, moment] of fc.sample(kill, { numRuns: Number(KILLS), seed: Number(SEED) }).entries()) {
    const one = { end: ends[index % ends.length]!, ...moment };
    const { end, later, requests, delayMs } = one;
    it(`${index + 1}: ${end} in ${later ? "a later" : "the first"} up, ${delayMs} ms after request ${requests}`, () => survive(one));
  }
});

async function survive(one: Kill): Promise<void> {
  const target = await jambonzTarget();
  const stack = await TestStack.create(target.variables, { resources: [] });
  try {
    if (one.later) {
      stack.write({ resources: program(target, { number: "1", names: ["acme", "bolt"] }) });
      await stack.up();
    }
    const resources = program(target, { number: "2", names: ["acme", "core"] });
    stack.write({ resources });
    target.sandbox.clearRequests();
    target.sandbox.addFault({ fault: "slow", delayMs: SLOW_MS, times: "always" });
    const said = await killed(stack, target, one);
    await sleep(4 * SLOW_MS); // what was sent may still be carried out
    restoreState(stack);
    target.sandbox.clearFaults();
    const lost = await orphans(stack, target);
    if (one.end === "somebody presses Ctrl-C") {
      // What is under way is waited for, so that nothing is half known.
      assert.deepEqual(lost, []);
      assert.equal((await stack.state()).deployment.pending_operations?.length ?? 0, 0);
    }
    if (VERBOSE) console.log(said, { lost, pending: (await stack.state()).deployment.pending_operations?.length });

    await recover(stack, target, one);
    const left = await orphans(stack, target);
    for (const id of left) assert(lost.includes(id), `made by the recovery and forgotten: ${id}`);
    assert.deepEqual(
      left.filter((id) => !id.includes("/ApiKeys/")),
      [],
      "what can be told by its name was not overlooked",
    );
    for (const id of left) await target.sandbox.outside("DELETE", `/${id.slice(id.indexOf("ApiKeys/"))}`);

    await stack.ok(["preview", "--refresh", "--expect-no-changes"]);
    const { deployment } = await stack.state();
    assert.equal(deployment.pending_operations?.length ?? 0, 0, "operations that are still pending");
    await isOnce(stack, target, resources);
  } finally {
    stack.remove();
    await target.sandbox.stop();
  }
}

/** Two tenants; another number rotates their keys and changes their limits and one account. */
function program(target: Target, { number, names }: { number: string; names: string[] }): Declared[] {
  const resources = names.flatMap((name) => tenant(target, name, { registrationHook: { url: `https://${number}.example.com` } }));
  return resources.map((declared) => {
    const args = declared.args as Record<string, unknown>;
    if (declared.type === "jambonz:ApiKey") return { ...declared, args: { ...args, rotateWhenChanged: { number } } };
    if (declared.type === "jambonz:Limit") return { ...declared, args: { ...args, quantity: Number(number) } };
    return declared;
  });
}

/** Runs `up` and ends it in the middle. Gives what Pulumi has said until its end. */
async function killed(stack: TestStack, { sandbox }: Target, { end: how, requests, delayMs }: Kill): Promise<string> {
  const { child, ended } = stack.start(up);
  let over = false;
  void ended.then(() => (over = true));
  while (!over && sandbox.requests.length < requests) await sleep(5);
  await sleep(delayMs);
  const family = descendants(child.pid!);
  const providers = family.filter((pid) => commandLine(pid).includes("dynamic-provider"));
  if (over || providers.length === 0) {
    child.kill("SIGKILL");
    assert.fail("it was over before it could be ended");
  }
  if (how === "the platform goes away") await sandbox.restart(1000);
  else if (how === "pulumi is killed") child.kill("SIGKILL");
  else if (how === "its provider is killed") providers.forEach(end);
  else child.kill("SIGINT");
  const { code, text } = await ended;
  // The language host and the provider notice that nobody speaks with them any more, or are stopped.
  for (const until = Date.now() + 5000; Date.now() < until && family.some(isAlive);) await sleep(50);
  family.filter(isAlive).forEach(end);
  return `pulumi ended with ${code}:\n${text}`;
}

/** A CLI that is killed while it writes its file of state leaves that empty; beside it is the one before. */
function restoreState({ stateFile }: TestStack): void {
  if (readFileSync(stateFile).length === 0) copyFileSync(`${stateFile}.bak`, stateFile);
}

/** What somebody does who finds a stack after a crash, led by what Pulumi and this package say. */
async function recover(stack: TestStack, target: Target, { then }: Kill): Promise<void> {
  const said: string[] = [];
  while (said.length < 8) {
    const { code, text } = await stack.run([...up, "--refresh"]);
    said.push(text);
    if (VERBOSE) console.log("up --refresh:", code, text);
    if (code === 0) return;
    const taken = [...text.matchAll(/Account "(\w+)".*already has an account of this name: ([0-9a-f-]{36})/g)];
    if (/currently locked/.test(text)) {
      await stack.ok(["cancel", "--yes"]);
      // An up would go on, but keep the note of creations that it does not know the end of for ever.
      said.push(await stack.ok(["refresh", "--yes", "--skip-preview", "--clear-pending-creates"]));
      if (VERBOSE) console.log(said.at(-1));
    } else if (taken.length === 0) break;
    else {
      for (const [, name, sid] of new Map(taken.map((match) => [match[2], match])).values()) {
        if (then === "adopt") await stack.door.adopt(stack, [{ type: "jambonz:Account", name: name!, id: sid! }]);
        else assert.equal((await target.sandbox.outside("DELETE", `/Accounts/${sid}`)).status, 204);
      }
    }
  }
  assert.fail(`not recovered:\n${said.join("\n---\n")}`);
}

/** Ids of what the service provider's accounts have and state does not know, by looking and as `npx pulumi-cpaas orphans` tells them. */
async function orphans(stack: TestStack, target: Target): Promise<string[]> {
  const found = await unknownTo(stack, target);
  const { stdout: told } = await stack.cpaas("orphans", "--service-provider", target.serviceProviderSid);
  const ids = [...told.matchAll(/^jambonz:\w+ ".*" \((.+?)\)(?:, made .*)?$/gm)].map(([, id]) => id!);
  assert.deepEqual(ids.filter((id) => !id.startsWith("ServiceProviders/")).sort(), [...found].sort(), told);
  return found;
}

async function unknownTo(stack: TestStack, target: Target): Promise<string[]> {
  const known = new Set(Object.values((await stack.state()).deployment.resources ?? []).map(({ id }) => id));
  const ids: string[] = [];
  for (const { account_sid: sid } of Object.values(await accountsOf(target))) {
    ids.push(sid as string);
    // What is in an account that state does not know is part of that.
    if (!known.has(sid as string)) continue;
    ids.push(...(await keysOf(target, sid as string)).map(({ api_key_sid }) => `Accounts/${sid}/ApiKeys/${api_key_sid}`));
    ids.push(...Object.keys(await limitsOf(target, sid as string)).map((category) => `Accounts/${sid}/Limits/${category}`));
  }
  return ids.filter((id) => !known.has(id));
}

/** Everything that the program says is in state and on the platform, once, and nothing else. */
async function isOnce(stack: TestStack, target: Target, resources: Declared[]): Promise<void> {
  assert.deepEqual(await orphans(stack, target), []);
  const { deployment } = await stack.state();
  const own = (deployment.resources ?? []).filter(({ type }) => type.startsWith("pulumi-nodejs:dynamic/"));
  const names = own.map(({ urn }) => urn.split("::").at(-1)!);
  assert.deepEqual(names.sort(), resources.map(({ name }) => name).sort(), "state");
  const { body: rows } = await target.sandbox.outside("GET", `/ServiceProviders/${target.serviceProviderSid}/Accounts`);
  const accounts = resources.filter(({ type }) => type === "jambonz:Account").map(({ name }) => name);
  assert.deepEqual((rows as { name: string }[]).map(({ name }) => name).sort(), accounts.sort(), "accounts on the platform");
  for (const { account_sid: sid, name, sip_realm: realm } of rows as Record<string, string>[]) {
    assert.equal((await keysOf(target, sid!)).length, 1, `keys of ${name}`);
    assert.deepEqual(await limitsOf(target, sid!), { voice_call_session: 2 }, `limits of ${name}`);
    assert.equal(realm, `${name}.sip.example.com`);
  }
}

/** The processes that a process has started, and those that they have started. */
function descendants(pid: number): number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(Number(name))] as const);
  const below = (ancestor: number): number[] =>
    parents.filter(([, parent]) => parent === ancestor).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

function parentOf(pid: number): number | undefined {
  // The name of a process may hold spaces and parentheses; what follows its last one does not.
  const fields = processFile(pid, "stat")?.split(") ").at(-1)?.split(" ");
  return fields && Number(fields[1]);
}

const commandLine = (pid: number) => processFile(pid, "cmdline") ?? "";
const isAlive = (pid: number) => !["", "Z"].includes(processFile(pid, "stat")?.split(") ").at(-1)?.[0] ?? "");

function processFile(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return undefined; // it has ended meanwhile
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
