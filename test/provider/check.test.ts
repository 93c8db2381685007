import assert from "node:assert/strict";
import { account } from "../../provider/jambonz/account";
import { apiKey } from "../../provider/jambonz/api-key";
import { application } from "../../provider/jambonz/application";
import { limit } from "../../provider/jambonz/limit";
import { phoneNumber } from "../../provider/jambonz/phone-number";
import { client } from "../../provider/jambonz/sip-client";
import { sipGateway } from "../../provider/jambonz/sip-gateway";
import { sipRealm } from "../../provider/jambonz/sip-realm";
import { voipCarrier } from "../../provider/jambonz/voip-carrier";
import type { Properties, Resource } from "../../provider/resource";
import { validate } from "../../provider/validate";
import { UNKNOWN } from "../../provider/values";

const sid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
/** An application with nothing wrong. */
const ivr = { accountSid: sid, name: "a", callHook: { url: "https://a/x_y" }, callStatusHook: { url: "https://a" } };

function wrong(definition: Resource, inputs: Properties): string[] {
  return validate(definition, inputs).map(({ reason }) => reason);
}

describe("what a program says wrongly", () => {
  const cases: [string, Resource, Properties, string[]][] = [
    [
      "nothing where something is needed",
      limit,
      {},
      ["category is required", "quantity is required", "Limit needs exactly one of accountSid and serviceProviderSid"],
    ],
    ["a number as a text", limit, { accountSid: sid, category: "device", quantity: "5" }, ['quantity must be a number, not "5"']],
    ["half of something", limit, { accountSid: sid, category: "device", quantity: 1.5 }, ["quantity must be a whole number, not 1.5"]],
    ["less than nothing", limit, { accountSid: sid, category: "device", quantity: -1 }, ["quantity must be at least 0, not -1"]],
    [
      "a category that does not exist",
      limit,
      { accountSid: sid, category: "devices", quantity: 1 },
      [
        'category must be api_rate, voice_call_session, device, voice_call_minutes, voice_call_session_license or voice_call_minutes_license, not "devices"',
      ],
    ],
    [
      "both owners",
      limit,
      { accountSid: sid, serviceProviderSid: sid, category: "device", quantity: 1 },
      ["Limit needs exactly one of accountSid and serviceProviderSid"],
    ],
    [
      "a sid that is none",
      limit,
      { accountSid: "acme", category: "device", quantity: 1 },
      ['accountSid must be a sid, such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301, not "acme"'],
    ],
    [
      "what is longer than the platform stores of it",
      application,
      {
        ...ivr,
        appJson: JSON.stringify([{ verb: "say", text: "a".repeat(65_535) }]),
        envVars: { text: "a".repeat(32_000) },
      },
      ["appJson must not be longer than 65535 bytes", "envVars must not be longer than 32000 bytes of JSON"],
    ],
    [
      "a password that is longer when it is encrypted",
      client,
      { accountSid: sid, username: "desk", password: "é".repeat(255) },
      ["password must not be longer than 479 bytes"],
    ],
    [
      "a bucket's credential that is longer when it is encrypted",
      account,
      { name: "a", bucketCredential: { vendor: "azure", name: "b", connectionString: "a".repeat(4000) } },
      ["bucketCredential is too long: jambonz stores 4000 bytes of a credential"],
    ],
    [
      "a property that does not exist",
      account,
      { name: "a", siprealm: "x" },
      ["siprealm is not a property of Account; did you mean sipRealm?"],
    ],
    [
      "a property in the platform's spelling",
      account,
      { name: "a", sip_realm: "x" },
      ["sip_realm is not a property of Account; did you mean sipRealm?"],
    ],
    [
      "a nested property that does not exist",
      account,
      { name: "a", registrationHook: { url: "https://x", methd: "GET" } },
      ["registrationHook.methd is not a property of registrationHook; did you mean method?"],
    ],
    ["an empty name", account, { name: "" }, ["name must not be empty"]],
    ["a name of 65 characters", account, { name: "n".repeat(65) }, ["name must have at most 64 characters, not 65"]],
    ["a hook without a URL", account, { name: "a", registrationHook: {} }, ["registrationHook.url is required"]],
    [
      "a hook that is no URL",
      account,
      { name: "a", queueEventHook: { url: "ftp://x" } },
      ['queueEventHook.url must be a URL that begins with http://, https://, ws:// or wss://, not "ftp://x"'],
    ],
    ["a hook that is a text", account, { name: "a", queueEventHook: "https://x" }, ["queueEventHook must be an object"]],
    [
      "a bucket of an unknown vendor",
      account,
      { name: "a", bucketCredential: { vendor: "nimbus" } },
      ['bucketCredential.vendor must be aws_s3, s3_compatible, google or azure, not "nimbus"'],
    ],
    [
      "a key for a bucket that jambonz could not read back",
      account,
      { name: "a", bucketCredential: { vendor: "google", name: "b", serviceKey: '{"type":"external_account"}' } },
      ["bucketCredential.serviceKey must be the JSON text of a service account's key, with client_email and private_key"],
    ],
    [
      "a key for a bucket as jambonz shows it",
      account,
      {
        name: "a",
        bucketCredential: {
          vendor: "google",
          name: "b",
          serviceKey: JSON.stringify({ client_email: "a@b", private_key: "-----BEGIN PRIVATE KEY-----\nMIIEvQXXXXXXXXXXXXXX" }),
        },
      },
      ["bucketCredential.serviceKey looks like a key as jambonz shows it, with X in the place of most of it"],
    ],
    [
      "a bucket with parts of another vendor",
      account,
      { name: "a", bucketCredential: { vendor: "azure", name: "calls", region: "x" } },
      [
        "bucketCredential.connectionString is required",
        "bucketCredential.region is not a property of bucketCredential; it has vendor, name, connectionString, tags",
      ],
    ],
    [
      "a key that is said not to be an admin's",
      apiKey,
      { accountSid: sid, admin: false },
      ["admin may only be true; leave it out for any other key"],
    ],
    [
      "an end before time",
      apiKey,
      { accountSid: sid, expiresAt: "1900-01-01T00:00:00Z" },
      ["expiresAt must be after 1970, where the times begin that jambonz can store"],
    ],
    ["a key for nobody", apiKey, {}, ["ApiKey needs exactly one of accountSid, serviceProviderSid and admin: true"]],
    [
      "a key that is an admin's, but not said",
      apiKey,
      { admin: false },
      [
        "ApiKey needs exactly one of accountSid, serviceProviderSid and admin: true",
        "admin may only be true; leave it out for any other key",
      ],
    ],
    [
      "a time that is none",
      apiKey,
      { admin: true, expiresAt: "tomorrow" },
      ['expiresAt must be a time in ISO 8601, such as 2030-01-01T00:00:00Z, not "tomorrow"'],
    ],
    [
      "an application without its hooks",
      application,
      { accountSid: sid, name: "a" },
      ["callHook is required", "callStatusHook is required"],
    ],
    [
      "hooks with hosts that jambonz refuses",
      application,
      { accountSid: sid, name: "a", callHook: { url: "https://a_b.example.com/x" }, callStatusHook: { url: "http://[::1]:3000/x_y" } },
      ["callHook", "callStatusHook"].map(
        (hook) => `${hook}.url must not name its host with an underscore or as an IPv6 address, which jambonz refuses`,
      ),
    ],
    [
      "verbs that are no list",
      application,
      {
        ...ivr,
        appJson: '{"verb":"hangup"}',
      },
      ["appJson must be the JSON text of an array of verbs"],
    ],
    [
      "a variable that is a list",
      application,
      { accountSid: sid, name: "a", callHook: { url: "https://a" }, callStatusHook: { url: "https://a" }, envVars: { A: "a", B: [1] } },
      ["envVars.B must be a text, a number, or true or false"],
    ],
    ["a number with blanks", phoneNumber, { number: "+1 501" }, ["number must be a number without blanks, with one + before it or none"]],
    ["a number with two +", phoneNumber, { number: "++1501" }, ["number must be a number without blanks, with one + before it or none"]],
    [
      "a realm with blanks",
      sipRealm,
      { accountSid: sid, realm: "a b" },
      ['realm must be a domain name, such as acme.sip.example.com, not "a b"'],
    ],
    ["a realm that is a number, with a key", sipRealm, { accountSid: sid, realm: 5, accountApiKey: "k" }, ["realm must be a text, not 5"]],
    [
      "a realm too short for DNS",
      sipRealm,
      { accountSid: sid, realm: "example.com", accountApiKey: "k" },
      ["realm must have at least three labels, such as acme.sip.example.com, for the platform to make DNS records"],
    ],
    ["a carrier of nobody", voipCarrier, { name: "t" }, ["VoipCarrier needs exactly one of accountSid and serviceProviderSid"]],
    [
      "a registration without a password",
      voipCarrier,
      { name: "t", accountSid: sid, requiresRegister: true, registerUsername: "u" },
      ["requiresRegister needs registerUsername and registerPassword"],
    ],
    [
      "a registration that jambonz would refuse",
      voipCarrier,
      {
        name: "t",
        accountSid: sid,
        registerUsername: "a b",
        registerPassword: " ",
        registerSipRealm: "sip:a.b",
        registerFromDomain: "localhost",
      },
      [
        'registerUsername must not be empty or hold blanks, not "a b"',
        "registerPassword must not be blank",
        'registerSipRealm must be a domain or an IP address, without sip: and blanks, not "sip:a.b"',
        'registerFromDomain must be a domain or an IP address, without sip: and blanks, not "localhost"',
      ],
    ],
    [
      "an application of a carrier that belongs to no account",
      voipCarrier,
      { name: "t", serviceProviderSid: sid, applicationSid: sid },
      ["applicationSid needs accountSid, because the application has to belong to the same account"],
    ],
    [
      "what only jambonz writes",
      voipCarrier,
      { name: "t", accountSid: sid, register_status: "{}" },
      ["register_status is not a property of VoipCarrier; it has " + Object.keys(voipCarrier.inputs.shape).join(", ")],
    ],
    [
      "a name that calls come from",
      sipGateway,
      { voipCarrierSid: sid, ipv4: "sip.example.com", inbound: true },
      ["ipv4 must be an IPv4 address, because inbound is true"],
    ],
    [
      "an address with a blank",
      sipGateway,
      { voipCarrierSid: sid, ipv4: "192.0.2.1 " },
      ['ipv4 must not be empty or hold blanks, not "192.0.2.1 "'],
    ],
    [
      "a network that is called",
      sipGateway,
      { voipCarrierSid: sid, ipv4: "192.0.2.0", netmask: 28 },
      ["netmask must be 32 unless inbound is true: only calls come from a whole network"],
    ],
    [
      "a port and a network that are none",
      sipGateway,
      { voipCarrierSid: sid, ipv4: "192.0.2.1", inbound: true, port: 0, netmask: 33 },
      ["port must be at least 1, not 0", "netmask must be at most 32, not 33"],
    ],
    [
      "a password as jambonz shows it",
      client,
      { accountSid: sid, username: "u", password: "sXXXXXXX" },
      ["password looks as jambonz shows a password, or the lack of one; choose another"],
    ],
  ];
  for (const [what, definition, inputs, reasons] of cases) {
    it(`tells ${what}`, () => assert.deepEqual(wrong(definition, inputs).sort(), reasons.sort()));
  }

  it("is told all at once", () => {
    const inputs = { name: "", isActive: "yes", colour: "red", registrationHook: { url: "x", method: "PUT" } };
    assert.deepEqual(wrong(account, inputs).sort(), [
      "colour is not a property of Account; it has " + Object.keys(account.inputs.shape as object).join(", "),
      'isActive must be true or false, not "yes"',
      "name must not be empty",
      'registrationHook.method must be GET or POST, not "PUT"',
      'registrationHook.url must be a URL that begins with http://, https://, ws:// or wss://, not "x"',
    ]);
  });

  it("never shows a secret that is wrong", () => {
    const secret = "hunter2-hunter2";
    const bad: [Resource, Properties][] = [
      [account, { name: "a", registrationHook: { url: "https://x", password: 1234567 } }],
      [account, { name: "a", registrationHook: { url: "https://x", password: secret.repeat(30) } }],
      [account, { name: "a", bucketCredential: { vendor: "google", name: "b", serviceKey: secret } }],
      [account, { name: "a", bucketCredential: { vendor: "aws_s3", name: "b", region: "r", accessKeyId: "k", secretAccessKey: [secret] } }],
      [account, { name: "a", bucketCredential: { vendor: "azure", name: "b", connectionString: { oops: secret } } }],
      [account, { name: "a", bucketCredential: secret }],
      [sipRealm, { accountSid: sid, realm: "a.b.c", accountApiKey: 1234567 }],
      [voipCarrier, { name: "t", accountSid: sid, registerPassword: secret.repeat(9), smppPassword: 1234567 }],
      [client, { accountSid: sid, username: "u", password: secret.repeat(30) }],
    ];
    for (const [definition, inputs] of bad) {
      const reasons = wrong(definition, inputs);
      assert.ok(reasons.length > 0, JSON.stringify(inputs));
      assert.doesNotMatch(reasons.join(" "), /hunter2|1234567/);
    }
  });
});

