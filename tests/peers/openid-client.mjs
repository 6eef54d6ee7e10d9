// The strict OpenID client of npm, as a service behind the gateway: node openid-client.mjs ISSUER CLIENT_ID SECRET CALLBACK GOODBYE
// Says in lines of JSON where the browser has to go and what came of it; reads in lines where the browser has arrived.
import { createInterface } from "node:readline";
import * as client from "openid-client";

const [issuer, id, secret, callback, goodbye] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const arrived = async () => new URL((await lines.next()).value);
const say = (what) => console.log(JSON.stringify(what));
const failure = (promise) => promise.then(() => "none", (error) => error.error ?? error.code ?? error.message);

for (const proof of [client.ClientSecretBasic(secret), client.ClientSecretPost(secret)]) {
  const config = await client.discovery(new URL(issuer), id, {}, proof, { execute: [client.allowInsecureRequests] });
  // Signatures are verified although the tokens come straight from the provider.
  client.enableNonRepudiationChecks(config);
  const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()];
  const go = client.buildAuthorizationUrl(config, {
    redirect_uri: callback,
    scope: "openid profile email groups org",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  });
  say({ go });
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  const back = await arrived();
  const tokens = await client.authorizationCodeGrant(config, back, checks);
  const claims = tokens.claims();
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token);
  const end = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: goodbye,
    state,
  });
  say({ claims, userinfo, scope: fresh.scope, go: end });
  const bye = await arrived();
  say({
    state: bye.searchParams.get("state") === state,
    userinfo: await failure(client.fetchUserInfo(config, fresh.access_token, claims.sub)),
    refreshed: await failure(client.refreshTokenGrant(config, fresh.refresh_token)),
    again: await failure(client.authorizationCodeGrant(config, back, checks)),
  });
}
lines.return?.();
process.stdin.destroy();
