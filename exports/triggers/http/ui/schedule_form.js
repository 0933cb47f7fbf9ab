/* The form that makes a schedule from the present form of an export, or edits one. */

import { all, announce, busy, byId, make, show } from "./dom.js";
import { Problem, unlessGone } from "./api.js";
import { clearFaults, showFailure, showLate, showProblem } from "./faults.js";
import { choiceOf, cronOf, weekdayName } from "./cron.js";
import { NotifyFields, exportNotify } from "./notify.js";
import { finishedRequest, summary } from "./request.js";
import { changesInWords, haveSameContent } from "./schedule_words.js";
import { t } from "./texts.js";

export const PATH_OF_SCHEDULES = "clients/export/schedules";
const DAYS_OF_ANY_MONTH = 28;
const TIMES = ["rhythm", "time", "weekday", "day", "cron"];
/** The fields, in groups that mean something only together. */
const GROUPS = [["name"], TIMES, ["zone"], ["keep", "take"], ["incremental"], ["queue"], ["notify-url"], ["notify-email"]];
const notifyOfSchedule = new NotifyFields("schedule-notify");
/**
 * The form that is open, or null. An answer to another form than this one belongs to what the reader has left.
 *
 * `api`; `edited`: the schedule that is edited, as the service showed it, with its ETag, or with none if it is deleted; null
 * for a new one; `untouched`: what the fields held before the reader changed them.
 */
let openForm = null;
/** How often the reader has asked for a form. */
let formWishes = 0;
let whenChanged = () => {};

/** Show a problem above the list. */
export const reportScheduleProblem = (problem) => showFailure(problem, byId("schedules-list"), byId("schedules-problem"));

/** Set up the form. `changed` receives the code of the schedule that was saved, or none if someone else has changed one. */
export function setUpScheduleForm(changed) {
  whenChanged = changed;
  notifyOfSchedule.setUp();
  byId("schedule-weekday").replaceChildren(
    ...[1, 2, 3, 4, 5, 6, 0].map((day) => make("option", { value: String(day) }, weekdayName(day))),
  );
  const days = Array.from({ length: DAYS_OF_ANY_MONTH }, (_, index) => make("option", { value: String(index + 1) }, t("rhythms.day", { day: index + 1 })));
  byId("schedule-day").replaceChildren(...days, make("option", { value: "L" }, t("rhythms.lastDay")));
  byId("zones").replaceChildren(...["UTC", ...Intl.supportedValuesOf("timeZone")].map((value) => make("option", { value })));
  byId("schedule-rhythm").addEventListener("change", showRhythm);
  byId("schedule-form").addEventListener("submit", (event) => {
    event.preventDefault();
    busy(byId("schedule-save"), saveSchedule);
  });
  byId("schedule-dismiss").addEventListener("click", () => {
    hideScheduleForm(openForm.api);
    byId("schedule-new").focus();
  });
}

/** Hide the form. Without an API, also forget what was typed. */
export function hideScheduleForm(api) {
  show(byId("schedule-form"), false);
  openForm = null;
  notifyOfSchedule.show(api);
}

/** Go on with the form after the reader has changed the schedule in the list: the change is no one else's. */
export function keepEditing(before, changed) {
  const edited = openForm?.edited;
  if (edited?.data.code !== changed.data.code || edited.etag !== before.etag) return;
  openForm.edited = { ...changed, data: { ...edited.data, enabled: changed.data.enabled } };
}

/** Close the form of a schedule that the reader has deleted. */
export function stopEditingSchedule(code) {
  if (openForm?.edited?.data.code === code) hideScheduleForm(openForm.api);
}

/** Show the form for a new schedule, or for the one with this code as it is now. */
export async function editSchedule(api, code) {
  const mine = (formWishes += 1);
  let edited = null;
  try {
    if (code) edited = await api.send("GET", `${PATH_OF_SCHEDULES}/${code}`);
  } catch (problem) {
    if (mine === formWishes) reportScheduleProblem(problem);
    return;
  }
  if (mine !== formWishes) return;
  clearFaults(byId("schedule-form"), byId("schedule-problem"));
  openForm = { api, edited, untouched: [] };
  fillForm(edited?.data ?? null);
  show(byId("schedule-form"), true);
  byId("schedule-form-title").scrollIntoView({ block: "nearest" });
  byId("schedule-name").focus();
}

function fillForm(schedule) {
  showKind(schedule);
  byId("schedule-name").value = schedule?.name ?? "";
  byId("schedule-zone").value = schedule?.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  byId("schedule-queue").checked = schedule?.overlap === "queue";
  byId("schedule-incremental").checked = schedule?.incremental ?? false;
  const choice = choiceOf(schedule?.cron ?? "30 6 * * 1-5");
  for (const name of TIMES) byId(`schedule-${name}`).value = choice[name];
  showRhythm();
  byId("schedule-keep").checked = true;
  showPresentForm();
  notifyOfSchedule.show(openForm.api, schedule?.code);
  notifyOfSchedule.write(schedule ? schedule.request.notify : exportNotify.read());
  openForm.untouched = readFields();
}

/** Show whether the form is for a new schedule. Only an old one has something that it exported before. */
function showKind(schedule) {
  byId("schedule-form-title").textContent = t(schedule ? "schedules.edit" : "schedules.new");
  show(byId("schedule-what"), Boolean(schedule));
}

