//! Bodies: read within limits, unpacked, JSON as UTF-8 that is taken strictly.
//!
//! Must not know what a body is for.

mod charset;
mod unpack;

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use tokio::time::timeout;

use super::errors::{Kind, MediaType, TooLarge, TooSlow};
use super::places::{Coming, Place};
use super::problem::Problem;
use crate::model::kind_of;
pub(crate) use charset::{Pairs, form, pairs};

/// The largest body, packed or not.
const MOST: usize = 1024 * 1024;
/// The most values that its JSON may hold, at any depth: of a million bytes, a list of lists makes fifty times as much
/// in memory.
const VALUES_MOST: usize = 20_000;
/// The longest pause between two pieces of a body.
const IDLE: Duration = Duration::from_secs(10);
/// The longest time a body may take in all.
const WHOLE: Duration = Duration::from_secs(30);

/// Reads a whole body; JSON in another charset becomes UTF-8. What has no media type counts as JSON.
///
/// # Errors
/// 413 over 1 MiB, 408 after a pause of 10 s or 30 s in all, 400 if the connection breaks or it is
/// not what it says, 415 for a packing or a charset that is not known, 503 if others need the room that it takes.
pub(crate) async fn read(parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    let announced = parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    if announced.and_then(|text| text.parse::<u64>().ok()).is_some_and(|n| n > MOST as u64) {
        return Err(TooLarge::problem());
    }
    let packed = whole(parts.extensions.get(), body).await?;
    let whole = unpack::unpack(&parts.headers, packed)?;
    let kind = media_type(&parts.headers);
    if kind.is_empty() || is_json(&kind) {
        charset::json(&parts.headers, &whole)
    } else {
        Ok(whole)
    }
}

/// All of a body as it comes; while it does, others have its place.
async fn whole(place: Option<&Place>, body: Body) -> Result<Bytes, Problem> {
    let mut pieces = Pieces { body, whole: BytesMut::new() };
    // Most bodies come with their head.
    while let Some(next) = pieces.take().now_or_never() {
        if next?.is_none() {
            return Ok(pieces.whole.freeze());
        }
    }
    let Some(place) = place else { return pieces.rest(|_| {}).await };
    place.while_it_comes(|coming: Coming| pieces.rest(move |bytes| coming.grows(bytes))).await
}

/// A body as far as it has come.
struct Pieces {
    body: Body,
    whole: BytesMut,
}

impl Pieces {
    /// Takes the next piece, and tells how long it is; nothing at the end. Whoever stops waiting loses none.
    async fn take(&mut self) -> Result<Option<usize>, Problem> {
        match self.body.frame().await {
            None => Ok(None),
            Some(Err(_)) => Err(Problem::bad_request(
                "broken_body",
                "The body broke off or is not framed as HTTP asks; send it again",
            )),
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                if self.whole.len() + data.len() > MOST {
                    return Err(TooLarge::problem());
                }
                self.whole.extend_from_slice(&data);
                Ok(Some(data.len()))
            }
        }
    }

    /// Waits for what is left, within the limits of time; `grows` is told of each piece, and of all that is here.
    async fn rest(mut self, grows: impl Fn(usize)) -> Result<Bytes, Problem> {
        grows(self.whole.len());
        let all = async {
            while let Some(bytes) =
                timeout(IDLE, self.take()).await.map_err(|_| TooSlow::problem())??
            {
                grows(bytes);
            }
            Ok(())
        };
        timeout(WHOLE, all).await.unwrap_or_else(|_| Err(TooSlow::problem()))?;
        Ok(self.whole.freeze())
    }
}

/// The media type of a body, without its parameters, in small letters; empty if none is named.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type is JSON.
pub(crate) fn is_json(media_type: &str) -> bool {
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// 415 unless the body is JSON or there is none. A body without a media type is refused: a page of
/// another site could send it.
pub(crate) fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let found = media_type(headers);
    if is_json(&found) {
        return Ok(());
    }
    let found = if found.is_empty() { "not named".to_owned() } else { format!("{found:.60}") };
    Err(MediaType::of(&[&found]))
}

/// Reads a JSON object; names the line and column of what is no JSON.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::bad_request("invalid_json", "The body is empty; send a JSON object"));
    }
    let value = read_strictly(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let what = match text.split(" at line ").next().unwrap_or_default() {
            "unexpected end of hex escape" | "lone leading surrogate in hex escape" => {
                "a \\u escape is half of a pair (a lone surrogate), which is no letter,"
            }
            other => other,
        };
        Problem::bad_request(
            "invalid_json",
            format!("The body is not valid JSON: {what} at line {line}, column {column}"),
        )
    })?;
    match value {
        Value::Object(object) => Ok(object),
        // It may hold a secret: an address of a webhook, for one. So it is not quoted.
        other => Err(Problem::bad_request(
            "invalid_json",
            format!("The body must be a JSON object, not {}", kind_of(&other)),
        )),
    }
}

fn read_strictly(bytes: &[u8]) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { left: &Cell::new(VALUES_MOST) }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads a JSON value of which only so much is `left` to read, and in which no object has a key twice: with two, each
/// reader would see another.
#[derive(Clone, Copy)]
struct Strict<'l> {
    left: &'l Cell<usize>,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| {
            de::Error::custom(format_args!("it holds more than {VALUES_MOST} values"))
        })?;
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = seq.next_element_seed(self)? {
            entries.push(entry);
        }
        Ok(Value::Array(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if object.contains_key(&key) {
                let shown: String = key.chars().take(60).collect();
                return Err(de::Error::custom(format_args!("the key {shown:?} stands twice")));
            }
            object.insert(key, map.next_value_seed(self)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str) -> String {
        object(body.as_bytes()).unwrap_err().message
    }

    #[test]
    fn broken_json_is_located() {
        let text = said("{\n  \"title\": \"x\",\n  oops\n}");
        assert!(text.ends_with("at line 3, column 3"), "{text}");
        assert!(said("").starts_with("The body is empty"));
        assert!(said("[1]").starts_with("The body must be a JSON object, not an array"));
        let secret = said("\"https://hook.eu1.make.com/s3cret\"");
        assert!(secret.contains("not a string") && !secret.contains("s3cret"), "{secret}");
        for half in ["\\ud83d", "\\ud83d x", "\\ud83d\\n", "\\udc00", "\\ud83d\\ud83d"] {
            let text = said(&format!("{{\"title\":\"{half}\"}}"));
            assert!(text.contains("half of a pair (a lone surrogate)"), "{half}: {text}");
        }
        assert!(said("{\"a\":1e400}").contains("line 1"));
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_at_any_depth() {
        assert!(said("{\"a\":1,\"a\":2}").contains("\"a\" stands twice"));
        assert!(said("{\"x\":[{\"a\":1,\"a\":2}]}").contains("\"a\" stands twice"));
    }

    #[test]
    fn so_many_values_are_taken_and_no_more() {
        let list = |n: usize| format!("{{\"a\":[{}[]]}}", "[],".repeat(n - 3));
        assert!(object(list(VALUES_MOST).as_bytes()).is_ok());
        assert!(said(&list(VALUES_MOST + 1)).contains("it holds more than 20000 values at line 1"));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(said(&deep).contains("recursion limit"));
    }
}
