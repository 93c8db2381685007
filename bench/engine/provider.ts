/** The provider of library.ts: answers at once, without a request, with outputs of the usual form and length. */
import { randomUUID } from "node:crypto";
import type { dynamic } from "@pulumi/pulumi";

const outputs: Record<string, () => Record<string, string>> = {
  Account: () => ({ sid: randomUUID(), webhookSecret: `wh_secret_${randomUUID()}`, createdAt: new Date().toISOString() }),
  ApiKey: () => ({ sid: randomUUID(), token: randomUUID() }),
  Limit: () => ({ sid: randomUUID() }),
  SipRealm: () => ({ dns: "none" }),
};

export = (type: string): dynamic.ResourceProvider => ({
  check: async (_olds, inputs) => ({ inputs }),
  diff: async (_id, olds, news) => ({ changes: Object.keys(news as object).some((name) => olds[name] !== news[name]) }),
  create: async (inputs) => {
    const outs = { ...inputs, ...outputs[type]!() };
    return { id: outs.sid ?? randomUUID(), outs };
  },
  read: async (id, props) => ({ id, props }),
  update: async (_id, olds, news) => ({ outs: { ...olds, ...news } }),
  delete: async () => {},
});