const stateOf = ({ type }) => (["checkbox", "radio"].includes(type) ? "checked" : "value");

const readFields = () => GROUPS.map((names) => names.map((name) => byId(`schedule-${name}`)).map((field) => field[stateOf(field)]));

/** Fill the form with a newer state of the schedule, except the fields that the reader has changed. */
function fillAroundChanges(schedule) {
  const [before, typed] = [openForm.untouched, readFields()];
  fillForm(schedule);
  for (const [group, names] of GROUPS.entries()) {
    if (typed[group].every((state, index) => state === before[group][index])) continue;
    for (const [index, name] of names.entries()) byId(`schedule-${name}`)[stateOf(byId(`schedule-${name}`))] = typed[group][index];
  }
  showRhythm();
}

/** Say what the form of an export would export now. */
export function showPresentForm() {
  byId("schedule-summary").textContent = t("schedules.presentForm", { summary: summary() });
}

function showRhythm() {
  const rhythm = byId("schedule-rhythm").value;
  for (const field of all("[data-rhythms]", byId("schedule-form"))) show(field, field.dataset.rhythms.split(" ").includes(rhythm));
}

function scheduleBody() {
  const choice = Object.fromEntries(TIMES.map((name) => [name, byId(`schedule-${name}`).value]));
  if (choice.rhythm !== "own" && !choice.time) throw missingTime();
  const { edited } = openForm;
  const isKept = edited && byId("schedule-keep").checked;
  const request = { ...(isKept ? edited.data.request : finishedRequest("/request")), notify: notifyOfSchedule.read() };
  return {
    name: byId("schedule-name").value,
    cron: cronOf(choice),
    timeZone: byId("schedule-zone").value.trim(),
    enabled: edited?.data.enabled ?? true,
    request,
    overlap: byId("schedule-queue").checked ? "queue" : "skip",
    incremental: byId("schedule-incremental").checked,
  };
}

function missingTime() {
  return new Problem(400, { code: "invalid-request", errors: [{ pointer: "/cron", detail: t("schedules.noTime") }] });
}

async function saveSchedule() {
  const mine = openForm;
  const sent = readFields();
  clearFaults(byId("schedule-form"), byId("schedule-problem"));
  try {
    const saved = await sendSchedule(mine, scheduleBody());
    const isClosed = openForm === mine && closeUnlessTyped(saved, sent);
    await whenChanged(isClosed ? saved.data.code : null);
    announce(t("columns.savedAs", { name: saved.data.name }));
  } catch (problem) {
    if (openForm !== mine) return showLate(problem, "notSaved", sent[0][0], byId("schedules-problem"));
    showProblem(problem, byId("schedule-form"), byId("schedule-problem"), "data-schedule");
    if (problem instanceof Conflict) await offerTheirs(problem.before);
  }
}

/** Close the form of a schedule that is saved. One in which the reader has typed since then stays, and edits the schedule. */
function closeUnlessTyped(saved, sent) {
  if (JSON.stringify(readFields()) === JSON.stringify(sent)) {
    hideScheduleForm(openForm.api);
    return true;
  }
  openForm.edited = saved;
  openForm.untouched = sent;
  showKind(saved.data);
  return false;
}

/** Someone else has changed the schedule that is edited: it was `before` when the reader opened it. */
class Conflict extends Problem {
  constructor(before) {
    super(412, { detail: t("schedules.changedByOthers") });
    this.before = before;
  }
}

/**
 * Send the schedule of a form. If someone else has changed it, take those changes into the form, and throw `Conflict`. If
 * someone else has deleted it, the form makes a new one from then on. A form that the reader has left stays as it is. If the
 * schedule has only run, or the reader has paused it in the list, send again.
 */
async function sendSchedule(sender, body) {
  const { api, edited: opened } = sender;
  if (!opened?.etag) return api.send("POST", PATH_OF_SCHEDULES, { body });
  const path = `${PATH_OF_SCHEDULES}/${opened.data.code}`;
  try {
    return await api.send("PUT", path, { body, headers: { "if-match": opened.etag } });
  } catch (problem) {
    if (problem.status !== 412 && problem.code !== "schedule-not-found") throw problem;
    const now = await api.send("GET", path).catch(unlessGone);
    if (openForm !== sender) throw problem;
    const paused = { ...body, enabled: sender.edited.data.enabled };
    if (sender.edited !== opened) return sendSchedule(sender, paused);
    sender.edited = now ?? { ...opened, etag: null };
    if (!now) throw new Problem(404, { detail: t("schedules.deletedByOthers") });
    if (haveSameContent(opened.data, now.data)) return sendSchedule(sender, body);
    fillAroundChanges(now.data);
    throw new Conflict(opened.data);
  }
}

/** Say what someone else has changed, and offer to drop what the reader has typed. */
async function offerTheirs(before) {
  const take = make("button", { type: "button", id: "schedule-theirs" }, t("schedules.dropMine"));
  take.addEventListener("click", () => {
    clearFaults(byId("schedule-form"), byId("schedule-problem"));
    fillForm(openForm.edited.data);
    byId("schedule-name").focus();
  });
  const facts = changesInWords(before, openForm.edited.data).flatMap(([label, words]) => [make("dt", {}, label), make("dd", {}, words)]);
  byId("schedule-problem").append(make("dl", {}, ...facts), make("p", {}, t("schedules.mineStays")), take);
  await whenChanged();
}
