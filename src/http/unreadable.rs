//! What is answered to a request whose head cannot be read: the same shape as every error.
//!
//! Such a request reaches no route; the listener has the answer written. Must not know what came.

use http::StatusCode;

use super::problem::ErrorBody;
use crate::clock::Ids;

/// The headers of a request at most.
pub(crate) const HEADERS_MOST: usize = 64;

/// Header lines, an empty line and the body.
pub(crate) fn unreadable(ids: &Ids, status: u16) -> String {
    let (code, error) = words(status);
    let request_id = ids.request();
    let error = error.to_owned();
    let body = ErrorBody { error, code, field: None, request_id: request_id.clone() };
    // Four texts: always JSON.
    let body = serde_json::to_string(&body).unwrap_or_default();
    format!(
        "content-type: application/json\r\ncontent-length: {}\r\nx-request-id: {request_id}\r\n\
         x-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\ncache-control: no-store\r\n\r\n{body}",
        body.len()
    )
}

/// The code and the sentence.
pub(crate) fn words(status: u16) -> (&'static str, &'static str) {
    match StatusCode::from_u16(status) {
        Ok(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE) => (
            "headers_too_large",
            "The request has too many headers, or too large ones: up to 64, and 64 KiB in all, are taken",
        ),
        Ok(StatusCode::URI_TOO_LONG) => {
            ("address_too_long", "The address is too long: up to 64 KiB with its query are taken")
        }
        _ => (
            "unreadable",
            "What came is no HTTP/1.1 request: its first line or a header is malformed (a blank in an \
             address is written %20). Over TLS, talk to the \
             proxy that stands before this server, not to its own port",
        ),
    }
}
