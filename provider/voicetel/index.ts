import type { Platform } from "../resource";
import { account } from "./account";
import { apiKey } from "./api-key";
import { VoiceTel, voicetelSettings } from "./client";
import { getAccountInformation, getCallRecords, getMonthlyCharges, getRegistration } from "./lookups";

export const voicetel: Platform<VoiceTel> = {
  name: "voicetel",
  title: "VoiceTel",
  description: "VoiceTel, by its Account API v2.1.",
  settings: voicetelSettings,
  connect: (surroundings) => new VoiceTel(surroundings as ConstructorParameters<typeof VoiceTel>[0]),
  resources: [account, apiKey],
  lookups: [getAccountInformation, getCallRecords, getMonthlyCharges, getRegistration],
};
