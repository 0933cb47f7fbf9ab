/* What the form asks for: as the body of a request, and in words. */

import { FACTS, all, byId, show } from "./dom.js";
import { chosenColumns } from "./columns.js";
import { chosenMapping } from "./mappings.js";
import { count } from "./labels.js";

const picked = (name) => document.querySelector(`input[name=${name}]:checked`).value;

const ticked = (name) => all(`input[name=${name}]:checked`).map((box) => box.value);

/** Show the choices that belong to the chosen source of columns. */
export function showSource() {
  show(byId("by-mapping"), picked("columns") === "mapping");
  show(byId("by-choice"), picked("columns") === "chosen");
}

export function chooseColumns() {
  document.querySelector("input[name=columns][value=chosen]").checked = true;
  showSource();
}

export function choosePreset(value) {
  document.querySelector(`input[name=preset][value="${CSS.escape(value)}"]`).checked = true;
}

/** The body of the request; what the reader left alone is not named. */
export function requestBody() {
  const body = {};
  const source = picked("columns");
  if (source === "mapping") body.mappingCode = byId("mapping").value;
  if (source === "chosen") body.columnMappings = chosenColumns();
  if (!byId("headers").checked) body.includeHeaders = false;
  return { ...body, filter: filterOf(), format: formatOf() };
}

function filterOf() {
  const since = byId("since").value;
  const found = {
    statuses: ticked("statuses"),
    types: ticked("types"),
    search: byId("search").value.trim() || undefined,
    updatedSince: since ? new Date(since).toISOString() : undefined,
  };
  for (const input of all("[data-codes]")) found[input.dataset.codes] = codesOf(input.value);
  return given(found);
}

function codesOf(text) {
  return text.split(/[,;\n]/).map((code) => code.trim()).filter(Boolean);
}

function formatOf() {
  return given({
    preset: picked("preset"),
    fileName: byId("file-name").value.trim() || undefined,
    compression: byId("compression").value,
    delimiter: byId("delimiter").value || undefined,
    lineEnding: byId("line-ending").value || undefined,
    quoting: byId("quoting").value || undefined,
    byteOrderMark: { yes: true, no: false }[byId("mark").value],
    formulaGuard: byId("guard").checked ? undefined : false,
  });
}

function given(properties) {
  return Object.fromEntries(
    Object.entries(properties).filter(([, value]) => value !== undefined && !(Array.isArray(value) && !value.length)),
  );
}

/** Say in a line what would be exported. */
export function summary() {
  const body = requestBody();
  const filters = Object.keys(body.filter).length;
  const which = filters ? `clients that match ${filters} ${filters === 1 ? "filter" : "filters"}` : "all clients";
  return `${columnsInWords(body)}, ${which}, as ${FACTS.presets[body.format.preset]}.`;
}

function columnsInWords(body) {
  if (body.columnMappings) return `${count(body.columnMappings.length)} columns`;
  if ("mappingCode" in body) return `The columns of “${chosenMapping()?.name ?? ""}”`;
  return "Every column";
}
