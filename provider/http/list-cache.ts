/** How old a list may be that reads share, in milliseconds. */
export const SHARED_LIST_AGE = 60_000;

interface Listing<Row> {
  /** When it was asked for, then when it came. */
  at: number;
  done: boolean;
  /** This run has written since, so it may have changed. */
  outdated: boolean;
  rows: Promise<Row[]>;
}

/** A platform's lists in one run. Many questions share one request: those at the same time, and those that come soon after. */
export class ListCache<Row> {
  readonly #listings = new Map<string, Listing<Row>>();
  readonly #ask: (path: string) => Promise<Row[]>;
  readonly #changes: (written: string, list: string) => boolean;

  /**
   * @param ask sends the request; many operations share it, so it needs a time of its own
   * @param changes whether a write to one path may change the list at the other
   */
  constructor(ask: (path: string) => Promise<Row[]>, changes: (written: string, list: string) => boolean) {
    this.#ask = ask;
    this.#changes = changes;
  }

  /**
   * A list with everything that this run has written before.
   * @param maxAge how old it may be, in milliseconds; 0 asks anew
   */
  get(path: string, maxAge = SHARED_LIST_AGE): Promise<Row[]> {
    const known = this.#listings.get(path);
    return known && !known.outdated && maxAge > 0 && isYoung(known, maxAge) ? known.rows : this.#anew(path);
  }

  /** A list as it was some time ago; what this run has written since may be missing. For what others have, at no cost for each write. */
  lately(path: string): Promise<Row[]> {
    const known = this.#listings.get(path);
    return known && isYoung(known, SHARED_LIST_AGE) ? known.rows : this.#anew(path);
  }

  /** Has to be told when a write is over, whatever became of it. */
  written(path: string): void {
    for (const [list, listing] of this.#listings) if (this.#changes(path, list)) listing.outdated = true;
  }

  #anew(path: string): Promise<Row[]> {
    const listing: Listing<Row> = { at: Date.now(), done: false, outdated: false, rows: this.#ask(path) };
    this.#listings.set(path, listing);
    listing.rows.then(
      () => Object.assign(listing, { at: Date.now(), done: true }),
      () => this.#listings.get(path) === listing && this.#listings.delete(path),
    );
    return listing.rows;
  }
}

function isYoung({ done, at }: Listing<unknown>, maxAge: number): boolean {
  return !done || Date.now() - at < maxAge;
}
