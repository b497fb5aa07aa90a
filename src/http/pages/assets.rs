//! Assets: the files of the pages, which the program carries in itself.
//!
//! Their address has a digest over all of them, so a browser may keep them for ever and never mixes
//! those of two versions. They go out packed to who takes that. Must not know what stands in one.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, header};

use crate::http::app::App;
use crate::http::gzip::Prepared;
use crate::http::problem::Problem;
use crate::secret::hex;

/// A file below `assets/`.
struct Asset {
    path: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    fn is_script(&self) -> bool {
        self.path.rsplit('.').next() == Some("js")
    }
}

macro_rules! asset {
    ($path:literal) => {
        Asset { path: $path, bytes: include_bytes!(concat!("../../../assets/", $path)) }
    };
}

/// Every file that is served, a line each.
const ASSETS: &[Asset] = &[
    asset!("icon.svg"),
    asset!("style.css"),
    asset!("pages/board.js"),
    asset!("pages/deliveries.js"),
    asset!("pages/nowhere.js"),
    asset!("pages/overview.js"),
    asset!("pages/setup.js"),
    asset!("pages/sign-in.js"),
    asset!("pages/webhooks.js"),
    asset!("parts/address.js"),
    asset!("parts/address-note.js"),
    asset!("parts/api.js"),
    asset!("parts/board-column.js"),
    asset!("parts/board-drag.js"),
    asset!("parts/board-empty.js"),
    asset!("parts/board-filters.js"),
    asset!("parts/board-keys.js"),
    asset!("parts/board-moves.js"),
    asset!("parts/board-state.js"),
    asset!("parts/board-tabs.js"),
    asset!("parts/board-undo.js"),
    asset!("parts/chart-scales.js"),
    asset!("parts/chart.js"),
    asset!("parts/copy.js"),
    asset!("parts/delivery-actions.js"),
    asset!("parts/delivery-attempts.js"),
    asset!("parts/delivery-event.js"),
    asset!("parts/delivery-filters.js"),
    asset!("parts/delivery-list.js"),
    asset!("parts/delivery-many.js"),
    asset!("parts/delivery-order.js"),
    asset!("parts/delivery-panel.js"),
    asset!("parts/delivery-request.js"),
    asset!("parts/delivery-rows.js"),
    asset!("parts/delivery-states.js"),
    asset!("parts/delivery-table.js"),
    asset!("parts/density.js"),
    asset!("parts/dialog.js"),
    asset!("parts/dom.js"),
    asset!("parts/form.js"),
    asset!("parts/icons.js"),
    asset!("parts/keys.js"),
    asset!("parts/list.js"),
    asset!("parts/list-places.js"),
    asset!("parts/live.js"),
    asset!("parts/overview-attention.js"),
    asset!("parts/overview-charts.js"),
    asset!("parts/overview-tiles.js"),
    asset!("parts/recover-form.js"),
    asset!("parts/recover.js"),
    asset!("parts/session.js"),
    asset!("parts/setup-address.js"),
    asset!("parts/setup-advice.js"),
    asset!("parts/setup-incoming.js"),
    asset!("parts/setup-make.js"),
    asset!("parts/setup-module.js"),
    asset!("parts/setup-received.js"),
    asset!("parts/setup-step.js"),
    asset!("parts/setup-test.js"),
    asset!("parts/shell.js"),
    asset!("parts/sign-in-form.js"),
    asset!("parts/stream-worker.js"),
    asset!("parts/stream.js"),
    asset!("parts/task-card.js"),
    asset!("parts/task-deletion.js"),
    asset!("parts/task-fates.js"),
    asset!("parts/task-fields.js"),
    asset!("parts/task-form.js"),
    asset!("parts/task-history.js"),
    asset!("parts/task-panel.js"),
    asset!("parts/task-quick-add.js"),
    asset!("parts/task-rules.js"),
    asset!("parts/task-words.js"),
    asset!("parts/test-result.js"),
    asset!("parts/time.js"),
    asset!("parts/toast.js"),
    asset!("parts/trouble.js"),
    asset!("parts/webhook-actions.js"),
    asset!("parts/webhook-card.js"),
    asset!("parts/webhook-fields.js"),
    asset!("parts/webhook-form.js"),
    asset!("parts/webhook-headers.js"),
    asset!("parts/webhook-keys.js"),
    asset!("parts/webhook-menu.js"),
    asset!("parts/webhook-names.js"),
    asset!("parts/webhook-order.js"),
    asset!("parts/webhook-secret.js"),
    asset!("parts/webhook-test.js"),
    asset!("parts/webhook-values.js"),
    asset!("parts/webhook-words.js"),
    asset!("parts/words.js"),
];

