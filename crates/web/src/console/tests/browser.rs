//! Every page with sample data in a real browser; what is looked at stands in `tests/browser/preview.test.mjs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::assets;
use super::sample::{Author, Sample};

const CHROMIUM: &str = "/usr/bin/chromium";
/// What to do when something is missing: a page that was not looked at has not passed.
const REMEDY: &str = "`scripts/setup.sh test` installs it, and `make test` does so by itself";

/// Writes the pages and what they load to `target/console-preview`, for people to look at too. Addresses of assets become
/// relative there, so that a page opens from the disk.
fn write_preview() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/console-preview");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(folder.join("assets")).unwrap();
    for asset in assets::all() {
        let path = folder.join(asset.path.trim_start_matches('/'));
        match std::str::from_utf8(&asset.bytes) {
            Ok(text) => fs::write(path, text.replace("url(\"/assets/", "url(\"")).unwrap(),
            Err(_) => fs::write(path, &asset.bytes).unwrap(),
        }
    }
    for (page, html) in Sample::by(Author::Honest).pages() {
        fs::write(folder.join(format!("{page}.html")), html.replace("=\"/assets/", "=\"assets/")).unwrap();
    }
    folder
}

/// In both colour schemes, wide and narrow: within the weight, without a shift, nothing wider than the window, and nothing
/// that `axe` finds.
#[test]
fn every_page_holds_in_a_real_browser() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/browser");
    assert!(Path::new(CHROMIUM).exists(), "{CHROMIUM} is missing; {REMEDY}");
    assert!(tests.join("node_modules/playwright-core").exists(), "tests/browser/node_modules is missing; {REMEDY}");
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec", "preview.test.mjs"]).current_dir(&tests);
    node.env("PREVIEW", write_preview()).env("CHROMIUM", CHROMIUM).stdin(Stdio::null());
    let ended = node.status().unwrap_or_else(|error| panic!("`node` cannot be started: {error}; {REMEDY}"));
    assert!(ended.success(), "a page does not hold; its words stand above");
}
