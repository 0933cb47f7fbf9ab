/* The view of the exports so far: a list that stays current, with a search, filters and pages. */

import { Ended } from "./api.js";
import { all, busy, byId, make, show } from "./dom.js";
import { clearFaults, showProblem } from "./faults.js";
import { closeDetails, drawRows, setUpRows, tickRows } from "./history_rows.js";
import { t, visible } from "./texts.js";
import { addressState, currentView, keepInAddress, whileHere } from "./views.js";
import { PATH_OF_JOBS, fetchJob, hasEnded } from "./watch.js";

const LIST_LIMIT = 25;
const SEARCH_PAUSE_MS = 250;
const LIVE_MS = 2000;
const CALM_MS = 20000;
const LIST_FILTERS = { search: "recent-search", status: "recent-status", createdBy: "recent-person", scheduleCode: "recent-schedule" };
let listApi = null;
/** The cursors of the page that is wanted, and of those before it. */
let cursors = [null];
/** The cursors of the page that is shown, and of those before it. */
let shownCursors = [null];
let olderCursor = null;
/** The filters of the page that is shown, as a query. */
let shownFilters = "";
let fetches = 0;
let nextFetch = 0;
let searching = 0;
/** The job of a link that could not be opened. The address keeps it until the reader navigates. */
let unopened = null;
let openerOfList = () => {};

/**
 * Set up the view. `opener` is called when the reader asks for a job, and returns what opens it when it has come.
 * `settingsWanted` receives a request that the reader wants in the form.
 */
export function setUpHistory(opener, settingsWanted) {
  openerOfList = opener;
  setUpRows({ opener, settingsWanted, changed: fetchJobs, problem: showListProblem });
  byId("refresh").addEventListener("click", () => busy(byId("refresh"), fetchJobs));
  byId("newer").addEventListener("click", () => busy(byId("newer"), () => turnTo(cursors.slice(0, -1))));
  byId("more").addEventListener("click", () => busy(byId("more"), () => turnTo([...cursors, olderCursor])));
  byId("recent-filter").addEventListener("submit", (event) => event.preventDefault());
  byId("recent-filter").addEventListener("input", (event) => {
    clearLinkProblem();
    clearTimeout(searching);
    searching = setTimeout(showFirstPage, event.target.type === "search" ? SEARCH_PAUSE_MS : 0);
  });
  setInterval(tickList, 1000);
}

/** Show the newest jobs that fit the filters of the address. Without an API, forget what was shown. */
export async function showHistory(api) {
  if (api !== listApi) forgetList();
  listApi = api;
  if (!api) return;
  clearLinkProblem();
  const code = addressState().get("job");
  if (code && (await openNamed(code))) return;
  readAddress();
  offerPerson(api.me.name);
  await Promise.all([showFirstPage(), listSchedules()]);
}

function forgetList() {
  clearTimeout(searching);
  fetches += 1;
  cursors = [null];
  shownCursors = [null];
  shownFilters = "";
  closeDetails();
  byId("recent-rows").replaceChildren();
  byId("recent-filter").reset();
  byId("people").replaceChildren();
  byId("recent-schedule").replaceChildren(byId("recent-schedule").options[0]);
}

/** Take the filters from the address. An address without any keeps the filters. */
function readAddress() {
  const state = addressState();
  if (!Object.keys(LIST_FILTERS).some((name) => state.has(name))) return;
  for (const [name, id] of Object.entries(LIST_FILTERS)) {
    const value = state.get(name) ?? "";
    offerOption(byId(id), value, value);
    byId(id).value = value;
  }
}

/**
 * Open the job that the address names, unless the reader has left the view. Return whether the list is not needed. What is
 * wrong with such a link stays shown above the list, however often the list is fetched.
 */
