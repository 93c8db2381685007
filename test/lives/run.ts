import fc from "fast-check";
import { lifeOf } from "./life";
import { World } from "./live";
import { subjects } from "./subjects";
import { targeted } from "./targeted";

/**
 * Lives random lives on one `PLATFORM` in a process of its own, without a test framework: `LIVES` of them from `SEED`
 * on, or one of `targeted.ts` by its name in `TARGETED`. Stops at the first that ends badly, prints it, and ends with 1.
 */
async function run(): Promise<void> {
  const { PLATFORM = "jambonz", LIVES = "300", SEED = "1", TARGETED } = process.env;
  const subject = subjects[PLATFORM]!;
  const world = await World.start(subject);
  const total = { lives: 0, requests: 0, operations: 0, failures: 0 };
  try {
    if (TARGETED !== undefined) await targeted[PLATFORM]![TARGETED]!();
    else {
      const property = fc.asyncProperty(lifeOf(subject), async (one) => {
        const { requests, operations, failures } = await world.live(one);
        total.lives++;
        total.requests += requests;
        total.operations += operations;
        total.failures += failures;
      });
      await fc.assert(property, { numRuns: Number(LIVES), seed: Number(SEED), endOnFailure: true });
    }
  } catch (error) {
    const { message, cause } = error as Error;
    const repeat = /seed: (-?\d+), path: "([\d:]+)"/.exec(message);
    if (repeat)
      console.log(`to repeat it: PLATFORM=${PLATFORM} SEED=${repeat[1]} FAIL_PATH=${repeat[2]} npm test -- test/lives/lives.test.ts`);
    console.log(`FAILED after ${total.lives} lives: ${cause instanceof Error ? cause.message : message}`);
    process.exitCode = 1;
  } finally {
    await world.stop();
    console.log(JSON.stringify(total));
  }
}

void run();
