/**
 * `npm run up`: from a fresh checkout to a finished `pulumi up` of an example, against the sandbox or, with
 * `-- --live`, against the platform that the environment names. `npm run down` destroys it again.
 */
import { spawn } from "node:child_process";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { pulumiCli } from "./pulumi-cli.mjs";
import { installPacked, local, root, setUp } from "./setup.mjs";

/**
 * What can be deployed, by its folder below examples/.
 *
 * - `platform`: which platform the sandbox is, and whose settings it takes
 * - `live`: the variables that `--live` needs; without them the example is for the sandbox only
 * - `rows`: its outputs as a table, the header first; no secrets
 * - `edit`: the file to play with
 * - `once`: values of its configuration that are made for each deployment, and not used again after it was destroyed
 */
const EXAMPLES = {
  tenants: {
    platform: "jambonz",
    live: ["JAMBONZ_API_URL", "JAMBONZ_API_KEY"],
    edit: "tenants.yaml",
    rows: ({ tenants = {} }) => [
      ["tenant", "account sid", "realm", "limits"],
      ...Object.entries(tenants).map(([key, { accountSid, realm, limits }]) => [
        key,
        accountSid,
        realm ?? "-",
        Object.entries(limits ?? {})
          .map(([category, quantity]) => `${category} ${quantity}`)
          .join(", ") || "-",
      ]),
    ],
  },
  restcomm: {
    platform: "restcomm",
    edit: "index.ts",
    rows: ({ resources = {} }) => [["what", "sid"], ...Object.entries(resources)],
    once: {
      emailAddress: { make: () => `ops-${randomBytes(4).toString("hex")}@acme.example.com` },
      accountPassword: { make: password, secret: true },
      clientPassword: { make: password, secret: true },
    },
  },
  voicetel: {
    platform: "voicetel",
    edit: "index.ts",
    rows: ({ username }) => [
      ["what", "username"],
      ["account", String(username)],
    ],
    once: {
      username: { make: () => String(randomInt(2_000_000_000, 10_000_000_000)) },
      email: { make: () => `billing-${randomBytes(4).toString("hex")}@acme.example.com` },
    },
  },
};

const USAGE = `npm run up [-- options]      deploys an example to a local sandbox
npm run down [-- options]    destroys it

  --example NAME    ${Object.keys(EXAMPLES).join(", ")} (default: ${Object.keys(EXAMPLES)[0]})
  --preview         shows what would happen and changes nothing
  --live            acts on the platform that the environment names instead of the sandbox
                    (${Object.entries(EXAMPLES)
                      .filter(([, { live }]) => live)
                      .map(([name, { live }]) => `${name}: ${live.join(", ")}`)
                      .join("; ")})
  --yes             does not ask before it changes a live platform
  --also-protected  lets \`npm run down -- --live\` delete what the program protects, too; on the sandbox it always does
  --help            shows this`;

const options = readOptions();
const example = EXAMPLES[options.example];
const program = join(root, "examples", options.example);
try {
  process.exitCode = await main();
} catch (error) {
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}

