import type { Component, Declaration, Import, Layout } from "../layout";
import type { Properties } from "../resource";
import { account } from "./account";
import { apiKey } from "./api-key";
import { limit } from "./limit";
import { sipRealm } from "./sip-realm";

/** Where a hook of an account stands in an entry. */
const HOOKS = { registrationHook: "registration", queueEventHook: "queueEvents" } as const;

/**
 * `tenants.yaml` for the program in `examples/tenants` (whose `TenantArgs` is its schema): the program's resources have these
 * names and lie in a component for each tenant. What the file has no place for stays on the platform as it is, is not
 * managed, and is reported.
 */
export const tenants: Layout = (declarations) => {
  const imports: Import[] = [];
  const remarks: string[] = [];
  const entries: string[] = [];
  const secrets: Declaration["secrets"] = [];
  const placed = new Set<Declaration>();
  for (const tenant of declarations.filter(({ definition }) => definition === account)) {
    const own = declarations.filter(({ owner }) => owner?.is === tenant);
    const [key] = own.filter(({ definition }) => definition === apiKey);
    const limits = own.filter(({ definition }) => definition === limit);
    const { entry, left } = entryOf(tenant, key, limits);
    const parent: Component = { type: "tenants:index:Tenant", name: tenant.name };
    const common = { parent, name: tenant.name };
    const realm = tenant.inputs.sipRealm !== undefined;
    const unmanaged = [...left.map(({ property }) => property), ...(realm ? ["sipRealm"] : [])];
    imports.push({ ...common, definition: account, id: tenant.id, unmanaged });
    if (key) imports.push({ ...common, definition: apiKey, id: key.id, unmanaged: Object.keys(key.inputs), local: NOT_ROTATED });
    for (const { id, inputs } of limits) imports.push({ parent, definition: limit, id, name: `${tenant.name}-${String(inputs.category)}` });
    if (realm) imports.push({ ...common, definition: sipRealm, id: tenant.id });
    const notes = left.map(({ property, because }) => `${property} is left as it is on the platform, because ${because}`);
    for (const property of Object.keys(key?.inputs ?? {})) notes.push(`${property} of its key is left as it is, because ${NO_PLACE}`);
    for (const each of [tenant, ...limits, ...(key ? [key] : [])]) placed.add(each);
    const others = own.filter((each) => !placed.has(each));
    for (const { definition, id } of others) {
      const why = definition === apiKey ? "tenants.yaml has one key for each tenant" : NO_PLACE;
      notes.push(`${definition.type} ${id} is left out, because ${why}`);
    }
    others.forEach((each) => placed.add(each));
    remarks.push(...notes.map((note) => `${tenant.name} (${tenant.id}): ${note}`));
    secrets.push(...tenant.secrets.filter(({ path }) => path[0]! in HOOKS));
    entries.push([...notes.map((note) => `# TODO: ${note.replace(/\s+/g, " ")}`), ...yaml({ [tenant.name]: entry })].join("\n"));
  }
  for (const declaration of declarations.filter((each) => !placed.has(each)))
    remarks.push(`${declaration.definition.type} ${declaration.id} is left out, because it belongs to no tenant that is exported`);
  return { files: { "tenants.yaml": `${HEADER}${entries.join("\n\n")}\n` }, imports, secrets, remarks };
};

const HEADER =
  "# One entry for each tenant. The key is its name in Pulumi and must stay. Everything below it may change, save serviceProvider.\n# What an entry may hold is listed in index.ts.\n";
/** What the program says of a key whose entry has no `rotateKey`: with it in state, the first one makes a new key. */
const NOT_ROTATED = { rotateWhenChanged: { rotateKey: "" } };
const NO_PLACE = "tenants.yaml has no place for it";

/** What stands in the file of a tenant, and which inputs of its account are left. */
function entryOf({ inputs, secrets, unmanaged }: Declaration, key: Declaration | undefined, limits: Declaration[]) {
  const {
    name,
    serviceProviderSid: serviceProvider,
    sipRealm: realm,
    isActive,
    recordAllCalls,
    registrationHook,
    queueEventHook,
    ...others
  } = inputs;
  const hooks = Object.entries({ registrationHook, queueEventHook }).filter(([, hook]) => hook !== undefined);
  const left = [...unmanaged, ...Object.keys(others).map((property) => ({ property, because: NO_PLACE }))];
  const entry = {
    name,
    serviceProvider, // declared only if the exported accounts have several
    realm,
    hooks: Object.fromEntries(
      hooks.map(([property, hook]) => {
        const password = secrets.find(({ path }) => path[0] === property);
        return [HOOKS[property as keyof typeof HOOKS], { ...(hook as Properties), passwordFrom: password?.key }];
      }),
    ),
    limits: Object.fromEntries(limits.map(({ inputs: { category, quantity } }) => [String(category), quantity])),
    active: isActive,
    keepRecordings: recordAllCalls,
    apiKey: key ? undefined : false,
  };
  return { entry, left };
}

/** Block maps of YAML, of which JSON's texts, numbers and booleans are a part. What is empty is left out. */
function yaml(map: Properties, indent = ""): string[] {
  return Object.entries(map).flatMap(([name, value]) => {
    const key = `${indent}${/^[a-z][a-zA-Z_-]{2,}\w*$/.test(name) && !/^(true|false|null|yes|off)$/.test(name) ? name : JSON.stringify(name)}:`;
    if (value === undefined) return [];
    if (typeof value !== "object" || value === null) return [`${key} ${JSON.stringify(value)}`];
    const inner = yaml(value as Properties, `${indent}  `);
    return inner.length > 0 ? [key, ...inner] : [];
  });
}
