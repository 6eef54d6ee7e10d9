//! How much the rules of one org may be, whichever way they come.

use std::collections::BTreeSet;

use cardea_model::rule::{Matcher, RuleBody};

/// More rules than this in one org are refused.
const MOST_RULES: usize = 1_000;
/// More matchers than this in one org are refused, parts of compound ones among them.
const MOST_MATCHERS: usize = 2_000;
/// More matchers than this that meet more than they name are refused: each is asked about every group.
const MOST_BROAD: usize = 200;
/// Rules of one org that read more claims than this are refused: each is noted for everybody who signs in.
const MOST_CLAIMS: usize = 20;

/// Which bound all the rules of an org together are beyond, in words; none if within all of them.
pub(crate) fn exceeded(rules: &[&RuleBody]) -> Option<String> {
    if rules.len() > MOST_RULES {
        return Some(format!("an org has at most {MOST_RULES} rules"));
    }
    let matchers = || rules.iter().flat_map(|rule| &rule.any_of);
    let sizes = matchers().map(Matcher::size);
    let (all, broad) = sizes.fold((0, 0), |(all, broad), (more, wide)| (all + more, broad + wide));
    if all > MOST_MATCHERS || broad > MOST_BROAD {
        return Some(format!(
            "an org has at most {MOST_MATCHERS} matchers, and {MOST_BROAD} of them other than whole values"
        ));
    }
    let claims: BTreeSet<&str> = matchers().flat_map(Matcher::claims).filter(|claim| !claim.is_empty()).collect();
    (claims.len() > MOST_CLAIMS).then(|| format!("the rules of an org read at most {MOST_CLAIMS} claims"))
}
