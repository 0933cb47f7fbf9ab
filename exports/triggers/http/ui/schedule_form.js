/* The form that makes a schedule from the present form of an export, or edits one. */

import { all, announce, busy, byId, make, show } from "./dom.js";
import { Problem } from "./api.js";
import { clearFaults, showProblem } from "./faults.js";
import { choiceOf, cronOf, weekdayName } from "./cron.js";
import { NotifyFields, exportNotify } from "./notify.js";
import { finishedRequest, summary } from "./request.js";
import { t } from "./texts.js";

export const PATH_OF_SCHEDULES = "clients/export/schedules";
const DAYS_OF_ANY_MONTH = 28;
const notifyOfSchedule = new NotifyFields("schedule-notify");
let formApi = null;
let edited = null;
let whenSaved = () => {};

/** Show a problem with a schedule. Fields are found by the JSON pointer in the body of a schedule. */
export const reportScheduleProblem = (problem, container, box) => showProblem(problem, container, box, "data-schedule");

/** Set up the form. `saved` receives the code of the schedule. */
export function setUpScheduleForm(saved) {
  whenSaved = saved;
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
  for (const name of ["rhythm", "time", "weekday", "day", "cron"]) byId(`schedule-${name}`).value = choice[name];
  showRhythm();
  show(byId("schedule-what"), Boolean(schedule));
  byId("schedule-keep").checked = true;
  showPresentForm();
  notifyOfSchedule.show(formApi, schedule?.code);
  notifyOfSchedule.write(schedule ? schedule.request.notify : exportNotify.read());
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
  const choice = Object.fromEntries(["rhythm", "time", "weekday", "day", "cron"].map((name) => [name, byId(`schedule-${name}`).value]));
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
    const body = scheduleBody();
    const { data } = edited
      ? await formApi.send("PUT", `${PATH_OF_SCHEDULES}/${edited.data.code}`, { body, headers: { "if-match": edited.etag } })
      : await formApi.send("POST", PATH_OF_SCHEDULES, { body });
    hideScheduleForm(formApi);
    await whenSaved(data.code);
    announce(t("columns.savedAs", { name: data.name }));
  } catch (problem) {
    reportScheduleProblem(problem, byId("schedule-form"), byId("schedule-problem"));
  }
}
