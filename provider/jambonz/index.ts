import type { Platform } from "../resource";
import { account } from "./account";
import { apiKey } from "./api-key";
import { application } from "./application";
import { Jambonz, jambonzSettings } from "./client";
import { limit } from "./limit";
import { getAccount, getAccounts, getServiceProvider, getServiceProviders } from "./lookups";
import { phoneNumber } from "./phone-number";
import { client } from "./sip-client";
import { sipGateway } from "./sip-gateway";
import { sipRealm } from "./sip-realm";
import { speechCredential } from "./speech-credential";
import { tenants } from "./tenants";
import { voipCarrier } from "./voip-carrier";

export const jambonz: Platform<Jambonz> = {
  name: "jambonz",
  title: "jambonz",
  description: "jambonz, the open-source CPaaS.",
  sid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  settings: jambonzSettings,
  connect: (surroundings) => new Jambonz(surroundings as ConstructorParameters<typeof Jambonz>[0]),
  resources: [account, apiKey, limit, sipRealm, speechCredential, voipCarrier, sipGateway, client, application, phoneNumber],
  lookups: [getAccount, getAccounts, getServiceProvider, getServiceProviders],
  layouts: { tenants },
};
