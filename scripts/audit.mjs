/**
 * Fails when a package that users get along with this one has a known vulnerability that is high or critical.
 * Without an answer from the registry nothing is known, which is said and is no failure: the same checkout has
 * to pass without a network, too.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./setup.mjs";

const grave = ["high", "critical"];

const { stdout, error } = spawnSync("npm", ["audit", "--audit-level=high", "--json", "--fetch-retries=1", "--fetch-timeout=30000"], {
  cwd: root,
  encoding: "utf8",
  timeout: 120_000,
  maxBuffer: 64 * 1024 * 1024,
  shell: process.platform === "win32",
});

function report() {
  try {
    return JSON.parse(stdout);
  } catch {
    return { message: error?.message ?? "npm audit gave no report" };
  }
}

const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
const licences = join(root, "dist", "plugin", "LICENSES.txt");
/** What the plugins' bundle brings along, as its licences name it. */
const bundled = existsSync(licences) ? [...readFileSync(licences, "utf8").matchAll(/^(\S+) \d\S*: /gm)].map(([, name]) => name) : [];

/** Whether users get it: installed with the package, or inside of it. */
function isShipped({ name, nodes = [""] }) {
  return bundled.includes(name) || nodes.some((node) => packages[node]?.dev !== true);
}

const { vulnerabilities, message, error: refusal } = report();
if (!vulnerabilities) {
  const why = [message, refusal?.summary, refusal?.detail].find(Boolean) ?? "no reason given";
  console.log(`The registry did not answer the audit, so nothing is known of vulnerabilities: ${String(why).split("\n")[0]}`);
} else {
  const found = Object.values(vulnerabilities).filter((known) => grave.includes(known.severity) && isShipped(known));
  for (const { name, severity, range, via } of found) {
    const titles = via.map((cause) => (typeof cause === "string" ? `by ${cause}` : `${cause.title} (${cause.url})`));
    console.error(`${name} ${range}: ${severity}: ${titles.join("; ")}`);
  }
  if (found.length === 0) console.log("No package that users get has a known vulnerability that is high or critical.");
  process.exitCode = found.length > 0 ? 1 : 0;
}
