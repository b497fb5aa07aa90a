//! Charsets: what comes in as text, whatever bytes its sender writes letters in. Nothing is guessed:
//! what is not in the charset that it says, or in UTF-8 if it says none, is refused with its place.
//!
//! Must not know what a text says.

use std::borrow::Cow;

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use http::{HeaderMap, StatusCode, header};
use percent_encoding::percent_decode;

use crate::http::problem::Problem;

/// Names and values.
pub(crate) type Pairs<'b> = Vec<(Cow<'b, str>, Cow<'b, str>)>;

/// A byte that no text in this charset has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotText {
    encoding: &'static Encoding,
    /// Counted from 1.
    place: usize,
    byte: u8,
}

impl NotText {
    /// What is wrong, to stand after what it is in: its place in it, and what it is.
    pub(crate) fn what(self) -> String {
        let NotText { encoding, place, byte } = self;
        format!("is not {}: its byte {place} is 0x{byte:02X}", encoding.name())
    }
}

/// Reads a text.
fn decode<'b>(encoding: &'static Encoding, bytes: &'b [u8]) -> Result<Cow<'b, str>, NotText> {
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        return Ok(text);
    }
    // Once more, for the place of the first byte that is wrong.
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or_default();
    let mut read_so_far = String::with_capacity(room);
    let (end, read) = decoder.decode_to_string_without_replacement(bytes, &mut read_so_far, true);
    let at = match end {
        encoding_rs::DecoderResult::Malformed(wrong, after) => {
            read.saturating_sub(usize::from(wrong) + usize::from(after))
        }
        _ => read,
    };
    let byte = bytes.get(at).copied().unwrap_or_default();
    Err(NotText { encoding, place: at + 1, byte })
}

/// A JSON body in UTF-8, without a byte order mark.
pub(super) fn json(headers: &HeaderMap, body: &Bytes) -> Result<Bytes, Problem> {
    let (encoding, skipped) = match Encoding::for_bom(body) {
        Some(marked) => marked,
        None => (by_zeros(body).or(declared(headers)?).unwrap_or(UTF_8), 0),
    };
    let body = body.slice(skipped..);
    let changed = decode(encoding, &body).map(|text| match text {
        Cow::Owned(text) => Some(text),
        Cow::Borrowed(_) => None,
    });
    match changed {
        Ok(Some(text)) => Ok(Bytes::from(text)),
        Ok(None) => Ok(body),
        Err(wrong) => Err(Problem::bad_request("not_text", format!("The body {}", advice(wrong)))),
    }
}

/// JSON begins with two characters of ASCII, so every other byte is zero in UTF-16.
fn by_zeros(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [0, first, ..] if *first != 0 => Some(UTF_16BE),
        [first, 0, ..] if *first != 0 => Some(UTF_16LE),
        _ => None,
    }
}

/// The names and values of a form.
pub(crate) fn form<'b>(headers: &HeaderMap, body: &'b [u8]) -> Result<Pairs<'b>, Problem> {
    let (encoding, skipped) = match Encoding::for_bom(body) {
        Some(marked) => marked,
        None => (declared(headers)?.unwrap_or(UTF_8), 0),
    };
    let body = &body[skipped..];
    let wrong = |name: &str, wrong: NotText| {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        let message = format!("{shown} {}", advice(wrong));
        Problem { field: Some(shown), ..Problem::bad_request("not_text", message) }
    };
    if encoding.is_ascii_compatible() {
        return pairs(encoding, body).map_err(|(name, what)| wrong(&name, what));
    }
    let text = decode(encoding, body).map_err(|what| wrong("The form", what))?;
    let found = pairs(UTF_8, text.as_bytes()).map_err(|(name, what)| wrong(&name, what))?;
    let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    Ok(found.into_iter().map(|(name, value)| (owned(name), owned(value))).collect())
}

/// What a form and a query have in common: `name=value&…`, blanks as `+`, bytes as `%FC`. Answers
/// in whose value a byte is wrong.
pub(crate) fn pairs<'b>(
    encoding: &'static Encoding,
    text: &'b [u8],
) -> Result<Pairs<'b>, (String, NotText)> {
    let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let read = |pair: &'b [u8]| {
        let end = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let (name, value) = (&pair[..end], pair.get(end + 1..).unwrap_or_default());
        let name = component(encoding, name)
            .map_err(|wrong| (String::from_utf8_lossy(name).into_owned(), wrong))?;
        let value = component(encoding, value).map_err(|wrong| (name.to_string(), wrong))?;
        Ok((name, value))
    };
    pairs.map(read).collect()
}

fn component<'b>(encoding: &'static Encoding, written: &'b [u8]) -> Result<Cow<'b, str>, NotText> {
    if !written.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return decode(encoding, written);
    }
    let blank = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    let spaced: Vec<u8> = written.iter().map(blank).collect();
    let bytes: Vec<u8> = percent_decode(&spaced).collect();
    Ok(Cow::Owned(decode(encoding, &bytes)?.into_owned()))
}

fn advice(wrong: NotText) -> String {
    let what = wrong.what();
    if wrong.encoding == UTF_8 {
        format!(
            "{what}; send UTF-8, or name the charset that it is in, as in \
             Content-Type: …; charset=iso-8859-1"
        )
    } else {
        format!("{what}; send UTF-8, or name another charset in Content-Type")
    }
}

