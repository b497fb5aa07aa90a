//! Addresses as people type and paste them: letters and blanks become what a browser makes of them,
//! so that what is stored is what is judged, shown and dialled.
//!
//! Must not know what an address is for, nor whether it may be reached.

use std::net::Ipv6Addr;

use idna::AsciiDenyList;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What no request can carry, beside all that is not ASCII.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'<').add(b'>').add(b'`');

const CONTROL: &str =
    "holds a line break or another control character: write the address in one line";
const HOST: &str = "names a host that is no name: a blank or a sign in it belongs to no host";

/// The address in ASCII: its host as the DNS knows it, what stands behind it percent-encoded. One
/// that is plain already stays as it is, but for blanks around it.
///
/// # Errors
/// What is wrong, to stand after its name.
pub(crate) fn encoded_url(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err(CONTROL);
    }
    let Some(Parts { scheme, user, host, port, path }) = parts(text) else {
        return Ok(text.to_owned());
    };
    let host = ascii_host(host)?;
    let [user, path] = [user, path].map(|text| utf8_percent_encode(text, ENCODED));
    Ok(format!("{scheme}://{user}{host}{port}{path}"))
}

/// Whether two addresses are one, however each is written. One that was stored as it was typed is
/// the one that it would be stored as now.
pub(crate) fn is_same_url(one: &str, other: &str) -> bool {
    one == other || comparable(one) == comparable(other)
}

/// An address as it is asked for: a host has no capitals and no dot at its end, which says the same name, a port that
/// stands for itself is none, and what follows `#` is not sent.
fn comparable(url: &str) -> String {
    let url = encoded_url(url).unwrap_or_else(|_| url.to_owned());
    let url = url.split('#').next().unwrap_or_default();
    let Some(Parts { scheme, user, host, port, path }) = parts(url) else { return url.to_owned() };
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let host = host.trim_end_matches('.');
    let usual = if scheme == "https" { ":443" } else { ":80" };
    let port = if port == usual { "" } else { port };
    let root = if path.starts_with('/') { "" } else { "/" };
    format!("{scheme}://{user}{host}{port}{root}{path}")
}

/// Whether it is an http or https address with a host and, if it names a port, with one that there is.
pub(super) fn is_of_the_web(url: &str) -> bool {
    let Some(Parts { scheme, host, port, .. }) = parts(url) else { return false };
    let is_web = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let is_host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|v6| v6.parse::<Ipv6Addr>().is_ok()),
        // With a colon left in it, what stands behind that is no number.
        None => !host.is_empty() && !host.contains([':', '[', ']']),
    };
    is_web && is_host && port.strip_prefix(':').is_none_or(is_port)
}

/// Whether it is a port that there is, in digits alone: what Rust reads as a number may have a plus before it.
pub(super) fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// An address taken apart; the parts one after the other, with `://` behind the first, are the address again.
struct Parts<'u> {
    scheme: &'u str,
    /// With the `@` behind it; empty if there is none.
    user: &'u str,
    host: &'u str,
    /// With the colon before it; empty if there is none.
    port: &'u str,
    /// All that follows.
    path: &'u str,
}

fn parts(url: &str) -> Option<Parts<'_>> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (user, place) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
    let port = place.rfind(':').filter(|at| place[at + 1..].bytes().all(|b| b.is_ascii_digit()));
    let (host, port) = place.split_at(port.unwrap_or(place.len()));
    Some(Parts { scheme, user, host, port, path })
}

