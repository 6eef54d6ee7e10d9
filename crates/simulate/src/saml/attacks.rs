//! The catalogue of what is posted to a service that must not be fooled: valid responses in every legal
//! shape, and attacks, each built of a true response of the provider and broken in one way. The signatures
//! that an attack relies on are genuine.
//!
//! | class | what is tried |
//! |---|---|
//! | `valid` | every legal placement, cipher, key and product: accepted |
//! | `xsw` | a signed element is moved, a forged one stands where the reader looks |
//! | `sig-structure` | signatures that are missing, doubled, misplaced or cover something else |
//! | `alg-key` | another key or a weaker algorithm than the provider's |
//! | `reference-transform` | references and transforms that fetch, compute or leave out |
//! | `comment-truncation` | comments, instructions and CDATA within signed values |
//! | `dtd` | document types, entities, inclusions |
//! | `conditions` | a signed statement that is not for us, not now, or not of that sort |
//! | `replay` | the same assertion again |
//! | `encryption` | ciphertexts that are forged, spoilt or hold something else |
//! | `malformed` | what is no XML, or not the XML that it seems |
//! | `dos` | what costs the reader more than the sender |
//! | `tenant-email` | a tenant's provider that speaks of another tenant's people |
//!
//! [`relay_states`] and [`logouts`] are two more tables, for what travels beside a response and for
//! single logout.

mod algorithm;
mod comment;
mod conditions;
mod dos;
mod dtd;
mod encryption;
mod logout;
mod malformed;
mod relay;
mod replay;
mod structure;
mod tenant;
mod transform;
mod valid;
mod xsw;

use std::sync::Arc;

pub use logout::{LogoutCase, LogoutSetting, logouts};
pub use relay::{RelayState, relay_states};

use super::answer::{Manner, posted};
use super::document::Draft;
use super::keys::{Key, KeyKind};
use super::provider::SamlProvider;
use super::settings::{Encrypt, Service, Sign};
use super::shapes::Shape;
use super::signature::{Signer, Unsigned};
use super::time::instant;
use crate::people::{Person, REGISTRY_ADMINS};

/// What the catalogue is played against.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The identity provider of the connection that is attacked, made with
    /// [`super::SamlProviderSettings::for_attacks`].
    pub provider: &'a SamlProvider,
    /// Another tenant's provider, whose domain is `other.example`.
    pub other: &'a SamlProvider,
    /// The entity id of the attacked connection.
    pub service_entity_id: &'a str,
    /// Where its responses are posted.
    pub acs: &'a str,
    /// The id of the request that awaits an answer.
    pub request_id: &'a str,
    /// Seconds since 1970.
    pub now: i64,
    /// The service's encryption certificate or its SubjectPublicKeyInfo, DER.
    pub encryption_certificate: &'a [u8],
    /// Who truly signs in, at `corp.example`.
    pub person: &'a Person,
    /// An http address without a path, at which nobody may ever call.
    pub listener: &'a str,
}

/// What must become of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Signed in as [`Case::said`] says.
    Accept,
    /// Refused.
    Reject,
    /// Refused, or signed in exactly as [`Case::said`] says.
    RejectOrExact,
}

/// What a case's signed document says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The NameID.
    pub name_id: String,
    /// The attributes by name; a name appears once for each element that has it.
    pub attributes: Vec<(String, Vec<String>)>,
}

impl Said {
    /// All values of an attribute; `None` when there is no such attribute.
    pub fn values(&self, name: &str) -> Option<Vec<String>> {
        let mut found = self.attributes.iter().filter(|(candidate, _)| candidate == name).peekable();
        found.peek()?;
        Some(found.flat_map(|(_, values)| values.clone()).collect())
    }
}

