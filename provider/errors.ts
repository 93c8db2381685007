/** The platform answered, and the answer is a refusal. */
export class RefusedError extends Error {
  constructor(
    /** HTTP status. */
    readonly status: number,
    /** The platform's own words, or what they mean, without secrets. */
    readonly reason: string,
    /** How long to wait before the next request, in milliseconds, where the platform says it. */
    readonly retryAfterMs?: number,
    /** When it was sent first, in milliseconds, where that may have been carried out. */
    readonly lostAt?: number,
    /** The id of the object that is in the place of what was refused, where it is known. */
    readonly holder?: string,
  ) {
    super(`${reason} (${status})`);
  }

  /** The same refusal in other words, and because of which object. */
  because(reason: string, holder = this.holder): RefusedError {
    return new RefusedError(this.status, reason, this.retryAfterMs, this.lostAt, holder);
  }

  /** The same refusal where an earlier try may have been carried out. */
  after(lostAt: number): RefusedError {
    return new RefusedError(this.status, this.reason, this.retryAfterMs, lostAt, this.holder);
  }
}

/** A 500 without words of the platform: its way to refuse, or something in between that has answered in its place, so that it may have been done. */
export class UnspokenError extends RefusedError {
  constructor(
    status: number,
    reason: string,
    override readonly lostAt: number,
  ) {
    super(status, reason, undefined, lostAt);
  }
}

/** The request never reached the platform, so nothing was done. */
export class UnreachableError extends Error {}

/** The request was sent and its answer did not come: the platform may have done it. */
export class UnansweredError extends Error {
  constructor(
    message: string,
    /** When the request was sent first, in milliseconds by this machine's clock. */
    readonly sentAt: number,
    /** Whether the platform may still be at it, as after a time limit. */
    readonly stillAtIt = false,
    /** What was answered, where that may be the platform's refusal all the same. */
    readonly refusal?: RefusedError | UserError,
  ) {
    super(message);
  }
}

/** An error whose message is complete as it is, and says what to do. */
export class UserError extends Error {}

/** The request was not sent, for a reason on this side. */
export class NotSentError extends UserError {}

/** The run was cancelled before it was sent. */
export class CancelledError extends NotSentError {
  constructor() {
    super("the run was cancelled");
  }
}

/** The object is on the platform, but something about it is still missing. */
export class UnfinishedError extends Error {
  constructor(
    /** What is missing and what to do, in one sentence. */
    message: string,
    readonly id: string,
    /** Outputs as they are on the platform now. */
    readonly outputs: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

/** What the doors report of an object that is on the platform, but not as the program wants it. */
export class InitializationError extends Error {
  constructor(
    message: string,
    readonly id: string,
    /** The inputs and outputs that are really on the platform. */
    readonly state: Record<string, unknown>,
  ) {
    super(message);
  }
}
