use super::*;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Garden {
    #[serde(default)]
    beds: BTreeMap<String, Bed>,
    #[serde(default)]
    tools: Vec<Tool>,
    note: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bed {
    length: u32,
    #[serde(default)]
    sunny: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tool {
    Spade,
    Rake,
}

fn told(text: &str) -> (Option<Garden>, Vec<String>) {
    let (garden, mistakes) = read(&parse(text).unwrap());
    let line = |it: &Mistake| {
        let hint = it.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        format!("{}:{} {}: {}{hint}", it.place.line, it.place.column, it.path, it.what)
    };
    (garden, mistakes.iter().map(line).collect())
}

#[test]
fn a_good_document_is_read_and_nothing_is_said() {
    let (garden, mistakes) = told("beds: {roses: {length: 3, sunny: true}}\ntools: [rake]\nnote: 'no'\n");
    let roses = Bed { length: 3, sunny: true };
    let beds = BTreeMap::from([("roses".to_owned(), roses)]);
    assert_eq!(garden, Some(Garden { beds, tools: vec![Tool::Rake], note: Some("no".to_owned()) }));
    assert_eq!(mistakes, Vec::<String>::new());
    // A key with nothing after it is an empty one.
    assert_eq!(
        told("beds:\ntools:\nnote:\n"),
        (Some(Garden { beds: BTreeMap::new(), tools: vec![], note: None }), vec![])
    );
}

#[test]
fn every_mistake_is_told_and_the_rest_is_read() {
    let text = "beds:\n  roses: {lenght: 3, length: 4, length: 5}\n  beans: {length: -1}\n  peas: {length: 7}\n  cress: {}\n\
                tools: [spade, rak, 7, rake]\nnote: [x]\n";
    let (garden, mistakes) = told(text);
    let bed = |length| Bed { length, sunny: false };
    let beds = BTreeMap::from([("roses".to_owned(), bed(4)), ("peas".to_owned(), bed(7))]);
    assert_eq!(garden, Some(Garden { beds, tools: vec![Tool::Spade, Tool::Rake], note: None }));
    assert_eq!(
        mistakes,
        [
            "2:33 beds.roses.length: `length` stands here twice",
            "2:11 beds.roses.lenght: unknown key `lenght`; did you mean `length`?",
            "3:19 beds.beans.length: must be a whole number",
            "3:10 beds.beans: `length` is missing",
            "5:10 beds.cress: `length` is missing",
            "6:16 tools[1]: `rak` is none of `spade`, `rake`; did you mean `rake`?",
            "6:21 tools[2]: must be text: put it in quotes",
            "7:7 note: must be text",
        ]
    );
}

#[test]
fn a_path_is_found_as_far_as_it_goes() {
    let root = parse("beds:\n  roses: {length: 3}\ntools:\n  - spade\n  - rake\n").unwrap();
    for (path, line, column) in [
        ("beds.roses.length", 2, 19),
        ("beds.roses.width", 2, 10),
        ("beds", 1, 1),
        ("tools[1]", 5, 5),
        ("tools[9]", 4, 3),
        ("nowhere", 1, 1),
        ("bedsteads", 1, 1),
    ] {
        assert_eq!(root.locate(path), Place { line, column }, "{path}");
    }
}
