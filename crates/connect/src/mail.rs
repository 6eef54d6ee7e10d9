//! Mail on its way out: one message at a time, into a folder or to a mail server.
//!
//! ```text
//! Letter ─► MIME (RFC 5322, RFC 2046: text and HTML) ─► folder: TIME_ID.eml, whole or not at all
//!                                                    └► server: smtps://, or smtp:// with STARTTLS demanded
//! ```
//! The same letter always becomes the same message, with the same Message-ID: whoever receives it twice can tell.

mod folder;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use cardea_model::Timestamp;
use cardea_model::name::Email;
use lettre::address::{Address, AddressError};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, MultiPartKind, SinglePart};
use lettre::transport::smtp;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

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
    /// To the server at this address, `smtps://user:password@host` or `smtp://…`. The latter demands STARTTLS, but on
    /// loopback goes in the clear.
    Server(SecretString),
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
    /// The address of the mail server is none.
    #[error("the address of the mail server cannot be used")]
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
            Self::Folder(_) | Self::Refused(_) | Self::Unreachable(_) | Self::Late => false,
        }
    }
}

impl From<smtp::Error> for MailError {
    fn from(error: smtp::Error) -> Self {
        match error.status() {
            Some(status) => Self::Refused(status),
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
            MailWay::Server(url) => Way::Server(server(url.expose_secret(), from.email.domain())?),
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

fn server(url: &str, hello: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailError> {
    let builder = match Url::parse(url) {
        Ok(mut url) if url.scheme() == "smtp" => {
            // Whoever stands between could strike the offer of STARTTLS out (RFC 3207 §6), so it is demanded.
            url.set_query((!is_loopback(&url)).then_some("tls=required"));
            AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
        }
        _ => AsyncSmtpTransport::<Tokio1Executor>::from_url(url),
    };
    let builder = builder.map_err(MailError::Server)?;
    Ok(builder.hello_name(ClientId::Domain(hello.to_owned())).timeout(Some(STEP)).build())
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
