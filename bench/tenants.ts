import { limit } from "../provider/jambonz/limit";
import type { Declared } from "../test/support/pulumi";

const categories = limit.inputs.shape.category.options;

/** An account with a key, a limit of each category and a realm. */
export const TENANT_SIZE = 3 + categories.length;

/**
 * So many resources: tenants, the last of which may lack some.
 *
 * @param revision another one changes every account and every limit, in place
 */
export function tenants(count: number, serviceProviderSid: string, revision: number): Declared[] {
  return Array.from({ length: Math.ceil(count / TENANT_SIZE) }, (_, index) => tenant(index, serviceProviderSid, revision))
    .flat()
    .slice(0, count);
}

function tenant(index: number, serviceProviderSid: string, revision: number): Declared[] {
  const name = `tenant-${index}`;
  const accountSid = { $ref: `${name}.sid` };
  return [
    { type: "jambonz:Account", name, args: { serviceProviderSid, deviceToCallRatio: 5 + revision } },
    { type: "jambonz:ApiKey", name: `${name}-key`, args: { accountSid } },
    { type: "jambonz:SipRealm", name: `${name}-realm`, args: { accountSid, realm: `${name}.sip.example.com` } },
    ...categories.map((category) => ({
      type: "jambonz:Limit",
      name: `${name}-${category}`,
      args: { accountSid, category, quantity: 10 + revision },
    })),
  ];
}
