//! What comes to nothing, for people: a page instead of a problem document, and the door instead of a 401.

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::console::failure::{Failure, FailurePage};
use crate::login::{see_other, sentence};
use crate::problem::Problem;

/// htmx says with this header that it fetches a part of a page.
const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
/// With this one it is told to load the whole page anew.
const HX_REFRESH: HeaderName = HeaderName::from_static("hx-refresh");
/// Where the addresses begin that only programs use.
const OF_PROGRAMS: [&str; 6] = ["/api/", "/scim/", "/oauth2/", "/signals/", "/ssf/", "/.well-known/"];

/// Around every page: nobody signed in goes to the door.
pub(crate) async fn to_the_door(request: Request, next: Next) -> Response {
    let back = if request.method() == Method::GET { request.uri().to_string() } else { "/".to_owned() };
    let is_part = request.headers().contains_key(HX_REQUEST);
    let mut response = next.run(request).await;
    let unknown = |problem: &&Problem| problem.status == StatusCode::UNAUTHORIZED;
    if response.extensions().get::<Problem>().filter(unknown).is_none() {
        return response;
    }
    if !is_part {
        return door(&back).unwrap_or_else(IntoResponse::into_response);
    }
    response.headers_mut().insert(HX_REFRESH, HeaderValue::from_static("true"));
    response
}

/// The way to the door, and back here.
pub(super) fn door(back: &str) -> Result<Response, Problem> {
    let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", back).finish();
    see_other(&format!("/login?{query}"))
}

/// Whether a person reads the answer: programs are answered in their own form, whatever they accept.
pub(crate) fn is_for_people(path: &str, headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Where a service sends its people.
    let of_people = path == "/oauth2/authorize";
    accept.contains("text/html") && (of_people || !OF_PROGRAMS.iter().any(|prefix| path.starts_with(prefix)))
}

/// The problem with the page that a person is shown instead.
pub(crate) fn with_page(mut problem: Problem, request: &str) -> Problem {
    let failure = failure_of(&problem);
    // Where the page says it well by itself, or the cause is nobody's business, the problem's own words are left out.
    let is_said = failure != Failure::NotDone
        && matches!(problem.code, "forbidden" | "not_found" | "cross_site" | "method_not_allowed");
    let detail = (!is_said && !problem.status.is_server_error()).then(|| format!("{}.", sentence(&problem.detail)));
    let page = FailurePage { status: problem.status.as_u16(), failure, detail, request: request.to_owned() };
    problem.page = page.render().ok();
    problem
}

fn failure_of(problem: &Problem) -> Failure {
    match problem.status {
        StatusCode::FORBIDDEN if problem.code == "cross_site" => Failure::Foreign,
        StatusCode::FORBIDDEN => Failure::Refused,
        StatusCode::NOT_FOUND => Failure::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Failure::WrongMethod,
        StatusCode::SERVICE_UNAVAILABLE => Failure::Unavailable,
        StatusCode::INTERNAL_SERVER_ERROR => Failure::Broken,
        _ => Failure::NotDone,
    }
}
