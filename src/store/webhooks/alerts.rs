//! Alerts: events of the engine itself, for the webhook `alerts` alone, on the same durable path.
//!
//! Must never stand in the way of what it tells of, nor tell of itself.

use crate::delivery::explain;
use crate::delivery::health::{Condition, Health};
use crate::model::{ALERTS_WEBHOOK, Event, EventKind, Origin, TaskId, Time, payload};
use crate::store::deliveries::{delivery_id, outbox};
use crate::store::engine::columns::Value;
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::tasks::change;
use crate::store::webhooks::{self, Presence, WebhookState};

/// Between two alerts of failed deliveries of one webhook, in milliseconds: a person needs one.
const FAILURES_APART_MS: i64 = 60_000;
/// Between two alerts that one webhook refuses everything, in milliseconds: one that takes something now
/// and then would be told of at each turn.
const REFUSING_APART_MS: i64 = 300_000;
/// Answers are written down in another order than they came in, so one may be this much older than what was told
/// last, in milliseconds. What was told later than that was told before the clock was set back.
const LATE_MS: i64 = 60_000;
/// So many deliveries of a webhook that wait are told of: what Make's largest queue holds (Make Help
/// Center, "Webhooks", "Webhook queue").
pub(crate) const BACKLOG_HIGH: i64 = 10_000;
/// With so few waiting the backlog is over; the next one is told of again.
pub(crate) const BACKLOG_OVER: i64 = BACKLOG_HIGH / 2;

/// Tells how a webhook is doing now, if that is news; answers whether it was.
pub(crate) fn tell_of_condition(
    tx: &mut Tx<'_>,
    known: &WebhookState,
    is: &Health,
    id: &str,
    now: Time,
) -> Result<bool> {
    let Some(kind) = news(&known.health, is, known.refusing_alert_at, now) else {
        return Ok(false);
    };
    if !is_wanted(tx)? {
        return Ok(false);
    }
    let (webhook, was) = (known.webhook.as_ref(), &known.health);
    if kind == EventKind::WebhookRefusing {
        tx.execute(
            "UPDATE webhooks SET refusing_alert_ms = ?2 WHERE id = ?1",
            &[Value::from(&webhook.id), now.0.into()],
        )?;
        tx.forget();
    }
    tell(tx, kind, &webhook.id, &explain::alert_of_condition(webhook, was, is), id, now)?;
    Ok(true)
}

/// From one fault for which all is held to another is no news to whom was told of the first. That all
/// is refused is told a while after the last time, if it still is then; its end only to whom was told.
fn news(was: &Health, is: &Health, last: Time, now: Time) -> Option<EventKind> {
    let holds = |health: &Health| health.condition != Condition::Up;
    let is_alerted = |since: Time| (since..=now.plus_ms(LATE_MS)).contains(&last);
    match (holds(was), holds(is)) {
        (true, true) => None,
        (false, true) => Some(EventKind::WebhookDown),
        (true, false) if is.is_refusing() => Some(EventKind::WebhookRefusing),
        (true, false) => Some(EventKind::WebhookUp),
        (false, false) => match (was.refusals.since, is.refusals.since) {
            (_, Some(since)) => (!is_alerted(since) && !was_alerted(last, REFUSING_APART_MS, now))
                .then_some(EventKind::WebhookRefusing),
            (Some(since), None) => is_alerted(since).then_some(EventKind::WebhookUp),
            (None, None) => None,
        },
    }
}

/// Whether it was told of within this span, in milliseconds.
fn was_alerted(last: Time, span_ms: i64, now: Time) -> bool {
    (-LATE_MS..span_ms).contains(&now.ms_since(last))
}

/// Tells that a delivery waits for a person, because it failed or is held, but not of each when many do. `say` puts it
/// into words, of the webhook, the delivery and why.
pub(crate) fn tell_of_one(
    tx: &mut Tx<'_>,
    known: &WebhookState,
    seq: i64,
    say: fn(&str, &str, &str) -> String,
    why: &str,
    id: &str,
    now: Time,
) -> Result<()> {
    if was_alerted(known.failure_alert_at, FAILURES_APART_MS, now) || !is_wanted(tx)? {
        return Ok(());
    }
    let webhook = known.webhook.id.as_str();
    tx.execute(
        "UPDATE webhooks SET failure_alert_ms = ?2 WHERE id = ?1",
        &[webhook.into(), now.0.into()],
    )?;
    tx.forget();
    let text = say(webhook, &delivery_id(seq, webhook), why);
    tell(tx, EventKind::DeliveryFailed, webhook, &text, id, now)
}

/// Whether a queue counts as long, if it did or did not before.
pub(crate) fn is_behind(waiting: i64, was_behind: bool) -> bool {
    waiting > if was_behind { BACKLOG_OVER } else { BACKLOG_HIGH }
}

/// Tells once that many deliveries wait, and forgets it when few do.
pub(crate) fn tell_of_backlog(
    tx: &mut Tx<'_>,
    webhook: &str,
    waiting: i64,
    id: &str,
    now: Time,
) -> Result<()> {
    let Some(known) = webhooks::known(tx, webhook)? else { return Ok(()) };
    let is_behind = is_behind(waiting, known.is_behind);
    if is_behind == known.is_behind {
        return Ok(());
    }
    tx.execute(
        "UPDATE webhooks SET is_behind = ?2 WHERE id = ?1",
        &[webhook.into(), i64::from(is_behind).into()],
    )?;
    tx.forget();
    if is_behind {
        let text = explain::alert_of_backlog(webhook, BACKLOG_HIGH);
        tell(tx, EventKind::BacklogHigh, webhook, &text, id, now)?;
    }
    Ok(())
}

fn is_wanted(tx: &mut Tx<'_>) -> Result<bool> {
    let alerts = webhooks::known(tx, ALERTS_WEBHOOK)?;
    Ok(alerts.is_some_and(|known| known.presence == Presence::Live))
}

/// The lane of an alert is the webhook that it tells of, so those of one webhook stay in order.
fn tell(
    tx: &mut Tx<'_>,
    kind: EventKind,
    about: &str,
    text: &str,
    id: &str,
    now: Time,
) -> Result<()> {
    if about == ALERTS_WEBHOOK || !is_wanted(tx)? {
        return Ok(());
    }
    let Ok(lane) = TaskId::parse(&format!("webhook:{about}")) else { return Ok(()) };
    let at = change::commit_time(tx, now)?;
    let event = Event {
        id: id.to_owned(),
        kind,
        origin: Origin::engine(),
        task_id: lane,
        version: 0,
        at,
        snapshot: payload::alert(kind, about, text, at),
        before: None,
    };
    let seq = outbox::put_event(tx, &event)?;
    outbox::put_delivery(tx, seq, ALERTS_WEBHOOK, kind, event.task_id.as_str(), now)?;
    tx.wake();
    Ok(())
}
