//! Packed bodies: `Content-Encoding` taken off, within the limit of a body that comes unpacked.
//!
//! Must not know what a body is for.

use std::io::Read as _;

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::MOST;
use crate::http::errors::{Kind, TooLarge};
use crate::http::problem::Problem;

/// The body as it was before it was packed.
///
/// # Errors
/// 415 for a packing that is not known, 400 if it is not what it says, 413 if it grows too large.
pub(super) fn unpack(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Problem> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let named: Vec<String> = values
        .map(HeaderValue::to_str)
        .flat_map(|value| value.unwrap_or("?").split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "identity")
        .collect();
    match named.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(body),
        // What has nothing in it need not even be packed.
        ["gzip" | "x-gzip"] if body.is_empty() => Ok(body),
        ["gzip" | "x-gzip"] => gunzip(&body),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_encoding",
            format!(
                "The body's Content-Encoding is {:.60}; send the body packed with gzip, or as it is",
                named.join(", ")
            ),
        )),
    }
}

/// Never holds more than a body may have: a few bytes can say that they are a thousand times as many.
fn gunzip(packed: &[u8]) -> Result<Bytes, Problem> {
    let mut whole = Vec::new();
    let most = u64::try_from(MOST).unwrap_or(u64::MAX);
    let read = MultiGzDecoder::new(packed).take(most + 1).read_to_end(&mut whole);
    if whole.len() > MOST {
        return Err(TooLarge::problem());
    }
    match read {
        Ok(_) => Ok(Bytes::from(whole)),
        Err(_) => Err(Problem::bad_request(
            "broken_body",
            "The body is not whole gzip, as its Content-Encoding says: pack it again, or send it as it is",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(text).unwrap();
        packer.finish().unwrap()
    }

    fn unpacked(encoding: &'static str, body: Vec<u8>) -> Result<Bytes, u16> {
        let headers =
            HeaderMap::from_iter([(header::CONTENT_ENCODING, HeaderValue::from_static(encoding))]);
        unpack(&headers, Bytes::from(body)).map_err(|problem| problem.status.as_u16())
    }

    #[test]
    fn gzip_is_taken_off_and_all_else_is_refused() {
        let body = packed(b"{}");
        for gzip in ["gzip", "GZIP", "x-gzip", "identity, gzip", " gzip "] {
            assert_eq!(unpacked(gzip, body.clone()).unwrap(), "{}", "{gzip}");
        }
        let two = [body.clone(), packed(b"[]")].concat();
        assert_eq!(unpacked("gzip", two).unwrap(), "{}[]");
        for plain in ["identity", "", "Identity, identity"] {
            assert_eq!(unpacked(plain, b"{}".to_vec()).unwrap(), "{}", "{plain}");
        }
        for other in ["br", "deflate", "gzip, gzip", "zstd", "gzip;q=1", "x"] {
            assert_eq!(unpacked(other, body.clone()), Err(415), "{other}");
        }
        assert_eq!(unpacked("gzip", vec![]).unwrap(), "");
        for cut in [&b"{}"[..], &body[..body.len() - 1], &[&body[..], b"x"].concat()] {
            assert_eq!(unpacked("gzip", cut.to_vec()), Err(400), "{cut:?}");
        }
    }

    #[test]
    fn a_bomb_is_too_large_before_it_is_unpacked() {
        assert_eq!(unpacked("gzip", packed(&vec![b' '; MOST])).unwrap().len(), MOST);
        assert_eq!(unpacked("gzip", packed(&vec![b' '; MOST + 1])), Err(413));
        let bomb = packed(&packed(&vec![0; 200 * MOST]));
        assert!(bomb.len() < MOST / 100 && unpacked("gzip", bomb).is_ok());
        assert_eq!(unpacked("gzip", packed(&vec![0; 200 * MOST])), Err(413));
    }
}
