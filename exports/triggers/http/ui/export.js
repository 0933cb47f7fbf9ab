/* The view in which the reader makes a request, starts the export, and watches it. */

import { busy, byId } from "./dom.js";
import { forgetCodeLists, loadCodeLists, setUpCodeLists } from "./code_lists.js";
import { offerAllowed } from "./allowed.js";
import { setUpColumns } from "./columns.js";
import { estimateAloud, estimateQuietly, hideEstimate, outdateEstimate, setUpEstimate } from "./estimate.js";
import { clearFaults, showFailure } from "./faults.js";
import { beginFormAddress, endFormAddress, followFormAddress, hasFormAddress, hideAddressProblem, keepFormAddress } from "./form_address.js";
import { bringJobIntoView, isJobShown, showJob, whileJobIsWanted } from "./job.js";
import { beginMappingChanges, setUpMappingChanges, stopEditing } from "./mapping_changes.js";
import { forgetMappings, loadMappings, setUpMappings } from "./mappings.js";
import { exportNotify } from "./notify.js";
import { previewSoon, resumePreview, setUpPreview } from "./preview.js";
import { chooseColumns, choosePreset, faultOfMoments, finishedRequest, requestBody, showChosenParts, summary } from "./request.js";
import { untilAnswered } from "./retry.js";
import { startExport } from "./start.js";
import { PATH_OF_JOBS, hasEnded } from "./watch.js";

const NEWEST_JOBS = 10;
let exportApi = null;
/** Whether the form shows what the address names, so that an export of it is what the reader expects. */
let isFilled = false;
/** The request of the form as text, when it was last looked at. */
let requested = "";

/** Set up the form. */
export function setUpExport() {
  exportNotify.setUp();
  setUpColumns(refresh);
  setUpCodeLists();
  setUpMappings(pickCopy);
  setUpMappingChanges(pickColumns);
  setUpEstimate(usePreset);
  setUpPreview(estimateQuietly, hideEstimate);
  byId("request").addEventListener("input", () => {
    hideAddressProblem();
    refresh();
  });
  // Browsers tell of a moment that is typed in part only when the reader leaves its field.
  byId("request").addEventListener("focusout", refresh);
  byId("request").addEventListener("submit", (event) => {
    event.preventDefault();
    if (isFilled) busy(byId("export"), exportNow).then(showFilled);
  });
  byId("estimate").addEventListener("click", () => busy(byId("estimate"), estimateNow));
}

/** Let the reader export once the form is filled. */
function showFilled() {
  if (isFilled) byId("export").removeAttribute("aria-disabled");
  else byId("export").setAttribute("aria-disabled", "true");
}

/** Show the picker, whose columns are to become a selection of their own. */
function pickCopy() {
  stopEditing();
  pickColumns();
}

/** Show the picker, whose columns are those of a saved selection. */
function pickColumns() {
  chooseColumns();
  refresh();
  byId("chosen-title").scrollIntoView({ block: "nearest" });
}

/** Show the form as the address says, and after signing in also a job of the reader that still runs. Without an API, forget them. */
export async function showExport(api) {
  if (api && api === exportApi) {
    followFormAddress();
    refresh();
    keepFormAddress();
    resumePreview();
    return;
  }
  exportApi = api;
  isFilled = false;
  showFilled();
  requested = "";
  exportNotify.show(api);
  hideEstimate();
  clearFaults(byId("request"), byId("problem"));
  if (api) {
    offerAllowed(api);
    untilAnswered("running job", () => showRunningJob(api), () => api === exportApi, null).catch(showFormProblem);
    await beginForm(api);
  } else {
    endFormAddress();
    previewSoon(null, null);
    forgetMappings();
    beginMappingChanges(null, false);
    forgetCodeLists();
  }
}

/**
 * Fill the form. Until the settings of the address are in it, nothing can be chosen or exported: a selection that the
 * address names must be known. Without settings the form can be used while the page still asks for the selections.
 */
async function beginForm(api) {
  const isWanted = () => api === exportApi;
  const waits = hasFormAddress();
  refresh();
  byId("request").inert = waits;
  loadCodeLists(api).then(refresh, () => {});
  try {
    await untilAnswered("selections", () => loadForm(api), isWanted, byId("selections-missing"), () => waits || allowExport());
  } catch (problem) {
    if (!isWanted()) return;
    showFormProblem(problem);
    beginFormAddress();
  }
  if (isWanted()) allowExport();
}

async function loadForm(api) {
  await loadMappings(api);
  if (api !== exportApi) return;
  beginMappingChanges(api, api.may("mappings:write"));
  beginFormAddress();
}

function allowExport() {
  byId("request").inert = false;
  isFilled = true;
  showFilled();
  refresh();
}

/** Show an export of this reader that still runs. Those of others, and of schedules, are in the history. */
async function showRunningJob(api) {
  const { name } = api.me;
  const query = new URLSearchParams({ limit: NEWEST_JOBS, ...(name ? { createdBy: name } : {}) });
  const { data } = await api.send("GET", `${PATH_OF_JOBS}?${query}`);
  const running = data.data.find((job) => !hasEnded(job) && job.createdBy === name && !job.scheduleCode);
  if (running && !isJobShown()) showJob(api, running);
}

/** Show what would be exported after a change of the form. */
function refresh() {
  showChosenParts();
  byId("summary").textContent = summary();
  const request = requestBody();
  const fault = faultOfMoments();
  const text = JSON.stringify([request, fault?.errors]);
  if (text === requested) return;
  requested = text;
  outdateEstimate();
  keepFormAddress();
  previewSoon(exportApi, request, fault);
}

function showFormProblem(problem) {
  showFailure(problem, byId("request"), byId("problem"));
}

/** Do `work` with the request of the form. If the form has another one when it fails, no field of it is marked. */
async function withForm(work) {
  const sent = requested;
  const isCurrent = () => sent === requested;
  clearFaults(byId("request"), byId("problem"));
  try {
    await work(isCurrent);
  } catch (problem) {
    if (isCurrent()) showFormProblem(problem);
    else showFailure(problem, byId("problem"), byId("problem"));
  }
}

const exportNow = () =>
  withForm(async () => {
    const isWanted = whileJobIsWanted();
    const job = await startExport(exportApi, { ...finishedRequest(), notify: exportNotify.read() });
    if (!isWanted()) return;
    showJob(exportApi, job);
    bringJobIntoView();
  });

const estimateNow = () => withForm((isCurrent) => estimateAloud(exportApi, finishedRequest(), isCurrent));

/** Use another format, as a warning of the estimate suggests. */
function usePreset(preset) {
  choosePreset(preset);
  refresh();
  byId("estimate").focus();
  busy(byId("estimate"), estimateNow);
}
