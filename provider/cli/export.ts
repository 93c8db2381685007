import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors";
import type { Arrangement, Layout } from "../layout";
import { declare, type Declared } from "./declare";
import { importList, type Door, type ImportList } from "./import-list";
import type { Item } from "./inventory";
import { key, plainType } from "./stack";

export const LIST = "import.json";

/** Everything that an export writes, and what it says about it. */
export interface Export extends Pick<Arrangement, "secrets" | "remarks"> {
  /** Texts by the names of their files. */
  files: Record<string, string>;
}

/** What brings these items under Pulumi: the list that imports them and, through the package, what declares them. */
export function exported(items: Item[], door: Door, layout: Layout): Export {
  const declared = declare(items);
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
    ...declaration.secrets
      .filter(({ path, value }) => path.length > 1 || value === undefined)
      .map(
        ({ path }) => `${labelled(declaration)}: ${path.join(".")} is not imported; declare it, and the next \`pulumi up\` sends it once`,
      ),
    ...declaration.unmanaged.map(({ because }) => `${labelled(declaration)} has to be put right in the program: ${because}`),
  ]);
  return { files: {}, imports: items.map(({ definition, id, name }) => ({ definition, id, name })), secrets: [], remarks };
}

const labelled = ({ definition, name, id }: Pick<Item, "definition" | "name" | "id">) =>
  `${definition.type} ${JSON.stringify(name)} (${id})`;

/** The names that an earlier export into a folder gave, by the objects' keys. */
export function namesIn(folder: string): Map<string, string> {
  const file = join(folder, LIST);
  if (!existsSync(file)) return new Map();
  try {
    const { resources } = JSON.parse(readFileSync(file, "utf8")) as ImportList;
    return new Map(resources.flatMap(({ type, id, name, logicalName }) => (id ? [[key(plainType(type), id), logicalName ?? name]] : [])));
  } catch {
    throw new UserError(`${file} is there, but is no import list; give another folder`);
  }
}

/**
 * Writes files into a folder.
 *
 * @param force whether what somebody may have changed is written over
 * @throws UserError before anything is written
 * @returns the paths of the files
 */
export function write(folder: string, files: Record<string, string>, { force }: { force: boolean }): string[] {
  const paths = Object.entries(files).map(([name, text]) => ({ path: join(folder, name), text }));
  const different = paths.filter(({ path, text }) => existsSync(path) && readFileSync(path, "utf8") !== text).map(({ path }) => path);
  if (different.length > 0 && !force)
    throw new UserError(
      `${different.join(", ")}: there already, and not as it would be written now; nothing is written. Give another folder, or --force to write over it`,
    );
  mkdirSync(folder, { recursive: true });
  for (const { path, text } of paths) writeFileSync(path, text);
  return paths.map(({ path }) => path);
}
