//! The rules of the house that no compiler knows: who may depend on whom, how long a file and
//! a function may be, what no source may contain, and that the pages agree with the code.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// A crate, whom it may depend on, and whom its tests may use besides;
/// `docs/architecture.md` shows the same table.
const ARROWS: [(&str, &[&str], &[&str]); 11] = [
    ("server", &["gateway", "model", "simulate", "web"], &["client", "connect", "store", "testkit", "tokens"]),
    ("web", &["gateway", "model", "scim"], &[]),
    ("gateway", &["connect", "model", "scim", "store", "tokens"], &[]),
    ("store", &["model"], &[]),
    ("connect", &["model"], &["simulate"]),
    ("tokens", &["model"], &[]),
    ("model", &[], &[]),
    ("scim", &[], &[]),
    ("simulate", &[], &[]),
    ("client", &[], &[]),
    ("testkit", &["connect", "gateway", "model", "scim", "server", "simulate", "store", "tokens", "web"], &[]),
];

const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 60;

#[test]
fn a_crate_depends_only_on_those_it_may_see() {
    let mut findings = String::new();
    for arrow in arrows_of_the_workspace() {
        let allowed = ARROWS.iter().any(|(from, to, in_tests)| {
            *from == arrow.from
                && (to.contains(&arrow.to.as_str()) || arrow.only_in_tests && in_tests.contains(&arrow.to.as_str()))
        });
        if !allowed {
            writeln!(findings, "`{}` may not see `{}`", arrow.from, arrow.to).unwrap();
        }
    }
    assert_eq!(findings, "");
}

#[test]
fn every_crate_is_in_the_table() {
    let mut folders = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        folders.insert(entry.unwrap().file_name().into_string().unwrap());
    }
    let table: BTreeSet<String> = ARROWS.iter().map(|(from, ..)| (*from).to_owned()).collect();
    assert_eq!(folders, table);
}

#[test]
fn the_architecture_page_shows_the_arrows_that_are_checked() {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let shown: Vec<String> =
        section(&page, "## Arrows").filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
    let names = |crates: &[&str]| {
        let quoted: Vec<String> = crates.iter().map(|name| format!("`{name}` ")).collect();
        quoted.concat()
    };
    let checked: Vec<String> =
        ARROWS.iter().map(|(from, to, in_tests)| format!("| `{from}` | {}| {}|", names(to), names(in_tests))).collect();
    assert_eq!(shown, checked);
}

#[test]
fn sources_keep_the_rules_of_the_house() {
    let mut findings = String::new();
    for path in files_with(&["rs"]) {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        for finding in judge(&path, &text) {
            writeln!(findings, "{}: {finding}", path.display()).unwrap();
        }
    }
    assert_eq!(findings, "");
}

#[test]
fn a_source_that_breaks_each_rule_is_found_out() {
    let long_function = format!("fn long() {{\n{}}}\n", "    work();\n".repeat(60));
    let marker = concat!("// TO", "DO: later\n");
    let sleeping = concat!("#[cfg(test)]\nmod tests { fn nap() { sle", "ep(1); } }\n");
    let cases = [
        ("fn quiet() {}\n".to_owned(), "does not say what it is for"),
        (format!("//! x\n{}", "\n".repeat(400)), "401 lines"),
        (format!("//! x\n{long_function}"), "`long` has 62 lines"),
        ("//! x\n#[allow(dead_code)]\nfn f() {}\n".to_owned(), "#[expect]"),
        ("//! x\n#[test]\n#[ignore]\nfn f() {}\n".to_owned(), "ignored test"),
        (format!("//! x\n{marker}"), "unfinished"),
        (format!("//! x\n{sleeping}"), "sleeps"),
        ("//! x\n//!\n//! ```\n//! f();\n//! ```\n".to_owned(), "example"),
    ];
    for (source, expected) in cases {
        let findings = judge(Path::new("crates/model/src/example.rs"), &source);
        assert_eq!(findings.len(), 1, "{source}\n{findings:?}");
        assert!(findings[0].contains(expected), "{findings:?}");
    }
    let clean = "//! x\n//!\n//! ```text\n//! a -> b\n//! ```\nfn f() {}\n";
    assert!(judge(Path::new("crates/model/src/example.rs"), clean).is_empty());
}

#[test]
fn nothing_else_waits_to_be_finished() {
    let mut findings = String::new();
    for path in files_with(&["sql", "toml", "yaml", "sh", "js", "mjs", "html", "css"]) {
        let text = std::fs::read_to_string(root().join(&path)).unwrap();
        for (number, line) in text.lines().enumerate() {
            if is_unfinished(line) {
                writeln!(findings, "{}:{}", path.display(), number + 1).unwrap();
            }
        }
    }
    assert_eq!(findings, "");
}

