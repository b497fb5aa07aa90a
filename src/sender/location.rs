//! Where a redirect leads, as it may be shown: the host, and of the path what is a plain word. The
//! rest may be a secret, as the path of a webhook is.
//!
//! Must not follow it.

use http::Uri;

use crate::secret::mask;

/// The longest part of a path that is taken for a word.
const WORD_MOST: usize = 20;
/// The most bytes that are shown.
const SHOWN_MOST: usize = 200;

/// What to say of the `Location` of an answer to a request to `url`; none where it says nothing.
pub(super) fn shown<'s>(
    location: &str,
    url: &str,
    secrets: impl IntoIterator<Item = &'s str>,
) -> Option<String> {
    let location = location.trim();
    if location.is_empty() || !location.chars().all(|c| c.is_ascii_graphic() || c.is_alphanumeric())
    {
        return None;
    }
    if let Some(scheme) = other_scheme(location) {
        return Some(format!("what is no address of the web ({scheme}:)"));
    }
    let here: Uri = url.parse().ok()?;
    let (scheme, host) = (here.scheme_str()?, here.authority()?.as_str());
    let whole = if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{host}{location}")
    } else if location.contains("://") {
        location.to_owned()
    } else {
        // Beside the path of the request: where that is does not matter here.
        format!("{scheme}://{host}/{location}")
    };
    let (scheme, rest) = whole.split_once("://")?;
    let whole_host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let path = &rest[whole_host.len()..];
    let host = whole_host.rsplit('@').next().unwrap_or_default();
    let mut text = format!("{scheme}://{host}{}", mask(&words_of(path), secrets));
    if text.len() > SHOWN_MOST {
        text.truncate(text.floor_char_boundary(SHOWN_MOST));
        text.push('…');
    }
    if let Some(how) = how_it_differs(url, &whole) {
        text.push_str(how);
    }
    Some(text)
}

/// The scheme of an address that is not one of the web's: `javascript`, `ftp`.
fn other_scheme(location: &str) -> Option<String> {
    let (scheme, _) = location.split_once(':').filter(|(scheme, _)| !scheme.is_empty())?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let scheme = scheme.to_ascii_lowercase();
    let is_web = scheme == "http" || scheme == "https";
    (is_scheme && !is_web && scheme.len() <= WORD_MOST).then_some(scheme)
}

/// A path with only its plain words left: `/auth/…/login?…`.
fn words_of(path: &str) -> String {
    let bare = path.split(['?', '#']).next().unwrap_or_default();
    let is_word = |part: &str| {
        part.len() <= WORD_MOST
            && part.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_' | b'.'))
    };
    let parts: Vec<&str> =
        bare.split('/').map(|part| if is_word(part) { part } else { "…" }).collect();
    let query = if bare.len() < path.len() { "?…" } else { "" };
    format!("{}{query}", parts.join("/"))
}

/// What a person would otherwise have to find by comparing what is masked.
fn how_it_differs(from: &str, to: &str) -> Option<&'static str> {
    let split = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        Some((scheme.to_ascii_lowercase(), rest.to_ascii_lowercase()))
    };
    let ((from_scheme, from), (to_scheme, to)) = (split(from)?, split(to)?);
    let slash = |text: &str| format!("{text}/");
    if from == to && from_scheme == "http" && to_scheme == "https" {
        return Some(" (the same address with https://)");
    }
    if from == to {
        return (from_scheme == to_scheme).then_some(" (this very address)");
    }
    if from_scheme != to_scheme {
        return None;
    }
    if slash(&from) == to {
        return Some(" (the same address with a slash at its end)");
    }
    if from == slash(&to) {
        return Some(" (the same address without the slash at its end)");
    }
    let is_www = to.strip_prefix("www.") == Some(&from) || from.strip_prefix("www.") == Some(&to);
    is_www.then_some(" (the same address but for the www.)")
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://hooks.example.org/hook/s3cret-Path?key=abcdefgh";

    fn of(location: &str) -> String {
        shown(location, URL, ["abcdefgh"]).unwrap_or_default()
    }

    #[test]
    fn a_redirect_is_shown_by_host_and_words() {
        for (location, text) in [
            (
                "https://login.example.org/sign-in?next=abcdefgh",
                "https://login.example.org/sign-in?…",
            ),
            ("//cdn.example.org/x1", "http://cdn.example.org/…"),
            ("/elsewhere", "http://hooks.example.org/elsewhere"),
            ("elsewhere#top", "http://hooks.example.org/elsewhere?…"),
            ("https://user:pw@e.org/0b5c1f7e/login", "https://e.org/…/login"),
            ("https://e.org:8443", "https://e.org:8443"),
            ("", ""),
            ("https://e.org/\u{1b}[2J", ""),
            ("https://münchen.example/pfad", "https://münchen.example/pfad"),
            ("/größe", "http://hooks.example.org/…"),
            ("javascript:alert(1)", "what is no address of the web (javascript:)"),
            ("FTP://e.org/x", "what is no address of the web (ftp:)"),
            ("a/b:c", "http://hooks.example.org/a/…"),
        ] {
            assert_eq!(of(location), text, "{location}");
        }
        assert!(of(&format!("https://{}.org/", "a".repeat(4_000))).len() < 250);
    }

    #[test]
    fn how_an_address_differs_is_said_where_it_cannot_be_seen() {
        let tls = "https://hooks.example.org/hook/s3cret-Path?key=abcdefgh";
        assert_eq!(of(tls), "https://hooks.example.org/hook/…?… (the same address with https://)");
        let at = |from, to| shown(to, from, []).unwrap();
        assert!(at("http://e.org/A1", "http://e.org/A1/").ends_with("with a slash at its end)"));
        assert!(at("http://e.org/A1", "http://www.e.org/A1").ends_with("but for the www.)"));
        assert!(at("http://e.org/A1", "/A1").ends_with("(this very address)"));
    }
}
