//! The form of a service key: what was typed, the grants that it asks for, and what was wrong with them.

use cardea_gateway::App;
use cardea_gateway::keys::service::{Recipe, Wanted};
use cardea_gateway::keys::{KeyError, KeyView};
use cardea_model::catalogue::Service;
use cardea_model::key::{GrantError, GrantSpec};

use super::fields::Fields;
use super::{expiry, roles};
use crate::console::keys::ExpiryField;
use crate::console::service_keys::{PartForm, ScopeChoice, ServiceKeyForm};
use crate::console::{Problem as FieldProblem, Problems};
use crate::login::sentence;

/// More parts than this are not read from a form; a key may have fewer.
const MOST_PARTS: usize = 40;

/// What was typed of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Part {
    service: String,
    scopes: Vec<String>,
    entity_type: String,
    entities: String,
}

/// What was typed into the form.
pub(super) struct Typed {
    name: String,
    /// None for a key that stands: another expiry comes with another secret.
    expiry: Option<ExpiryField>,
    parts: Vec<Part>,
    version: i64,
}

/// What the org has to choose from.
pub(super) struct Choices {
    pub(super) services: Vec<String>,
    pub(super) recipes: Vec<Recipe>,
}

impl Typed {
    /// A form nobody has touched.
    pub(super) fn nothing() -> Self {
        Self { name: String::new(), expiry: Some(expiry::first()), parts: Vec::new(), version: 0 }
    }

    /// A key as it stands.
    pub(super) fn standing(key: KeyView) -> Self {
        let parts = key.grants.into_iter().map(part).collect();
        Self { name: key.name, expiry: None, parts, version: key.version }
    }

    /// What was posted, for a new key or one that stands.
    pub(super) fn of(fields: &Fields, stands: bool) -> Self {
        let (types, entities): (Vec<_>, Vec<_>) = (fields.all("type").collect(), fields.all("entities").collect());
        let text = |list: &[&str], number: usize| list.get(number).copied().unwrap_or_default().to_owned();
        let scopes = |number: usize| {
            let own = format!("{number}/");
            fields.all("scope").filter_map(|scope| scope.strip_prefix(&own)).map(str::to_owned).collect()
        };
        let part = |(number, service): (usize, &str)| Part {
            service: service.to_owned(),
            scopes: scopes(number),
            entity_type: text(&types, number),
            entities: text(&entities, number),
        };
        Self {
            name: fields.one("name").to_owned(),
            expiry: (!stands).then(|| expiry::of(fields)),
            parts: fields.all("part").take(MOST_PARTS).enumerate().map(part).collect(),
            version: fields.one("version").parse().unwrap_or_default(),
        }
    }

    /// With a part more or less, as a button of the form asks: `add-registry`, `recipe-0`, `remove-1`.
    pub(super) fn edited(mut self, edit: &str, choices: &Choices) -> Self {
        let number = |rest: &str| rest.parse::<usize>().unwrap_or(usize::MAX);
        if let Some(service) = edit.strip_prefix("add-") {
            self.parts.push(Part { service: service.to_owned(), ..Part::default() });
        } else if let Some(recipe) = edit.strip_prefix("recipe-").and_then(|rest| choices.recipes.get(number(rest))) {
            self.parts.extend(recipe.grants.iter().cloned().map(part));
        } else if let Some(place) = edit.strip_prefix("remove-").map(number)
            && place < self.parts.len()
        {
            self.parts.remove(place);
        }
        self
    }

    /// With the version that the key has now.
    pub(super) fn at_version(self, version: i64) -> Self {
        Self { version, ..self }
    }

    /// The version that the form was made of.
    pub(super) const fn version(&self) -> i64 {
        self.version
    }

    /// The name, as typed.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The key that is asked for.
    pub(super) fn wanted(&self, app: &App) -> Result<Wanted, KeyError> {
        let expiry = expiry::wanted(self.expiry.as_ref().unwrap_or(&expiry::first()))?;
        Ok(Wanted { name: self.name.clone(), expiry, grants: self.grants(app), once: None })
    }

    /// The grants that are asked for. Where entities are to be named, none is not all of them.
    pub(super) fn grants(&self, app: &App) -> Vec<GrantSpec> {
        let grant = |part: &Part| {
            let has_entities = service(app, &part.service).is_some_and(|service| !service.entity_types.is_empty());
            let lines = part.entities.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
            GrantSpec {
                service: part.service.clone(),
                scopes: Some(part.scopes.clone()),
                entity_type: Some(part.entity_type.clone()).filter(|name| !name.is_empty()),
                entity_values: has_entities.then(|| lines.collect()),
            }
        };
        self.parts.iter().map(grant).collect()
    }

