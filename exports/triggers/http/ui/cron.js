/* The times of a schedule: between the choices of the form, a cron expression, and words. */

import { LOCALE, t } from "./texts.js";

const TIME = /^(\d{1,2}) (\d{1,2}) (\S+) \* (\S+)$/;
const SUNDAY = Date.UTC(2023, 0, 1);
const DAY_MS = 24 * 3600 * 1000;

const two = (number) => String(number).padStart(2, "0");

/** Return the cron expression of a choice: `rhythm`, `time`, `weekday` and `day`, or the `cron` that was typed. */
export function cronOf({ rhythm, time, weekday, day, cron }) {
  if (rhythm === "own") return cron.trim();
  const [hours, minutes] = time.split(":").map(Number);
  const days = { daily: "* * *", workdays: "* * 1-5", weekly: `* * ${weekday}`, monthly: `${day} * *` };
  return `${minutes} ${hours} ${days[rhythm]}`;
}

/** Return the choice that has this cron expression. */
export function choiceOf(cron) {
  const [, minutes, hours, day, weekday] = TIME.exec(cron) ?? [];
  const own = { rhythm: "own", time: "06:30", weekday: "1", day: "1", cron };
  if (minutes === undefined || Number(hours) > 23 || Number(minutes) > 59) return own;
  const choice = { ...own, time: `${two(hours)}:${two(minutes)}` };
  if (day === "*" && weekday === "*") return { ...choice, rhythm: "daily" };
  if (day === "*" && weekday === "1-5") return { ...choice, rhythm: "workdays" };
  if (day === "*" && /^[0-6]$/.test(weekday)) return { ...choice, rhythm: "weekly", weekday };
  if (weekday === "*" && /^([1-9]|1\d|2[0-8]|L)$/.test(day)) return { ...choice, rhythm: "monthly", day };
  return own;
}

/** Say when a schedule runs. An expression that the form does not offer is shown as it is. */
export function cronInWords(cron) {
  const { rhythm, time, weekday, day } = choiceOf(cron);
  if (rhythm === "own") return t("rhythms.ownOf", { cron });
  const clock = new Intl.DateTimeFormat(LOCALE, { timeStyle: "short", timeZone: "UTC" });
  const values = { time: clock.format(new Date(`2023-01-01T${time}:00Z`)), weekday: weekdayName(weekday) };
  if (rhythm === "monthly" && day === "L") return t("rhythms.lastDayAt", values);
  return t(`rhythms.${rhythm}At`, { ...values, day: Number(day) });
}

/** Return the name of a day of the week; 0 is Sunday. */
export function weekdayName(number) {
  const names = new Intl.DateTimeFormat(LOCALE, { weekday: "long", timeZone: "UTC" });
  return names.format(new Date(SUNDAY + Number(number) * DAY_MS));
}

/** Write a moment as the clocks of a time zone show it. */
export function momentIn(moment, timeZone) {
  const options = { weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(LOCALE, { ...options, timeZone }).format(new Date(moment));
}
