import { boolean, byDefault, datetime, notNull, text, unique, varchar, type Tables } from "../database";

const sid = () => varchar(34);
const dates = { date_created: datetime(notNull, byDefault("now")), date_updated: datetime(notNull, byDefault("now")) };
/** The four parameters with which a kind of call or message is handled: `voice_url`, `voice_method` and so on. */
const handler = (kind: string) => ({
  [`${kind}_url`]: text(),
  [`${kind}_method`]: varchar(4, byDefault("POST")),
  [`${kind}_fallback_url`]: text(),
  [`${kind}_fallback_method`]: varchar(4, byDefault("POST")),
  [`${kind}_application_sid`]: sid(),
});

/** Columns are the members of the platform's JSON answers, save those that the answers leave out; lengths from its scripts/mariadb/init.sql. */
export const tables = {
  accounts: {
    key: "sid",
    columns: {
      sid: sid(),
      /** Never told to clients. */
      parent_sid: sid(),
      organization: sid(),
      friendly_name: varchar(64, notNull),
      email_address: varchar(255, notNull),
      type: varchar(8, byDefault("Full")),
      status: varchar(16, byDefault("active")),
      role: varchar(64, notNull),
      auth_token: varchar(32, notNull),
      ...dates,
    },
  },
  clients: {
    key: "sid",
    columns: {
      sid: sid(),
      account_sid: sid(),
      api_version: varchar(10, byDefault("2012-04-24")),
      friendly_name: varchar(64, notNull),
      login: varchar(64, notNull, unique),
      password: varchar(64, notNull),
      password_algorithm: varchar(8, byDefault("MD5")),
      status: varchar(1, byDefault("1")),
      voice_url: text(),
      voice_method: varchar(4, byDefault("POST")),
      voice_fallback_url: text(),
      voice_fallback_method: varchar(4, byDefault("POST")),
      voice_application_sid: sid(),
      ...dates,
    },
  },
  incoming_phone_numbers: {
    key: "sid",
    columns: {
      sid: sid(),
      account_sid: sid(),
      phone_number: varchar(30, notNull, unique),
      friendly_name: varchar(64, notNull),
      ...handler("voice"),
      voice_caller_id_lookup: boolean(byDefault(0)),
      ...handler("sms"),
      ...handler("ussd"),
      refer_url: text(),
      refer_method: varchar(4, byDefault("POST")),
      refer_application_sid: sid(),
      status_callback: text(),
      status_callback_method: varchar(4, byDefault("POST")),
      api_version: varchar(10, byDefault("2012-04-24")),
      ...dates,
    },
  },
  applications: {
    key: "sid",
    columns: {
      sid: sid(),
      account_sid: sid(),
      friendly_name: varchar(64, notNull),
      api_version: varchar(10, byDefault("2012-04-24")),
      voice_caller_id_lookup: boolean(byDefault(0)),
      rcml_url: text(),
      kind: varchar(5),
      ...dates,
    },
  },
} satisfies Tables;

export type TableName = keyof typeof tables;
