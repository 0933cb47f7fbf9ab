/* Fills the form from a request: that of an address, or of an earlier job. */

import { all, byId } from "./dom.js";
import { DEFAULTS, withoutDefaults } from "./address.js";
import { setCodes } from "./code_lists.js";
import { filterFields, setColumns } from "./columns.js";
import { showMappingActions, stopEditing } from "./mapping_changes.js";
import { describeMapping } from "./mappings.js";
import { SNAPSHOT, requestBody, showChosenParts, writeMoment } from "./request.js";

/**
 * Fill the form from a request, and reset what the request does not name. Returns the JSON pointers of what the form
 * cannot show: an unknown value, a selection that no longer exists, an option that only the API has.
 */
export function applyRequest(request) {
  const wanted = withoutDefaults(request);
  byId("request").reset();
  setColumns(wanted.columnMappings ?? []);
  check("columns", wanted.mappingCode === undefined ? (wanted.columnMappings ? "chosen" : "all") : "mapping");
  if (wanted.mappingCode !== undefined) byId("mapping").value = wanted.mappingCode;
  byId("headers").checked = wanted.includeHeaders ?? DEFAULTS["/includeHeaders"];
  byId("snapshot").checked = wanted.consistency === SNAPSHOT && !byId("snapshot").disabled;
  fillFilter(wanted.filter ?? {});
  fillFormat(wanted.format ?? {});
  filterFields();
  showChosenParts();
  describeMapping();
  stopEditing();
  showMappingActions();
  return differences(wanted, withoutDefaults(requestBody()));
}

function fillFilter(filter) {
  for (const name of ["statuses", "types"]) {
    for (const box of all(`input[name=${name}]`)) box.checked = filter[name]?.includes(box.value) ?? false;
  }
  byId("search").value = filter.search ?? "";
  writeMoment(byId("since"), filter.updatedSince);
  writeMoment(byId("until"), filter.updatedUntil);
  setCodes(filter);
}

function fillFormat(format) {
  check("preset", format.preset ?? DEFAULTS["/format/preset"]);
  byId("file-name").value = format.fileName ?? "";
  for (const [id, name] of [["compression", "compression"], ["long-cells", "longCells"]]) {
    byId(id).value = format[name] ?? DEFAULTS[`/format/${name}`];
  }
  for (const [id, name] of [["delimiter", "delimiter"], ["line-ending", "lineEnding"], ["quoting", "quoting"]]) {
    byId(id).value = format[name] ?? "";
  }
  byId("mark").value = { true: "yes", false: "no" }[format.byteOrderMark] ?? "";
  byId("guard").checked = format.formulaGuard ?? DEFAULTS["/format/formulaGuard"];
}

/** Check the radio button with a value, if there is one. */
function check(name, value) {
  const button = document.querySelector(`input[name=${name}][value="${CSS.escape(value)}"]`);
  if (button) button.checked = true;
}

/** Return the JSON pointers at which two requests differ. */
function differences(one, other) {
  const [left, right] = [leaves(one), leaves(other)];
  return [...new Set([...left.keys(), ...right.keys()])].filter((pointer) => left.get(pointer) !== right.get(pointer));
}

function leaves(value, pointer = "") {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return new Map([[pointer, leaf(value, pointer)]]);
  return new Map(Object.entries(value).flatMap(([name, inner]) => [...leaves(inner, `${pointer}/${name}`)]));
}

/** Return a value as text to compare. Lists of a filter have no order, and a moment has many spellings. */
function leaf(value, pointer) {
  if (pointer.startsWith("/filter/updated")) return String(Date.parse(value));
  return JSON.stringify(Array.isArray(value) && pointer.startsWith("/filter/") ? [...value].sort() : value);
}
