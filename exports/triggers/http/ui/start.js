/* Starts exports. A repeated request does not start a second export. */

import { PATH_OF_JOBS } from "./watch.js";

const DOUBLE_CLICK_MS = 3000;
let last = { body: null, key: null, answered: 0 };

/**
 * Start an export of `body` and return the job. If the export is done within a second, the job has already ended.
 * Throws `Problem` or `Unreachable`.
 */
export async function startExport(api, body) {
  const attempt = attemptOf(JSON.stringify([api.tenant, body]));
  const headers = { prefer: "wait=1", "idempotency-key": attempt.key };
  try {
    const { data } = await api.send("POST", PATH_OF_JOBS, { body, headers });
    return data;
  } finally {
    attempt.answered = Date.now();
  }
}

/**
 * Return the idempotency key for a request. The same request again, while the last one is on its way or within three
 * seconds after it ended, is a double click, or a retry after a broken connection. It gets the key of the first request,
 * so the service returns the same job.
 */
function attemptOf(body) {
  const isRepeated = body === last.body && (!last.answered || Date.now() - last.answered < DOUBLE_CLICK_MS);
  if (!isRepeated) last = { body, key: crypto.randomUUID(), answered: 0 };
  return last;
}
