//! HTTP: extractors, handlers, envelopes, and the console's pages. It translates; the gateway decides.
//!
//! | module | routes | who |
//! |---|---|---|
//! | [`check`] | `/api/v1/keys/check…` | resource servers: the hot path, with a router of its own and no layers |
//! | [`feed`] | `/api/v1/keys/feed` | resource servers that remember answers: beside the key checks, without layers too |
//! | [`proxy`] | `/auth/check…` | reverse proxies: beside the key checks, without layers too |
//! | [`api`] | `/api/v1/…` | people, admins, operators |
//! | [`login`] | `/login…`, `/oidc/{connection}/callback`, `/logout`, `/link/{secret}` | people and identity providers |
//! | [`invitations`] | `/invitations/{secret}` | invited people |
//! | [`sign_up`] | `/sign-up` | whoever wants an account of their own |
//! | [`oauth`] | `/oauth2/…`, `/api/v1/token`, `/api/v2/token`, `/.well-known/{openid-configuration,oauth-authorization-server}` | the services behind, and their people |
//! | [`registry`] | `/token` | docker and its kin, for container registries |
//! | [`scim`] | `/scim/v2/…` | provisioning clients |
//! | [`pages`] | `/`, `/me/…`, `/o/{org}/…`, `/a/{account}/…`, `/activate/{secret}`, `/assets/…` | people |
//! | [`probe`] | `/healthz`, `/readyz`, `/metrics` | probes |
//! | [`openapi`] | `/openapi.json`, `/docs` | whoever writes a script |
//!
//! Errors: [`problem`] for our own API, each protocol's own body for its routes, a page for people.

pub mod console;

mod api;
mod basic;
mod check;
mod cookie;
mod csv;
mod envelope;
mod exposed;
mod extract;
mod feed;
mod invitations;
mod leaving;
mod linger;
mod login;
mod oauth;
mod openapi;
mod pages;
mod probe;
mod problem;
mod proxy;
mod registry;
mod saml;
mod scim;
mod sign_up;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use cardea_gateway::App;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;

/// The largest body of a request, in bytes.
const LARGEST_BODY: usize = 1 << 20;

/// Everything that this program answers.
pub fn router(app: App) -> Router {
    let (api, document) = openapi::with_document(api::routes());
    // What browsers reach with a cookie, behind the fence against other sites' requests.
    let fenced = Router::new()
        .merge(api)
        .merge(login::routes().layer(from_fn(pages::failure::to_the_door)))
        .merge(invitations::routes())
        .merge(sign_up::routes().layer(from_fn(pages::failure::to_the_door)))
        .merge(pages::routes())
        .layer(CsrfLayer::new())
        .layer(CompressionLayer::new());
    // What other programs call with credentials of their own; an identity provider's form posts come from its site.
    let open = Router::new()
        .merge(login::callbacks())
        .merge(leaving::routes())
        .merge(saml::routes())
        .merge(oauth::routes())
        .merge(api::leaks::of_partners())
        .merge(registry::routes())
        .merge(probe::routes())
        .merge(openapi::routes(document).layer(CompressionLayer::new()));
    let all = fenced
        .merge(open)
        .fallback(problem::no_route)
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY))
        .layer(from_fn(linger::around))
        // Limits bodies itself and says so in its own words.
        .nest("/scim/v2", scim::routes())
        .layer(from_fn_with_state(app.clone(), envelope::around));
    check::routes().merge(feed::routes()).merge(proxy::routes()).merge(all).with_state(app)
}
