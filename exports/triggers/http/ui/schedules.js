/* The view of schedules: each with its next runs, its past runs and what can be done with it. */

import { announce, busy, byId, focusUnlessElsewhere, make, show } from "./dom.js";
import { unlessGone } from "./api.js";
import { clearFaults } from "./faults.js";
import { cronInWords, momentIn } from "./cron.js";
import { PATH_OF_SCHEDULES, editSchedule, hideScheduleForm, keepEditing, reportScheduleProblem, setUpScheduleForm, showPresentForm, stopEditingSchedule } from "./schedule_form.js";
import { contentOf, whatInWords } from "./schedule_words.js";
import { untilAnswered } from "./retry.js";
import { labelOf, t, visible } from "./texts.js";
import { currentView } from "./views.js";
import { fetchJob } from "./watch.js";

const MOST_RUNS = 10;
let schedulesApi = null;
let schedulesToken = null;
/** How often schedules were asked for, and which of these answers the list shows. A list never shows an older one. */
let listWishes = 0;
let listShown = 0;
let openerOfRuns = () => {};

/** Set up the view. `opener` is called when the reader asks for the job of a run, and returns what opens it when it has come. */
export function setUpSchedules(opener) {
  openerOfRuns = opener;
  setUpScheduleForm(refreshSchedules);
  byId("schedule-new").addEventListener("click", () => editSchedule(schedulesApi, null));
  byId("schedules-more").addEventListener("click", () => busy(byId("schedules-more"), () => fetchSchedules(false)));
}

/** Show the schedules. A form that is open stays, because the reader may have left it for the form of an export. */
export async function showSchedules(api) {
  const isSame = api === schedulesApi;
  schedulesApi = api;
  byId("schedules-list").replaceChildren();
  listShown = listWishes;
  for (const id of ["schedules-more", "schedules-empty"]) show(byId(id), false);
  if (isSame) showPresentForm();
  else hideScheduleForm(api);
  if (!api) return;
  show(byId("schedule-new"), mayWrite());
  const isWanted = () => api === schedulesApi && currentView() === "schedules";
  await attempt(() => untilAnswered("schedules", () => loadSchedules(true), isWanted, byId("schedules-missing")));
}

const mayWrite = () => schedulesApi.may("schedules:write");

/** Fetch the first schedules again, and put the focus on the one with this code, unless the reader has turned elsewhere. */
async function refreshSchedules(code) {
  await fetchSchedules(true);
  const title = code && byId("schedules-list").querySelector(`[data-code="${CSS.escape(code)}"] h2`);
  if (title) focusUnlessElsewhere(title);
}

const fetchSchedules = (isFromStart) => attempt(() => loadSchedules(isFromStart));

async function loadSchedules(isFromStart) {
  const mine = (listWishes += 1);
  const shown = listShown;
  const token = isFromStart ? "" : `&continuationToken=${encodeURIComponent(schedulesToken)}`;
  const { data } = await schedulesApi.send("GET", `${PATH_OF_SCHEDULES}?limit=25${token}`);
  if (isFromStart ? mine < listShown : shown !== listShown) return;
  listShown = mine;
  schedulesToken = data.continuationToken;
  const cards = data.data.map(scheduleCard);
  if (isFromStart) byId("schedules-list").replaceChildren(...cards);
  else byId("schedules-list").append(...cards);
  show(byId("schedules-more"), data.hasMore);
  show(byId("schedules-empty"), byId("schedules-list").children.length === 0);
}

async function attempt(work) {
  clearFaults(byId("schedules-list"), byId("schedules-problem"));
  try {
    await work();
  } catch (problem) {
    reportScheduleProblem(problem);
  }
}

function scheduleCard(schedule) {
  const { code, name, enabled } = schedule;
  const state = make("span", { className: "pill", dataset: { status: enabled ? "Completed" : "Cancelled" } }, t(enabled ? "schedules.active" : "schedules.paused"));
  return make(
    "li",
    { className: "card", dataset: { code } },
    make("div", { className: "head" }, make("h2", { tabIndex: -1 }, visible(name)), state),
    make("p", {}, t("schedules.when", { rhythm: cronInWords(schedule.cron), zone: schedule.timeZone })),
    make("p", { className: "hint" }, whatInWords(schedule)),
    ...nextRuns(schedule),
    pastRuns(schedule),
    ...(mayWrite() ? [actionsOf(schedule)] : []),
  );
}

