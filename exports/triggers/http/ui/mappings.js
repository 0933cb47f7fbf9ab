/* Saved selections of columns: presets of the service, and those that the tenant has saved. */

import { FACTS, announce, busy, byId, make } from "./dom.js";
import { chosenColumns, setColumns } from "./columns.js";
import { clearFaults, showProblem } from "./faults.js";

let mappingApi = null;
let mappings = [];

/** Set up choosing and saving; `adapt` runs when the reader wants to change a copy. */
export function setUpMappings(adapt) {
  byId("mapping").addEventListener("change", describe);
  byId("adapt").addEventListener("click", () => {
    setColumns(chosenMapping()?.columnMappings ?? []);
    adapt();
  });
  byId("save-button").addEventListener("click", () => busy(byId("save-button"), save));
  byId("save-name").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    busy(byId("save-button"), save);
  });
}

/** Show all mappings, of which the first ones are known already. */
export async function loadMappings(api, first) {
  mappingApi = api;
  mappings = first.data;
  drawMappings();
  for (let page = first; page.hasMore; ) {
    const token = encodeURIComponent(page.continuationToken);
    page = (await api.send("GET", `csv-mappings?limit=100&continuationToken=${token}`)).data;
    mappings.push(...page.data);
  }
  drawMappings();
}

export function chosenMapping() {
  return mappings.find((mapping) => mapping.code === byId("mapping").value);
}

function drawMappings() {
  const kept = byId("mapping").value;
  const options = (preset) =>
    mappings
      .filter((mapping) => mapping.isPreset === preset)
      .map((mapping) => make("option", { value: mapping.code, selected: mapping.code === kept }, mapping.name));
  const groups = [["Presets", options(true)], ["Saved", options(false)]];
  byId("mapping").replaceChildren(
    ...groups.filter(([, of]) => of.length).map(([label, of]) => make("optgroup", { label }, ...of)),
  );
  describe();
}

function describe() {
  const columns = chosenMapping()?.columnMappings ?? [];
  const named = columns.map(({ csvHeader }) => csvHeader).join(" · ");
  byId("mapping-columns").textContent = columns.length ? `${columns.length} columns: ${named}` : "";
}

async function save() {
  const box = byId("save-problem");
  clearFaults(byId("save"), box);
  const body = { name: byId("save-name").value, columnMappings: chosenColumns(), mappingType: FACTS.mappingType };
  try {
    const { data } = await mappingApi.send("POST", "csv-mappings", { body });
    mappings.push(data);
    drawMappings();
    byId("mapping").value = data.code;
    describe();
    byId("save-name").value = "";
    byId("save").open = false;
    byId("save").querySelector("summary").focus();
    announce(`Saved as ${data.name}.`);
  } catch (problem) {
    showProblem(problem, byId("save"), box, "data-save");
  }
}
