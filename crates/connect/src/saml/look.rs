//! Reading a provider's metadata at the address where it publishes it.

use http::{Request, header};
use url::Url;

use crate::error::{ConnectError, Step};
use crate::fetch::{Fetch, FetchError};

/// What stands at a provider's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// What we have already.
    Unchanged,
    /// A document.
    Document {
        /// The document, not yet read.
        text: String,
        /// The server's name of this version (RFC 9110 §8.8.3).
        etag: Option<String>,
    },
}

/// Asks for the metadata; `etag` names the version that we have.
///
/// # Errors
/// The address may not be asked, does not answer, or answers with anything but a document in UTF-8.
pub async fn look(fetch: &Fetch, url: &Url, etag: Option<&str>) -> Result<Published, ConnectError> {
    let outward = |error| ConnectError::outward(Step::Discovery, error);
    fetch.check(url).map_err(|error| outward(FetchError::Forbidden(error)))?;
    let mut request =
        Request::get(url.as_str()).header(header::ACCEPT, "application/samlmetadata+xml, application/xml, text/xml");
    if let Some(etag) = etag {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    let request = request.body(Vec::new()).map_err(|_| outward(FetchError::Request))?;
    let answer = fetch.send(request).await.map_err(outward)?;
    match answer.status().as_u16() {
        304 if etag.is_some() => Ok(Published::Unchanged),
        200 => {
            let etag = answer.headers().get(header::ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let text = String::from_utf8(answer.into_body()).map_err(|_| ConnectError::MetadataUnreadable)?;
            Ok(Published::Document { text, etag })
        }
        _ => Err(ConnectError::MetadataUnreadable),
    }
}
