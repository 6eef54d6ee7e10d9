//! Random bytes of the operating system: the only place that asks for them.

use cardea_model::Random;

/// The operating system's source.
pub(crate) struct OsRandom;

impl Random for OsRandom {
    #[expect(
        clippy::expect_used,
        reason = "without chance no secret may be made; Linux always has it once it has booted"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_draws_are_alike() {
        let draw = || cardea_model::chance::bytes::<32>(&OsRandom);
        assert_ne!(draw(), draw());
    }
}
