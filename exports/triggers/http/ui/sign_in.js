/* The API key: asked for, tried, and kept in this tab until it is closed. */

import { announce, busy, byId, show } from "./dom.js";
import { Api, Problem } from "./api.js";
import { clearFaults, showProblem } from "./faults.js";

const KEY = "client-export.key";
const TENANT = "client-export.tenant";
let opened = null;

/** Let the reader in, at once if this tab still has a key; `open` gets the API and the first mappings. */
export function guardDoor(open) {
  opened = open;
  byId("door-form").addEventListener("submit", (event) => {
    event.preventDefault();
    busy(byId("enter"), enter);
  });
  byId("show-key").addEventListener("click", toggleKey);
  byId("leave").addEventListener("click", () => leave());
  byId("key").value = sessionStorage.getItem(KEY) ?? "";
  byId("tenant").value = sessionStorage.getItem(TENANT) ?? "";
  show(byId("tenant-field"), Boolean(byId("tenant").value));
  if (byId("key").value) busy(byId("enter"), enter);
  else byId("key").focus();
}

/** Go back to the door; the key is forgotten. `problem` says why, if the reader did not ask for it. */
export function leave(problem = null) {
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem(TENANT);
  byId("key").value = "";
  byId("tenant").value = "";
  show(byId("tenant-field"), false);
  show(byId("work"), false);
  show(byId("who"), false);
  show(byId("door"), true);
  document.title = "Client export";
  opened(null);
  if (problem) tellWhyNot(problem);
  byId("key").focus();
}

async function enter() {
  const key = byId("key").value.trim();
  const tenant = byId("tenant-field").hidden ? "" : byId("tenant").value.trim();
  clearFaults(byId("door"), byId("door-problem"));
  if (!key || (!byId("tenant-field").hidden && !tenant)) {
    byId(key ? "tenant" : "key").focus();
    return;
  }
  const api = new Api(key, tenant);
  try {
    const { data } = await api.send("GET", "csv-mappings?limit=100");
    sessionStorage.setItem(KEY, key);
    sessionStorage.setItem(TENANT, tenant);
    welcome(tenant);
    opened(api, data);
  } catch (problem) {
    tellWhyNot(problem);
  }
}

function welcome(tenant) {
  show(byId("door"), false);
  show(byId("work"), true);
  show(byId("who"), true);
  byId("who-text").textContent = tenant ? `Clients of ${tenant}` : "";
  announce("The key is valid. You can export now.");
  byId("content").focus({ preventScroll: true });
}

function tellWhyNot(problem) {
  if (problem.code === "tenant-required") {
    show(byId("tenant-field"), true);
    byId("tenant").focus();
    announce(byId("tenant-hint").textContent);
    return;
  }
  const named = !byId("tenant-field").hidden && problem.status === 403;
  const refused = problem instanceof Problem && [401, 403].includes(problem.status);
  showProblem(problem, byId("door"), byId("door-problem"));
  const field = byId(named ? "tenant" : "key");
  if (refused) {
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `${field.id}-hint door-problem`);
  }
  field.focus();
}

function toggleKey() {
  const hidden = byId("key").type === "password";
  byId("key").type = hidden ? "text" : "password";
  byId("show-key").textContent = hidden ? "Hide" : "Show";
  byId("show-key").setAttribute("aria-pressed", String(hidden));
}
