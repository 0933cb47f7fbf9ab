/* The view in which the reader makes a request, starts the export, and watches it. */

import { METADATA, announce, busy, byId, make, show } from "./dom.js";
import { setUpColumns } from "./columns.js";
import { clearFaults, showProblem } from "./faults.js";
import { isJobShown, showJob } from "./job.js";
import { loadMappings, setUpMappings } from "./mappings.js";
import { exportNotify } from "./notify.js";
import { chooseColumns, choosePreset, requestBody, showSource, summary } from "./request.js";
import { startExport } from "./start.js";
import { PATH_OF_JOBS, hasEnded } from "./watch.js";
import { clients, count, duration, listOf, size } from "./labels.js";
import { hasText, t } from "./texts.js";

const MAX_NAMES = 6;
const NEWEST_JOBS = 10;
let exportApi = null;
let whenRefused = () => {};

/** Set up the form. `keyRefused` runs when the service no longer accepts the key. */
export function setUpExport(keyRefused) {
  whenRefused = keyRefused;
  exportNotify.setUp(keyRefused);
  setUpColumns(refresh);
  setUpMappings(() => {
    chooseColumns();
    refresh();
    byId("chosen-title").scrollIntoView({ block: "nearest" });
  });
  byId("request").addEventListener("input", refresh);
  byId("request").addEventListener("submit", (event) => {
    event.preventDefault();
    busy(byId("export"), exportNow);
  });
  byId("estimate").addEventListener("click", () => busy(byId("estimate"), estimateNow));
}

/** Show the form, and after signing in also a job that still runs. Without an API, forget what was shown. */
export async function showExport(api) {
  if (api === exportApi) return;
  exportApi = api;
  exportNotify.show(api);
  show(byId("estimated"), false);
  clearFaults(byId("request"), byId("problem"));
  if (!api) return;
  refresh();
  await Promise.all([loadMappings(api), showRunningJob(api)]).catch(showFormProblem);
  refresh();
}

async function showRunningJob(api) {
  const { data } = await api.send("GET", `${PATH_OF_JOBS}?limit=${NEWEST_JOBS}`);
  const running = data.data.find((job) => !hasEnded(job));
  if (running && !isJobShown()) showJob(api, running);
}

/** Update the summary after a change of the form, and hide the estimate, which no longer applies. */
function refresh() {
  showSource();
  byId("summary").textContent = summary();
  show(byId("estimated"), false);
}

function showFormProblem(problem) {
  if (problem.status === 401) whenRefused(problem);
  else showProblem(problem, byId("request"), byId("problem"));
}

async function exportNow() {
  clearFaults(byId("request"), byId("problem"));
  try {
    const job = await startExport(exportApi, { ...requestBody(), notify: exportNotify.read() });
    show(byId("estimated"), false);
    showJob(exportApi, job);
    byId("job").scrollIntoView({ block: "nearest" });
  } catch (problem) {
    showFormProblem(problem);
  }
}

async function estimateNow() {
  clearFaults(byId("request"), byId("problem"));
  try {
    const { data } = await exportApi.send("POST", `${PATH_OF_JOBS}/estimate`, { body: requestBody() });
    showEstimate(data);
  } catch (problem) {
    showFormProblem(problem);
  }
}

function showEstimate(estimate) {
  byId("estimated-rows").textContent = count(estimate.rows);
  byId("estimated-bytes").textContent = size(estimate.bytes);
  byId("estimated-seconds").textContent = duration(estimate.seconds);
  byId("warnings").replaceChildren(...estimate.warnings.map(warning));
  show(byId("estimated"), true);
  const values = { clients: clients(estimate.rows), size: size(estimate.bytes), time: duration(estimate.seconds) };
  const warned = estimate.warnings.length ? t("export.warnings", { count: estimate.warnings.length }) : "";
  announce(`${t("export.estimated", values)} ${warned}`);
}

function warning({ code, message, columns }) {
  const item = make("li", { dataset: { code } }, make("p", {}, hasText(`warnings.${code}`) ? t(`warnings.${code}`) : message));
  if (columns.length) item.append(make("p", { className: "hint" }, t("export.inColumns", { columns: listNames(columns) })));
  const preset = METADATA.remedies[code];
  if (preset) item.append(remedy(preset));
  return item;
}

function listNames(names) {
  const rest = names.length - MAX_NAMES;
  return listOf(rest > 1 ? [...names.slice(0, MAX_NAMES), t("export.moreColumns", { count: rest })] : names);
}

function remedy(preset) {
  const use = make("button", { type: "button", className: "link" }, t("export.useFormat", { format: t(`presets.${preset}`) }));
  use.addEventListener("click", () => {
    choosePreset(preset);
    refresh();
    byId("estimate").focus();
    busy(byId("estimate"), estimateNow);
  });
  return use;
}
