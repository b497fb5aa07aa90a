//! Safe repeats on the HTTP side: `Idempotency-Key`, `ETag`, `If-Match`, `X-BTK-Origin`.
//!
//! Must not know what a write does; `once` wraps any of them.

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::problem::Problem;
use super::written_json;
use crate::model::{Origin, Time};
use crate::secret::hex;
use crate::store::{self, Key, Repeat, Tx, Written, look_up, remember};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const ORIGIN: HeaderName = HeaderName::from_static("x-btk-origin");

/// What a write in a transaction came to.
#[derive(Clone, Debug)]
pub enum Done {
    /// Answer with this status and what was written.
    Answer {
        /// 200 or 201.
        status: u16,
        /// What stands now.
        written: Written,
        /// It was done before, under the same key.
        replayed: bool,
    },
    /// There is no such task.
    NotFound,
    /// `If-Match` named another version than this one.
    Mismatch(i64),
    /// The key was used for another request.
    KeyTaken,
}

impl Done {
    /// A write that just happened.
    pub fn now(status: u16, written: Written) -> Done {
        Done::Answer { status, written, replayed: false }
    }
}

/// Runs a write once for its key: a repeat is answered from what the first one left.
pub fn once(
    tx: &mut Tx<'_>,
    key: Option<&Key>,
    write: impl FnOnce(&mut Tx<'_>) -> store::Result<Done>,
) -> store::Result<Done> {
    let Some(key) = key else { return write(tx) };
    match look_up(tx, key)? {
        Repeat::Same { status, written: Some(written), .. } => {
            return Ok(Done::Answer { status, written, replayed: true });
        }
        Repeat::Same { written: None, .. } | Repeat::Other => return Ok(Done::KeyTaken),
        Repeat::New => {}
    }
    let done = write(tx)?;
    if let Done::Answer { status, written, .. } = &done {
        remember(tx, key, *status, None, Some(written))?;
    }
    Ok(done)
}

/// The answer to a write of a task; `body` makes it from the snapshot.
pub fn answer(done: Done, body: impl FnOnce(&str) -> String) -> Result<Response, Problem> {
    match done {
        Done::NotFound => Err(Problem::not_found("Task")),
        Done::KeyTaken => Err(key_taken()),
        Done::Mismatch(version) => Err(Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "version_mismatch",
            format!(
                "The task has changed since: If-Match does not name its version \"{version}\". \
                 Read it again and repeat the change"
            ),
        )),
        Done::Answer { status, written, replayed } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let mut response = task_response(status, body(&written.snapshot), written.version);
            if replayed {
                response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            }
            Ok(response)
        }
    }
}

/// 422: the key belongs to another request.
pub fn key_taken() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "This Idempotency-Key was used within the last 48 hours for another request (method, path \
         and body must be the same); use a new key for a new request",
    )
}

/// A JSON answer with the version of its task as `ETag`.
pub fn task_response(status: StatusCode, body: String, version: i64) -> Response {
    let mut response = written_json((status, body));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The client's `Idempotency-Key`: 1 to 255 printable ASCII characters.
pub fn key(
    headers: &HeaderMap,
    method: &Method,
    path: &str,
    body: &[u8],
    now: Time,
) -> Result<Option<Key>, Problem> {
    let Some(value) = single(headers, &KEY)? else { return Ok(None) };
    if value.is_empty() || value.len() > 255 {
        let found = value.len();
        return Err(Problem::bad_parameter(
            "Idempotency-Key",
            format!("has {found} characters; 1 to 255 are allowed"),
        ));
    }
    let mut hash = hmac_sha256::Hash::new();
    for part in [method.as_str().as_bytes(), b"\n", path.as_bytes(), b"\n", body] {
        hash.update(part);
    }
    let hash = hex(&hash.finalize());
    Ok(Some(Key { key: format!("key:{value}"), hash, now }))
}

/// Where an API write says it comes from; `api` if it says nothing.
pub fn origin(headers: &HeaderMap) -> Result<Origin, Problem> {
    match single(headers, &ORIGIN)? {
        None => Ok(Origin::api()),
        Some(text) => Ok(Origin::parse("X-BTK-Origin", text)?),
    }
}

/// The text of a header that may stand once.
pub fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Problem> {
    let mut all = headers.get_all(name).iter();
    let Some(value) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(Problem::bad_parameter(name.as_str(), "stands twice in the request"));
    }
    value.to_str().map(|text| Some(text.trim())).map_err(|_| {
        Problem::bad_parameter(name.as_str(), "holds characters that are not printable ASCII")
    })
}

/// The condition of `If-Match`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IfMatch(Option<String>);

impl IfMatch {
    /// Reads the header.
    pub fn read(headers: &HeaderMap) -> IfMatch {
        let values = headers.get_all(header::IF_MATCH).iter().map(|v| v.to_str().unwrap_or("?"));
        let all: Vec<&str> = values.collect();
        IfMatch((!all.is_empty()).then(|| all.join(",")))
    }

    /// Whether a task of this version may be changed.
    pub fn allows(&self, version: i64) -> bool {
        let Some(text) = &self.0 else { return true };
        let wanted = version.to_string();
        text.split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.trim_start_matches("W/").trim_matches('"') == wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_names_versions() {
        let read = |text: &'static str| {
            IfMatch::read(&HeaderMap::from_iter([(
                header::IF_MATCH,
                HeaderValue::from_static(text),
            )]))
        };
        for (text, allowed) in [
            ("\"3\"", true),
            ("W/\"3\"", true),
            ("\"2\", \"3\"", true),
            ("*", true),
            ("\"33\"", false),
            ("x", false),
        ] {
            assert_eq!(read(text).allows(3), allowed, "{text}");
        }
        assert!(IfMatch::read(&HeaderMap::new()).allows(3));
    }

    #[test]
    fn another_body_is_another_request() {
        let headers = HeaderMap::from_iter([(KEY, HeaderValue::from_static("k"))]);
        let hash = |body: &[u8]| {
            key(&headers, &Method::POST, "/api/tasks", body, Time(0)).unwrap().unwrap().hash
        };
        assert_eq!(hash(b"a"), hash(b"a"));
        assert_ne!(hash(b"a"), hash(b"b"));
    }
}