/// Changes what the provider says before it signs.
type Edit = fn(&Setting<'_>, &mut Draft);

/// How a case is made.
enum Make {
    /// The draft is changed and signed.
    Edited(Edit),
    /// The draft is changed and signed, and then the text is changed.
    Touched(Edit, fn(&Setting<'_>, String) -> String),
    /// The address of the e-mail attribute.
    Address(&'static str),
    /// An assertion with a forged subject gets this signature.
    Forged(fn(&Setting<'_>, &Unsigned) -> String),
    /// A signed assertion in pieces is put together anew.
    Wrapped(fn(&xsw::Pieces) -> String),
    /// The whole XML.
    Xml(fn(&Setting<'_>) -> String),
    /// The form values that are posted one after the other.
    Values(fn(&Setting<'_>) -> Vec<String>),
}

/// One case of the catalogue.
pub struct Case {
    /// The class, as in the module's table.
    pub class: &'static str,
    /// A unique name in kebab-case.
    pub name: &'static str,
    /// What must become of it.
    pub expect: Expect,
    /// The product that is imitated; the connection must read its attributes.
    pub shape: Shape,
    /// Whether nobody asked for this response: it is accepted, if at all, in the way that the service
    /// treats sign-ins begun at the provider.
    pub unsolicited: bool,
    /// Whether the last value is posted by another browser than the one that asked.
    pub other_browser: bool,
    /// Whether it fails within decryption: all such cases must read the same from outside.
    pub uniform: bool,
    sign: Sign,
    make: Make,
}

impl Case {
    /// A case with the generic shape, signed in both places.
    fn new(class: &'static str, name: &'static str, expect: Expect, make: Make) -> Case {
        Case {
            class,
            name,
            expect,
            shape: Shape::Generic,
            unsolicited: false,
            other_browser: false,
            uniform: false,
            sign: Sign::Both,
            make,
        }
    }

    fn in_shape(mut self, shape: Shape) -> Case {
        self.shape = shape;
        self
    }

    fn signed(mut self, sign: Sign) -> Case {
        self.sign = sign;
        self
    }

    /// The values of `SAMLResponse` in the order in which they are posted; the last one is judged, the
    /// ones before it must be accepted.
    pub fn build(&self, setting: &Setting<'_>) -> Vec<String> {
        match self.make {
            Make::Edited(_) | Make::Address(_) => vec![posted(setting.sign(&self.draft(setting), self.sign))],
            Make::Touched(_, after) => {
                vec![posted(after(setting, setting.sign(&self.draft(setting), self.sign)))]
            }
            Make::Forged(signature) => {
                let forged = setting.forged();
                let unsigned = forged.assertion.unsigned();
                let assertion = unsigned.holding(&signature(setting, &unsigned));
                vec![posted(forged.envelope.around(&assertion).plain())]
            }
            Make::Wrapped(arrange) => vec![posted(arrange(&xsw::Pieces::new(setting)))],
            Make::Xml(write) => vec![posted(write(setting))],
            Make::Values(write) => write(setting),
        }
    }

    /// What the provider truly said and signed: whoever is accepted must be read as exactly this.
    pub fn said(&self, setting: &Setting<'_>) -> Said {
        let assertion = self.draft(setting).assertion;
        Said {
            name_id: assertion.name_id.map(|name_id| name_id.value).unwrap_or_default(),
            attributes: assertion.attributes.into_iter().map(|said| (said.name, said.values)).collect(),
        }
    }

    fn draft(&self, setting: &Setting<'_>) -> Draft {
        let mut draft = setting.draft_as(self.shape);
        match self.make {
            Make::Edited(edit) | Make::Touched(edit, _) => edit(setting, &mut draft),
            Make::Address(address) => draft.say(self.shape.attributes().email, &[address]),
            Make::Forged(_) | Make::Wrapped(_) | Make::Xml(_) | Make::Values(_) => {}
        }
        draft
    }
}

/// Every case, class by class.
pub fn catalogue() -> Vec<Case> {
    let classes: [fn() -> Vec<Case>; 13] = [
        valid::cases,
        xsw::cases,
        structure::cases,
        algorithm::cases,
        transform::cases,
        comment::cases,
        dtd::cases,
        conditions::cases,
        replay::cases,
        encryption::cases,
        malformed::cases,
        dos::cases,
        tenant::cases,
    ];
    classes.into_iter().flat_map(|cases| cases()).collect()
}

/// Cases of one class that are all to be refused.
fn rejected<const COUNT: usize>(class: &'static str, table: [(&'static str, Make); COUNT]) -> Vec<Case> {
    table.into_iter().map(|(name, make)| Case::new(class, name, Expect::Reject, make)).collect()
}

impl Setting<'_> {
    fn service(&self) -> Service {
        Service { entity_id: self.service_entity_id.to_owned(), acs: self.acs.to_owned(), slo: None }
    }

    /// What a provider truly says about a person.
    fn draft_by(&self, provider: &SamlProvider, shape: Shape, person: &Person) -> Draft {
        provider.shared.draft(shape, &self.service(), Some(self.request_id), person, self.now)
    }

    fn draft_as(&self, shape: Shape) -> Draft {
        self.draft_by(self.provider, shape, self.person)
    }

    fn draft(&self) -> Draft {
        self.draft_as(Shape::Generic)
    }

    /// What an attacker would like the provider to say: an administrator signs in.
    fn forged(&self) -> Draft {
        let admin = Person::new("admin", "Ada", "Min").in_groups(&[REGISTRY_ADMINS]);
        self.draft_by(self.provider, Shape::Generic, &admin)
    }

    /// The provider's own signature.
    fn signer(&self) -> Signer {
        Signer::new(self.provider.shared.memory().keys.current.clone())
    }

    /// The signature of one more published key: the last of this kind.
    fn published(&self, kind: KeyKind) -> Signer {
        let keys = self.provider.shared.memory().keys.published();
        let found = keys.iter().rev().find(|key| key.is(kind)).cloned();
        found.map_or_else(|| self.signer(), Signer::new)
    }

    /// A signature of a key that nobody published.
    fn attacker(&self) -> Signer {
        Signer::new(self.provider.shared.rogue())
    }

    fn attacker_key(&self) -> Arc<Key> {
        self.provider.shared.rogue()
    }

    /// The draft signed by the provider.
    fn sign(&self, draft: &Draft, sign: Sign) -> String {
        draft.compose(&Manner { sign: Some(sign), signer: self.signer(), encrypt: None })
    }

    /// The draft signed by the provider and encrypted for the service.
    fn seal(&self, draft: &Draft, sign: Option<Sign>, encrypt: &Encrypt) -> String {
        draft.compose(&Manner { sign, signer: self.signer(), encrypt: Some(encrypt) })
    }

    /// A time so many seconds from now.
    fn at(&self, offset: i64) -> String {
        instant(self.now + offset)
    }

    fn fresh_id(&self) -> String {
        self.provider.shared.fresh_id()
    }
}
