//! What comes to nothing, for people: a page instead of a problem document, and the door instead of a 401.

use askama::Template;
use axum::extract::{Extension, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cardea_model::id::RequestId;

use crate::console::failure::{Failure, FailurePage};
use crate::login::{see_other, sentence};
use crate::problem::{self, Problem};

/// htmx says with this header that it fetches a part of a page.
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
/// With this one it is told to load the whole page anew.
const HX_REFRESH: HeaderName = HeaderName::from_static("hx-refresh");

/// Around every page: nobody signed in goes to the door, whatever else failed is shown as a page to who reads pages.
pub(crate) async fn as_pages(request: Request, next: Next) -> Response {
    let back = if request.method() == Method::GET { request.uri().to_string() } else { "/".to_owned() };
    let headers = request.headers().clone();
    let id = request.extensions().get::<RequestId>().copied();
    let mut response = next.run(request).await;
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    if problem.status == StatusCode::UNAUTHORIZED && !headers.contains_key(HX_REQUEST) {
        return to_the_door(&back).unwrap_or_else(IntoResponse::into_response);
    }
    let refresh = problem.status == StatusCode::UNAUTHORIZED;
    response.extensions_mut().insert(with_page(problem, &headers, id));
    if refresh {
        response.headers_mut().insert(HX_REFRESH, HeaderValue::from_static("true"));
    }
    response
}

/// What is asked for under no address of ours: a page for people, a problem for programs.
pub(crate) async fn nowhere(Extension(id): Extension<RequestId>, headers: HeaderMap) -> Problem {
    with_page(problem::no_route().await, &headers, Some(id))
}

fn to_the_door(back: &str) -> Result<Response, Problem> {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", back).finish();
    see_other(&format!("/login?{query}"))
}

/// The problem with its page, if the request wants one and there is one.
fn with_page(mut problem: Problem, headers: &HeaderMap, id: Option<RequestId>) -> Problem {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let failure = failure_of(problem.status).filter(|_| accept.contains("text/html"));
    if let Some(failure) = failure {
        let request = id.map(|id| id.to_string()).unwrap_or_default();
        problem.page = FailurePage { failure, detail: detail(&problem), request }.render().ok();
    }
    problem
}

const fn failure_of(status: StatusCode) -> Option<Failure> {
    match status {
        StatusCode::FORBIDDEN => Some(Failure::Refused),
        StatusCode::NOT_FOUND => Some(Failure::NotFound),
        StatusCode::SERVICE_UNAVAILABLE => Some(Failure::Unavailable),
        StatusCode::INTERNAL_SERVER_ERROR => Some(Failure::Broken),
        _ => None,
    }
}

/// The problem's own words, where they say more than the page does by itself.
fn detail(problem: &Problem) -> Option<String> {
    let general = problem.status.is_server_error() || matches!(problem.code, "forbidden" | "not_found");
    (!general).then(|| format!("{}.", sentence(&problem.detail)))
}
