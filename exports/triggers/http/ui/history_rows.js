/* The rows of the list of exports. A row is drawn again only if its job has changed. */

import { all, busy, byId, make } from "./dom.js";
import { drawJobDetails } from "./history_details.js";
import { columnsOfJob, filterInWords } from "./job_request.js";
import { count, moment, percent, size } from "./labels.js";
import { secondsBetween, stopwatch, timeLeft } from "./spans.js";
import { downloadFile } from "./download.js";
import { labelOf, t } from "./texts.js";
import { hasEnded, hasFile } from "./watch.js";

const JOB_COLUMNS = 8;
let rowApi = null;
let rowActions = null;
let drawnRows = new Map();
/** How often details were opened or closed. */
let turns = 0;
/** The job whose details are open: its code, its status in them, and their row; or null. */
let openedDetails = null;

/** Set up the rows. `actions` has `opener`, `settingsWanted`, `changed` and `problem`, which the rows call. */
export function setUpRows(actions) {
  rowActions = actions;
}

/** Draw the jobs of one page of the list, and keep open what is open. The focus stays on the control that has it. */
export function drawRows(api, jobs) {
  rowApi = api;
  const focused = document.activeElement?.closest("#recent-rows [data-act]");
  const place = focused && [focused.closest("[data-code]").dataset.code, focused.dataset.act];
  drawnRows = new Map(jobs.map((job) => [job.code, knownRow(job) ?? { text: JSON.stringify(job), row: drawRow(job) }]));
  if (openedDetails && !drawnRows.has(openedDetails.code)) openedDetails = null;
  const rows = [...drawnRows].flatMap(([code, { row }]) => (openedDetails?.code === code ? [row, openedDetails.row] : [row]));
  const isSame = rows.length === byId("recent-rows").children.length && rows.every((row, index) => row === byId("recent-rows").children[index]);
  if (!isSame) byId("recent-rows").replaceChildren(...rows);
  if (place && !document.activeElement?.closest("#recent-rows")) {
    all(`[data-code="${CSS.escape(place[0])}"] [data-act="${place[1]}"]`, byId("recent-rows"))[0]?.focus();
  }
  tickRows();
  const opened = jobs.find(({ code }) => code === openedDetails?.code);
  if (opened && opened.status !== openedDetails.status) refreshDetails(openedDetails, opened.status);
}

function knownRow(job) {
  const before = drawnRows.get(job.code);
  return before?.text === JSON.stringify(job) ? before : null;
}

/** Write the times that change by themselves. */
export function tickRows() {
  for (const element of all("[data-until]", byId("recent-rows"))) {
    const seconds = secondsBetween(new Date(), element.dataset.until);
    element.textContent = seconds > 0 ? t("history.expiresIn", { time: timeLeft(seconds) }) : labelOf("fileStatuses", "Expired");
  }
  for (const element of all("[data-since]", byId("recent-rows"))) element.textContent = stopwatch(secondsBetween(element.dataset.since));
}

export function closeDetails() {
  turns += 1;
  openedDetails?.row.remove();
  openedDetails = null;
  for (const button of all("[data-act=details]", byId("recent-rows"))) button.setAttribute("aria-expanded", "false");
}

function drawRow(job) {
  const time = moment(job.createdDate);
  const isOpen = openedDetails?.code === job.code;
  const label = t("history.detailsOf", { time });
  const details = make("button", { type: "button", className: "link", dataset: { act: "details" }, aria: { label, expanded: String(isOpen) } }, t("history.details"));
  details.addEventListener("click", () => busy(details, () => toggleDetails(job.code)));
  return make(
    "tr",
    { dataset: { code: job.code } },
    make("th", { scope: "row" }, make("span", {}, time), make("small", {}, authorOf(job))),
    jobCell("content", make("span", {}, columnsOfJob(job)), make("small", {}, clientsOf(job))),
    jobCell("status", make("span", { className: "pill", dataset: { status: job.status } }, statusOf(job))),
    jobCell("clients", job.totalItems === null ? "" : count(job.totalItems)),
    jobCell("size", job.fileSize ? size(job.fileSize) : ""),
    jobCell("taken", takenOf(job)),
    jobCell("file", ...fileOfRow(job)),
    jobCell("", details),
  );
}

function jobCell(column, ...content) {
  return make("td", { dataset: { column, name: column && t(`history.${column}`) } }, ...content);
}

function clientsOf(job) {
  const clients = filterInWords(job.filter);
  return job.snapshotDate ? t("history.ofMoment", { clients, time: moment(job.snapshotDate) }) : clients;
}

function authorOf(job) {
  if (job.createdBy) return t("history.by", { name: job.createdBy });
  return job.scheduleCode ? t("history.bySchedule") : "";
}

function statusOf(job) {
  const status = labelOf("jobStatuses", job.status);
  return job.status === "InProgress" && job.percentComplete !== null ? t("history.running", { status, percent: percent(job.percentComplete) }) : status;
}

function takenOf(job) {
  if (!job.startedDate) return "";
  if (!hasEnded(job)) return make("span", { dataset: { since: job.startedDate } });
  return stopwatch(Math.max(1, secondsBetween(job.startedDate, job.completedDate)));
}

function fileOfRow(job) {
  if (!hasFile(job)) return [job.fileStatus ? labelOf("fileStatuses", job.fileStatus) : ""];
  const label = t("history.download", { file: job.fileName });
  const button = make("button", { type: "button", className: "link", dataset: { act: "download" }, aria: { label } }, job.fileName);
  button.addEventListener("click", () => busy(button, () => downloadListed(job.code)));
  return [button, make("small", { dataset: { until: job.expiryDate } })];
}

/** Download a file. If the service gives no link, show the job, which says why. */
async function downloadListed(code) {
  const open = rowActions.opener();
  try {
    const job = await downloadFile(rowApi, code);
    if (!job.downloadUrl) open(job);
  } catch (problem) {
    rowActions.problem(problem);
  }
}

/** Open or close the details of a job. Its row may be drawn again while they are fetched. */
async function toggleDetails(code) {
  const wasOpen = openedDetails?.code === code;
  closeDetails();
  if (wasOpen) return;
  const mine = turns;
  const cellOfDetails = make("td", { colSpan: JOB_COLUMNS });
  try {
    const { status } = await drawJobDetails(rowApi, code, cellOfDetails, rowActions);
    const row = byId("recent-rows").querySelector(`tr[data-code="${CSS.escape(code)}"]`);
    if (!row || mine !== turns) return;
    openedDetails = { code, status, row: make("tr", { className: "details", dataset: { code } }, cellOfDetails) };
    row.after(openedDetails.row);
    row.querySelector("[data-act=details]").setAttribute("aria-expanded", "true");
  } catch (problem) {
    if (mine === turns) rowActions.problem(problem);
  }
}

/** Draw the open details again, because the job has another status now. */
async function refreshDetails(details, status) {
  const place = details.row.firstElementChild;
  try {
    const hadFocus = place.contains(document.activeElement);
    await drawJobDetails(rowApi, details.code, place, rowActions);
    details.status = status;
    if (hadFocus && document.activeElement === document.body) place.querySelector("button")?.focus();
  } catch (problem) {
    rowActions.problem(problem);
  }
}
