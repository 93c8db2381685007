#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { DataFileError } from "./database";
import { whatIsWrong } from "./faults";
import { adminKeyOf, platformNames, startSandbox, type FaultRule, type PlatformName, type SandboxOptions } from "./index";

const usage = `Usage: pulumi-cpaas-sandbox [options]

Runs a local server that answers as a communications platform does.

  --platform NAME         ${platformNames.join(", ")} (default: ${platformNames[0]})
  --host HOST             where to listen (default 127.0.0.1: this machine only)
  --port N                default: any free port
  --data FILE             keep the data in this file (default: in memory)
  --admin-key KEY         default: the one in the data file, else a random one
  --rate-limit N/SECONDS  default: as the platform has it; 0 or off: no limit
  --dns managed           keep DNS records for realms that accounts set themselves; skipped: such a realm is
                          answered without any; none: it fails, as without a DNS provider (jambonz; default none)
  --consistency-delay SECONDS
                          how long reads show accounts, clients and numbers as they were before a change
                          (restcomm; default 0)
  --faults FILE           failures to bring about, as described below
  --seed N                makes faults by chance repeatable
  --help

A file of failures is a JSON array of rules, of which the first that applies to a request strikes it:

  {"match": {"method": "POST", "path": "/Accounts/*"}, "fault": "dropAnswer", "skip": 2, "times": 1}

  match        a method or several, and a path below the API's base, in which * is one segment and ** any rest;
               a query counts only where the path has one (default: every request)
  fault        refuse, drop        not handled, and no answer; refuse also takes no new connections for delayMs
               dropAnswer          handled, and no answer
               slow                handled after delayMs
               truncated, empty    handled, and answered with half a body, or none
               html, redirect      not handled; a web page with 200, or a redirect to "location"
               restart             not handled, and the server is away for delayMs
               outside             "request": {"method", "path", "body"} is done first, as if by somebody else
               {"status": 503, "body": …, "headers": {…}}
                                   not handled, and this answer; handled with "handled": true
  skip         how many matching requests pass first (default 0)
  times        how often it strikes, or "always" (default 1)
  probability  from 0 to 1, for each matching request (default 1)
  delayMs      default: 100 to refuse, 1000 for a slow one, 500 for a restart
`;

/** A wrong argument: one sentence for the person who typed it. */
class UsageError extends Error {}

/** The options that arguments stand for. Throws what `explain` can say in a sentence. */
export function readOptions(args: string[]): SandboxOptions | "help" {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      platform: text,
      host: text,
      port: text,
      data: text,
      "admin-key": text,
      "rate-limit": text,
      dns: text,
      "consistency-delay": text,
      faults: text,
      seed: text,
      help: { type: "boolean" },
    },
  });
  if (values.help) return "help";
  const { host, data, dns, faults } = values;
  const platform = (values.platform ?? platformNames[0]) as PlatformName;
  if (!platformNames.includes(platform)) throw new UsageError(`--platform must be ${platformNames.join(" or ")}, not "${platform}".`);
  if (dns !== undefined && dns !== "managed" && dns !== "none" && dns !== "skipped") {
    throw new UsageError(`--dns must be managed, none or skipped, not "${dns}".`);
  }
  const adminKey = values["admin-key"];
  const { pattern, form } = adminKeyOf(platform);
  if (adminKey !== undefined && !pattern.test(adminKey)) throw new UsageError(`--admin-key must be ${form}.`);
  const delay = wholeNumber("--consistency-delay", values["consistency-delay"], 3600);
  return {
    platform,
    host,
    port: wholeNumber("--port", values.port, 65_535),
    data,
    adminKey,
    rateLimit: readRateLimit(values["rate-limit"]),
    dns,
    consistencyDelayMs: delay === undefined ? undefined : delay * 1000,
    faults: faults === undefined ? undefined : readFaults(faults),
    seed: wholeNumber("--seed", values.seed, Number.MAX_SAFE_INTEGER),
  };
}

function wholeNumber(option: string, value: string | undefined, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value) || Number(value) > most)
    throw new UsageError(`${option} must be a whole number from 0 to ${most}, not "${value}".`);
  return Number(value);
}

function readRateLimit(value: string | undefined): SandboxOptions["rateLimit"] {
  if (value === undefined) return undefined;
  if (value === "0" || value === "off") return false;
  const [, requests, seconds] = /^([1-9]\d*)\/([1-9]\d*)$/.exec(value) ?? [];
  if (!requests) throw new UsageError(`--rate-limit must be N/SECONDS, such as 600/300, or off, not "${value}".`);
  return { requests: Number(requests), seconds: Number(seconds) };
}

function readFaults(file: string): FaultRule[] {
  let rules: unknown;
  try {
    rules = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`--faults: cannot read ${file}: ${(error as Error).message}.`);
  }
  if (!Array.isArray(rules)) throw new UsageError(`--faults: ${file} must hold a JSON array of rules.`);
  for (const [index, rule] of rules.entries()) {
    const wrong = whatIsWrong(rule);
    if (wrong) throw new UsageError(`--faults: rule ${index + 1} of ${file} is wrong: ${wrong}.`);
  }
  return rules as FaultRule[];
}

async function serve(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") return void process.stdout.write(usage);
  const sandbox = await startSandbox(options);
  const { url, adminKey, variables } = sandbox;
  const exports = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  process.stdout.write(`url ${url}\nkey ${adminKey}\nTo use it: export ${exports.join(" ")}\n`);
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void sandbox.stop());
}

/** Errors of the system and of the arguments, in a sentence; others keep their traces. */
export function explain(error: Error & { code?: string; syscall?: string }): string | undefined {
  if (error instanceof UsageError || error instanceof DataFileError) return error.message;
  if (error.code?.startsWith("ERR_PARSE_ARGS")) return `${error.message.split(". ")[0]!.replace(/\.$/, "")}. See --help.`;
  if (error.code === "EADDRINUSE") return "The port is already taken: choose another one with --port, or leave the option out.";
  if (error.code === "EACCES" && error.syscall === "listen")
    return "This user may not listen there: choose a --port from 1024 on, or leave the option out.";
  if (["EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN"].includes(error.code ?? ""))
    return "This machine has no such address: choose another --host.";
  return undefined;
}

/** What `pulumi-cpaas-sandbox` does. */
export async function run(): Promise<void> {
  try {
    await serve();
  } catch (thrown) {
    const error = thrown as Error & { code?: string };
    process.stderr.write(`${explain(error) ?? error.stack}\n`);
    process.exitCode = error instanceof UsageError || error.code?.startsWith("ERR_PARSE_ARGS") ? 2 : 1;
  }
}
