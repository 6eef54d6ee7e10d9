//! Why a request got no answer. The causes are our own: a library's error would carry the address with its query.

use std::net::IpAddr;

use crate::cause;

/// Why an address is never asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// Neither https nor http.
    #[error("only https addresses are asked")]
    Scheme,
    /// http to something that is not this machine.
    #[error("plain http is not allowed here")]
    PlainHttp,
    /// A user name or password in the address.
    #[error("the address carries a user name or password")]
    UserInfo,
    /// No host.
    #[error("the address has no host")]
    Host,
    /// A port other than 443 at an address that the operator does not list.
    #[error("only port 443 is asked")]
    Port,
    /// The host is, or its name resolves to, an address outside the public internet that the operator does not list.
    #[error("{0} is not a public address")]
    Address(IpAddr),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address is never asked; no connection was made.
    #[error("the address is not allowed")]
    Forbidden(#[source] Forbidden),
    /// The name has no address.
    #[error("the host's name does not resolve")]
    Name,
    /// No connection.
    #[error("the host cannot be connected to")]
    Connect,
    /// The host's certificate is not trusted, or TLS failed otherwise.
    #[error("the host's certificate is not accepted")]
    Tls,
    /// It took too long.
    #[error("the host took too long")]
    Timeout,
    /// The body is longer than this many bytes.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// The answer broke off or was no HTTP.
    #[error("the answer broke off")]
    Broken,
    /// A status that is not the one of a good answer.
    #[error("the host answered with status {0}")]
    Status(u16),
    /// The request could not be put into HTTP.
    #[error("the request cannot be sent")]
    Request,
    /// The client cannot be set up as configured.
    #[error("the HTTP client cannot be set up")]
    Setup,
}

/// What the resolver found wrong; travels through the client's error and is found again by [`of`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum Unresolved {
    #[error("forbidden")]
    Forbidden(Forbidden),
    #[error("no address")]
    Name,
}

/// Our cause for the client's error.
pub(super) fn of(error: &reqwest::Error) -> FetchError {
    if error.is_timeout() {
        return FetchError::Timeout;
    }
    for cause in cause::chain(error) {
        if let Some(unresolved) = cause.downcast_ref::<Unresolved>() {
            return match unresolved {
                Unresolved::Forbidden(forbidden) => FetchError::Forbidden(*forbidden),
                Unresolved::Name => FetchError::Name,
            };
        }
        if cause.is::<rustls::Error>() {
            return FetchError::Tls;
        }
    }
    if error.is_connect() { FetchError::Connect } else { FetchError::Broken }
}
