// Runs `oidc-provider`, an OpenID Connect server certified by the OpenID Foundation, with one client that gets access
// tokens for itself. Arguments: port, audience, roles separated by commas. It makes a key pair of its own at each start.
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
  ],
  cookies: { keys: ["unused"] },
  extraTokenClaims: () => ({ roles: roles.split(",") }),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => "https://client-export.example",
      getResourceServerInfo: () => resource,
    },
  },
  jwks: { keys: [key] },
});

createServer(provider.callback()).listen(Number(port), "127.0.0.1", () => console.log("listening"));
