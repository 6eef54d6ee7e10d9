//! The catalogue of services: the one that is built in, or a file of the operator's.

use crate::complaint::{Complaint, Complaints, nearest};
use crate::config::Config;
use crate::yaml::{self, Mistake, Place};
use cardea_model::catalogue::{Catalogue, CatalogueError, Document, Limits};
use std::path::Path;
use std::sync::Arc;

const BUILT_IN: &str = include_str!("../../../config/catalogue.yaml");
/// A larger file is refused unread.
const LARGEST: u64 = 1 << 20;
/// So many complaints are shown.
const SHOWN: usize = 100;

/// Loads the catalogue that the configuration names.
pub(crate) fn load(config: &Config) -> Result<Arc<Catalogue>, Complaints> {
    match &config.catalogue {
        None => compile("the built-in catalogue", BUILT_IN),
        Some(path) => compile(&path.display().to_string(), &read(path)?),
    }
}

fn read(path: &Path) -> Result<String, Complaint> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        Complaint::new(&name, format!("cannot be read: {error}"))
            .hint("set `catalogue` to the file, or leave it out for the built-in catalogue")
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
        return Err(Complaint::new(&name, "is larger than 1 MiB").hint("a catalogue has at most 64 services"));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Reads the catalogue in `text`, or says everything that is wrong with it in the order of the file.
fn compile(name: &str, text: &str) -> Result<Arc<Catalogue>, Complaints> {
    let root = yaml::parse(text).map_err(|error| yaml::complaint(name, &error))?;
    let (document, mistakes) = yaml::read::<Document>(&root);
    let errors = match document.as_ref().map(Catalogue::compile) {
        Some(Ok(catalogue)) if mistakes.is_empty() => return Ok(Arc::new(catalogue)),
        Some(Err(errors)) => errors,
        Some(Ok(_)) | None => Vec::new(),
    };
    // Where a service could not be read whole, its parts may well be missed elsewhere in it.
    let follows = |error: &CatalogueError| {
        service_of(&error.at).is_some_and(|it| mistakes.iter().any(|mistake| service_of(&mistake.path) == Some(it)))
    };
    let mut placed: Vec<(Place, Complaint)> = Vec::new();
    for error in errors.into_iter().filter(|error| !follows(error)) {
        let place = root.locate(&error.at);
        placed.push((place, of_error(name, place, error)));
    }
    placed.extend(mistakes.iter().map(|mistake| (mistake.place, of_mistake(name, mistake))));
    placed.sort_by_key(|(place, _)| *place);
    let more = placed.len().saturating_sub(SHOWN);
    let mut complaints: Vec<_> = placed.into_iter().take(SHOWN).map(|(_, complaint)| complaint).collect();
    if more > 0 {
        complaints.push(Complaint::new(name, format!("{more} more things are wrong")));
    }
    Err(Complaints(complaints))
}

/// The service within which a path lies.
fn service_of(path: &str) -> Option<&str> {
    path.strip_prefix("services.")?.split('.').next()
}

fn of_error(name: &str, place: Place, error: CatalogueError) -> Complaint {
    let complaint = Complaint::new(spot(name, place, &error.at), error.problem);
    let meant = error.unknown.as_ref().and_then(|unknown| nearest(&unknown.name, &unknown.known));
    match meant {
        Some(nearest) => complaint.hint(format!("did you mean `{nearest}`?")),
        None => complaint,
    }
}

fn of_mistake(name: &str, mistake: &Mistake) -> Complaint {
    let complaint = Complaint::new(spot(name, mistake.place, &mistake.path), &mistake.what);
    Complaint { hint: mistake.hint.clone(), ..complaint }
}

/// `mine.yaml:12:9: services.registry.title`
fn spot(name: &str, place: Place, path: &str) -> String {
    let (line, column) = (place.line, place.column);
    if path.is_empty() { format!("{name}:{line}:{column}") } else { format!("{name}:{line}:{column}: {path}") }
}

/// The limits of the catalogue that say something else than what holds: the configuration, and of what is not served yet
/// the usual.
pub(crate) fn unused_limits(config: &Config, catalogue: &Catalogue) -> Vec<&'static str> {
    let (ours, theirs, usual) = (&config.limits, catalogue.limits(), Limits::default());
    let counts = [
        ("org_owners", ours.org_owners, theirs.org_owners),
        ("personal_keys_per_user", ours.personal_keys_per_user, theirs.personal_keys_per_user),
        ("service_keys_per_org", ours.service_keys_per_org, theirs.service_keys_per_org),
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
mod tests;
