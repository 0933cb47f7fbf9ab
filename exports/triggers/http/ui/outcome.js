/* Says what the end of an export means for the reader, and which steps come next. */

import { clients, moment } from "./labels.js";
import { hasText, t } from "./texts.js";
import { hasEnded, hasFile } from "./watch.js";

/** Failures that only the people who run the service can fix. */
const FOR_SUPPORT = ["internal", "source-mismatch", "source-refused", "key-order", "row-count"];

/** Say what has happened, in office words if the failure is a known one. */
export function whatHappened(failure) {
  return hasText(`failureCodes.${failure.code}`) ? t(`failureCodes.${failure.code}`) : failure.message;
}

/** Say what a failure or a cancel means for the file, and what a resume would keep. */
export function meaningOf(job) {
  if (!hasEnded(job) || job.status === "Completed") return "";
  const file = t(job.status === "Failed" ? "outcome.noFile" : "outcome.noFileCancelled");
  return `${file} ${keptInWords(job)}`.trim();
}

function keptInWords(job) {
  if (!job.resumableUntil) return t("outcome.notKept");
  if (job.keptItems === null || job.keptItems === undefined) return "";
  const values = { count: job.keptItems, kept: clients(job.keptItems), until: moment(job.resumableUntil) };
  if (!job.keptItems) return t("outcome.resumeReadsAll", values);
  return t(job.keptItems === job.totalItems ? "outcome.resumeKeepsAll" : "outcome.resumeKeeps", values);
}

/** Return the names of the next steps, the best one first. The reader who may not start exports gets no such step. */
export function nextSteps(job, mayWrite) {
  const steps = hasEnded(job) ? stepsAfterEnd(job) : ["cancel"];
  return mayWrite ? steps : steps.filter((step) => ["download", "support"].includes(step));
}

function stepsAfterEnd(job) {
  if (hasFile(job)) return ["download", "again", "settings"];
  const first = FOR_SUPPORT.includes(job.failure?.code) ? ["support"] : [];
  if (job.resumableUntil) return [...first, "resume", "settings"];
  if (job.status !== "Failed" || job.failure?.retryable) return ["again", "settings"];
  return [...first, "settings"];
}

/** The text that helps the people who run the service to find a failure. */
export function reportOf(job) {
  return t("outcome.report", { code: job.code, failure: job.failure.code, message: job.failure.message, time: job.completedDate });
}
