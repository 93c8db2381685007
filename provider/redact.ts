const HIDDEN = "[secret]";
/** From this length on a part of a secret is hidden too, as it stands in a text that was cut off. */
const TELLING = 8;
/** The share of a secret of which a beginning that could be a word has to be there to be hidden. */
const MOST = 0.6;
/** Of what a platform says at more length only the beginning is shown, in characters. */
const LONGEST_EXCERPT = 1000;
/** Up to this length a secret is hidden only where it stands alone, or no text would stay readable. */
const SHORT = 3;

/** The ways in which one value is written in URLs, headers, bodies and error texts. */
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
    html.replaceAll("'", "&#39;"),
    html.replaceAll("'", "&#x27;"),
  ];
}

/** Names under which a secret that is itself JSON keeps what is secret in it, such as a service account's key file. */
const SECRET_NAME = /key|secret|token|pass|credential/i;

/** The secret texts inside a secret of several: the lines of a key, a connection string's members, a key file in JSON. */
function parts(secret: string): string[] {
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= 2 * TELLING && !line.startsWith("-----"));
  const members = secret
    .split(";")
    .map((member) => /^([^=]+)=(.*)$/s.exec(member))
    .filter((match) => match !== null && SECRET_NAME.test(match[1]!) && match[2]!.length >= TELLING)
    .map((match) => match![2]!);
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
 * secret it was told of, in every usual spelling, also where only the beginning of a long one is left.
 */
export class Redactor {
  readonly #known = new Set<string>();
  readonly #short = new Set<string>();
  /** Spellings by what they begin with, in lower case. */
  readonly #byStart = new Map<string, string[]>();

  /** Hides these values from now on. Empty and undefined ones are ignored. */
  add(...secrets: (string | undefined)[]): void {
    for (const secret of secrets) {
      if (!secret || this.#known.has(secret)) continue;
      this.#known.add(secret);
      const texts = new Set([secret, ...parts(secret)].flatMap(spellings));
      for (const text of texts) {
        const start = lowerAscii(text.slice(0, TELLING));
        if (text.length <= SHORT) this.#short.add(text);
        else this.#byStart.set(start, [...(this.#byStart.get(start) ?? []), lowerAscii(text)]);
      }
    }
  }

  /** The beginning of a text of any length, without secrets. */
  excerpt(text: string): string {
    if (text.length <= LONGEST_EXCERPT) return this.clean(text);
    // The first half of a secret that is cut in two may be too short to be recognized, so what could be one is left out.
    const longest = Math.max(0, ...[...this.#byStart.values()].flat().map(({ length }) => length));
    const cleaned = this.clean(text.slice(0, LONGEST_EXCERPT + longest));
    return `${cleaned.slice(0, Math.max(0, cleaned.length - longest))}…`;
  }

  clean(original: string): string {
    // A header of Basic authentication holds a secret behind a user name, encoded as a whole.
    const text = original.replace(/[\w+/-]{8,}={0,2}/g, (word) =>
      this.#holdsSecret(Buffer.from(word, "base64").toString()) ? HIDDEN : word,
    );
    const haystack = lowerAscii(text);
    let result = "";
    for (let at = 0; at < text.length;) {
      const length = this.#hiddenAt(haystack, at);
      result += length > 0 ? HIDDEN : text[at];
      at += Math.max(length, 1);
    }
    for (const secret of this.#short) {
      const alone = new RegExp(`(?<![A-Za-z0-9])${secret.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![A-Za-z0-9])`, "g");
      result = result.replace(alone, HIDDEN);
    }
    return result;
  }

  #holdsSecret(decoded: string): boolean {
    return [...this.#known].some((secret) => decoded.endsWith(`:${secret}`) || (secret.length > SHORT && decoded.includes(secret)));
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

  /** How many characters from here on are a secret, or the beginning of one; the most that there are. */
  #secretAt(haystack: string, at: number): { length: number; isWhole: boolean } {
    let longest = { length: 0, isWhole: false };
    for (let size = SHORT + 1; size <= TELLING; size++) {
      for (const secret of this.#byStart.get(haystack.slice(at, at + size)) ?? []) {
        let length = size;
        while (length < secret.length && haystack[at + length] === secret[length]) length++;
        // A word that a secret happens to begin with is none, unless most of the secret is there.
        const isWhole = length === secret.length;
        if (!isWhole && length < secret.length * MOST && /^[a-z]+$/.test(secret.slice(0, length))) continue;
        if (length > longest.length || (length === longest.length && !isWhole)) longest = { length, isWhole };
      }
    }
    return longest;
  }
}

/** Keeps every character in its place, which `toLowerCase` does not for all of Unicode. */
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
