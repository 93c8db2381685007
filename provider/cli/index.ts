import { basename, join, resolve } from "node:path";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { doors, type Door } from "../adoption";
import { version } from "../../sdk/version";
import { UserError } from "../errors";
import { hasFormat, wrongId } from "../ids";
import { platform, platformNames, resourceOf } from "../platforms";
import { Session } from "../session";
import { suggestion } from "../validate";
import type { Import, Layout } from "../layout";
import type { Platform } from "../resource";
import type { IsOtherSecret } from "./declare";
import { exported, isOfModules, LIST, namesIn, write } from "./export";
import { importList, neededCli } from "./import-list";
import { inventory, isAskedFor, type Filter, type Item, type Names } from "./inventory";
import { orphans, report, told } from "./orphans";
import { program } from "./program";
import {
  cliVersion,
  isOtherSecret,
  key,
  noStack,
  plainType,
  setSecrets,
  stackConfiguration,
  stackHere,
  stackOf,
  type Stack,
} from "./stack";

const DEBUG = "PULUMI_CPAAS_DEBUG";
/** Where the advice takes the list of `adopt` to be, and where it lets Pulumi write the plugin's program. */
const LIST_OF_ADOPT = "adopt.json";
const PROGRAM_OF_IMPORT = "adopted.yaml";

const USAGE = `Usage: npx pulumi-cpaas <command>

  adopt <type> <name> <id>   prints the import list that brings one existing object under Pulumi, for example
                             npx pulumi-cpaas adopt jambonz:Account acme 3f2504e0-4f89-41d3-9a0c-0305e82c3301 > ${LIST_OF_ADOPT}
    --leave PROPERTY         an input that your program does not declare although the platform has it, such as the
                             sipRealm of an account whose realm is a SipRealm; may be given several times; not with
                             --door plugin
    --parent TYPE::NAME      what it lies in, as the end of a URN: a component such as my:index:Tenant::acme, which the
                             import makes where the stack does not have it, or a resource that it has; or a whole URN

  orphans                    lists what is on the platform and not in the state of the stack in this folder, each
                             with the command that adopts it, and ends with 1 when there is anything
    --json                   as a list in JSON, of {type, id, label, createdAt, adopt}

  export --out DIR           writes import.json, for \`pulumi import\`, and index.ts, a program that declares the same;
                             what it cannot declare is told, and stands in the program as a to-do
    --split                  one file for each account, and for each carrier or LCR of a service provider, which
                             index.ts loads; not with --as or --door plugin
    --unprotected            without \`protect: true\`, by which Pulumi refuses to delete what was taken over until
                             it is taken out; not with --as
    --as tenants             writes tenants.yaml, for examples/tenants, instead of a program; of jambonz only, and
                             not with --door plugin
    --set-secrets            also stores the secrets that the platform tells in the configuration of the stack in
                             this folder, encrypted; not with --door plugin
    --force                  writes over files that are there and different
    --dry-run                only counts, and needs no --out

Of all three:
    --door DOOR              package or plugin, through which the stack has its resources. Default: package; of
                             orphans, the one through which it has any. For the plugin, adopt and export write the
                             list only, and Pulumi the program

Of orphans and export:
    --platform NAME          one of ${platformNames.join(", ")}; default: ${platformNames[0]}
    --state FILE             the state that \`pulumi stack export\` wrote to FILE (- for standard input) instead of
                             that of the stack in this folder; may be given several times, once for each stack;
                             export leaves out what they have, and needs none
    --type TYPE              only this type, such as jambonz:Limit; may be given several times
    --name PATTERN           only accounts of such a name, with what belongs to them; * is any text
    --service-provider SID   only accounts of this service provider, with what belongs to them; of jambonz only
    --allow-none             takes it for right that the platform has nothing of such a name or service provider,
                             which is an error otherwise: the filter may be mistyped

  --help, --version          print this, and the version of pulumi-cpaas

Settings come from the environment and from the configuration of the stack in this folder. Results go to standard
output, everything else to standard error. It ends with 0; with 1 when orphans were found; with 2 when it failed.
${DEBUG}=1 shows where an unexpected error comes from.
`;

/** What may follow a command on the command line. */
type Values = Record<string, any>;

const filters = {
  platform: { type: "string" },
  state: { type: "string", multiple: true },
  type: { type: "string", multiple: true },
  name: { type: "string" },
  "service-provider": { type: "string" },
  "allow-none": { type: "boolean" },
} as const;

interface Command {
  options: NonNullable<ParseArgsConfig["options"]>;
  allowPositionals?: boolean;
  run: (values: Values, positionals: string[]) => number | Promise<number>;
}

