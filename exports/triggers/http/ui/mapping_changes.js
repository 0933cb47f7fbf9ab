/* Changes the selections that the tenant has saved: renames them, replaces their columns, deletes them. */

import { announce, busy, byId, show } from "./dom.js";
import { unlessGone } from "./api.js";
import { chosenColumns, setColumns } from "./columns.js";
import { clearFaults, showProblem } from "./faults.js";
import { PATH_OF_MAPPINGS, chosenMapping, dropMapping, putMapping } from "./mappings.js";
import { t } from "./texts.js";

let changesApi = null;
let mayChange = false;
/** The selection whose columns are in the picker to be changed, as the service showed it, with its ETag; or null. */
let editedMapping = null;

/** Set up the buttons. `editing` runs when the columns of a selection are in the picker. */
export function setUpMappingChanges(editing) {
  byId("mapping").addEventListener("change", showMappingActions);
  onPress("edit", () => editMapping(editing));
  onPress("save-changes", saveChanges);
  byId("rename").addEventListener("click", openRename);
  byId("rename-cancel").addEventListener("click", () => closeBox("rename"));
  onPress("rename-save", renameMapping);
  byId("new-name").addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeBox("rename");
    if (event.key !== "Enter") return;
    event.preventDefault();
    busy(byId("rename-save"), renameMapping);
  });
  byId("delete").addEventListener("click", openDelete);
  byId("delete-no").addEventListener("click", () => closeBox("delete"));
  onPress("delete-yes", deleteMapping);
}

function onPress(id, work) {
  byId(id).addEventListener("click", () => busy(byId(id), work));
}

/** Begin with an API, or without one after signing out. `allowed` tells whether the key may change selections. */
export function beginMappingChanges(api, allowed) {
  changesApi = api;
  mayChange = allowed;
  stopEditing();
  show(byId("saving"), allowed);
  showMappingActions();
}

/** Forget which selection the columns of the picker come from, so that they can be saved as a new one only. */
export function stopEditing() {
  editedMapping = null;
  show(byId("save-changes"), false);
}

/** Show the buttons that the chosen selection allows, and close questions about the one before. */
export function showMappingActions() {
  const isOwn = mayChange && chosenMapping()?.isPreset === false;
  for (const id of ["edit", "rename", "delete"]) show(byId(id), isOwn);
  for (const id of ["rename-box", "delete-box"]) show(byId(id), false);
  clearFaults(byId("by-mapping"), byId("mapping-problem"));
}

function openRename() {
  showMappingActions();
  byId("new-name").value = chosenMapping().name;
  show(byId("rename-box"), true);
  byId("new-name").select();
}

function openDelete() {
  showMappingActions();
  byId("delete-question").textContent = t("columns.deleteQuestion", { name: chosenMapping().name });
  show(byId("delete-box"), true);
  byId("delete-no").focus();
}

/** Close a question, and return to the button that opened it. */
function closeBox(id) {
  showMappingActions();
  byId(id).focus();
}

async function renameMapping() {
  await changeChosen(async (path) => {
    const { data: now, etag } = await changesApi.send("GET", path);
    const body = { name: byId("new-name").value, columnMappings: now.columnMappings };
    const { data, etag: newEtag } = await changesApi.send("PUT", path, { body, headers: { "if-match": etag } });
    if (editedMapping?.code === data.code && editedMapping.etag === etag) beginEditing(data, newEtag);
    putMapping(data);
    closeBox("rename");
    announce(t("columns.renamed", { name: data.name }));
  });
}

async function deleteMapping() {
  const { code, name } = chosenMapping();
  await changeChosen(async (path) => {
    await changesApi.send("DELETE", path).catch(unlessGone);
    if (editedMapping?.code === code) stopEditing();
    dropMapping(code);
    showMappingActions();
    byId("mapping").focus();
    announce(t("columns.deleted", { name }));
  });
}

async function editMapping(editing) {
  await changeChosen(async (path) => {
    const { data, etag } = await changesApi.send("GET", path);
    putMapping(data);
    setColumns(data.columnMappings);
    beginEditing(data, etag);
    show(byId("save-changes"), true);
    editing();
  });
}

function beginEditing(mapping, etag) {
  editedMapping = { ...mapping, etag };
  byId("save-changes").textContent = t("columns.saveChanges", { name: mapping.name });
}

/** Replace the columns of the selection that is edited, unless another person has changed it meanwhile. */
async function saveChanges() {
  const box = byId("save-problem");
  const path = pathOfMapping(editedMapping.code);
  clearFaults(byId("by-choice"), box);
  try {
    const body = { name: editedMapping.name, columnMappings: chosenColumns() };
    const { data, etag } = await changesApi.send("PUT", path, { body, headers: { "if-match": editedMapping.etag } });
    editedMapping = { ...data, etag };
    putMapping(data);
    announce(t("columns.changesSaved", { name: data.name }));
  } catch (problem) {
    showProblem(await unlessConflict(problem, path), byId("by-choice"), box);
  }
}

/** After a change by another person, say so. The next press replaces the version of that person. */
async function unlessConflict(problem, path) {
  if (problem.status !== 412) return problem;
  try {
    editedMapping.etag = (await changesApi.send("GET", path)).etag;
    return { message: t("columns.changedByOthers", { name: editedMapping.name }) };
  } catch (other) {
    return other;
  }
}

const pathOfMapping = (code) => `${PATH_OF_MAPPINGS}/${encodeURIComponent(code)}`;

/** Do `work` with the path of the chosen selection. Show a problem below the selection. */
async function changeChosen(work) {
  const box = byId("mapping-problem");
  clearFaults(byId("by-mapping"), box);
  try {
    await work(pathOfMapping(chosenMapping().code));
  } catch (problem) {
    showProblem(problem, byId("by-mapping"), box, "data-save");
  }
}
