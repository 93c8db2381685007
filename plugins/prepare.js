// Run by the `npm install` of Pulumi in a plugin's folder. A published package is compiled, a clone of the repository is not.
const { execFileSync } = require("node:child_process");
const { existsSync, mkdirSync } = require("node:fs");
const { join } = require("node:path");

const root = join(__dirname, "..");
if (!existsSync(join(root, "dist"))) execFileSync("npm", ["ci"], { cwd: root, stdio: "inherit", shell: process.platform === "win32" });
// What is needed is in the folders above, but without one here Pulumi takes the installation for a failed one.
mkdirSync("node_modules", { recursive: true });
