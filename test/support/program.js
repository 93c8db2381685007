// A Pulumi program that declares what program.json says.
const fs = require("node:fs");
const pulumi = require("@pulumi/pulumi");

const { library = "pulumi-cpaas", resources, lookups = [], outputs = {} } = JSON.parse(fs.readFileSync("program.json", "utf8"));
const cpaas = require(library);
const made = {};

function value(said) {
  if (Array.isArray(said)) return said.map(value);
  if (typeof said !== "object" || said === null) return said;
  if ("$ref" in said) {
    const [name, ...path] = said.$ref.split(".");
    return path.reduce((output, key) => output[key], made[name]);
  }
  if ("$secret" in said) return pulumi.secret(value(said.$secret));
  if ("$output" in said) return pulumi.output(value(said.$output));
  return Object.fromEntries(Object.entries(said).map(([key, item]) => [key, value(item)]));
}

function options({ parent, deletedWith, dependsOn, ...opts } = {}) {
  return {
    ...opts,
    ...(parent && { parent: made[parent] }),
    ...(deletedWith && { deletedWith: made[deletedWith] }),
    ...(dependsOn && { dependsOn: dependsOn.map((name) => made[name]) }),
  };
}

for (const { type, name, args, opts, get } of resources) {
  if (type === "component") {
    made[name] = new pulumi.ComponentResource("test:index:Component", name, {}, options(opts));
    continue;
  }
  const [platform, kind] = type.split(":");
  const Class = cpaas[platform][kind];
  // Names are unique among all resources of a test, so that references stay short.
  made[name] = get ? Class.get(name, value(get), options(opts)) : new Class(name, value(args), options(opts));
}

for (const { name, type, args } of lookups) {
  const [platform, kind] = type.split(":");
  exports[name] = cpaas[platform][kind](value(args));
}

for (const [name, said] of Object.entries(outputs)) exports[name] = value(said);
