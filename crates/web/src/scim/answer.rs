//! What a provisioning client is answered.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use cardea_gateway::provisioning::{ProvisioningError, Record};
use cardea_model::{Fault, Kind};
use cardea_scim::{MEDIA_TYPE, Projection, ScimError, USER_TYPE, etag, present};
use serde::Serialize;
use serde_json::Value;

use crate::problem::status;

/// After how many seconds a client should try again what could not be done.
const TRY_AGAIN: u32 = 1;

/// A body of SCIM.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], bytes).into_response()
}

/// The part of a record that was asked for.
pub(super) fn shown(record: &Record, projection: &Projection) -> Value {
    projection.apply(present(&record.user, &record.meta))
}

/// One record, with its entity tag and, when it was created, its address.
pub(super) fn resource(status: StatusCode, record: &Record, projection: &Projection) -> Response {
    let mut response = json(status, &shown(record, projection));
    set(&mut response, header::ETAG, &etag(record.meta.version));
    if status == StatusCode::CREATED {
        set(&mut response, header::LOCATION, &record.meta.location(&USER_TYPE));
    }
    response
}

/// The client has this version already (RFC 9110 §15.4.5).
pub(super) fn not_modified(record: &Record) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    set(&mut response, header::ETAG, &etag(record.meta.version));
    response
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// An error as SCIM words it (RFC 7644 §3.12).
#[derive(Debug)]
pub(super) struct Failure {
    error: ScimError,
    retry_after: Option<u32>,
}

impl From<ScimError> for Failure {
    fn from(error: ScimError) -> Self {
        Self { error, retry_after: None }
    }
}

impl From<ProvisioningError> for Failure {
    fn from(error: ProvisioningError) -> Self {
        let kind = error.kind();
        let (detail, retry_after) = match kind {
            Kind::Internal => ("Something went wrong here. Tell the operator the request id.".to_owned(), None),
            Kind::Unavailable => {
                ("This cannot be done right now. Try again in a few seconds.".to_owned(), Some(TRY_AGAIN))
            }
            Kind::TooMany(seconds) => (error.to_string(), Some(seconds)),
            Kind::Invalid
            | Kind::Unprocessable
            | Kind::Unauthenticated
            | Kind::Refused
            | Kind::Missing
            | Kind::Conflict
            | Kind::Stale => (error.to_string(), None),
        };
        if matches!(kind, Kind::Internal | Kind::Unavailable) {
            let cause: &dyn std::error::Error = &error;
            tracing::error!(error = cause, "a directory's request could not be done");
        }
        match error {
            ProvisioningError::Refused(refusal) => refusal.into(),
            ProvisioningError::Unknown
            | ProvisioningError::Off
            | ProvisioningError::TooMany(_)
            | ProvisioningError::Denied(_)
            | ProvisioningError::Corrupt(_)
            | ProvisioningError::Database(_) => {
                Self { error: ScimError::new(status(kind).as_u16(), detail), retry_after }
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json(status, &self.error);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6750 §3.
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
