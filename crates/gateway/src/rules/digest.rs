//! The name of a preview: which rules over what, and so much besides that whoever comes too late hears what has changed.
//!
//! ```text
//! whole . rules . catalogue . number of rules . generation . people . gaining . losing
//! ```
//! Only `whole` decides; the rest is for people to read, and may be missing.

use std::fmt;

use cardea_store::account::Account;
use cardea_tokens::hash::{base64url, sha256};
use serde::Serialize;
use serde_json::json;

use super::Frozen;
use super::plan::Counts;
use crate::app::App;
use crate::error::GatewayError;

/// Such a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) whole: String,
    rules: String,
    catalogue: String,
    number: i64,
    generation: i64,
    /// Nothing before everybody was compared.
    counts: Option<Previewed>,
}

/// What a preview said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Previewed {
    /// How many people there were.
    pub people: u64,
    /// How many gained a role.
    pub gaining: u64,
    /// How many lost a role.
    pub losing: u64,
}

impl From<Counts> for Previewed {
    fn from(counts: Counts) -> Self {
        Self { people: counts.people, gaining: counts.gaining, losing: counts.losing }
    }
}

impl Digest {
    pub(super) fn of(app: &App, account: &Account, rules: &[Frozen]) -> Result<Self, GatewayError> {
        let mut sorted: Vec<&Frozen> = rules.iter().collect();
        sorted.sort_by(|one, other| one.name.cmp(&other.name));
        let standing = account.rules;
        let whole = json!({"org": account.org.to_string(), "generation": standing.generation,
            "active": standing.active, "catalogue": app.catalogue_digest, "rules": sorted});
        let short = |hash: String| hash.chars().take(8).collect();
        Ok(Self {
            whole: hashed(&whole)?,
            rules: short(hashed(&sorted)?),
            catalogue: short(hashed(&app.catalogue_digest)?),
            number: i64::try_from(rules.len()).unwrap_or(i64::MAX),
            generation: standing.generation,
            counts: None,
        })
    }

    /// With what a comparison counted.
    pub(super) fn counted(&self, counts: Counts) -> Self {
        Self { counts: Some(counts.into()), ..self.clone() }
    }

    /// Whether what somebody brings from a preview is this.
    pub(super) fn is(&self, brought: &str) -> bool {
        brought.split('.').next() == Some(self.whole.as_str())
    }

    /// What has changed since the preview of which somebody brings this, as far as it tells; `people` are in the org now.
    pub(super) fn since(&self, brought: &str, people: i64) -> Vec<String> {
        let Some(old) = Self::read(brought) else { return Vec::new() };
        let now = |then: i64, now: i64| if then == now { String::new() } else { format!(" ({then} then, {now} now)") };
        let was = old.counts.and_then(|counts| i64::try_from(counts.people).ok()).unwrap_or(people);
        let changes = [
            (old.rules != self.rules, format!("the rules were edited{}", now(old.number, self.number))),
            (old.generation != self.generation, format!("change {} of the rules in force was made", self.generation)),
            (old.catalogue != self.catalogue, "the catalogue has changed".to_owned()),
            (was != people, format!("the people of the org are others{}", now(was, people))),
        ];
        changes.into_iter().filter_map(|(has, words)| has.then_some(words)).collect()
    }

    /// What the preview of which somebody brings this said of people.
    pub(super) fn previewed(brought: &str) -> Option<Previewed> {
        Self::read(brought)?.counts
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let mut part = || parts.next();
        let (whole, rules, catalogue) = (part()?.to_owned(), part()?.to_owned(), part()?.to_owned());
        let (number, generation) = (part()?.parse().ok()?, part()?.parse().ok()?);
        let (people, gaining, losing) = (part()?.parse().ok()?, part()?.parse().ok()?, part()?.parse().ok()?);
        Some(Self { whole, rules, catalogue, number, generation, counts: Some(Previewed { people, gaining, losing }) })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { whole, rules, catalogue, number, generation, counts } = self;
        write!(formatter, "{whole}.{rules}.{catalogue}.{number}.{generation}")?;
        match counts {
            Some(Previewed { people, gaining, losing }) => write!(formatter, ".{people}.{gaining}.{losing}"),
            None => Ok(()),
        }
    }
}

fn hashed(value: &impl Serialize) -> Result<String, GatewayError> {
    let text = serde_json::to_vec(value).map_err(|_| GatewayError::Corrupt("rule"))?;
    Ok(base64url(&sha256(&text)))
}
