// The certified OpenID provider of npm, as the benchmark measures it beside ours: node token-server.mjs REDIRECT_URI SECRET
// Prints its address when it listens, signs everybody in as Ana without a question, and ends when its input does.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const say = console.log;
// Its advice would go to whoever reads the address.
console.log = console.info = console.warn = () => {};
const [redirectUri, secret] = process.argv.slice(2);
const jwk = (type, options, more) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: "jwk" }), ...more });
const client = (client_id, id_token_signed_response_alg) => ({
  client_id,
  client_secret: secret,
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code", "client_credentials"],
  id_token_signed_response_alg,
});

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const address = `127.0.0.1:${server.address().port}`;
const provider = new Provider(`http://${address}`, {
  clients: [client("web", "RS256"), client("small", "ES256")],
  jwks: { keys: [jwk("rsa", { modulusLength: 2048 }, { alg: "RS256" }), jwk("ec", { namedCurve: "P-256" }, { alg: "ES256" })] },
  features: { clientCredentials: { enabled: true }, introspection: { enabled: true }, devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
  cookies: { keys: ["only for a benchmark"] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@corp.example`, name: id }) }),
  claims: { openid: ["sub"], email: ["email"], profile: ["name"] },
  // Nobody is asked for consent, as at ours.
  loadExistingGrant: async (ctx) => {
    const standing = ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
    if (standing) return ctx.oidc.provider.Grant.find(standing);
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});
const serve = provider.callback();
server.on("request", (request, response) => {
  if (!request.url.startsWith("/sign-in/")) return serve(request, response);
  return provider.interactionFinished(request, response, { login: { accountId: "ana" } });
});
process.stdin.on("end", () => process.exit()).resume();
say(address);
