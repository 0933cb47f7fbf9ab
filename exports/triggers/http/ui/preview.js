/* Shows what an export would write: how many clients, and the first rows exactly as the file would hold them. */

import { byId, make, show } from "./dom.js";
import { faultInWords, messageOf } from "./faults.js";
import { clients, listOf } from "./labels.js";
import { labelOf, t, visible } from "./texts.js";
import { passes } from "./retry.js";
import { drawWarning } from "./warnings.js";
import { PATH_OF_JOBS } from "./watch.js";

/** How long the form must rest before its preview is worth a request. */
const SETTLED_MS = 400;
const FIRST_RETRY_SECONDS = 5;
const LAST_RETRY_SECONDS = 60;
let wanted = null;
/** The text of the request that needs no further answer: its preview is shown, or the service has refused it. */
let answered = "";
let failures = 0;
let timer = 0;
let asking = new AbortController();
let whenPreviewed = () => {};
let whenRefused = () => {};

/**
 * Set up the preview. `previewed` receives the API, the request, the number of its clients (null if they were not
 * counted) and a signal that ends with the preview. `refused` runs if a request can have no preview.
 */
export function setUpPreview(previewed, refused) {
  whenPreviewed = previewed;
  whenRefused = refused;
  document.addEventListener("visibilitychange", resumePreview);
}

/**
 * Show the preview of a request once the form rests. A later call replaces it. Without an API, show none; with a problem
 * of the form that the request does not show, say that instead.
 */
export function previewSoon(api, request, problem = null) {
  asking.abort();
  clearTimeout(timer);
  failures = 0;
  wanted = api && !problem && { api, request, text: JSON.stringify([api.tenant, request]) };
  if (!wanted) {
    answered = "";
    clearPreview(problem ? noteOfProblem(problem) : "");
    if (problem) whenRefused();
  } else if (request.columnMappings?.length === 0) {
    answered = wanted.text;
    clearPreview(t("preview.needsColumns"));
    whenRefused();
  } else {
    resumePreview();
  }
}

/** Ask for what is wanted and not yet answered: for example when the view is shown again. */
export function resumePreview() {
  clearTimeout(timer);
  const isMissing = Boolean(wanted) && wanted.text !== answered;
  byId("preview").setAttribute("aria-busy", String(isMissing));
  if (isMissing) timer = setTimeout(askForPreview, SETTLED_MS);
}

/** Whether the reader can see the preview. If not, it is not asked for; `resumePreview` runs when that changes. */
function isPreviewSeen() {
  return !document.hidden && byId("preview").checkVisibility();
}

async function askForPreview() {
  if (!isPreviewSeen()) return;
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const { api, request, text } = wanted;
  try {
    const { data } = await api.send("POST", `${PATH_OF_JOBS}/preview`, { body: request, signal });
    if (signal.aborted) return;
    answered = text;
    drawPreview(data, request, "preview.searching");
    const isKnown = data.totalItems !== null && data.rowsComplete;
    const total = isKnown ? data.totalItems : await previewFully(api, request, data, signal);
    if (signal.aborted) return;
    if (answered) failures = 0;
    whenPreviewed(api, request, total, signal);
  } catch (problem) {
    if (!signal.aborted) showPreviewProblem(problem, text);
  }
}

/**
 * Find the rows and count the clients for which there was no time in the quick preview. If that fails while rows are
 * missing, ask again later. Returns the number of clients, or null if it is not known.
 */
async function previewFully(api, request, quick, signal) {
  let full = quick;
  try {
    const { data } = await api.send("POST", `${PATH_OF_JOBS}/preview?count=full`, { body: request, signal });
    full = { ...data, minimumItems: data.minimumItems ?? quick.minimumItems };
  } catch (problem) {
    // The rows of the quick preview are shown, with what is known of their number.
    if (!signal.aborted && !quick.rowsComplete) {
      answered = "";
      askAgain(problem);
      return null;
    }
  }
  if (signal.aborted) return null;
  if (!quick.rowsComplete) drawPreview(full, request, "preview.notAllFound");
  showPreviewCount(textOfCount(full, "preview.uncounted"));
  return full.totalItems;
}

function textOfCount({ totalItems, minimumItems }, otherwise) {
  if (totalItems !== null) return clients(totalItems);
  return minimumItems === null ? t(otherwise) : t("preview.atLeast", { clients: clients(minimumItems) });
}

/** `incomplete` names the text that says why there may be more rows, unless all first rows were found. */
function drawPreview(data, request, incomplete) {
  const { columns, rows, rowsComplete, omittedFields, warnings, text } = data;
  showPreviewCount(textOfCount(data, "preview.counting"));
  byId("preview-head").replaceChildren(...columns.map(({ csvHeader }) => make("th", { scope: "col" }, visible(csvHeader))));
  byId("preview-rows").replaceChildren(...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell)))));
  byId("preview-text").textContent = text;
  show(byId("preview-table"), rows.length > 0);
  show(byId("preview-raw"), Boolean(text));
  const notes = [];
  if (rows.length) notes.push(t("preview.rows", { count: rows.length }));
  if (!rowsComplete) notes.push(t(incomplete));
  else if (!rows.length) notes.push(t("preview.none"));
  if (request.includeHeaders === false) notes.push(t("preview.noHeadings"));
  if (omittedFields.length) notes.push(t("preview.omitted", { fields: labelsOf(omittedFields) }));
  showPreviewNotes(notes, warnings.map((warning) => drawWarning(warning, columns)));
}

const hint = (line) => make("p", { className: "hint" }, line);

const labelsOf = (fields) => listOf(fields.map((field) => labelOf("fields", field)));

/** Say the number of clients. Screen readers read it out, so the text changes only if the number does. */
function showPreviewCount(text) {
  if (byId("preview-count").textContent !== text) byId("preview-count").textContent = text;
}

/** A warning that the shown estimate has too is not shown here: `form.css` hides it. */
function showPreviewNotes(lines, warnings = []) {
  byId("preview-notes").replaceChildren(...lines.filter(Boolean).map(hint));
  byId("preview-warnings").replaceChildren(...warnings);
  byId("preview").setAttribute("aria-busy", "false");
}

function clearPreview(note) {
  showPreviewCount("");
  for (const id of ["preview-head", "preview-rows", "preview-text"]) byId(id).replaceChildren();
  for (const id of ["preview-table", "preview-raw"]) show(byId(id), false);
  showPreviewNotes([note]);
}

/** Show why there is no preview. After a fault that passes, ask again, with longer and longer pauses. */
function showPreviewProblem(problem, text) {
  clearPreview(noteOfProblem(problem));
  if (passes(problem)) {
    askAgain(problem);
  } else {
    answered = text;
    whenRefused();
  }
}

function noteOfProblem(problem) {
  const faults = (problem.errors ?? []).map(faultInWords);
  return faults.length ? t("preview.faulty", { fault: faults[0] }) : messageOf(problem);
}

function askAgain(problem) {
  const pause = problem.retrySeconds ?? Math.min(FIRST_RETRY_SECONDS * 2 ** failures, LAST_RETRY_SECONDS);
  failures += 1;
  timer = setTimeout(askForPreview, pause * 1000);
}
