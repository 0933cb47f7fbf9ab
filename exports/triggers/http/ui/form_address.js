/* Keeps the form in the address of the page, so that a reload, a bookmark and a colleague find it as it is. */

import { byId, show } from "./dom.js";
import { queryOf, requestInQuery } from "./address.js";
import { applyRequest } from "./fill_form.js";
import { requestBody } from "./request.js";
import { currentView, keepInAddress } from "./views.js";

const FORM_VIEW = "export";
/** Browsers allow about 200 changes of the address in 30 seconds, and Safari 100. */
const MIN_WRITE_MS = 500;
/** So many changes in a row are written at once: a reload right after the last one finds it. */
const MOST_AT_ONCE = 30;
let isFollowed = false;
/** Whether the form is being filled: half of it must not get into the address. */
let isFilling = false;
/** The settings that the address had when it was last read or written. */
let knownQuery = "";
let writeTimer = 0;
/** When the changes written so far would be over if each took `MIN_WRITE_MS`. */
let busyUntil = 0;

/** Fill the form from the address when the reader begins, and keep the address true from then on. */
export function beginFormAddress() {
  isFollowed = true;
  knownQuery = queryOfAddress();
  if (knownQuery) fillFromAddress(knownQuery);
  keepFormAddress();
}

/** Whether the address has settings for the form. */
export const hasFormAddress = () => queryOfAddress() !== "";

/** After signing out the address stays, so that the reader finds the form again after signing in. */
export function endFormAddress() {
  isFollowed = false;
  clearTimeout(writeTimer);
}

/** Follow the address after it has changed. One without settings keeps the form, because links to the view have none. */
export function followFormAddress() {
  if (!isFollowed) return;
  knownQuery = queryOfAddress();
  if (knownQuery && knownQuery !== queryOf(requestBody())) fillFromAddress(knownQuery);
}

/** Write the form into the address: at once, or a moment later if there were many changes in a row. */
export function keepFormAddress() {
  if (!isFollowed || isFilling) return;
  clearTimeout(writeTimer);
  const pause = busyUntil - MOST_AT_ONCE * MIN_WRITE_MS - Date.now();
  if (pause <= 0) writeFormAddress();
  else writeTimer = setTimeout(writeFormAddress, pause);
}

/** Write the address, unless it is that of another view, or was changed by the reader and is about to be followed. */
function writeFormAddress() {
  const query = queryOf(requestBody());
  if (currentView() !== FORM_VIEW || queryOfAddress() !== knownQuery || query === knownQuery) return;
  busyUntil = Math.max(busyUntil, Date.now()) + MIN_WRITE_MS;
  knownQuery = query;
  keepInAddress(FORM_VIEW, query);
}

/** The settings in the address, as they are written there: decoding them would merge what commas and colons separate. */
function queryOfAddress() {
  const at = location.hash.indexOf("?");
  return at < 0 || currentView() !== FORM_VIEW ? "" : location.hash.slice(at + 1);
}

/** Fill the form from a query. If the form cannot show all of it, show the default form and say why. */
function fillFromAddress(query) {
  isFilling = true;
  const request = requestInQuery(query);
  const isWhole = request !== null && applyRequest(request).length === 0;
  if (!isWhole) applyRequest({});
  isFilling = false;
  show(byId("address-problem"), !isWhole);
}

/** The reader goes on with the default form. */
export function hideAddressProblem() {
  show(byId("address-problem"), false);
}
