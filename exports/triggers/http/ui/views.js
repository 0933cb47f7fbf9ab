/* The views of the page. The address names the one that is shown, as #name or #name?state. */

import { all, byId, show } from "./dom.js";
import { t } from "./texts.js";

const FIRST = "export";
let shows = {};
let viewApi = null;
let shownView = "";
let visits = 0;

/** Set up the navigation. `showViews` maps the name of each view to its `show…(api)`, which runs each time it is opened. */
export function setUpViews(showViews) {
  shows = showViews;
  addEventListener("hashchange", () => {
    const isOther = currentView() !== shownView;
    openView();
    if (isOther && viewApi) byId(`view-${shownView}`).querySelector("h1").focus();
  });
}

/** Show the view of the address, as a signed-in reader. With null, hide all and let each view forget what it showed. */
export function showViews(api) {
  viewApi = api;
  shownView = "";
  show(byId("views"), Boolean(api));
  if (api) openView();
  else for (const forget of Object.values(shows)) forget(null);
}

export function currentView() {
  const name = location.hash.slice(1).split("?")[0];
  return name in shows ? name : FIRST;
}

/** Return whether, from now on, the reader stays in the view: an answer that comes late opens no other one. */
export function whileHere() {
  const mine = visits;
  return () => mine === visits;
}

/** The state that the address keeps for the current view: what follows `?` behind `#name`. */
export function addressState() {
  const at = location.hash.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : location.hash.slice(at + 1));
}

/** Keep the state of the current view in the address, without a new entry in the history of the browser. */
export function keepInAddress(view, state) {
  if (currentView() !== view) return;
  const query = state.toString();
  history.replaceState(null, "", `${location.pathname}${location.search}#${view}${query ? `?${query}` : ""}`);
}

/** Open a view from a script. Unlike a click on its link, this leaves the focus to the caller. */
export function goToView(name) {
  if (currentView() === name) return;
  history.pushState(null, "", `#${name}`);
  openView();
}

function openView() {
  const name = currentView();
  for (const view of all("[data-view]")) show(view, view.dataset.view === name);
  for (const link of all("#views a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!viewApi) return;
  visits += 1;
  shownView = name;
  document.title = titleOfPage(name === FIRST ? "" : t(`views.${name}`));
  shows[name](viewApi);
}

/** The title of the page in the browser: a state or a view, and the name of the page. */
export function titleOfPage(state) {
  return state ? t("page.titleWith", { state, title: t("page.title") }) : t("page.title");
}
