/* What this reader or this service cannot do: the form shows it, says why, and does not let the reader choose it. */

import { byId } from "./dom.js";
import { allowSensitiveFields } from "./columns.js";
import { SNAPSHOT } from "./request.js";
import { t } from "./texts.js";

/** Adapt the form to the answer of `GET /me`. */
export function offerAllowed(api) {
  allowSensitiveFields(api.may("fields:sensitive"));
  const hasSnapshots = api.me.limits.consistency.includes(SNAPSHOT);
  byId("snapshot").disabled = !hasSnapshots;
  if (!hasSnapshots) byId("snapshot").checked = false;
  byId("snapshot-hint").textContent = t(hasSnapshots ? "filter.snapshotHint" : "filter.noSnapshot");
}
