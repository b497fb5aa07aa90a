//! The request of an event for a webhook: its body and its headers.
//!
//! Pure: the same event gives the same bytes each time, whether they are sent or only looked at.
//! Must not know how it is sent.

use bytes::Bytes;

use crate::model::payload::{self, EventParts};
use crate::model::{EventKind, Named, Payload, Time, Webhook};
use crate::secret::Secret;
use crate::signature;

/// What every request has, whatever it tells. Nothing is unpacked of an answer: what a few packed
/// bytes would grow to is not our affair.
pub(crate) const FIXED: [(&str, &str); 3] = [
    ("content-type", "application/json"),
    ("user-agent", concat!("BTK-System/", env!("CARGO_PKG_VERSION"))),
    ("accept-encoding", "identity"),
];

/// What is told, and as which attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content<'e> {
    /// The event.
    pub(crate) event: EventParts<'e>,
    /// Which body.
    pub(crate) payload: Payload,
    /// The id of the delivery.
    pub(crate) delivery_id: &'e str,
    /// The number of the attempt.
    pub(crate) number: i64,
}

/// A request, but for what a webhook brings along of its own.
#[derive(Clone, Debug)]
pub(crate) struct Request<'w> {
    /// Our headers, beside those of [`FIXED`].
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The secrets that signed it, the newest first.
    pub(crate) secrets: Vec<&'w Secret>,
    /// The body, JSON.
    pub(crate) body: Bytes,
}

/// What an attempt at `now` sends.
pub(crate) fn make<'w>(webhook: &'w Webhook, content: &Content<'_>, now: Time) -> Request<'w> {
    let EventParts { id, kind, version, .. } = content.event;
    let body = Bytes::from(body(kind, content.payload, &content.event));
    let timestamp = now.0 / 1_000;
    let mut headers = vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp.to_string()),
        ("x-btk-event", kind.as_str().to_owned()),
        ("x-btk-delivery", content.delivery_id.to_owned()),
        ("x-btk-attempt", content.number.to_string()),
        ("x-btk-task-version", version.to_string()),
    ];
    let old = webhook.old_secret.as_ref().filter(|(_, until)| *until > now);
    let secrets: Vec<_> = webhook.secret.iter().chain(old.map(|(secret, _)| secret)).collect();
    headers.extend(signature::headers(id, timestamp, &body, &secrets));
    Request { headers, secrets, body }
}

fn body(kind: EventKind, payload: Payload, event: &EventParts<'_>) -> String {
    if kind.is_alert() {
        return event.snapshot.get().to_owned();
    }
    match payload {
        Payload::Classic => payload::classic(event),
        Payload::Full => payload::full(event),
    }
}

/// Whoever has the signature of a body can send that body in our name.
pub(crate) fn is_signature(header: &str) -> bool {
    header == "webhook-signature" || header == "x-btk-signature"
}
