/* Reads the form: as the body of a request, and as a summary in words. */

import { METADATA, all, byId, show } from "./dom.js";
import { Problem } from "./api.js";
import { chosenCodes } from "./code_lists.js";
import { chosenColumns, mayExportAllFields } from "./columns.js";
import { chosenMapping } from "./mappings.js";
import { t } from "./texts.js";

/** The value of `consistency` for a file that shows one moment. */
export const SNAPSHOT = "snapshot";

const radioValue = (name) => document.querySelector(`input[name=${name}]:checked`).value;

const checkedValues = (name) => all(`input[name=${name}]:checked`).map((box) => box.value);

/** Show the parts of the form that belong to the chosen source of columns and to the chosen format. */
export function showChosenParts() {
  show(byId("by-mapping"), radioValue("columns") === "mapping");
  show(byId("by-choice"), radioValue("columns") === "chosen");
  show(byId("long-cells-field"), isOption("longCells"));
}

export function chooseColumns() {
  document.querySelector("input[name=columns][value=chosen]").checked = true;
  showChosenParts();
}

export function choosePreset(value) {
  document.querySelector(`input[name=preset][value="${CSS.escape(value)}"]`).checked = true;
}

/** The fields for a moment, by their JSON pointers. */
const MOMENT_FIELDS = { "/filter/updatedSince": "since", "/filter/updatedUntil": "until" };

/**
 * Return what is wrong with the moments of the form as a problem, or null. A browser gives no value for a day without a
 * time, or for one that does not exist: the request would then be for the clients of all times. `path` is that of the request.
 */
export function faultOfMoments(path = "") {
  const unfinished = Object.entries(MOMENT_FIELDS).filter(([, id]) => byId(id).validity.badInput || isNoMoment(byId(id)));
  const errors = unfinished.map(([pointer, id]) => ({ pointer: `${path}${pointer}`, detail: t("filter.unfinished", { field: t(`filter.${id}`) }) }));
  return errors.length ? new Problem(400, { code: "invalid-request", errors }) : null;
}

/** Whether a field holds what no date can be: browsers let readers type years of more than four digits. */
const isNoMoment = ({ value }) => value !== "" && Number.isNaN(Date.parse(value));

/** Return the body of the request. Throws `Problem` if a moment of the form is unfinished. */
export function finishedRequest(path) {
  const fault = faultOfMoments(path);
  if (fault) throw fault;
  return requestBody();
}

/** Return the body of the request, without the properties for which the reader left the default. */
export function requestBody() {
  const body = {};
  const source = radioValue("columns");
  if (source === "mapping") body.mappingCode = byId("mapping").value;
  if (source === "chosen") body.columnMappings = chosenColumns();
  if (!byId("headers").checked && isOption("includeHeaders")) body.includeHeaders = false;
  if (byId("snapshot").checked) body.consistency = SNAPSHOT;
  return { ...body, filter: readFilter(), format: readFormat() };
}

function readFilter() {
  return withoutEmpty({
    statuses: checkedValues("statuses"),
    types: checkedValues("types"),
    search: byId("search").value.trim() || undefined,
    updatedSince: readMoment(byId("since")),
    updatedUntil: readMoment(byId("until")),
    ...chosenCodes(),
  });
}

/** Return the moment in a field: exactly as it was written, if the reader has not changed it since. */
function readMoment(input) {
  if (!input.value || isNoMoment(input)) return undefined;
  return input.value === input.dataset.local ? input.dataset.moment : new Date(input.value).toISOString();
}

/** Write a moment, given with its offset from UTC, into a field that shows local time. */
export function writeMoment(input, moment = "") {
  const date = new Date(moment);
  const local = new Date(date - date.getTimezoneOffset() * 60_000);
  input.value = Number.isNaN(local.getTime()) ? "" : local.toISOString().replace(/(:00)?\.000Z$|Z$/, "");
  input.dataset.local = input.value;
  input.dataset.moment = moment;
}

function readFormat() {
  const known = Object.entries(readOptions()).filter(([name]) => isOption(name));
  return withoutEmpty({ preset: radioValue("preset"), ...Object.fromEntries(known) });
}

/** Say whether the chosen preset has this option. */
function isOption(name) {
  return METADATA.options[radioValue("preset")].includes(name);
}

function readOptions() {
  return {
    fileName: byId("file-name").value.trim() || undefined,
    compression: byId("compression").value,
    delimiter: byId("delimiter").value || undefined,
    lineEnding: byId("line-ending").value || undefined,
    quoting: byId("quoting").value || undefined,
    byteOrderMark: { yes: true, no: false }[byId("mark").value],
    formulaGuard: byId("guard").checked ? undefined : false,
    longCells: byId("long-cells").value,
  };
}

function withoutEmpty(properties) {
  return Object.fromEntries(
    Object.entries(properties).filter(([, value]) => value !== undefined && !(Array.isArray(value) && !value.length)),
  );
}

/** Summarize in one line what would be exported. */
export function summary() {
  const body = requestBody();
  const filters = Object.keys(body.filter).length;
  const clients = filters ? t("export.matchingClients", { count: filters }) : t("export.allClients");
  return t("export.summary", { columns: columnsInWords(body), clients: ofOneMoment(clients, body), format: t(`presets.${body.format.preset}`) });
}

/** Add to words about clients that a request is for one moment, if it is. */
export function ofOneMoment(clients, { consistency }) {
  return consistency === SNAPSHOT ? t("export.ofOneMoment", { clients }) : clients;
}

function columnsInWords(body) {
  if (body.columnMappings) return t("export.columnCount", { count: body.columnMappings.length });
  if ("mappingCode" in body) return t("export.columnsOf", { name: chosenMapping()?.name ?? "" });
  return t(mayExportAllFields() ? "export.everyColumn" : "export.everyAllowedColumn");
}
