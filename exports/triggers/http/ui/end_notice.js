/* Tells the end of an export by a notification of the browser, if the reader has allowed that. */

import { announce, busy, byId, show } from "./dom.js";
import { t } from "./texts.js";

const canNotify = () => "Notification" in window;

/** Set up the button that asks the browser to allow notifications. */
export function setUpEndNotice() {
  byId("job-notify").addEventListener("click", () => busy(byId("job-notify"), askToNotify));
}

async function askToNotify() {
  const answer = await Notification.requestPermission();
  offerNotice(true);
  byId("job-title").focus();
  announce(t(answer === "granted" ? "notice.allowed" : "notice.refused"));
}

/** Offer a notification while an export runs, as long as the reader has not decided about it. */
export function offerNotice(isRunning) {
  show(byId("job-notify"), isRunning && canNotify() && Notification.permission === "default");
}

/** Whether the end will be notified, as long as the page is open. */
export const isNoticeAllowed = () => canNotify() && Notification.permission === "granted";

/** Notify a reader who is looking at something else. */
export function notifyEnd(job, title, text) {
  if (!isNoticeAllowed() || document.hasFocus()) return;
  const notice = new Notification(title, { body: text, tag: job.code });
  notice.onclick = () => {
    window.focus();
    notice.close();
  };
}
