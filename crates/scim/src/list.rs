//! Lists: the query that asks for one and the page that answers (RFC 7644 §3.4.2).

use serde::Serialize;
use serde_json::Value;

use crate::error::ScimError;
use crate::filter::Filter;
use crate::projection::Projection;
use crate::schema::{ResourceType, urn};

/// The most resources on a page.
pub const MAX_PAGE: u64 = 200;
/// The resources on a page if the client does not say.
pub const DEFAULT_PAGE: u64 = 100;

/// Which part of the matches is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The first match to show, counted from 1.
    pub start_index: u64,
    /// The most matches to show; 0 asks for the total only.
    pub count: u64,
}

impl Page {
    /// Reads `startIndex` and `count`: below 1 the first is 1, below 0 the second is 0, above
    /// [`MAX_PAGE`] it is that. 400 `invalidValue` if either is no integer.
    pub fn parse(start_index: Option<&str>, count: Option<&str>) -> Result<Self, ScimError> {
        let start_index = integer("startIndex", start_index)?.unwrap_or(1).max(1);
        let count = match integer("count", count)? {
            Some(count) => count.min(MAX_PAGE),
            None => DEFAULT_PAGE,
        };
        Ok(Self { start_index, count })
    }

    /// How many matches come before the page.
    pub fn offset(&self) -> u64 {
        self.start_index.saturating_sub(1)
    }
}

/// A list's query: which resources, which of the matches, which attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct ListQuery {
    /// The condition, if any.
    pub filter: Option<Filter>,
    /// The part of the matches.
    pub page: Page,
    /// The attributes to show.
    pub projection: Projection,
}

impl ListQuery {
    /// Reads the decoded parameters. Names are read without case (`startindex` is seen in the wild);
    /// unknown and empty ones are ignored; one that is given twice is refused, as it could mean either.
    pub fn parse(kind: &'static ResourceType, parameters: &[(String, String)]) -> Result<Self, ScimError> {
        let filter = parameter(parameters, "filter")?;
        Ok(Self {
            filter: filter.map(|text| Filter::parse(kind, text)).transpose()?,
            page: Page::parse(parameter(parameters, "startIndex")?, parameter(parameters, "count")?)?,
            projection: projection(kind, parameters)?,
        })
    }
}

/// Reads `attributes` and `excludedAttributes` from the decoded parameters of any request.
pub fn projection(kind: &'static ResourceType, parameters: &[(String, String)]) -> Result<Projection, ScimError> {
    Ok(Projection::parse(kind, parameter(parameters, "attributes")?, parameter(parameters, "excludedAttributes")?))
}

/// The answer to a list's query.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListResponse {
    schemas: [&'static str; 1],
    /// All matches, not only those on this page.
    total_results: u64,
    /// The first match shown, counted from 1.
    start_index: u64,
    /// The resources shown.
    items_per_page: usize,
    #[serde(rename = "Resources")]
    resources: Vec<Value>,
}

impl ListResponse {
    /// A page of `total_results` matches, its resources already presented and projected.
    pub fn new(page: Page, total_results: u64, resources: Vec<Value>) -> Self {
        Self {
            schemas: [urn::LIST_RESPONSE],
            total_results,
            start_index: page.start_index,
            items_per_page: resources.len(),
            resources,
        }
    }
}

/// The value of a parameter, if there is one and it is not empty.
fn parameter<'a>(parameters: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, ScimError> {
    let mut values = parameters
        .iter()
        .filter(|(given, value)| given.eq_ignore_ascii_case(name) && !value.trim().is_empty())
        .map(|(_, value)| value.as_str());
    let value = values.next();
    if values.next().is_some() {
        return Err(ScimError::invalid_value(format!("The parameter `{name}` is given twice. Send it once.")));
    }
    Ok(value)
}

