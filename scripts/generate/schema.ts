import { z } from "zod";
import type { Lookup, Platform, Resource } from "../../provider/resource";
import { isOptional, remarks, traitsOf, typeDescription, unwrap } from "../../provider/schema";
import { environmentVariable, settingsOf } from "../../provider/settings";
import { checkedExample, languages, written } from "./example";

type Shape = Record<string, z.ZodType>;
type Json = Record<string, unknown>;

/** What a 32-bit integer takes, which is what Pulumi's "integer" is in some languages. */
const INTEGER = { min: -(2 ** 31), max: 2 ** 31 - 1 };

/** What the package's manifest says of it. */
export interface Manifest {
  version: string;
  homepage: string;
  repository: { url: string };
  license: string;
  author: string;
}

/** The package schema of a platform, from which Pulumi makes SDKs and documentation in every language. */
export function packageSchema(platform: Platform, { version, homepage, repository, license, author }: Manifest): Json {
  const types: Record<string, Json> = {};
  const named = new Types(platform, types);
  const source = repository.url.replace(/^git\+https:\/\/|\.git$/g, "");
  const variables = named.properties(settingsOf(platform).shape);
  for (const [name, variable] of Object.entries(variables))
    variable.description = `${String(variable.description)} ${environmentVariable(platform.name, name)} in the environment.`;
  const token = (type: string) => type.replace(":", ":index:");
  const resources = platform.resources.map((definition) => [token(definition.type), named.resource(definition)]);
  const functions = platform.lookups.map((definition) => [token(definition.type), named.lookup(definition)]);
  return {
    name: platform.name,
    displayName: platform.title,
    version,
    description: platform.description,
    keywords: ["pulumi", platform.name, "cpaas", "telephony", "voip", "sip", "category/network", "kind/native"],
    homepage,
    repository: `https://${source}`,
    license,
    publisher: author,
    pluginDownloadURL: source.replace(/^github\.com/, "github://api.github.com"),
    meta: { moduleFormat: "(.*)", supportPack: true },
    language: {
      nodejs: { respectSchemaVersion: true },
      python: { respectSchemaVersion: true, pyproject: { enabled: true } },
      go: { respectSchemaVersion: true, importBasePath: `${source}/sdk/go/${platform.name}`, generateResourceContainerTypes: true },
      csharp: { respectSchemaVersion: true },
    },
    config: { variables },
    provider: {
      description: `${platform.description} What is set here wins over the environment; of the stack's configuration an explicit provider takes nothing.`,
      inputProperties: variables,
    },
    types,
    resources: Object.fromEntries(resources),
    functions: Object.fromEntries(functions),
  };
}

/** Translates definitions, and collects the types that have a name. */
class Types {
  constructor(
    readonly platform: Platform,
    readonly named: Record<string, Json>,
  ) {}

  resource(definition: Resource): Json {
    const inputs = definition.inputs.shape as Shape;
    const outputs = definition.outputs.shape as Shape;
    return {
      description: [definition.description, `Deletion: ${definition.onDelete}`, this.#examples(definition), imports(definition)].join(
        "\n\n",
      ),
      inputProperties: this.properties(inputs),
      requiredInputs: names(inputs, (schema) => !isOptional(schema) && !traitsOf(schema).defaultsToName),
      properties: this.properties({ ...inputs, ...outputs }),
      required: names({ ...inputs, ...outputs }, (schema) => !isOptional(schema) || traitsOf(schema).computed === true),
    };
  }

