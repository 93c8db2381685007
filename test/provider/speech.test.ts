import assert from "node:assert/strict";
import type { Properties } from "../../provider/resource";
import { UNKNOWN } from "../../provider/values";
import { Engine, ok } from "../support/engine";
import { accountTarget, holder, holders, made, type Row, type Target, writesTo } from "../support/jambonz";
import { lifecycleOf, sessionOf } from "../support/lifecycle";
import type { Declared } from "../support/pulumi";

const TYPE = "jambonz:SpeechCredential";
const KEY = "dg-secret-key-1";
const serviceKey = (more: object = {}) =>
  JSON.stringify({
    type: "service_account",
    client_email: "tts@acme.example.com",
    private_key: `-----BEGIN PRIVATE KEY-----\nMIIEvQ${"a".repeat(60)}`,
    ...more,
  });

/** What a program may say of each kind of vendor, and what of it changes in place. */
const vendors: [vendor: string, args: Properties, changed: Properties][] = [
  ["assemblyai", { apiKey: KEY, serviceVersion: "v2" }, { serviceVersion: "v3" }],
  ["aws", { accessKeyId: "AKIA1", secretAccessKey: KEY, awsRegion: "eu-west-1" }, { awsRegion: "us-east-1" }],
  ["aws", { roleArn: "arn:aws:iam::1:role/tts", awsRegion: "eu-west-1" }, { awsRegion: undefined }],
  ["cartesia", { apiKey: KEY, useForTts: true, modelId: "sonic", sttModelId: "ink", options: '{"speed":1}' }, { options: undefined }],
  ["cobalt", { cobaltServerUri: "cobalt.example.com:2727" }, { cobaltServerUri: "cobalt2.example.com:2727" }],
  ["deepgram", { apiKey: KEY, modelId: "nova-2" }, { deepgramSttUri: "dg.example.com", deepgramSttUseTls: true }],
  ["deepgram", { deepgramSttUri: "dg.example.com", deepgramTtsUri: "dg.example.com" }, { deepgramSttUseTls: true }],
  ["deepgramflux", { apiKey: KEY }, { useForTts: true }],
  ["elevenlabs", { apiKey: KEY, modelId: "eleven_turbo_v2", apiUri: "eu.example.com" }, { modelId: "eleven_flash", apiUri: undefined }],
  ["gladia", { apiKey: KEY, region: "eu-west" }, { region: "us-west" }],
  ["google", { serviceKey: serviceKey() }, { modelId: "chirp" }],
  ["houndify", { clientId: "c", clientKey: KEY, userId: "u" }, { houndifyServerUri: "https://houndify.example.com" }],
  ["ibm", { ttsApiKey: KEY, ttsRegion: "eu-de", sttApiKey: `${KEY}9`, sttRegion: "eu-de", instanceId: "i" }, { sttRegion: undefined }],
  ["inworld", { apiKey: KEY, modelId: "tts-1" }, { options: '{"a":1}' }],
  ["microsoft", { apiKey: KEY, region: "westeurope" }, { useCustomTts: true, customTtsEndpointUrl: "https://tts.example.com" }],
  ["nuance", { clientId: "c", secret: KEY }, { nuanceTtsUri: "nuance.example.com" }],
  ["nvidia", { rivaServerUri: "riva.example.com:50051" }, { rivaServerUri: "riva2.example.com:50051" }],
  ["openai", { apiKey: KEY, modelId: "whisper-1" }, { modelId: "gpt-4o-transcribe" }],
  ["playht", { apiKey: KEY, userId: "u", voiceEngine: "Play3.0" }, { voiceEngine: "PlayDialog", options: '{"a":1}' }],
  ["resemble", { apiKey: KEY, resembleTtsUri: "resemble.example.com", resembleTtsUseTls: true }, { resembleTtsUri: undefined }],
  ["rimelabs", { apiKey: KEY, modelId: "mist" }, { options: '{"a":1}' }],
  ["soniox", { apiKey: KEY }, { useForStt: false }],
  ["speechmatics", { apiKey: KEY, speechmaticsSttUri: "eu2.rt.example.com", options: '{"a":1}' }, { options: '{"a":2}' }],
  ["verbio", { clientId: "c", clientSecret: KEY, engineVersion: "V1" }, { engineVersion: "V2" }],
  ["voxist", { apiKey: KEY }, { useForTts: true }],
  ["wellsaid", { apiKey: KEY }, { useForTts: true }],
  ["whisper", { apiKey: KEY, modelId: "tts-1" }, { modelId: "tts-1-hd" }],
  ["custom:acme", { authToken: KEY, customSttUrl: "wss://stt.example.com" }, { customTtsUrl: "https://tts.example.com" }],
  ["custom:open", { customSttUrl: "wss://stt.example.com" }, { customTtsStreamingUrl: "wss://tts.example.com" }],
];

