/* Writes spans of time for the reader: a running clock, and what is left of a longer time. */

import { LOCALE, t } from "./texts.js";

const MINUTE_SECONDS = 60;
const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86400;

const wholeUnits = (value, unit) => new Intl.NumberFormat(LOCALE, { style: "unit", unit, unitDisplay: "short" }).format(Math.floor(value));

export const secondsBetween = (from, to = new Date()) => (new Date(to) - new Date(from)) / 1000;

/** Write a time like a stopwatch, for example 0:07 or 1:02:03. */
export function stopwatch(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / HOUR_SECONDS), Math.floor((whole % HOUR_SECONDS) / MINUTE_SECONDS), whole % MINUTE_SECONDS];
  if (!parts[0]) parts.shift();
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}

/** Write what is left of a time: in days and hours, in hours and minutes, or below an hour as a stopwatch. */
export function timeLeft(seconds) {
  if (seconds < HOUR_SECONDS) return stopwatch(seconds);
  const [first, second] = seconds < DAY_SECONDS ? [[HOUR_SECONDS, "hour"], [MINUTE_SECONDS, "minute"]] : [[DAY_SECONDS, "day"], [HOUR_SECONDS, "hour"]];
  return t("units.two", { first: wholeUnits(seconds / first[0], first[1]), second: wholeUnits((seconds % first[0]) / second[0], second[1]) });
}
