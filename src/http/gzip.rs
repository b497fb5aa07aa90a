//! gzip: answers go out compressed to clients that accept it. A page of a list is a fifth of its size then.
//!
//! Must not know what is in an answer.

use std::io::Write as _;

use axum::body::{Body, HttpBody as _};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt as _, Collected};

use super::answer::{Kept, OfAll, is_json};

/// Below, an answer fits one packet anyway; above, packing would keep others waiting for its core.
const SIZES: std::ops::Range<u64> = 1_400..512 * 1024;

/// Whether the other side unpacks gzip (RFC 9110, 12.5.3).
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let listed = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok());
    listed.flat_map(|list| list.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains(&weight.trim());
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

/// As gzip; empty if that failed, which it does not in memory.
fn gzip(bytes: &[u8], level: Compression) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), level);
    let packed = gzip.write_all(bytes).and_then(|()| gzip.finish());
    Bytes::from(packed.unwrap_or_default())
}

/// What is served often and never changes: as it is and as gzip, made once.
pub(crate) struct Prepared {
    plain: Bytes,
    packed: Bytes,
}

impl Prepared {
    /// Packs it, which takes some milliseconds.
    pub(crate) fn new(plain: impl Into<Bytes>) -> Prepared {
        let plain = plain.into();
        Prepared { packed: gzip(&plain, Compression::best()), plain }
    }

    /// The answer to who has sent these headers.
    pub(crate) fn answer(&self, asked: &HeaderMap, kind: &'static str) -> Response {
        let mut response = if !self.packed.is_empty() && takes_gzip(asked) {
            let encoding = [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
            (encoding, self.packed.clone()).into_response()
        } else {
            self.plain.clone().into_response()
        };
        response.extensions_mut().insert(OfAll);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        response
    }
}

/// Packs JSON whose size is known. What is streamed stays as it is, and so does what has an `ETag`: that names
/// these very bytes.
pub(crate) async fn packed(response: Response) -> Response {
    let headers = response.headers();
    let is_plain =
        [header::ETAG, header::CONTENT_ENCODING].iter().all(|n| !headers.contains_key(n));
    let is_worth_it = response.size_hint().exact().is_some_and(|size| SIZES.contains(&size));
    if !(is_json(&response) && is_plain && is_worth_it) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let kept = parts.extensions.remove::<Kept>();
    // Bytes in memory: reading them does not fail.
    let bytes = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    let packed = gzip(&bytes, Compression::fast());
    if packed.is_empty() || packed.len() >= bytes.len() {
        return Response::from_parts(parts, Body::from(bytes));
    }
    // What is held for the answer is from now on held for these bytes.
    drop(bytes);
    let packed = match kept {
        Some(kept) => kept.hold(packed.into()),
        None => packed,
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    Response::from_parts(parts, Body::from(packed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_prepared_is_the_same_either_way() {
        let prepared = Prepared::new("{\"a\":1}".repeat(100));
        let mut text = Vec::new();
        std::io::copy(&mut flate2::read::GzDecoder::new(&prepared.packed[..]), &mut text).unwrap();
        assert_eq!(text, prepared.plain);
    }

    #[test]
    fn gzip_goes_to_who_unpacks_it() {
        let asks = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, text.parse().unwrap());
            takes_gzip(&headers)
        };
        assert!(asks("gzip, deflate, br") && asks("br;q=1.0, GZIP;q=0.5"));
        assert!(!asks("br") && !asks("gzip;q=0") && !asks("identity") && !asks("x-gzip-9"));
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[tokio::test]
    async fn long_json_without_an_etag_is_packed_and_nothing_else() {
        let answer = |kind: &'static str, length: usize| {
            let body = Body::from("a".repeat(length));
            Response::builder().header(header::CONTENT_TYPE, kind).body(body).unwrap()
        };
        let is_packed =
            |response: &Response| response.headers().contains_key(header::CONTENT_ENCODING);
        let long = packed(answer("application/json", 5_000)).await;
        assert!(is_packed(&long));
        let bytes = long.into_body().collect().await.unwrap().to_bytes();
        let mut text = String::new();
        let mut unpacker = flate2::read::GzDecoder::new(&bytes[..]);
        std::io::Read::read_to_string(&mut unpacker, &mut text).unwrap();
        assert_eq!(text, "a".repeat(5_000));
        assert!(!is_packed(&packed(answer("application/json", 500)).await));
        assert!(!is_packed(&packed(answer("text/html", 5_000)).await));
        let mut tagged = answer("application/json", 5_000);
        tagged.headers_mut().insert(header::ETAG, HeaderValue::from_static("\"1\""));
        assert!(!is_packed(&packed(tagged).await));
    }
}
