//! Scopes as docker, skopeo and others really send them, and whatever else there is.

use proptest::prelude::*;

use super::*;

const HOSTS: [&str; 1] = ["id.acme.example:8700"];

fn repository<'a>(name: &'a str, actions: &[&str]) -> Wanted<'a> {
    let find = |word: &&str| DockerAction::ALL.into_iter().find(|known| known.as_str() == *word).unwrap();
    Wanted::Repository { name, actions: actions.iter().map(find).collect() }
}

#[test]
fn a_scope_is_read_from_both_ends() {
    for (parameters, expected) in [
        (&["repository:acme/app:pull,push"][..], vec![repository("acme/app", &["pull", "push"])]),
        (
            &["repository:acme/team1/app:pull,push", "repository:acme/app:pull"],
            vec![repository("acme/team1/app", &["pull", "push"]), repository("acme/app", &["pull"])],
        ),
        (
            &["repository:acme/app:pull repository:acme/b:pull  repository:acme/app:push,pull"],
            vec![repository("acme/app", &["pull", "push"]), repository("acme/b", &["pull"])],
        ),
        (&["registry:catalog:*", "registry:catalog:*"], vec![Wanted::Catalog]),
        (&["repository(plugin):acme/app:pull"], vec![repository("acme/app", &["pull"])]),
        (&["repository:id.acme.example:8700/acme/app:pull"], vec![repository("acme/app", &["pull"])]),
        (&["repository:other.example:8700/acme/app:pull"], vec![repository("other.example:8700/acme/app", &["pull"])]),
        (&["repository:acme/app:delete,delete"], vec![repository("acme/app", &["delete"])]),
        (&["repository:acme/*:pull"], vec![repository("acme/*", &["pull"])]),
        (&["repository:acme/app:*"], vec![repository("acme/app", &[])]),
        (&["repository:acme/app:PULL,mount,"], vec![repository("acme/app", &[])]),
        (&["repository::pull"], vec![repository("", &["pull"])]),
        (&["registry:catalog:pull", "registry:other:*", "registry:*:*"], vec![]),
        (&["repository:acme/app", "repository", ":", "::", "", " ", "repository(x:acme/app:pull"], vec![]),
        (&["Repository:acme/app:pull", "artifact:acme/app:pull"], vec![]),
    ] {
        assert_eq!(wanted(parameters, &HOSTS), Ok(expected), "{parameters:?}");
    }
}

#[test]
fn there_is_an_end_to_it() {
    let many = |count| vec!["repository:acme/app:pull"; count];
    assert_eq!(wanted(&many(MOST_SCOPES), &[]).map(|all| all.len()), Ok(1));
    assert_eq!(wanted(&many(MOST_SCOPES + 1), &[]), Err(TooMany));
    assert_eq!(wanted(&[&many(MOST_SCOPES + 1).join(" ")], &[]), Err(TooMany));
}

proptest! {
    /// Whatever comes, all that is asked for stands in one of the scopes, letter by letter.
    #[test]
    fn nothing_is_asked_for_that_was_not_said(
        parameters in prop::collection::vec(
            prop_oneof![".{0,60}", "[a-z:/,()* ]{0,60}", "(repository|registry)(\\([a-z]*\\))?:[a-z/:*.]{0,20}:[a-z,*]{0,20}"],
            0..12,
        ),
    ) {
        let given: Vec<&str> = parameters.iter().map(String::as_str).collect();
        let Ok(all) = wanted(&given, &HOSTS) else { return Ok(()) };
        let said: Vec<&str> = given.iter().flat_map(|parameter| parameter.split(' ')).collect();
        for (at, one) in all.iter().enumerate() {
            prop_assert!(!all.iter().skip(at + 1).any(|other| other.is_about(one)));
            match one {
                Wanted::Catalog => prop_assert!(said.iter().any(|scope| scope.ends_with(":catalog:*"))),
                Wanted::Repository { name, actions } => for action in actions {
                    let says = |scope: &&str| {
                        scope.starts_with("repository")
                            && scope.rsplit(':').next().is_some_and(|words| words.split(',').any(|w| w == action.as_str()))
                            && scope.strip_suffix(scope.rsplit(':').next().unwrap_or_default())
                                .is_some_and(|rest| rest.ends_with(&format!("{name}:")))
                    };
                    prop_assert!(said.iter().any(says), "{name} {action:?} of {said:?}");
                },
            }
        }
    }
}
