/* Saved mappings: the presets of the service, and those that the tenant has saved. The ui calls them selections. */

import { METADATA, announce, busy, byId, focusUnlessElsewhere, make, show } from "./dom.js";
import { chosenColumns, refusedLabels, setColumns } from "./columns.js";
import { clearFaults, showProblem } from "./faults.js";
import { listOf } from "./labels.js";
import { t, visible } from "./texts.js";

export const PATH_OF_MAPPINGS = "csv-mappings";
let mappingApi = null;
let mappings = [];

/** Set up choosing and saving. `adapt` runs when the reader wants to change a copy of a mapping. */
export function setUpMappings(adapt) {
  byId("mapping").addEventListener("change", describeMapping);
  byId("adapt").addEventListener("click", () => {
    setColumns(chosenMapping()?.columnMappings ?? []);
    adapt();
  });
  byId("save-button").addEventListener("click", () => busy(byId("save-button"), saveMapping));
  byId("save-name").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    busy(byId("save-button"), saveMapping);
  });
}

/** After signing out, forget the names and columns that the tenant has saved. */
export function forgetMappings() {
  mappings = [];
  drawMappings();
}

/** Fetch and show all mappings. */
export async function loadMappings(api) {
  mappingApi = api;
  mappings = [];
  const query = new URLSearchParams({ limit: 100 });
  let list;
  do {
    list = (await api.send("GET", `${PATH_OF_MAPPINGS}?${query}`)).data;
    mappings.push(...list.data);
    drawMappings();
    query.set("continuationToken", list.continuationToken);
  } while (list.hasMore);
}

export function chosenMapping() {
  return mappings.find((mapping) => mapping.code === byId("mapping").value);
}

/** Return the columns that a request names, itself or by a saved mapping. Without any it has all fields. */
export function columnsOf({ columnMappings, mappingCode }) {
  return columnMappings ?? mappings.find(({ code }) => code === mappingCode)?.columnMappings ?? [];
}

function drawMappings() {
  const selected = byId("mapping").value;
  const options = (isPreset) =>
    mappings
      .filter((mapping) => mapping.isPreset === isPreset)
      .map((mapping) => make("option", { value: mapping.code, selected: mapping.code === selected }, visible(mapping.name)));
  const groups = [[t("columns.presets"), options(true)], [t("columns.saved"), options(false)]];
  byId("mapping").replaceChildren(
    ...groups.filter(([, group]) => group.length).map(([label, group]) => make("optgroup", { label }, ...group)),
  );
  describeMapping();
}

/** Show a mapping in its new state, or a new mapping. */
export function putMapping(mapping) {
  const at = mappings.findIndex(({ code }) => code === mapping.code);
  mappings.splice(at < 0 ? mappings.length : at, 1, mapping);
  drawMappings();
}

/** Show a mapping no longer, because it was deleted. */
export function dropMapping(code) {
  mappings = mappings.filter((mapping) => mapping.code !== code);
  drawMappings();
}

/** Show the columns of the chosen mapping in one line. */
export function describeMapping() {
  const mapped = chosenMapping()?.columnMappings ?? [];
  const headings = mapped.map(({ csvHeader }) => csvHeader).join(" · ");
  const refused = refusedLabels(mapped);
  show(byId("mapping-refused"), refused.length > 0);
  byId("mapping-refused").textContent = refused.length ? t("columns.mappingRefused", { fields: listOf(refused) }) : "";
  byId("mapping-columns").textContent = mapped.length ? t("columns.mappingColumns", { count: mapped.length, headings }) : "";
}

/** Save the columns as a new selection. It becomes the chosen one, unless the reader has chosen another one meanwhile. */
async function saveMapping() {
  const box = byId("save-problem");
  clearFaults(byId("by-choice"), box);
  const body = { name: byId("save-name").value, columnMappings: chosenColumns(), mappingType: METADATA.mappingType };
  const before = byId("mapping").value;
  try {
    const { data } = await mappingApi.send("POST", PATH_OF_MAPPINGS, { body });
    putMapping(data);
    if (byId("by-mapping").hidden && byId("mapping").value === before) chooseMapping(data.code);
    if (byId("save-name").value === body.name) closeSave();
    announce(t("columns.savedAs", { name: data.name }));
  } catch (problem) {
    showProblem(problem, byId("by-choice"), box, "data-save");
  }
}

function chooseMapping(code) {
  byId("mapping").value = code;
  byId("mapping").dispatchEvent(new Event("change"));
}

function closeSave() {
  byId("save-name").value = "";
  focusUnlessElsewhere(byId("save").querySelector("summary"), byId("save"));
  byId("save").open = false;
}
