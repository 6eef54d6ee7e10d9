//! `/docs`: the OpenAPI document as a page of ours.

mod shape;

use utoipa::openapi::path::{Operation as Described, Parameter, ParameterIn};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::{Content, OpenApi, PathItem, RefOr};

use crate::console::docs::{Body, Chapter, DocsPage, Kind, Line, Operation};
use crate::login::sentence;

/// The page of a document.
pub(crate) fn whole(document: &OpenApi) -> DocsPage {
    let mut chapters: Vec<Chapter> = Vec::new();
    for (path, item) in &document.paths.paths {
        for (method, described) in methods(item) {
            let tag = described.tags.iter().flatten().next().map_or("other", String::as_str);
            // Places on a page have no blanks: a list of places is written with them.
            let name = tag.replace(' ', "-");
            let operation = operation(path, method, described);
            match chapters.iter_mut().find(|chapter| chapter.name == name) {
                Some(chapter) => chapter.operations.push(operation),
                None => chapters.push(Chapter { name, title: sentence(tag), operations: vec![operation] }),
            }
        }
    }
    chapters.sort_by(|one, other| one.name.cmp(&other.name));
    let lead = document.info.description.clone().unwrap_or_default();
    DocsPage { version: document.info.version.clone(), lead, chapters, shapes: shape::all(document) }
}

/// The methods of a path, reading ones first.
fn methods(item: &PathItem) -> impl Iterator<Item = (&'static str, &Described)> {
    let all = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    all.into_iter().filter_map(|(method, described)| described.as_ref().map(|described| (method, described)))
}

fn operation(path: &str, method: &'static str, described: &Described) -> Operation {
    let letters: String =
        path.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
    let answers = described.responses.responses.iter().filter_map(|(status, answer)| match answer {
        RefOr::T(answer) if status != "default" => {
            // Every error is the same shape, which the page says once.
            let kind = status.starts_with('2').then(|| content(answer.content.values())).flatten();
            Some(Line { name: status.clone(), place: "", text: answer.description.clone(), kind })
        }
        RefOr::T(_) | RefOr::Ref(_) => None,
    });
    Operation {
        id: format!("{}{letters}", method.to_ascii_lowercase()),
        method,
        path: path.to_owned(),
        summary: described.summary.clone().unwrap_or_default(),
        description: described.description.clone().unwrap_or_default(),
        parameters: described.parameters.iter().flatten().filter_map(parameter).collect(),
        body: described.request_body.as_ref().and_then(body),
        answers: answers.collect(),
    }
}

fn parameter(parameter: &RefOr<Parameter>) -> Option<Line> {
    let RefOr::T(parameter) = parameter else { return None };
    let place = match parameter.parameter_in {
        ParameterIn::Query | ParameterIn::QueryString => "in the query",
        ParameterIn::Path => "in the path",
        ParameterIn::Header => "in a header",
        ParameterIn::Cookie => "in a cookie",
    };
    let text = parameter.description.clone().unwrap_or_default();
    Some(Line { name: parameter.name.clone(), place, text, kind: None })
}

/// What the first of some contents looks like.
fn content<'c>(mut contents: impl Iterator<Item = &'c RefOr<Content>>) -> Option<Kind> {
    let RefOr::T(content) = contents.next()? else { return None };
    let schema = serde_json::to_value(content.schema.as_ref()?).ok()?;
    Some(shape::kind(&schema))
}

fn body(body: &RefOr<RequestBody>) -> Option<Body> {
    let RefOr::T(body) = body else { return None };
    let kinds = body.content.keys().cloned().collect::<Vec<_>>().join(", ");
    let kind = content(body.content.values()).unwrap_or_default();
    Some(Body { kinds, text: body.description.clone().unwrap_or_default(), kind })
}

#[cfg(test)]
mod tests {
    use askama::Template as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn routes_stand_by_what_they_are_about_with_all_that_is_known() {
        let document: OpenApi = serde_json::from_value(json!({
            "openapi": "3.1.0",
            "info": {"title": "Cardea", "version": "1.2.3", "description": "The <b>API</b>."},
            "paths": {"/api/v1/me/keys/{id}": {
                "get": {"tags": ["keys"], "summary": "One key.", "responses": {"404": {"description": "Not `yours`"}}},
                "patch": {"tags": ["keys"], "summary": "Change it.", "responses": {},
                    "parameters": [{"name": "id", "in": "path", "required": true, "description": "The key's id", "schema": {"type": "string"}}],
                    "requestBody": {"description": "What changes", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Change"}}}}}},
                "/api/v1/me": {"get": {"tags": ["about you"], "responses": {}}}},
            "components": {"schemas": {"Change": {"type": "object", "description": "What is left out stays.", "required": ["name"],
                "properties": {"name": {"type": "string", "description": "Its new name"}}}}}
        }))
        .unwrap();
        let page = whole(&document);
        let names: Vec<_> = page.chapters.iter().map(|chapter| chapter.name.as_str()).collect();
        assert_eq!(names, ["about-you", "keys"]);
        let html = page.render().unwrap();
        for text in [
            "1.2.3",
            "/api/v1/me/keys/{id}",
            "PATCH",
            "One key.",
            "<code>yours</code>",
            "in the path",
            "The key's id",
            "application/json",
            "What changes",
            "<a href=\"#shape-Change\">Change</a>",
            "id=\"shape-Change\"",
            "What is left out stays.",
            "Its new name",
        ] {
            let text = text.replace('\'', "&#39;");
            assert!(html.contains(&text), "{text}");
        }
        assert!(!html.contains("<b>API"));
    }
}
