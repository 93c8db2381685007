import type { Platform } from "../resource";
import { account } from "./account";
import { application } from "./application";
import { client } from "./client";
import { incomingPhoneNumber } from "./incoming-phone-number";
import { getAccount, getApplications, getAvailablePhoneNumbers } from "./lookups";
import { Restcomm, restcommSettings } from "./platform";

export const restcomm: Platform<Restcomm> = {
  name: "restcomm",
  title: "Restcomm",
  description: "Restcomm, the CPaaS: its management API as documented, and as its open-source ancestor Restcomm-Connect behaves.",
  sid: /^[A-Z]{2}[a-zA-Z0-9]{32}$/,
  settings: restcommSettings,
  connect: (surroundings) => new Restcomm(surroundings as ConstructorParameters<typeof Restcomm>[0]),
  resources: [account, client, incomingPhoneNumber, application],
  lookups: [getAccount, getApplications, getAvailablePhoneNumbers],
};