function readOptions() {
  const flags = {
    example: "string",
    preview: "boolean",
    live: "boolean",
    yes: "boolean",
    "also-protected": "boolean",
    down: "boolean",
    help: "boolean",
  };
  try {
    const { values } = parseArgs({ options: Object.fromEntries(Object.entries(flags).map(([name, type]) => [name, { type }])) });
    values.example ??= Object.keys(EXAMPLES)[0];
    if (!Object.hasOwn(EXAMPLES, values.example)) throw new Error(`There is no example "${values.example}".`);
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
  const target = live ?? { stack: "sandbox", apiUrl: sandbox.url, variables: sandbox.variables };
  const environment = pulumiEnvironment(cli, target);
  const pulumi = (args, settings) => run("pulumi", args, environment, settings);
  try {
    await pulumi(["stack", "select", "--create", target.stack], { quiet: true });
    await pulumi(["config", "set", `${example.platform}:apiUrl`, target.apiUrl, "--stack", target.stack], { quiet: true });
    await makeOnce(pulumi, target);
    if (live) console.error(`> Platform: ${example.platform} at ${new URL(target.apiUrl).host}, stack ${target.stack}`);
    return options.down ? await down(pulumi, target, live) : await up(pulumi, target, live, sandbox, cli);
  } finally {
    await sandbox?.stop();
  }
}

async function up(pulumi, { stack }, live, sandbox, cli) {
  if (options.preview) {
    await pulumi(["preview", "--stack", stack]);
    return 0;
  }
  if (live && !options.yes) {
    await pulumi(["preview", "--stack", stack]);
    if (!(await confirmed(`Deploy this to ${new URL(live.apiUrl).host}?`))) return 1;
  }
  await pulumi(["up", "--yes", "--suppress-outputs", "--stack", stack, ...(live && !options.yes ? ["--skip-preview"] : [])]);
  const outputs = JSON.parse(await pulumi(["stack", "output", "--json", "--stack", stack], { capture: true }));
  const [last] = JSON.parse(await pulumi(["stack", "history", "--json", "--page-size", "1", "--stack", stack], { capture: true }));
  const { same: _same, ...changes } = last.resourceChanges ?? {};
  console.log(`\n${table(example.rows(outputs))}\n`);
  if (Object.keys(changes).length === 0)
    console.log(
      `Nothing changed on the platform${sandbox ? (sandbox.requests.length ? ` (requests: ${sandbox.requests.length})` : ", and no request was sent") : ""}.`,
    );
  else if (sandbox) console.log(`Requests to the sandbox: ${sandbox.requests.length}.`);
  const folder = `examples/${options.example}`;
  console.log(`Pulumi CLI: ${cli.folder} (put it on your PATH to use it yourself)`);
  const more = example === Object.values(EXAMPLES)[0] ? "" : ` --example ${options.example}`;
  console.log(
    live
      ? `Next: change ${folder}/${example.edit} and run this again, or copy ${folder} into a repository of your own.`
      : `Next: change ${folder}/${example.edit} and run \`npm run up${more && ` --${more}`}\` again, see \`npm run up --${more} --preview\`, or clean up with \`npm run down${more && ` --${more}`}\`.`,
  );
  return 0;
}

async function down(pulumi, { stack }, live) {
  if (options.preview) {
    await pulumi(["destroy", "--preview-only", "--stack", stack]);
    return 0;
  }
  const unprotects = !live || options["also-protected"];
  const kept = unprotects ? [] : await protectedIn(pulumi, stack);
  if (kept.length > 0) {
    throw new Error(
      `Nothing was deleted, because these are protected: ${kept.join(", ")}. Give them \`protect: false\` in examples/${options.example}/${example.edit} and run \`npm run up -- --live\` first, or delete them all with \`--also-protected\`.`,
    );
  }
  if (live && !options.yes && !(await confirmed(`Delete everything of stack ${stack} from ${new URL(live.apiUrl).host}?`))) return 1;
  console.error(`> Everything is deleted${unprotects ? ", also what the program protects" : ""}; Pulumi only forgets what it retains.`);
  if (unprotects) await pulumi(["state", "unprotect", "--all", "--yes", "--stack", stack], { quiet: true });
  await pulumi(["destroy", "--yes", "--stack", stack]);
  for (const key of Object.keys(example.once ?? {})) await pulumi(["config", "rm", key, "--stack", stack], { quiet: true });
  return 0;
}

/** The names of the protected resources of a stack. */
async function protectedIn(pulumi, stack) {
  const { deployment } = JSON.parse(await pulumi(["stack", "export", "--stack", stack], { capture: true }));
  return [...new Set((deployment.resources ?? []).filter(({ protect }) => protect).map(({ urn }) => urn.split("::").at(-1)))].sort();
}

/** Makes the values that a deployment needs and does not have yet. */
async function makeOnce(pulumi, { stack }) {
  if (!example.once) return;
  const known = Object.keys(JSON.parse(await pulumi(["config", "--json", "--stack", stack], { capture: true })));
  for (const [key, { make, secret }] of Object.entries(example.once)) {
    if (known.some((name) => name.endsWith(`:${key}`))) continue;
    await pulumi(["config", "set", ...(secret ? ["--secret"] : []), key, make(), "--stack", stack], { quiet: true });
  }
}

/** One that every platform finds strong. */
function password() {
  return `Aa1-${randomBytes(12).toString("base64url")}`;
}

function liveTarget() {
  if (!example.live) {
    throw new Error(`examples/${options.example} is for the sandbox: copy it into a repository of your own to deploy it elsewhere.`);
  }
  const variables = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name.startsWith(`${example.platform.toUpperCase()}_`)),
  );
  if (!example.live.every((name) => variables[name])) throw new Error(`\`--live\` needs ${example.live.join(" and ")} in the environment.`);
  const [urlVariable] = example.live;
  const apiUrl = variables[urlVariable];
  let host;
  try {
    host = new URL(apiUrl).host;
  } catch {
    throw new Error(`${urlVariable} is not a URL.`);
  }
  const suffix = createHash("sha256").update(apiUrl.replace(/\/+$/, "")).digest("hex").slice(0, 6);
  return { stack: `live-${host.replace(/[^A-Za-z0-9.-]/g, "-")}-${suffix}`, apiUrl, variables };
}

/** The sandbox lives in this process and only as long; its database, with its key, and its port stay. */
async function startSandbox() {
  const { startSandbox } = createRequire(import.meta.url)(join(root, "sandbox", "dist", "index.js"));
  const { platform } = example;
  const kept = join(local, `sandbox-${platform}.json`);
  const { port } = existsSync(kept) ? JSON.parse(readFileSync(kept, "utf8")) : { port: 0 };
  const settings = { platform, data: join(local, `sandbox-${platform}.db`) };
  const sandbox = await startSandbox({ ...settings, port }).catch(() => startSandbox({ ...settings, port: 0 }));
  writeFileSync(kept, JSON.stringify({ port: Number(new URL(sandbox.url).port) }), { mode: 0o600 });
  console.error(`> The sandbox answers at ${sandbox.url}`);
  return sandbox;
}

/** Only what is meant for this run: whatever else is exported for Pulumi or a platform stays outside. */
function pulumiEnvironment(cli, { variables }) {
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
    // Calls of the sandbox are no calls of a real VoiceTel.
    XDG_CACHE_HOME: join(local, "cache"),
    ...variables,
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

/** @param {string[][]} rows the header first */
function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
