/* The list of recent exports. */

import { FACTS, busy, byId, make, show } from "./dom.js";
import { clearFaults, showProblem } from "./faults.js";
import { count, moment, size } from "./labels.js";
import { PATH_OF_JOBS, isWithheld } from "./watch.js";

const PAGE_OF_LIST = 10;
let source = null;
let next = null;
let open = () => {};
let turnedAway = () => {};

/** Set up the list; `look` gets the job the reader wants to see, `refused` runs when the key is no longer good. */
export function setUpRecent(look, refused) {
  open = look;
  turnedAway = refused;
  byId("refresh").addEventListener("click", () => busy(byId("refresh"), () => listJobs(source)));
  byId("more").addEventListener("click", () => busy(byId("more"), older));
  byId("recent-status").addEventListener("change", () => listJobs(source));
}

/** Show the newest jobs; gives them, or none if the service refuses. */
export async function listJobs(api) {
  source = api;
  next = null;
  return page((rows) => byId("recent-rows").replaceChildren(...rows));
}

async function older() {
  const known = byId("recent-rows").children.length;
  await page((rows) => byId("recent-rows").append(...rows));
  byId("recent-rows").children[known]?.querySelector("button")?.focus();
}

async function page(place) {
  clearFaults(byId("recent-rows"), byId("recent-problem"));
  const query = new URLSearchParams({ limit: PAGE_OF_LIST });
  if (next) query.set("continuationToken", next);
  if (byId("recent-status").value) query.set("status", byId("recent-status").value);
  try {
    const { data } = await source.send("GET", `${PATH_OF_JOBS}?${query}`);
    next = data.continuationToken;
    place(data.data.map(row));
    show(byId("more"), data.hasMore);
    show(byId("recent-empty"), byId("recent-rows").children.length === 0);
    return data.data;
  } catch (problem) {
    if (problem.status === 401) turnedAway(problem);
    else showProblem(problem, byId("recent-rows"), byId("recent-problem"));
    return [];
  }
}

function row(job) {
  const status = FACTS.jobStatuses[job.status]?.label ?? job.status;
  const look = make("button", { type: "button", className: "link", aria: { label: `Show the export of ${moment(job.createdDate)}` } }, "Show");
  look.addEventListener("click", () => open(job));
  return make(
    "tr",
    { dataset: { code: job.code } },
    make("th", { scope: "row" }, moment(job.createdDate)),
    cell("Status", make("span", { className: "pill", dataset: { status: job.status } }, status)),
    cell("Clients", job.totalItems === null ? "" : count(job.totalItems)),
    cell("Size", job.fileSize ? size(job.fileSize) : ""),
    cell("File", fileOf(job)),
    cell("", look),
  );
}

function cell(name, content) {
  return make("td", { dataset: { name } }, content);
}

function fileOf(job) {
  if (job.downloadUrl) return make("a", { href: job.downloadUrl, rel: "noreferrer" }, job.fileName);
  if (isWithheld(job)) return "sensitive";
  return job.status === "Completed" ? "no longer kept" : "";
}
