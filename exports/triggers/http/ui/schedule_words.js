/* Says in words what a schedule does. */

import { cronInWords } from "./cron.js";
import { filterInWords } from "./job_request.js";
import { ofOneMoment } from "./request.js";
import { t, visible } from "./texts.js";

/** Say what a schedule exports, and how. */
export function whatInWords({ request, incremental }) {
  const columns = request.columnMappings
    ? t("export.columnCount", { count: request.columnMappings.length })
    : t(request.mappingCode ? "schedules.savedSelection" : "export.everyColumn");
  const values = { columns, clients: ofOneMoment(filterInWords(request.filter), request), format: t(`presets.${request.format.preset}`) };
  return `${t("export.summary", values)} ${incremental ? t("schedules.onlyChanges") : ""}`.trim();
}

/** Return what a caller can set of a schedule, without what its runs change. */
export function contentOf({ name, cron, timeZone, enabled, request, overlap, incremental }) {
  return { name, cron, timeZone, enabled, request, overlap, incremental };
}

export const haveSameContent = (one, other) => JSON.stringify(contentOf(one)) === JSON.stringify(contentOf(other));

/** Return what differs between two states of a schedule, each as its label and the words for the later state. */
export function changesInWords(before, now) {
  const earlier = factsOf(before);
  return factsOf(now).filter(([, value], index) => JSON.stringify(value) !== JSON.stringify(earlier[index][1])).map(([label, , words]) => [label, words]);
}

/** Return the facts that a caller can set, each as its label, its value and words for it. */
function factsOf({ name, cron, timeZone, enabled, request, overlap, incremental }) {
  const { notify, ...exported } = request;
  const yesOrNo = (value) => t(value ? "file.yes" : "file.no");
  const receivers = [notify?.webhookUrl, ...(notify?.email ?? [])].filter(Boolean).join(", ");
  return [
    [t("history.status"), enabled, t(enabled ? "schedules.active" : "schedules.paused")],
    [t("schedules.name"), name, visible(name)],
    [t("schedules.rhythm"), cron, cronInWords(cron)],
    [t("schedules.zone"), timeZone, timeZone],
    [t("schedules.what"), exported, whatInWords({ request })],
    [t("schedules.incremental"), incremental, yesOrNo(incremental)],
    [t("schedules.queue"), overlap, yesOrNo(overlap === "queue")],
    [t("notify.title"), notify, receivers || yesOrNo(false)],
  ];
}
