//! Safe repeats on the HTTP side: `Idempotency-Key`, `ETag`, `If-Match`, `X-BTK-Origin`.
//!
//! Must not know what a write does; `once` wraps any of them.

use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use utoipa::IntoParams;

use super::answer::written_json;
use super::errors::{KeyReused, Kind, VersionMismatch};
use super::problem::Problem;
use crate::model::limits::KEY as KEY_MOST;
use crate::model::{Origin, Time};
use crate::secret::hex;
use crate::store::{self, Key, Repeat, Tx, Written, keep_answer, look_up};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const ORIGIN: HeaderName = HeaderName::from_static("x-btk-origin");

/// What a write in a transaction came to.
#[derive(Clone, Debug)]
pub(crate) enum WriteResult {
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

impl WriteResult {
    /// A write that just happened.
    pub(crate) fn now(status: u16, written: Written) -> WriteResult {
        WriteResult::Answer { status, written, replayed: false }
    }
}

/// Runs a write once for its key: a repeat is answered from what the first one left.
pub(crate) fn once(
    tx: &mut Tx<'_>,
    key: Option<&Key>,
    write: impl FnOnce(&mut Tx<'_>) -> store::Result<WriteResult>,
) -> store::Result<WriteResult> {
    let Some(key) = key else { return write(tx) };
    match look_up(tx, key)? {
        Repeat::Same { status, written: Some(written), .. } => {
            return Ok(WriteResult::Answer { status, written, replayed: true });
        }
        Repeat::Same { written: None, .. } | Repeat::Other => return Ok(WriteResult::KeyTaken),
        Repeat::New => {}
    }
    let done = write(tx)?;
    if let WriteResult::Answer { status, written, .. } = &done {
        keep_answer(tx, key, *status, None, Some(written))?;
    }
    Ok(done)
}

/// The answer to a write of a task; `body` makes it from the snapshot.
pub(crate) fn answer(
    done: WriteResult,
    body: impl FnOnce(&str) -> String,
) -> Result<Response, Problem> {
    match done {
        WriteResult::NotFound => Err(Problem::not_found("Task")),
        WriteResult::KeyTaken => Err(KeyReused::problem()),
        WriteResult::Mismatch(version) => Err(VersionMismatch::of(&[&version.to_string()])),
        WriteResult::Answer { status, written, replayed } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            let task = written_json((status, body(&written.snapshot)));
            let mut response = tagged(task, written.version);
            if replayed {
                response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            }
            Ok(response)
        }
    }
}

/// An answer with the version of its task as `ETag`.
pub(crate) fn tagged(mut response: Response, version: i64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The client's `Idempotency-Key`: 1 to 255 printable ASCII characters.
#[derive(IntoParams)]
#[into_params(names("Idempotency-Key"), parameter_in = Header)]
pub(crate) struct IdempotencyKey(
    /// Makes a repeat safe for 48 hours
    Option<String>,
);

impl IdempotencyKey {
    /// Reads the header.
    ///
    /// # Errors
    /// 400 if it is none, or stands twice.
    pub(crate) fn read(headers: &HeaderMap) -> Result<IdempotencyKey, Problem> {
        let value = single(headers, &KEY)?;
        if let Some(found) = value.map(str::len).filter(|length| !(1..=KEY_MOST).contains(length)) {
            let what = format!("has {found} characters; 1 to {KEY_MOST} are allowed");
            return Err(Problem::bad_parameter("Idempotency-Key", what));
        }
        Ok(IdempotencyKey(value.map(str::to_owned)))
    }

    /// The key of this request, if it names one.
    pub(crate) fn of(self, method: &Method, path: &str, body: &[u8], now: Time) -> Option<Key> {
        let value = self.0?;
        let mut hash = hmac_sha256::Hash::new();
        for part in [method.as_str().as_bytes(), b"\n", path.as_bytes(), b"\n", body] {
            hash.update(part);
        }
        Some(Key { name: format!("key:{value}"), hash: hex(&hash.finalize()), now })
    }
}

/// Where an API write says it comes from.
#[derive(IntoParams)]
#[into_params(names("X-BTK-Origin"), parameter_in = Header)]
pub(crate) struct OriginHeader(
    /// Where the change comes from; `api` if absent
    #[param(value_type = Option<String>, format = "origin")]
    pub(crate) Origin,
);

impl OriginHeader {
    /// Reads the header.
    ///
    /// # Errors
    /// 400 if it is no origin, or stands twice.
    pub(crate) fn read(headers: &HeaderMap) -> Result<OriginHeader, Problem> {
        Ok(OriginHeader(match single(headers, &ORIGIN)? {
            None => Origin::api(),
            Some(text) => Origin::parse("X-BTK-Origin", text)?,
        }))
    }
}

/// The text of a header that may stand once.
pub(crate) fn single<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h str>, Problem> {
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
#[derive(IntoParams)]
#[into_params(names("If-Match"), parameter_in = Header)]
pub(crate) struct IfMatch(
    /// Only if the task still has this version
    Option<String>,
);

impl IfMatch {
    /// Reads the header.
    pub(crate) fn read(headers: &HeaderMap) -> IfMatch {
        let values = headers.get_all(header::IF_MATCH).iter().map(|v| v.to_str().unwrap_or("?"));
        let all: Vec<&str> = values.collect();
        IfMatch((!all.is_empty()).then(|| all.join(",")))
    }

    /// Whether a task of this version may be changed.
    pub(crate) fn allows(&self, version: i64) -> bool {
        let Some(text) = &self.0 else { return true };
        let wanted = version.to_string();
        text.split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || unquoted(tag.strip_prefix("W/").unwrap_or(tag)) == wanted)
    }
}

/// A tag without its quotes; some leave both out.
fn unquoted(tag: &str) -> &str {
    tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag)
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
            ("3", true),
            ("x", false),
            ("\"3", false),
            ("3\"", false),
            ("W/W/\"3\"", false),
        ] {
            assert_eq!(read(text).allows(3), allowed, "{text}");
        }
        assert!(IfMatch::read(&HeaderMap::new()).allows(3));
    }

    #[test]
    fn another_body_is_another_request() {
        let headers = HeaderMap::from_iter([(KEY, HeaderValue::from_static("k"))]);
        let hash = |body: &[u8]| {
            let key = IdempotencyKey::read(&headers).unwrap();
            key.of(&Method::POST, "/api/tasks", body, Time(0)).unwrap().hash
        };
        assert_eq!(hash(b"a"), hash(b"a"));
        assert_ne!(hash(b"a"), hash(b"b"));
    }
}
