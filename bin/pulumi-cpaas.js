#!/usr/bin/env node
void require("../dist/provider/cli/index.js")
  .run(process.argv.slice(2))
  .then((code) => (process.exitCode = code));
