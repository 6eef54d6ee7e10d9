//! The catalogue of services: the one that is built in, or a file of the operator's.

use crate::complaint::{Complaint, Complaints};
use crate::config::Config;
use cardea_model::catalogue::{Catalogue, Document, Limits};
use std::path::Path;
use std::sync::Arc;

const BUILT_IN: &str = include_str!("../../../config/catalogue.yaml");

/// Loads the catalogue that the configuration names.
pub(crate) fn load(config: &Config) -> Result<Arc<Catalogue>, Complaints> {
    match &config.catalogue {
        None => compile("the built-in catalogue", BUILT_IN),
        Some(path) => compile(&path.display().to_string(), &read(path)?),
    }
}

fn read(path: &Path) -> Result<String, Complaint> {
    std::fs::read_to_string(path).map_err(|error| {
        Complaint::new(path.display().to_string(), format!("cannot be read: {error}"))
            .hint("set `catalogue` to the file, or leave it out for the built-in catalogue")
    })
}

fn compile(name: &str, text: &str) -> Result<Arc<Catalogue>, Complaints> {
    let document: Document = serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let place =
            error.location().map_or_else(|| name.to_owned(), |at| format!("{name}:{}:{}", at.line(), at.column()));
        let message = error.to_string();
        let end = message.find(" at line ").unwrap_or(message.len());
        Complaint::new(place, message.get(..end).unwrap_or(&message).replace('\n', ", "))
    })?;
    let compiled = Catalogue::compile(&document);
    compiled.map(Arc::new).map_err(|errors| {
        Complaints(
            errors.into_iter().map(|error| Complaint::new(format!("{name}: {}", error.at), error.problem)).collect(),
        )
    })
}

/// The limits of the catalogue that say something else than what holds: the configuration, and of what is not served yet
/// the usual.
pub(crate) fn unused_limits(config: &Config, catalogue: &Catalogue) -> Vec<&'static str> {
    let (ours, theirs, usual) = (&config.limits, catalogue.limits(), Limits::default());
    let counts = [
        ("org_owners", ours.org_owners, theirs.org_owners),
        ("personal_keys_per_user", ours.personal_keys_per_user, theirs.personal_keys_per_user),
        ("service_keys_per_org", usual.service_keys_per_org, theirs.service_keys_per_org),
        ("legacy_keys_per_user", usual.legacy_keys_per_user, theirs.legacy_keys_per_user),
        ("eug_per_org", usual.eug_per_org, theirs.eug_per_org),
        ("users_per_eug", usual.users_per_eug, theirs.users_per_eug),
    ];
    let spans = [
        ("invitation_default", ours.invitation_default, theirs.invitation_default),
        ("invitation_min", ours.invitation_min, theirs.invitation_min),
        ("invitation_max", ours.invitation_max, theirs.invitation_max),
        ("eug_invitation_min", usual.eug_invitation_min.duration(), theirs.eug_invitation_min),
        ("eug_invitation_max", usual.eug_invitation_max.duration(), theirs.eug_invitation_max),
        ("share_min", usual.share_min.duration(), theirs.share_min),
        ("share_max", usual.share_max.duration(), theirs.share_max),
    ];
    let counts = counts.into_iter().filter(|(_, ours, theirs)| ours != theirs).map(|(name, ..)| name);
    counts
        .chain(spans.into_iter().filter(|(_, ours, theirs)| *ours != theirs.duration()).map(|(name, ..)| name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalogue_compiles_and_its_limits_are_the_configurations() {
        let catalogue = load(&Config::default()).unwrap();
        assert!(catalogue.service_named("registry").is_some());
        assert_eq!(unused_limits(&Config::default(), &catalogue), Vec::<&str>::new());
    }

    #[test]
    fn a_limit_that_does_not_hold_is_named() {
        let text = BUILT_IN.replacen("personal_keys_per_user: 8", "personal_keys_per_user: 9", 1).replacen(
            "share_max: 24h",
            "share_max: 25h",
            1,
        );
        let catalogue = compile("x", &text).unwrap();
        assert_eq!(unused_limits(&Config::default(), &catalogue), ["personal_keys_per_user", "share_max"]);
    }

    #[test]
    fn what_is_wrong_names_its_place() {
        let complaints =
            compile("mine.yaml", &BUILT_IN.replacen("version: 1", "version: 1\nservces: {}", 1)).unwrap_err();
        assert!(complaints.to_string().starts_with("mine.yaml:"), "{complaints}");
        let complaints =
            compile("mine.yaml", &BUILT_IN.replacen("inherits: viewer", "inherits: viewr", 1)).unwrap_err();
        assert!(complaints.to_string().starts_with("mine.yaml: services."), "{complaints}");
        assert!(complaints.to_string().contains("viewr"), "{complaints}");
    }
}
