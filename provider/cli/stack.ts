import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { UserError } from "../errors";

/** What a stack's state says of one resource, as far as it is needed here. */
interface StateResource {
  urn: string;
  type: string;
  id?: string;
}

/** What tells an object of a platform from all others: its type and id. */
export const key = (type: string, id: string): string => `${type} ${id}`;

/** Both doors name the same type differently: pulumi-nodejs:dynamic/jambonz:Account and jambonz:index:Account. */
export const plainType = (type: string): string => type.replace(/^.*\//, "").replace(":index:", ":");

/**
 * The objects that a stack has, with their names in the program.
 *
 * @param file a file that `pulumi stack export` wrote, or - for standard input; left out, the stack selected in the current folder
 */
export function managedBy(file: string | undefined): Map<string, string> {
  const text = file === undefined ? exported() : read(file);
  let resources: StateResource[];
  try {
    const { deployment, checkpoint } = JSON.parse(text) as Record<string, any>;
    resources = ((deployment ?? checkpoint?.latest)?.resources ?? []) as StateResource[];
  } catch {
    throw new UserError(`${file ?? "pulumi stack export"} gives no state: it has to be what \`pulumi stack export\` writes`);
  }
  return new Map(resources.flatMap(({ type, id, urn }) => (id ? [[key(plainType(type), id), urn.split("::").at(-1)!]] : [])));
}

function read(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new UserError(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function exported(): string {
  try {
    return execFileSync("pulumi", ["stack", "export"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 2 ** 30 });
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    throw new UserError(
      `the state of the stack in this folder cannot be read (${(stderr || (error as Error).message).trim()}); give it with --state FILE, as \`pulumi stack export > FILE\` writes it`,
    );
  }
}

/** The configuration of the stack selected in the current folder, where there is one: the settings that are not in the environment. */
export function stackConfiguration(): (name: string) => unknown {
  let values: Record<string, { value?: unknown }> | undefined;
  return (name) => {
    if (!values) {
      const { status, stdout } = spawnSync("pulumi", ["config", "--json", "--show-secrets"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
      values = status === 0 ? (JSON.parse(stdout) as NonNullable<typeof values>) : {};
    }
    return values[name]?.value;
  };
}

/** Stores secrets in the configuration of the stack selected in the current folder, without writing them anywhere in clear. */
export function setSecrets(secrets: { key: string; value?: string }[]): void {
  for (const { key, value } of secrets) {
    if (value === undefined) continue;
    const { status, stderr } = spawnSync("pulumi", ["config", "set", "--secret", key], {
      input: value,
      encoding: "utf8",
      stdio: ["pipe", "ignore", "pipe"],
    });
    if (status !== 0) throw new UserError(`${key} cannot be stored in the stack's configuration: ${(stderr ?? "").trim()}`);
  }
}
