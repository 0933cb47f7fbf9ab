/* Shows one job: its progress and its rate, what its end means, and the steps that come next. */

import { all, announce, busy, byId, focusUnlessElsewhere, show } from "./dom.js";
import { clearFaults, showProblem } from "./faults.js";
import { copyText } from "./clipboard.js";
import { haveSensitiveField } from "./columns.js";
import { isNoticeAllowed, notifyEnd, offerNotice, setUpEndNotice } from "./end_notice.js";
import { keepInView } from "./keep_in_view.js";
import { requestAgain, requestOf } from "./job_request.js";
import { clients, count, duration, moment, percent, size } from "./labels.js";
import { tellLosses } from "./losses.js";
import { meaningOf, nextSteps, reportOf, whatHappened } from "./outcome.js";
import { RateMeter, drawRates } from "./rate.js";
import { secondsBetween, stopwatch } from "./spans.js";
import { startExport } from "./start.js";
import { labelOf, t } from "./texts.js";
import { titleOfPage, whileHere } from "./views.js";
import { fetchJob, follow, hasEnded, hasFile, pathOf } from "./watch.js";
import { downloadFile } from "./download.js";
import { offerDeliveries } from "./deliveries.js";

let jobApi = null;
/** How often the reader has asked for a job to be shown. */
let wishes = 0;
let shown = null;
let following = new AbortController();
let announcedQuarter = -1;
let meter = new RateMeter();
let scrollToJob = () => {};
let whenEnded = () => {};
let whenSettingsWanted = () => {};

/**
 * Set up the buttons. `ended` runs when a job has ended, and `settingsWanted` with a request that the reader wants in
 * the form.
 */
export function setUpJob(ended, settingsWanted) {
  whenEnded = ended;
  whenSettingsWanted = settingsWanted;
  setUpEndNotice();
  scrollToJob = keepInView(byId("job"));
  setInterval(drawTimes, 1000);
  byId("job-download").addEventListener("click", () => busy(byId("job-download"), downloadShown));
  byId("job-cancel").addEventListener("click", () => busy(byId("job-cancel"), () => change("DELETE", "")));
  byId("job-resume").addEventListener("click", () => busy(byId("job-resume"), () => change("POST", "/resume")));
  byId("job-again").addEventListener("click", () => busy(byId("job-again"), runAgain));
  byId("job-settings").addEventListener("click", () => busy(byId("job-settings"), useShownSettings));
  byId("job-support").addEventListener("click", () => copyText(reportOf(shown), byId("job-support")));
}

/** Return whether, from now on, the reader asks for no other job: an answer that comes late replaces none. */
export function whileJobIsWanted() {
  const mine = (wishes += 1);
  return () => mine === wishes;
}

/** Show a job and follow it until it ends. Without a job, show none. */
export async function showJob(api, job) {
  following.abort();
  following = new AbortController();
  jobApi = api;
  shown = null;
  announcedQuarter = -1;
  meter = new RateMeter();
  show(byId("job"), Boolean(job));
  if (!job) {
    document.title = titleOfPage("");
    return;
  }
  clearFaults(byId("job"), byId("job-problem"));
  drawJob(job);
  const { signal } = following;
  try {
    if ((hasFile(job) && !job.request && !job.downloadUrl) || (job.resumableUntil && job.keptItems === null)) {
      const { data } = await fetchJob(api, job.code, { signal });
      drawJob(data);
    }
    if (hasEnded(job)) return;
    await follow(api, job, signal, drawJob, showUnreachable);
    if (signal.aborted) return;
    notifyEnd(shown, byId("job-title").textContent, byId("job-text").textContent);
    whenEnded(shown);
  } catch (problem) {
    if (!signal.aborted) showJobProblem(problem);
  }
}

/** Scroll to the shown job, and keep it in view while the page grows, until the reader scrolls away. */
export const bringJobIntoView = () => scrollToJob();

