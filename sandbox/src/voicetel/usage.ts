import { Router } from "express";
import type { PlatformContext } from "../platform";
import { caller } from "./credentials";
import { Refusal, succeed } from "./envelope";

/** Account API v2.1.6: what an account does and costs. */
export function usage(context: PlatformContext): Router {
  const { db } = context;
  const router = Router({ strict: true });

  /** `start` is the newer end, `end` the older one, both in seconds since 1970. The rows are as v2.2 documents them. */
  router.post("/cdr/", async (request, response) => {
    const account = await caller(context, request, response);
    const now = Math.floor(Date.now() / 1000);
    const { start = now, end = now - 86_400 } = request.body as { start?: unknown; end?: unknown };
    for (const [name, value] of Object.entries({ start, end }))
      if (!Number.isInteger(value)) throw new Refusal(400, `Field: ${name}`, { requirement: "Must be valid" });
    const rows = await db.query("SELECT * FROM calls WHERE username = ? AND at <= ? AND at >= ? ORDER BY at DESC", [
      account["username"],
      start as number,
      end as number,
    ]);
    succeed(response, {
      cdr: rows.map(({ id, username, at, value }) => ({ id, key: [username, String(at)], value: JSON.parse(String(value)) as unknown })),
    });
  });

  /** One object for each service, one for all numbers together, and the total. */
  router.post("/mrc/", async (request, response) => {
    const account = await caller(context, request, response);
    const charges = await db.select("charges", { username: account["username"]! });
    const sum = (rows: typeof charges) => rows.reduce((total, row) => total + Math.round(Number(row["sum"]) * 100), 0) / 100;
    const numbers = charges.filter(({ description }) => description === "did");
    const services = charges.filter(({ description }) => description !== "did");
    succeed(response, {
      mrc: [
        ...services.map((row) => ({ [String(row["description"])]: Number(row["sum"]) })),
        { did: sum(numbers) },
        { total: sum(charges) },
      ],
    });
  });

  router.post("/registration/", async (request, response) => {
    const account = await caller(context, request, response);
    const found = await db.first("registrations", { username: account["username"]! });
    if (!found) throw new Refusal(404, "Not registered");
    succeed(response, { account: { uri: found["uri"], agent: found["agent"] } });
  });

  return router;
}