fn ascii_host(host: &str) -> Result<String, &'static str> {
    // In brackets stands an address, whose zone may have a percent sign.
    let is_plain = host.is_ascii() && (host.starts_with('[') || !host.contains('%'));
    let bytes: Vec<u8> = percent_decode_str(host).collect();
    let name = if is_plain {
        host.to_owned()
    } else {
        let name = idna::domain_to_ascii_cow(&bytes, AsciiDenyList::URL).map_err(|_| HOST)?;
        name.into_owned()
    };
    // What stands for it percent-encoded belongs to no host either.
    let is_foreign = |byte: u8| b" <>`\"{}^|".contains(&byte);
    if name.bytes().any(is_foreign) { Err(HOST) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_blanks_become_what_a_browser_makes_of_them() {
        for (typed, made) in [
            ("https://münchen.example/", "https://xn--mnchen-3ya.example/"),
            ("https://MÜNCHEN.example:8443?ä", "https://xn--mnchen-3ya.example:8443?%C3%A4"),
            ("https://straße.example", "https://xn--strae-oqa.example"),
            ("http://例え。テスト/パス", "http://xn--r8jz45g.xn--zckzah/%E3%83%91%E3%82%B9"),
            ("https://u:p w@bü.example/", "https://u:p%20w@xn--b-eha.example/"),
            ("https://m%C3%BCnchen.example/", "https://xn--mnchen-3ya.example/"),
            (" https://e.org/Mein Bericht.pdf\n", "https://e.org/Mein%20Bericht.pdf"),
            ("https://e.org/ä?q=ö ü#ß", "https://e.org/%C3%A4?q=%C3%B6%20%C3%BC#%C3%9F"),
            ("https://e.org/<a>`b`", "https://e.org/%3Ca%3E%60b%60"),
            // What looks like digits is digits, so that it is judged as the address it is.
            ("http://１２７.0.0.1/", "http://127.0.0.1/"),
            ("http://①②⑦.⓪.⓪.①:9/", "http://127.0.0.1:9/"),
            ("http://127。0。0。1/", "http://127.0.0.1/"),
            ("http://%31%32%37.0.0.1/", "http://127.0.0.1/"),
            ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "http://localhost/"),
        ] {
            assert_eq!(encoded_url(typed).as_deref(), Ok(made), "{typed}");
            assert_eq!(encoded_url(made).as_deref(), Ok(made), "once is enough");
        }
    }

    #[test]
    fn what_is_plain_stays_byte_for_byte() {
        for url in [
            "HTTPS://Hook.EU1.make.com/aBc?x=%41&y={{1}}|^\"'\\#f",
            "http://[::1]:5678/a",
            "http://127.1:80",
            "http://a_b.example:/x:y@z",
            "no address at all",
            "mailto:ä@e.org",
            "https://",
        ] {
            assert_eq!(encoded_url(url).as_deref(), Ok(url));
        }
    }

    #[test]
    fn addresses_are_the_same_however_they_are_written() {
        let typed = " https://münchen.example/a b";
        let made = "https://xn--mnchen-3ya.example/a%20b";
        for (one, other) in [(typed, typed), (typed, made), (made, typed), (made, made)] {
            assert!(is_same_url(one, other), "{one} {other}");
        }
        for written in ["HTTPS://E.org/a", "https://e.org:443/a", "https://e.org/a#b"] {
            assert!(is_same_url("https://e.org/a", written), "{written}");
        }
        assert!(is_same_url("http://e.org", "http://E.org:80/"));
        for written in ["https://e.org./a", "HTTPS://E.org.:443/a", "https://e.org。/a"] {
            assert!(is_same_url("https://e.org/a", written), "{written}");
        }
        assert!(is_same_url("http://127.0.0.1:9/", "http://127.0.0.1.:9/"));
        for other in ["https://e.org/a.", "https://.e.org/a", "https://e.org./"] {
            assert!(!is_same_url("https://e.org/a", other), "{other}");
        }
        for other in
            ["https://e.org/A", "https://e.org:80/a", "http://e.org/a", "https://u@e.org/a"]
        {
            assert!(!is_same_url("https://e.org/a", other), "{other}");
        }
        assert!(is_same_url("https://exa mple/", "https://exa mple/"), "what is refused now");
        assert!(!is_same_url("https://exa mple/", "https://mün chen/"));
        assert!(!is_same_url(typed, "https://münchen.example/ab"));
    }

    #[test]
    fn an_address_of_the_web_has_a_host_and_no_port_that_there_is_not() {
        for url in [
            "http://e.org",
            "HTTPS://u:p@e.org:443/a:b@c",
            "http://[::1]:65535?a",
            "https://a_b.example:08080#c",
        ] {
            assert!(is_of_the_web(url), "{url}");
        }
        for url in [
            "https://",
            "https:///x",
            "http://?a",
            "http://:80/",
            "http://u@/",
            "http://u@:80/",
            "http://[]/",
            "http://[0]/",
            "http://[fe80::1%25eth0]/",
            "http://[::1/",
            "http://[::1]x/",
            "http://::1/",
            "http://e.org:/",
            "http://e.org:0/",
            "http://e.org:65536/",
            "http://e.org:99999999999999999999/",
            "http://e.org:http/",
            "http://e.org:80:90/",
            "ftp://e.org/",
            "e.org",
        ] {
            assert!(!is_of_the_web(url), "{url}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in [
            "https://exa mple/",
            "https://a%22b.example/",
            "https://a%7Bb%60.example/",
            "https://e<x>/",
            "https://ä b.example/",
            "https://127.0.0.1%00.example.org/",
            "https://ä%2f.example/",
            "https://\u{ad}ä\u{200d}.example/",
            "https://xn--ä.example/",
        ] {
            assert_eq!(encoded_url(bad), Err(HOST), "{bad}");
        }
        for bad in ["https://e.org/a\nb", "https://e.\torg/", "https://e.org/\u{0}"] {
            assert_eq!(encoded_url(bad), Err(CONTROL), "{bad}");
        }
    }
}
