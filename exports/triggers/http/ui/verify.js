/* The view in which a downloaded file is checked against the manifest of its export, within the browser. */

import { byId, make, show } from "./dom.js";
import { showProblem } from "./faults.js";
import { proveFile } from "./file_proof.js";
import { count, moment, size } from "./labels.js";
import { drawLosses } from "./losses.js";
import { BadManifest } from "./manifest.js";
import { untilAnswered } from "./retry.js";
import { t } from "./texts.js";
import { currentView } from "./views.js";
import { PATH_OF_JOBS, hasFile, pathOf } from "./watch.js";

const LISTED = 100;
let verifyApi = null;
let listed = [];
let running = null;

/** Set up the view. */
export function setUpVerify() {
  byId("verify-file").addEventListener("change", () => {
    forgetVerdict();
    chooseJobOf(byId("verify-file").files[0]);
  });
  for (const id of ["verify-job", "verify-manifest"]) byId(id).addEventListener("change", forgetVerdict);
  byId("verify-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!running) checkFile();
  });
  byId("verify-stop").addEventListener("click", () => {
    forgetVerdict();
    byId("verify-start").focus();
  });
}

/** Show the view. Without an API, forget what was shown. */
export async function showVerify(api) {
  verifyApi = api;
  if (api) return offerCompleted(api);
  listed = [];
  byId("verify-form").reset();
  byId("verify-job").replaceChildren();
  forgetVerdict();
}

async function offerCompleted(api) {
  const isWanted = () => api === verifyApi && currentView() === "verify";
  try {
    await untilAnswered("completed exports", listCompleted, isWanted, byId("verify-missing"));
  } catch (problem) {
    showVerifyProblem(problem);
  }
}

async function listCompleted() {
  const { data } = await verifyApi.send("GET", `${PATH_OF_JOBS}?status=Completed&limit=${LISTED}`);
  listed = data.data.filter(hasFile);
  const chosen = byId("verify-job").value;
  const options = listed.map((job) => make("option", { value: job.code }, t("verify.jobOption", { file: job.fileName, time: moment(job.createdDate) })));
  byId("verify-job").replaceChildren(make("option", { value: "" }, t("verify.noJob")), ...options);
  byId("verify-job").value = listed.some((job) => job.code === chosen) ? chosen : "";
  if (!chosen) chooseJobOf(byId("verify-file").files[0]);
}

/** Choose the export whose file has this name, or else this size. A browser may have numbered the name: "clients (1).csv". */
function chooseJobOf(file) {
  if (!file) return;
  const name = file.name.replace(/ ?\(\d+\)(?=(\.\w+)*$)/, "");
  const job = listed.find((each) => each.fileName === name && each.fileSize === file.size) ?? listed.find((each) => each.fileName === name) ?? listed.find((each) => each.fileSize === file.size);
  byId("verify-job").value = job?.code ?? "";
}

function forgetVerdict() {
  running?.abort();
  running = null;
  showRunning(false);
  byId("verdict").replaceChildren();
  delete byId("verdict").dataset.verdict;
  show(byId("verify-problem"), false);
}

async function checkFile() {
  forgetVerdict();
  const file = byId("verify-file").files[0];
  if (!file) return sayVerifyFault("noFile", "verify-file");
  if (!byId("verify-job").value && !byId("verify-manifest").files[0]) return sayVerifyFault("noManifest", "verify-job");
  if (!globalThis.crypto?.subtle) return sayVerifyFault("notSecure", "verify-file");
  const controller = new AbortController();
  running = controller;
  showRunning(true);
  try {
    const manifest = await chosenManifest();
    const found = await proveFile(file, manifest, (bytes) => controller.signal.aborted || showRead(bytes, file.size), controller.signal);
    if (!controller.signal.aborted) showVerdict(found, file, manifest);
  } catch (problem) {
    if (!controller.signal.aborted) explain(problem);
  } finally {
    if (running === controller) {
      running = null;
      showRunning(false);
    }
  }
}

/** The manifest that the reader chose as a file, or else that of the chosen export. */
async function chosenManifest() {
  const chosen = byId("verify-manifest").files[0];
  if (!chosen) return (await verifyApi.send("GET", pathOf(byId("verify-job").value, "/manifest"))).data;
  try {
    return JSON.parse(await chosen.text());
  } catch (problem) {
    throw problem instanceof SyntaxError ? new BadManifest() : problem;
  }
}

function explain(problem) {
  if (problem instanceof BadManifest) sayVerifyFault("badManifest", "verify-manifest");
  else if (problem instanceof DOMException) sayVerifyFault("unreadable", "verify-file");
  else showVerifyProblem(problem);
}

const showVerifyProblem = (problem) => showProblem(problem, byId("verify-form"), byId("verify-problem"));

function sayVerifyFault(name, id) {
  byId("verify-problem").replaceChildren(make("p", {}, t(`verify.${name}`)));
  show(byId("verify-problem"), true);
  byId(id).focus();
}

function showRunning(isRunning) {
  show(byId("verify-stop"), isRunning);
  show(byId("verify-bar"), isRunning);
  byId("verify-bar").value = 0;
}

function showRead(bytes, total) {
  byId("verify-bar").value = total ? (100 * bytes) / total : 100;
}

function showVerdict(found, file, manifest) {
  const isIntact = ["proved", "unproved"].includes(found.verdict);
  const isEmpty = found.verdict === "proved" && found.rows === 0;
  byId("verdict").dataset.verdict = found.verdict;
  byId("verdict").replaceChildren(
    make("h2", {}, t(`verdicts.${found.verdict}`)),
    make("p", {}, t(isEmpty ? "verdicts.provedEmptyText" : `verdicts.${found.verdict}Text`, valuesOf(found, file))),
    ...(isIntact ? drawLosses(manifest) : []),
  );
}

function valuesOf({ rows, bytes, pages, page, start, stop }, file) {
  const values = { file: file.name, count: rows, size: size(bytes), given: size(file.size) };
  if (page === undefined) return values;
  return { ...values, part: count(Math.min(page + 1, pages)), parts: count(pages), start: count(start), stop: count(stop) };
}
