//! `GET /api/v1/keys/feed`: what has changed, as server-sent events, for services in other processes that remember answers.
//! Beside the key checks, without layers too: it goes on for as long as somebody listens.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use cardea_gateway::App;
use cardea_gateway::feed::listeners::{Said, listen};
use futures::stream;

use crate::check::{credentials, finish};
use crate::problem::Problem;

/// The route.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/api/v1/keys/feed", get(follow))
}

/// Follow what has changed, and keep answers meanwhile. Authenticate as for a check; the events are `hello` first, `drop` for
/// whatever may be answered otherwise now, and `alive` four times a bound, as long as the node itself hears. Silence for
/// longer than the bound means: trust nothing that you have kept. The end means: forget it.
#[utoipa::path(get, path = "/api/v1/keys/feed", tag = "keys", responses(
    (status = 200, content_type = "text/event-stream", body = crate::api::shapes::keys::FeedEvent,
        description = "Server-sent events, each with data of this shape"),
    (status = 401, description = "Not a client's credentials"), (status = 403, description = "Not a resource server"),
    (status = 429, description = "The client has 16 streams on this node"),
    (status = 503, description = "No answer can be trusted now")))]
pub(crate) async fn follow(State(app): State<App>, headers: HeaderMap) -> Response {
    finish(&app, open(&app, &headers).await)
}

async fn open(app: &App, headers: &HeaderMap) -> Result<Response, Problem> {
    let (client, secret) = credentials(headers)?;
    let listener = listen(app, &client, &secret).await?;
    let events = stream::unfold(listener, async |mut listener| {
        let said = listener.next().await?;
        Some((event(&said), listener))
    });
    let mut response = Sse::new(events).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that collects an answer before it passes it on (nginx does unless told so) would hold up every event.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(unbuffered, HeaderValue::from_static("no"));
    Ok(response)
}

fn event(said: &Said) -> Result<Event, axum::Error> {
    let name = match said {
        Said::Hello(_) => "hello",
        Said::Drop(_) => "drop",
        Said::Alive(_) => "alive",
    };
    Event::default().event(name).json_data(said)
}
