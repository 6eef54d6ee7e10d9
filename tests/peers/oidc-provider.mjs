// The certified OpenID provider of npm, as a company's identity provider: node oidc-provider.mjs PORT REDIRECT_URI
// Prints `ready` when it listens; anybody signs in with any password, and has the groups of their name.
import Provider from "oidc-provider";

const [port, redirectUri] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const groups = { ana: ["NGC_AIE_PR_Admin", "staff"], bo: ["staff"] };

const provider = new Provider(issuer, {
  clients: [{ client_id: "gw", client_secret: "provider-secret", redirect_uris: [redirectUri], grant_types: ["authorization_code"] }],
  claims: {
    openid: ["sub"],
    email: ["email", "email_verified"],
    profile: ["name", "preferred_username"],
    groups: ["groups"],
  },
  scopes: ["openid", "email", "profile", "groups"],
  pkce: { required: () => true },
  cookies: { keys: ["only for a story"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: `peer-${id}`,
      email: `${id}@corp.example`,
      email_verified: true,
      name: id,
      preferred_username: `${id}@corp.example`,
      groups: groups[id] ?? [],
    }),
  }),
});

provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