function nextRuns({ nextRunDates, timeZone }) {
  if (!nextRunDates.length) return [];
  const items = nextRunDates.map((date) => make("li", {}, make("time", { dateTime: date }, momentIn(date, timeZone))));
  return [make("h3", {}, t("schedules.next")), make("ol", { className: "next-runs" }, ...items)];
}

function pastRuns(schedule) {
  const list = make("ul", { className: "tries" });
  const fold = make("details", {}, make("summary", {}, t("schedules.runs")), list);
  fold.addEventListener("toggle", () => {
    if (fold.open) attempt(() => fetchRuns(schedule, list));
  });
  return fold;
}

async function fetchRuns({ code, timeZone }, list) {
  const { data } = await schedulesApi.send("GET", `${PATH_OF_SCHEDULES}/${code}/runs?limit=${MOST_RUNS}`);
  const items = data.data.map((run) => runItem(run, timeZone));
  list.replaceChildren(...(items.length ? items : [make("li", {}, t("schedules.noRuns"))]));
}

function runItem(run, timeZone) {
  const time = momentIn(run.slotDate, timeZone);
  const status = run.jobStatus ? labelOf("jobStatuses", run.jobStatus) : labelOf("runOutcomes", run.outcome);
  const shade = run.jobStatus ?? (run.outcome === "Started" ? "Completed" : "Failed");
  const item = make("li", { dataset: { outcome: run.outcome } }, make("span", {}, time, " ", make("span", { className: "pill", dataset: { status: shade } }, status)));
  if (run.outcome !== "Started") item.append(make("small", {}, reasonOf(run)));
  if (run.jobStatus) {
    const open = make("button", { type: "button", className: "link", aria: { label: t("history.openOf", { time }) } }, t("history.open"));
    open.addEventListener("click", () => busy(open, () => attempt(() => openRun(run.jobCode))));
    item.append(open);
  }
  return item;
}

/** Say why a slot has no export. Why one failed to start, only the service knows. */
function reasonOf({ outcome, reason }) {
  return outcome === "Failed" && reason ? reason : t(`runReasons.${outcome}`);
}

async function openRun(code) {
  const open = openerOfRuns();
  const { data } = await fetchJob(schedulesApi, code);
  open(data);
}

function actionsOf(schedule) {
  const { name } = schedule;
  const edit = actionButton("edit", name, () => editSchedule(schedulesApi, schedule.code));
  const pause = actionButton(schedule.enabled ? "pause" : "goOn", name, () => attempt(() => setEnabled(schedule, !schedule.enabled)));
  const actions = make("div", { className: "actions" }, edit, pause);
  const remove = actionButton("remove", name, () => askToRemove(schedule, actions));
  actions.append(remove);
  return actions;
}

function actionButton(act, name, work) {
  const button = make("button", { type: "button", dataset: { act }, aria: { label: t(`scheduleActs.${act}Of`, { name }) } }, t(`scheduleActs.${act}`));
  button.addEventListener("click", () => busy(button, work));
  return button;
}

/** Change whether a schedule is active, if nobody else has changed it meanwhile. */
async function setEnabled({ code, name }, enabled) {
  const before = await schedulesApi.send("GET", `${PATH_OF_SCHEDULES}/${code}`);
  const body = { ...contentOf(before.data), enabled };
  keepEditing(before, await schedulesApi.send("PUT", `${PATH_OF_SCHEDULES}/${code}`, { body, headers: { "if-match": before.etag } }));
  await refreshSchedules(code);
  announce(t(enabled ? "schedules.isActive" : "schedules.isPaused", { name }));
}

/** Ask once more before a schedule is deleted, in the place of its buttons. */
function askToRemove(schedule, actions) {
  const { code, name } = schedule;
  const confirm = actionButton("confirm", name, () => attempt(() => removeSchedule(code, name)));
  const keep = actionButton("keep", name, () => {
    const before = actionsOf(schedule);
    actions.replaceWith(before);
    before.querySelector("[data-act=remove]").focus();
  });
  actions.replaceChildren(make("p", {}, t("schedules.askToRemove")), confirm, keep);
  keep.focus();
}

async function removeSchedule(code, name) {
  await schedulesApi.send("DELETE", `${PATH_OF_SCHEDULES}/${code}`).catch(unlessGone);
  stopEditingSchedule(code);
  await refreshSchedules();
  focusUnlessElsewhere(byId("schedules-title"));
  announce(t("schedules.isRemoved", { name }));
}
