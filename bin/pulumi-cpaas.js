#!/usr/bin/env node
// Whoever reads the results may have seen enough, as `head` has.
process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE") throw error;
});
void require("../dist/provider/cli/index.js")
  .run(process.argv.slice(2))
  .then((code) => (process.exitCode = code));
