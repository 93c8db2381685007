import type { NextFunction, Request, Response } from "express";

/** An answer that ends a request early. The status goes into the body, too, as a text. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly more: object = {},
  ) {
    super(message);
  }
}

/** Answers what was asked: the payload and what the API puts around it. Creation answers 200 as well. */
export function succeed(response: Response, payload: object, message?: string): void {
  response.json({ ...payload, statusCode: "200", status: "Success", ...(message !== undefined && { message }) });
}

export const refusalBody = (status: number, message: string) => ({ statusCode: String(status), status: "Error", message });

export function answerError(error: unknown, _request: Request, response: Response, _next: NextFunction): void {
  const { status = 500, message, more } = error as Partial<Refusal> & { message: string };
  response.status(status).json({ ...refusalBody(status, message), ...more });
}
