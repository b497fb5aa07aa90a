//! Expiry: what a receiver did not take for so long that it is no longer worth sending.
//!
//! Looked at only while the webhook is down, misconfigured or gone, or for one that is refused
//! alone; never while a webhook is paused, without its setting, or being recovered. And never before its receiver
//! was looked at: while the server was off, or when the wall clock was set, time has passed in which
//! nobody asked. Must not decide what is too old: that is `health`.

use super::edits::end_unsent;
use super::lanes;
use crate::delivery::explain;
use crate::delivery::health::{Condition, Policy, is_expired};
use crate::model::{DeliveryStatus, Named as _, Reason, Time};
use crate::store::engine::columns::only;
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::webhooks::alerts;
use crate::store::webhooks::{self, Presence, WebhookState};

/// Entries of the queue that one look takes in.
const WINDOW: usize = 5_000;
/// Lanes that one look hands on, and deliveries that one step ends.
const STEP: usize = 100;

/// Where something stands in the queue of a webhook: when something is due, and its order.
pub(crate) type QueueKey = (i64, i64);

/// What a look at a queue brought.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExpiryLook {
    /// The lanes (by their task) of which the first one is too old.
    pub(crate) lanes: Vec<String>,
    /// Where to go on; `None` = that was all.
    pub(crate) next: Option<QueueKey>,
    /// Something is too old, but nobody has looked at the receiver yet.
    pub(crate) is_unlooked: bool,
}

/// By which time and since when something is looked at for its age.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AgedBy {
    /// Now.
    pub(crate) now: Time,
    /// Since when this server has run and its wall clock was not set: a failure before says nothing.
    pub(crate) even_since: Time,
}

/// Whether expiry looks at a webhook, and whether at all that waits for it or only at what is
/// refused alone.
fn looks_at(known: &WebhookState) -> Option<bool> {
    let health = &known.health;
    let may = known.presence == Presence::Live && !health.is_paused && !known.is_recovering;
    may.then_some(health.condition != Condition::Up)
}

/// The webhooks that expiry looks at.
pub(crate) fn webhooks_that_age(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    let all = webhooks::all(tx)?;
    let looked_at = all.iter().filter(|known| looks_at(known).is_some());
    Ok(looked_at.map(|known| known.webhook.id.clone()).collect())
}

/// Looks for what is too old in the queue of a webhook, from a place on.
pub(crate) fn look_for_expired(
    tx: &mut Tx<'_>,
    policy: &Policy,
    webhook: &str,
    newest: i64,
    from: QueueKey,
    AgedBy { now, even_since }: AgedBy,
) -> Result<ExpiryLook> {
    let known = webhooks::known(tx, webhook)?;
    let Some(known) = known else { return Ok(ExpiryLook::default()) };
    let Some(takes_all) = looks_at(&known) else { return Ok(ExpiryLook::default()) };
    let queue = tx.rows(
        "SELECT due_ms, seq FROM deliveries
         WHERE webhook_id = ?1 AND due_ms IS NOT NULL AND (due_ms, seq) > (?2, ?3)
         ORDER BY due_ms, seq LIMIT ?4",
        &[webhook.into(), from.0.into(), from.1.into(), WINDOW.into()],
        |row| Ok((row.next()?, row.next()?)),
    )?;
    let mut aged = ExpiryLook { next: queue.last().copied(), ..ExpiryLook::default() };
    if queue.len() < WINDOW {
        aged.next = None;
    }
    for (due, seq) in queue.into_iter().filter(|(_, seq)| *seq <= newest) {
        let head = tx.row(
            "SELECT d.task_id, d.status, e.at_ms FROM deliveries d JOIN events e ON e.seq = d.seq
             WHERE d.seq = ?2 AND d.webhook_id = ?1",
            &[webhook.into(), seq.into()],
            |row| Ok((row.next::<String>()?, row.str()? == "held", row.next()?)),
        )?;
        let Some((task, is_alone, at)) = head else { continue };
        if (takes_all || is_alone) && is_expired(policy, at, now) {
            if takes_all && !known.health.was_looked_at(even_since) {
                return Ok(ExpiryLook { is_unlooked: true, ..ExpiryLook::default() });
            }
            if !takes_all && !was_tried(tx, webhook, seq, even_since)? {
                continue;
            }
            aged.lanes.push(task);
            if aged.lanes.len() == STEP {
                aged.next = Some((due, seq));
                break;
            }
        }
    }
    Ok(aged)
}

