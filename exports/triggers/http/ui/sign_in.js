/* Signing in: asks for the API key, tries it, and keeps it in this browser tab until the tab is closed. */

import { announce, busy, byId, show } from "./dom.js";
import { Api, Problem } from "./api.js";
import { clearFaults, showProblem } from "./faults.js";
import { t } from "./texts.js";
import { titleOfPage } from "./views.js";

const KEY = "client-export.key";
const TENANT = "client-export.tenant";
let whenSignedIn = null;

/**
 * Set up the form, and sign in at once if this tab still has a key. `signedIn` receives the API; after signing out it
 * receives null.
 */
export function setUpSignIn(signedIn) {
  whenSignedIn = signedIn;
  byId("sign-in-form").addEventListener("submit", (event) => {
    event.preventDefault();
    busy(byId("sign-in-submit"), signIn);
  });
  byId("show-key").addEventListener("click", toggleKey);
  byId("sign-out").addEventListener("click", () => signOut());
  byId("key").value = sessionStorage.getItem(KEY) ?? "";
  byId("tenant").value = sessionStorage.getItem(TENANT) ?? "";
  show(byId("tenant-field"), Boolean(byId("tenant").value));
  if (byId("key").value) busy(byId("sign-in-submit"), signIn);
  else byId("key").focus();
}

/** Forget the key and show the sign-in form. `problem` is the reason, if the reader did not ask to sign out. */
export function signOut(problem = null) {
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem(TENANT);
  byId("key").value = "";
  byId("tenant").value = "";
  show(byId("tenant-field"), false);
  show(byId("work"), false);
  show(byId("signed-in"), false);
  show(byId("sign-in"), true);
  document.title = titleOfPage("");
  whenSignedIn(null);
  if (problem) showRefusal(problem);
  byId("key").focus();
}

async function signIn() {
  const key = byId("key").value.trim();
  const tenant = byId("tenant-field").hidden ? "" : byId("tenant").value.trim();
  clearFaults(byId("sign-in"), byId("sign-in-problem"));
  if (!key || (!byId("tenant-field").hidden && !tenant)) {
    byId(key ? "tenant" : "key").focus();
    return;
  }
  const api = new Api(key, tenant);
  try {
    await api.send("GET", "csv-mappings?limit=1");
    sessionStorage.setItem(KEY, key);
    sessionStorage.setItem(TENANT, tenant);
    showWork(tenant);
    whenSignedIn(api);
  } catch (problem) {
    showRefusal(problem);
  }
}

function showWork(tenant) {
  show(byId("sign-in"), false);
  show(byId("work"), true);
  show(byId("signed-in"), true);
  byId("signed-in-tenant").textContent = tenant ? t("page.signedInTo", { tenant }) : "";
  announce(t("signIn.done"));
  byId("content").focus({ preventScroll: true });
}

function showRefusal(problem) {
  if (problem.code === "tenant-required") {
    show(byId("tenant-field"), true);
    byId("tenant").focus();
    announce(byId("tenant-hint").textContent);
    return;
  }
  const isTenantRefused = !byId("tenant-field").hidden && problem.status === 403;
  const isRefused = problem instanceof Problem && [401, 403].includes(problem.status);
  const shownProblem = isTenantRefused ? new Problem(403, { detail: t("signIn.tenantRefused") }) : problem;
  showProblem(shownProblem, byId("sign-in"), byId("sign-in-problem"));
  const field = byId(isTenantRefused ? "tenant" : "key");
  if (isRefused) {
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `${field.id}-hint sign-in-problem`);
  }
  field.focus();
}

function toggleKey() {
  const hidden = byId("key").type === "password";
  byId("key").type = hidden ? "text" : "password";
  byId("show-key").textContent = t(hidden ? "signIn.hide" : "signIn.show");
  byId("show-key").setAttribute("aria-pressed", String(hidden));
}
