//! What a form posted: names and values, a name as often as it was chosen.

use axum::extract::{FromRequest, RawForm, Request};
use axum::http::StatusCode;
use cardea_gateway::App;

use crate::problem::Problem;

/// The fields of a form.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of this name; empty if it was not posted.
    pub(super) fn one<'f>(&'f self, name: &'f str) -> &'f str {
        self.all(name).next().unwrap_or_default()
    }

    /// Every value of this name.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

impl FromRequest<App> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let RawForm(bytes) = RawForm::from_request(request, app).await.map_err(|rejection| {
            let status = axum::response::IntoResponse::into_response(rejection).status();
            match status {
                StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, "too_large", "the body is larger than 1 MiB"),
                _ => Problem::new(
                    status,
                    "unsupported_media_type",
                    "send a form of content type `application/x-www-form-urlencoded`",
                ),
            }
        })?;
        Ok(Self(url::form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}
