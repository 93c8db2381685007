import { z } from "zod";
import { version } from "../../sdk/version";
import type { Lookup, Platform, Resource } from "../resource";
import { isOptional, remarks, traitsOf, unwrap } from "../schema";
import { environmentVariable, settingsOf } from "../settings";

type Shape = Record<string, z.ZodType>;
type Json = Record<string, unknown>;

/** What a 32-bit integer takes, which is what Pulumi's "integer" is in some languages. */
const INTEGER = { min: -(2 ** 31), max: 2 ** 31 - 1 };

/** The package schema of a platform, from which Pulumi makes SDKs and documentation in every language. */
export function packageSchema(platform: Platform): Json {
  // From the package's root both in a checkout and where it is compiled.
  const { homepage, repository, license, author } = require("pulumi-cpaas/package.json") as Record<string, any>;
  const types: Record<string, Json> = {};
  const named = new Types(platform.name, types);
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
    repository: repository.url.replace(/^git\+|\.git$/g, ""),
    license,
    publisher: author,
    pluginDownloadURL: repository.url.replace(/^git\+https:\/\/github.com\/(.*)\.git$/, "github://api.github.com/$1"),
    meta: { moduleFormat: "(.*)" },
    language: Object.fromEntries(["nodejs", "python", "go", "csharp"].map((language) => [language, { respectSchemaVersion: true }])),
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
    readonly platform: string,
    readonly named: Record<string, Json>,
  ) {}

  resource(definition: Resource): Json {
    const inputs = definition.inputs.shape as Shape;
    const outputs = definition.outputs.shape as Shape;
    return {
      description: [definition.description, `Deletion: ${definition.onDelete}`, `Id: ${definition.idFormat}`].join("\n\n"),
      inputProperties: this.properties(inputs),
      requiredInputs: names(inputs, (schema) => !isOptional(schema) && !traitsOf(schema).defaultsToName),
      properties: this.properties({ ...inputs, ...outputs }),
      required: names({ ...inputs, ...outputs }, (schema) => !isOptional(schema) || traitsOf(schema).computed === true),
    };
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
      return this.#ref(typeName, { type: "string", enum: values.map((value) => ({ name: pascal(value), value })) });
    }
    if (inner instanceof z.ZodObject) {
      const name = typeName ?? fail("a nested object needs a typeName");
      return this.#ref(name, { description: inner.description, ...this.#object(inner) });
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
    const token = `${this.platform}:index:${name}`;
    const other = this.named[token];
    if (other && JSON.stringify(other) !== JSON.stringify(type)) fail(`there are two types ${name}`);
    this.named[token] = type;
    return { $ref: `#/types/${token}` };
  }
}

function names(shape: Shape, which: (schema: z.ZodType) => boolean): string[] {
  return Object.keys(shape).filter((name) => which(shape[name]!));
}

function isInteger({ format, minValue, maxValue }: z.ZodNumber): boolean {
  return format === "safeint" && (minValue ?? -Infinity) >= INTEGER.min && (maxValue ?? Infinity) <= INTEGER.max;
}

const pascal = (text: string) => text.replace(/(^|[_-])([a-z0-9])/g, (_all, _gap, letter: string) => letter.toUpperCase());

function fail(message: string): never {
  throw new Error(message);
}