    /// What the error means for the form; nothing for those that no typing mends.
    pub(super) fn problems(&self, error: &KeyError) -> Option<Problems> {
        let (field, text) = match error {
            KeyError::Name if self.name.trim().is_empty() => ("name", "Enter a name".to_owned()),
            KeyError::Name | KeyError::NameTaken => ("name", sentence(&error.to_string())),
            KeyError::Limit(most) => (
                "name",
                format!("There are {most} service keys and apps, which is the most. Revoke or delete one first"),
            ),
            KeyError::Expiry(bad) => {
                let field = self.expiry.as_ref()?;
                return Some(Problems(vec![expiry::problem(field, bad)]));
            }
            KeyError::Grant(bad) => ("parts", grant_words(bad)),
            KeyError::NotEnabled(_) => ("parts", sentence(&error.to_string())),
            KeyError::Denied(_)
            | KeyError::Ended
            | KeyError::Missing
            | KeyError::NoRole(_)
            | KeyError::State(_)
            | KeyError::LegacyOff
            | KeyError::LegacyRotation
            | KeyError::NeedsExpiry
            | KeyError::Grace
            | KeyError::NoGrace
            | KeyError::MaxAge
            | KeyError::Token
            | KeyError::Replayed(_)
            | KeyError::OtherRequest
            | KeyError::User(_)
            | KeyError::Stale
            | KeyError::Database(_) => return None,
        };
        Some(Problems(vec![FieldProblem { field, text }]))
    }

    /// What was typed, as the fields that post it again.
    pub(super) fn kept(&self) -> Vec<(&'static str, String)> {
        let mut kept = vec![("name", self.name.clone()), ("version", self.version.to_string())];
        if let Some(expiry) = &self.expiry {
            kept.extend([("expiry", expiry.choice.clone()), ("expires_on", expiry.on.clone())]);
        }
        for (number, part) in self.parts.iter().enumerate() {
            kept.push(("part", part.service.clone()));
            kept.extend([("type", part.entity_type.clone()), ("entities", part.entities.clone())]);
            kept.extend(part.scopes.iter().map(|scope| ("scope", format!("{number}/{scope}"))));
        }
        kept
    }

    /// The form with what was typed.
    pub(super) fn form(self, app: &App, choices: &Choices, problems: Problems) -> ServiceKeyForm {
        let services = choices.services.iter().map(|name| (name.clone(), roles::service_title(app, name)));
        let recipes =
            choices.recipes.iter().enumerate().map(|(number, recipe)| (number.to_string(), title(app, recipe)));
        ServiceKeyForm {
            name: self.name,
            expiry: self.expiry,
            parts: self.parts.into_iter().enumerate().map(|(number, part)| part_form(app, number, part)).collect(),
            services: services.collect(),
            recipes: recipes.collect(),
            version: self.version,
            problems,
        }
    }
}

fn service<'a>(app: &'a App, name: &str) -> Option<&'a Service> {
    app.catalogue.service(app.catalogue.service_named(name)?)
}

fn part(grant: GrantSpec) -> Part {
    Part {
        service: grant.service,
        scopes: grant.scopes.unwrap_or_default(),
        entity_type: grant.entity_type.unwrap_or_default(),
        entities: grant.entity_values.unwrap_or_default().join("\n"),
    }
}

/// `Private Registry: list, push, pull`.
fn title(app: &App, recipe: &Recipe) -> String {
    let service = recipe.grants.first().map(|grant| roles::service_title(app, &grant.service)).unwrap_or_default();
    format!("{service}: {}", recipe.name.replace('-', ", "))
}

fn part_form(app: &App, number: usize, part: Part) -> PartForm {
    let known = service(app, &part.service);
    let choice = |name: &str, title: &str| ScopeChoice {
        name: name.to_owned(),
        title: title.to_owned(),
        chosen: part.scopes.iter().any(|chosen| chosen == name),
    };
    let scopes = known.map(|service| &service.scopes).into_iter().flatten();
    PartForm {
        number,
        title: roles::service_title(app, &part.service),
        scopes: scopes.map(|scope| choice(&scope.name, &scope.title)).collect(),
        types: known.into_iter().flat_map(|service| &service.entity_types).map(|kind| kind.name.to_string()).collect(),
        service: part.service,
        entity_type: part.entity_type,
        entities: part.entities,
    }
}

/// What is wrong with a grant, said to whoever fills in a form.
fn grant_words(error: &GrantError) -> String {
    match error {
        GrantError::Nothing => "Add what the key may do, ready-made or by hand".to_owned(),
        GrantError::NoScopes(service) => format!("Choose what the key may do in `{service}`, at least one scope"),
        GrantError::NoEntities(service) => format!("Say which ones the key may reach in `{service}`, one a line"),
        GrantError::TooMuch(_)
        | GrantError::Service(_)
        | GrantError::Kind { .. }
        | GrantError::Scope { .. }
        | GrantError::EntityType { .. }
        | GrantError::Entity { .. }
        | GrantError::ForeignOrg { .. } => sentence(&error.to_string()),
    }
}
