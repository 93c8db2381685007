import fc from "fast-check";
import { lifeOf } from "./life";
import { World } from "./live";
import { subjects } from "./subjects";
import { targeted } from "./targeted";

/** How many lives on each platform; `npm run soak` lives more of them. A failure prints the seed and the path that repeat it. */
const lives: Record<string, string> = { jambonz: "300", restcomm: "100", voicetel: "100" };
/** With `PLATFORM`, only lives on that one. */
const { LIVES, SEED, FAIL_PATH, PLATFORM } = process.env;

for (const [name, subject] of Object.entries(subjects).filter(([name]) => !PLATFORM || name === PLATFORM)) {
  const count = LIVES ?? lives[name]!;
  describe(`random lives on ${name}`, function () {
    this.timeout(0);
    let world: World;
    before(async () => void (world = await World.start(subject)));
    after(() => world.stop());

    it(`${count} of them end well`, () =>
      fc.assert(
        fc.asyncProperty(lifeOf(subject), async (one) => void (await world.live(one))),
        {
          numRuns: Number(count),
          ...(SEED ? { seed: Number(SEED) } : {}),
          ...(FAIL_PATH ? { path: FAIL_PATH } : {}),
          endOnFailure: false,
          includeErrorInReport: true,
        },
      ));

    for (const [situation, live] of Object.entries(targeted[name]!)) it(situation, live);
  });
}
