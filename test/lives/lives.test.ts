import assert from "node:assert/strict";
import fc from "fast-check";
import { lifeOf, story } from "./life";
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

    const lived = { numRuns: Number(count), endOnFailure: false, includeErrorInReport: true };
    it(`${count} of them end well`, () =>
      fc.assert(
        fc.asyncProperty(lifeOf(subject), async (one) => void (await world.live(one))),
        { ...lived, ...(SEED ? { seed: Number(SEED) } : {}), ...(FAIL_PATH ? { path: FAIL_PATH } : {}) },
      ));

    it("one that ends badly is told with its seed, and without all that does not matter", async () => {
      const property = fc.asyncProperty(lifeOf(subject), async (one) => {
        if (one.chapters.some(({ command }) => command === "up")) throw new Error(story(subject, one));
      });
      const told = await fc.assert(property, { ...lived, numRuns: 100, seed: 1 }).then(
        () => "",
        ({ message }: Error) => message,
      );
      assert.match(told, /seed: 1, path: "[\d:]+"/);
      const commands = told.match(/^ +pulumi .*$/gm)!;
      assert(commands.includes("  pulumi up") && commands.length <= 3, told);
      assert.doesNotMatch(told, /^ *fault: |^ *new /m);
    });

    for (const [situation, live] of Object.entries(targeted[name]!)) it(situation, live);
  });
}
