/* Follows a job until it ends, at the pace that the service suggests. Sends the ETag, so unchanged jobs are not resent. */

import { METADATA } from "./dom.js";
import { Unreachable } from "./api.js";

const LONGEST_PAUSE_SECONDS = 30;
const PATH = "clients/export/csv";

export const hasEnded = (job) => METADATA.jobStatuses[job.status]?.ended ?? false;

/** Whether a job has a file that can be downloaded. */
export const hasFile = (job) => job.fileStatus === "Available";

export const pathOf = (code, more = "") => `${PATH}/${encodeURIComponent(code)}${more}`;

export const PATH_OF_JOBS = PATH;

/**
 * Request a job to show it. The answer has no link, so the job of a schedule that somebody only looks at does not count as
 * downloaded: the next export of the schedule would lack its changes. `downloadFile` asks for the link.
 */
export const fetchJob = (api, code, options) => api.send("GET", pathOf(code, "?link=false"), options);

/**
 * Poll a job until it ends or `signal` is aborted, and call `update` with it after each answer.
 * While the service cannot be reached or cannot answer, call `unreachable` with the next pause, and try again after
 * longer and longer pauses, without end. Throws any other `Problem`.
 */
export async function follow(api, job, signal, update, unreachable) {
  let etag = null;
  let pause = 1;
  let failures = 0;
  for (let last = job; !hasEnded(last) && !signal.aborted; ) {
    await sleep(pause, signal);
    if (signal.aborted) return;
    try {
      const headers = etag ? { "if-none-match": etag } : {};
      const answer = await fetchJob(api, job.code, { headers, signal });
      if (signal.aborted) return;
      failures = 0;
      pause = answer.retrySeconds ?? 1;
      etag = answer.etag ?? etag;
      if (answer.status !== 304) last = answer.data;
      update(last);
    } catch (problem) {
      if (signal.aborted) return;
      if (!(problem instanceof Unreachable) && ![429, 500, 502, 503].includes(problem.status)) throw problem;
      failures += 1;
      pause = problem.retrySeconds ?? Math.min(2 ** failures, LONGEST_PAUSE_SECONDS);
      unreachable(pause);
    }
  }
}

function sleep(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
