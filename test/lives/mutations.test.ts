import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { platformNames } from "../../provider/platforms";

/** A deliberate breakage, and the situation of `targeted.ts` that shows it where random lives do not. */
interface Mutation {
  /** Where the lives are lived that notice it. Default: jambonz. */
  platform?: string;
  file: string;
  from: string;
  to: string;
  targeted?: string;
}

const mutations: Record<string, Mutation> = {
  "repeats a POST blindly after a lost answer": {
    file: "http/client.ts",
    from: 'if (outcome.kind === "lost" && (!idempotent || giveUp))',
    to: 'if (outcome.kind === "lost" && giveUp)',
  },
  "takes an answer that is not whole for a whole one": {
    file: "http/client.ts",
    from: "request.complete?.(answer.body, answer.status) === false",
    to: "false",
  },
  "treats a 500 as gone": {
    file: "lifecycle.ts",
    from: "const live = await definition.read(session.client, id, state, {});",
    to: "const live = await definition.read(session.client, id, state, {}).catch((error) => { if (error.status !== 500) throw error; });",
    targeted: "what the platform fails to tell is not taken for gone",
  },
  "treats a 403 as gone": {
    file: "jambonz/client.ts",
    from: "if (!accountSid || !(error instanceof RefusedError && [403, 404].includes(error.status))) return false;",
    to: "if (error instanceof RefusedError && [403, 404].includes(error.status)) return true; else return false;",
    targeted: "what the key may not see is not taken for gone",
  },
  "forgets the id after a failure behind the creation": {
    file: "lifecycle.ts",
    from: 'throw this.#unfinished("create", id, state, error);',
    to: "throw error;",
  },
  "treats a refused deletion as done": {
    file: "lifecycle.ts",
    from: "if (live) throw error;",
    to: "",
    targeted: "what is not deleted stays in state",
  },
  "takes any candidate where there are several": {
    file: "recovery.ts",
    from: "if (likely.length > equals.lost) throw",
    to: "if (false) throw",
    targeted: "of two objects that may be the one that was made, none is taken",
  },
  "does not look for what a lost creation has made": {
    file: "recovery.ts",
    from: "if (!mine) continue;",
    to: "if (mine) continue; else continue;",
  },
  "takes what another creation was given": {
    file: "recovery.ts",
    from: " && !this.#claimed.has(identity(definition, candidate))",
    to: "",
  },
  "takes what was there before": {
    file: "recovery.ts",
    from: "!existing.has(candidate.id) &&",
    to: "",
    targeted: "what was there before is not taken for what a lost creation has made",
  },
  "leaves secrets in a message": {
    file: "redact.ts",
    from: "clean(original: string): string {",
    to: "clean(original: string): string { if (original) return original;",
    targeted: "a secret in the platform's words is not in a message",
  },
  "sends everything and not only what has changed": {
    file: "lifecycle.ts",
    from: "for (const name of changed) {",
    to: "for (const name of Object.keys(this.definition.inputs.shape)) {",
  },
  "does not mark what an unanswered update left unsure": {
    file: "lifecycle.ts",
    from: "{ ...state, [marks.unsure]: [...new Set([...changed, ...again])] }",
    to: "{ ...state }",
    targeted: "what an unanswered update left unsure is sent again",
  },
  "does not ask whether a name is taken": {
    file: "jambonz/account.ts",
    from: "return holder ? nameTaken(",
    to: "return holder && false ? nameTaken(",
    targeted: "an account of the same name is never doubled",
  },
  "forgets what another resource has given up": {
    file: "lifecycle.ts",
    from: "session.claims.drop(claim, definition.type)",
    to: "undefined",
    targeted: "a realm stays with its SipRealm when the account gives it up",
  },
  "deletes what another resource has by now": {
    file: "lifecycle.ts",
    from: "if (claim && session.claims.passedOn(claim, definition.type)) return;",
    to: "",
  },
  "buys a number again blindly": {
    platform: "restcomm",
    file: "restcomm/platform.ts",
    from: "return await this.post(path, form);",
    to: "return await this.post(path, form, { idempotent: true });",
  },
  "closes an account for which that was not allowed": {
    platform: "restcomm",
    file: "restcomm/account.ts",
    from: "if (closeOnDeletion) return undefined;\n    const row",
    to: "return undefined;\n    const row",
  },
  "adopts a client whose login is there": {
    platform: "restcomm",
    file: "restcomm/client.ts",
    from: "if (holder) return { reason: taken(restcomm, login, holder), holder };",
    to: "return undefined;",
  },
  "adopts the client that came along with an account": {
    platform: "restcomm",
    file: "restcomm/client.ts",
    from: "return isBroughtAlong ? { reason: taken(restcomm, login) } : undefined;",
    to: "return undefined;",
    targeted: "a client that came along with its account, and does not show yet, is not adopted",
  },
  "takes an old answer for drift": { platform: "restcomm", file: "restcomm/platform.ts", from: "? STALE : row", to: "? row : row" },
  "makes a number in another account before it gave up the old one": {
    platform: "restcomm",
    file: "restcomm/incoming-phone-number.ts",
    from: 'deleteBeforeReplace: { whileSame: ["phoneNumber"] },',
    to: "",
    targeted: "what is unique on the platform moves with its account",
  },
  "repeats Add Account": {
    platform: "voicetel",
    file: "voicetel/client.ts",
    from: "idempotent = false }: PostOptions",
    to: "idempotent = true }: PostOptions",
  },
  "does not count the hour's calls": {
    platform: "voicetel",
    file: "voicetel/client.ts",
    from: "endpoints[verb].limited ? this.#calls.take() : undefined",
    to: "undefined as string | undefined",
  },
  "takes an account for changed that cannot be changed": {
    platform: "voicetel",
    file: "lifecycle.ts",
    from: "if (fixed.length > 0)",
    to: "if (false)",
  },
};

