import assert from "node:assert/strict";
import { Redactor } from "../../provider/redact";

/** Every way in which a platform, a proxy or Node might write a secret back. */
const positions: Record<string, (secret: string) => string> = {
  "in a URL": (secret) => `GET https://host/v1/Things/${encodeURIComponent(secret)}?key=${encodeURIComponent(secret)}`,
  "in a URL that encodes little": (secret) => `GET https://host/v1/${encodeURI(secret)}`,
  "in a form": (secret) => `Password=${new URLSearchParams({ p: secret }).toString().slice(2)}&x=1`,
  "in a bearer header": (secret) => `{ Authorization: 'Bearer ${secret}' }`,
  "in a basic header": (secret) => `Authorization: Basic ${Buffer.from(`user:${secret}`).toString("base64")}`,
  "in base64": (secret) => `token ${Buffer.from(secret).toString("base64")}`,
  "in hex": (secret) => `x'${Buffer.from(secret).toString("hex")}'`,
  "in JSON of ASCII only": (secret) =>
    `{"p":"${JSON.stringify(secret)
      .slice(1, -1)
      .replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}"}`,
  "encoded twice in a URL": (secret) => `?next=${encodeURIComponent(encodeURIComponent(secret))}`,
  "in a JSON body": (secret) => `cannot store {"password":${JSON.stringify(secret)}}`,
  "in JSON inside JSON": (secret) => `failed: ${JSON.stringify(JSON.stringify({ password: secret }))}`,
  "in the platform's words": (secret) => `Duplicate entry '${secret}' for key 'token'`,
  "in SQL": (secret) => `near 'SET token = '${secret.replaceAll("'", "''")}''`,
  "in HTML": (secret) =>
    `<pre>${secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")}</pre>`,
  "twice in a row": (secret) => `${secret} ${secret}`,
};

const secrets: Record<string, string> = {
  "a token": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
  "a short password": "pw9",
  "a password of four": "p4ss",
  "one with quotes and spaces": `s3"cret 'with' \\ signs & <more>`,
  "one with plus and slash": "a+b/c==d%e?f#g",
  "one beyond ASCII": "gräßlich-密码-🔑-word",
  "one of several lines": "line one\nline two\r\nline three",
  "a long one": Array.from({ length: 100 }, (_, n) => `${n}aZ${(n * 7919).toString(36)}+/`).join(""),
};

/** So much of a secret is not shown in one piece, in whatever spelling. */
const PART = 6;

/** What a text has that the same text without the secret has not. */
function partOf(text: string, without: string): string {
  let start = 0;
  while (start < without.length && text[start] === without[start]) start++;
  let end = 0;
  while (end < without.length - start && text.at(-1 - end) === without.at(-1 - end)) end++;
  return text.slice(start, text.length - end);
}

