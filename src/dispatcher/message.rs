//! What is handed to the sender: the request of a claim or of a test, and where it goes.
//!
//! Must not know how it is sent, nor what stands in it: that is `request`'s part.

use std::time::Duration;

use crate::delivery::request::{self, Content, Request};
use crate::model::payload::EventParts;
use crate::model::{Event, Time, Webhook};
use crate::sender::Message;
use crate::store::{self, Claim};

/// The order of an event that is in no database: no event has it.
const NO_SEQ: i64 = 0;

/// What is sent for a claim at `now`.
pub(super) fn of(claim: &Claim, now: Time) -> Message<'_> {
    let content = Content {
        event: EventParts::from(&claim.event),
        payload: claim.payload,
        delivery_id: &store::delivery_id(claim.seq, &claim.webhook.id),
        number: claim.number,
    };
    // What was tried before may have failed for its connection, and a probe asks for a new one.
    let on_own_connection = claim.tries > 1 || claim.is_probe || claim.is_alone;
    Message { on_own_connection, ..message(&claim.webhook, &content, now) }
}

/// What is sent to try a webhook out: the first attempt of an event that nothing else knows.
pub(super) fn of_test<'w>(webhook: &'w Webhook, event: &Event, now: Time) -> Message<'w> {
    let delivery_id = &store::delivery_id(NO_SEQ, &webhook.id);
    let (event, payload) = (EventParts::from(event), webhook.payload);
    message(webhook, &Content { event, payload, delivery_id, number: 1 }, now)
}

fn message<'w>(webhook: &'w Webhook, content: &Content<'_>, now: Time) -> Message<'w> {
    let Request { headers, secrets, body } = request::make(webhook, content, now);
    Message {
        url: &webhook.url,
        headers,
        own_headers: &webhook.headers,
        secrets,
        body,
        profile: webhook.profile,
        on_own_connection: false,
        is_trusted: webhook.is_from_settings(),
        timeout: Duration::from_secs(u64::from(webhook.timeout_seconds)),
    }
}
