//! What a password must be: long enough, of four kinds of characters, and hard to guess for somebody who knows whose it
//! is.
//!
//! | rule | costs |
//! |---|---|
//! | [`form`]: length and kinds of characters | nothing |
//! | [`strength`]: about how many guesses it takes | some milliseconds, so it waits for its turn like a hash |
//!
//! It stands here and not with the pure rules, because the estimate tells recent years by today's.

use cardea_model::name::fold;
use zxcvbn::feedback::Warning;
use zxcvbn::{Score, zxcvbn};

/// The least number of characters.
pub const SHORTEST: usize = 9;
/// The most bytes: nobody types more, and whoever sends more wants us to work.
pub const LONGEST: usize = 1024;

/// Words of at least so many letters count as somebody's own.
const SHORTEST_WORD: usize = 3;
/// At the most so many words are held against a password; a name may be long.
const MOST_WORDS: usize = 64;

/// Why a password is refused, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Fewer than [`SHORTEST`] characters.
    #[error("a password has 9 characters at the least; make this one longer")]
    Short,
    /// More than [`LONGEST`] bytes.
    #[error("a password has 1,024 bytes at the most; make this one shorter")]
    Long,
    /// Kinds of characters are missing, in words.
    #[error("a password has an upper-case and a lower-case letter, a digit and a special character; add {0}")]
    Kinds(String),
    /// It takes too few guesses, for this reason.
    #[error("this password is easy to guess: {0}; take three or four words that do not belong together")]
    Guessable(&'static str),
}

/// Whether it has the length and the kinds of characters.
pub(super) fn form(password: &str) -> Result<(), Weakness> {
    if password.len() > LONGEST {
        return Err(Weakness::Long);
    }
    if password.chars().count() < SHORTEST {
        return Err(Weakness::Short);
    }
    let has = |kind: fn(char) -> bool| password.chars().any(kind);
    let kinds = [
        (has(char::is_uppercase), "an upper-case letter"),
        (has(char::is_lowercase), "a lower-case letter"),
        (has(|c| c.is_ascii_digit()), "a digit"),
        (has(|c| !c.is_alphanumeric()), "a special character"),
    ];
    let missing: Vec<&str> = kinds.iter().filter(|(there, _)| !there).map(|(_, name)| *name).collect();
    if missing.is_empty() { Ok(()) } else { Err(Weakness::Kinds(missing.join(" and "))) }
}

/// Words that whoever knows the person would try first: of their address, their name, their account.
pub(super) fn own_words(about: &[String]) -> Vec<String> {
    let mut words = vec!["cardea".to_owned()];
    for text in about {
        let text = fold(text);
        let parts = || text.split(|c: char| !c.is_alphanumeric());
        words.extend(parts().map(str::to_owned));
        words.push(parts().collect());
        words.push(text.clone());
    }
    words.retain(|word| word.chars().count() >= SHORTEST_WORD);
    words.truncate(MOST_WORDS);
    words
}

/// Whether it takes at least 10⁸ guesses, the third of zxcvbn's four steps.
pub(super) fn strength(password: &str, own: &[String]) -> Result<(), Weakness> {
    let words: Vec<&str> = own.iter().map(String::as_str).collect();
    let estimate = zxcvbn(password, &words);
    if estimate.score() >= Score::Three {
        return Ok(());
    }
    let folded = fold(password);
    if words.iter().any(|word| folded.contains(word)) {
        return Err(Weakness::Guessable("it has your name, your address or your account's name in it"));
    }
    let warning = estimate.feedback().and_then(|feedback| feedback.warning());
    Err(Weakness::Guessable(warning.map_or("there is little in it that has to be guessed", reason)))
}

const fn reason(warning: Warning) -> &'static str {
    match warning {
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => "many people have it, or one like it",
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => {
            "it follows the keys of a keyboard"
        }
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            "it repeats itself"
        }
        Warning::SequencesLikeAbcAreEasyToGuess => "it counts, like `abc` or `6543`",
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => "it is built around a date or a year",
        Warning::AWordByItselfIsEasyToGuess
        | Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => "a word or a name is the most of it",
    }
}

#[cfg(test)]
mod tests;
