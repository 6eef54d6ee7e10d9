//! Every `sql!` of this room is prepared on both engines, so that a misspelt column fails here, with
//! its file and line, and not in front of a person.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sqlx::{Column as _, ConnectOptions as _, Executor as _, SqlSafeStr as _, Statement as _, TypeInfo as _};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};

use super::testing;

/// A statement in the sources.
struct Found {
    text: String,
    file: String,
    line: usize,
}

/// What an engine says about a statement.
#[derive(Debug, PartialEq)]
struct Shape {
    parameters: usize,
    columns: Vec<String>,
}

/// Both engines, with the house's schema.
struct Engines {
    sqlite: rusqlite::Connection,
    postgres: sqlx::PgConnection,
    _databases: [testing::Fresh; 2],
}

#[tokio::test]
async fn every_statement_prepares_on_both_engines() {
    let mut engines = engines().await;
    let (mut findings, mut count) = (String::new(), 0);
    let pieces = pieces(sources().iter().map(|(_, text)| text.as_str()));
    for (path, text) in sources() {
        let found = statements(&path, &text, &pieces);
        let written = text.lines().filter(|line| line.contains("sql!(") && !line.trim_start().starts_with("//"));
        let seen = found.len() + statements_of_tests(&text);
        assert_eq!(seen, written.count(), "{path} hides a statement inside another macro");
        for statement in found {
            count += 1;
            if let Err(complaint) = check(&mut engines, &statement.text).await {
                writeln!(findings, "{}:{}: {complaint}", statement.file, statement.line).unwrap();
            }
        }
    }
    assert_eq!(findings, "");
    assert!(count >= 2, "only {count} statements were found");
}

#[tokio::test]
async fn a_wrong_statement_is_found_out_by_file_and_line() {
    let source = r#"
        fn fine() -> Sql { sql!("SELECT name, checksum FROM schema_migration WHERE version = $1") }
        fn misspelt() -> Sql {
            crate::sql!("SELECT name, chekcsum FROM schema_migration")
        }
        macro_rules! columns { () => { "name, chekcsum" }; }
        fn of_pieces() -> Sql { sql!("SELECT ", columns!(), " FROM schema_migration") }
        fn hidden() -> Sql { sql!("SELECT name FROM ", env!("TABLE")) }
        #[cfg(test)]
        mod tests { fn free() -> Sql { sql!("whatever") } }
    "#;
    let found = statements("crates/store/src/wrong.rs", source, &pieces([source].into_iter()));
    let places: Vec<_> = found.iter().map(|statement| (statement.file.as_str(), statement.line)).collect();
    assert_eq!(places, [2, 4, 7].map(|line| ("crates/store/src/wrong.rs", line)));
    assert_eq!(statements_of_tests(source), 1);

    let mut engines = engines().await;
    assert_eq!(check(&mut engines, &found[0].text).await, Ok(()));
    for misspelt in &found[1..] {
        let complaint = check(&mut engines, &misspelt.text).await.unwrap_err();
        assert!(complaint.contains("chekcsum"), "{complaint}");
    }

    for (text, expected) in [
        ("SELECT name FROM schema_migration WHERE name ILIKE $1", "SQLite"),
        ("SELECT name FROM schema_migration WHERE name GLOB $1", "PostgreSQL"),
        ("SELECT name FROM schema_migration WHERE name = ?1", "$1"),
        ("SELECT name FROM schema_migration WHERE name = $2", "PostgreSQL"),
        ("SELECT COUNT(*) FROM schema_migration", "differ"),
        ("SELECT SUM(version) AS total FROM schema_migration", "`total` is NUMERIC"),
        ("SELECT 1 AS one FROM schema_migration", "`one` is INT4"),
        ("UPDATE schema_migration SET name = $1; DELETE FROM schema_migration", "SQLite"),
    ] {
        let complaint = check(&mut engines, text).await.unwrap_err();
        assert!(complaint.contains(expected), "{text}: {complaint}");
    }
}

async fn engines() -> Engines {
    let databases = testing::migrated().await;
    let [file, server] = &databases;
    let path = file.settings.url.strip_prefix("sqlite://").unwrap();
    let options: sqlx::postgres::PgConnectOptions = server.settings.url.parse().unwrap();
    Engines {
        sqlite: rusqlite::Connection::open(path).unwrap(),
        postgres: options.connect().await.unwrap(),
        _databases: databases,
    }
}

async fn check(engines: &mut Engines, text: &str) -> Result<(), String> {
    let sqlite = on_sqlite(&engines.sqlite, text)?;
    let postgres = on_postgres(&mut engines.postgres, text).await?;
    if sqlite == postgres {
        Ok(())
    } else {
        Err(format!("the engines differ: {sqlite:?} on SQLite, {postgres:?} on PostgreSQL"))
    }
}

