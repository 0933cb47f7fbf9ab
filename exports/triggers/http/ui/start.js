/* Starts exports. A request sent again is not a second export. */

import { PATH_OF_JOBS } from "./watch.js";

const DOUBLE_CLICK_MS = 3000;
let last = { body: null, key: null, answered: 0 };

/** Start an export of `body`; the job, which has ended already if it is done within a second. Throws `Problem` or `Unreachable`. */
export async function startExport(api, body) {
  const intent = intentOf(JSON.stringify([api.tenant, body]));
  const headers = { prefer: "wait=1", "idempotency-key": intent.key };
  try {
    const { data } = await api.send("POST", PATH_OF_JOBS, { body, headers });
    return data;
  } finally {
    intent.answered = Date.now();
  }
}

/**
 * The same request again, while the last one is on its way or just answered, is a double click; after a broken
 * connection it is another try. Both get the key of the first, so that the service gives them the same job.
 */
function intentOf(body) {
  const isAgain = body === last.body && (!last.answered || Date.now() - last.answered < DOUBLE_CLICK_MS);
  if (!isAgain) last = { body, key: crypto.randomUUID(), answered: 0 };
  return last;
}
