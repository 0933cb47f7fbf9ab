// Runs `oidc-provider`, an OpenID Connect server certified by the OpenID Foundation, with one client that gets access
// tokens for itself, and one that is a page in which people sign in. Arguments: port, audience, roles separated by
// commas. It makes a key pair of its own at each start.
import { createServer } from "node:http";
import { generateKeyPairSync, randomUUID } from "node:crypto";

import Provider from "oidc-provider";

const [port, audience, roles] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
const resource = { scope: "", audience, accessTokenFormat: "jwt", accessTokenTTL: 600, jwt: { sign: { alg: "RS256" } } };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "nightly-import",
      client_secret: "known-to-everybody",
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
    },
    {
      client_id: "export-page",
      application_type: "native", // its addresses of this machine may have any port (RFC 8252, section 7.3)
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      redirect_uris: ["http://127.0.0.1/"],
      response_types: ["code"],
    },
  ],
  clientBasedCORS: () => true,
  cookies: { keys: ["unused"] },
  extraTokenClaims: (_, { accountId }) => ({
    name: accountId === "ada" ? "Ada Byron" : accountId,
    roles: accountId === "admin" ? ["Export.Admin"] : roles.split(","),
  }),
  issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token"),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  async loadExistingGrant({ oidc }) {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid offline_access");
    grant.addResourceScope("https://client-export.example", "");
    await grant.save();
    return grant;
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "https://client-export.example",
      getResourceServerInfo: () => resource,
      useGrantedResource: () => true,
    },
  },
  jwks: { keys: [key] },
});

const answer = provider.callback();

/** Sign a person in, whose button is pressed. Consent, which native clients always need, is given at once. */
async function signIn(request, response) {
  const { prompt } = await provider.interactionDetails(request, response);
  const account = new URL(request.url, "http://local").searchParams.get("as");
  if (prompt.name === "consent") {
    await provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true });
  } else if (account) {
    await provider.interactionFinished(request, response, { login: { accountId: account } });
  } else {
    const buttons = ["ada", "admin"].map((name) => `<button name="as" value="${name}" id="be-${name}">${name}</button>`);
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><title>Sign in</title><form>${buttons.join("")}</form>`);
  }
}

const serve = (request, response) => (request.url.startsWith("/interaction/") ? signIn : answer)(request, response);

createServer(serve).listen(Number(port), "127.0.0.1", () => console.log("listening"));
