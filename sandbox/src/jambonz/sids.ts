import type { Request } from "express";
import { Refusal } from "./errors";

const uuid = /^(?:[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|0{8}(?:-0{4}){3}-0{12})$/i;

/** A malformed sid: handlers answer `{msg: "Bad request"}`, a middleware names the collection. */
export class MalformedSid extends Refusal {
  constructor(readonly collection: string) {
    super(400, "Bad request");
  }
}

/**
 * The sid behind a collection's name in the request's URL, undefined when the URL does not name the collection.
 * jambonz reads it from the raw URL up to the next slash, with case (lib/routes/api/utils.js): a query string straight
 * behind a sid makes it malformed.
 */
export function sidInUrl(request: Request, collection: string): string | undefined {
  const sid = new RegExp(`${collection}/([^/]*)`).exec(request.originalUrl)?.[1];
  if (sid !== undefined && !uuid.test(sid)) throw new MalformedSid(collection);
  return sid;
}