/// The charset that `Content-Type` names.
fn declared(headers: &HeaderMap) -> Result<Option<&'static Encoding>, Problem> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let mut parameters = value.split(';').skip(1).filter_map(|text| text.split_once('='));
    let named = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let label = named.map_or("", |(_, label)| label.trim().trim_matches(['"', '\'']).trim());
    if label.is_empty() {
        return Ok(None);
    }
    // Browsers take ASCII for windows-1252; here nothing is guessed. What is ASCII is UTF-8, too, and what is not is told.
    let is_ascii =
        ["ascii", "us-ascii", "ansi_x3.4-1968"].iter().any(|name| label.eq_ignore_ascii_case(name));
    let known =
        if is_ascii { Some(UTF_8) } else { Encoding::for_label_no_replacement(label.as_bytes()) };
    known.map(Some).ok_or_else(|| {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_charset",
            format!("The body's charset is {label:.60}, which is not known here; send UTF-8"),
        )
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(kind: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))])
    }

    fn said(kind: &'static str, body: &[u8]) -> Result<String, (u16, String)> {
        json(&headers(kind), &Bytes::copy_from_slice(body))
            .map(|text| String::from_utf8(text.to_vec()).unwrap())
            .map_err(|problem| (problem.status.as_u16(), problem.message))
    }

    /// Text in UTF-16, low bytes first or last.
    fn wide(text: &str, is_little: bool) -> Vec<u8> {
        let unit = |n: u16| if is_little { n.to_le_bytes() } else { n.to_be_bytes() };
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn json_is_read_in_every_charset_that_is_told() {
        let text = "{\"t\":\"Größe\"}";
        let latin = b"{\"t\":\"Gr\xf6\xdfe\"}";
        for (kind, body) in [
            ("application/json", text.as_bytes().to_vec()),
            ("application/json; charset=utf-8", text.as_bytes().to_vec()),
            ("application/json;CHARSET=\"UTF8\"", text.as_bytes().to_vec()),
            ("application/json", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
            ("application/json; charset=iso-8859-1", latin.to_vec()),
            ("application/json; x=y; charset='latin1'", latin.to_vec()),
            ("application/json; charset=windows-1252", latin.to_vec()),
            ("application/json", wide(text, true)),
            ("application/json", wide(text, false)),
            ("application/json", wide(&format!("\u{feff}{text}"), true)),
            ("application/json", wide(&format!("\u{feff}{text}"), false)),
            ("application/json; charset=utf-16", wide(text, false)),
            ("application/json; charset=utf-16le", wide(text, true)),
            // A mark in the body knows better than its sender's default.
            ("application/json; charset=latin1", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ] {
            assert_eq!(said(kind, &body).as_deref(), Ok(text), "{kind} {body:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let (status, text) = said("application/json", b"{\"t\":\"Gr\xf6\xdfe\"}").unwrap_err();
        assert_eq!(status, 400);
        assert!(text.starts_with("The body is not UTF-8: its byte 9 is 0xF6; "), "{text}");
        let cut = &wide("{\"a\":\u{1f980}}", true)[..11];
        let (status, text) = said("application/json", cut).unwrap_err();
        assert_eq!(status, 400);
        assert!(text.starts_with("The body is not UTF-16LE: its byte 11 is "), "{text}");
        // What says ASCII and is not is told, too: it may be UTF-8 as well as anything else.
        let utf_8 = said("application/json; charset=us-ascii", "{\"t\":\"ß\"}".as_bytes());
        assert_eq!(utf_8.as_deref(), Ok("{\"t\":\"ß\"}"));
        assert_eq!(
            said("application/json; charset=ASCII", b"{\"t\":\"\xdf\"}").unwrap_err().0,
            400
        );
        for unknown in ["application/json; charset=klingon", "application/json; charset=utf-32"] {
            let (status, text) = said(unknown, b"{}").unwrap_err();
            let label = unknown.rsplit('=').next().unwrap();
            assert!(status == 415 && text.contains(label), "{text}");
        }
        assert_eq!(said("application/json; charset=", b"{}").as_deref(), Ok("{}"));
    }

    #[test]
    fn a_form_is_read_in_its_charset_before_and_after_the_percent_signs() {
        let read = |kind: &'static str, body: &[u8]| {
            form(&headers(kind), body)
                .map(|pairs| {
                    let text = pairs.into_iter().map(|(name, value)| format!("{name}={value};"));
                    text.collect::<String>()
                })
                .map_err(|problem| (problem.field, problem.message))
        };
        let (plain, latin) = (
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=latin1",
        );
        for (kind, body) in [
            (plain, &b"a+b=Gr%C3%B6%c3%9fe&&c="[..]),
            (plain, "a+b=Größe&c".as_bytes()),
            (plain, "\u{feff}a%20b=Größe&c=".as_bytes()),
            (latin, b"a+b=Gr%F6%DFe&c"),
            (latin, b"a+b=Gr\xf6\xdfe&c"),
        ] {
            assert_eq!(read(kind, body).as_deref(), Ok("a b=Größe;c=;"), "{kind} {body:?}");
        }
        let wide = wide("\u{feff}a=Gr%C3%B6ße&b=100%", true);
        assert_eq!(read(plain, &wide).as_deref(), Ok("a=Größe;b=100%;"));
        let (field, text) = read(plain, b"id=1&title=Gr%F6%DFe").unwrap_err();
        assert_eq!(field.as_deref(), Some("title"));
        assert!(text.starts_with("title is not UTF-8: its byte 3 is 0xF6; send UTF-8"), "{text}");
    }
}
