import { existsSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import type { Door } from "../adoption";
import { UserError } from "../errors";
import type { Arrangement, Layout } from "../layout";
import { parsed } from "../values";
import { declare, isCompared, type Declared, type IsOtherSecret } from "./declare";
import { importList } from "./import-list";
import type { Item } from "./inventory";
import { key, plainType } from "./stack";

export const LIST = "import.json";

/** Everything that an export writes, and what it says about it. */
export interface Export extends Pick<Arrangement, "secrets" | "remarks"> {
  /** Texts by the names of their files. */
  files: Record<string, string>;
}

/** What brings these items under Pulumi: the list that imports them and, through the package, what declares them. */
export function exported(items: Item[], door: Door, layout: Layout, isOther?: IsOtherSecret): Export {
  const declared = declare(items, isOther);
  const { files, imports, secrets, remarks } = door === "plugin" ? forPlugin(items, declared) : layout(declared.declarations);
  const list = `${JSON.stringify(importList(imports, door), null, 2)}\n`;
  const impossible = declared.impossible.map(
    ({ item, because }) => `${labelled(item)} ${door === "plugin" ? "has to be put right in the program" : "is left out"}: ${because}`,
  );
  return { files: { [LIST]: list, ...files }, secrets, remarks: [...impossible, ...remarks] };
}

/** The plugin reads by the id alone, without secrets inside of objects, and Pulumi writes the program. */
function forPlugin(items: Item[], { declarations }: Declared): Arrangement {
  const remarks = declarations.flatMap((declaration) => [
    ...declaration.secrets.map(({ path }) => {
      const then = isCompared(declaration, path) ? "compares it with what the platform shows of it" : "sends it once";
      return `${labelled(declaration)}: ${path.join(".")} is not imported; declare it, and the next \`pulumi up\` ${then}`;
    }),
    ...declaration.unmanaged.map(({ because }) => `${labelled(declaration)} has to be put right in the program: ${because}`),
  ]);
  return { files: {}, imports: items.map(({ definition, id, name }) => ({ definition, id, name })), secrets: [], remarks };
}

const labelled = ({ definition, name, id }: Pick<Item, "definition" | "name" | "id">) =>
  `${definition.type} ${JSON.stringify(name)} (${id})`;

/** An import list, as far as it tells names. */
const namingList = z.object({
  resources: z.array(z.object({ type: z.string(), name: z.string(), logicalName: z.string().optional(), id: z.string().optional() })),
});

/**
 * The names that an earlier export into a folder gave, by the objects' keys.
 *
 * @throws UserError where nothing can be exported into it
 */
export function namesIn(folder: string): Map<string, string> {
  if (existsSync(folder) && !statSync(folder).isDirectory()) throw new UserError(`${folder} is no folder; give another`);
  const file = join(folder, LIST);
  if (!existsSync(file)) return new Map();
  const list = parsed(textOf(file), namingList);
  if (!list) throw new UserError(`${file} is there, but is no import list; give another folder`);
  const named = list.resources.flatMap(({ type, id, name, logicalName }) =>
    id ? [[key(plainType(type), id), logicalName ?? name] as const] : [],
  );
  return new Map(named);
}

/** Whether programs in a folder are ES modules, whose imports name files in full: the nearest `package.json` says so. */
export function isOfModules(folder: string): boolean {
  for (let above = resolve(folder), below = ""; above !== below; below = above, above = dirname(above)) {
    const file = join(above, "package.json");
    if (existsSync(file)) return parsed(textOf(file), z.object({ type: z.string().optional() }))?.type === "module";
  }
  return false;
}

function textOf(path: string): string {
  // What is behind a link may lie anywhere.
  if (!lstatSync(path).isFile()) throw new UserError(`${path} is there, but is no plain file; give another folder`);
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UserError(`${path} cannot be read: ${(error as Error).message}`);
  }
}

/**
 * Writes files into a folder.
 *
 * @param force whether what somebody may have changed is written over
 * @throws UserError where there is something else, before anything is written
 * @returns the paths of the files
 */
export function write(folder: string, files: Record<string, string>, { force }: { force: boolean }): string[] {
  const paths = Object.entries(files).map(([name, text]) => ({ path: join(folder, fileName(name)), text }));
  orRefuse(folder, () => mkdirSync(folder, { recursive: true }));
  const isThere = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  const different = paths.filter(({ path, text }) => isThere(path) && textOf(path) !== text).map(({ path }) => path);
  if (different.length > 0 && !force)
    throw new UserError(
      `${different.join(", ")}: there already, and not as it would be written now; nothing is written. Give another folder, or --force to write over it`,
    );
  for (const { path, text } of paths) orRefuse(path, () => writeFileSync(path, text));
  return paths.map(({ path }) => path);
}

function orRefuse(path: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    throw new UserError(`${path} cannot be written: ${(error as Error).message}`);
  }
}

/** Nothing is written elsewhere, whatever a layout makes of names. */
function fileName(name: string): string {
  if (name !== basename(name)) throw new Error(`${name} is no name of a file`);
  return name;
}
