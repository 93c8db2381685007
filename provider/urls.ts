/** What a URL may hold beside an address. */

/** Names of a query's parameters that tell who asks. */
const TELLS_WHO = /key|secret|token|pass|credential|signature|auth|^(sig|code|pwd)$/i;

/** Whether a text is a URL with a user name or a password in it. */
export function namesUser(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username !== "" || password !== "";
}

/** What is secret in a text that is a URL, by where and under which name it stands there: nothing says so of the property. */
export function secretsOfUrl(text: string): string[] {
  if (!text.includes("://") || !URL.canParse(text)) return [];
  const { username, password, searchParams } = new URL(text);
  const asked = [...searchParams].filter(([name]) => TELLS_WHO.test(name)).map(([, value]) => value);
  // A token may stand in the place of the user name.
  return [password === "" ? username : password, ...asked].filter((value) => value !== "").flatMap((value) => [value, decoded(value)]);
}

/** Without what a URL encodes. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
