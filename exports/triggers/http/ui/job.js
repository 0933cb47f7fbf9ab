/* Shows one job: its progress, the link to its file, and the buttons to cancel and resume it. */

import { announce, busy, byId, show } from "./dom.js";
import { clearFaults, showProblem } from "./faults.js";
import { clients, count, duration, moment, percent, size } from "./labels.js";
import { labelOf, t } from "./texts.js";
import { titleOfPage } from "./views.js";
import { follow, hasEnded, hasFile, pathOf } from "./watch.js";
import { downloadFile } from "./download.js";
import { offerDeliveries } from "./deliveries.js";

let jobApi = null;
let shown = null;
let following = new AbortController();
let announcedQuarter = -1;
let whenEnded = () => {};
let whenKeyRefused = () => {};

/** Set up the buttons. `ended` runs when a job has ended, `keyRefused` when the service no longer accepts the key. */
export function setUpJob(ended, keyRefused) {
  whenEnded = ended;
  whenKeyRefused = keyRefused;
  byId("job-download").addEventListener("click", (event) => {
    event.preventDefault();
    downloadShown();
  });
  byId("job-cancel").addEventListener("click", () => busy(byId("job-cancel"), () => change("DELETE", "")));
  byId("job-resume").addEventListener("click", () => busy(byId("job-resume"), () => change("POST", "/resume")));
}

/** Show a job and follow it until it ends. Without a job, show none. */
export async function showJob(api, job) {
  following.abort();
  following = new AbortController();
  jobApi = api;
  shown = null;
  announcedQuarter = -1;
  show(byId("job"), Boolean(job));
  if (!job) {
    document.title = titleOfPage("");
    return;
  }
  clearFaults(byId("job"), byId("job-problem"));
  drawJob(job);
  const { signal } = following;
  try {
    if (hasFile(job) && !job.downloadUrl) {
      const { data } = await api.send("GET", pathOf(job.code));
      if (!signal.aborted) drawJob(data);
    }
    if (hasEnded(job)) return;
    await follow(api, job, signal, drawJob, showUnreachable);
    if (!signal.aborted) whenEnded(shown);
  } catch (problem) {
    showJobProblem(problem);
  }
}

export const isJobShown = () => shown !== null;

async function downloadShown() {
  const { signal } = following;
  clearFaults(byId("job"), byId("job-problem"));
  try {
    const job = await downloadFile(jobApi, shown.code);
    if (!signal.aborted) drawJob(job);
  } catch (problem) {
    showJobProblem(problem);
  }
}

async function change(method, more) {
  const { code } = shown;
  clearFaults(byId("job"), byId("job-problem"));
  try {
    const { data } = await jobApi.send(method, pathOf(code, more));
    if (shown?.code !== code) return;
    byId("job-title").focus();
    const isFollowed = showJob(jobApi, data);
    whenEnded(data);
    await isFollowed;
  } catch (problem) {
    showJobProblem(problem);
  }
}

function showJobProblem(problem) {
  if (problem.status === 401) whenKeyRefused(problem);
  else showProblem(problem, byId("job"), byId("job-problem"));
}

function showUnreachable(pause) {
  byId("job-note").textContent = t("job.unreachable", { time: duration(pause) });
}

function drawJob(job) {
  const before = shown?.status;
  shown = job;
  offerDeliveries(jobApi, job);
  byId("job").dataset.status = job.status;
  byId("job-title").textContent = labelOf("jobTitles", job.status);
  drawBar(job);
  byId("job-text").textContent = describeJob(job);
  drawActions(job);
  byId("job-note").textContent = noteOf(job);
  document.title = titleOf(job);
  announceJob(job, before);
}

function drawBar(job) {
  const bar = byId("job-bar");
  show(bar, !hasEnded(job));
  if (job.percentComplete === null || job.percentComplete === undefined) bar.removeAttribute("value");
  else bar.value = job.percentComplete;
}

function describeJob(job) {
  if (job.status === "Completed") return t("job.completed", { clients: clients(job.totalItems), size: size(job.fileSize) });
  if (job.status === "Failed") return job.failure?.message ?? "";
  if (job.totalItems === null) return "";
  const values = { done: count(job.processedItems), clients: clients(job.totalItems), percent: percent(job.percentComplete) };
  if (hasEnded(job)) return t("job.written", values);
  const seconds = job.estimatedCompletionDate ? (new Date(job.estimatedCompletionDate) - Date.now()) / 1000 : 0;
  return seconds > 0 ? t("job.progressUntil", { ...values, time: duration(seconds) }) : t("job.progress", values);
}

function drawActions(job) {
  const link = byId("job-download");
  show(link, Boolean(job.downloadUrl));
  if (job.downloadUrl) {
    link.href = job.downloadUrl;
    link.textContent = t("job.download", { file: job.fileName });
  } else {
    link.removeAttribute("href");
  }
  show(byId("job-cancel"), !hasEnded(job));
  show(byId("job-resume"), job.status === "Cancelled" || Boolean(job.failure?.resumable));
  show(byId("job-actions"), Boolean([...byId("job-actions").children].some((child) => !child.hidden)));
}

function noteOf(job) {
  if (job.status === "Completed") return noteOfFile(job);
  if (job.status === "Cancelled" || job.failure?.resumable) return t("job.resumeKeeps");
  if (job.failure?.retryable) return t("job.mayRetry");
  return hasEnded(job) ? "" : t("job.mayClose");
}

function noteOfFile(job) {
  if (job.downloadUrl) return t("job.availableUntil", { time: moment(job.expiryDate) });
  if (hasFile(job)) return t("job.maySeeNot");
  return t("job.exportAgain", { status: labelOf("fileStatuses", job.fileStatus) });
}

function titleOf(job) {
  return titleOfPage(hasEnded(job) ? labelOf("jobStatuses", job.status) : percent(job.percentComplete ?? 0));
}

/** Announce each change of status, and the progress after each quarter. */
function announceJob(job, before) {
  const quarter = Math.floor((job.percentComplete ?? 0) / 25);
  if (job.status !== before) announce(t("job.announced", { title: byId("job-title").textContent, text: byId("job-text").textContent }));
  else if (quarter > announcedQuarter && !hasEnded(job)) announce(byId("job-text").textContent);
  announcedQuarter = quarter;
}
