/* The details of one export in the list: what it exported, what its end means, and what the reader can do with it. */

import { announce, busy, focusUnlessElsewhere, make } from "./dom.js";
import { copyText } from "./clipboard.js";
import { saveProof } from "./download.js";
import { filterInWords, hasEveryField, presetOf, requestAgain, requestOf, requestOfChanges } from "./job_request.js";
import { listOf, moment } from "./labels.js";
import { lossesOf } from "./losses.js";
import { meaningOf, whatHappened } from "./outcome.js";
import { ofOneMoment } from "./request.js";
import { startExport } from "./start.js";
import { labelOf, nameOfColumn, t } from "./texts.js";
import { fetchJob, hasEnded, hasFile, pathOf } from "./watch.js";

/** A list of clients to remove shows this many codes; the proof has all of them. */
const SHOWN_CODES = 100;

/** Fetch a job, draw its details into `place`, and return it. `actions` is that of the rows. */
export async function drawJobDetails(api, code, place, actions) {
  const { data: job } = await fetchJob(api, code);
  const facts = [...jobFacts(job), ...(hasFile(job) ? await factsOfFile(api, code, actions) : [])];
  place.replaceChildren(
    make("dl", {}, ...facts.flatMap(([name, text]) => [make("dt", {}, t(`details.${name}`)), make("dd", {}, text)])),
    make("div", { className: "actions" }, ...jobButtons(api, job, place, actions)),
  );
  return job;
}

function jobFacts(job) {
  const { columns, filter, format } = job.request;
  const file = labelOf("presets", presetOf(format));
  return [
    ["outcome", [job.failure ? whatHappened(job.failure) : "", meaningOf(job)].filter(Boolean).join(" ")],
    ["columns", hasEveryField(columns) ? t("export.everyColumn") : listOf(columns.map(nameOfColumn))],
    ["clients", ofOneMoment(filterInWords(filter), job.request)],
    ["moment", job.snapshotDate ? moment(job.snapshotDate) : ""],
    ["format", format.longCells === "fail" ? t("details.failsIfTooLong", { format: file }) : file],
    ["ended", job.completedDate ? moment(job.completedDate) : ""],
    ["code", job.code],
  ].filter(([, text]) => text);
}

/** What only the manifest tells of a file. If it cannot be fetched, the reader learns why and sees the rest. */
async function factsOfFile(api, code, actions) {
  try {
    const { data } = await api.send("GET", pathOf(code, "/manifest"));
    return [...lossesOf(data), ...removedClients(data.changes)];
  } catch (problem) {
    actions.problem(problem);
    return [];
  }
}

/** Which clients the reader must remove from the file of the earlier export, if the job continues one. */
function removedClients(changes) {
  if (!changes) return [];
  const { deletedCodes, leftCodes } = changes;
  return [
    ["deletedClients", deletedCodes ? codesInWords(deletedCodes) : t("details.deletionsUnknown")],
    ["leftClients", codesInWords(leftCodes)],
  ];
}

function codesInWords(codes) {
  if (!codes.length) return t("details.noClients");
  const shown = listOf(codes.slice(0, SHOWN_CODES));
  return codes.length > SHOWN_CODES ? t("details.moreClients", { codes: shown, count: codes.length - SHOWN_CODES }) : shown;
}

function jobButtons(api, job, place, actions) {
  const mayWrite = api.may("exports:write");
  const button = (act, work) => {
    const made = make("button", { type: "button", dataset: { act } }, t(`details.${act}`));
    made.addEventListener("click", () => busy(made, () => Promise.resolve(work(made)).catch(actions.problem)));
    return made;
  };
  const settings = button("useSettings", () => actions.settingsWanted(requestOf(job.request)));
  const opening = (work) => async () => {
    const open = actions.opener();
    open(await work());
  };
  const resume = opening(async () => (await api.send("POST", pathOf(job.code, "/resume"))).data);
  const again = opening(() => startExport(api, requestAgain(job.request)));
  const changes = opening(() => startExport(api, requestOfChanges(job)));
  const shown = [button("open", () => actions.opener()(job))];
  if (mayWrite && job.resumableUntil) shown.push(button("resume", resume));
  if (mayWrite && hasEnded(job)) shown.push(button("runAgain", again));
  if (mayWrite && job.status === "Completed") shown.push(button("exportChanges", changes));
  if (mayWrite) shown.push(settings);
  shown.push(button("copyLink", (made) => copyText(addressOfJob(job.code), made)));
  if (hasFile(job)) shown.push(button("saveProof", () => saveProof(api, job)));
  if (mayWrite && hasFile(job)) shown.push(button("deleteFile", (made) => askToDelete(api, job, made, place, actions)));
  return shown;
}

/**
 * The address of an export in this page, which never expires. It opens the export for a reader who may see it, and says so
 * if the file is no longer there.
 */
function addressOfJob(code) {
  return `${location.origin}${location.pathname}#history?job=${encodeURIComponent(code)}`;
}

/** Replace the button by a question, because a deleted file does not come back. */
function askToDelete(api, job, button, place, actions) {
  const keep = make("button", { type: "button", dataset: { act: "keepFile" } }, t("details.keepFile"));
  const remove = make("button", { type: "button", className: "primary", dataset: { act: "deleteNow" } }, t("details.deleteNow"));
  const question = make("span", { className: "question" }, t("details.deleteAsk", { file: job.fileName }), remove, keep);
  keep.addEventListener("click", () => {
    question.replaceWith(button);
    button.focus();
  });
  remove.addEventListener("click", () => busy(remove, () => deleteFile(api, job, place, actions).catch(actions.problem)));
  button.replaceWith(question);
  keep.focus();
}

async function deleteFile(api, job, place, actions) {
  await api.send("DELETE", pathOf(job.code, "/file"));
  announce(t("details.deleted", { file: job.fileName }));
  await drawJobDetails(api, job.code, place, actions);
  const button = place.querySelector("button");
  if (button) focusUnlessElsewhere(button, place);
  actions.changed();
}