const commands: Record<string, Command> = {
  adopt: {
    options: { door: { type: "string" }, leave: { type: "string", multiple: true }, parent: { type: "string" } },
    allowPositionals: true,
    run: adopt,
  },
  orphans: { options: { ...filters, door: { type: "string" }, json: { type: "boolean" } }, run: listOrphans },
  export: {
    options: {
      ...filters,
      out: { type: "string" },
      door: { type: "string" },
      as: { type: "string" },
      split: { type: "boolean" },
      unprotected: { type: "boolean" },
      "set-secrets": { type: "boolean" },
      force: { type: "boolean" },
      "dry-run": { type: "boolean" },
    },
    run: exportAll,
  },
};

/** What `npx pulumi-cpaas` does. Results go to standard output, everything else to standard error. */
export async function run(args: string[]): Promise<number> {
  try {
    const [name = "--help", ...rest] = args;
    if (["--version", "-v"].includes(name)) {
      process.stdout.write(`${version}\n`);
      return 0;
    }
    if (["--help", "-h", "help"].includes(name) || rest.some((argument) => ["--help", "-h"].includes(argument))) {
      process.stdout.write(USAGE);
      return 0;
    }
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command) throw new UserError(`there is no command ${name}, only ${Object.keys(commands).join(", ")}`);
    const { values, positionals } = parse(rest, command);
    return await command.run(values, positionals);
  } catch (error) {
    say(error instanceof UserError ? error.message : unexpected(error as Error));
    return 2;
  }
}

function unexpected({ message, stack }: Error): string {
  if (process.env[DEBUG]) return stack ?? message;
  return `pulumi-cpaas failed unexpectedly: ${message.replace(/\.$/, "")}. Run it with ${DEBUG}=1 to see where, and include that in a bug report`;
}

function parse(args: string[], { options, allowPositionals = false }: Command) {
  try {
    const parsed = parseArgs({ args, allowPositionals, options, tokens: true });
    const given = parsed.tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
    // The last one alone would count.
    const twice = given.find((name, at) => options[name]!.type === "string" && !options[name]!.multiple && given.indexOf(name) < at);
    if (twice !== undefined) throw new Error(`--${twice} is given more than once, and takes one value`);
    return parsed;
  } catch (error) {
    throw new UserError(`${(error as Error).message}; run \`npx pulumi-cpaas --help\` for what there is`);
  }
}

const say = (message: string) => void process.stderr.write(`${message}\n`);

function connected({ platform: name = platformNames[0] }: Values): Session {
  return new Session(platform(String(name)), { config: stackConfigurationOf(String(name)), log: say });
}

function stackConfigurationOf(name: string): (setting: string) => unknown {
  const values = stackConfiguration();
  return (setting) => values(`${name}:${setting}`);
}

function doorOf({ door: given }: Values, otherwise: Door = doors[0]): Door {
  const door: unknown = given ?? otherwise;
  if (!doors.includes(door as Door)) throw new UserError(`there is no door ${String(door)}, only ${doors.join(" and ")}`);
  return door as Door;
}

function adopt(values: Values, [type, name, id, ...more]: string[]): number {
  if (!type || !name || !id || more.length > 0)
    throw new UserError("adopt needs a type, a name and an id, such as: adopt jambonz:Account acme 3f2504e0-4f89-41d3-9a0c-0305e82c3301");
  const door = doorOf(values);
  const { platform, definition } = resourceOf(type);
  if (!hasFormat(platform, definition, id)) throw new UserError(wrongId(definition, id));
  const refusal = definition.refuseAdopt?.(id);
  if (refusal) throw new UserError(`${id} cannot be adopted: ${refusal}`);
  const { managed, read, urns } = stackHere();
  if (read.get(key(type, id)) === name)
    throw new UserError(
      `the program of the stack in this folder only reads ${type} ${id}, as "${name}"; take that out of it, deploy, and adopt it then, or give it another name`,
    );
  const known = managed.get(key(type, id));
  if (known !== undefined) {
    const urn = urns.find((each) => each.key === key(type, id))!.urn;
    throw new UserError(
      `${type} ${id} is in the state of the stack in this folder already, as "${known}"; adopt nothing: where the program gives the resource another name now, give it the option aliases: [{ name: ${JSON.stringify(known)} }], and where it lies in another parent now, aliases: [${JSON.stringify(urn)}]`,
    );
  }
  const parent = values.parent === undefined ? undefined : parentOf(String(values.parent), urns);
  const unmanaged = (values.leave ?? []) as string[];
  if (unmanaged.length > 0 && door === "plugin")
    throw new UserError("through the plugin an import takes everything, so --leave cannot be given; use the option ignoreChanges");
  for (const property of unmanaged)
    if (!Object.hasOwn(definition.inputs.shape as object, property))
      throw new UserError(
        `${property} is not a property of ${type}; ${suggestion(property, Object.keys(definition.inputs.shape as object))}`,
      );
  process.stdout.write(`${JSON.stringify(importList([{ definition, name, id, unmanaged, parent }], door), null, 2)}\n`);
  if (door === "package")
    say("The import protects it, as every import by Pulumi does: declare it with protect: true, or the next pulumi up lifts that.");
  tellNext(importCommand(LIST_OF_ADOPT, door), door);
  return 0;
}

