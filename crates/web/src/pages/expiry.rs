//! When a key is to expire, as a form asks: what was chosen, what that means, what was wrong with it.

use std::time::Duration;

use cardea_model::Timestamp;
use cardea_model::key::{BadExpiry, Expiry};

use super::fields::Fields;
use crate::console::Problem as FieldProblem;
use crate::console::keys::ExpiryField;
use crate::login::sentence;

const DAY: Duration = Duration::from_secs(86_400);

/// What a form shows that nobody has touched.
pub(super) fn first() -> ExpiryField {
    ExpiryField { choice: "30d".to_owned(), on: String::new() }
}

/// What was posted.
pub(super) fn of(fields: &Fields) -> ExpiryField {
    ExpiryField { choice: fields.one("expiry").to_owned(), on: fields.one("expires_on").to_owned() }
}

/// What it means.
pub(super) fn wanted(field: &ExpiryField) -> Result<Expiry, BadExpiry> {
    match field.choice.as_str() {
        "custom" => end_of_day(&field.on),
        other => Expiry::parse(other),
    }
}

/// What was wrong with it.
pub(super) fn problem(field: &ExpiryField, error: &BadExpiry) -> FieldProblem {
    let custom = field.choice == "custom";
    let (field, text) = match error {
        BadExpiry::Unreadable if custom => ("expires_on", "Choose the last day".to_owned()),
        BadExpiry::Short(_) if custom => ("expires_on", "Choose a day that is not over".to_owned()),
        BadExpiry::OneWay
        | BadExpiry::Unreadable
        | BadExpiry::Short(_)
        | BadExpiry::Long(_)
        | BadExpiry::Endless(_) => (if custom { "expires_on" } else { "expiry" }, sentence(&error.to_string())),
    };
    FieldProblem { field, text }
}

/// The end of a day, `2026-12-31`, in UTC.
fn end_of_day(date: &str) -> Result<Expiry, BadExpiry> {
    let start = Timestamp::parse(&format!("{date}T00:00:00Z")).ok_or(BadExpiry::Unreadable)?;
    Ok(Expiry::At(start.after(DAY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(choice: &str, on: &str) -> ExpiryField {
        ExpiryField { choice: choice.to_owned(), on: on.to_owned() }
    }

    #[test]
    fn the_last_day_counts_to_its_end() {
        let wanted = wanted(&typed("custom", "2026-12-31")).unwrap();
        assert_eq!(Some(wanted), Timestamp::parse("2027-01-01T00:00:00Z").map(Expiry::At));
    }

    #[test]
    fn every_choice_of_the_form_is_understood() {
        for (value, _) in crate::console::keys::EXPIRIES.iter().filter(|(value, _)| *value != "custom") {
            assert!(wanted(&typed(value, "")).is_ok(), "{value}");
        }
    }

    #[test]
    fn a_date_that_is_none_is_a_problem_of_its_field() {
        for text in ["", "tomorrow", "2026-02-30", "2026-12-31T00:00:00Z"] {
            let typed = typed("custom", text);
            let said = problem(&typed, &wanted(&typed).unwrap_err());
            assert_eq!((said.field, said.text.as_str()), ("expires_on", "Choose the last day"), "{text}");
        }
    }
}