/// What all pages are made from; it is filled in, not served.
pub const SHELL: &str = include_str!("../../../assets/shell.html");

/// For ever: other files have another address.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// How much of the digest stands in an address: enough that no two versions share it.
const DIGITS: usize = 16;

/// What is made of the files once, at the start.
pub struct Assets {
    /// The digest over all files, which stands in their address.
    pub hash: String,
    /// The files in the order of the table.
    files: Vec<Prepared>,
}

impl Assets {
    /// Packs all files, which takes some milliseconds.
    pub fn new() -> Assets {
        let mut hash = hmac_sha256::Hash::new();
        for Asset { path, bytes } in ASSETS {
            // With the lengths, so that nothing can move from one file to the next unseen.
            hash.update(format!("{path}:{}:", bytes.len()));
            hash.update(bytes);
        }
        let mut hash = hex(&hash.finalize());
        hash.truncate(DIGITS);
        Assets {
            hash,
            files: ASSETS.iter().map(|asset| Prepared::new(without_comments(asset))).collect(),
        }
    }
}

/// A script without its lines of comment, which are for those who read the source: of a first visit they are a tenth.
/// Each leaves its line empty, so that an error in a browser names the line of the source.
fn without_comments(asset: &Asset) -> Vec<u8> {
    if !asset.is_script() {
        return asset.bytes.to_vec();
    }
    let mut is_inside = false;
    let mut kept = Vec::with_capacity(asset.bytes.len());
    for line in asset.bytes.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii();
        is_inside |= text.starts_with(b"/**");
        if is_inside || text.starts_with(b"//") {
            kept.push(b'\n');
        } else {
            kept.extend_from_slice(line);
        }
        is_inside &= !text.ends_with(b"*/");
    }
    kept
}

/// One file.
pub async fn serve(
    State(app): State<App>,
    Path((hash, path)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = ASSETS.iter().position(|asset| asset.path == path);
    let file = at.filter(|_| hash == app.assets.hash).and_then(|at| app.assets.files.get(at));
    let file = file.ok_or_else(|| Problem::not_found("File"))?;
    Ok(([(header::CACHE_CONTROL, KEEP)], file.answer(&headers, kind(&path))).into_response())
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
    const NAMED: [&str; 6] = [
        "www.w3.org/2000/svg",
        "example.com",
        "example.org",
        "tasks.example.org",
        "hook.eu1.make.com",
        "127.0.0.1",
    ];

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
    fn a_script_goes_out_without_its_comments_line_by_line() {
        let script = b"// what it is\n\n/**\n * @param {string} a\n */\nf('//x'); // kept\n  // not\n/** one */\ng();";
        let kept = without_comments(&Asset { path: "parts/a.js", bytes: script });
        assert_eq!(kept, b"\n\n\n\n\nf('//x'); // kept\n\n\ng();");
    }

    /// In a text over several lines, what begins like a comment would be text.
    #[test]
    fn no_comment_stands_within_a_text() {
        for Asset { path, bytes } in ASSETS.iter().filter(|asset| asset.is_script()) {
            let mut is_text = false;
            for line in str::from_utf8(bytes).unwrap().lines() {
                let start = line.trim_start();
                let is_comment = start.starts_with("//") || start.starts_with("/*");
                assert!(!(is_text && is_comment), "{path}: {line}");
                let is_whole = !start.starts_with("/*") || !start.contains("*/");
                assert!(
                    is_whole || start.ends_with("*/"),
                    "{path}: it takes the code with it: {line}"
                );
                let is_prose = is_comment || start.starts_with("* ");
                is_text ^= !is_prose && line.matches('`').count() % 2 == 1;
            }
            assert!(!is_text, "{path}");
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
        assert_eq!(Assets::new().hash.len(), DIGITS);
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
