import { boolean, byDefault, datetime, integer, notNull, unique, varchar, type Tables } from "../database";

/** Ten digits, more than the database's integers hold. */
const username = () => varchar(10, notNull);
/** An amount of money as a text, because it has a fraction. */
const money = (amount: string) => varchar(32, notNull, byDefault(amount));

/**
 * What the Account API v2.1.6 shows of itself. How VoiceTel keeps it is not known. That two accounts cannot have one
 * e-mail address is a guess on the strict side: what works here works there.
 */
export const tables: Tables = {
  accounts: {
    key: "username",
    columns: {
      username: username(),
      name: varchar(255, notNull),
      email: varchar(255, notNull, unique),
      password: varchar(10, notNull),
      apikey: varchar(32, notNull, unique),
      masterAccount: username(),
      administrator: boolean(notNull, byDefault(0)),
      rate: money("0.0075"),
      enabled: boolean(notNull, byDefault(1)),
      notify: boolean(notNull, byDefault(0)),
      notify_threshold: integer(notNull, byDefault(5)),
      caller_id: varchar(32, notNull, byDefault("")),
      created: datetime(notNull, byDefault("now")),
      cash: money("0"),
    },
  },
  registrations: { key: "username", columns: { username: username(), uri: varchar(255, notNull), agent: varchar(255, notNull) } },
  /** `at` in seconds since 1970; `value` is JSON. */
  calls: { key: "id", columns: { id: varchar(64, notNull), username: username(), at: integer(notNull), value: varchar(4096, notNull) } },
  charges: { key: "id", columns: { id: varchar(64, notNull), username: username(), description: varchar(255, notNull), sum: money("0") } },
};
