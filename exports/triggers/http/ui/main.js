/* Connects the parts of the ui. */

import { METADATA, announce, busy, byId, make, show } from "./dom.js";
import { setUpColumns } from "./columns.js";
import { setUpSignIn, signOut } from "./sign_in.js";
import { clearFaults, showProblem } from "./faults.js";
import { setUpJob, showJob } from "./job.js";
import { loadMappings, setUpMappings } from "./mappings.js";
import { listJobs, setUpRecent } from "./recent.js";
import { chooseColumns, choosePreset, requestBody, showSource, summary } from "./request.js";
import { startExport } from "./start.js";
import { PATH_OF_JOBS, hasEnded } from "./watch.js";
import { count, duration, size } from "./labels.js";

const MAX_NAMES = 6;
let api = null;

/** Begin after signing in. After signing out, `signedIn` is null: clear what was shown. */
async function begin(signedIn, mappings) {
  api = signedIn;
  show(byId("estimated"), false);
  clearFaults(byId("request"), byId("problem"));
  showJob(api, null);
  byId("recent-rows").replaceChildren();
  if (!api) return;
  refresh();
  const [jobs] = await Promise.all([listJobs(api), loadMappings(api, mappings).catch(showFormProblem)]);
  refresh();
  const running = jobs.find((job) => !hasEnded(job));
  if (running) showJob(api, running);
}

/** Update the summary after a change of the form, and hide the estimate, which no longer applies. */
function refresh() {
  showSource();
  byId("summary").textContent = summary();
  show(byId("estimated"), false);
}

function showFormProblem(problem) {
  if (problem.status === 401) signOut(problem);
  else showProblem(problem, byId("request"), byId("problem"));
}

async function exportNow() {
  clearFaults(byId("request"), byId("problem"));
  try {
    const job = await startExport(api, requestBody());
    show(byId("estimated"), false);
    showJob(api, job);
    byId("job").scrollIntoView({ block: "nearest" });
    await listJobs(api);
  } catch (problem) {
    showFormProblem(problem);
  }
}

async function estimateNow() {
  clearFaults(byId("request"), byId("problem"));
  try {
    const { data } = await api.send("POST", `${PATH_OF_JOBS}/estimate`, { body: requestBody() });
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
  const warned = estimate.warnings.length ? ` Warnings: ${estimate.warnings.length}.` : "";
  announce(`${count(estimate.rows)} clients, ${size(estimate.bytes)}, ${duration(estimate.seconds)}.${warned}`);
}

function warning({ code, message, columns }) {
  const item = make("li", { dataset: { code } }, make("p", {}, METADATA.warnings[code] ?? message));
  if (columns.length) item.append(make("p", { className: "hint" }, `In ${listNames(columns)}.`));
  const preset = METADATA.remedies[code];
  if (preset) item.append(remedy(preset));
  return item;
}

function listNames(names) {
  const rest = names.length - MAX_NAMES;
  return rest > 1 ? `${names.slice(0, MAX_NAMES).join(", ")} and ${rest} more columns` : names.join(", ");
}

function remedy(preset) {
  const use = make("button", { type: "button", className: "link" }, `Use the format “${METADATA.presets[preset]}”`);
  use.addEventListener("click", () => {
    choosePreset(preset);
    refresh();
    byId("estimate").focus();
    busy(byId("estimate"), estimateNow);
  });
  return use;
}

setUpColumns(refresh);
setUpMappings(() => {
  chooseColumns();
  refresh();
  byId("chosen-title").scrollIntoView({ block: "nearest" });
});
setUpJob(() => listJobs(api), signOut);
setUpRecent((job) => {
  showJob(api, job);
  byId("job").scrollIntoView({ block: "nearest" });
  byId("job-title").focus();
}, signOut);
byId("request").addEventListener("input", refresh);
byId("request").addEventListener("submit", (event) => {
  event.preventDefault();
  busy(byId("export"), exportNow);
});
byId("estimate").addEventListener("click", () => busy(byId("estimate"), estimateNow));
setUpSignIn(begin);
