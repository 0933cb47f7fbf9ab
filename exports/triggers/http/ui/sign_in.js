/* Signing in: with an API key or an account, for one tenant. Both stay in this browser tab until it is closed. */

import { all, announce, busy, byId, make, show } from "./dom.js";
import { Api, Problem, keyCredentials } from "./api.js";
import { accountCredentials, finishAccountSignIn, forgetAccount, hasAccounts, startAccountSignIn } from "./account.js";
import { clearFaults, showProblem } from "./faults.js";
import { t } from "./texts.js";
import { titleOfPage } from "./views.js";

const KEY = "client-export.key";
const TENANT = "client-export.tenant";
let whenSignedIn = null;
let entering = null;
let signedInApi = null;

/**
 * Set up the form, and sign in at once if this tab still has a key or an account. `signedIn` receives the API; after
 * signing out it receives null.
 */
export function setUpSignIn(signedIn) {
  whenSignedIn = signedIn;
  byId("sign-in-form").addEventListener("submit", (event) => {
    event.preventDefault();
    busy(byId("sign-in-submit"), signIn);
  });
  byId("show-key").addEventListener("click", toggleKey);
  byId("sign-out").addEventListener("click", () => signOut());
  byId("key").addEventListener("input", () => askForTenant(null));
  byId("account").addEventListener("click", () => busy(byId("account"), () => attemptSignIn(startAccountSignIn)));
  byId("tenant-switch").addEventListener("change", () => switchTenant(byId("tenant-switch").value));
  show(byId("account-part"), hasAccounts());
  busy(byId("sign-in-submit"), resume);
}

async function resume() {
  byId("key").value = sessionStorage.getItem(KEY) ?? "";
  if (byId("key").value) await attemptSignIn(() => enter(keyCredentials(byId("key").value)));
  else if (hasAccounts()) await attemptSignIn(resumeAccount);
  else byId("key").focus();
}

async function resumeAccount() {
  const credentials = (await finishAccountSignIn()) ?? (await accountCredentials());
  if (credentials) await enter(credentials);
  else byId("account").focus();
}

/** Forget who signed in, and show the form. `problem` is the reason, if the reader did not ask to sign out. */
export function signOut(problem = null) {
  signedInApi?.end();
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem(TENANT);
  forgetAccount();
  byId("key").value = "";
  askForTenant(null);
  show(byId("work"), false);
  show(byId("signed-in"), false);
  show(byId("sign-in"), true);
  document.title = titleOfPage("");
  whenSignedIn(null);
  if (problem) showRefusal(problem);
  byId(hasAccounts() ? "account" : "key").focus();
}

async function signIn() {
  const key = byId("key").value.trim();
  if (entering) await attemptSignIn(() => open(entering.credentials, entering.me, byId("tenant").value.trim()));
  else if (key) await attemptSignIn(() => enter(keyCredentials(key)));
  else byId("key").focus();
}

/** Do `work`. If the reader has changed the key when it fails, the problem is that of another key. */
async function attemptSignIn(work) {
  const key = byId("key").value;
  clearFaults(byId("sign-in"), byId("sign-in-problem"));
  try {
    await work();
  } catch (problem) {
    if (byId("key").value === key) showRefusal(problem);
  }
}

/** Ask the service who this is, then open the only tenant or the last one, or let the reader choose one. */
async function enter(credentials) {
  const { data: me } = await new Api(credentials).send("GET", "me");
  if (credentials.key && credentials.key !== byId("key").value.trim()) return;
  const codes = me.tenants.map(({ code }) => code);
  const last = sessionStorage.getItem(TENANT);
  if (codes.includes(last) || (last && me.anyTenant)) open(credentials, me, last);
  else if (codes.length === 1 && !me.anyTenant) open(credentials, me, codes[0]);
  else if (codes.length || me.anyTenant) askForTenant({ credentials, me });
  else throw new Problem(403, { detail: t("signIn.noTenant") });
}

function open(credentials, me, tenant) {
  if (!tenant) {
    byId("tenant").focus();
    return;
  }
  if (credentials.key) sessionStorage.setItem(KEY, credentials.key);
  sessionStorage.setItem(TENANT, tenant);
  entering = null;
  showWork(new Api(credentials, tenant, me, signOut));
}

function switchTenant(tenant) {
  const { credentials, me } = signedInApi;
  signedInApi.end();
  whenSignedIn(null);
  open(credentials, me, tenant);
}

function showWork(api) {
  signedInApi = api;
  show(byId("sign-in"), false);
  show(byId("work"), true);
  show(byId("signed-in"), true);
  drawTenants(api);
  byId("signed-in-name").textContent = api.me.name ?? "";
  for (const part of all("[data-scope]")) part.toggleAttribute("data-refused", !api.may(part.dataset.scope));
  for (const part of all("[data-unless]")) show(part, !api.may(part.dataset.unless));
  announce(t("signIn.done"));
  byId("content").focus({ preventScroll: true });
  whenSignedIn(api);
}

const tenantName = ({ code, name }) => name ?? code;

const tenantOptions = (tenants, chosen) =>
  tenants.map((tenant) => make("option", { value: tenant.code, selected: tenant.code === chosen }, tenantName(tenant)));

function drawTenants(api) {
  const { tenants } = api.me;
  const shownTenant = tenants.find(({ code }) => code === api.tenant) ?? { code: api.tenant, name: null };
  const several = tenants.length > 1 && tenants.includes(shownTenant);
  byId("signed-in-tenant").textContent = t("page.signedInTo", { tenant: tenantName(shownTenant) });
  byId("tenant-switch").replaceChildren(...(several ? tenantOptions(tenants, api.tenant) : []));
  show(byId("signed-in-tenant"), !several);
  show(byId("tenant-switch"), several);
}

/** Ask which tenant to open; with null, ask no more. A reader who may open every tenant can name one that is not listed. */
function askForTenant(asked) {
  entering = asked;
  show(byId("tenant-field"), Boolean(asked));
  if (!asked) return;
  const { tenants, anyTenant } = asked.me;
  const properties = { id: "tenant", autocomplete: "off", spellcheck: false, aria: { describedby: "tenant-hint" } };
  const field = anyTenant ? make("input", properties) : make("select", properties, ...tenantOptions(tenants));
  byId("tenant").replaceWith(field);
  byId("tenants").replaceChildren(...tenantOptions(tenants));
  if (anyTenant) field.setAttribute("list", "tenants");
  field.focus();
  announce(byId("tenant-hint").textContent);
}

function showRefusal(problem) {
  showProblem(problem, byId("sign-in"), byId("sign-in-problem"));
  if (!(problem instanceof Problem) || problem.status !== 401 || !byId("key").value) return;
  byId("key").setAttribute("aria-invalid", "true");
  byId("key").setAttribute("aria-describedby", "key-hint sign-in-problem");
  byId("key").focus();
}

function toggleKey() {
  const hidden = byId("key").type === "password";
  byId("key").type = hidden ? "text" : "password";
  byId("show-key").textContent = t(hidden ? "signIn.hide" : "signIn.show");
  byId("show-key").setAttribute("aria-pressed", String(hidden));
}
