import type { Request, RequestHandler, Response } from "express";
import type { Row } from "../database";

/** What a request asks with: form parameters, or nothing. */
export type Form = Record<string, string>;

export const formOf = (request: Request): Form => (request.body ?? {}) as Form;

/**
 * `.json` may stand behind any segment of the path; without it JSON comes only to those whose Accept says "json", and
 * XML to everybody else (Restcomm-Connect, AcceptFilter).
 */
export const negotiate: RequestHandler = (request, response, next) => {
  const [path = "", query] = request.url.split("?");
  const plain = path.replace(/\.json(?=\/|$)/g, "");
  response.locals["json"] = plain !== path || /json/.test(request.headers.accept ?? "");
  request.url = query === undefined ? plain : `${plain}?${query}`;
  next();
};

/** Answers one record, or many under a name of their own in XML. */
export function answer(response: Response, name: string, value: unknown): void {
  if (response.locals["json"]) response.json(value);
  else response.type("application/xml").send(`<RestcommResponse>${xml(name, value)}</RestcommResponse>`);
}

function xml(name: string, value: unknown): string {
  if (value === undefined || value === null) return `<${name}/>`;
  if (Array.isArray(value)) return `<${name}>${value.map((item) => xml(name.replace(/s$/, ""), item)).join("")}</${name}>`;
  const inner =
    typeof value === "object"
      ? Object.entries(value)
          .map(([key, item]) => xml(pascal(key), item))
          .join("")
      : (typeof value === "string" ? value : JSON.stringify(value)).replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return `<${name}>${inner}</${name}>`;
}

export const pascal = (name: string) => name.replace(/(^|_)([a-z])/g, (_all, _gap, letter: string) => letter.toUpperCase());

/** `Mon, 4 Nov 2013 16:33:39 +0000` (Restcomm-Connect, AbstractConverter). */
export function date(value: unknown): string {
  return new Date(String(value))
    .toUTCString()
    .replace(/^(\w+, )0?(\d+)/, "$1$2")
    .replace("GMT", "+0000");
}

/** The members that every record has, in the forms in which they are told. */
export function record(row: Row, uri: string): Row {
  return { ...row, date_created: date(row["date_created"]), date_updated: date(row["date_updated"]), uri };
}

/** Parameters that are sent, as columns; an empty text clears a URL and a sid. */
export function columns(form: Form, parameters: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parameters)
      .filter(([parameter]) => form[parameter] !== undefined)
      .map(([parameter, column]) => {
        const value = form[parameter]!;
        if (/caller_id_lookup$/.test(column)) return [column, value.toLowerCase() === "true"];
        return [column, value === "" && /(url|sid|callback)$/.test(column) ? null : value];
      }),
  );
}

/** `VoiceUrl` -> `voice_url`, for each of these parameters. */
export function named(...parameters: string[]): Record<string, string> {
  return Object.fromEntries(parameters.map((name) => [name, name.replace(/(?<!^)[A-Z]/g, "_$&").toLowerCase()]));
}
