/* Starts exports. A repeated request does not start a second export. */

import { PATH_OF_JOBS } from "./watch.js";
import { Unreachable } from "./api.js";

const DOUBLE_CLICK_MS = 3000;
const UNKNOWN_OUTCOME_MS = 10 * 60 * 1000;
let last = { body: null, key: null, repeatUntil: 0 };

/**
 * Start an export of `body` and return the job. If the export is done within a second, the job has already ended.
 * Throws `Problem` or `Unreachable`.
 */
export async function startExport(api, body) {
  const attempt = attemptOf(JSON.stringify([api.tenant, body]));
  const headers = { prefer: "wait=1", "idempotency-key": attempt.key };
  try {
    const { data } = await api.send("POST", PATH_OF_JOBS, { body, headers });
    attempt.repeatUntil = Date.now() + DOUBLE_CLICK_MS;
    return data;
  } catch (problem) {
    const mayHaveStarted = problem instanceof Unreachable || problem.status >= 500;
    attempt.repeatUntil = Date.now() + (mayHaveStarted ? UNKNOWN_OUTCOME_MS : DOUBLE_CLICK_MS);
    throw problem;
  }
}

/**
 * Return the idempotency key for a request. The same request gets the key of the first one, so the service returns the
 * same job, if it comes while the first one is on its way, within three seconds after its answer (a double click), or
 * within ten minutes after its connection or the service failed: the first one may have started the export.
 */
function attemptOf(body) {
  const isRepeated = body === last.body && Date.now() < last.repeatUntil;
  if (!isRepeated) last = { body, key: crypto.randomUUID(), repeatUntil: Infinity };
  return last;
}