export const isJobShown = () => shown !== null;

async function downloadShown() {
  const { signal } = following;
  clearFaults(byId("job"), byId("job-problem"));
  try {
    const job = await downloadFile(jobApi, shown.code);
    if (!signal.aborted) drawJob(job, Boolean(job.downloadUrl));
  } catch (problem) {
    if (!signal.aborted) showJobProblem(problem);
  }
}

async function change(method, more) {
  const { code } = shown;
  clearFaults(byId("job"), byId("job-problem"));
  try {
    const { data } = await jobApi.send(method, pathOf(code, more));
    if (shown?.code !== code) return;
    focusUnlessElsewhere(byId("job-title"), byId("job"));
    const isFollowed = showJob(jobApi, data);
    whenEnded(data);
    await isFollowed;
  } catch (problem) {
    if (shown?.code === code) showJobProblem(problem);
  }
}

/** Start the export of the shown job once more, as a job of its own. */
async function runAgain() {
  const isWanted = whileJobIsWanted();
  const { signal } = following;
  clearFaults(byId("job"), byId("job-problem"));
  try {
    const job = await startExport(jobApi, requestAgain(await resolvedRequest()));
    if (!isWanted()) return;
    focusUnlessElsewhere(byId("job-title"), byId("job"));
    const isFollowed = showJob(jobApi, job);
    whenEnded(job);
    await isFollowed;
  } catch (problem) {
    if (!signal.aborted) showJobProblem(problem);
  }
}

async function useShownSettings() {
  const isHere = whileHere();
  const { signal } = following;
  clearFaults(byId("job"), byId("job-problem"));
  try {
    const request = requestOf(await resolvedRequest());
    if (isHere() && !signal.aborted) whenSettingsWanted(request);
  } catch (problem) {
    if (!signal.aborted) showJobProblem(problem);
  }
}

async function resolvedRequest() {
  return shown.request ?? (await fetchJob(jobApi, shown.code)).data.request;
}

function showJobProblem(problem) {
  showProblem(problem, byId("job"), byId("job-problem"));
}

function showUnreachable(pause) {
  byId("job-note").textContent = t("job.unreachable", { time: duration(pause) });
}

/** Whether the reader may download the file. The answer to a start has its link; others have the request, but no link. */
function mayDownload(job) {
  if (!hasFile(job) || job.downloadUrl) return hasFile(job);
  return Boolean(job.request) && (jobApi.may("fields:sensitive") || !haveSensitiveField(job.request.columns));
}

function drawJob(job, isOffered = mayDownload(job)) {
  const before = shown?.status;
  shown = job;
  offerDeliveries(jobApi, job);
  tellLosses(jobApi, job);
  byId("job").dataset.status = job.status;
  byId("job-title").textContent = titleOfJob(job);
  drawBar(job);
  byId("job-text").textContent = describeJob(job);
  byId("job-meaning").textContent = meaningOf(job);
  drawDetails(job);
  if (job.status === "InProgress") meter.add(Date.now() / 1000, job.processedItems);
  drawRate(job);
  drawTimes();
  drawActions(job, isOffered);
  byId("job-note").textContent = noteOf(job, isOffered);
  document.title = titleOf(job);
  announceJob(job, before);
}

/** Say how a job is, whoever started it. A file that is gone is not ready. */
function titleOfJob({ status, fileStatus }) {
  const isGone = status === "Completed" && fileStatus !== "Available";
  return isGone ? labelOf("fileStatuses", fileStatus) : labelOf("jobTitles", status);
}

function drawBar(job) {
  const bar = byId("job-bar");
  show(bar, !hasEnded(job));
  if (job.percentComplete === null || job.percentComplete === undefined) bar.removeAttribute("value");
  else bar.value = job.percentComplete;
}

