//! Assets: the files of the pages, which the program carries in itself.
//!
//! Their address has a digest over all of them, so a browser may keep them for ever and never mixes
//! those of two versions. They go out packed to who takes that. Must not know what stands in one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, header};
use rust_embed::RustEmbed;

use crate::http::gzip::Prepared;
use crate::secret::hex;

/// Every file below `assets`, in the program; a debug build reads them from disk when it starts, so that a page can be edited
/// without building anew.
#[derive(RustEmbed)]
#[folder = "assets"]
struct Files;

/// What all pages are made from; it is filled in, not served.
const SHELL: &str = "shell.html";

/// The files that are served as they are or as a part of another, by their path.
fn served() -> impl Iterator<Item = (Cow<'static, str>, Cow<'static, [u8]>)> {
    let paths = Files::iter().filter(|path| path != SHELL);
    paths.filter_map(|path| Files::get(&path).map(|file| (path, file.data)))
}

/// For ever: other files have another address.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// How much of the digest stands in an address: enough that no two versions share it.
const DIGITS: usize = 16;

/// What is made of the files once, at the start.
pub(crate) struct Assets {
    /// The digest over all files, which stands in their address.
    pub(crate) hash: String,
    /// What all pages are made from.
    pub(crate) shell: String,
    /// The files by their path.
    files: BTreeMap<String, Prepared>,
}

impl Assets {
    /// Packs all files, which takes some milliseconds. Those of the style go out as one, since a browser draws nothing
    /// before it has all of them: in the order of their names, which begin with their place, since what comes later wins.
    pub(crate) fn new() -> Assets {
        let mut hash = hmac_sha256::Hash::new();
        let mut files = BTreeMap::new();
        let mut style = Vec::new();
        for (path, bytes) in served() {
            // With the lengths, so that nothing can move from one file to the next unseen.
            hash.update(format!("{path}:{}:", bytes.len()));
            hash.update(&bytes);
            if path.starts_with("styles/") {
                style.extend_from_slice(&bytes);
            } else {
                let text = without_comments(&path, &bytes);
                files.insert(path.into_owned(), Prepared::new(text));
            }
        }
        files.insert("style.css".to_owned(), Prepared::new(style));
        let mut hash = hex(&hash.finalize());
        hash.truncate(DIGITS);
        let shell = Files::get(SHELL).map(|file| String::from_utf8_lossy(&file.data).into_owned());
        Assets { hash, shell: shell.unwrap_or_default(), files }
    }
}

impl Assets {
    /// One file, by the digest and the path in its address.
    pub(crate) fn answer(&self, hash: &str, path: &str, asked: &HeaderMap) -> Option<Response> {
        let file = self.files.get(path).filter(|_| hash == self.hash)?;
        Some(([(header::CACHE_CONTROL, KEEP)], file.answer(asked, kind(path))).into_response())
    }
}

/// A script without its lines of comment, which are for those who read the source: of a first visit they are a tenth.
/// Each leaves its line empty, so that an error in a browser names the line of the source.
fn without_comments(path: &str, bytes: &[u8]) -> Vec<u8> {
    if !is_script(path) {
        return bytes.to_vec();
    }
    let mut is_inside = false;
    let mut kept = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
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

fn is_script(path: &str) -> bool {
    kind(path).starts_with("text/javascript")
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

    fn texts() -> impl Iterator<Item = (String, String)> {
        let shell = (SHELL.to_owned(), Assets::new().shell);
        let text = |bytes: Cow<[u8]>| String::from_utf8(bytes.into_owned()).unwrap();
        served().map(move |(path, bytes)| (path.into_owned(), text(bytes))).chain([shell])
    }

    #[test]
    fn a_script_goes_out_without_its_comments_line_by_line() {
        let script = b"// what it is\n\n/**\n * @param {string} a\n */\nf('//x'); // kept\n  // not\n/** one */\ng();";
        let kept = without_comments("parts/a.js", script);
        assert_eq!(kept, b"\n\n\n\n\nf('//x'); // kept\n\n\ng();");
    }

    /// In a text over several lines, what begins like a comment would be text.
    #[test]
    fn no_comment_stands_within_a_text() {
        for (path, text) in texts().filter(|(path, _)| is_script(path)) {
            let mut is_text = false;
            for line in text.lines() {
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
    fn every_file_is_of_a_known_kind_and_none_is_the_shell() {
        let assets = Assets::new();
        assert!(assets.files.len() > 50 && !assets.files.contains_key(SHELL));
        for path in assets.files.keys() {
            assert!(!kind(path).starts_with("application/"), "{path}: of which kind is it?");
        }
        assert_eq!(assets.hash.len(), DIGITS);
    }

    #[test]
    fn nothing_comes_from_another_host() {
        for (path, text) in texts() {
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
