/* The form that makes a schedule from the present form of an export, or edits one. */

import { all, announce, busy, byId, make, show } from "./dom.js";
import { Problem, unlessGone } from "./api.js";
import { clearFaults, showProblem } from "./faults.js";
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
let formApi = null;
/** The schedule that is edited, as the service showed it, with its ETag, or with none if it is deleted; or null. */
let edited = null;
/** What the fields held before the reader changed them. */
let untouched = [];
let whenChanged = () => {};

/** Show a problem with a schedule. Fields are found by the JSON pointer in the body of a schedule. */
export const reportScheduleProblem = (problem, container, box) => showProblem(problem, container, box, "data-schedule");

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
    hideScheduleForm(formApi);
    byId("schedule-new").focus();
  });
}

/** Hide the form. Without an API, also forget what was typed. */
export function hideScheduleForm(api) {
  show(byId("schedule-form"), false);
  edited = null;
  notifyOfSchedule.show(api);
}

/** Go on with the form after the reader has changed the schedule in the list: the change is no one else's. */
export function keepEditing(before, changed) {
  if (edited?.data.code !== changed.data.code || edited.etag !== before.etag) return;
  edited = { ...changed, data: { ...edited.data, enabled: changed.data.enabled } };
}

/** Close the form of a schedule that the reader has deleted. */
export function stopEditingSchedule(code) {
  if (edited?.data.code === code) hideScheduleForm(formApi);
}

/** Show the form for a new schedule, or for the one with this code as it is now. */
export async function editSchedule(api, code) {
  formApi = api;
  clearFaults(byId("schedule-form"), byId("schedule-problem"));
  try {
    edited = code ? await api.send("GET", `${PATH_OF_SCHEDULES}/${code}`) : null;
  } catch (problem) {
    reportScheduleProblem(problem, byId("schedules-list"), byId("schedules-problem"));
    return;
  }
  fillForm(edited?.data ?? null);
  show(byId("schedule-form"), true);
  byId("schedule-form-title").scrollIntoView({ block: "nearest" });
  byId("schedule-name").focus();
}

function fillForm(schedule) {
  byId("schedule-form-title").textContent = t(schedule ? "schedules.edit" : "schedules.new");
  byId("schedule-name").value = schedule?.name ?? "";
  byId("schedule-zone").value = schedule?.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  byId("schedule-queue").checked = schedule?.overlap === "queue";
  byId("schedule-incremental").checked = schedule?.incremental ?? false;
  const choice = choiceOf(schedule?.cron ?? "30 6 * * 1-5");
  for (const name of TIMES) byId(`schedule-${name}`).value = choice[name];
  showRhythm();
  show(byId("schedule-what"), Boolean(schedule));
  byId("schedule-keep").checked = true;
  showPresentForm();
  notifyOfSchedule.show(formApi, schedule?.code);
  notifyOfSchedule.write(schedule ? schedule.request.notify : exportNotify.read());
  untouched = readFields();
}

const stateOf = ({ type }) => (["checkbox", "radio"].includes(type) ? "checked" : "value");

const readFields = () => GROUPS.map((names) => names.map((name) => byId(`schedule-${name}`)).map((field) => field[stateOf(field)]));

/** Fill the form with a newer state of the schedule, except the fields that the reader has changed. */
function fillAroundChanges(schedule) {
  const [before, typed] = [untouched, readFields()];
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
  clearFaults(byId("schedule-form"), byId("schedule-problem"));
  try {
    const { data } = await sendSchedule(scheduleBody());
    hideScheduleForm(formApi);
    await whenChanged(data.code);
    announce(t("columns.savedAs", { name: data.name }));
  } catch (problem) {
    reportScheduleProblem(problem, byId("schedule-form"), byId("schedule-problem"));
    if (problem instanceof Conflict) await offerTheirs(problem.before);
  }
}

/** Someone else has changed the schedule that is edited: it was `before` when the reader opened it. */
class Conflict extends Problem {
  constructor(before) {
    super(412, { detail: t("schedules.changedByOthers") });
    this.before = before;
  }
}

/**
 * Send the schedule. If someone else has changed it, take those changes into the form, and throw `Conflict`. If someone
 * else has deleted it, the form makes a new one from then on.
 */
async function sendSchedule(body) {
  const opened = edited;
  if (!opened?.etag) return formApi.send("POST", PATH_OF_SCHEDULES, { body });
  const path = `${PATH_OF_SCHEDULES}/${opened.data.code}`;
  try {
    return await formApi.send("PUT", path, { body, headers: { "if-match": opened.etag } });
  } catch (problem) {
    if (problem.status !== 412 && problem.code !== "schedule-not-found") throw problem;
    const now = await formApi.send("GET", path).catch(unlessGone);
    if (edited !== opened) throw problem; // the reader has closed the form meanwhile
    edited = now ?? { ...opened, etag: null };
    if (!now) throw new Problem(404, { detail: t("schedules.deletedByOthers") });
    if (haveSameContent(opened.data, now.data)) return sendSchedule(body); // it has only run
    fillAroundChanges(now.data);
    throw new Conflict(opened.data);
  }
}

/** Say what someone else has changed, and offer to drop what the reader has typed. */
async function offerTheirs(before) {
  const take = make("button", { type: "button", id: "schedule-theirs" }, t("schedules.dropMine"));
  take.addEventListener("click", () => {
    clearFaults(byId("schedule-form"), byId("schedule-problem"));
    fillForm(edited.data);
    byId("schedule-name").focus();
  });
  const facts = changesInWords(before, edited.data).flatMap(([label, words]) => [make("dt", {}, label), make("dd", {}, words)]);
  byId("schedule-problem").append(make("dl", {}, ...facts), make("p", {}, t("schedules.mineStays")), take);
  await whenChanged();
}
