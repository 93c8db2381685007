import express from "express";
import type { Platform } from "../platform";
import { rows } from "../rows";
import { accounts } from "./accounts";
import { newApiKey, newPassword, newUsername } from "./credentials";
import { answerError, Refusal, refusalBody } from "./envelope";
import { tables } from "./tables";
import { usage } from "./usage";

const below = "/v2.1/account";
/** Six calls an hour and address, all of these together: that they share one budget is what the vendor's own SDKs say. */
const limited = ["apikey", "cdr", "info", "mrc"].map((verb) => `${below}/${verb}/`);

/**
 * VoiceTel's Account API v2.1.6 as its OpenAPI document describes it: every endpoint is a POST with a slash at the end,
 * the key is in the body or in the header, and the status is in the body, too. What the document leaves open is
 * marked where it is decided.
 */
export const voicetel: Platform = {
  base: "",
  tables,
  database: "voicetel",
  adminKey: { pattern: /^[0-9a-f]{32}$/, form: "32 hexadecimal digits" },
  bodies: "json",
  rateLimit: {
    requests: 6,
    seconds: 3600,
    counts: (path) => limited.includes(path),
    perAddress: true,
    silentRefusal: refusalBody(429, "Rate limit exceeded"),
  },
  async seed(db, adminKey) {
    const administrator = await db.first("accounts", { administrator: 1 });
    const apikey = adminKey ?? (administrator?.["apikey"] as string | undefined) ?? newApiKey();
    if (administrator) await db.update("accounts", { apikey }, { username: administrator["username"]! });
    else {
      const username = await newUsername(db);
      const names = { name: "Administrator", email: "administrator@example.com" };
      await db.insert("accounts", { username, masterAccount: username, ...names, apikey, password: newPassword(), administrator: true });
    }
    return { adminKey: apikey, variables: { VOICETEL_API_KEY: apikey } };
  },
  app: (context) => {
    const app = express();
    app.disable("x-powered-by");
    app.enable("strict routing");
    app.use(express.json());
    app.use((request, _response, next) => {
      request.body = typeof request.body === "object" && request.body !== null ? (request.body as object) : {};
      next();
    });
    app.use(below, accounts(context), usage(context));
    app.use("/rows", rows(context, tables));
    app.use(() => {
      throw new Refusal(404, "Not Found");
    });
    app.use(answerError);
    return app;
  },
  route: (path) => path,
};
