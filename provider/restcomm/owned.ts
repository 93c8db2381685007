import type { z } from "zod";
import { askEach } from "../progress";
import type { Candidate, Listed, Progress, Properties, ReadOptions } from "../resource";
import { fromRow, STALE, time, toForm, type Restcomm, type Row } from "./platform";
import { sid } from "./types";

/** The account that something belongs to, as an input. */
export const accountSid = sid("AC")
  .optional()
  .describe("The account that it belongs to. Default: the one that signs in.")
  .meta({ replaceOnChanges: true, computed: true, refersTo: "restcomm:Account" });

interface Kind {
  /** The collection in the path: `Clients`. */
  noun: string;
  inputs: z.ZodObject;
  outputs: z.ZodObject;
  /** The input that the platform takes for the friendly name where there is none. */
  namedAfter?: string;
  /** Outputs that are not members of the record by their names. */
  derived?: (row: Row) => Properties;
  /** Whether a change may take minutes to show. */
  distributed: boolean;
}

/** What all things that belong to an account have in common: `Accounts/<account sid>/<noun>/<sid>`. */
export function owned({ noun, inputs, outputs, namedAfter, derived, distributed }: Kind) {
  const idFormat = `Accounts/<account sid>/${noun}/<sid>`;

  function pathOf(id: string): string {
    return `/${id}.json`;
  }

  function listPath(restcomm: Restcomm, account: string | undefined): string {
    return `/Accounts/${account ?? restcomm.accountSid}/${noun}.json`;
  }

  function candidate(row: Row): Candidate {
    const id = `Accounts/${String(row.account_sid)}/${noun}/${String(row.sid)}`;
    return { id, outputs: { ...outputsOf(row), accountSid: row.account_sid }, createdAt: new Date(time(row.date_created)) };
  }

  /** What nobody chose is not taken over. */
  function liveOf(row: Row, accountSid: string, state: Properties): Properties {
    const live: Properties = { ...fromRow([inputs], row), ...outputsOf(row), accountSid };
    if (namedAfter && live.friendlyName === live[namedAfter] && !("friendlyName" in state)) delete live.friendlyName;
    return live;
  }

  function outputsOf(row: Row): Properties {
    return { ...fromRow([outputs], row), ...derived?.(row) };
  }

  return {
    idFormat,
    sidFromId: "end" as const,
    listPath,
    candidate,
    showsLate: distributed,

    async existing(restcomm: Restcomm, { accountSid }: Properties): Promise<ReadonlySet<string>> {
      if (restcomm.made.has(accountSid as string)) return new Set();
      const rows = await restcomm.listLately(listPath(restcomm, accountSid as string | undefined));
      return new Set(rows.map((row) => candidate(row).id));
    },

    /** Of the account that signs in and of its sub-accounts. */
    async list(restcomm: Restcomm, progress: Progress): Promise<Listed[]> {
      const accounts = [restcomm.accountSid, ...(await restcomm.subAccounts()).map((row) => String(row.sid))];
      const rows = await askEach(accounts, progress, (sid) => restcomm.list(listPath(restcomm, sid)));
      return rows.flat().map((row) => ({
        id: candidate(row).id,
        live: liveOf(row, String(row.account_sid), {}),
        label: String(row.friendly_name ?? row.sid),
      }));
    },

    async read(restcomm: Restcomm, id: string, state: Properties, _options: ReadOptions): Promise<Properties | undefined> {
      const row = await restcomm.read(pathOf(id), distributed ? state : {});
      if (!row) return undefined;
      if (row === STALE) return state;
      return liveOf(row, id.split("/")[1]!, state);
    },

    async update(restcomm: Restcomm, id: string, changes: Properties, news: Properties): Promise<Properties> {
      const sent = { ...changes };
      if (namedAfter && sent.friendlyName === null) sent.friendlyName = news[namedAfter];
      return outputsOf(await restcomm.put(pathOf(id), toForm(inputs, sent)));
    },

    async delete(restcomm: Restcomm, id: string, state: Properties): Promise<void> {
      await restcomm.delete(pathOf(id), distributed ? state : {});
    },
  };
}
