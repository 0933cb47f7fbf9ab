/* Changes the selections that the tenant has saved: renames them, replaces their columns, deletes them. */

import { METADATA, announce, busy, byId, focusUnlessElsewhere, make, show } from "./dom.js";
import { unlessGone } from "./api.js";
import { chosenColumns, setColumns } from "./columns.js";
import { clearFaults, showLate, showProblem } from "./faults.js";
import { listOf } from "./labels.js";
import { PATH_OF_MAPPINGS, chosenMapping, dropMapping, putMapping } from "./mappings.js";
import { nameOfColumn, t, visible } from "./texts.js";

let changesApi = null;
let mayChange = false;
/**
 * The selection whose columns are in the picker to be changed, as the service showed it, with its ETag, or with none if it is
 * deleted; or null. An answer about another object than this one belongs to an earlier state of the picker.
 */
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
  clearFaults(byId("by-choice"), byId("save-problem"));
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
  const name = byId("new-name").value;
  await changeChosen(async (path, isChosen) => {
    const { data: now, etag } = await changesApi.send("GET", path);
    const body = { name, columnMappings: now.columnMappings };
    const { data, etag: newEtag } = await changesApi.send("PUT", path, { body, headers: { "if-match": etag } });
    if (editedMapping?.code === data.code && editedMapping.etag === etag) beginEditing(data, newEtag);
    putMapping(data);
    if (isChosen() && byId("new-name").value === name) closeBox("rename");
    announce(t("columns.renamed", { name: data.name }));
  });
}

async function deleteMapping() {
  const { code, name } = chosenMapping();
  await changeChosen(async (path, isChosen) => {
    await changesApi.send("DELETE", path).catch(unlessGone);
    if (editedMapping?.code === code) stopEditing();
    const wasChosen = isChosen();
    dropMapping(code);
    if (wasChosen) {
      showMappingActions();
      focusUnlessElsewhere(byId("mapping"), byId("by-mapping"));
    }
    announce(t("columns.deleted", { name }));
  });
}

async function editMapping(editing) {
  await changeChosen(async (path, isChosen) => {
    const { data, etag } = await changesApi.send("GET", path);
    putMapping(data);
    if (!isChosen() || byId("by-mapping").hidden) return;
    stopEditing();
    setColumns(data.columnMappings);
    beginEditing(data, etag);
    editing();
  });
}

function beginEditing(mapping, etag) {
  editedMapping = { ...mapping, etag };
  byId("save-changes").textContent = t("columns.saveChanges", { name: mapping.name });
  show(byId("save-changes"), true);
}

/** Replace the columns of the selection that is edited, unless another person has changed it meanwhile. */
async function saveChanges() {
  const opened = editedMapping;
  const box = byId("save-problem");
  clearFaults(byId("by-choice"), box);
  try {
    const { data, etag } = await sendColumns(opened);
    putMapping(data);
    if (editedMapping === opened) beginEditing(data, etag);
    announce(t("columns.changesSaved", { name: data.name }));
  } catch (problem) {
    if (editedMapping === opened) await explainSaving(problem, opened);
    else showLate(problem, "notSaved", opened.name, box);
  }
}

/** Send the columns of the picker. A selection that is deleted is made anew. */
function sendColumns({ code, name, etag }) {
  const body = { name, columnMappings: chosenColumns() };
  if (etag) return changesApi.send("PUT", pathOfMapping(code), { body, headers: { "if-match": etag } });
  return changesApi.send("POST", PATH_OF_MAPPINGS, { body: { ...body, mappingType: METADATA.mappingType } });
}

/**
 * Say why the columns are not saved. If another person has changed the selection, or deleted it, say what they have done. The
 * columns of the reader stay in the picker, and the next press saves them.
 */
async function explainSaving(problem, opened) {
  const box = byId("save-problem");
  if (problem.status !== 412 && problem.code !== "mapping-not-found") return showProblem(problem, byId("by-choice"), box);
  try {
    const now = await changesApi.send("GET", pathOfMapping(opened.code)).catch(unlessGone);
    if (editedMapping !== opened) return;
    if (now) offerTheirColumns(opened, now);
    else loseMapping(opened);
  } catch (other) {
    showProblem(other, byId("by-choice"), box);
  }
}

function loseMapping(opened) {
  dropMapping(opened.code);
  showMappingActions();
  editedMapping = { ...opened, etag: null };
  showProblem({ message: t("columns.deletedByOthers", opened) }, byId("by-choice"), byId("save-problem"));
}

/** Show what another person has made of the selection, and offer to take it into the picker. */
function offerTheirColumns(opened, { data, etag }) {
  const box = byId("save-problem");
  putMapping(data);
  beginEditing(data, etag);
  const take = make("button", { type: "button", id: "take-theirs" }, t("columns.takeTheirs"));
  take.addEventListener("click", () => {
    clearFaults(byId("by-choice"), box);
    setColumns(data.columnMappings);
    byId("chosen-list").focus();
  });
  const facts = [
    ["saveName", visible(opened.name), visible(data.name)],
    ["theirs", wordsOfColumns(opened), wordsOfColumns(data)],
  ].filter(([, before, now]) => before !== now);
  showProblem({ message: t("columns.changedByOthers", opened) }, byId("by-choice"), box);
  box.append(
    make("dl", {}, ...facts.flatMap(([label, , now]) => [make("dt", {}, t(`columns.${label}`)), make("dd", {}, now)])),
    make("p", {}, t("columns.mineStay")),
    take,
  );
}

const wordsOfColumns = ({ columnMappings }) => listOf(columnMappings.map(nameOfColumn));

const pathOfMapping = (code) => `${PATH_OF_MAPPINGS}/${encodeURIComponent(code)}`;

/**
 * Do `work` with the path of the chosen selection, and with a function that tells whether it is still the chosen one. Show a
 * problem below the selection, with the name of the selection if it is no longer the chosen one.
 */
async function changeChosen(work) {
  const box = byId("mapping-problem");
  const { code, name } = chosenMapping();
  const isChosen = () => chosenMapping()?.code === code;
  clearFaults(byId("by-mapping"), box);
  try {
    await work(pathOfMapping(code), isChosen);
  } catch (problem) {
    if (isChosen()) showProblem(problem, byId("by-mapping"), box, "data-save");
    else showLate(problem, "notChanged", name, box);
  }
}
