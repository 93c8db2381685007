import type { NextFunction, Request, Response } from "express";

type Shape = "text" | "json" | "reasonPhrase";

/**
 * An answer that ends a request early. Restcomm-Connect words its refusals in three ways: as plain text, as JSON
 * `{message}`, and as the HTTP reason phrase of an empty answer.
 */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message = "",
    readonly shape: Shape = "text",
  ) {
    super(message);
  }
}

export const badRequest = (message: string, shape?: Shape) => new Refusal(400, message, shape);
export const forbidden = () => new Refusal(403);
export const missing = () => new Refusal(404);
/** What its handlers do not catch: an unknown account in a path, an unknown status, a text that is too long. */
export const failure = () => new Refusal(500);

export function answerError(error: unknown, request: Request, response: Response, _next: NextFunction): void {
  if (response.headersSent) {
    request.socket.destroy();
    return;
  }
  const refusal = error instanceof Refusal ? error : failure();
  response.status((error as { status?: number }).status ?? refusal.status);
  if (refusal.shape === "json") response.json({ message: refusal.message });
  else if (refusal.shape === "reasonPhrase") {
    response.statusMessage = refusal.message;
    response.end();
  } else if (refusal.message) response.type("text").send(refusal.message);
  else response.end();
}
