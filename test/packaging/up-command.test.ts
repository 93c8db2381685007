import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jambonzTarget } from "../support/jambonz";

const root = join(__dirname, "..", "..");

describe("npm run up, in a checkout of its own", () => {
  let checkout: string;
  let trap: Server;
  const trapped: string[] = [];
  let exported: Record<string, string>;

  before(async () => {
    checkout = mkdtempSync(join(tmpdir(), "cpaas-checkout-"));
    const tracked = execFileSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" }).trim().split("\n");
    for (const path of tracked) cpSync(join(root, path), join(checkout, path));
    trap = createServer((request, response) => {
      trapped.push(`${request.method} ${request.url}`);
      response.statusCode = 500;
      response.end();
    });
    await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
    // What somebody may have exported for another purpose.
    const somewhere = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/v1`;
    exported = {
      JAMBONZ_API_URL: somewhere,
      JAMBONZ_API_KEY: "exported-key",
      PULUMI_BACKEND_URL: somewhere,
      PULUMI_STACK: "production",
      PULUMI_CONFIG_PASSPHRASE: "x",
      PULUMI_ACCESS_TOKEN: "y",
    };
  });
  after(() => {
    trap.close();
    rmSync(checkout, { recursive: true, force: true });
  });

  async function command(
    script: string,
    args: string[] = [],
    env: Record<string, string> = exported,
  ): Promise<{ code: number; text: string }> {
    const child = spawn("npm", ["run", "--silent", script, "--", ...args], {
      cwd: checkout,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    child.stdout.on("data", (data: Buffer) => (text += data.toString()));
    child.stderr.on("data", (data: Buffer) => (text += data.toString()));
    const code = await new Promise<number>((resolve) => child.on("close", resolve));
    return { code, text };
  }

  const edit = (change: (yaml: string) => string) => {
    const file = join(checkout, "examples", "tenants", "tenants.yaml");
    writeFileSync(file, change(readFileSync(file, "utf8")));
  };

  it("previews", async () => {
    const { code, text } = await command("up", ["--preview"]);
    assert.equal(code, 0, text);
    assert.match(text, /\+ 18 to create/);
  }).timeout(240_000);

  it("deploys the tenants and ends with a table of them, without a secret", async () => {
    const { code, text } = await command("up");
    assert.equal(code, 0, text);
    assert.match(
      text,
      /tenant +account sid +realm +limits\nacme +[0-9a-f-]{36} +acme\.sip\.example\.com +device 200, voice_call_session 50\nglobex/,
    );
    assert.match(text, /Next: change examples\/tenants\/tenants\.yaml/);
    assert.doesNotMatch(text, /wh_secret_/);
  });

  it("says the second time that nothing changed and that no request was sent", async () => {
    const { code, text } = await command("up");
    assert.equal(code, 0, text);
    assert.match(text, /Nothing changed on the platform, and no request was sent\./);
  });

  it("shows a renamed tenant as one update", async () => {
    edit((yaml) => yaml.replace("name: Globex", "name: Globex International"));
    const { text } = await command("up");
    assert.match(text, /~ 1 updated\n\s+17 unchanged/);
  });

  it("removes a limit of a protected tenant at once, and its key only with its protection", async () => {
    edit((yaml) => yaml.replace("    device: 200\n", ""));
    const removed = await command("up");
    assert.equal(removed.code, 0, removed.text);
    assert.match(removed.text, /- 1 deleted\n\s+17 unchanged/);
    edit((yaml) => yaml.replace("  keepRecordings: true\n", '  keepRecordings: true\n  rotateKey: "2"\n'));
    const refused = await command("up");
    assert.equal(refused.code, 1);
    assert.match(refused.text, /unable to replace resource .*acme[^]*marked for protection/);
    edit((yaml) => yaml.replace('  rotateKey: "2"\n', '  rotateKey: "2"\n  protect: false\n'));
    const rotated = await command("up");
    assert.equal(rotated.code, 0, rotated.text);
    assert.match(rotated.text, /\+-1 replaced\n\s+16 unchanged/);
    edit((yaml) => yaml.replace('  rotateKey: "2"\n  protect: false\n', '  rotateKey: "2"\n'));
  }).timeout(600_000); // four commands in a row

  it("names a property that does not exist", async () => {
    edit((yaml) => yaml.replace("realm: acme.sip", "relm: acme.sip"));
    const { code, text } = await command("up");
    assert.equal(code, 1);
    assert.match(text, /tenants\.yaml acme: Unrecognized key: "relm"/);
    edit((yaml) => yaml.replace("relm: acme.sip", "realm: acme.sip"));
  });

  it("removes a tenant in two steps only", async () => {
    const initech = readFileSync(join(checkout, "examples", "tenants", "tenants.yaml"), "utf8").split(/(?=\ninitech:)/)[1]!;
    edit((yaml) => yaml.replace(initech, ""));
    const refused = await command("up");
    assert.equal(refused.code, 1);
    assert.match(refused.text, /initech.*protected|protect/i);
    edit((yaml) => yaml + initech + "  protect: false\n");
    assert.equal((await command("up")).code, 0);
    edit((yaml) => yaml.replace(`${initech}  protect: false\n`, ""));
    const removed = await command("up");
    assert.equal(removed.code, 0, removed.text);
    assert.match(removed.text, /- 6 deleted/);
    assert.match(removed.text, /acme.*\nglobex.*\n\n/);
  }).timeout(300_000);

  it("keeps the passphrase and the key to its owner, and leaves the checkout clean", () => {
    for (const file of ["passphrase", "sandbox-jambonz.json"]) assert.equal(statSync(join(checkout, ".local", file)).mode & 0o077, 0, file);
    assert.ok(readFileSync(join(checkout, ".local", "passphrase"), "utf8").length >= 24);
    assert.equal(
      readFileSync(join(checkout, "examples", "tenants", "package.json"), "utf8"),
      readFileSync(join(root, "examples", "tenants", "package.json"), "utf8"),
    );
  });

  it("destroys", async () => {
    const { code, text } = await command("down");
    assert.equal(code, 0, text);
    assert.match(text, /- 11 deleted/);
  });

  it("acts on a live platform only when told so, and asks", async () => {
    const { sandbox } = await jambonzTarget("admin");
    await sandbox.outside(
      "DELETE",
      `/ServiceProviders/${((await sandbox.outside("GET", "/ServiceProviders")).body as { service_provider_sid: string; name: string }[]).find(({ name }) => name === "acme telecom")!.service_provider_sid}`,
    );
    const live = { ...exported, JAMBONZ_API_URL: sandbox.url, JAMBONZ_API_KEY: sandbox.adminKey };
    try {
      const unasked = await command("up", ["--live"], live);
      assert.equal(unasked.code, 1);
      assert.match(unasked.text, /Without a terminal to ask on, `--live` needs `--yes`/);
      assert.deepEqual(sandbox.requests, []);
      const { code, text } = await command("up", ["--live", "--yes"], live);
      assert.equal(code, 0, text);
      assert.match(text, new RegExp(`Platform: jambonz at ${new URL(sandbox.url).host}, stack live-127\\.0\\.0\\.1`));
      assert.equal(((await sandbox.outside("GET", "/Accounts")).body as unknown[]).length, 3);
      sandbox.clearRequests();
      const kept = await command("down", ["--live", "--yes"], live);
      assert.equal(kept.code, 1);
      assert.match(kept.text, /Nothing was deleted, because these are protected: acme, globex\. .*--also-protected/);
      assert.deepEqual(sandbox.requests, []);
      const gone = await command("down", ["--live", "--yes", "--also-protected"], live);
      assert.equal(gone.code, 0, gone.text);
      assert.equal(((await sandbox.outside("GET", "/Accounts")).body as unknown[]).length, 1);
      const nameless = await command("up", ["--live"], { JAMBONZ_API_URL: "", JAMBONZ_API_KEY: "" });
      assert.match(nameless.text, /`--live` needs JAMBONZ_API_URL and JAMBONZ_API_KEY in the environment\./);
    } finally {
      await sandbox.stop();
    }
  }).timeout(600_000); // six commands in a row

  for (const [example, created] of Object.entries({ restcomm: /5 created/, voicetel: /3 created/ })) {
    it(`shows ${example}, says the second time that no request was sent, and can be had again after it was destroyed`, async () => {
      const run = (script: string) => command(script, ["--example", example]);
      const first = await run("up");
      assert.equal(first.code, 0, first.text);
      assert.match(first.text, created);
      assert.match((await run("up")).text, /Nothing changed on the platform, and no request was sent/);
      const down = await run("down");
      assert.equal(down.code, 0, down.text);
      const again = await run("up");
      assert.equal(again.code, 0, again.text);
      assert.match(again.text, created);
    }).timeout(300_000);
  }

  it("names the examples that there are, and deploys to a live platform only what is meant for it", async () => {
    const unknown = await command("up", ["--example", "nothing"]);
    assert.deepEqual(
      [unknown.code, /^There is no example "nothing"\.\n[^]*--example NAME +tenants, restcomm, voicetel/.test(unknown.text)],
      [2, true],
    );
    const live = await command("up", ["--example", "restcomm", "--live", "--yes"]);
    assert.equal(live.code, 1);
    assert.match(live.text, /examples\/restcomm is for the sandbox/);
  });

  it("was never led astray by what is exported", () => assert.deepEqual(trapped, []));
});
