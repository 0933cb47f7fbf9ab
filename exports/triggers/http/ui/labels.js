/* Formats numbers, sizes and times for the reader, in the language of the page. */

import { LOCALE, t } from "./texts.js";

const whole = new Intl.NumberFormat(LOCALE);
const share = new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "short" });
const lists = new Intl.ListFormat(LOCALE);

export const count = (number) => whole.format(number);

export const percent = (number) => share.format(number / 100);

export const moment = (text) => clock.format(new Date(text));

export const listOf = (texts) => lists.format(texts);

export const clients = (number) => t("units.clients", { count: number });

const withUnit = (value, unit, options = {}) =>
  new Intl.NumberFormat(LOCALE, { style: "unit", unit, maximumSignificantDigits: 3, ...options }).format(value);

export function size(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return withUnit(value, units[unit], { unitDisplay: unit === 0 ? "long" : "short" });
}

export function duration(seconds) {
  if (seconds < 1.5) return t("units.aboutASecond");
  const [value, unit] =
    seconds < 90 ? [Math.round(seconds), "second"] : seconds < 5400 ? [Math.round(seconds / 60), "minute"] : [seconds / 3600, "hour"];
  return t("units.about", { time: withUnit(value, unit, { unitDisplay: "long" }) });
}
