/* Shows the estimate of an export: clients, size, time, and what to check before exporting. */

import { METADATA, announce, byId, make, show } from "./dom.js";
import { clients, count, duration, size } from "./labels.js";
import { columnsOf } from "./mappings.js";
import { t } from "./texts.js";
import { drawWarning } from "./warnings.js";
import { PATH_OF_JOBS } from "./watch.js";

/** An estimate passes over the keys of all clients. Up to this many clients it needs no press of the button. */
const MAX_UNASKED_CLIENTS = 100_000;
let whenRemedied = () => {};

/** Set up the estimate. `remedied` receives the preset that the reader chooses to avoid a warning. */
export function setUpEstimate(remedied) {
  whenRemedied = remedied;
}

/** Mark the estimate as that of an earlier state of the form. */
export function outdateEstimate() {
  byId("estimated").setAttribute("aria-busy", "true");
}

export function hideEstimate() {
  show(byId("estimated"), false);
}

/**
 * Show the estimate of a request, and read it out, unless the form has another request when it comes. Throws `Problem` or
 * `Unreachable`.
 */
export async function estimateAloud(api, request, isCurrent) {
  const { data } = await api.send("POST", `${PATH_OF_JOBS}/estimate`, { body: request });
  if (!isCurrent()) return;
  showEstimate(data, request);
  const values = { clients: clients(data.rows), size: size(data.bytes), time: duration(data.seconds) };
  const warned = data.warnings.length ? t("export.warnings", { count: data.warnings.length }) : "";
  announce(`${t("export.estimated", values)} ${warned}`);
}

/** Show the estimate of a request whose preview is shown, unless it would take long. A fault only hides it. */
export async function estimateQuietly(api, request, total, signal) {
  try {
    if (total === null || total > MAX_UNASKED_CLIENTS) return hideEstimate();
    const { data } = await api.send("POST", `${PATH_OF_JOBS}/estimate`, { body: request, signal });
    if (!signal.aborted) showEstimate(data, request);
  } catch {
    if (!signal.aborted) hideEstimate();
  }
}

function showEstimate(estimate, request) {
  byId("estimated-rows").textContent = count(estimate.rows);
  byId("estimated-bytes").textContent = size(estimate.bytes);
  byId("estimated-seconds").textContent = duration(estimate.seconds);
  byId("warnings").replaceChildren(...estimate.warnings.map((warning) => withRemedy(warning, columnsOf(request))));
  byId("estimated").setAttribute("aria-busy", "false");
  show(byId("estimated"), true);
}

function withRemedy(warning, mapped) {
  const item = drawWarning(warning, mapped);
  const preset = METADATA.remedies[warning.code];
  if (preset) item.append(remedy(preset));
  return item;
}

function remedy(preset) {
  const use = make("button", { type: "button", className: "link" }, t("export.useFormat", { format: t(`presets.${preset}`) }));
  use.addEventListener("click", () => whenRemedied(preset));
  return use;
}
