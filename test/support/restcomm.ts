import { startSandbox, type Sandbox, type SandboxOptions } from "../../sandbox/src";

/** A sandbox that is Restcomm, and its administrator. */
export interface RestcommTarget {
  sandbox: Sandbox;
  accountSid: string;
  /** Variables, as somebody who runs Pulumi exports them. */
  variables: Record<string, string>;
}

export async function restcommTarget(options: SandboxOptions = {}): Promise<RestcommTarget> {
  const sandbox = await startSandbox({ platform: "restcomm", rateLimit: false, ...options });
  return { sandbox, accountSid: sandbox.variables.RESTCOMM_ACCOUNT_SID!, variables: { ...sandbox.variables } };
}

/** A password that is strong enough. */
export const strong = "C0rrect-Horse-7";

/** What was asked of the platform, such as `POST /Accounts/:sid/Clients.json`, with the parameters' names where there are any. */
export function asked({ sandbox }: RestcommTarget): string[] {
  return sandbox.requests.map(({ method, path, body }) => {
    const parameters = !body ? "" : ` ${Object.keys(body).join(" ")}`;
    return `${method} ${path.replace(/\b(AC|AP|CL|PN)[0-9a-f]{32}\b/g, ":sid")}${parameters}`;
  });
}

/** What the platform has, asked from outside. */
export async function listed({ sandbox }: RestcommTarget, path: string): Promise<any[]> {
  const { body } = await sandbox.outside("GET", path);
  return (Array.isArray(body) ? body : body.incomingPhoneNumbers) as any[];
}
