/* The notification of an ended export: the tries to deliver it, and the button that sends it again. */

import { announce, busy, byId, make, show } from "./dom.js";
import { clearFaults, showProblem } from "./faults.js";
import { moment } from "./labels.js";
import { tryInWords } from "./notify.js";
import { hasEnded, pathOf } from "./watch.js";

const MOST_TRIES = 100;
let deliveriesApi = null;
let notifiedCode = "";

/** Set up the part of the job. */
export function setUpDeliveries() {
  byId("deliveries").addEventListener("toggle", () => byId("deliveries").open && loadDeliveries());
  byId("deliveries-again").addEventListener("click", () => busy(byId("deliveries-again"), sendAgain));
}

/** Offer to show the notification of a job, if it has ended. */
export function offerDeliveries(api, job) {
  const isOffered = Boolean(job) && hasEnded(job);
  show(byId("deliveries"), isOffered);
  if (isOffered && job.code === notifiedCode && api === deliveriesApi) return;
  deliveriesApi = api;
  notifiedCode = isOffered ? job.code : "";
  byId("deliveries").open = false;
  byId("deliveries-list").replaceChildren();
  for (const id of ["deliveries-none", "deliveries-again", "deliveries-problem"]) show(byId(id), false);
}

async function loadDeliveries() {
  const code = notifiedCode;
  await talk(async () => {
    const { data } = await deliveriesApi.send("GET", pathOf(code, `/deliveries?limit=${MOST_TRIES}`));
    if (code === notifiedCode) drawDeliveries(data.data);
  });
}

async function sendAgain() {
  await talk(async () => {
    const { data } = await deliveriesApi.send("POST", pathOf(notifiedCode, "/deliveries"));
    announce(data.data.map(tryInWords).join(" "));
    await loadDeliveries();
  });
}

async function talk(work) {
  const code = notifiedCode;
  clearFaults(byId("deliveries"), byId("deliveries-problem"));
  try {
    await work();
  } catch (problem) {
    if (code === notifiedCode) showProblem(problem, byId("deliveries"), byId("deliveries-problem"));
  }
}

/** Show the tries, the newest first. */
function drawDeliveries(tries) {
  const items = tries.map((each) =>
    make("li", { dataset: { delivered: String(each.delivered) } }, make("span", {}, tryInWords(each)), make("small", {}, moment(each.sentDate))),
  );
  byId("deliveries-list").replaceChildren(...items.reverse());
  show(byId("deliveries-none"), tries.length === 0);
  show(byId("deliveries-again"), tries.length > 0 && deliveriesApi.may("exports:write"));
}
