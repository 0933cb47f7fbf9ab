/* The export in view: how far it is, its file, and what can be done about it. */

import { FACTS, announce, busy, byId, show } from "./dom.js";
import { clearFaults, showProblem } from "./faults.js";
import { clients, count, duration, moment, size } from "./labels.js";
import { follow, hasEnded, isWithheld, pathOf } from "./watch.js";

let jobApi = null;
let shown = null;
let following = new AbortController();
let told = -1;
let whenEnded = () => {};
let whenRefused = () => {};

/** Set up the buttons; `ended` runs when a job has come to an end, `refused` when the key is no longer good. */
export function setUpJob(ended, refused) {
  whenEnded = ended;
  whenRefused = refused;
  byId("job-cancel").addEventListener("click", () => busy(byId("job-cancel"), () => change("DELETE", "")));
  byId("job-resume").addEventListener("click", () => busy(byId("job-resume"), () => change("POST", "/resume")));
}

/** Show a job and follow it to its end. Without a job, show none. */
export async function showJob(api, job) {
  following.abort();
  following = new AbortController();
  jobApi = api;
  shown = null;
  told = -1;
  show(byId("job"), Boolean(job));
  if (!job) {
    document.title = "Client export";
    return;
  }
  clearFaults(byId("job"), byId("job-problem"));
  drawJob(job);
  if (hasEnded(job)) return;
  const { signal } = following;
  try {
    await follow(api, job, signal, drawJob, lost);
    if (!signal.aborted) whenEnded(shown);
  } catch (problem) {
    complainOfJob(problem);
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
    complainOfJob(problem);
  }
}

function complainOfJob(problem) {
  if (problem.status === 401) whenRefused(problem);
  else showProblem(problem, byId("job"), byId("job-problem"));
}

function lost(pause) {
  byId("job-note").textContent = `No answer from the service just now; asking again in ${duration(pause)}. The export goes on.`;
}

function drawJob(job) {
  const before = shown?.status;
  shown = job;
  byId("job").dataset.status = job.status;
  byId("job-title").textContent = FACTS.jobStatuses[job.status]?.title ?? job.status;
  drawBar(job);
  byId("job-text").textContent = describeJob(job);
  drawActions(job);
  byId("job-note").textContent = noteOf(job);
  document.title = titleOf(job);
  tell(job, before);
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
  return hasEnded(job) ? `${done} had been written.` : `${done}, ${job.percentComplete} %${restOf(job)}`;
}

function restOf(job) {
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
  if (job.downloadUrl) return `Kept until ${moment(job.expiryDate)}. Whoever has the link can read the file.`;
  if (isWithheld(job)) return "The file holds sensitive fields, which this API key may not see.";
  if (job.status === "Completed") return "The file is no longer kept. Export again to get a new one.";
  if (job.status === "Cancelled" || job.failure?.resumable) return "Resuming keeps what has been written already.";
  if (job.failure?.retryable) return "The same export may succeed later.";
  return hasEnded(job) ? "" : "You may close this page; the export goes on.";
}

function titleOf(job) {
  const state = hasEnded(job) ? FACTS.jobStatuses[job.status].label : `${job.percentComplete ?? 0} %`;
  return `${state} – Client export`;
}

/** Say every change of status, and every quarter of the way. */
function tell(job, before) {
  const quarter = Math.floor((job.percentComplete ?? 0) / 25);
  if (job.status !== before) announce(`${byId("job-title").textContent}. ${byId("job-text").textContent}`);
  else if (quarter > told && !hasEnded(job)) announce(byId("job-text").textContent);
  told = quarter;
}
