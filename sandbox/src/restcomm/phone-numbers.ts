import { Router, type Request } from "express";
import type { Row } from "../database";
import { answer, columns, formOf, named, record } from "./answers";
import { accountInPath, type Authenticated } from "./auth";
import { accountSid } from "./clients";
import type { Context } from "./context";
import { badRequest, missing } from "./errors";
import { newSid } from "./store";

const handlers = ["Voice", "Sms", "Ussd"].flatMap((kind) =>
  ["Url", "Method", "FallbackUrl", "FallbackMethod", "ApplicationSid"].map((part) => `${kind}${part}`),
);
const parameters = named(
  ...["FriendlyName", "VoiceCallerIdLookup", "StatusCallback", "StatusCallbackMethod", "ReferUrl", "ReferMethod", "ReferApplicationSid"],
  ...handlers,
);

/** Restcomm-Connect, IncomingPhoneNumbersEndpoint. Members that are null are told as null. */
export function incomingPhoneNumbers(context: Context): Router {
  const { store } = context;
  const router = Router({ mergeParams: true });
  const instance = async (request: Request<{ sid: string }>, response: Authenticated) => {
    await accountInPath(context, response, accountSid(request));
    const row = await store.first("incoming_phone_numbers", { sid: request.params.sid, account_sid: accountSid(request) });
    if (!row) throw missing();
    return request.params.sid;
  };

  router.get("/AvailableCountries", (_request, response) => answer(response, "Countries", ["US", "CA"]));

  // The lists by kind show the same numbers, whatever their kind.
  for (const path of ["/", "/Local", "/TollFree", "/Mobile"]) {
    router.get(path, async (request, response: Authenticated) => {
      const account = await accountInPath(context, response, accountSid(request));
      const rows = await store.shown("incoming_phone_numbers", { account_sid: account["sid"]! }, response.locals.isOutside);
      answer(response, "IncomingPhoneNumbers", page(request, rows));
    });

    router.post(path, async (request, response: Authenticated) => {
      const account = await accountInPath(context, response, accountSid(request));
      const form = formOf(request);
      if (!form["PhoneNumber"]) throw badRequest("Phone number can not be null.");
      const virtual = form["isSIP"] === "true";
      const number = virtual && /^\d+$/.test(form["PhoneNumber"]) ? `+${form["PhoneNumber"]}` : form["PhoneNumber"];
      // The carrier's code for a number that somebody has already.
      if (await store.first("incoming_phone_numbers", { phone_number: number })) throw badRequest("21452");
      const row = await store.insert("incoming_phone_numbers", {
        sid: newSid("PN"),
        account_sid: account["sid"],
        phone_number: number,
        friendly_name: number,
        ...columns(form, parameters),
      });
      answer(response, "IncomingPhoneNumber", toRecord(row));
    });
  }

  router.get("/:sid", async (request, response: Authenticated) => {
    await accountInPath(context, response, accountSid(request));
    const where = { sid: request.params.sid, account_sid: accountSid(request) };
    const [row] = await store.shown("incoming_phone_numbers", where, response.locals.isOutside);
    if (!row) throw missing();
    answer(response, "IncomingPhoneNumber", toRecord(row));
  });

  for (const method of ["put", "post"] as const) {
    router[method]("/:sid", async (request, response: Authenticated) => {
      const sid = await instance(request, response);
      const row = await store.update("incoming_phone_numbers", sid, columns(formOf(request), parameters));
      answer(response, "IncomingPhoneNumber", toRecord(row));
    });
  }

  router.delete("/:sid", async (request, response: Authenticated) => {
    await store.delete("incoming_phone_numbers", await instance(request, response));
    response.status(204).end();
  });

  return router;
}

/** Pages count from 0; how many there are is rounded down, and a page that does not exist is the text "null". */
function page(request: Request, rows: Row[]) {
  const { Page, PageSize, PhoneNumber, FriendlyName, SortBy, Reverse } = request.query as Record<string, string | undefined>;
  const pattern = PhoneNumber && new RegExp(`^${PhoneNumber.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*")}$`);
  const column = SortBy === "FriendlyName" ? "friendly_name" : "phone_number";
  const matching = rows
    .filter((row) => !pattern || pattern.test(String(row["phone_number"])))
    .filter((row) => !FriendlyName || row["friendly_name"] === FriendlyName)
    .sort((a, b) => String(a[column]).localeCompare(String(b[column])));
  if (Reverse) matching.reverse();
  const size = Number(PageSize ?? 50);
  const current = Number(Page ?? 0);
  const pages = Math.floor(matching.length / size);
  if (current > pages) throw badRequest("Page is beyond the last one.");
  const uri = (number: number) => `${request.originalUrl.split("?")[0]!}?Page=${number}&PageSize=${size}`;
  return {
    page: current,
    num_pages: pages,
    page_size: size,
    total: matching.length,
    start: String(current * size),
    end: String(Math.min((current + 1) * size, matching.length) - 1),
    uri: request.originalUrl,
    first_page_uri: uri(0),
    previous_page_uri: current === 0 ? "null" : uri(current - 1),
    next_page_uri: current === pages ? "null" : uri(current + 1),
    last_page_uri: uri(pages),
    incomingPhoneNumbers: matching.slice(current * size, (current + 1) * size).map(toRecord),
  };
}

function toRecord(row: Row) {
  const told = record(row, `/2012-04-24/Accounts/${row["account_sid"]}/IncomingPhoneNumbers/${row["sid"]}.json`);
  const capabilities = { voice_capable: true, sms_capable: true, mms_capable: false, fax_capable: false };
  return { ...told, voice_caller_id_lookup: row["voice_caller_id_lookup"] === 1, capabilities };
}

/** GET AvailablePhoneNumbers/{country}/{kind}: read only, in camelCase, without what is null. */
export function availablePhoneNumbers(context: Context): Router {
  const router = Router({ mergeParams: true });
  router.get("/:country/:kind", async (request, response: Authenticated) => {
    await accountInPath(context, response, accountSid(request));
    const { country, kind } = request.params;
    if (!["Local", "TollFree", "Mobile"].includes(kind)) throw missing();
    const { AreaCode = kind === "TollFree" ? "800" : "501", Contains = "*" } = request.query as Record<string, string | undefined>;
    const pattern = new RegExp(Contains.replace(/[^\d*]/g, "").replace(/\*/g, "\\d"));
    const taken = new Set((await context.store.select("incoming_phone_numbers")).map((row) => row["phone_number"]));
    const numbers = Array.from({ length: 20 }, (_, index) => `+1${AreaCode}55501${String(index).padStart(2, "0")}`)
      .filter((number) => !taken.has(number) && pattern.test(number))
      .map((phoneNumber) => ({
        friendlyName: phoneNumber,
        phoneNumber,
        isoCountry: country,
        cost: "0.67",
        voiceCapable: true,
        smsCapable: true,
        mmsCapable: false,
        faxCapable: false,
      }));
    answer(response, "AvailablePhoneNumbers", numbers);
  });
  return router;
}
