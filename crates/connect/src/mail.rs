//! Mail on its way out: one message at a time, into a folder or to a mail server.
//!
//! ```text
//! Letter ─► MIME (RFC 5322, RFC 2046: text and HTML) ─► folder: TIME_ID.eml, whole or not at all
//!                                                    └► server: smtps://, or smtp:// with STARTTLS demanded
//! ```
//! Over TLS the server shows a certificate that an authority of the system or of the operator has signed for its name.
//! The same letter always becomes the same message, with the same Message-ID: whoever receives it twice can tell.

mod folder;

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use cardea_model::Timestamp;
use cardea_model::name::Email;
use lettre::address::{Address, AddressError};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, MultiPartKind, SinglePart};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, AsyncSmtpTransportBuilder};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Position, Url};

use crate::cause;

/// Who every message is from, beside the address.
const SENDER: &str = "Cardea";
/// How long the server may take over one step of the conversation.
const STEP: Duration = Duration::from_secs(15);
/// How long one message may take on its way, at the most.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Which way messages leave.
#[derive(Clone, Debug)]
pub enum MailWay {
    /// Into this folder, one `.eml` each. It is made with the first.
    Folder(PathBuf),
    /// To a mail server.
    Server {
        /// `smtps://user:password@host`, or `smtp://…`, which demands STARTTLS, but on loopback goes in the clear unless
        /// it ends with `?tls=required`.
        url: SecretString,
        /// Certificate authorities to trust besides those of the operating system, each in PEM.
        authorities: Vec<Vec<u8>>,
    },
}

/// A message as it is handed over.
pub struct Letter {
    /// Unique; of letters, digits and `_`. It stands in the Message-ID and the file's name.
    pub id: String,
    /// To whom.
    pub to: Email,
    /// Who gets the answer, if not the sender.
    pub reply_to: Option<Email>,
    /// One line.
    pub subject: String,
    /// The words.
    pub text: String,
    /// The same words, as HTML.
    pub html: String,
    /// When it was written.
    pub at: Timestamp,
}

