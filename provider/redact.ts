import { decoded } from "./urls";

const HIDDEN = "[secret]";
/** From this length on a part of a secret is hidden too, as it stands in a text that was cut off. */
const TELLING = 8;
/** A beginning of fewer letters may be a word, and is hidden only where it is most of the secret. */
const LONGER_THAN_WORDS = 16;
/** The share of a secret that is most of it. */
const MOST = 0.6;
/** So many characters in a row out of a secret are hidden, wherever in it they stand. */
const RUN = 12;
/** Of what a platform says at more length only the beginning is shown, in characters. */
const LONGEST_EXCERPT = 1000;
/** Up to this length a secret is hidden only where it stands alone, or no text would stay readable. */
const SHORT = 3;

/** The usual ways in which a value is written as a whole in URLs, headers, bodies and error texts; see `anySpelling` for others. */
function spellings(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const uri = encodeURIComponent(secret);
  const html = secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
  return [
    secret,
    json,
    JSON.stringify(json).slice(1, -1),
    uri,
    uri.replaceAll("%20", "+"),
    encodeURI(secret),
    new URLSearchParams([["", secret]]).toString().slice(1),
    Buffer.from(secret).toString("base64"),
    Buffer.from(secret).toString("base64url"),
    encodeURIComponent(uri),
    Buffer.from(secret).toString("hex"),
    json.replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`),
    secret.replaceAll("'", "''"),
    secret.replace(/['"\\]/g, "\\$&"),
    html,
  ];
}

/** Without any of these a text holds no character in another way than as itself. */
const ENCODING = /[\\%&'+]/;
/** The most that a character takes in a pattern of `anySpelling`. */
const LONGEST_SPELLING = 18;
/** The names of characters in HTML, in the same order. */
const NAMED = "&<>\"'!#$%()*+,-./:;=?@[\\]^_`{|}~\n\t";
const ENTITIES =
  "amp lt gt quot apos excl num dollar percnt lpar rpar ast plus comma hyphen period sol colon semi equals quest commat lsqb bsol rsqb Hat lowbar grave lcub verbar rcub tilde NewLine Tab".split(
    " ",
  );
/** What JSON writes behind a backslash. */
const ESCAPES: Record<string, string> = { "\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f", "\v": "v" };

/**
 * Matches a secret in which each character but letters and digits is written in whatever way: behind backslashes, or by its code
 * or its name in a URL, in JSON or in HTML, also inside of another such text. It takes a time that grows with the text only:
 * several of the same character are one part, and what a part may end with no other begins with.
 */
function anySpelling(secret: string): RegExp {
  const parts = secret.match(/[A-Za-z0-9]+|(.)\1*/gsu) ?? [];
  const pattern = parts.map((part, index) => {
    if (/^[A-Za-z0-9]/.test(part)) return part;
    const [character, count] = [String.fromCodePoint(part.codePointAt(0)!), [...part].length];
    if (character === "\\") {
      // Each may be doubled twice, and the last one stand before the escapes of what follows.
      const following = /^[^A-Za-z0-9]/.test(parts[index + 1] ?? "") ? 4 : 0;
      return `(?:${[...codes(character, "\\\\{1,4}"), "\\\\"].join("|")}){${count},${4 * count + following}}`;
    }
    const isAfterBackslash = parts[index - 1]?.[0] === "\\";
    const itself = `${isAfterBackslash ? "" : "\\\\{0,3}"}${character.replace(/[.*+?^${}()|[\]/]/g, "\\$&")}`;
    const ways = [...codes(character, isAfterBackslash ? "" : "\\\\{1,4}"), itself];
    return `(?:${ways.join("|")}){${count},${character === "'" ? 2 * count : count}}`; // SQL doubles a quote
  });
  return new RegExp(pattern.join(""), "gi");
}

/** Patterns for a character by its code or its name. @param backslashes a pattern for those that stand before */
function codes(character: string, backslashes: string): string[] {
  const hex = (code: number, digits: number) => code.toString(16).padStart(digits, "0");
  const units = [...Array(character.length).keys()].map((at) => character.charCodeAt(at));
  const code = character.codePointAt(0)!;
  const names = [`#0{0,5}${code}`, `#x0{0,5}${hex(code, 1)}`, ...(NAMED.includes(character) ? [ENTITIES[NAMED.indexOf(character)]!] : [])];
  const bytes = [...Buffer.from(character)];
  return [
    bytes.map((byte) => `%(?:25){0,2}${hex(byte, 2)}`).join(""),
    units.map((unit, index) => `${index === 0 ? backslashes : "\\\\{1,4}"}u${hex(unit, 4)}`).join(""),
    ...(code < 256 ? [`${backslashes}x${hex(code, 2)}`] : []),
    ...(ESCAPES[character] ? [backslashes + ESCAPES[character]] : []),
    `&(?:amp;){0,2}(?:${names.join("|")});`,
    ...(character === " " ? ["\\+"] : []),
  ];
}

/** Names under which a secret of several parts, such as a service account's key file in JSON, keeps what is secret in it. */
const SECRET_NAME = /key|secret|token|pass|credential|signature|^sig$/i;

/** The secret texts inside a secret of several: the lines of a key, a connection string's members, a key file in JSON. */
function parts(secret: string): string[] {
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= 2 * TELLING && !line.startsWith("-----"));
  // A signature in a connection string is a query of its own.
  const members = [...new Set([...secret.split(";"), ...secret.split(/[;&?]|SharedAccessSignature=/i)])]
    .map((member) => /^([^=]+)=(.*)$/s.exec(member))
    .filter((match) => match !== null && SECRET_NAME.test(match[1]!) && match[2]!.length >= TELLING)
    .flatMap((match) => [match![2]!, decoded(match![2]!)]);
  return [...(lines.length > 1 ? lines : []), ...members, ...jsonParts(secret).flatMap((text) => [text, ...parts(text)])];
}

function jsonParts(secret: string): string[] {
  if (!/^\s*[{[]/.test(secret)) return [];
  try {
    const texts: string[] = [];
    JSON.stringify(JSON.parse(secret), (name, value: unknown) => {
      if (typeof value === "string" && value.length >= TELLING && SECRET_NAME.test(name) && !URL.canParse(value)) texts.push(value);
      return value;
    });
    return texts;
  } catch {
    return [];
  }
}

/**
 * Every text that leaves the provider passes through here: error messages and log lines. It hides each
 * secret it was told of, in every usual spelling, also where only a part of a long one is left, and leaves one line that no
 * terminal and no log takes for a command.
 */
export class Redactor {
  readonly #known = new Set<string>();
  readonly #short = new Set<string>();
  /** Spellings by what they begin with, in lower case. */
  readonly #byStart = new Map<string, string[]>();
  /** What stands in a row in a secret, in lower case. */
  readonly #runs = new Set<string>();
  /** With what spellings and runs begin, as numbers: what begins with none of them needs no further look. */
  readonly #starts = new Set<number>();
  /** Secrets that can be written in many ways, longest first, with their patterns as soon as these are needed. */
  #mixed: { secret: string; pattern?: RegExp }[] = [];
  /** The length of the longest spelling, and of the shortest secret. */
  #longest = 0;
  #shortest = Infinity;

  /** Hides these values from now on. Empty and undefined ones are ignored. */
  add(...secrets: (string | undefined)[]): void {
    for (const secret of secrets) {
      if (!secret || this.#known.has(secret)) continue;
      this.#known.add(secret);
      this.#shortest = Math.min(this.#shortest, secret.length);
      const within = parts(secret);
      const wholes = [...new Set([secret, ...within])];
      const texts = new Set(wholes.flatMap(spellings));
      for (const text of texts) {
        if (text.length <= SHORT) this.#short.add(text);
        else this.#addSpelling(lowerAscii(text));
      }
      // What is not secret in one of several parts may stand anywhere.
      for (const text of within.length > 0 ? within : [secret]) this.#addRuns(lowerAscii(text));
      const mixed = wholes.filter((text) => text.length > SHORT && /[^A-Za-z0-9]/.test(text));
      this.#mixed.push(...mixed.map((text) => ({ secret: text })));
      for (const text of mixed) this.#longest = Math.max(this.#longest, LONGEST_SPELLING * text.length);
      if (mixed.length > 0) this.#mixed.sort((a, b) => b.secret.length - a.secret.length);
    }
  }

  #addSpelling(text: string): void {
    const start = text.slice(0, TELLING);
    this.#byStart.set(start, [...(this.#byStart.get(start) ?? []), text]);
    this.#starts.add(startAt(text, 0));
    this.#longest = Math.max(this.#longest, text.length);
  }

  #addRuns(text: string): void {
    for (let at = 0; at + RUN <= text.length; at++) {
      this.#runs.add(text.slice(at, at + RUN));
      this.#starts.add(startAt(text, at));
    }
  }

  /** The beginning of a text of any length, without secrets. */
  excerpt(text: string): string {
    if (text.length <= LONGEST_EXCERPT) return this.clean(text);
    // The first half of a secret that is cut in two may be too short to be recognized, so what could be one is left out.
    const isCut = text.length > LONGEST_EXCERPT + this.#longest;
    const cleaned = this.clean(isCut ? text.slice(0, LONGEST_EXCERPT + this.#longest) : text);
    return `${cleaned.slice(0, isCut ? Math.max(0, cleaned.length - this.#longest) : LONGEST_EXCERPT)}…`;
  }

  clean(original: string): string {
    // A header of Basic authentication holds a secret behind a user name, encoded as a whole.
    let text = original.replace(/[\w+/-]{6,100000}={0,2}/g, (word) => (this.#isEncoded(word) ? HIDDEN : word));
    if (ENCODING.test(text)) for (const mixed of this.#mixed) text = text.replace((mixed.pattern ??= anySpelling(mixed.secret)), HIDDEN);
    const haystack = lowerAscii(text);
    const shown: string[] = [];
    let from = 0;
    for (let at = 0; at < text.length;) {
      const length = this.#hiddenAt(haystack, at);
      if (length > 0) {
        shown.push(text.slice(from, at), HIDDEN);
        from = at + length;
      }
      at += Math.max(length, 1);
    }
    let result = shown.join("") + text.slice(from);
    for (const secret of this.#short) {
      const alone = new RegExp(`(?<![A-Za-z0-9])${secret.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![A-Za-z0-9])`, "g");
      result = result.replace(alone, HIDDEN);
    }
    return harmless(result);
  }

  /** Whether a word in base64 holds a secret. What stands right before it may look like a part of it. */
  #isEncoded(word: string): boolean {
    if ((word.length * 3) / 4 < Math.min(this.#shortest, TELLING)) return false;
    for (let skipped = 0; skipped < 4; skipped++) {
      const text = Buffer.from(word.slice(skipped), "base64").toString();
      if ([...this.#short].some((secret) => text.endsWith(`:${secret}`))) return true;
      const haystack = lowerAscii(text);
      for (let at = 0; at < haystack.length; at++) if (this.#secretAt(haystack, at).length > 0) return true;
    }
    return false;
  }

  /** How many characters from here on are to be hidden. */
  #hiddenAt(haystack: string, at: number): number {
    const found = this.#secretAt(haystack, at);
    let { length } = found;
    if (length === 0 || found.isWhole) return length;
    // Where it goes on in a spelling of its own, all that belongs to it is hidden, and what begins in there as a whole.
    while (at + length < haystack.length && !/[\s'"`<>{}]/.test(haystack[at + length]!))
      length += Math.max(1, this.#secretAt(haystack, at + length).length);
    return length;
  }

  /** How many characters from here on are a secret or a part of one; the most that there are. */
  #secretAt(haystack: string, at: number): { length: number; isWhole: boolean } {
    let longest = { length: 0, isWhole: false };
    if (!this.#starts.has(startAt(haystack, at))) return longest;
    for (let size = SHORT + 1; size <= TELLING; size++) {
      for (const secret of this.#byStart.get(haystack.slice(at, at + size)) ?? []) {
        let length = size;
        while (length < secret.length && haystack[at + length] === secret[length]) length++;
        // A word that a secret happens to begin with is none, unless most of the secret is there.
        const isWhole = length === secret.length;
        const mayBeWord = length < LONGER_THAN_WORDS && length < secret.length * MOST && /^[a-z]+$/.test(secret.slice(0, length));
        if (!isWhole && mayBeWord) continue;
        if (length > longest.length || (length === longest.length && !isWhole)) longest = { length, isWhole };
      }
    }
    let end = at;
    while (this.#runs.has(haystack.slice(end, end + RUN))) end++;
    const length = end > at ? end - at + RUN - 1 : 0;
    return length > longest.length ? { length, isWhole: false } : longest;
  }
}

/** What terminals obey or show in another order than it stands: control characters, line ends and marks of direction. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

/**
 * A text of somebody else as one line without what terminals obey and without what the logs of build servers do: `::command::` of
 * GitHub, `##[command]` and `##vso[…]` of Azure, `##teamcity[…]`.
 */
export function harmless(text: string): string {
  return text
    .replace(CONTROLS, " ")
    .replace(/##(?=\w{0,20}\[)/g, "## ")
    .replace(/(^|\s)::/g, "$1: :");
}

/** The first characters of what stands somewhere, as a number. */
function startAt(text: string, at: number): number {
  let start = 0;
  for (let index = at; index <= at + SHORT; index++) start = start * 31 + (text.charCodeAt(index) || 0);
  return start;
}

/** Keeps every character in its place, which `toLowerCase` does not for all of Unicode. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]{1,100000}/g, (letters) => letters.toLowerCase());
}
