//! Assets: the files of the pages, which the program carries in itself.
//!
//! Their address has a digest over all of them, so a browser may keep them for ever and never mixes
//! those of two versions. Must not know what stands in one.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, header};

use super::App;
use super::problem::Problem;
use crate::secret::hex;

/// A file below `assets/`.
struct Asset {
    path: &'static str,
    bytes: &'static [u8],
}

macro_rules! asset {
    ($path:literal) => {
        Asset { path: $path, bytes: include_bytes!(concat!("../../assets/", $path)) }
    };
}

/// Every file that is served, a line each.
const ASSETS: &[Asset] = &[
    asset!("icon.svg"),
    asset!("style.css"),
    asset!("pages/board.js"),
    asset!("pages/deliveries.js"),
    asset!("pages/overview.js"),
    asset!("pages/setup.js"),
    asset!("pages/sign-in.js"),
    asset!("pages/webhooks.js"),
];

/// What all pages are made from; it is filled in, not served.
pub const SHELL: &str = include_str!("../../assets/shell.html");

/// For ever: other files have another address.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// How much of the digest stands in an address: enough that no two versions share it.
const DIGITS: usize = 16;

/// The digest over all files.
pub fn hash() -> String {
    let mut hash = hmac_sha256::Hash::new();
    for Asset { path, bytes } in ASSETS {
        // With the lengths, so that nothing can move from one file to the next unseen.
        hash.update(format!("{path}:{}:", bytes.len()));
        hash.update(bytes);
    }
    let mut text = hex(&hash.finalize());
    text.truncate(DIGITS);
    text
}

/// One file.
pub async fn serve(
    State(app): State<App>,
    Path((hash, path)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let found = ASSETS.iter().find(|asset| asset.path == path);
    let asset = found.filter(|_| hash == app.assets).ok_or_else(|| Problem::not_found("File"))?;
    let kind = HeaderValue::from_static(kind(asset.path));
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, KEEP)];
    Ok((headers, asset.bytes).into_response())
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    /// What may stand in a file as an example or a name; nothing is loaded from there.
    const NAMED: [&str; 4] =
        ["www.w3.org/2000/svg", "example.com", "example.org", "hook.eu1.make.com"];

    fn files(below: &str, found: &mut BTreeSet<String>) {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/");
        for entry in fs::read_dir(format!("{root}{below}")).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                files(&format!("{name}/"), found);
            } else {
                found.insert(name);
            }
        }
    }

    #[test]
    fn the_table_has_every_file_and_knows_its_kind() {
        let mut there = BTreeSet::new();
        files("", &mut there);
        let table: BTreeSet<String> = ASSETS.iter().map(|a| a.path.to_owned()).collect();
        let shell = BTreeSet::from(["shell.html".to_owned()]);
        assert_eq!(table.union(&shell).cloned().collect::<BTreeSet<_>>(), there);
        assert_eq!(table.len(), ASSETS.len(), "one stands twice");
        for path in &table {
            assert!(!kind(path).starts_with("application/"), "{path}: of which kind is it?");
        }
        assert_eq!(hash().len(), DIGITS);
    }

    #[test]
    fn nothing_comes_from_another_host() {
        let shell = Asset { path: "shell.html", bytes: SHELL.as_bytes() };
        for Asset { path, bytes } in ASSETS.iter().chain([&shell]) {
            let text = str::from_utf8(bytes).unwrap();
            for (at, _) in text.match_indices("://") {
                let rest = &text[at + 3..];
                let is_host = rest.starts_with(|c: char| c.is_ascii_alphanumeric());
                let is_named = NAMED.iter().any(|name| rest.starts_with(name));
                assert!(!is_host || is_named, "{path}: {:.60}", &text[at.saturating_sub(8)..]);
            }
            for start in ["=\"//", "='//", "url(//", "from \"//", "import(\"//"] {
                assert!(!text.contains(start), "{path} has {start}");
            }
        }
    }
}
