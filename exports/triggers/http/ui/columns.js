/* The column picker: the reader picks fields, puts them in order, and gives them headings. */

import { all, announce, byId, make, show } from "./dom.js";
import { fieldsWith } from "./field_search.js";
import { hasText, t, visible } from "./texts.js";

let columns = [];
let whenColumnsChanged = () => {};
let isSensitiveAllowed = true;

/** Set up the picker. `changed` runs after every change. */
export function setUpColumns(changed) {
  whenColumnsChanged = changed;
  byId("fields").addEventListener("change", (event) => toggleField(event.target.dataset.field, event.target.checked));
  byId("fields").addEventListener("click", (event) => {
    if (event.target.matches("[data-all]")) toggleGroup(event.target.closest("[data-group]"));
  });
  byId("find").addEventListener("input", filterFields);
  byId("take-all").addEventListener("click", () => addColumns(visibleFields()));
  byId("take-none").addEventListener("click", () => removeColumns(foundBoxes().map((box) => box.dataset.field)));
  const list = byId("chosen");
  list.addEventListener("click", (event) => event.target.dataset.act && runAction(event.target));
  list.addEventListener("input", (event) => setHeading(event.target));
  list.addEventListener("keydown", moveByKey);
  setUpDragging(list);
  drawColumns();
}

/** Let the reader select sensitive fields, or not. One that is selected already can still be removed. */
export function allowSensitiveFields(allowed) {
  isSensitiveAllowed = allowed;
  for (const box of all("[data-sensitive]")) {
    if (allowed) box.removeAttribute("aria-describedby");
    else box.setAttribute("aria-describedby", "sensitive-note");
  }
  drawColumns();
}

export const mayExportAllFields = () => isSensitiveAllowed;

const sensitiveFields = () => all("[data-sensitive]").map((box) => box.dataset.field);

export const haveSensitiveField = (mappings) => mappings.some(({ targetField }) => sensitiveFields().includes(targetField));

/** Return the labels of those columns that the reader may not export. */
export function refusedLabels(mappings) {
  const refused = isSensitiveAllowed ? [] : sensitiveFields();
  return mappings.filter(({ targetField }) => refused.includes(targetField)).map(({ targetField }) => t(`fields.${targetField}`));
}

/** Return the columns in the form that a request has. */
export function chosenColumns() {
  return columns.map(({ field, header }) => ({ csvHeader: header, targetField: field }));
}

/** Replace all columns, for example by those of a saved mapping. Unknown fields and repeated ones are left out. */
export function setColumns(mappings) {
  const seen = new Set();
  const isNew = (field) => hasText(`fields.${field}`) && !seen.has(field) && seen.add(field);
  columns = mappings
    .filter(({ targetField }) => isNew(targetField))
    .map(({ csvHeader, targetField }) => ({ field: targetField, header: csvHeader }));
  redraw("");
}

function addColumns(fields) {
  const present = new Set(columns.map((column) => column.field));
  const added = fields.filter((field) => !present.has(field));
  columns.push(...added.map((field) => ({ field, header: t(`fields.${field}`) })));
  redraw(t("columns.added", { added: added.length, count: columns.length }));
}

function removeColumns(fields) {
  columns = columns.filter((column) => !fields.includes(column.field));
  redraw(columns.length ? t("columns.selected", { count: columns.length }) : t("columns.noneSelected"));
}

function toggleField(field, on) {
  if (on) addColumns([field]);
  else removeColumns([field]);
}

function toggleGroup(group) {
  const boxes = selectableBoxes(group);
  const fields = boxes.map((box) => box.dataset.field);
  if (boxes.every((box) => box.checked)) removeColumns(fields);
  else addColumns(fields);
}

/** Show the fields that the search finds. Only elements that change are touched, so that typing stays fluent. */
export function filterFields() {
  const found = fieldsWith(byId("find").value);
  for (const group of all("[data-group]")) {
    const boxes = all("[data-field]", group);
    for (const box of boxes) setVisible(box.closest("label"), found.has(box.dataset.field));
    setVisible(group, boxes.some((box) => found.has(box.dataset.field)));
  }
  setVisible(byId("none-found"), found.size === 0);
}

function setVisible(element, visible) {
  if (element.hidden === visible) show(element, visible);
}

