import { Router } from "express";
import type { Row } from "../database";
import { answer, columns, formOf, named, record, type Form } from "./answers";
import { accountInPath, type Authenticated } from "./auth";
import { accountSid } from "./clients";
import type { Context } from "./context";
import { badRequest, failure, missing } from "./errors";
import { newSid } from "./store";

const parameters = named("FriendlyName", "VoiceCallerIdLookup", "RcmlUrl", "Kind");

/** Restcomm-Connect, ApplicationsEndpoint: friendly names are not unique, and a deletion is 200 even of what never was. */
export function applications(context: Context): Router {
  const { store } = context;
  const router = Router({ mergeParams: true });

  router.get("/", async (request, response: Authenticated) => {
    const { sid } = await accountInPath(context, response, accountSid(request));
    const numbers = await store.select("incoming_phone_numbers", { account_sid: sid! });
    const rows = await store.select("applications", { account_sid: sid! });
    const uses = (number: Row, application: Row) =>
      ["voice_application_sid", "sms_application_sid", "ussd_application_sid"].some((column) => number[column] === application["sid"]);
    const told = rows.map((row) => ({ ...toRecord(row), numbers: numbers.filter((number) => uses(number, row)) }));
    answer(response, "Applications", told);
  });

  router.post("/", async (request, response: Authenticated) => {
    const account = await accountInPath(context, response, accountSid(request));
    const form = formOf(request);
    if (!form["FriendlyName"]) throw badRequest("Friendly name can not be null.");
    check(form);
    const row = await store.insert("applications", { sid: newSid("AP"), account_sid: account["sid"], ...columns(form, parameters) });
    answer(response, "Application", toRecord(row));
  });

  router.get("/:sid", async (request, response: Authenticated) => {
    await accountInPath(context, response, accountSid(request));
    answer(response, "Application", toRecord(await found(accountSid(request), request.params.sid)));
  });

  for (const method of ["put", "post"] as const) {
    router[method]("/:sid", async (request, response: Authenticated) => {
      await accountInPath(context, response, accountSid(request));
      await found(accountSid(request), request.params.sid);
      check(formOf(request));
      const row = await store.update("applications", request.params.sid, columns(formOf(request), parameters));
      answer(response, "Application", toRecord(row));
    });
  }

  router.delete("/:sid", async (request, response: Authenticated) => {
    await accountInPath(context, response, accountSid(request));
    if (await store.first("applications", { sid: request.params.sid, account_sid: accountSid(request) }))
      await store.delete("applications", request.params.sid);
    response.status(200).end();
  });

  async function found(account: string, sid: string): Promise<Row> {
    const row = await store.first("applications", { sid, account_sid: account });
    if (!row) throw missing();
    return row;
  }

  return router;
}

/** What its parsers throw at is not caught. */
function check({ Kind, RcmlUrl }: Form): void {
  if (Kind !== undefined && !["voice", "sms", "ussd"].includes(Kind)) throw failure();
  if (RcmlUrl !== undefined && /\s/.test(RcmlUrl)) throw failure();
}

function toRecord(row: Row) {
  const told = record(row, `/2012-04-24/Accounts/${row["account_sid"]}/Applications/${row["sid"]}.json`);
  return { ...told, voice_caller_id_lookup: row["voice_caller_id_lookup"] === 1 };
}