for (const kind of holders) {
  describe(`a speech credential, with a key of ${holder[kind]}`, () => {
    let target: Target;
    let accountSid: string;
    let run: Engine;
    beforeEach(async () => {
      target = { accountSid } = await accountTarget(kind);
      run = engine();
      target.sandbox.clearRequests();
    });
    afterEach(() => target.sandbox.stop());

    const variables = () => target.variables;
    const engine = () => new Engine({ environment: variables, pace: 0.005, log: () => {} });
    const speech = (args: Properties = {}, name = "speech"): Declared => ({
      type: TYPE,
      name,
      args: { accountSid, vendor: "deepgram", useForStt: true, ...(args.vendor ? {} : { apiKey: KEY }), ...args },
    });
    const path = () => `/Accounts/${accountSid}/SpeechCredentials`;
    const rows = async (): Promise<Row[]> => (await target.sandbox.outside("GET", path())).body;
    const writes = () => writesTo(target);

    it("is made for every vendor, read back as it is, changed in place and deleted", async () => {
      const program = (more: boolean) =>
        vendors.map(([vendor, args, changed], index) => speech({ vendor, ...args, ...(more ? changed : {}) }, `speech${index}`));
      assert.equal((await ok(run.up(program(false)))).length, vendors.length);
      assert.deepEqual(await ok(run.refresh()), []);
      assert.deepEqual(await ok(run.up(program(false))), []);
      for (const row of await rows())
        assert.deepEqual([row.account_sid, row.service_provider_sid], [accountSid, target.serviceProviderSid]);
      const steps = await ok(run.up(program(true)));
      assert.deepEqual(steps.sort(), vendors.map((_, index) => `update speech${index}`).sort(), "in place");
      assert.deepEqual(await ok(run.refresh()), []);
      assert.deepEqual(await ok(run.up(program(true))), []);
      assert.equal((await ok(run.destroy())).length, vendors.length);
      assert.deepEqual(await rows(), []);
    });

    it("keeps in an update what the platform would wipe", async () => {
      const microsoft = (args: Properties) => [
        speech({ vendor: "microsoft", region: "westeurope", apiKey: KEY, useCustomTts: true, ...args }),
      ];
      await ok(run.up(microsoft({ customTtsEndpoint: "e" })));
      await ok(run.up(microsoft({ customTtsEndpoint: "e", useForTts: true })));
      const [row] = await rows();
      assert.deepEqual(
        [row!.use_for_tts, row!.use_for_stt, row!.region, row!.use_custom_tts, row!.custom_tts_endpoint],
        [1, 1, "westeurope", true, "e"],
      );
    });

    it("is made anew with another secret or label, for which the old one goes first", async () => {
      await ok(run.up([speech()]));
      assert.deepEqual(await ok(run.up([speech({ apiKey: "dg-secret-key-2" })])), ["delete speech", "create speech"]);
      assert.deepEqual(await ok(run.up([speech({ apiKey: "dg-secret-key-2", label: "main" })])), ["delete speech", "create speech"]);
      assert.deepEqual(await ok(run.up([speech({ label: "main" })])), ["delete speech", "create speech"]);
      assert.deepEqual(
        (await rows()).map((row) => [row.label, row.api_key]),
        [["main", "dg-secXXXXXXXXX"]],
      );
    });

    it("shows what somebody did to it, as far as it shows at all", async () => {
      await ok(run.up([speech({ label: "main" })]));
      const [row] = await rows();
      const own = `${path()}/${row!.speech_credential_sid}`;
      await target.sandbox.outside("PUT", own, { use_for_tts: true, use_for_stt: false, deepgram_stt_uri: "evil.example.com" });
      assert.deepEqual(await ok(run.up([speech({ label: "main" })], { refresh: true })), ["update speech"]);
      const [repaired] = await rows();
      assert.deepEqual([repaired!.use_for_stt, repaired!.deepgram_stt_uri ?? null], [1, null]);
      await target.sandbox.outside("DELETE", own);
      const theirs = await made(target.sandbox, path(), {
        vendor: "deepgram",
        account_sid: accountSid,
        service_provider_sid: target.serviceProviderSid,
        use_for_stt: true,
        api_key: "another-key",
      });
      assert.deepEqual(await ok(run.up([speech({ label: "main" })], { refresh: true })), ["create speech"]);
      assert.equal((await rows()).length, 2, `somebody else's, ${theirs}, is left alone`);
    });

    it("whose label is taken is told which one has it, and how to adopt that", async () => {
      await ok(run.up([speech({ label: "main" })]));
      const { id } = run.find("speech")!;
      const { errors } = await engine().up([speech({ label: "MAIN" })]);
      assert.match(errors[0]!, /^jambonz refused to create SpeechCredential: a credential of the same vendor has this label already: /);
      assert.ok(errors[0]!.includes(`adopt ${TYPE} <name> ${id}`), errors[0]);
      const other = await made(target.sandbox, "/Accounts", { name: "globex", service_provider_sid: target.serviceProviderSid });
      if (kind === "account") return;
      const elsewhere = await engine().up([speech({ accountSid: other, label: "main" })]);
      assert.match(elsewhere.errors[0]!, /has this label already, of another account of the service provider; choose another label/);
    });

    it("is found again where its creation was not answered, beside others like it", async () => {
      await ok(run.up([speech({}, "before")]));
      target.sandbox.addFault({ match: { method: "POST" }, fault: "dropAnswer" });
      await ok(run.up([speech({}, "before"), speech({ apiKey: "dg-secret-other" })]));
      assert.equal((await rows()).length, 2);
      assert.equal(writes().filter((line) => line.startsWith("POST")).length, 2);
      assert.deepEqual(await ok(run.refresh()), []);
    });

    it("that may have been changed is changed back", async () => {
      const change = (useForTts: boolean) => [speech({ useForTts })];
      const flag = async () => (await rows())[0]!.use_for_tts;
      await ok(run.up(change(false)));
      const before = await flag();
      for (const fault of [
        { status: 404, body: "" },
        { status: 403, body: "<!doctype html><html>Sign in</html>" },
      ]) {
        // It is read once before the change, and once afterwards.
        target.sandbox.addFault({ match: { method: "GET", path: "**/SpeechCredentials/*" }, fault, skip: 1 });
        const { errors } = await run.up(change(true));
        assert.match(
          errors.join(),
          /^SpeechCredential .*: jambonz answered that it was changed, but it could not be seen whether it was \(/,
        );
        assert.notEqual(await flag(), before);
        target.sandbox.clearFaults();
        await ok(run.up(change(false)));
        assert.equal(await flag(), before);
      }
    });

    it("is gone where its account is", async () => {
      await ok(run.up([speech()]));
      const [row] = await rows();
      assert.equal((await target.sandbox.outside("DELETE", `${path()}/${row!.speech_credential_sid}`)).status, 204);
      if (kind !== "account") assert.equal((await target.sandbox.outside("DELETE", `/Accounts/${accountSid}`)).status, 204);
      assert.deepEqual(await ok(run.refresh()), ["gone speech"]);
    });

    it("is deleted although somebody has done it already", async () => {
      await ok(run.up([speech()]));
      const [row] = await rows();
      await target.sandbox.outside("DELETE", `${path()}/${row!.speech_credential_sid}`);
      assert.deepEqual(await ok(run.destroy()), ["delete speech"]);
    });

    it("that is adopted is taken over with the secret that it has, and with no other", async () => {
      const sid = await made(target.sandbox, path(), {
        vendor: "deepgram",
        account_sid: accountSid,
        service_provider_sid: target.serviceProviderSid,
        use_for_stt: true,
        api_key: KEY,
      });
      const lifecycle = () => lifecycleOf(TYPE, sessionOf("jambonz", variables(), { pace: 0.005 }));
      const id = `Accounts/${accountSid}/SpeechCredentials/${sid}`;
      const read = await lifecycle().read(id, {});
      assert.deepEqual(read!.inputs, { accountSid, vendor: "deepgram", useForStt: true });
      target.sandbox.clearRequests();
      const said = { ...read!.inputs, apiKey: KEY };
      assert.deepEqual(lifecycle().diff(id, read!.state, said).replaces, []);
      assert.equal((await lifecycle().update(id, read!.state, said)).apiKey, KEY);
      await assert.rejects(
        lifecycle().update(id, read!.state, { ...said, apiKey: "dg-another-key1" }),
        /^Error: SpeechCredential \([^)]*\): apiKey is another one on the platform, which cannot change it in place; have it replaced with `pulumi up --replace <urn>`, and /,
      );
      assert.deepEqual(writes(), []);
    });

    it("of a vendor is judged before anything is sent", () => {
      const wrong = (args: Properties) =>
        lifecycleOf(TYPE, sessionOf("jambonz", variables()))
          .check({ accountSid, ...args }, {})
          .failures.map(({ reason }) => reason);
      assert.deepEqual(wrong({ vendor: "deepgram" }), ["apiKey is required"]);
      assert.deepEqual(wrong({ vendor: "deepgram", deepgramSttUri: "a", deepgramTtsUri: "b" }), []);
      assert.deepEqual(wrong({ vendor: "cartesia", apiKey: KEY, useForStt: true }), ["sttModelId is required"]);
      const cartesia = { vendor: "cartesia", apiKey: KEY, sttModelId: "ink", useForStt: true };
      assert.deepEqual(wrong({ ...cartesia, useForTts: UNKNOWN }), [], "which may become false");
      assert.deepEqual(wrong({ vendor: "soniox", apiKey: KEY, region: "eu" }), [
        "region is nothing that a credential of soniox has, which may have apiKey",
      ]);
      assert.match(wrong({ vendor: "nimbus" }).join(), /^vendor must be one of assemblyai, .*, or custom: and a name of your own$/);
      assert.deepEqual(wrong({ vendor: "soniox", apiKey: "dg-secXXXXXXX" }), [
        "apiKey looks like a secret as jambonz shows it, with X in the place of most of it",
      ]);
      assert.deepEqual(wrong({ vendor: "google", serviceKey: "{}" }), [
        "serviceKey must be the JSON text of a service account's key, with client_email and private_key",
      ]);
      assert.deepEqual(wrong({ vendor: "google", serviceKey: serviceKey({ more: "x".repeat(4000) }) }), [
        "SpeechCredential is too long: jambonz stores 4000 bytes of a credential",
      ]);
      assert.deepEqual(wrong({ vendor: "custom:" }).length, 1);
    });
  });
}
