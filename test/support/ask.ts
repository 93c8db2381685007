/**
 * Run as a process of its own, because Node reads NODE_EXTRA_CA_CERTS once: looks up the service providers of
 * a platform below jambonz.test, which is on this machine, once for each set of variables in the argument, and
 * prints what came of each as JSON.
 */
import dns from "node:dns";
import { look } from "../../provider/lookup";
import { sessionOf } from "./lifecycle";

const real = dns.lookup as (hostname: string, ...rest: unknown[]) => void;
Object.assign(dns, {
  lookup: (hostname: string, ...rest: unknown[]) => real(hostname.endsWith(".jambonz.test") ? "127.0.0.1" : hostname, ...rest),
});

async function main(): Promise<void> {
  const outcomes: unknown[] = [];
  for (const variables of JSON.parse(process.argv[2]!) as Record<string, string>[]) {
    for (const name of ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"]) {
      delete process.env[name];
      delete process.env[name.toLowerCase()];
    }
    Object.assign(process.env, variables);
    const session = sessionOf("jambonz", undefined, { pace: 0.001 });
    outcomes.push(await look("jambonz:getServiceProviders", {}, session).catch((error: Error) => error.message));
  }
  process.stdout.write(JSON.stringify(outcomes));
}
void main();
