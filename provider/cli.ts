import { parseArgs } from "node:util";
import { UserError } from "./errors";
import { hasFormat } from "./ids";
import { importEntry } from "./import-list";
import { platformNames, resourceOf } from "./platforms";

const USAGE = `Usage: npx pulumi-cpaas <command>

  adopt <type> <name> <id>   prints the import list that brings one existing object under Pulumi, for example
                             npx pulumi-cpaas adopt jambonz:Account acme 3f2504e0-4f89-41d3-9a0c-0305e82c3301 > adopt.json

Platforms: ${platformNames.join(", ")}
`;

/** What `npx pulumi-cpaas` does. Results go to standard output, everything else to standard error. */
export async function run(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { help: { type: "boolean" } } });
    const [command, ...rest] = positionals;
    if (values.help || !command) {
      process.stdout.write(USAGE);
      return 0;
    }
    if (command !== "adopt") throw new UserError(`there is no command ${command}`);
    adopt(rest);
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    if (!(error instanceof UserError)) process.stderr.write(USAGE);
    return 2;
  }
}

function adopt([type, name, id, ...more]: string[]): void {
  if (!type || !name || !id || more.length > 0)
    throw new UserError("adopt needs a type, a name and an id, such as: adopt jambonz:Account acme 3f2504e0-4f89-41d3-9a0c-0305e82c3301");
  const { definition } = resourceOf(type);
  if (!hasFormat(definition, id)) throw new UserError(`"${id}" is not the id of a ${type}, which is ${definition.idFormat}`);
  process.stdout.write(`${JSON.stringify({ resources: [importEntry(definition, name, id)] }, null, 2)}\n`);
  process.stderr.write(
    `Next: pulumi import --file <this list> --generate-code=false --yes, then pulumi refresh --yes. Id of a ${type}: ${definition.idFormat}.\n`,
  );
}