describe("secrets in texts", () => {
  for (const [what, secret] of Object.entries(secrets)) {
    for (const [where, write] of Object.entries(positions)) {
      it(`hides ${what} ${where}`, () => {
        const redactor = new Redactor();
        redactor.add(secret);
        const text = write(secret);
        const cleaned = redactor.clean(text);
        assert.notEqual(cleaned, text);
        const bare = cleaned.replaceAll("[secret]", "\0");
        const written = partOf(text, write(""));
        for (let at = 0; at + PART <= Math.max(written.length, PART); at++) {
          const part = written.slice(at, at + PART);
          assert.ok(!bare.includes(part), `${part} in ${cleaned}`);
        }
        for (const spelling of [
          secret,
          JSON.stringify(secret).slice(1, -1),
          encodeURIComponent(secret),
          Buffer.from(secret).toString("base64"),
        ]) {
          assert.ok(!bare.includes(spelling), cleaned);
        }
      });
    }
  }

  it("hides the rest of one of two secrets that begin alike, and what follows a spelling that it does not know", () => {
    const redactor = new Redactor();
    redactor.add("hunter2-2024", 'hunter2-2024"extra', 'abcdefgh"ijk', "correct horse battery staple");
    assert.equal(redactor.clean("bad hunter2-2024&#34;extra"), "bad [secret]");
    assert.equal(redactor.clean("bad hunter2-2024=22extra"), "bad [secret]");
    assert.equal(redactor.clean("p=abcdefgh=22ijk&q=correct horse battery staple is bad"), "p=[secret] is bad");
  });

  const entity = (number: (code: number) => string) => (text: string) =>
    text.replace(/[^A-Za-z0-9]/gu, (character) => `&${number(character.codePointAt(0)!)};`);
  const hex = (code: number, digits = 2) => code.toString(16).padStart(digits, "0");
  const percent = (text: string) =>
    text.replace(/[^A-Za-z0-9]/gu, (character) => [...Buffer.from(character)].map((byte) => `%${hex(byte)}`).join(""));
  const escapes = (text: string) => text.replace(/[^A-Za-z0-9]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`);
  const html = (names: Record<string, string>) => (text: string) => text.replace(/[&<>"']/g, (character) => `&${names[character]};`);
  const php = (text: string) => JSON.stringify(text).slice(1, -1).replaceAll("/", "\\/");
  const mixed = (text: string) => {
    const ways = [percent, escapes, entity((code) => `#${code}`), (one: string) => one, entity((code) => `#x${hex(code)}`)];
    return [...text].map((character, index) => ways[index % ways.length]!(character)).join("");
  };
  const unusual: Record<string, (secret: string) => string> = {
    "named entities": html({ "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos" }),
    "entities with leading zeros": html({ "&": "amp", "<": "lt", ">": "gt", '"': "#34", "'": "#039" }),
    "entities for everything": entity((code) => `#${code}`),
    "entities in hexadecimal": entity((code) => `#x00${hex(code).toUpperCase()}`),
    "entities inside of entities": (secret) => entity((code) => `#${code}`)(secret).replaceAll("&", "&amp;"),
    "JSON that escapes what HTML minds": (secret) =>
      JSON.stringify(secret)
        .slice(1, -1)
        .replace(/[&<>'+]/g, (character) => `\\u00${hex(character.charCodeAt(0))}`),
    "JSON that escapes everything": escapes,
    "JSON that escapes everything, in JSON": (secret) => JSON.stringify(escapes(secret)).slice(1, -1),
    "a URL that encodes everything": percent,
    "a URL that encodes everything twice": (secret) => percent(percent(secret)),
    "PHP's JSON": php,
    "PHP's JSON in JSON": (secret) => JSON.stringify(php(secret)).slice(1, -1),
    "a shell's backslashes": (secret) =>
      secret.replace(/[^A-Za-z0-9]/gu, (character) => (/\s/.test(character) ? character : `\\${character}`)),
    "SQL that doubles quotes behind escapes": (secret) => secret.replaceAll("\\", "\\\\").replaceAll("'", "''"),
    "each character in a way of its own": mixed,
  };
  const odd: Record<string, string> = {
    "punctuation first": `!'()*~&<>"/\\+ab`,
    "backslashes before quotes": `a\\"b\\\\'c''d%25e&amp;f`,
    "words with signs": "Tr0ub4dor&3 <it's> 100%/yes",
    ...secrets,
  };
  for (const [way, write] of Object.entries(unusual)) {
    it(`hides a secret in ${way}`, () => {
      for (const [what, secret] of Object.entries(odd)) {
        const redactor = new Redactor();
        redactor.add("another-secret", secret);
        assert.equal(redactor.clean(`at "${write(secret)}" it broke`), `at "[secret]" it broke`, what);
      }
    });
  }

  it("hides a secret in base64 behind whatever looks as if it belonged to it", () => {
    const redactor = new Redactor();
    redactor.add("example-secret-key-1", "p4ss", "x1");
    for (const secret of ["example-secret-key-1", "p4ss", "x1"])
      for (const user of ["a", "ab", "abc", "abcd"])
        for (const before of ["", "k", "k/", "key", "key/", "Basic-", "Basic_x"]) {
          const word = Buffer.from(`${user}:${secret}`).toString("base64");
          assert.equal(redactor.clean(`at ${before}${word} it broke`), "at [secret] it broke", `${before} ${user}:${secret}`);
        }
  });

  it("hides a part of a secret: its beginning, its end, its lines", () => {
    const redactor = new Redactor();
    const word = "correcthorsebatterystaple".repeat(5).slice(0, 120);
    redactor.add(word, "3f2504e0-4f89-41d3-9a0c-0305e82c3301");
    assert.equal(redactor.clean(`'${word.slice(0, 64)}'`), "'[secret]'");
    assert.equal(redactor.clean("ends with 9a0c-0305e82c3301 it does"), "ends with [secret] it does");
    assert.equal(redactor.clean("3f2504e0-4f89-41d\n3-9a0c-0305e82c3301"), "[secret] [secret]");
    assert.equal(redactor.clean("the account 9a0c-0305e8"), "the account 9a0c-0305e8");
  });

  it("hides the signature in a connection string", () => {
    const redactor = new Redactor();
    redactor.add(
      "BlobEndpoint=https://acme.blob.core.windows.net;SharedAccessSignature=sv=2024-01-01&se=2031-01-01&sig=q1w2%2Br3t4%3D;EndpointSuffix=core.windows.net",
    );
    assert.equal(redactor.clean("no signature q1w2%2Br3t4%3D"), "no signature [secret]");
    assert.equal(redactor.clean("no signature q1w2+r3t4="), "no signature [secret]");
    assert.equal(redactor.clean("no host acme.blob.core.windows.net"), "no host acme.blob.core.windows.net");
  });

  it("takes no longer than a text is long, whatever stands in it", () => {
    const redactor = new Redactor();
    const secret = `a\\\\\\\\"b''''c%25%25&&&& aaaaaaaaaaaaaaaaab`;
    redactor.add(secret, "aaaaaaaaaaaaaaab", "\\".repeat(20) + "x", `${`\\"`.repeat(12)}x`, "3f2504e0-4f89-41d3-9a0c-0305e82c3301");
    for (const piece of [
      "a",
      "A",
      "QUFB",
      "no secret",
      "\\",
      "'",
      "%25",
      "&amp;",
      "a\\\\\\\\",
      `\\\\"`,
      secret.slice(0, -1),
      "some words ",
      "3f2504e0-4f89-",
    ]) {
      const text = piece.repeat((piece === "no secret" ? 8_000_000 : 300_000) / piece.length);
      const before = process.cpuUsage(); // and not the time, which others on the machine take, too
      redactor.clean(text);
      const took = process.cpuUsage(before).user / 1000;
      assert(took < 5000, `${piece}: ${took} ms`);
    }
  });

  it("hides as many beginnings in a row as a text holds", () => {
    const redactor = new Redactor();
    redactor.add('abcdefgh"ijk');
    assert.equal(redactor.clean(`${"abcdefgh&".repeat(50_000)} is bad`), "[secret] is bad");
  });

  it("hides a long secret of which only the beginning is left", () => {
    const redactor = new Redactor();
    redactor.add("example-secret-key-1");
    assert.equal(redactor.clean("Duplicate entry 'example-secr' for"), "Duplicate entry '[secret]' for");
  });

  it("hides the private key inside a service account's key", () => {
    const redactor = new Redactor();
    redactor.add(JSON.stringify({ client_email: "me@example.com", private_key: "-----BEGIN PRIVATE KEY-----\nMIIabc\n" }));
    assert.ok(!redactor.clean("bad key -----BEGIN PRIVATE KEY-----\nMIIabc\n").includes("MIIabc"));
  });

  it("hides one line of a key, and the key in a connection string", () => {
    const redactor = new Redactor();
    redactor.add("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\nabcdefghijklmnop1234\n-----END PRIVATE KEY-----\n");
    redactor.add("DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=q1w2e3r4t5y6==;EndpointSuffix=core.windows.net");
    assert.equal(redactor.clean("line MIIEvQIBADANBgkqhkiG is bad"), "line [secret] is bad");
    assert.equal(redactor.clean("key q1w2e3r4t5y6== is bad"), "key [secret] is bad");
  });

  it("leaves the plain parts of a service account's key alone, and words with which a secret begins", () => {
    const redactor = new Redactor();
    redactor.add(
      JSON.stringify({ type: "service_account", private_key: "MIIEvQIBADAN", token_uri: "https://oauth2.googleapis.com/token" }),
    );
    redactor.add("connection-secret-1");
    for (const text of ["check the API's URL, https://jambonz.example.com/v1", "a service_account", "the connection was refused"])
      assert.equal(redactor.clean(text), text);
  });

  it("leaves words alone that only contain a short secret", () => {
    const redactor = new Redactor();
    redactor.add("a");
    assert.equal(redactor.clean("a bad account: a"), "[secret] bad account: [secret]");
  });

  it("shows the beginning of a text without end, and no part of a secret at which it is cut off", () => {
    const secret = "correct horse battery staple";
    const redactor = new Redactor();
    redactor.add(secret);
    const lengths = new Set<number>();
    for (let before = 900; before < 1100; before++) {
      const text = `${"no ".repeat(before).slice(0, before)}${`${secret}|`.repeat(100_000)}`;
      const shown = redactor.excerpt(text);
      lengths.add(shown.length);
      assert.match(shown, /^(no )+n?o?(\[secret\]\|?|\[secret?|\[sec?r?|\[s?)*…$/);
    }
    assert(Math.max(...lengths) < 1500);
    assert.equal(redactor.excerpt(`no ${secret}`), "no [secret]");
  });

  it("leaves nothing that a terminal or a build server takes for a command", () => {
    const redactor = new Redactor();
    redactor.add("secret-of-somebody");
    const cleaned: Record<string, string> = {
      "\u001b]0;owned\u0007\u001b[2Jgone": " ]0;owned [2Jgone",
      "a\r\nb\tc\u0000d\u009b31me": "a b c d 31me",
      "left \u202egnp.exe\u2066 right\u2028next": "left  gnp.exe  right next",
      "\n##vso[task.setvariable variable=PATH]x": " ## vso[task.setvariable variable=PATH]x",
      "no\n##[error]x ##teamcity[y]": "no ## [error]x ## teamcity[y]",
      "no\n::set-env name=PATH::x": "no : :set-env name=PATH::x",
      "::error::secret-of-somebody": ": :error::[secret]",
    };
    for (const [text, expected] of Object.entries(cleaned)) {
      assert.equal(redactor.clean(text), expected);
      assert.equal(redactor.clean(expected), expected);
    }
    const plain = "jambonz at [::1]:3000 refused grün #1 a::b: no `pulumi up` (500)";
    assert.equal(redactor.clean(plain), plain);
  });

  it("changes nothing in a text without secrets", () => {
    const redactor = new Redactor();
    redactor.add("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "", undefined);
    assert.equal(redactor.clean("account 3f2504aa is gone"), "account 3f2504aa is gone");
  });
});