/** What a breakage ends with that is none, but a mistake in its text: any lives would notice that. */
const noBreakage = /is not defined|is not a function|SyntaxError/;

/** The most lives that a breakage may take to show. */
const LIVES = "250";
const SEED = "1";

const root = join(__dirname, "..", "..");
const folder = join(root, ".local", "mutations");
const copied = ["provider", "sandbox/src", "test/lives", "test/support"];
/** Of lives without a breakage. */
const clean = (platform: string) => `${platform} without a breakage`;
/** One for each mutation and one without any on each platform, which run beside each other. */
const results = new Map<string, Promise<{ code: number | null; text: string }>>();

describe("the random lives", function () {
  this.timeout(600_000);

  before(() => {
    rmSync(folder, { recursive: true, force: true });
    for (const file of copied.flatMap(sources)) compile(readFileSync(join(root, file), "utf8"), join(folder, "clean", file));
    const waiting: [string, string, Mutation?][] = [
      ...platformNames.map((platform) => [clean(platform), platform] as [string, string]),
      ...Object.entries(mutations).map(
        ([name, mutation]) => [name, mutation.platform ?? "jambonz", mutation] as [string, string, Mutation],
      ),
    ];
    const lanes = Array.from({ length: 2 }, () => Promise.resolve<unknown>(undefined));
    waiting.forEach(([name, platform, mutation], index) => {
      const run = lanes[index % lanes.length]!.then(() => live(name, platform, mutation));
      results.set(name, run);
      lanes[index % lanes.length] = run.catch(() => undefined);
    });
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const platform of platformNames) {
    it(`end well on ${clean(platform)}`, async () => {
      const { code, text } = await results.get(clean(platform))!;
      assert.equal(code, 0, text);
    });
  }

  for (const name of Object.keys(mutations)) {
    it(`notice a provider that ${name}`, async () => {
      const { code, text } = await results.get(name)!;
      assert.equal(code, 1, `nothing was noticed:\n${text}`);
      assert.match(text, /^FAILED after/m);
      assert.doesNotMatch(text, noBreakage, `it is broken in another way:\n${text}`);
    });
  }
});

/** The TypeScript files in a folder of the checkout, by their paths in it. */
function sources(path: string): string[] {
  return readdirSync(join(root, path), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !/\.(test|tmp)\.ts$/.test(name))
    .map((name) => join(path, name));
}

function compile(source: string, target: string): void {
  const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true };
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target.replace(/\.ts$/, ".js"), ts.transpileModule(source, { compilerOptions: options }).outputText);
}

/** Lives with a provider that is broken in one place, in a process of its own. */
async function live(name: string, platform: string, mutation?: Mutation): Promise<{ code: number | null; text: string }> {
  const copy = join(folder, mutation ? name.replace(/\W+/g, "-") : "clean");
  if (mutation) {
    const file = join("provider", mutation.file);
    const parts = readFileSync(join(root, file), "utf8").split(mutation.from);
    assert.equal(parts.length, 2, `${file} holds this once: ${mutation.from}`);
    cpSync(join(folder, "clean"), copy, { recursive: true });
    compile(parts.join(mutation.to), join(copy, file));
  }
  const lived: Record<string, string> = mutation?.targeted ? { TARGETED: mutation.targeted } : { LIVES: mutation ? LIVES : "15", SEED };
  return new Promise((resolve, reject) => {
    const script = join(copy, relative(root, __dirname), "run.js");
    const child = spawn(process.execPath, [script], {
      env: { ...process.env, PLATFORM: platform, ...lived },
      timeout: 120_000,
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (text += data.toString()));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, text }));
  });
}