/** Show the service's own words about a failure, which name the page and the column, for those who can use them. */
function drawDetails(job) {
  show(byId("job-details"), job.status === "Failed");
  byId("job-failure").textContent = job.failure?.message ?? "";
}

function drawRate(job) {
  const isKnown = job.status === "InProgress" && meter.perSecond !== null;
  byId("job-rate").textContent = isKnown ? t("job.perSecond", { count: Math.round(meter.perSecond) }) : t("job.unknown");
  show(byId("job-chart"), isKnown && meter.points.length > 1);
  if (!isKnown) return;
  drawRates(byId("job-chart").querySelector("svg"), meter.points, meter.highest);
  byId("job-chart-text").textContent = t("job.highestRate", { count: Math.round(meter.highest) });
}

/** Show how long the job runs, and how long it will still take. */
function drawTimes() {
  const isRunning = shown !== null && !hasEnded(shown) && shown.startedDate !== null;
  show(byId("job-figures"), isRunning);
  if (!isRunning) return;
  byId("job-elapsed").textContent = stopwatch(secondsBetween(shown.startedDate));
  const left = shown.estimatedCompletionDate ? secondsBetween(new Date(), shown.estimatedCompletionDate) : null;
  byId("job-left").textContent = left === null ? t("job.unknown") : stopwatch(left);
}

function describeJob(job) {
  if (job.status === "Completed") return t("job.completed", { clients: clients(job.totalItems), size: size(job.fileSize), time: duration(secondsBetween(job.startedDate, job.completedDate)) });
  if (job.status === "Failed") return job.failure ? whatHappened(job.failure) : "";
  if (job.totalItems === null) return "";
  const values = { done: count(job.processedItems), clients: clients(job.totalItems), percent: percent(job.percentComplete) };
  if (hasEnded(job)) return t("job.written", values);
  const seconds = job.estimatedCompletionDate ? (new Date(job.estimatedCompletionDate) - Date.now()) / 1000 : 0;
  return seconds > 0 ? t("job.progressUntil", { ...values, time: duration(seconds) }) : t("job.progress", values);
}

function drawActions(job, isOffered) {
  show(byId("job-download"), isOffered);
  byId("job-download").textContent = isOffered ? t("job.download", { file: job.fileName }) : "";
  const steps = nextSteps(job, jobApi.may("exports:write"));
  for (const button of all("[data-step]", byId("job-actions"))) {
    show(button, steps.includes(button.dataset.step));
    button.classList.toggle("primary", hasEnded(job) && button.dataset.step === steps[0]);
  }
  byId("job-actions").querySelector(".copied")?.remove();
  offerNotice(!hasEnded(job));
  show(byId("job-actions"), Boolean([...byId("job-actions").children].some((child) => !child.hidden)));
}

function noteOf(job, isOffered) {
  if (job.status === "Completed") return noteOfFile(job, isOffered);
  if (!hasEnded(job)) return t(isNoticeAllowed() ? "job.mayCloseUnnotified" : "job.mayClose");
  return job.failure?.retryable && !job.resumableUntil ? t("job.mayRetry") : "";
}

function noteOfFile(job, isOffered) {
  if (isOffered) return t("job.availableUntil", { time: moment(job.expiryDate) });
  if (hasFile(job)) return t("job.maySeeNot");
  return t("job.exportAgain");
}

function titleOf(job) {
  return titleOfPage(hasEnded(job) ? labelOf("jobStatuses", job.status) : percent(job.percentComplete ?? 0));
}

/** Announce each change of status, and the progress after each quarter. */
function announceJob(job, before) {
  const quarter = Math.floor((job.percentComplete ?? 0) / 25);
  const text = `${byId("job-text").textContent} ${byId("job-meaning").textContent}`.trim();
  if (job.status !== before) announce(t("job.announced", { title: byId("job-title").textContent, text }));
  else if (quarter > announcedQuarter && !hasEnded(job)) announce(byId("job-text").textContent);
  announcedQuarter = quarter;
}
