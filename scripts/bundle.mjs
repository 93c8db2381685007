/**
 * Bundles the plugins' program with all that it needs: a few large files load in a third of the time of some hundred small
 * ones, and the engine waits for them at every start. Nothing is minified, so that stack traces can be read. The licences of
 * what is inside are written beside it.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./setup.mjs";

const out = join(root, "dist", "plugin");

/** Each is a file of its own, so that the engine, which waits for the first two, does not wait for all. */
const parts = {
  server: "provider/plugin/server.ts",
  grpc: "@grpc/grpc-js",
  messages: "provider/plugin/messages.ts",
  provider: "provider/plugin/provider.ts",
};

/** Keeps the parts apart, and leaves out what is never used. */
const divided = {
  name: "divided",
  setup({ onResolve, onLoad }) {
    const apart = (filter, part) =>
      onResolve({ filter }, ({ kind }) => (kind === "entry-point" ? undefined : { path: `./${part}.js`, external: true }));
    apart(/^@grpc\/grpc-js$/, "grpc");
    apart(/^\.\/messages$/, "messages");
    apart(/^\.\/provider$/, "provider");
    // The first is asked for only by gRPC's services about itself, which are not served, the second only in debugging.
    onResolve({ filter: /^(@grpc\/proto-loader|debug)$/ }, ({ path }) => ({ path, external: true }));
    // Brings a table of all media types, for files in forms.
    onLoad({ filter: /[\\/]form-data[\\/]lib[\\/]form_data\.js$/ }, () => ({
      contents: 'module.exports = class { constructor() { throw new Error("files in forms are left out of this bundle"); } };',
    }));
    // Error messages in forty languages: half of zod.
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({ contents: "export {};" }));
  },
};

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: parts,
  outdir: out,
  bundle: true,
  format: "cjs",
  platform: "node",
  target: "node20",
  mainFields: ["module", "main"],
  plugins: [divided],
  metafile: true,
  logLevel: "warning",
});

const packages = new Set(Object.keys(metafile.inputs).flatMap((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []));
writeFileSync(
  join(out, "LICENSES.txt"),
  [...packages]
    .sort()
    .map(licence)
    .join(`\n${"-".repeat(80)}\n\n`),
);

/** What a package says of itself and its licence. @throws Error where it brings no text of it */
function licence(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  const texts = readdirSync(join(root, folder)).filter((file) => /^(licen[cs]e|notice)/i.test(file));
  if (texts.length === 0) throw new Error(`${name} is in the bundle, but brings no text of its licence`);
  return `${name} ${version}: ${license}\n\n${texts.map((file) => readFileSync(join(root, folder, file), "utf8").trim()).join("\n\n")}\n`;
}