fn on_sqlite(connection: &rusqlite::Connection, text: &str) -> Result<Shape, String> {
    let statement = connection.prepare(text).map_err(|error| format!("SQLite: {error}"))?;
    let mut numbers = BTreeSet::new();
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).unwrap_or("?");
        let number = name.strip_prefix('$').and_then(|number| number.parse::<usize>().ok());
        numbers.insert(number.ok_or_else(|| format!("a parameter is {name}, not $1, $2, …"))?);
    }
    let columns = statement.column_names().map(str::to_owned).collect();
    Ok(Shape { parameters: numbers.last().copied().unwrap_or_default(), columns })
}

/// Prepares without saying the types of parameters, and demands answers of the four types that
/// [`Row`](super::Row) reads.
async fn on_postgres(connection: &mut sqlx::PgConnection, text: &str) -> Result<Shape, String> {
    let text = sqlx::AssertSqlSafe(text).into_sql_str();
    let statement = connection.prepare(text).await.map_err(|error| format!("PostgreSQL: {error}"))?;
    let parameters = match statement.parameters() {
        Some(sqlx::Either::Left(types)) => types.len(),
        Some(sqlx::Either::Right(count)) => count,
        None => 0,
    };
    let mut columns = Vec::new();
    for column in statement.columns() {
        let (name, kind) = (column.name(), column.type_info().name());
        if !["TEXT", "VARCHAR", "INT8", "BOOL", "BYTEA"].contains(&kind) {
            return Err(format!(
                "the column `{name}` is {kind} on PostgreSQL; CAST it to TEXT, BIGINT, BOOLEAN or BYTEA"
            ));
        }
        columns.push(name.to_owned());
    }
    Ok(Shape { parameters, columns })
}

/// Every source of this room but its tests: the path from the root of the workspace, and the text.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src")];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap();
            match path.is_dir() {
                true if name != "tests" => folders.push(path),
                false if name != "tests.rs" && name != "testing.rs" => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    let named = |path: PathBuf| {
        let inside = path.strip_prefix(root).unwrap();
        (Path::new("crates/store").join(inside).display().to_string(), std::fs::read_to_string(&path).unwrap())
    };
    files.into_iter().map(named).collect()
}

/// What the macros stand for that may stand in a statement: those without arguments that are one literal, by their names.
fn pieces<'t>(sources: impl Iterator<Item = &'t str>) -> Pieces {
    let mut pieces = Pieces::default();
    for text in sources {
        pieces.visit_file(&syn::parse_file(text).unwrap());
    }
    pieces
}

/// Every `sql!(…)` of a source outside its tests, but for those with something in it that is no literal.
fn statements(file: &str, text: &str, pieces: &Pieces) -> Vec<Found> {
    let mut finder = Finder { file: file.to_owned(), pieces, found: Vec::new(), in_tests: 0 };
    finder.visit_file(&syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}")));
    finder.found
}

fn statements_of_tests(text: &str) -> usize {
    let mut finder = Finder { file: String::new(), pieces: &Pieces::default(), found: Vec::new(), in_tests: 0 };
    finder.visit_file(&syn::parse_file(text).unwrap());
    finder.in_tests
}

#[derive(Default)]
struct Pieces(BTreeMap<String, String>);

impl Pieces {
    /// What a part of a statement stands for.
    fn text(&self, part: &syn::Expr) -> Option<String> {
        if let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(literal), .. }) = part {
            return Some(literal.value());
        }
        let syn::Expr::Macro(call) = part else { return None };
        self.0.get(&call.mac.path.get_ident()?.to_string()).cloned()
    }
}

impl<'ast> Visit<'ast> for Pieces {
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let (Some(name), Ok(Piece(text))) = (&item.ident, item.mac.parse_body()) {
            assert_eq!(self.0.insert(name.to_string(), text), None, "`{name}!` is defined twice");
        }
    }
}

/// `() => { "…" };`
struct Piece(String);

impl Parse for Piece {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let (arguments, body);
        syn::parenthesized!(arguments in input);
        input.parse::<syn::Token![=>]>()?;
        syn::braced!(body in input);
        input.parse::<Option<syn::Token![;]>>()?;
        arguments.parse::<syn::parse::Nothing>()?;
        Ok(Self(body.parse::<syn::LitStr>()?.value()))
    }
}

struct Finder<'p> {
    file: String,
    pieces: &'p Pieces,
    found: Vec<Found>,
    in_tests: usize,
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let before = self.found.len();
        visit::visit_item_mod(self, module);
        if module.ident == "tests" {
            self.in_tests += self.found.drain(before..).count();
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let is_sql = call.path.segments.last().is_some_and(|last| last.ident == "sql");
        let parts = call.parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated);
        if is_sql
            && let Ok(parts) = parts
            && let Some(text) = parts.iter().map(|part| self.pieces.text(part)).collect()
        {
            let line = call.path.segments[0].ident.span().start().line;
            self.found.push(Found { text, file: self.file.clone(), line });
        }
    }
}