const visibleFields = () => selectableBoxes().map((box) => box.dataset.field);

const selectableBoxes = (within) => foundBoxes(within).filter((box) => !box.disabled);

/** The boxes that the search leaves visible. */
function foundBoxes(within) {
  return all("[data-field]", within).filter((box) => !box.closest("label").hidden);
}

function setHeading(input) {
  columns[indexOf(input)].header = input.value;
  showUnseen(input);
  whenColumnsChanged();
}

/** Show below a heading the characters in it that nobody can see. */
function showUnseen(input) {
  const note = input.parentElement.querySelector(".unseen");
  show(note, visible(input.value) !== input.value);
  note.textContent = note.hidden ? "" : t("columns.unseen", { heading: input.value });
}

function indexOf(element) {
  return [...byId("chosen").children].indexOf(element.closest("li"));
}

function runAction(button) {
  const index = indexOf(button);
  if (button.dataset.act === "remove") removeAt(index);
  else move(index, button.dataset.act === "up" ? index - 1 : index + 1, button.dataset.act);
}

function removeAt(index) {
  removeColumns([columns[index].field]);
  const neighbour = byId("chosen").children[Math.min(index, columns.length - 1)];
  (neighbour?.querySelector("[data-act=remove]") ?? byId("find")).focus();
}

/** Move a column. The focus moves with it and stays on the same control. */
function move(from, to, control) {
  if (to < 0 || to >= columns.length || from === to) return;
  const [column] = columns.splice(from, 1);
  columns.splice(to, 0, column);
  redraw(t("columns.moved", { field: t(`fields.${column.field}`), place: to + 1, count: columns.length }));
  const row = byId("chosen").children[to];
  const wanted = row.querySelector(control === "input" ? "input" : `[data-act=${control}]`);
  (wanted.disabled ? row.querySelector("button:enabled") : wanted).focus();
}

function moveByKey(event) {
  if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  const index = indexOf(event.target);
  const control = event.target.matches("input") ? "input" : event.target.dataset.act;
  move(index, event.key === "ArrowUp" ? index - 1 : index + 1, control);
}

/** Let the reader drag columns by their handles, with a mouse or a finger. */
function setUpDragging(list) {
  Sortable.create(list, {
    handle: ".handle",
    ghostClass: "dragged",
    onEnd: ({ oldIndex, newIndex }) => move(oldIndex, newIndex, "input"),
  });
}

function redraw(announcement) {
  drawColumns();
  if (announcement) announce(announcement);
  whenColumnsChanged();
}

function drawColumns() {
  const present = new Set(columns.map((column) => column.field));
  for (const box of all("[data-field]")) {
    box.checked = present.has(box.dataset.field);
    box.disabled = !isSensitiveAllowed && !box.checked && "sensitive" in box.dataset;
  }
  byId("chosen").replaceChildren(...columns.map(drawColumn));
  byId("chosen-count").textContent = String(columns.length);
  for (const id of ["chosen-hint", "save"]) show(byId(id), columns.length > 0);
  show(byId("chosen-empty"), columns.length === 0);
}

function drawColumn({ field, header }, index) {
  const label = t(`fields.${field}`);
  const button = (act, symbol, disabled = false) =>
    make("button", { type: "button", dataset: { act }, aria: { label: t(`columns.${act}`, { field: label }) }, disabled }, symbol);
  const input = make("input", {
    value: header,
    maxLength: 200,
    autocomplete: "off",
    dataset: { pointer: `/columnMappings/${index}/csvHeader`, save: `/columnMappings/${index}/csvHeader` },
    aria: { label: t("columns.headingOf", { field: label }), describedby: `unseen-${field}` },
  });
  const unseen = make("span", { id: `unseen-${field}`, className: "unseen" });
  const name = make("span", { className: "of" }, label);
  name.dataset.pointer = `/columnMappings/${index}/targetField`;
  name.tabIndex = -1;
  const row = make("div", { className: "row" }, input, name, unseen);
  showUnseen(input);
  return make(
    "li",
    {},
    make("span", { className: "handle", title: t("columns.drag"), aria: { hidden: "true" } }, "⠿"),
    row,
    button("up", "↑", index === 0),
    button("down", "↓", index === columns.length - 1),
    button("remove", "×"),
  );
}