async function openNamed(code) {
  const isHere = whileHere();
  const open = openerOfList();
  try {
    const { data } = await fetchJob(listApi, code);
    if (!isHere()) return true;
    keepInAddress("history", new URLSearchParams());
    open(data);
    return true;
  } catch (problem) {
    if (problem instanceof Ended || !isHere()) return true;
    unopened = code;
    showProblem(problem, byId("recent-filter"), byId("link-problem"));
    return false;
  }
}

function clearLinkProblem() {
  unopened = null;
  clearFaults(byId("recent-filter"), byId("link-problem"));
}

function chosenFilters() {
  const given = Object.entries(LIST_FILTERS).map(([name, id]) => [name, byId(id).value.trim()]);
  return new URLSearchParams(given.filter(([, value]) => value));
}

function stateOfList() {
  const state = chosenFilters();
  if (unopened) state.set("job", unopened);
  return state;
}

/** Show the first page for the filters as they are now. */
const showFirstPage = () => turnTo([null]);

/** Show another page of the list. A cursor for each page before it leads back. Cursors are worth nothing for other filters. */
async function turnTo(wanted) {
  cursors = chosenFilters().toString() === shownFilters ? wanted : [null];
  keepInAddress("history", stateOfList());
  closeDetails();
  await fetchJobs();
}

/**
 * Fetch the wanted page of the list. An answer that is older than another one is dropped. After a failure, the page that
 * is shown is the wanted one again, unless it belongs to other filters.
 */
export async function fetchJobs() {
  const mine = (fetches += 1);
  const query = chosenFilters();
  const filters = query.toString();
  query.set("limit", LIST_LIMIT);
  if (cursors.at(-1)) query.set("continuationToken", cursors.at(-1));
  try {
    const { data } = await listApi.send("GET", `${PATH_OF_JOBS}?${query}`);
    if (mine !== fetches) return;
    clearFaults(byId("recent-filter"), byId("recent-problem"));
    drawList(data, filters);
  } catch (problem) {
    if (mine !== fetches) return;
    if (filters === shownFilters) cursors = shownCursors;
    else showPageButtons(false, false);
    showListProblem(problem);
  }
}

function drawList({ data, hasMore, continuationToken }, filters) {
  shownCursors = cursors;
  shownFilters = filters;
  olderCursor = continuationToken;
  const isLive = data.some((job) => !hasEnded(job));
  nextFetch = Date.now() + (isLive ? LIVE_MS : CALM_MS);
  drawRows(listApi, data);
  for (const job of data) offerPerson(job.createdBy);
  showPageButtons(hasMore, cursors.length > 1);
  show(byId("recent-empty"), data.length === 0);
  byId("recent-empty").textContent = t(filters || cursors.length > 1 ? "history.noneFound" : "history.empty");
}

function showPageButtons(hasOlder, hasNewer) {
  show(byId("more"), hasOlder);
  show(byId("newer"), hasNewer);
}

/** Suggest a name. Any other can be typed. */
function offerPerson(name) {
  if (name) offerOption(byId("people"), name, "");
}

function offerOption(select, value, label) {
  if (!("options" in select) || [...select.options].some((option) => option.value === value)) return;
  select.append(make("option", { value }, label));
}

/** Offer the schedules as filters. A reader who may not see them gets none. */
async function listSchedules() {
  try {
    const { data } = await listApi.send("GET", "clients/export/schedules?limit=100");
    for (const { code, name } of data.data) {
      offerOption(byId("recent-schedule"), code, visible(name));
      for (const option of all("option", byId("recent-schedule"))) if (option.value === code) option.textContent = visible(name);
    }
  } catch {
    // Without their names, the filter that the address names still works.
  }
}

/** Keep what is shown current: times each second, the jobs while the reader can see them. */
function tickList() {
  if (!listApi || currentView() !== "history" || document.hidden) return;
  tickRows();
  if (Date.now() < nextFetch) return;
  nextFetch = Date.now() + CALM_MS;
  fetchJobs();
}

function showListProblem(problem) {
  showProblem(problem, byId("recent-filter"), byId("recent-problem"));
}