/// Why a message did not leave.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The address of the mail server is none, or there is no telling whom to trust.
    #[error("the mail server cannot be used as configured")]
    Server(#[source] smtp::Error),
    /// An address that no mail can have, though it looks like one.
    #[error("no mail can be sent to or from this address")]
    Address(#[source] AddressError),
    /// The message could not be put together.
    #[error("the message could not be put together")]
    Message(#[source] lettre::error::Error),
    /// The folder did not take it.
    #[error("the message could not be written into the mail folder")]
    Folder(#[source] std::io::Error),
    /// The mail server said no. Its words are left out: they tend to hold the person's address.
    #[error("the mail server answered {0}")]
    Refused(smtp::response::Code),
    /// The server's certificate is not signed by anybody trusted, not for its name, or not valid now.
    #[error("the mail server's certificate is not accepted")]
    Certificate(#[source] smtp::Error),
    /// There was no conversation with the mail server.
    #[error("the mail server cannot be spoken to")]
    Unreachable(#[source] smtp::Error),
    /// It did not come to an end in time.
    #[error("the mail server did not answer in time")]
    Late,
}

impl MailError {
    /// Whether another try must fail like this one.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Server(_) | Self::Address(_) | Self::Message(_) => true,
            Self::Folder(_) | Self::Refused(_) | Self::Certificate(_) | Self::Unreachable(_) | Self::Late => false,
        }
    }
}

impl From<smtp::Error> for MailError {
    fn from(error: smtp::Error) -> Self {
        let of_certificate =
            |cause: &(dyn Error + 'static)| matches!(cause.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)));
        match error.status() {
            Some(status) => Self::Refused(status),
            None if cause::chain(&error).any(of_certificate) => Self::Certificate(error),
            None => Self::Unreachable(error),
        }
    }
}

/// The way out for mail.
pub struct Mail {
    way: Way,
    from: Mailbox,
}

enum Way {
    Folder(PathBuf),
    Server(AsyncSmtpTransport<Tokio1Executor>),
}

impl Mail {
    /// A way out, from this sender. Nothing is opened yet.
    ///
    /// # Errors
    /// An address that cannot be used.
    pub fn new(way: &MailWay, from: &Email) -> Result<Self, MailError> {
        let from = Mailbox::new(Some(SENDER.to_owned()), address(from)?);
        let way = match way {
            MailWay::Folder(path) => Way::Folder(path.clone()),
            MailWay::Server { url, authorities } => {
                let transport = server(url.expose_secret(), authorities).map_err(MailError::Server)?;
                let hello = ClientId::Domain(from.email.domain().to_owned());
                Way::Server(transport.hello_name(hello).timeout(Some(STEP)).build())
            }
        };
        Ok(Self { way, from })
    }

    /// Hands a message over; it has left once this returns, and not before.
    ///
    /// # Errors
    /// [`MailError`]; the message may then have left all the same, if the server's answer was lost.
    pub async fn deliver(&self, letter: &Letter) -> Result<(), MailError> {
        let message = self.compose(letter)?;
        match &self.way {
            Way::Folder(path) => {
                // By time: ids of one millisecond are in no order.
                let name = format!("{:016}_{}", letter.at.as_micros(), letter.id);
                folder::put(path, &name, message.formatted()).await.map_err(MailError::Folder)
            }
            Way::Server(server) => {
                let sent = tokio::time::timeout(PATIENCE, server.send(message)).await;
                sent.map_err(|_| MailError::Late)?.map(drop).map_err(MailError::from)
            }
        }
    }

    fn compose(&self, letter: &Letter) -> Result<Message, MailError> {
        let micros = u64::try_from(letter.at.as_micros()).unwrap_or(0);
        // The boundary cannot stand in a body: nobody could know the id when they wrote it (RFC 2046 §5.1.1).
        let parts = MultiPart::builder().kind(MultiPartKind::Alternative).boundary(&letter.id).build();
        let parts = parts.singlepart(SinglePart::plain(letter.text.clone()));
        let parts = parts.singlepart(SinglePart::html(letter.html.clone()));
        let mut message = Message::builder()
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
            .from(self.from.clone())
            .to(Mailbox::new(None, address(&letter.to)?))
            .subject(letter.subject.clone())
            // So that no out-of-office notice comes back (RFC 3834 §5).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        if let Some(reply_to) = &letter.reply_to {
            message = message.reply_to(Mailbox::new(None, address(reply_to)?));
        }
        message.multipart(parts).map_err(MailError::Message)
    }
}

/// The address as mail servers know it: the domain in IDNA ASCII.
fn address(email: &Email) -> Result<Address, MailError> {
    let local = email.shown.rsplit_once('@').map_or("", |(local, _)| local);
    Address::new(local, &email.domain).map_err(MailError::Address)
}

fn server(address: &str, authorities: &[Vec<u8>]) -> Result<AsyncSmtpTransportBuilder, smtp::Error> {
    match Url::parse(address) {
        Ok(url) if url.scheme() == "smtps" => guarded(&url, 465, Tls::Wrapper, authorities),
        // Whoever stands between could strike the offer of STARTTLS out (RFC 3207 §6), so it is demanded.
        Ok(url) if url.scheme() == "smtp" && !is_in_the_clear(&url) => guarded(&url, 587, Tls::Required, authorities),
        Ok(url) if url.scheme() == "smtp" => {
            AsyncSmtpTransport::<Tokio1Executor>::from_url(&url[..Position::AfterPath])
        }
        Ok(_) | Err(_) => AsyncSmtpTransport::<Tokio1Executor>::from_url(address),
    }
}

/// A transport over TLS; `port` is the usual one. The library reads addresses, but would trust the system's authorities
/// alone: it is given the address as if it were of no TLS, and the TLS apart.
fn guarded(
    url: &Url,
    port: u16,
    begun: fn(TlsParameters) -> Tls,
    authorities: &[Vec<u8>],
) -> Result<AsyncSmtpTransportBuilder, smtp::Error> {
    let plain = format!("smtp{}", &url[Position::AfterScheme..Position::AfterPath]);
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&plain)?;
    let mut parameters = TlsParameters::builder(url.host_str().unwrap_or_default().to_owned());
    for pem in authorities {
        parameters = parameters.add_root_certificate(Certificate::from_pem(pem)?);
    }
    Ok(builder.port(url.port().unwrap_or(port)).tls(begun(parameters.build()?)))
}

/// Nobody stands between this machine and itself, unless the operator thinks otherwise.
fn is_in_the_clear(url: &Url) -> bool {
    is_loopback(url) && !url.query_pairs().any(|(name, value)| name == "tls" && value == "required")
}

fn is_loopback(url: &Url) -> bool {
    // The parser takes the host of a scheme that is not the web's as a name, whatever it is.
    let host = url.host_str().and_then(|host| Host::parse(host).ok());
    match host {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
