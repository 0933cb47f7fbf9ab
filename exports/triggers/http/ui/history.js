/* The view of the exports so far. */

import { busy, byId, make, show } from "./dom.js";
import { clearFaults, showProblem } from "./faults.js";
import { count, moment, size } from "./labels.js";
import { PATH_OF_JOBS, hasFile } from "./watch.js";
import { downloadFile } from "./download.js";
import { labelOf, t } from "./texts.js";

const LIST_LIMIT = 10;
let listApi = null;
let continuationToken = null;
let whenOpened = () => {};
let whenListRefused = () => {};

/** Set up the view. `opened` receives the job that the reader wants to see; `keyRefused` runs when the key is refused. */
export function setUpHistory(opened, keyRefused) {
  whenOpened = opened;
  whenListRefused = keyRefused;
  byId("refresh").addEventListener("click", () => busy(byId("refresh"), () => fetchNewestJobs()));
  byId("more").addEventListener("click", () => busy(byId("more"), listOlderJobs));
  byId("recent-status").addEventListener("change", () => fetchNewestJobs());
}

/** Show the newest jobs. Without an API, forget what was shown. */
export async function showHistory(api) {
  listApi = api;
  if (api) await fetchNewestJobs();
  else byId("recent-rows").replaceChildren();
}

async function fetchNewestJobs() {
  continuationToken = null;
  await fetchJobs((rows) => byId("recent-rows").replaceChildren(...rows));
}

async function listOlderJobs() {
  const known = byId("recent-rows").children.length;
  await fetchJobs((rows) => byId("recent-rows").append(...rows));
  byId("recent-rows").children[known]?.querySelector("button")?.focus();
}

/** Fetch the next jobs after `continuationToken`, and pass their rows to `insert`. */
async function fetchJobs(insert) {
  clearFaults(byId("recent-rows"), byId("recent-problem"));
  const query = new URLSearchParams({ limit: LIST_LIMIT });
  if (continuationToken) query.set("continuationToken", continuationToken);
  if (byId("recent-status").value) query.set("status", byId("recent-status").value);
  try {
    const { data } = await listApi.send("GET", `${PATH_OF_JOBS}?${query}`);
    continuationToken = data.continuationToken;
    insert(data.data.map(row));
    show(byId("more"), data.hasMore);
    show(byId("recent-empty"), byId("recent-rows").children.length === 0);
  } catch (problem) {
    showListProblem(problem);
  }
}

function row(job) {
  const label = t("history.openOf", { time: moment(job.createdDate) });
  const open = make("button", { type: "button", className: "link", aria: { label } }, t("history.open"));
  open.addEventListener("click", () => whenOpened(job));
  return make(
    "tr",
    { dataset: { code: job.code } },
    make("th", { scope: "row" }, moment(job.createdDate)),
    cell("status", make("span", { className: "pill", dataset: { status: job.status } }, labelOf("jobStatuses", job.status))),
    cell("clients", job.totalItems === null ? "" : count(job.totalItems)),
    cell("size", job.fileSize ? size(job.fileSize) : ""),
    cell("file", fileOf(job)),
    cell("", open),
  );
}

function cell(column, content) {
  return make("td", { dataset: { column, name: column && t(`history.${column}`) } }, content);
}

function fileOf(job) {
  if (!hasFile(job)) return job.fileStatus ? labelOf("fileStatuses", job.fileStatus) : "";
  const button = make("button", { type: "button", className: "link", aria: { label: t("history.download", { file: job.fileName }) } }, job.fileName);
  button.addEventListener("click", () => busy(button, () => downloadListed(job.code)));
  return button;
}

/** Download a file. If the service gives no link, show the job, which says why. */
async function downloadListed(code) {
  clearFaults(byId("recent-rows"), byId("recent-problem"));
  try {
    const job = await downloadFile(listApi, code);
    if (!job.downloadUrl) whenOpened(job);
  } catch (problem) {
    showListProblem(problem);
  }
}

function showListProblem(problem) {
  if (problem.status === 401) whenListRefused(problem);
  else showProblem(problem, byId("recent-rows"), byId("recent-problem"));
}
