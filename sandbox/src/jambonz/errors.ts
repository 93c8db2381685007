import type { NextFunction, Request, Response } from "express";
import { DatabaseError } from "../database";

/** An answer that ends a request early: JSON `{msg}`, whatever the status. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const badRequest = (message: string) => new Refusal(400, message);
export const forbidden = (message = "insufficient privileges") => new Refusal(403, message);
export const unprocessable = (message: string) => new Refusal(422, message);
/** jambonz answers 500 to most wrong input. */
export const failure = (message: string) => new Refusal(500, message);

/** The other shape of a 403, which jambonz's middlewares use. */
export function insufficientPrivileges(response: Response): void {
  response.status(403).json({ status: "fail", message: "insufficient privileges" });
}

/** Some requests bring the process down (jambonz has no handler for rejected promises): no answer comes. */
export function crash(request: Request): void {
  request.socket.destroy();
}

/** jambonz-api-server 0.9.6, lib/routes/error.js and the error handler in app.js. */
export function answerError(error: unknown, request: Request, response: Response, _next: NextFunction): void {
  if (response.headersSent) {
    request.socket.destroy();
    return;
  }
  const { status, message } = error as { status?: number; message: string };
  response.status(error instanceof DatabaseError && error.duplicate ? 422 : (status ?? 500)).json({ msg: message });
}
