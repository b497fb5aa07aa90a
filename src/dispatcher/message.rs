//! The request of an event for a webhook: its body and its headers.
//!
//! The same event gives the same bytes each time. Must not know how it is sent.

use std::time::Duration;

use bytes::Bytes;

use crate::model::payload::{self, Full};
use crate::model::{Event, EventKind, Payload, Time, Webhook};
use crate::sender::Message;
use crate::signature;
use crate::store::{self, Claim};

/// The order of an event that is in no database: no event has it.
const NO_SEQ: i64 = 0;

/// What is sent, and as which attempt.
struct Sent<'e> {
    event: Full<'e>,
    payload: Payload,
    seq: i64,
    number: i64,
}

/// What is sent for a claim at `now`.
pub(super) fn of(claim: &Claim, now: Time) -> Message<'_> {
    let event = Full {
        id: &claim.event_id,
        kind: claim.kind,
        at: claim.created,
        version: claim.version,
        origin: claim.origin.as_str(),
        snapshot: &claim.snapshot,
        diff: claim.before.as_deref(),
    };
    let sent = Sent { event, payload: claim.payload, seq: claim.seq, number: claim.number };
    message(&claim.webhook, &sent, now)
}

/// What is sent to try a webhook out: the first attempt of an event that nothing else knows.
pub(super) fn of_test<'w>(webhook: &'w Webhook, event: &Event, now: Time) -> Message<'w> {
    let event = Full::from(event);
    message(webhook, &Sent { event, payload: webhook.payload, seq: NO_SEQ, number: 1 }, now)
}

fn message<'w>(webhook: &'w Webhook, sent: &Sent<'_>, now: Time) -> Message<'w> {
    let Full { id, kind, version, .. } = sent.event;
    let body = Bytes::from(body(kind, sent.payload, &sent.event));
    let timestamp = now.0 / 1_000;
    let mut headers = vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp.to_string()),
        ("x-btk-event", kind.as_str().to_owned()),
        ("x-btk-delivery", store::delivery_id(sent.seq, &webhook.id)),
        ("x-btk-attempt", sent.number.to_string()),
        ("x-btk-task-version", version.to_string()),
    ];
    let old = webhook.old_secret.as_ref().filter(|(_, until)| *until > now);
    let secrets: Vec<_> = webhook.secret.iter().chain(old.map(|(secret, _)| secret)).collect();
    headers.extend(signature::headers(id, timestamp, &body, &secrets));
    Message {
        url: &webhook.url,
        headers,
        own_headers: &webhook.headers,
        secrets,
        body,
        is_trusted: webhook.is_from_settings(),
        timeout: Duration::from_secs(u64::from(webhook.timeout_seconds)),
    }
}

fn body(kind: EventKind, payload: Payload, event: &Full<'_>) -> String {
    if kind.is_alert() {
        return event.snapshot.to_owned();
    }
    match payload {
        Payload::Classic => payload::classic(kind, event.snapshot),
        Payload::Full => payload::full(event),
    }
}
