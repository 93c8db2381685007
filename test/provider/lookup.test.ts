import assert from "node:assert/strict";
import { look } from "../../provider/lookup";
import type { Session } from "../../provider/session";
import { jambonzTarget, made, type Target } from "../support/jambonz";
import { sessionOf } from "../support/lifecycle";

describe("a look-up that cannot be answered", () => {
  let target: Target;
  let session: Session;
  before(async () => {
    target = await jambonzTarget();
    session = sessionOf("jambonz", target.variables);
    for (let i = 0; i < 2; i++) await made(target.sandbox, "/Accounts", { name: "twin", service_provider_sid: target.serviceProviderSid });
  });
  after(() => target.sandbox.stop());

  const cases: [string, string, object, RegExp][] = [
    [
      "finds nothing",
      "getAccount",
      { name: "nobody" },
      /^jambonz\.getAccount: there is no account named "nobody"; the key in use sees (default account|twin), (default account|twin), (default account|twin)$/,
    ],
    [
      "finds too much",
      "getAccount",
      { name: "twin" },
      /^jambonz\.getAccount: there are 2 accounts named "twin": [0-9a-f-]+, [0-9a-f-]+; look it up by sid$/,
    ],
    ["names both", "getServiceProvider", { name: "a", sid: "3f2504e0-4f89-41d3-9a0c-0305e82c3301" }, /needs exactly one of name and sid$/],
    ["names neither", "getServiceProvider", {}, /needs exactly one of name and sid$/],
    ["has a wrong property", "getServiceProvider", { nme: "acme" }, /nme is not a property of getServiceProvider; did you mean name\?/],
    ["has a sid that is none", "getAccounts", { serviceProviderSid: "acme" }, /serviceProviderSid must be a sid/],
  ];
  for (const [what, name, args, pattern] of cases) {
    it(`because it ${what}`, () => assert.rejects(look(`jambonz:${name}`, args as Record<string, unknown>, session), { message: pattern }));
  }
});
