/* Signing in with the account of the organization: authorization code with PKCE, by oidc-client-ts (vendor/). */

import { METADATA } from "./dom.js";
import { Problem } from "./api.js";
import { t } from "./texts.js";

let manager = null;

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

export function forgetAccount() {
  if (hasAccounts()) userManager().removeUser();
}

function credentialsOf(user) {
  let current = user;
  return {
    async header() {
      if (current.expired) current = await renewed(current);
      return ["authorization", ["Bearer", current.access_token].join(" ")];
    },
  };
}

async function renewed(user) {
  try {
    if (user.refresh_token) return await userManager().signinSilent();
  } catch {
    // The refresh token has ended too, or the issuer has taken it back.
  }
  throw new Problem(401, { code: "invalid-token", title: "" });
}
