import { badRequest, failure } from "./errors";
import { isObscured, isObscuredServiceKey, obscure, obscureServiceKey } from "./secrets";

type Credential = Record<string, unknown>;

const s3Parts = {
  access_key_id: "invalid aws S3 bucket credential: access_key_id is required",
  secret_access_key: "invalid aws S3 bucket credential: secret_access_key is required",
  name: "invalid aws bucket name: name is required",
};

interface Vendor {
  /** The secret part, and how to tell and how to make its obscured form. */
  secret: string;
  isObscured: (secret: unknown) => boolean;
  obscure: (secret: string) => unknown;
  /** What must be there, in the order of asking, and what is said where it is not. */
  required: Record<string, string>;
  /** All parts that are stored; others are dropped. */
  parts: readonly string[];
}

const obscuredText = { isObscured, obscure: (secret: string) => obscure(secret) };

/** Where recordings go: jambonz-api-server 0.9.6, lib/routes/api/accounts.js, `encryptBucketCredential`. */
const vendors: Record<string, Vendor> = {
  aws_s3: {
    secret: "secret_access_key",
    ...obscuredText,
    required: { ...s3Parts, region: "invalid aws bucket region: region is required" },
    parts: ["region", "name", "access_key_id", "secret_access_key", "tags"],
  },
  s3_compatible: {
    secret: "secret_access_key",
    ...obscuredText,
    required: { ...s3Parts, endpoint: "invalid endpoint uri: endpoint is required" },
    parts: ["endpoint", "name", "access_key_id", "secret_access_key", "tags", "region"],
  },
  google: {
    secret: "service_key",
    isObscured: isObscuredServiceKey,
    obscure: (serviceKey) => JSON.stringify(obscureServiceKey(serviceKey)),
    required: { service_key: "invalid google cloud storage credential: service_key is required" },
    parts: ["name", "service_key", "tags"],
  },
  azure: {
    secret: "connection_string",
    ...obscuredText,
    required: {
      name: "invalid azure container name: name is required",
      connection_string: "invalid azure cloud storage credential: connection_string is required",
    },
    parts: ["name", "connection_string", "tags"],
  },
};

/** What the column shows: null, the credential, or `{}` where something else was stored. */
export function readCredential(stored: unknown): Credential | null {
  if (typeof stored !== "string") return null;
  try {
    return JSON.parse(stored) as Credential;
  } catch {
    return {};
  }
}

export function obscureCredential(credential: Credential | null): Credential | null {
  const vendor = vendors[String(credential?.["vendor"])];
  if (!credential || !vendor) return credential;
  return { ...credential, [vendor.secret]: vendor.obscure(String(credential[vendor.secret])) };
}

/** What an update stores for a credential: an obscured secret keeps the stored one, an empty object becomes garbage. */
export function writeCredential(given: unknown, stored: Credential | null): unknown {
  if (given === null || given === undefined || Object.keys(given).length === 0) return given;
  const credential = given as Credential;
  if (credential["vendor"] === "none") return null;
  const vendor = vendors[String(credential["vendor"])];
  if (!vendor) throw badRequest(`unknown storage vendor: ${String(credential["vendor"])}`);
  const missing = Object.keys(vendor.required).find((part) => !credential[part]);
  if (missing !== undefined) throw failure(vendor.required[missing]!);
  const kept = stored && vendor.isObscured(credential[vendor.secret]) ? { [vendor.secret]: stored[vendor.secret] } : {};
  const parts = vendor.parts.map((part) => [part, credential[part]] as const);
  return JSON.stringify({ vendor: credential["vendor"], ...Object.fromEntries(parts), ...kept });
}