describe("what a preview does not know yet", () => {
  it("passes, whatever its type", () => {
    assert.deepEqual(wrong(limit, { accountSid: UNKNOWN, category: UNKNOWN, quantity: UNKNOWN }), []);
    assert.deepEqual(
      wrong(account, { name: UNKNOWN, isActive: UNKNOWN, registrationHook: UNKNOWN, bucketCredential: { vendor: UNKNOWN, name: "x" } }),
      [],
    );
    assert.deepEqual(wrong(account, { name: "a", registrationHook: { url: UNKNOWN, method: UNKNOWN } }), []);
    assert.deepEqual(wrong(apiKey, { accountSid: UNKNOWN }), []);
    assert.deepEqual(wrong(sipGateway, { voipCarrierSid: UNKNOWN, ipv4: UNKNOWN, inbound: true }), []);
    assert.deepEqual(wrong(sipGateway, { voipCarrierSid: UNKNOWN, ipv4: "a.example.com", inbound: UNKNOWN, netmask: 28 }), []);
    assert.deepEqual(wrong(sipGateway, { voipCarrierSid: UNKNOWN, ipv4: "a.example.com", outbound: UNKNOWN, netmask: 28 }), []);
    const register = { requiresRegister: true, registerUsername: UNKNOWN, registerPassword: UNKNOWN };
    assert.deepEqual(wrong(voipCarrier, { name: "t", accountSid: UNKNOWN, applicationSid: UNKNOWN, ...register }), []);
    assert.deepEqual(wrong(voipCarrier, { name: "t", accountSid: UNKNOWN, requiresRegister: UNKNOWN }), []);
  });

  it("does not hide what is wrong beside it", () => {
    assert.deepEqual(wrong(limit, { accountSid: UNKNOWN, category: "device", quantity: -1 }), ["quantity must be at least 0, not -1"]);
  });
});