/**
 * What an adopted resource lies in.
 *
 * @param text a URN, or its end, `type::name`
 * @param urns what the stack has
 * @throws UserError where that is nothing, or several
 */
function parentOf(text: string, urns: Stack["urns"]): NonNullable<Import["parent"]> {
  const [, type = "", name = ""] = /^(.+?)::(.+)$/s.exec(text) ?? [];
  const found = urns.filter((each) => each.urn === text || (each.type === plainType(type) && each.name === name));
  if (found.length > 1)
    throw new UserError(
      `several resources of the stack in this folder are ${type} "${name}"; give --parent one of ${found.map(({ urn }) => urn).join(", ")}`,
    );
  if (found.length === 1) return { urn: found[0]!.urn };
  if (type.startsWith("urn:") || platformNames.includes(type.split(":")[0]!))
    throw new UserError(`--parent ${text} is not in the state of the stack in this folder; adopt or deploy it first`);
  if (!/^[^:\s]+:[^:\s]*:[^:\s]+$/.test(type))
    throw new UserError(`--parent needs a type and a name, such as my:index:Tenant::acme, or a URN of \`pulumi stack --show-urns\``);
  say(`${type} "${name}" is not in the state of the stack in this folder, so the import makes it, as a component.`);
  return { type, name };
}

/** The commands that take a list, in one line. The package's resources are filled in by a refresh, the plugin's by the import itself. */
function importCommand(file: string, door: Door, options = ""): string {
  const path = /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`;
  if (door === "plugin") return `pulumi import --file ${path}${options} --yes --out ${PROGRAM_OF_IMPORT}`;
  return `pulumi import --file ${path} --generate-code=false${options} --yes && pulumi refresh --yes`;
}

/** Tells the commands that take the list that was made, and whether the CLI at hand is too old for them. */
function tellNext(commands: string, door: Door): void {
  const own = cliVersion();
  const needed = neededCli(own, door);
  if (needed) say(`The list needs the Pulumi CLI ${needed} or newer; the one on PATH is ${own}. Update it before you go on.`);
  say(`Next: ${commands}`);
}

async function listOrphans(values: Values): Promise<number> {
  const session = connected(values);
  const filter = filterOf(session.platform, values);
  const { managed, read, doors: own } = stackOf(values.state as string[] | undefined);
  // What a stack has tells by which door the next comes in.
  const door = doorOf(values, own.size === 1 ? [...own][0] : undefined);
  // What the program reads is known to it, and nobody's orphan.
  const known = new Map([...read, ...managed]);
  const found = orphans(await items(session, filter, values, { known }), known);
  const list = told(found, door);
  if (values.json) process.stdout.write(`${JSON.stringify(list, null, 2)}\n`);
  else if (list.length > 0) process.stdout.write(`${report(list)}\n`);
  const { host } = session.client.http;
  say(found.length > 0 ? `${found.length} on ${host} and not in the state.` : `Everything on ${host} that was looked for is in the state.`);
  return found.length > 0 ? 1 : 0;
}

async function exportAll(values: Values): Promise<number> {
  if (!values.out && !values["dry-run"]) throw new UserError("export needs --out DIR (or --dry-run)");
  const door = doorOf(values);
  const { managed, read } = values.state !== undefined ? stackOf(values.state as string[]) : noStack();
  const session = connected(values);
  const filter = filterOf(session.platform, values);
  const layout = layoutOf(session.platform, values, door);
  const known = values.out ? namesIn(String(values.out)) : new Map<string, string>();
  const all = await items(session, filter, values, { known: new Map([...known, ...managed]), taken: read.values() });
  const wanted = all.filter(({ definition, id }) => !managed.has(key(definition.type, id)));
  if (values["dry-run"]) {
    say(`${wanted.length} to export${all.length > wanted.length ? `, ${all.length - wanted.length} in the state already` : ""}.`);
    return 0;
  }
  const folder = String(values.out);
  const { files, secrets, remarks } = exported(wanted, door, layout, values["set-secrets"] ? isAnothers(known) : undefined);
  for (const path of write(folder, files, { force: values.force === true })) say(`${path} written`);
  for (const remark of remarks) say(session.redactor.clean(`Note: ${remark}`));
  if (values["set-secrets"]) setSecrets(secrets);
  else if (secrets.length > 0)
    say(
      `The program takes ${secrets.length} secrets from the stack's configuration: ${secrets.map((secret) => secret.key).join(", ")}. --set-secrets stores those that the platform tells.`,
    );
  tellNext(importCommand(join(folder, LIST), door, values.unprotected ? " --protect=false" : ""), door);
  say(`Then run pulumi preview with the program${loadedBy(folder, values, door)}.`);
  return 0;
}