/// Ends what is too old in some lanes; the next of each has the turn. Answers the lanes that it left
/// for another step.
pub(crate) fn expire_step(
    tx: &mut Tx<'_>,
    policy: &Policy,
    webhook: &str,
    lanes: &[String],
    alert_id: &str,
    AgedBy { now, even_since }: AgedBy,
) -> Result<Vec<String>> {
    let Some(known) = webhooks::known(tx, webhook)? else { return Ok(Vec::new()) };
    let Some(takes_all) = looks_at(&known) else { return Ok(Vec::new()) };
    // It may have been resumed since: the look that was asked for comes first.
    if takes_all && !known.health.was_looked_at(even_since) {
        return Ok(Vec::new());
    }
    let text = explain::why_expired(policy.max_age_ms);
    let (mut room, mut ended, mut left) = (STEP, None, Vec::new());
    for task in lanes {
        if room == 0 {
            left.push(task.clone());
            continue;
        }
        // Who had the turn may have left or ended since.
        let Some((head, is_alone)) = head(tx, webhook, task)? else { continue };
        let lane = match (takes_all, is_alone) {
            (true, _) => waiting(tx, webhook, task, room)?,
            // The webhook works: only this one is too old to be tried again.
            (false, true) if was_tried(tx, webhook, head.0, even_since)? => vec![head],
            (false, _) => continue,
        };
        for (seq, _) in lane.into_iter().filter(|(_, at)| is_expired(policy, *at, now)) {
            let why = (Reason::Expired, &*text);
            end_unsent(tx, (webhook, seq), DeliveryStatus::Failed, why, now)?;
            room -= 1;
            ended = Some(seq);
        }
        lanes::give_turn(tx, webhook, task, now)?;
        if room == 0 {
            left.push(task.clone());
        }
    }
    if let Some(seq) = ended {
        let say = explain::alert_of_failure;
        alerts::tell_of_one(tx, &known, seq, say, &text, alert_id, now)?;
    }
    Ok(left)
}

/// Whether a request of a delivery left at `since` or later.
fn was_tried(tx: &mut Tx<'_>, webhook: &str, seq: i64, since: Time) -> Result<bool> {
    let last = tx.row(
        "SELECT MAX(started_ms) FROM attempts WHERE seq = ?1 AND webhook_id = ?2",
        &[seq.into(), webhook.into()],
        only::<Option<i64>>,
    )?;
    Ok(last.flatten().is_some_and(|at| at >= since.0))
}

/// The delivery of a lane that has the turn, when it was committed, and whether it is refused alone.
fn head(tx: &mut Tx<'_>, webhook: &str, task: &str) -> Result<Option<((i64, Time), bool)>> {
    tx.row(
        "SELECT d.seq, e.at_ms, d.status, d.due_ms FROM deliveries d JOIN events e ON e.seq = d.seq
         WHERE d.webhook_id = ?1 AND d.task_id = ?2 AND d.finished_ms IS NULL
         ORDER BY d.seq LIMIT 1",
        &[webhook.into(), task.into()],
        |row| {
            let head = ((row.next()?, row.next()?), row.str()? == "held");
            let is_due = row.next::<Option<i64>>()?.is_some();
            Ok(is_due.then_some(head))
        },
    )
    .map(Option::flatten)
}

/// What waits in a lane and when it was committed, the first ones first. One that was rejected waits
/// for a person, and those behind it with it.
fn waiting(tx: &mut Tx<'_>, webhook: &str, task: &str, most: usize) -> Result<Vec<(i64, Time)>> {
    let rejected = Some(Reason::Rejected.as_str());
    let lane = tx.rows_until(
        "SELECT d.seq, e.at_ms, d.reason FROM deliveries d JOIN events e ON e.seq = d.seq
         WHERE d.webhook_id = ?1 AND d.task_id = ?2 AND d.finished_ms IS NULL
           AND d.started_ms IS NULL
         ORDER BY d.seq LIMIT ?3",
        &[webhook.into(), task.into(), most.into()],
        |row| {
            let (seq, at) = (row.next()?, row.next()?);
            Ok((seq, at, row.next::<Option<String>>()?.as_deref() == rejected))
        },
        |(_, _, is_rejected)| *is_rejected,
    )?;
    let waits = lane.into_iter().filter(|(_, _, is_rejected)| !is_rejected);
    Ok(waits.map(|(seq, at, _)| (seq, at)).collect())
}
