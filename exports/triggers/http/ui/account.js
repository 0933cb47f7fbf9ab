/* Signing in with the account of the organization: authorization code with PKCE, by oidc-client-ts (vendor/). */

import { METADATA } from "./dom.js";
import { Problem, Unreachable } from "./api.js";
import { t } from "./texts.js";

let manager = null;
let renewing = null;

/** Whether this service accepts accounts. Without that, the library is not in the page either. */
export const hasAccounts = () => Boolean(METADATA.accounts);

/** The page comes back to its own address, without a view or a language: the issuer allows only addresses it knows. */
function userManager() {
  const store = new oidc.WebStorageStateStore({ store: sessionStorage, prefix: "client-export.account." });
  manager ??= new oidc.UserManager({
    authority: METADATA.accounts.issuer,
    client_id: METADATA.accounts.clientId,
    scope: METADATA.accounts.scopes,
    redirect_uri: `${location.origin}${location.pathname}`,
    userStore: store,
    stateStore: store,
    automaticSilentRenew: false,
    loadUserInfo: false,
  });
  return manager;
}

/** Leave the page for the sign-in of the issuer, which comes back to it. */
export async function startAccountSignIn() {
  try {
    await userManager().signinRedirect({ state: { search: location.search, hash: location.hash } });
  } catch {
    throw new Problem(503, { detail: t("signIn.issuerUnreachable") });
  }
}

/** Finish a sign-in if the issuer has just sent the reader back, and return the credentials; otherwise return null. */
export async function finishAccountSignIn() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state") || !(answer.has("code") || answer.has("error"))) return null;
  try {
    const user = await userManager().signinRedirectCallback();
    const { search = "", hash = "" } = user.state ?? {};
    history.replaceState(null, "", `${location.pathname}${search}${hash}`);
    return credentialsOf(user);
  } catch {
    history.replaceState(null, "", location.pathname);
    throw new Problem(403, { detail: t("signIn.accountRefused") });
  }
}

/** Return the credentials of the account that this tab still has, or null. */
export async function accountCredentials() {
  const user = await userManager().getUser();
  return user && (!user.expired || user.refresh_token) ? credentialsOf(user) : null;
}

/** Forget the account, also if a renewal that is on its way would keep it again. */
export function forgetAccount() {
  if (!hasAccounts()) return;
  const forget = () => userManager().removeUser();
  forget();
  renewing?.then(forget, () => {});
}

/** An issuer may take a refresh token only once, so requests at the same time share one renewal. */
function credentialsOf(user) {
  let current = user;
  return {
    async header() {
      if (current.expired) {
        renewing ??= renewed(current).finally(() => (renewing = null));
        current = await renewing;
      }
      return ["authorization", ["Bearer", current.access_token].join(" ")];
    },
  };
}

/** Throws `Problem` if the issuer refuses, for example because the refresh token has ended too; else `Unreachable`. */
async function renewed(user) {
  try {
    if (user.refresh_token) return await userManager().signinSilent();
  } catch (problem) {
    if (!(problem instanceof oidc.ErrorResponse)) throw new Unreachable();
  }
  throw new Problem(401, { code: "invalid-token", title: "" });
}
