//! What the pages load: stylesheet, scripts, fonts and the mark, inside the binary.
//!
//! Each is served under a name that carries the hash of its bytes (`/assets/cardea.0123456789abcdef.css`), so that a
//! browser may keep it for good and a new release is never mixed with an old stylesheet.

use std::sync::LazyLock;

/// How long a browser may keep an asset: for good, because another content has another name.
pub const CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// One file as it is served.
#[derive(Debug)]
pub struct Asset {
    /// The name in the sources, `cardea.css`.
    pub name: &'static str,
    /// The path it is served under, with the hash.
    pub path: String,
    /// The `Content-Type`.
    pub content_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

struct Source {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! sources {
    ($($name:literal: $content_type:literal,)*) => {
        &[$(Source { name: $name, content_type: $content_type, bytes: include_bytes!(concat!("../../assets/", $name)) },)*]
    };
}

/// The stylesheet comes last: it names the fonts, whose hashed names must be known by then.
const SOURCES: &[Source] = sources![
    "inter-latin.woff2": "font/woff2",
    "inter-latin-ext.woff2": "font/woff2",
    "jetbrains-mono-latin.woff2": "font/woff2",
    "mark.svg": "image/svg+xml",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "cardea.js": "text/javascript; charset=utf-8",
    "cardea.css": "text/css; charset=utf-8",
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let mut assets = Vec::with_capacity(SOURCES.len());
    for source in SOURCES {
        let bytes = match std::str::from_utf8(source.bytes) {
            Ok(text) if source.name.ends_with(".css") => with_hashed_names(text, &assets).into_bytes(),
            _ => source.bytes.to_vec(),
        };
        let path = hashed_path(source.name, &bytes);
        assets.push(Asset { name: source.name, path, content_type: source.content_type, bytes });
    }
    assets
});

/// The asset that is served under `path` (`/assets/cardea.0123456789abcdef.css`).
#[must_use]
pub fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// Every asset, for whoever lists or checks them.
#[must_use]
pub fn all() -> &'static [Asset] {
    &ASSETS
}

/// The path of the file `name` of the sources; an unknown name gives a path that answers 404.
#[must_use]
pub fn href(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("/assets/unknown", |asset| asset.path.as_str())
}

fn with_hashed_names(css: &str, assets: &[Asset]) -> String {
    assets.iter().fold(css.to_owned(), |css, asset| css.replace(&format!("/assets/{}", asset.name), &asset.path))
}

fn hashed_path(name: &str, bytes: &[u8]) -> String {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    format!("/assets/{stem}.{:016x}.{extension}", fingerprint(bytes))
}

/// FNV-1a, 64 bits: it tells versions of our own files apart and protects nothing.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_found_by_its_hashed_path_only() {
        let path = href("cardea.css");
        assert!(path.starts_with("/assets/cardea.") && path.ends_with(".css"), "{path}");
        assert_eq!(asset(path).map(|asset| asset.content_type), Some("text/css; charset=utf-8"));
        assert!(asset("/assets/cardea.css").is_none());
        assert!(asset("/assets/../Cargo.toml").is_none());
    }

    #[test]
    fn the_stylesheet_is_small_and_names_only_what_is_served() {
        let css = asset(href("cardea.css")).unwrap();
        assert!(css.bytes.len() < 40 * 1024, "{} bytes", css.bytes.len());
        let text = std::str::from_utf8(&css.bytes).unwrap();
        let urls: Vec<&str> = text.split("url(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(!urls.is_empty());
        for url in urls {
            assert!(asset(url).is_some(), "{url} is not served");
        }
    }

    #[test]
    fn another_content_has_another_name() {
        assert_ne!(hashed_path("a.css", b"one"), hashed_path("a.css", b"two"));
        // The published test vector of FNV-1a for "foobar".
        assert_eq!(fingerprint(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
