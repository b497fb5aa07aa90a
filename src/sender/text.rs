//! The text of an answer: unpacked and in letters, whatever bytes its receiver chose. Neither was asked
//! for, so what cannot be read is no fault, but said.
//!
//! Must not know what the text means.

use std::io::Read;

use encoding_rs::{Encoding, UTF_8};
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

/// The beginning of a body as text that can be stored and shown; no more than `most` bytes are unpacked.
pub(super) fn of(headers: &HeaderMap, body: &[u8], most: usize) -> String {
    let named = headers.get_all(CONTENT_ENCODING).iter();
    let named: Vec<String> = named
        .map(HeaderValue::to_str)
        .flat_map(|value| value.unwrap_or("?").split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "identity")
        .collect();
    let unpacked;
    let body = match named.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => body,
        ["gzip" | "x-gzip"] => {
            unpacked = beginning(MultiGzDecoder::new(body), most);
            &unpacked
        }
        ["deflate"] => {
            // Said to be zlib; some leave that off.
            let zlib = beginning(ZlibDecoder::new(body), most);
            unpacked =
                if zlib.is_empty() { beginning(DeflateDecoder::new(body), most) } else { zlib };
            &unpacked
        }
        _ if body.is_empty() => body,
        _ => return printable(&format!("[packed with {:.60}]", named.join(", "))),
    };
    printable(&charset(headers).decode(body).0)
}

/// What can be unpacked of a body that may be cut off.
fn beginning(mut packed: impl Read, most: usize) -> Vec<u8> {
    let (mut whole, mut piece) = (Vec::new(), [0; 1024]);
    while whole.len() < most {
        match packed.read(&mut piece) {
            Ok(n) if n > 0 => whole.extend_from_slice(&piece[..n.min(most - whole.len())]),
            _ => break,
        }
    }
    whole
}

/// What the answer says that its letters are in; a byte order mark says it better.
fn charset(headers: &HeaderMap) -> &'static Encoding {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let named = kind.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then_some(value)
    });
    let label = named.map(|value| value.trim().trim_matches('"').as_bytes());
    label.and_then(Encoding::for_label).unwrap_or(UTF_8)
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn text(kind: &str, encoding: &str, body: &[u8]) -> String {
        let headers = [(CONTENT_TYPE, kind), (CONTENT_ENCODING, encoding)]
            .map(|(name, value)| (name, HeaderValue::from_str(value).unwrap()));
        of(&HeaderMap::from_iter(headers), body, 100)
    }

    #[test]
    fn whatever_a_receiver_says_can_be_shown() {
        assert_eq!(text("", "", b"a\x00\x1b[31mb\nc\xff"), "a[31mb\nc\u{fffd}");
        assert_eq!(of(&HeaderMap::new(), b"plain", 100), "plain");
    }

    #[test]
    fn letters_are_read_by_the_charset_that_is_named_or_marked() {
        for kind in ["text/plain; charset=iso-8859-1", "text/html;Charset=\"windows-1252\""] {
            assert_eq!(text(kind, "", b"gr\xfc\xdfe"), "grüße", "{kind}");
        }
        assert_eq!(text("text/plain; charset=iso-8859-1", "", b"\xef\xbb\xbf\xc3\xbc"), "ü");
        assert_eq!(text("", "", b"\xff\xfeo\0k\0"), "ok");
        assert_eq!(text("text/plain; charset=unheard-of", "", "ü".as_bytes()), "ü");
    }

    #[test]
    fn what_is_packed_is_unpacked_as_far_as_it_has_come_and_no_further_than_is_kept() {
        let plain = "n8n is starting up. Please wait";
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(plain.as_bytes()).unwrap();
        let gzip = gzip.finish().unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(plain.as_bytes()).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(plain.as_bytes()).unwrap();
        assert_eq!(text("", "gzip", &gzip), plain);
        assert_eq!(text("", "identity, X-GZIP", &gzip), plain);
        assert_eq!(text("", "deflate", &zlib.finish().unwrap()), plain);
        assert_eq!(text("", "deflate", &raw.finish().unwrap()), plain);
        assert!(plain.starts_with(&text("", "gzip", &gzip[..gzip.len() - 9])));
        let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
        bomb.write_all(&vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(text("", "gzip", &bomb.finish().unwrap()).len(), 100);
        assert_eq!(text("", "br", b"\x8b\x00"), "[packed with br]");
        assert_eq!(text("", "gzip", b""), "");
        assert_eq!(text("", "gzip", b"not packed"), "");
    }
}
