import fc from "fast-check";
import { life } from "./life";
import { World } from "./live";
import { targeted } from "./targeted";

/** How many lives; `npm run soak` lives more of them. A failure prints the seed and the path that repeat it. */
const { LIVES = "300", SEED, FAIL_PATH } = process.env;

describe("random lives", function () {
  this.timeout(0);
  let world: World;
  before(async () => void (world = await World.start()));
  after(() => world.stop());

  it(`${LIVES} of them end well`, () =>
    fc.assert(
      fc.asyncProperty(life, async (one) => void (await world.live(one))),
      { numRuns: Number(LIVES), ...(SEED ? { seed: Number(SEED) } : {}), ...(FAIL_PATH ? { path: FAIL_PATH } : {}), endOnFailure: false },
    ));

  for (const [name, live] of Object.entries(targeted)) it(name, live);
});
