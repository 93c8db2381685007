const { reporters, Runner } = require("mocha");

/** Mocha's own reporter, and at the end one plain line that machines can read. */
module.exports = class Plain extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once(Runner.constants.EVENT_RUN_END, () =>
      setImmediate(() => console.log(`${this.stats.passes} passed, ${this.stats.failures} failed`)),
    );
  }
};
