/* Asks again for what a reader needs before a view is of use, so that nobody has to load the page again. */

import { Ended, Unreachable } from "./api.js";

const LONGEST_RETRY_SECONDS = 30;
/** The latest call for each purpose: it replaces those before it. */
const latest = new Map();

/** Whether the same request may succeed a little later. */
export const passes = (problem) => problem instanceof Unreachable || problem.status === 429 || problem.status >= 500;

/**
 * Do `work` until it succeeds, with longer and longer pauses. `failed` receives each fault, and the pause in seconds. Throws
 * a fault that does not pass; and `Ended` when the work is no longer wanted, or was begun again for the same purpose.
 */
export async function untilAnswered(purpose, work, isWanted, failed) {
  const mine = Symbol(purpose);
  latest.set(purpose, mine);
  const check = () => {
    if (latest.get(purpose) !== mine || !isWanted()) throw new Ended();
  };
  for (let failures = 1; ; failures += 1) {
    try {
      await work();
      return;
    } catch (problem) {
      check();
      if (!passes(problem)) throw problem;
      const pause = problem.retrySeconds ?? Math.min(2 ** failures, LONGEST_RETRY_SECONDS);
      failed(problem, pause);
      await new Promise((resolve) => setTimeout(resolve, pause * 1000));
      check();
    }
  }
}
