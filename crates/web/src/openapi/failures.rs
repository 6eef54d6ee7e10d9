//! What every route can answer when it fails: said once, here, and not at each of them.

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder};

/// What can go wrong at each route, unless the route says it more exactly.
const EVERYWHERE: [(&str, &str); 3] = [
    ("401", "No live session"),
    ("503", "No answer can be trusted now; try again in a few seconds"),
    ("default", "Whatever else can go wrong"),
];

/// Gives each error of the document its body, and each route the errors that all have.
pub(super) fn describe(document: &mut OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let answers = &mut operation.responses.responses;
        for (status, description) in EVERYWHERE {
            let answer = || RefOr::T(ResponseBuilder::new().description(description).build());
            answers.entry(status.to_owned()).or_insert_with(answer);
        }
        for (_, answer) in answers.iter_mut().filter(|(status, _)| !status.starts_with('2')) {
            if let RefOr::T(answer) = answer {
                say_problem(answer);
            }
        }
    }
}

fn say_problem(answer: &mut Response) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    answer.content.entry("application/problem+json".to_owned()).or_insert(RefOr::T(content));
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}
