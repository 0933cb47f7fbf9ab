/* Asks again for what a reader needs before a view is of use, so that nobody has to load the page again. */

import { Ended, Unreachable } from "./api.js";
import { show } from "./dom.js";
import { showPassing } from "./faults.js";

const LONGEST_RETRY_SECONDS = 30;
/** The latest call for each purpose: it replaces those before it. */
const latest = new Map();

/** Whether the same request may succeed a little later. */
export const passes = (problem) => problem instanceof Unreachable || problem.status === 429 || problem.status >= 500;

/**
 * Do `work` until it succeeds, with longer and longer pauses. Meanwhile `box`, which shows nothing else, shows each fault and
 * the pause; with null the reader is not told. Throws a fault that does not pass; and `Ended` when the work is no longer
 * wanted, or was begun again for the same purpose.
 */
export async function untilAnswered(purpose, work, isWanted, box, failed = () => {}) {
  const mine = Symbol(purpose);
  latest.set(purpose, mine);
  const check = () => {
    if (latest.get(purpose) !== mine || !isWanted()) throw new Ended();
  };
  try {
    for (let failures = 1; ; failures += 1) {
      try {
        await work();
        return;
      } catch (problem) {
        check();
        if (!passes(problem)) throw problem;
        const pause = problem.retrySeconds ?? Math.min(2 ** failures, LONGEST_RETRY_SECONDS);
        if (box) showPassing(problem, pause, box);
        failed();
        await new Promise((resolve) => setTimeout(resolve, pause * 1000));
        check();
      }
    }
  } finally {
    if (box && latest.get(purpose) === mine) show(box, false);
  }
}
