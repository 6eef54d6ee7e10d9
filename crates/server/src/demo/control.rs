//! The directory for scripts: on a loopback port of its own, so that nothing of it is in the gateway.
//!
//! | route | does |
//! |---|---|
//! | `GET /` | says what there is |
//! | `POST /deactivate?user=ana&dialect=okta` | the directory deactivates Ana; `dialect` is `okta`, `entra` or `entra_compliant` |
//! | `POST /reactivate?user=ana&dialect=okta` | and lets her in again |

use super::directory::{Deed, Directory};
use super::tour::{self, Paint};
use crate::cli::output::print;
use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use cardea_simulate::scim_client::Dialect;
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const HELP: &str = "POST /deactivate?user=ana&dialect=okta\nPOST /reactivate?user=ana&dialect=okta\n\
    dialect: okta, entra, entra_compliant\n";

/// The listening control.
pub(super) struct Control {
    /// Where.
    pub(super) address: SocketAddr,
    server: JoinHandle<()>,
}

/// Whom, and how it is said.
#[derive(Deserialize)]
struct Asked {
    user: String,
    #[serde(default)]
    dialect: Manner,
}

/// A dialect, as a script writes it.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Manner {
    #[default]
    Okta,
    Entra,
    EntraCompliant,
}

impl Control {
    /// Listens on any free port of loopback.
    pub(super) async fn start(directory: Arc<Directory>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let router = Router::new()
            .route("/", get(HELP))
            .route("/deactivate", post(deactivate))
            .route("/reactivate", post(reactivate))
            .layer(middleware::from_fn(no_browser))
            .with_state(directory);
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the demo's directory stopped listening");
            }
        });
        Ok(Self { address, server })
    }

    /// Listens no more.
    pub(super) async fn stop(self) {
        self.server.abort();
        // Aborted, which is what was asked for.
        let _aborted = self.server.await;
    }
}

/// A page of any site could send a browser here; only browsers send `Origin`.
async fn no_browser(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::ORIGIN) {
        return (StatusCode::FORBIDDEN, "this is for scripts, not for pages\n").into_response();
    }
    next.run(request).await
}

async fn deactivate(State(directory): State<Arc<Directory>>, Query(asked): Query<Asked>) -> Response {
    does(&directory, Deed::Deactivate, &asked).await
}

async fn reactivate(State(directory): State<Arc<Directory>>, Query(asked): Query<Asked>) -> Response {
    does(&directory, Deed::Reactivate, &asked).await
}

async fn does(directory: &Directory, deed: Deed, asked: &Asked) -> Response {
    let dialect = match asked.dialect {
        Manner::Okta => Dialect::Okta,
        Manner::Entra => Dialect::EntraDefault,
        Manner::EntraCompliant => Dialect::EntraCompliant,
    };
    match directory.does(deed, &asked.user, dialect).await {
        Ok(conversation) => {
            // The terminal of the demo shows it too; a script does not care whether anybody looks there.
            let _shown = print(&tour::conversation(&conversation, Paint::of_stdout()));
            let done = conversation.exchanges.last().is_some_and(|last| (200..300).contains(&last.status));
            let status = if done { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
            (status, tour::conversation(&conversation, Paint::Plain)).into_response()
        }
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, format!("{error:#}\n")).into_response(),
    }
}