/** How a program beside a folder loads the one that was written into it. */
function loadedBy(folder: string, { as }: Values, door: Door): string {
  if (door === "plugin" || as !== undefined || resolve(folder) === process.cwd()) return "";
  return `, which one beside it loads by \`import "./${basename(resolve(folder))}${isOfModules(folder) ? "/index.js" : ""}";\``;
}

function layoutOf({ name, layouts = {} }: Platform, values: Values, door: Door): Layout {
  const { as, split, out = ".", unprotected, "set-secrets": secrets } = values;
  if (door === "plugin" && (as ?? split ?? secrets) !== undefined)
    throw new UserError("through the plugin only the import list is written, so none of --as, --split and --set-secrets can be given");
  if (as === undefined)
    return (declarations) => program(declarations, { split: split === true, modules: isOfModules(String(out)), protect: !unprotected });
  if (split) throw new UserError("--split is for programs, and not for --as");
  if (unprotected) throw new UserError("--unprotected is for programs, and not for --as, whose own entries say what is protected");
  const layout = Object.hasOwn(layouts, String(as)) ? layouts[String(as)] : undefined;
  if (layout) return layout;
  const names = Object.keys(layouts);
  throw new UserError(
    `${name} has no form ${String(as)}${names.length > 0 ? `, only ${names.join(", ")}` : ""}; without --as a program is written`,
  );
}

/** @throws UserError for what the platform does not have, which would find nothing and look as if there were nothing */
function filterOf({ title, sid, resources }: Platform, { type: types, name, "service-provider": serviceProviderSid }: Values): Filter {
  const known = resources.map(({ type }) => type);
  for (const type of (types ?? []) as string[])
    if (!known.includes(type)) throw new UserError(`${title} has no type ${type}; ${suggestion(type, known)}`);
  // What looks at nothing must not seem to find nothing.
  const asked = resources.filter((definition) => isAskedFor(definition, { types: types as string[] | undefined }));
  const [unlisted] = types ? asked.filter((definition) => definition.list === undefined) : [];
  if (unlisted) throw new UserError(unlisted.unlisted ?? `${unlisted.type} cannot be listed`);
  if (asked.every((definition) => definition.list === undefined))
    throw new UserError(
      `${title} lists nothing, so nothing can be looked for: ${asked.flatMap(({ unlisted }) => unlisted ?? []).join("; ")}`,
    );
  if (serviceProviderSid !== undefined) {
    if (!resources.some(({ inputs }) => Object.hasOwn(inputs.shape as object, "serviceProviderSid")))
      throw new UserError(`${title} has no service providers, so --service-provider cannot be given`);
    if (sid && !sid.test(String(serviceProviderSid))) throw new UserError(`"${serviceProviderSid}" is not the sid of a service provider`);
  }
  return {
    types: types as string[] | undefined,
    name: name as string | undefined,
    where: { serviceProviderSid: serviceProviderSid as string | undefined },
  };
}

/** @param known what an earlier export into the same folder has named, whose secrets these are, and which may have changed since */
function isAnothers(known: ReadonlyMap<string, string>): IsOtherSecret {
  const isOther = isOtherSecret();
  return ({ definition, id }, name, value) => !known.has(key(definition.type, id)) && isOther(name, value);
}

/** @throws UserError where the filter is of nothing on the platform: what is watched for by a mistyped one would never be found */
async function items(session: Session, filter: Filter, values: Values, names: Names): Promise<Item[]> {
  const { items, matched } = await inventory(session, filter, names, say).catch((error: Error) => {
    throw new UserError(session.redactor.clean(error.message));
  });
  const given = ["name", "service-provider"].filter((option) => values[option] !== undefined);
  if (matched || given.length === 0 || values["allow-none"] === true) return items;
  const filters = given.map((option) => `--${option} ${JSON.stringify(values[option])}`).join(" ");
  throw new UserError(
    `${session.client.http.host} shows nothing that matches ${filters} to the key in use; give another filter, or --allow-none where that is right`,
  );
}
