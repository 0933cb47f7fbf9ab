/* The request of an earlier export: as the body that starts it again, and in words. */

import { METADATA, all } from "./dom.js";
import { listOf, moment } from "./labels.js";
import { labelOf, t } from "./texts.js";

/** The presets of CSV: their delimiter, and whether they write text for Excel. */
const CSV_FORMS = { rfc4180: [",", false], excel: [",", true], excelEu: [";", true], tsv: ["\t", false] };

/**
 * Return the body of a request for the same clients as those of a job. `resolved` is the `request` of the job. Its
 * `since` is left out: the filter has the moment that it stands for, and a request may have only one of the two.
 */
export function requestOf(resolved) {
  const { columns, filter, format, omittedFields, since, ...others } = resolved;
  const chosen = omittedFields?.length || hasEveryField(columns) ? {} : { columnMappings: columns };
  return { ...chosen, ...givenOnly(others), filter: givenOnly(filter), format: formatOf(format) };
}

/** Return the body of a request for the clients that have changed since a job: with its columns and its filter. */
export function requestOfChanges({ code, request }) {
  const { updatedUntil, ...others } = request.filter;
  return requestSince(code, { ...request, filter: others });
}

/** Return the body of the request that started a job: if it continues an earlier export, with the same start. */
export function requestAgain(request) {
  return request.since ? requestSince(request.since, request) : requestOf(request);
}

function requestSince(since, request) {
  const { updatedSince, ...filter } = request.filter;
  return { ...requestOf({ ...request, filter }), columnMappings: request.columns, since };
}

/** Whether these are the columns of a request that names none: every field, headed by its name. */
export function hasEveryField(columns) {
  return columns.length === all("[data-field]").length && columns.every(({ csvHeader, targetField }) => csvHeader === targetField);
}

export function presetOf(format) {
  if (format.kind) return format.kind;
  const found = Object.entries(CSV_FORMS).find(([, form]) => form[0] === format.delimiter && form[1] === format.excelText);
  return found?.[0] ?? (format.excelText ? "excel" : "rfc4180");
}

function formatOf({ kind, excelText, ...options }) {
  const preset = presetOf({ kind, excelText, ...options });
  if (!kind && CSV_FORMS[preset][0] === options.delimiter) delete options.delimiter;
  if (!kind && options.byteOrderMark === excelText) delete options.byteOrderMark;
  const known = Object.entries(options).filter(([name]) => METADATA.options[preset].includes(name));
  return givenOnly({ preset, ...Object.fromEntries(known) });
}

/** Whether a property changes nothing: null, an empty list, or an empty text to search for. */
const isNothing = (value) => value === null || value.length === 0;

const givenOnly = (properties) => Object.fromEntries(Object.entries(properties).filter(([, value]) => !isNothing(value)));

/** Say how many columns a job has, or which saved selection it used. */
export function columnsOfJob(job) {
  if (job.mappingName) return t("export.columnsOf", { name: job.mappingName });
  if (job.columnCount === all("[data-field]").length) return t("export.everyColumn");
  return t("export.columnCount", { count: job.columnCount });
}

/** Say in words which clients a filter lets through. */
export function filterInWords(filter) {
  const parts = Object.entries(filter ?? {}).map(([name, value]) => filterPartInWords(name, value)).filter(Boolean);
  return parts.length ? parts.join("; ") : t("export.allClients");
}

function filterPartInWords(name, value) {
  if (isNothing(value)) return "";
  if (name === "statuses") return t("requests.statuses", { values: listOf(value.map((each) => labelOf("clientStatuses", each))) });
  if (name === "types") return t("requests.types", { values: listOf(value.map((each) => labelOf("clientTypes", each))) });
  if (name === "search") return t("requests.search", { text: value });
  if (name === "updatedSince") return t("requests.updatedSince", { time: moment(value) });
  if (name === "updatedUntil") return t("requests.updatedUntil", { time: moment(value) });
  const label = labelOf("codeFilters", name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`));
  return t("requests.codes", { label, values: listOf(value) });
}