  /** As the Pulumi Registry reads them: each language sees its own. */
  #examples(definition: Resource): string {
    const { name } = this.platform;
    const example = checkedExample(this.platform, definition);
    const options = { imports: `import * as ${name} from "@pulumi/${name}";` };
    const programs = languages.map((language) => `\`\`\`${language}\n${written(language, this.platform, example, options)}\n\`\`\``);
    return [
      "{{% examples %}}",
      "## Example Usage",
      "{{% example %}}",
      `### ${example.title}`,
      ...programs,
      "{{% /example %}}",
      "{{% /examples %}}",
    ].join("\n\n");
  }

  lookup(definition: Lookup): Json {
    return {
      description: definition.description,
      inputs: this.#object(definition.inputs),
      outputs: this.#object(definition.outputs),
    };
  }

  properties(shape: Shape): Record<string, Json> {
    return Object.fromEntries(Object.entries(shape).map(([name, schema]) => [name, this.#property(schema)]));
  }

  #object(object: z.ZodObject): Json {
    const shape = object.shape;
    return { type: "object", properties: this.properties(shape), required: names(shape, (schema) => !isOptional(schema)) };
  }

  #property(schema: z.ZodType): Json {
    const { description, secret, replaceOnChanges } = traitsOf(schema);
    return {
      ...this.#type(schema),
      description: [description, ...remarks(schema)].filter(Boolean).join(" "),
      ...(secret ? { secret } : {}),
      // Only documentation: with "replaceOnChanges" the engine would decide by itself, and replace after an import too.
      ...(replaceOnChanges ? { willReplaceOnChanges: true } : {}),
    };
  }

  #type(schema: z.ZodType): Json {
    const inner = unwrap(schema);
    const { typeName } = traitsOf(schema);
    if (inner instanceof z.ZodEnum) {
      const values = inner.options as string[];
      if (!typeName) return { type: "string" };
      return this.#ref(typeName, {
        description: inner.description,
        type: "string",
        enum: values.map((value) => ({ name: pascal(value), value })),
      });
    }
    if (inner instanceof z.ZodObject) {
      const name = typeName ?? fail("a nested object needs a typeName");
      return this.#ref(name, { description: typeDescription(schema), ...this.#object(inner) });
    }
    if (inner instanceof z.ZodDiscriminatedUnion) {
      const key = inner.def.discriminator;
      const options = inner.options as z.ZodObject[];
      const refs = options.map((option) => this.#type(option) as { $ref: string });
      const mapping = options.map((option, at) => [(option.shape[key] as z.ZodLiteral).value, refs[at]!.$ref]);
      return { oneOf: refs, discriminator: { propertyName: key, mapping: Object.fromEntries(mapping) as unknown } };
    }
    if (inner instanceof z.ZodArray) return { type: "array", items: this.#type(inner.element as z.ZodType) };
    if (inner instanceof z.ZodRecord) return { type: "object", additionalProperties: this.#type(inner.valueType as z.ZodType) };
    if (inner instanceof z.ZodLiteral) return { type: typeof inner.value, const: inner.value };
    if (inner instanceof z.ZodNumber) return { type: isInteger(inner) ? "integer" : "number" };
    if (inner instanceof z.ZodString || inner instanceof z.ZodStringFormat) return { type: "string" };
    if (inner instanceof z.ZodUnknown) return { $ref: "pulumi.json#/Any" };
    if (inner instanceof z.ZodBoolean || inner instanceof z.ZodUnion) return { type: "boolean" };
    return fail(`no schema for ${inner.constructor.name}`);
  }

  #ref(name: string, type: Json): Json {
    const token = `${this.platform.name}:index:${name}`;
    const other = this.named[token];
    if (other && JSON.stringify(other) !== JSON.stringify(type)) fail(`there are two types ${name}`);
    this.named[token] = type;
    return { $ref: `#/types/${token}` };
  }
}

/** The forms that an id may have, as code. */
export function idForms({ idFormat }: Resource): string {
  return idFormat
    .split(/(, | or )/)
    .map((part, at) => (at % 2 ? part : `\`${part}\``))
    .join("");
}

/** How one that exists is imported. */
function imports(definition: Resource): string {
  const token = definition.type.replace(":", ":index:");
  return `## Import\n\nIts id is ${idForms(definition)}.\n\n\`\`\`sh\npulumi import ${token} <name> <id>\n\`\`\``;
}

function names(shape: Shape, which: (schema: z.ZodType) => boolean): string[] {
  return Object.keys(shape).filter((name) => which(shape[name]!));
}

function isInteger({ format, minValue, maxValue }: z.ZodNumber): boolean {
  return format === "safeint" && (minValue ?? -Infinity) >= INTEGER.min && (maxValue ?? Infinity) <= INTEGER.max;
}

const pascal = (text: string) => text.replace(/(^|[_/-])([a-z0-9])/g, (_all, _gap, letter: string) => letter.toUpperCase());

function fail(message: string): never {
  throw new Error(message);
}
