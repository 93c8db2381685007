import type { Platform } from "../resource";
import { account } from "./account";
import { apiKey } from "./api-key";
import { application } from "./application";
import { Jambonz, jambonzSettings } from "./client";
import { lcr } from "./lcr";
import { lcrDefaultEntry } from "./lcr-default";
import { lcrCarrierSetEntry } from "./lcr-entry";
import { lcrRoute } from "./lcr-route";
import { limit } from "./limit";
import { getAccount, getAccounts, getServiceProvider, getServiceProviders } from "./lookups";
import { phoneNumber } from "./phone-number";
import { serviceProvider } from "./service-provider";
import { client } from "./sip-client";
import { sipGateway } from "./sip-gateway";
import { sipRealm } from "./sip-realm";
import { smppGateway } from "./smpp-gateway";
import { speechCredential } from "./speech-credential";
import { microsoftTeamsTenant } from "./teams-tenant";
import { tenants } from "./tenants";
import { user } from "./user";
import { voipCarrier } from "./voip-carrier";

export const jambonz: Platform<Jambonz> = {
  name: "jambonz",
  title: "jambonz",
  description: "jambonz, the open-source CPaaS.",
  sid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  settings: jambonzSettings,
  connect: (surroundings) => new Jambonz(surroundings as ConstructorParameters<typeof Jambonz>[0]),
  resources: [
    account,
    apiKey,
    limit,
    sipRealm,
    serviceProvider,
    user,
    speechCredential,
    voipCarrier,
    sipGateway,
    smppGateway,
    client,
    application,
    phoneNumber,
    microsoftTeamsTenant,
    lcr,
    lcrRoute,
    lcrCarrierSetEntry,
    lcrDefaultEntry,
  ],
  lookups: [getAccount, getAccounts, getServiceProvider, getServiceProviders],
  layouts: { tenants },
};