#[test]
fn every_decision_is_numbered_in_order_complete_and_in_the_index() {
    let folder = root().join("docs/decisions");
    let index = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let mut pages: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    pages.sort();
    assert!(!pages.is_empty());
    for (position, page) in pages.iter().enumerate() {
        let number = format!("{:04}-", position + 1);
        assert!(page.starts_with(&number), "{page} should begin {number}");
        assert!(index.contains(&format!("({page})")), "{page} is not in the index");
        let text = std::fs::read_to_string(folder.join(page)).unwrap();
        for heading in ["## Context", "## Choice", "## Price"] {
            assert!(section(&text, heading).any(|line| !line.is_empty()), "{page}: {heading}");
        }
    }
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut findings = String::new();
    for path in files_with(&["md"]) {
        let page = root().join(&path);
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            let elsewhere = target.is_empty() || target.contains("://");
            if !elsewhere && !page.parent().unwrap().join(target).exists() {
                writeln!(findings, "{} links to {link}", path.display()).unwrap();
            }
        }
    }
    assert_eq!(findings, "");
}

/// One dependency between two crates of ours, by their short names.
struct Arrow {
    from: String,
    to: String,
    only_in_tests: bool,
}

fn arrows_of_the_workspace() -> Vec<Arrow> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut arrows = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        for dependency in package["dependencies"].as_array().unwrap() {
            let Some(to) = dependency["name"].as_str().unwrap().strip_prefix("cardea-") else {
                continue;
            };
            let from = package["name"].as_str().unwrap().trim_start_matches("cardea-");
            arrows.push(Arrow { from: from.to_owned(), to: to.to_owned(), only_in_tests: dependency["kind"] == "dev" });
        }
    }
    assert!(arrows.len() > ARROWS.len(), "cargo named too few dependencies to be true");
    arrows
}

/// Everything that is wrong with one Rust source; `path` is relative to the root.
fn judge(path: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let shipped = is_shipped(path);
    let tests_begin = text
        .lines()
        .position(|line| line.trim_start().starts_with("#[cfg(test)]"))
        .unwrap_or_else(|| text.lines().count());
    let named_for_what_it_is = path.ends_with("tests.rs");
    if !named_for_what_it_is && !text.starts_with("//!") {
        findings.push("does not say what it is for in a `//!`".to_owned());
    }
    if shipped && tests_begin > LONGEST_FILE {
        findings.push(format!("{tests_begin} lines without its tests"));
    }
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if is_unfinished(line) {
            findings.push(format!("{number}: unfinished business"));
        }
        if (!shipped || index >= tests_begin) && line.contains(concat!("sle", "ep(")) {
            findings.push(format!("{number}: a test that sleeps; advance its clock"));
        }
    }
    findings.extend(examples_that_nobody_runs(text));
    let mut reader = Reader { shipped, findings };
    reader.visit_file(&syn::parse_file(text).unwrap());
    reader.findings
}

fn is_shipped(path: &Path) -> bool {
    let in_tests = |part: &std::ffi::OsStr| part == "tests" || part == "testkit" || part == "tests.rs";
    !path.iter().any(in_tests)
}

/// The test runner does not run examples in documentation, so there are none: a fence there
/// names another language.
fn examples_that_nobody_runs(text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let Some(doc) = line.strip_prefix("//!").or_else(|| line.strip_prefix("///")) else {
            inside = false;
            continue;
        };
        let Some(language) = doc.trim().strip_prefix("```") else {
            continue;
        };
        if !inside && (language.is_empty() || language.starts_with("rust")) {
            findings.push(format!("{}: an example that nobody runs", index + 1));
        }
        inside = !inside;
    }
    findings
}

fn is_unfinished(line: &str) -> bool {
    let markers = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];
    line.split(|character: char| !character.is_alphanumeric() && character != '_').any(|word| markers.contains(&word))
}

/// Walks a parsed source and notes what its shape breaks.
struct Reader {
    shipped: bool,
    findings: Vec<String>,
}

impl Reader {
    fn measure(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (begin, end): (Span, Span) = (signature.span(), block.span());
        let first = begin.start().line;
        let lines = end.end().line - first + 1;
        // The signature's line and the closing brace are the frame, not the picture.
        if self.shipped && lines > LONGEST_FUNCTION + 1 {
            self.findings.push(format!("{first}: `{}` has {lines} lines", signature.ident));
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let before = self.shipped;
        self.shipped = before && !module.attrs.iter().any(is_for_tests);
        visit::visit_item_mod(self, module);
        self.shipped = before;
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.measure(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let line = attribute.span().start().line;
        if attribute.path().is_ident("allow") {
            self.findings.push(format!("{line}: `#[expect]` with a reason, not `allow`"));
        }
        if attribute.path().is_ident("ignore") {
            self.findings.push(format!("{line}: an ignored test"));
        }
        visit::visit_attribute(self, attribute);
    }
}

fn is_for_tests(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every file of ours with one of these endings, relative to the root, in order.
fn files_with(endings: &[&str]) -> Vec<PathBuf> {
    let root = root();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            let skipped = name == "target" || name == "node_modules" || name == "data" || name == ".git";
            if entry.file_type().unwrap().is_dir() {
                if !skipped {
                    folders.push(entry.path());
                }
            } else if entry.path().extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)) {
                files.push(entry.path().strip_prefix(&root).unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

/// The lines between a heading and the next one of any level.
fn section<'page>(page: &'page str, heading: &str) -> impl Iterator<Item = &'page str> {
    page.lines().skip_while(move |line| *line != heading).skip(1).take_while(|line| !line.starts_with('#'))
}
