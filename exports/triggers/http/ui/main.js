/* Puts the page together. */

import { FACTS, announce, busy, byId, make, show } from "./dom.js";
import { setUpColumns } from "./columns.js";
import { guardDoor, leave } from "./sign_in.js";
import { clearFaults, showProblem } from "./faults.js";
import { setUpJob, showJob } from "./job.js";
import { loadMappings, setUpMappings } from "./mappings.js";
import { listJobs, setUpRecent } from "./recent.js";
import { chooseColumns, choosePreset, requestBody, showSource, summary } from "./request.js";
import { startExport } from "./start.js";
import { PATH_OF_JOBS, hasEnded } from "./watch.js";
import { count, duration, size } from "./labels.js";

const MOST_NAMES = 6;
let api = null;

/** Begin with a key that opens; without one, forget all that was shown. */
async function begin(opened, mappings) {
  api = opened;
  show(byId("estimated"), false);
  clearFaults(byId("request"), byId("problem"));
  showJob(api, null);
  byId("recent-rows").replaceChildren();
  if (!api) return;
  refresh();
  const [jobs] = await Promise.all([listJobs(api), loadMappings(api, mappings).catch(complain)]);
  refresh();
  const running = jobs.find((job) => !hasEnded(job));
  if (running) showJob(api, running);
}

/** The form has changed: what was estimated no longer holds. */
function refresh() {
  showSource();
  byId("summary").textContent = summary();
  show(byId("estimated"), false);
}

function complain(problem) {
  if (problem.status === 401) leave(problem);
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
    complain(problem);
  }
}

async function estimateNow() {
  clearFaults(byId("request"), byId("problem"));
  try {
    const { data } = await api.send("POST", `${PATH_OF_JOBS}/estimate`, { body: requestBody() });
    showEstimate(data);
  } catch (problem) {
    complain(problem);
  }
}

function showEstimate(estimate) {
  byId("estimated-rows").textContent = count(estimate.rows);
  byId("estimated-bytes").textContent = size(estimate.bytes);
  byId("estimated-seconds").textContent = duration(estimate.seconds);
  byId("warnings").replaceChildren(...estimate.warnings.map(warning));
  show(byId("estimated"), true);
  const warned = estimate.warnings.length ? ` ${estimate.warnings.length} things to know.` : "";
  announce(`${count(estimate.rows)} clients, ${size(estimate.bytes)}, ${duration(estimate.seconds)}.${warned}`);
}

function warning({ code, message, columns }) {
  const item = make("li", { dataset: { code } }, make("p", {}, FACTS.warnings[code] ?? message));
  if (columns.length) item.append(make("p", { className: "hint" }, `In ${listed(columns)}.`));
  const preset = FACTS.remedies[code];
  if (preset) item.append(remedy(preset));
  return item;
}

function listed(names) {
  const rest = names.length - MOST_NAMES;
  return rest > 1 ? `${names.slice(0, MOST_NAMES).join(", ")} and ${rest} more columns` : names.join(", ");
}

function remedy(preset) {
  const use = make("button", { type: "button", className: "link" }, `Use the format “${FACTS.presets[preset]}”`);
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
setUpJob(() => listJobs(api), leave);
setUpRecent((job) => {
  showJob(api, job);
  byId("job").scrollIntoView({ block: "nearest" });
  byId("job-title").focus();
}, leave);
byId("request").addEventListener("input", refresh);
byId("request").addEventListener("submit", (event) => {
  event.preventDefault();
  busy(byId("export"), exportNow);
});
byId("estimate").addEventListener("click", () => busy(byId("estimate"), estimateNow));
guardDoor(begin);