/// An integer that may be negative (read as 0) or larger than any count (read as the largest).
fn integer(name: &str, text: Option<&str>) -> Result<Option<u64>, ScimError> {
    let Some(text) = text.map(str::trim) else {
        return Ok(None);
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ScimError::invalid_value(format!("The parameter `{name}` must be an integer.")));
    }
    let value = digits.parse().unwrap_or(u64::MAX);
    Ok(Some(if negative { 0 } else { value }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::error::ScimType;
    use crate::schema::USER_TYPE;

    fn query(pairs: &[(&str, &str)]) -> Result<ListQuery, ScimError> {
        let owned: Vec<_> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        ListQuery::parse(&USER_TYPE, &owned)
    }

    #[test]
    fn pages_are_bounded() {
        for (start_index, count, expected) in [
            (None, None, (1, 100)),
            (Some("1"), Some("2"), (1, 2)),
            (Some("0"), Some("0"), (1, 0)),
            (Some("-5"), Some("-1"), (1, 0)),
            (Some("201"), Some("1000000"), (201, 200)),
            (Some("99999999999999999999999"), Some("99999999999999999999999"), (u64::MAX, 200)),
            (Some("+3"), Some(" 7 "), (3, 7)),
        ] {
            let page = Page::parse(start_index, count).unwrap();
            assert_eq!((page.start_index, page.count), expected);
            assert_eq!(page.offset(), expected.0 - 1);
        }
        for text in ["x", "1.5", "-", "1e3", "0x1"] {
            assert_eq!(Page::parse(Some(text), None).unwrap_err().scim_type, Some(ScimType::InvalidValue));
            assert!(Page::parse(None, Some(text)).is_err());
        }
    }

    #[test]
    fn the_queries_of_real_clients_are_read() {
        // Okta
        let probe = query(&[("startIndex", "1"), ("count", "2")]).unwrap();
        assert_eq!((probe.filter, probe.page.count), (None, 2));
        let lookup =
            query(&[("filter", r#"userName eq "ana@acme.test""#), ("startIndex", "1"), ("count", "100")]).unwrap();
        assert!(lookup.filter.is_some());
        // OneLogin leaves a `&` at the end
        assert!(query(&[("filter", r#"userName eq "x""#), ("", "")]).unwrap().filter.is_some());
        // Entra ID
        assert_eq!(query(&[("startindex", "0")]).unwrap().page.start_index, 1);
        let reference = query(&[("filter", r#"id eq "u1" and manager eq "m1""#), ("attributes", "id")]).unwrap();
        assert!(reference.projection.is_selective());
        assert!(
            query(&[("excludedAttributes", "members,emails"), ("sortBy", "userName")])
                .unwrap()
                .projection
                .is_selective()
        );
    }

    #[test]
    fn a_bad_or_double_filter_is_refused() {
        assert_eq!(query(&[("filter", "userName")]).unwrap_err().scim_type, Some(ScimType::InvalidFilter));
        assert!(query(&[("filter", "title pr"), ("Filter", "active pr")]).unwrap_err().detail.contains("twice"));
        assert_eq!(query(&[("filter", "")]).unwrap().filter, None);
    }

    #[test]
    fn the_counters_are_integers_and_an_empty_list_has_its_array() {
        let page = Page { start_index: 1, count: 100 };
        assert_eq!(
            serde_json::to_value(ListResponse::new(page, 0, vec![])).unwrap(),
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                   "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []})
        );
        let page = Page { start_index: 41, count: 1 };
        let body = serde_json::to_value(ListResponse::new(page, 500, vec![json!({"id": "u1"})])).unwrap();
        assert_eq!(
            (&body["totalResults"], &body["startIndex"], &body["itemsPerPage"]),
            (&json!(500), &json!(41), &json!(1))
        );
    }

    proptest! {
        #[test]
        fn any_number_text_is_answered(text in "[-+0-9a-z ]{0,30}") {
            if let Ok(page) = Page::parse(Some(&text), Some(&text)) {
                prop_assert!(page.start_index >= 1 && page.count <= MAX_PAGE);
            }
        }
    }
}
