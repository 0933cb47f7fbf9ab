/* Connects the parts of the ui. */

import { queryOf } from "./address.js";
import { byId } from "./dom.js";
import { setUpDeliveries } from "./deliveries.js";
import { setUpExport, showExport } from "./export.js";
import { fetchJobs, setUpHistory, showHistory } from "./history.js";
import { bringJobIntoView, setUpJob, showJob, whileJobIsWanted } from "./job.js";
import { setUpLanguages } from "./languages.js";
import { setUpSchedules, showSchedules } from "./schedules.js";
import { setUpSignIn } from "./sign_in.js";
import { setUpVerify, showVerify } from "./verify.js";
import { currentView, goToView, setUpViews, showViews, whileHere } from "./views.js";

let api = null;

/** Begin after signing in. After signing out, `signedIn` is null: clear what was shown. */
function begin(signedIn) {
  api = signedIn;
  showJob(api, null);
  showViews(api);
}

/**
 * Return what shows a job that the reader chooses now in another view. If the job comes when the reader has left that view, it
 * is shown without moving the reader; if the reader has chosen another one by then, it is not shown.
 */
function jobOpener() {
  const isWanted = whileJobIsWanted();
  const isHere = whileHere();
  return (job) => {
    if (!isWanted()) return;
    const isFollowed = isHere();
    if (isFollowed) goToView("export");
    showJob(api, job);
    if (!isFollowed) return;
    bringJobIntoView();
    byId("job-title").focus();
  };
}

/** Show a request in the form, which takes it from the address. */
function showSettings(request) {
  goToView("export");
  location.hash = `#export?${queryOf(request)}`;
  byId("columns-title").scrollIntoView({ block: "start" });
  byId("view-export").querySelector("h1").focus({ preventScroll: true });
}

function refreshHistory() {
  if (currentView() === "history") fetchJobs();
}

if (setUpLanguages()) {
  setUpViews({ export: showExport, history: showHistory, schedules: showSchedules, verify: showVerify });
  setUpExport();
  setUpHistory(jobOpener, showSettings);
  setUpJob(refreshHistory, showSettings);
  setUpSchedules(jobOpener);
  setUpDeliveries();
  setUpVerify();
  setUpSignIn(begin);
}
