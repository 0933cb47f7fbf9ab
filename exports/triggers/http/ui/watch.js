/* Follows a job to its end: as often as the service suggests, without asking for what has not changed. */

import { FACTS } from "./dom.js";
import { Unreachable } from "./api.js";

const LONGEST_PAUSE_SECONDS = 30;
const PATH = "clients/export/csv";

export const hasEnded = (job) => FACTS.jobStatuses[job.status]?.ended ?? false;

/** Whether a job has a file that is kept, and no link for this key: it holds fields that the key may not see. */
export const isWithheld = (job) =>
  job.status === "Completed" && !job.downloadUrl && new Date(job.expiryDate) > Date.now();

export const pathOf = (code, more = "") => `${PATH}/${encodeURIComponent(code)}${more}`;

export const PATH_OF_JOBS = PATH;

/**
 * Call `seen` with the job whenever it has changed, until it has ended or `signal` says to stop.
 * While the service cannot be reached, `lost` is called and the pauses grow; nothing is given up.
 */
export async function follow(api, job, signal, seen, lost) {
  let etag = null;
  let pause = 1;
  let failures = 0;
  for (let last = job; !hasEnded(last) && !signal.aborted; ) {
    await sleep(pause, signal);
    if (signal.aborted) return;
    try {
      const headers = etag ? { "if-none-match": etag } : {};
      const answer = await api.send("GET", pathOf(job.code), { headers });
      if (signal.aborted) return;
      failures = 0;
      pause = answer.retrySeconds ?? 1;
      etag = answer.etag ?? etag;
      if (answer.status !== 304) last = answer.data;
      seen(last);
    } catch (problem) {
      if (!(problem instanceof Unreachable) && ![429, 500, 502, 503].includes(problem.status)) throw problem;
      failures += 1;
      pause = problem.retrySeconds ?? Math.min(2 ** failures, LONGEST_PAUSE_SECONDS);
      lost(pause);
    }
  }
}

function sleep(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
