/**
 * `npm run soak -- [--lives N] [--seed S] [--kills N]`: so many random lives on jambonz and a tenth as many on each other
 * platform, in two processes side by side, then twenty short ones through the real CLI and killed runs. Ends with 1 when anything fails, and says how to repeat it.
 */
import { spawn } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { local, root, setUp } from "./setup.mjs";

const PROCESSES = 2;
/** Lives that one process lives, from one seed. */
const PORTION = 500;
/** How many of the lives are lived on a platform. */
const SHARES = { jambonz: 1, restcomm: 0.1, voicetel: 0.1 };
const { values } = parseArgs({
  options: { lives: { type: "string", default: "20000" }, seed: { type: "string" }, kills: { type: "string", default: "50" } },
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
const [lives, kills] = [Number(values.lives), Number(values.kills)];
if (![seed, lives, kills].every((number) => Number.isInteger(number) && number >= 0)) {
  console.error("--lives, --seed and --kills take whole numbers from 0");
  process.exit(2);
}

/** Runs Node with this output going on to ours. @returns {Promise<{code: number, text: string}>} */
function node(args, variables = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, ...variables }, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (data) => {
      text += data;
      process.stdout.write(data);
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, text }));
  });
}

/** Compiled code starts and runs faster than what is translated as it is loaded. */
async function compiled() {
  const folder = join(local, "soak");
  rmSync(folder, { recursive: true, force: true });
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const { code } = await node([tsc, "--noEmit", "false", "--rootDir", root, "--outDir", folder]);
  if (code !== 0) throw new Error("it does not compile");
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

const failed = [];
const total = { lives: 0, requests: 0, operations: 0, failures: 0 };
await setUp();
if (lives > 0) {
  const script = join(await compiled(), "test", "lives", "run.js");
  // In portions, so that one that fails is told and the others are lived all the same.
  const portions = Object.entries(SHARES).flatMap(([PLATFORM, share]) => {
    const count = Math.ceil(lives * share);
    return Array.from({ length: Math.ceil(count / PORTION) }, (_, index) => ({
      PLATFORM,
      SEED: String(seed + index),
      LIVES: String(Math.min(PORTION, count - index * PORTION)),
    }));
  });
  const next = async () => {
    for (let portion; (portion = portions.shift());) {
      const { PLATFORM, SEED, LIVES } = portion;
      console.log(`${LIVES} random lives on ${PLATFORM} from seed ${SEED}`);
      const { code, text } = await node([script], portion);
      if (code !== 0) failed.push(`random lives on ${PLATFORM} of seed ${SEED}; the line "to repeat it" above names the life`);
      const lived = /^\{"lives":.*\}$/m.exec(text);
      if (lived) for (const [name, count] of Object.entries(JSON.parse(lived[0]))) total[name] += count;
    }
  };
  await Promise.all(Array.from({ length: PROCESSES }, next));
}
const test = join("scripts", "test.mjs");
for (const [count, variable, file] of [
  [20, "CLI_LIVES", "test/lives/cli.test.ts"],
  [kills, "KILLS", "test/lives/kills.test.ts"],
]) {
  if (count === 0) continue;
  const { code } = await node([test, "--no-parallel", file], { [variable]: String(count), SEED: String(seed) });
  if (code !== 0) failed.push(`${variable}=${count} SEED=${seed} npm test -- --no-parallel ${file}`);
}

for (const what of failed) console.log(`failed: ${what}`);
const { requests, operations, failures } = total;
console.log(
  `soak of seed ${seed}: ${total.lives} lives, ${requests} requests, ${operations} operations, ${failures} failures overcome, ${kills} killed runs; ${failed.length === 0 ? "all ended well" : `${failed.length} failed`}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
