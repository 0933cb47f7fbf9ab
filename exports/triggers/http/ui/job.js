/* Shows one job: its progress, the link to its file, and the buttons to cancel and resume it. */

import { METADATA, announce, busy, byId, show } from "./dom.js";
import { clearFaults, showProblem } from "./faults.js";
import { clients, count, duration, moment, size } from "./labels.js";
import { follow, hasEnded, hasFile, pathOf } from "./watch.js";
import { downloadFile } from "./download.js";

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
    document.title = "Client export";
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
  byId("job-note").textContent = `The service does not answer; trying again in ${duration(pause)}. The export continues.`;
}

function drawJob(job) {
  const before = shown?.status;
  shown = job;
  byId("job").dataset.status = job.status;
  byId("job-title").textContent = METADATA.jobStatuses[job.status]?.title ?? job.status;
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
  if (job.status === "Completed") return `${clients(job.totalItems)}, ${size(job.fileSize)}.`;
  if (job.status === "Failed") return job.failure?.message ?? "";
  if (job.totalItems === null) return "";
  const done = `${count(job.processedItems)} of ${clients(job.totalItems)}`;
  return hasEnded(job) ? `${done} had been written.` : `${done}, ${job.percentComplete} %${remainingTime(job)}`;
}

function remainingTime(job) {
  if (!job.estimatedCompletionDate) return ".";
  const seconds = (new Date(job.estimatedCompletionDate) - Date.now()) / 1000;
  return seconds > 0 ? `; done in ${duration(seconds)}.` : ".";
}

function drawActions(job) {
  const link = byId("job-download");
  show(link, Boolean(job.downloadUrl));
  if (job.downloadUrl) {
    link.href = job.downloadUrl;
    link.textContent = `Download ${job.fileName}`;
  } else {
    link.removeAttribute("href");
  }
  show(byId("job-cancel"), !hasEnded(job));
  show(byId("job-resume"), job.status === "Cancelled" || Boolean(job.failure?.resumable));
  show(byId("job-actions"), Boolean([...byId("job-actions").children].some((child) => !child.hidden)));
}

function noteOf(job) {
  if (job.status === "Completed") return noteOfFile(job);
  if (job.status === "Cancelled" || job.failure?.resumable) return "Resuming keeps everything that was already written.";
  if (job.failure?.retryable) return "The same export may succeed later.";
  return hasEnded(job) ? "" : "You can close this page; the export continues.";
}

function noteOfFile(job) {
  if (job.downloadUrl) return `Available until ${moment(job.expiryDate)}. Anyone who copies the link can read the file for a few minutes.`;
  if (hasFile(job)) return "The file contains sensitive fields, which this API key may not see.";
  return `${METADATA.fileStatuses[job.fileStatus]}. Export again to get a new file.`;
}

function titleOf(job) {
  const state = hasEnded(job) ? METADATA.jobStatuses[job.status].label : `${job.percentComplete ?? 0} %`;
  return `${state} – Client export`;
}

/** Announce each change of status, and the progress after each quarter. */
function announceJob(job, before) {
  const quarter = Math.floor((job.percentComplete ?? 0) / 25);
  if (job.status !== before) announce(`${byId("job-title").textContent}. ${byId("job-text").textContent}`);
  else if (quarter > announcedQuarter && !hasEnded(job)) announce(byId("job-text").textContent);
  announcedQuarter = quarter;
}
