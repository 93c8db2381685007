/**
 * `npm run up`: from a fresh checkout to a finished `pulumi up` of examples/tenants, against the sandbox or, with
 * `-- --live`, against the platform that JAMBONZ_API_URL and JAMBONZ_API_KEY name. `npm run down` destroys it again.
 */
import { spawn } from "node:child_process";
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { pulumiCli } from "./pulumi-cli.mjs";
import { installPacked, local, root, setUp } from "./setup.mjs";

const USAGE = `npm run up [-- options]      deploys examples/tenants to a local sandbox
npm run down [-- options]    destroys it

  --preview   shows what would happen and changes nothing
  --live      acts on the jambonz platform that JAMBONZ_API_URL and JAMBONZ_API_KEY name instead of the sandbox
  --yes       does not ask before it changes a live platform
  --help      shows this`;

const program = join(root, "examples", "tenants");

const options = readOptions();
try {
  process.exitCode = await main();
} catch (error) {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}

function readOptions() {
  const flags = { preview: "boolean", live: "boolean", yes: "boolean", down: "boolean", help: "boolean" };
  try {
    const { values } = parseArgs({ options: Object.fromEntries(Object.entries(flags).map(([name, type]) => [name, { type }])) });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    return values;
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function main() {
  const live = options.live && liveTarget();
  if (live && !options.yes && !options.preview && !process.stdin.isTTY) {
    throw new Error("Without a terminal to ask on, `--live` needs `--yes` (or `--preview`).");
  }
  await setUp();
  installPacked(program);
  const cli = pulumiCli((message) => console.error(`> ${message}`));
  const sandbox = live ? undefined : await startSandbox();
  const target = live ?? { stack: "sandbox", apiUrl: sandbox.url, apiKey: sandbox.adminKey };
  const environment = pulumiEnvironment(cli, target);
  const pulumi = (args, settings) => run("pulumi", args, environment, settings);
  try {
    await pulumi(["stack", "select", "--create", target.stack], { quiet: true });
    await pulumi(["config", "set", "jambonz:apiUrl", target.apiUrl, "--stack", target.stack], { quiet: true });
    if (live) console.error(`> Platform: jambonz at ${new URL(target.apiUrl).host}, stack ${target.stack}`);
    return options.down ? await down(pulumi, target, live) : await up(pulumi, target, live, sandbox);
  } finally {
    await sandbox?.stop();
  }
}

async function up(pulumi, { stack }, live, sandbox) {
  if (options.preview) {
    await pulumi(["preview", "--stack", stack]);
    return 0;
  }
  if (live && !options.yes) {
    await pulumi(["preview", "--stack", stack]);
    if (!(await confirmed(`Deploy this to ${new URL(live.apiUrl).host}?`))) return 1;
  }
  await pulumi(["up", "--yes", "--stack", stack, ...(live && !options.yes ? ["--skip-preview"] : [])]);
  const outputs = JSON.parse(await pulumi(["stack", "output", "--json", "--stack", stack], { capture: true }));
  const [last] = JSON.parse(await pulumi(["stack", "history", "--json", "--page-size", "1", "--stack", stack], { capture: true }));
  const { same: _same, ...changes } = last.resourceChanges ?? {};
  console.log(`\n${table(outputs.tenants)}\n`);
  if (Object.keys(changes).length === 0)
    console.log(
      `Nothing changed${sandbox ? (sandbox.requests.length ? `, with ${sandbox.requests.length} requests` : ", and no request was sent") : ""}.`,
    );
  else if (sandbox) console.log(`The sandbox was sent ${sandbox.requests.length} requests.`);
  console.log(
    live
      ? "Next: change examples/tenants/tenants.yaml and run this again, or copy examples/tenants into a repository of your own."
      : "Next: change examples/tenants/tenants.yaml and run `npm run up` again, see `npm run up -- --preview`, or clean up with `npm run down`.",
  );
  return 0;
}

async function down(pulumi, { stack }, live) {
  if (options.preview) {
    await pulumi(["destroy", "--preview-only", "--stack", stack]);
    return 0;
  }
  if (live && !options.yes && !(await confirmed(`Delete every tenant of stack ${stack} from ${new URL(live.apiUrl).host}?`))) return 1;
  await pulumi(["state", "unprotect", "--all", "--yes", "--stack", stack], { quiet: true });
  await pulumi(["destroy", "--yes", "--stack", stack]);
  return 0;
}

function liveTarget() {
  const { JAMBONZ_API_URL: apiUrl, JAMBONZ_API_KEY: apiKey } = process.env;
  if (!apiUrl || !apiKey) throw new Error("`--live` needs JAMBONZ_API_URL and JAMBONZ_API_KEY in the environment.");
  let host;
  try {
    host = new URL(apiUrl).host;
  } catch {
    throw new Error("JAMBONZ_API_URL is not a URL.");
  }
  const suffix = createHash("sha256").update(apiUrl.replace(/\/+$/, "")).digest("hex").slice(0, 6);
  return { stack: `live-${host.replace(/[^A-Za-z0-9.-]/g, "-")}-${suffix}`, apiUrl, apiKey };
}

/** The sandbox lives in this process and only as long; its database, key and port stay. */
async function startSandbox() {
  const { startSandbox } = createRequire(import.meta.url)(join(root, "sandbox", "dist", "index.js"));
  const kept = join(local, "sandbox.json");
  const { port, adminKey } = existsSync(kept) ? JSON.parse(readFileSync(kept, "utf8")) : { port: 0, adminKey: randomUUID() };
  const settings = { adminKey, data: join(local, "sandbox.db") };
  const sandbox = await startSandbox({ ...settings, port }).catch(() => startSandbox({ ...settings, port: 0 }));
  writeFileSync(kept, JSON.stringify({ port: Number(new URL(sandbox.url).port), adminKey }), { mode: 0o600 });
  console.error(`> The sandbox answers at ${sandbox.url}`);
  return sandbox;
}

/** Only what is meant for this run: whatever else is exported for Pulumi or a platform stays outside. */
function pulumiEnvironment(cli, { apiKey }) {
  const passphrase = join(local, "passphrase");
  if (!existsSync(passphrase)) writeFileSync(passphrase, randomBytes(24).toString("base64url"), { mode: 0o600 });
  const state = join(local, "state");
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const kept = Object.entries(process.env).filter(([name]) => !/^(PULUMI|JAMBONZ|RESTCOMM|VOICETEL)_/.test(name));
  return {
    ...Object.fromEntries(kept),
    PATH: [cli.folder, process.env.PATH].join(delimiter),
    PULUMI_HOME: join(local, "pulumi"),
    PULUMI_BACKEND_URL: `file://${state}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    JAMBONZ_API_KEY: apiKey,
  };
}

function run(command, args, env, { quiet = false, capture = false } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = quiet || capture ? ["ignore", "pipe", "pipe"] : "inherit";
    const child = spawn(command, args, { cwd: program, env, stdio });
    // Ctrl-C reaches the CLI too, which ends in good order; this process waits for it.
    const wait = () => {};
    process.on("SIGINT", wait);
    let out = "";
    let err = "";
    child.stdout?.on("data", (data) => (out += data));
    child.stderr?.on("data", (data) => (err += data));
    child.on("error", reject);
    child.on("close", (code) => {
      process.off("SIGINT", wait);
      if (code === 0) resolve(out);
      else reject(new Error(`\`pulumi ${args.slice(0, 2).join(" ")}\` ended with an error${err ? `: ${err.trim()}` : " (above)"}.`));
    });
  });
}

async function confirmed(question) {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} Type yes: `);
  terminal.close();
  return answer.trim().toLowerCase() === "yes";
}

/** What exists now, without secrets. */
function table(tenants = {}) {
  const rows = Object.entries(tenants).map(([key, { accountSid, realm, limits }]) => [
    key,
    accountSid,
    realm ?? "-",
    Object.entries(limits ?? {})
      .map(([category, quantity]) => `${category} ${quantity}`)
      .join(", ") || "-",
  ]);
  const all = [["tenant", "account sid", "realm", "limits"], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
