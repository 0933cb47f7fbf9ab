/* The filters by people, teams and services: lists of those that exist, and a field for codes that are in no list. */

import { all, byId, make, show } from "./dom.js";
import { searchWords } from "./field_search.js";

const PATH_OF_VALUES = "clients/export/filters";
/** Shorter lists need no field to search them. */
const SEARCHED_LIST = 5;
/** For each filter: the choices that the service offers, as {code, words, label}. */
const offered = new Map();
const cut = new Set();

const codeFilters = () => all("[data-codes]").map((box) => box.dataset.codes);
const partOf = (filter, selector) => document.querySelector(`[data-codes="${filter}"] ${selector}`);

/** Set up the filters. Their lists are empty until `loadCodeLists`. */
export function setUpCodeLists() {
  for (const filter of codeFilters()) {
    partOf(filter, ".codes-list").addEventListener("change", () => showCodeCount(filter));
    partOf(filter, ".codes-text").addEventListener("input", () => showCodeCount(filter));
    partOf(filter, ".codes-find").addEventListener("input", () => findInList(filter));
    offered.set(filter, []);
  }
}

/** After signing out, forget the names of people, teams and services. Codes that were chosen stay in the form. */
export function forgetCodeLists() {
  const chosen = chosenCodes();
  for (const filter of codeFilters()) offered.set(filter, []);
  cut.clear();
  setCodes(chosen);
}

/** Fetch the values that exist, and offer them. Without an answer the reader can still type codes. */
export async function loadCodeLists(api) {
  const { data } = await api.send("GET", PATH_OF_VALUES);
  const chosen = Object.fromEntries(codeFilters().map((filter) => [filter, checkedCodes(filter)]));
  const typed = Object.fromEntries(codeFilters().map((filter) => [filter, partOf(filter, ".codes-text").value]));
  for (const filter of codeFilters()) {
    const values = data[document.querySelector(`[data-codes="${filter}"]`).dataset.list];
    offered.set(filter, values.map(codeChoice).sort((one, other) => one.label.localeCompare(other.label)));
    if (data.truncated) cut.add(filter);
    else cut.delete(filter);
  }
  setCodes(chosen, typed);
}

function codeChoice({ code, name }) {
  const label = name ?? code;
  return { code, label, words: ` ${searchWords(`${label} ${code}`).join(" ")}` };
}

/** Return the chosen codes of each filter. */
export function chosenCodes() {
  return Object.fromEntries(codeFilters().map((filter) => [filter, codesOf(filter)]));
}

const checkedCodes = (filter) => all(`[data-codes="${filter}"] .codes-list :checked`).map((box) => box.value);

function codesOf(filter) {
  const checked = checkedCodes(filter);
  const typed = partOf(filter, ".codes-text").value.split(/[,;\n]/).map((code) => code.trim());
  return [...new Set([...checked, ...typed.filter(Boolean)])];
}

/**
 * Choose codes, and no others. A code that is in no list is added to it, because an address can name any code. `typed` is
 * what the reader is typing meanwhile: it stays in its fields.
 */
export function setCodes(codes, typed = {}) {
  for (const filter of codeFilters()) drawCodes(filter, codes[filter] ?? [], typed[filter] ?? "");
  if (Object.values(codes).some((chosen) => chosen?.length)) byId("codes").open = true;
}

function drawCodes(filter, chosen, typed) {
  const known = offered.get(filter);
  const others = chosen.filter((code) => !known.some((choice) => choice.code === code)).map((code) => codeChoice({ code }));
  const rows = [...others, ...known].map((choice) => drawCode(choice, chosen.includes(choice.code)));
  partOf(filter, ".codes-list").replaceChildren(...rows);
  if (partOf(filter, ".codes-text").value !== typed) partOf(filter, ".codes-text").value = typed;
  partOf(filter, ".codes-find").value = "";
  show(partOf(filter, ".codes-list"), rows.length > 0);
  show(partOf(filter, ".codes-find"), rows.length > SEARCHED_LIST);
  show(partOf(filter, ".codes-other"), cut.has(filter) || !known.length || typed !== "");
  show(partOf(filter, ".codes-none"), false);
  showCodeCount(filter);
}

function drawCode({ code, label, words }, checked) {
  const box = make("input", { type: "checkbox", value: code, checked });
  const text = label === code ? [label] : [`${label} `, make("small", {}, code)];
  return make("label", { className: "check", dataset: { words } }, box, make("span", {}, ...text));
}

/** Hide the choices that lack a word of the search. Hidden choices stay chosen; the count beside the name tells. */
function findInList(filter) {
  const wanted = searchWords(partOf(filter, ".codes-find").value);
  const rows = [...partOf(filter, ".codes-list").children];
  for (const row of rows) {
    const fits = wanted.every((word) => row.dataset.words.includes(` ${word}`));
    if (row.hidden === fits) row.hidden = !fits;
  }
  show(partOf(filter, ".codes-none"), rows.every((row) => row.hidden));
}

function showCodeCount(filter) {
  const count = codesOf(filter).length;
  partOf(filter, ".count").textContent = String(count);
  show(partOf(filter, ".count"), count > 0);
  const total = Object.values(chosenCodes()).flat().length;
  byId("codes-count").textContent = String(total);
  show(byId("codes-count"), total > 0);
}
