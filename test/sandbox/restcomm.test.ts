import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Sandbox, SandboxOptions } from "../../sandbox/src";
import { readOptions } from "../../sandbox/src/cli";
import { passwordStrength } from "../../sandbox/src/restcomm/passwords";
import { restcommTarget, strong, type RestcommTarget } from "../support/restcomm";

interface Answer {
  status: number;
  reasonPhrase: string;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  body: any;
}

interface Asked {
  user?: string;
  password?: string;
  accept?: string;
  type?: string;
}

/** Sends a request as a client of the platform does; fetch would hide the reason phrase. */
function ask(sandbox: Sandbox, method: string, path: string, form?: Record<string, string>, asked: Asked = {}): Promise<Answer> {
  const { RESTCOMM_ACCOUNT_SID, RESTCOMM_AUTH_TOKEN } = sandbox.variables;
  const { user = RESTCOMM_ACCOUNT_SID, password = RESTCOMM_AUTH_TOKEN, accept = "application/json" } = asked;
  return new Promise((resolve, reject) => {
    const headers = {
      accept,
      ...(user && { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` }),
      ...(form && { "content-type": asked.type ?? "application/x-www-form-urlencoded" }),
    };
    const sent = httpRequest(`${sandbox.url}${path}`, { method, headers }, (response) => {
      let text = "";
      response.on("data", (chunk) => (text += String(chunk)));
      response.on("end", () => {
        const isJson = /json/.test(response.headers["content-type"] ?? "");
        const body: unknown = isJson ? JSON.parse(text) : undefined;
        resolve({ status: response.statusCode!, reasonPhrase: response.statusMessage!, headers: response.headers, text, body });
      });
    });
    sent.on("error", reject);
    sent.end(form && new URLSearchParams(form).toString());
  });
}

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

describe("the sandbox as Restcomm", () => {
  let target: RestcommTarget;
  let sandbox: Sandbox;
  let own: string;
  const send = (method: string, path: string, form?: Record<string, string>, asked?: Asked) => ask(sandbox, method, path, form, asked);
  const made = async (path: string, form: Record<string, string>) => {
    const answer = await send("POST", path, form);
    assert.equal(answer.status, 200, answer.text || answer.reasonPhrase);
    return answer.body;
  };
  const subAccount = (EmailAddress: string, more: Record<string, string> = {}) =>
    made("/Accounts.json", { EmailAddress, Password: strong, ...more });

  before(async () => {
    target = await restcommTarget();
    ({ sandbox } = target);
    own = `/Accounts/${target.accountSid}`;
  });
  after(() => sandbox.stop());

  describe("and its answers", () => {
    it("are JSON where the path or the Accept header says so, and XML else", async () => {
      assert.equal((await send("GET", `${own}.json`, undefined, { accept: "*/*" })).body.sid, target.accountSid);
      assert.equal((await send("GET", `/Accounts.json/${target.accountSid}`, undefined, { accept: "*/*" })).body.sid, target.accountSid);
      assert.equal((await send("GET", own)).body.sid, target.accountSid);
      const xml = await send("GET", own, undefined, { accept: "*/*" });
      assert.match(xml.text, new RegExp(`^<RestcommResponse><Account><Sid>${target.accountSid}</Sid>`));
      assert.match(String(xml.headers["content-type"]), /^application\/xml/);
    });

    it("take forms only", async () => {
      assert.equal((await send("POST", "/Accounts.json", { a: "b" }, { type: "application/json" })).status, 415);
    });

    it("are refused without the account's token, or its password", async () => {
      for (const password of ["wrong", ""]) {
        const answer = await send("GET", `${own}.json`, undefined, { password });
        assert.equal(answer.status, 401);
        assert.equal(answer.headers["www-authenticate"], 'Basic realm="Restcomm realm"');
        assert.equal(answer.text, "");
      }
      const { sid } = await subAccount("signer@acme.example.com");
      for (const [user, password] of [
        [sid, md5(strong)],
        [sid, strong],
        ["Signer@acme.example.com", strong],
      ] as const)
        assert.equal((await send("GET", `/Accounts/${sid}.json`, undefined, { user, password })).status, 200, user);
      assert.equal((await send("GET", `/Accounts/${sid}.json`, undefined, { user: "Administrator" })).status, 401);
    });

    it("are 500 for an account in the path that does not exist, save for an update of it", async () => {
      const unknown = `/Accounts/AC${"0".repeat(32)}`;
      for (const path of [unknown, `${unknown}/Clients`, `${unknown}/Applications`, `${unknown}/IncomingPhoneNumbers`])
        assert.equal((await send("GET", `${path}.json`)).status, 500, path);
      assert.equal((await send("PUT", `${unknown}.json`, { FriendlyName: "x" })).status, 404);
    });
  });

  describe("accounts", () => {
    it("have a sid that is computed from the e-mail address, which can be used once", async () => {
      const account = await subAccount("Jane.Doe@acme.example.com", { FriendlyName: "Jane" });
      assert.equal(account.sid, `AC${md5("jane.doe@acme.example.com")}`);
      assert.equal(account.auth_token, md5(strong));
      assert.deepEqual([account.friendly_name, account.role, account.status], ["Jane", "Administrator", "active"]);
      assert.match(account.date_created as string, /^\w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/);
      assert.equal(account.parent_sid, undefined);
      assert.equal((await send("POST", "/Accounts", { EmailAddress: "jane.doe@ACME.example.com", Password: strong })).status, 409);
    });

    it("are read by sid and by e-mail address", async () => {
      const { sid } = await subAccount("reader@acme.example.com");
      for (const id of [sid, "reader%40acme.example.com"]) assert.equal((await send("GET", `/Accounts/${id}.json`)).body.sid, sid);
    });

    it("refuse a weak password in the reason phrase of an empty answer", async () => {
      const answer = await send("POST", "/Accounts.json", { EmailAddress: "weak@acme.example.com", Password: "NewPassword" });
      assert.deepEqual([answer.status, answer.reasonPhrase, answer.text], [400, "Password too weak", ""]);
    });

    it("are three levels at most", async () => {
      const child = await subAccount("level2@acme.example.com");
      const as = (account: { sid: string; auth_token: string }) => ({ user: account.sid, password: account.auth_token });
      const grandchild = await send(
        "POST",
        "/Accounts.json",
        { EmailAddress: "level3@acme.example.com", Password: strong },
        as(child as never),
      );
      assert.equal(grandchild.status, 200);
      const fourth = { EmailAddress: "level4@acme.example.com", Password: strong };
      assert.equal((await send("POST", "/Accounts.json", fourth, as(grandchild.body as never))).status, 400);
    });

    it("close with everything below them, for ever, and stay in the list", async () => {
      const account = await subAccount("closing@acme.example.com");
      const path = `/Accounts/${account.sid}`;
      const client = await made(`${path}/Clients.json`, { Login: "closing-client", Password: strong });
      const inner = await ask(
        sandbox,
        "POST",
        "/Accounts.json",
        { EmailAddress: "inner@acme.example.com", Password: strong },
        { user: account.sid, password: account.auth_token },
      );
      const closed = await send("PUT", `${path}.json`, { Status: "CLOSED" });
      assert.deepEqual([closed.status, closed.body.status], [200, "closed"]);
      for (const change of [{ Status: "active" }, { FriendlyName: "x" }] as Record<string, string>[]) {
        const answer = await send("PUT", `${path}.json`, change);
        assert.deepEqual([answer.status, answer.reasonPhrase], [400, "Account is closed"]);
      }
      assert.equal((await send("GET", `/Accounts/${inner.body.sid}.json`)).body.status, "closed");
      assert.equal((await send("GET", `${path}/Clients/${client.sid}.json`)).status, 404);
      const list = (await send("GET", "/Accounts.json")).body as { sid: string; status: string }[];
      assert.equal(list.find(({ sid }) => sid === account.sid)?.status, "closed");
      assert.equal((await send("POST", "/Accounts.json", { EmailAddress: "closing@acme.example.com", Password: strong })).status, 409);
      const own = await send("GET", `${path}.json`, undefined, { user: account.sid, password: account.auth_token });
      assert.deepEqual([own.status, own.text], [403, "Provided Account is not active"]);
    });

    it("suspend with everything below them, and back", async () => {
      const account = await subAccount("suspended@acme.example.com");
      assert.equal((await send("PUT", `/Accounts/${account.sid}.json`, { Status: "suspended" })).body.status, "suspended");
      assert.equal((await send("PUT", `/Accounts/${account.sid}.json`, { Status: "active" })).body.status, "active");
      assert.equal((await send("PUT", `/Accounts/${account.sid}.json`, { Status: "asleep" })).status, 500);
    });

    it("cannot be deleted", async () => assert.notEqual((await send("DELETE", `${own}.json`)).status, 200));

    it("bring a client along, named after the e-mail address", async () => {
      const { sid } = await subAccount("linked@acme.example.com");
      const clients = (await send("GET", `/Accounts/${sid}/Clients.json`)).body as { login: string }[];
      assert.deepEqual(
        clients.map(({ login }) => login),
        ["linked"],
      );
    });

    it("are closed to those who are neither themselves nor above them", async () => {
      const [one, two] = [await subAccount("one@acme.example.com"), await subAccount("two@acme.example.com")];
      const as = { user: one.sid, password: one.auth_token };
      for (const path of [`/Accounts/${two.sid}.json`, `/Accounts/${two.sid}/Clients.json`])
        assert.equal((await send("GET", path, undefined, as)).status, 403);
    });
  });

  describe("clients", () => {
    it("are adopted without a word when the login is there already, unchanged", async () => {
      const first = await made(`${own}/Clients.json`, { Login: "alice", Password: strong, VoiceUrl: "https://a.example.com" });
      const second = await made(`${own}/Clients.json`, { Login: "alice", Password: `${strong}x`, VoiceUrl: "https://b.example.com" });
      assert.deepEqual(second, first);
      assert.equal(second.status, "1");
      assert.notEqual(second.password, strong);
      const { sid } = await subAccount("other@acme.example.com");
      assert.equal((await send("POST", `/Accounts/${sid}/Clients.json`, { Login: "alice", Password: strong })).status, 409);
    });

    it("lose what an empty text is sent for, and leave it out of the answer", async () => {
      const { sid } = await made(`${own}/Clients.json`, { Login: "bob", Password: strong, VoiceUrl: "https://a.example.com" });
      const { body } = await send("PUT", `${own}/Clients/${sid}.json`, { VoiceUrl: "", Status: "0", Login: "ignored" });
      assert.deepEqual([body.voice_url, body.status, body.login, "voice_url" in body], [undefined, "0", "bob", false]);
    });

    it("refuse a weak password in JSON", async () => {
      const answer = await send("POST", `${own}/Clients.json`, { Login: "carol", Password: "carol" });
      assert.deepEqual([answer.status, answer.body], [400, { message: "Password too weak" }]);
    });

    it("are deleted once", async () => {
      const { sid } = await made(`${own}/Clients.json`, { Login: "dave", Password: strong });
      const path = `${own}/Clients/${sid}.json`;
      assert.deepEqual([(await send("DELETE", path)).status, (await send("DELETE", path)).status], [200, 404]);
    });
  });

  describe("incoming phone numbers", () => {
    it("are taken once, and free again after a deletion", async () => {
      const number = { PhoneNumber: "+15015550000" };
      const { sid, ...told } = await made(`${own}/IncomingPhoneNumbers.json`, number);
      assert.deepEqual([told.friendly_name, told.voice_url, told.voice_method], ["+15015550000", null, "POST"]);
      const again = await send("POST", `${own}/IncomingPhoneNumbers.json`, number);
      assert.deepEqual([again.status, again.text], [400, "21452"]);
      const path = `${own}/IncomingPhoneNumbers/${sid}.json`;
      assert.deepEqual([(await send("DELETE", path)).status, (await send("DELETE", path)).status], [204, 404]);
      await made(`${own}/IncomingPhoneNumbers/Local.json`, number);
    });

    it("are listed in pages, by number and by name", async () => {
      for (const last of ["1", "2", "3"]) await made(`${own}/IncomingPhoneNumbers.json`, { PhoneNumber: `+1222555000${last}` });
      const list = async (query: string) => (await send("GET", `${own}/IncomingPhoneNumbers.json?${query}`)).body;
      const page = await list("PhoneNumber=%2B1222*&PageSize=2&Page=1");
      assert.deepEqual([page.total, page.num_pages, page.page, page.next_page_uri], [3, 1, 1, "null"]);
      assert.deepEqual(
        page.incomingPhoneNumbers.map((row: { phone_number: string }) => row.phone_number),
        ["+12225550003"],
      );
      assert.equal((await list("FriendlyName=%2B12225550002")).total, 1);
      assert.equal((await send("GET", `${own}/IncomingPhoneNumbers.json?PageSize=2&Page=9`)).status, 400);
    });

    it("are offered in camelCase, without those that are taken", async () => {
      await made(`${own}/IncomingPhoneNumbers.json`, { PhoneNumber: "+17025550100" });
      const { body } = await send("GET", `${own}/AvailablePhoneNumbers/US/Local.json?AreaCode=702`);
      assert.equal(body[0].phoneNumber, "+17025550101");
      assert.equal(body[0].lata, undefined);
    });
  });

  describe("applications", () => {
    it("may have one name twice", async () => {
      const sids = [];
      for (let i = 0; i < 2; i++) sids.push((await made(`${own}/Applications.json`, { FriendlyName: "ivr", Kind: "voice" })).sid);
      assert.notEqual(sids[0], sids[1]);
      const path = `${own}/Applications/${sids[0]}.json`;
      assert.deepEqual(
        [(await send("DELETE", path)).status, (await send("GET", path)).status, (await send("DELETE", path)).status],
        [200, 404, 200],
      );
    });

    it("answer 500 to a kind that does not exist", async () => {
      assert.equal((await send("POST", `${own}/Applications.json`, { FriendlyName: "x", Kind: "Voice" })).status, 500);
    });
  });

  it("scores passwords as Restcomm-Connect does", () => {
    assert.deepEqual(["NewPassword", "RestComm12", "MyC0mp@ny", "Passw0rd"].map(passwordStrength), [43, 70, 64, 54]);
  });
});

describe("the sandbox as Restcomm, with a delay until changes show", () => {
  let target: RestcommTarget;
  const delay = 400;
  beforeEach(async () => (target = await restcommTarget({ consistencyDelayMs: delay })));
  afterEach(() => target.sandbox.stop());

  it("hides a creation, a change and a deletion from readers, each for so long, and from nobody else", async () => {
    const { sandbox, accountSid } = target;
    const path = `/Accounts/${accountSid}/Clients`;
    const { body } = await ask(sandbox, "POST", `${path}.json`, { Login: "alice", Password: strong });
    const one = `${path}/${body.sid}`;
    const seen = async () => {
      const { status, body } = await ask(sandbox, "GET", `${one}.json`);
      return body?.friendly_name ?? status;
    };
    assert.equal(await seen(), 404);
    assert.deepEqual((await ask(sandbox, "GET", `${path}.json`)).body, []);
    assert.equal((await sandbox.outside("GET", one)).status, 200);
    await sleep(delay);
    assert.equal(await seen(), "alice");
    const { body: changed } = await ask(sandbox, "PUT", `${one}.json`, { FriendlyName: "Alice" });
    assert.deepEqual([changed.friendly_name, await seen()], ["Alice", "alice"]);
    await sleep(delay);
    assert.equal(await seen(), "Alice");
    await ask(sandbox, "DELETE", `${one}.json`);
    assert.equal(await seen(), "Alice");
    assert.equal((await ask(sandbox, "DELETE", `${one}.json`)).status, 404);
    await sleep(delay);
    assert.equal(await seen(), 404);
  });

  it("shows an application at once", async () => {
    const path = `/Accounts/${target.accountSid}/Applications`;
    const { body } = await ask(target.sandbox, "POST", `${path}.json`, { FriendlyName: "ivr" });
    assert.equal((await ask(target.sandbox, "GET", `${path}/${body.sid}.json`)).status, 200);
  });
});

describe("the sandbox as Restcomm, from the command line", () => {
  it("prints what a provider needs", async () => {
    const bin = join(__dirname, "../../sandbox/bin/pulumi-cpaas-sandbox.js");
    const child = spawn(process.execPath, [bin, "--platform", "restcomm"], { stdio: ["ignore", "pipe", "inherit"] });
    const [output] = (await once(child.stdout, "data")) as [Buffer];
    child.kill();
    assert.match(
      String(output),
      /^url (http:\S+\/restcomm\/2012-04-24)\nkey ([0-9a-f]{32})\nTo use it: export RESTCOMM_API_URL=\1 RESTCOMM_ACCOUNT_SID=AC[0-9a-f]{32} RESTCOMM_AUTH_TOKEN=\2\n$/,
    );
  });

  it("takes the delay in seconds, and a token for a key", () => {
    const token = "0".repeat(32);
    const options = readOptions(["--platform", "restcomm", "--consistency-delay", "3", "--admin-key", token]);
    assert.notEqual(options, "help");
    assert.deepEqual([(options as SandboxOptions).consistencyDelayMs, (options as SandboxOptions).adminKey], [3000, token]);
    assert.throws(
      () => readOptions(["--platform", "restcomm", "--admin-key", "secret"]),
      /--admin-key must be an AuthToken of 32 hexadecimal digits/,
    );
    assert.throws(() => readOptions(["--consistency-delay", "soon"]), /--consistency-delay must be a whole number/);
  });

  it("keeps its account in a data file, and makes another one each time without", async () => {
    const folder = mkdtempSync(join(tmpdir(), "restcomm-sandbox-"));
    const variables: Record<string, string>[] = [];
    for (const data of [join(folder, "data.db"), join(folder, "data.db"), undefined]) {
      const { sandbox } = await restcommTarget({ data });
      const { RESTCOMM_API_URL: _, ...credentials } = sandbox.variables;
      variables.push(credentials);
      await sandbox.stop();
    }
    rmSync(folder, { recursive: true });
    assert.deepEqual(variables[1], variables[0]);
    assert.notDeepEqual(variables[2], variables[0]);
  });
});
