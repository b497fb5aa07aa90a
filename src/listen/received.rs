//! One request that arrived, read as a webhook as far as it can be read.
//!
//! Must not know how it came, nor how it is shown.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::check::Check;
use crate::model::Time;

/// One request that arrived, read as a webhook as far as it can be read.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// `event` of the body, else the header `x-btk-event`.
    pub(crate) event: Option<String>,
    /// `task.id` of the body.
    pub(crate) task_id: Option<String>,
    /// `task.title` of the body.
    pub(crate) title: Option<String>,
    /// The header `webhook-id`: the same for every repeat of one event.
    pub(crate) webhook_id: Option<String>,
    /// The header `x-btk-attempt`, as it was sent.
    pub(crate) attempt: Option<String>,
    /// The body, byte for byte.
    pub(crate) body: Bytes,
    /// Its headers, in the order in which they came.
    pub(crate) headers: Vec<(String, String)>,
    /// What its signatures are worth, where that was asked.
    pub(crate) check: Option<Check>,
    /// Why the body is no JSON, where it is none.
    pub(crate) fault: Option<String>,
    /// What it is answered, where that is not `200 OK`.
    pub(crate) answered: Option<String>,
    /// When the last byte of the body was there.
    pub(crate) at: Time,
}

impl Received {
    pub(super) fn read(headers: &HeaderMap, body: Bytes, at: Time) -> Self {
        let header = |name: &str| {
            headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let (json, fault) = match serde_json::from_slice(&body) {
            Ok(json) => (json, None),
            Err(error) => (Value::Null, Some(format!("the body is not JSON: {error}"))),
        };
        let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Self {
            event: text("/event").or_else(|| header("x-btk-event")),
            task_id: text("/task/id"),
            title: text("/task/title"),
            webhook_id: header("webhook-id"),
            attempt: header("x-btk-attempt"),
            headers: headers
                .iter()
                .map(|(name, value)| {
                    (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
            check: None,
            body,
            fault,
            answered: None,
            at,
        }
    }

    /// What a receiver that works answers.
    pub(super) fn usual(&self) -> (StatusCode, String) {
        match (&self.fault, &self.check) {
            (Some(fault), _) => (StatusCode::BAD_REQUEST, fault.clone()),
            (None, Some(check)) if !check.is_good => {
                (StatusCode::UNAUTHORIZED, check.words.clone())
            }
            (None, _) => (StatusCode::OK, "Accepted".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(body: &'static str) -> Received {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", HeaderValue::from_static("evt_1"));
        headers.insert("x-btk-event", HeaderValue::from_static("task_deleted"));
        headers.insert("x-btk-attempt", HeaderValue::from_static("2"));
        Received::read(&headers, Bytes::from_static(body.as_bytes()), Time(0))
    }

    #[test]
    fn a_webhook_is_read_from_body_and_headers() {
        let received = read(r#"{"event":"task_created","task":{"id":"task_1","title":"Milk"}}"#);
        assert_eq!(received.event.as_deref(), Some("task_created"));
        assert_eq!(received.task_id.as_deref(), Some("task_1"));
        assert_eq!(received.title.as_deref(), Some("Milk"));
        assert_eq!(received.webhook_id.as_deref(), Some("evt_1"));
        assert_eq!(received.attempt.as_deref(), Some("2"));
        assert_eq!(received.fault, None);
    }

    #[test]
    fn odd_bodies_are_taken_as_they_are() {
        for body in ["[]", "7", "null", r#"{"event":7,"task":[]}"#, r#"{"task":{"title":{}}}"#] {
            let received = read(body);
            assert_eq!(received.event.as_deref(), Some("task_deleted"), "{body}");
            assert_eq!((received.title, received.fault), (None, None), "{body}");
        }
        for body in ["", "{", "title=Milk"] {
            assert!(read(body).fault.is_some_and(|fault| fault.contains("not JSON")), "{body}");
        }
    }
}
