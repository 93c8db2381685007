import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSandbox } from "../../sandbox/src";
import { explain, readOptions } from "../../sandbox/src/cli";
import { createAccount, createProvider, send } from "./client";

const program = [join(__dirname, "../../sandbox/bin/pulumi-cpaas-sandbox.js")];

interface Running {
  url: string;
  adminKey: string;
  output: string;
  /** Sends a signal and returns the exit code. */
  end(signal: "SIGINT" | "SIGTERM"): Promise<number | null>;
}

async function run(...args: string[]): Promise<Running> {
  const child = spawn(process.execPath, [...program, ...args], { cwd: join(__dirname, "../.."), stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += String(chunk);
    if (output.split("\n").length > 3) break;
  }
  const [url, key] = output.split("\n");
  assert.match(url!, /^url http:\/\/127\.0\.0\.1:\d+\/v1$/);
  assert.match(key!, /^key [0-9a-f-]{36}$/);
  const end = async (signal: "SIGINT" | "SIGTERM") => {
    child.kill(signal);
    const [code] = (await once(child, "exit")) as [number | null];
    return code;
  };
  return { url: url!.slice(4), adminKey: key!.slice(4), output, end };
}

async function refusal(...args: string[]): Promise<{ code: number | null; error: string; output: string }> {
  const child = spawn(process.execPath, [...program, ...args], { cwd: join(__dirname, "../.."), stdio: ["ignore", "pipe", "pipe"] });
  let [output, error] = ["", ""];
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (error += String(chunk)));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, error, output };
}

describe("a data file", () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "sandbox test ?#"))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it("keeps everything, the admin key too", async () => {
    const data = join(directory, "jambonz.db");
    const first = await startSandbox({ data });
    const account = await createAccount(first, await createProvider(first), { sip_realm: "kept.example.com" });
    await first.stop();
    const second = await startSandbox({ data });
    const read = await send(second, "GET", `/Accounts/${account}`);
    await second.stop();
    assert.equal(second.adminKey, first.adminKey);
    assert.deepEqual([read.status, read.body.sip_realm], [200, "kept.example.com"]);
  });

  it("takes another admin key, and keeps the old one working", async () => {
    const data = join(directory, "jambonz.db");
    const first = await startSandbox({ data });
    await first.stop();
    const adminKey = "44444444-4444-4444-8444-444444444444";
    const second = await startSandbox({ data, adminKey });
    const statuses = [await send(second, "GET", "/Accounts"), await send(second, "GET", "/Accounts", undefined, first.adminKey)];
    await second.stop();
    const third = await startSandbox({ data });
    await third.stop();
    assert.deepEqual(
      statuses.map(({ status }) => status),
      [200, 200],
    );
    assert.equal(third.adminKey, adminKey);
  });

  it("of another kind is refused", async () => {
    const data = join(directory, "notes.txt");
    writeFileSync(data, "these are notes, and no database at all: ".repeat(100));
    const { code, error } = await refusal("--data", data);
    assert.equal(code, 1);
    assert.match(error, /^Cannot use the data file .*notes\.txt: .*\n$/);
    await assert.rejects(startSandbox({ data: join(directory, "missing", "x.db") }), /Cannot use the data file/);
  });

  it("survives the program's end, by either signal", async () => {
    const data = join(directory, "jambonz.db");
    const first = await run("--data", data);
    const { sid } = (await send(first, "POST", "/ServiceProviders", { name: "kept" })).body;
    assert.equal(await first.end("SIGTERM"), 0);
    const second = await run("--data", data);
    const read = await send(second, "GET", `/ServiceProviders/${sid}`);
    assert.equal(await second.end("SIGINT"), 0);
    assert.deepEqual([second.adminKey, read.body.name], [first.adminKey, "kept"]);
  });
});

describe("the program", () => {
  it("says how to use it, and takes its options", async () => {
    const directory = mkdtempSync(join(tmpdir(), "sandbox-"));
    const faults = join(directory, "faults.json");
    writeFileSync(faults, JSON.stringify([{ match: { path: "/Users" }, fault: { status: 503 } }]));
    const key = "55555555-5555-4555-8555-555555555555";
    const running = await run(
      ...["--platform", "jambonz", "--admin-key", key, "--rate-limit", "7/60", "--dns", "managed", "--faults", faults, "--seed", "1"],
    );
    try {
      assert.equal(running.adminKey, key);
      assert.match(running.output, new RegExp(`\n.*export JAMBONZ_API_URL=${running.url} JAMBONZ_API_KEY=${key}\n$`));
      const { headers } = await send(running, "GET", "/Accounts");
      assert.equal(headers.get("ratelimit-policy"), "7;w=60");
      assert.equal((await send(running, "GET", "/Users")).status, 503);
    } finally {
      assert.equal(await running.end("SIGTERM"), 0);
      rmSync(directory, { recursive: true });
    }
  });

  it("switches the limit off", () => {
    for (const value of ["0", "off"]) assert.deepEqual((readOptions(["--rate-limit", value]) as { rateLimit: unknown }).rateLimit, false);
  });

  it("helps", async () => {
    const { code, output } = await refusal("--help");
    assert.equal(code, 0);
    for (const option of ["platform", "host", "port", "data", "admin-key", "rate-limit", "dns", "faults", "seed"]) {
      assert.ok(output.includes(`--${option}`), option);
    }
  });

  it("refuses wrong arguments, each with a sentence", () => {
    const directory = mkdtempSync(join(tmpdir(), "sandbox-"));
    const file = join(directory, "faults.json");
    writeFileSync(file, JSON.stringify([{ fault: "drop" }, { fault: "explode" }]));
    const wrong: [string[], RegExp][] = [
      [["--colour", "red"], /^Unknown option '--colour'\. See --help\.$/],
      [["--port"], /^Option '--port <value>' argument missing\. See --help\.$/],
      [["extra"], /^Unexpected argument 'extra'.*\. See --help\.$/],
      [["--platform", "nimbus"], /^--platform must be jambonz.*, not "nimbus"\.$/],
      [["--port", "eighty"], /^--port must be a whole number from 0 to 65535, not "eighty"\.$/],
      [["--port", "65536"], /^--port must be a whole number from 0 to 65535, not "65536"\.$/],
      [["--rate-limit", "600"], /^--rate-limit must be N\/SECONDS, .*\.$/],
      [["--dns", "yes"], /^--dns must be .*, not "yes"\.$/],
      [["--admin-key", "secret"], /^--admin-key must be a UUID\.$/],
      [["--faults", join(directory, "missing.json")], /^--faults: cannot read .*\.$/],
      [["--faults", file], /^--faults: rule 2 of .* is wrong: fault must be one of .*\.$/],
    ];
    for (const [args, sentence] of wrong) {
      assert.throws(
        () => readOptions(args),
        (error: Error) => sentence.test(explain(error) ?? ""),
        args.join(" "),
      );
    }
    rmSync(directory, { recursive: true });
  });

  it("ends with exit code 2 on wrong arguments, and writes nothing on standard output", async () => {
    assert.deepEqual(await refusal("--rate-limit", "600"), {
      code: 2,
      error: '--rate-limit must be N/SECONDS, such as 600/300, or off, not "600".\n',
      output: "",
    });
    assert.equal((await refusal("--colour")).code, 2);
  });

  it("says when the port is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const { code, error } = await refusal("--port", String(port));
    taken.close();
    assert.equal(code, 1);
    assert.match(error, /^The port is already taken: .*\n$/);
  });
});
