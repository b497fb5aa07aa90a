//! Outcomes: how an attempt ended, written down with all that follows from it: the delivery, its
//! webhook's health, the next of its task, an alert.
//!
//! Must not decide what follows: that is `health`.

use super::claims::Claim;
use super::{handover, lanes, not_back, totals};
use crate::delivery::explain;
use crate::delivery::health::{self, EndedAttempt, Fate, Health, Policy, Verdict};
use crate::delivery::pace::Seen;
use crate::delivery::retry::LONGEST_WAIT_MS;
use crate::model::{AttemptOutcome, DeliveryStatus, Named, Outcome, Reason, Time};
use crate::store::engine::columns::Value;
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::webhooks::{self, Presence, WebhookState};
use crate::store::webhooks::{alerts, conditions};

/// The end of an attempt. What lies before it is told as spans of a clock that never steps: the wall
/// clock may have been set meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct AttemptRecord {
    /// What came back.
    pub(crate) outcome: Outcome,
    /// What went wrong, in words; `None` if nothing did.
    pub(crate) why: Option<String>,
    /// When it ended, by the wall clock.
    pub(crate) ended: Time,
    /// The same by a clock that never steps, in milliseconds.
    pub(crate) steady_ms: i64,
    /// Milliseconds from the claim to the end.
    pub(crate) took_ms: i64,
    /// Milliseconds since the webhook last answered anything with 2xx, as far as this process knows.
    pub(crate) success_ago_ms: Option<i64>,
    /// For how long it has answered nothing with 2xx and failed, as far as this process knows.
    pub(crate) failing_for_ms: Option<i64>,
    /// Milliseconds since it last showed that it was not ready, if no answer but 404s came since.
    pub(crate) not_ready_ago_ms: Option<i64>,
    /// At random, 0 to 1.
    pub(crate) chance: f64,
    /// The id of the event that is made if there is something to alert of.
    pub(crate) alert_id: String,
}

impl AttemptRecord {
    /// The end of a claim's attempt at `ended`, which is `steady_ms` of the clock that never steps;
    /// `seen` is what the gates know of the webhook by that clock.
    pub(crate) fn of(
        claim: &Claim,
        (outcome, why): (Outcome, Option<String>),
        ended: Time,
        steady_ms: i64,
        seen: Seen,
    ) -> AttemptRecord {
        AttemptRecord {
            outcome,
            why,
            ended,
            steady_ms,
            took_ms: steady_ms - claim.steady_ms,
            success_ago_ms: seen.success_ms.map(|at| steady_ms - at),
            failing_for_ms: seen.failing_ms.map(|at| steady_ms - at),
            not_ready_ago_ms: seen.not_ready_ms.map(|at| steady_ms - at),
            chance: 0.5,
            alert_id: String::new(),
        }
    }

    /// Milliseconds from the commit of the event to the end.
    pub(crate) fn lag_ms(&self, claim: &Claim) -> i64 {
        claim.started.ms_since(claim.event.at) + self.took_ms
    }

    /// When the request left, by the wall clock as it is set now.
    fn started(&self) -> Time {
        self.ended.plus_ms(-self.took_ms)
    }

    /// When its series began, by the same clock.
    fn first(&self, claim: &Claim) -> Time {
        self.started().plus_ms(-claim.started.ms_since(claim.first))
    }

    fn why(&self) -> &str {
        self.why.as_deref().unwrap_or_default()
    }
}

/// What became of it.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// Of the delivery.
    pub(crate) fate: Fate,
    /// The receiver's answer will not change by itself.
    pub(crate) is_rejected: bool,
    /// How its webhook was doing and is doing now, if that is another condition.
    pub(crate) turned: Option<(Health, Health)>,
    /// When the next probe goes out, if the webhook is looked at by probes.
    pub(crate) probe_at: Option<Time>,
}

/// Writes down how an attempt ended and what follows. `None` if the delivery is no longer the one
/// that was claimed.
pub(crate) fn record(
    tx: &mut Tx<'_>,
    policy: &Policy,
    claim: &Claim,
    end: &AttemptRecord,
) -> Result<Option<Recorded>> {
    let id = claim.webhook.id.as_str();
    let Some(known) = webhooks::known(tx, id)? else { return Ok(None) };
    // The clock may have been set since it ended, or not be followed yet: what comes of it would be off by as much.
    let ended = handover::as_stored(tx, end.ended, end.steady_ms);
    let as_stored = ended.map(|ended| AttemptRecord { ended, ..end.clone() });
    let end = as_stored.as_ref().unwrap_or(end);
    let (outcome, ended) = (&end.outcome, end.ended);
    let not_back = not_back::read(tx, &known, claim, outcome, ended, end.not_ready_ago_ms)?;
    let not_back = not_back.map(|(outcome, why)| AttemptRecord { outcome, why, ..end.clone() });
    let end = not_back.as_ref().unwrap_or(end);
    let verdict = judge(policy, &known, claim, end);
    let fate = &verdict.fate;
    let after = NextState::of(fate, claim, end);
    let is_plain = claim.number == 1 && *fate == Fate::Delivered && end.why.is_none();
    if !put_delivery(tx, claim, &after, is_plain.then_some(end))? {
        return Ok(None);
    }
    if !is_plain {
        put_attempt(tx, claim, end, fate)?;
    }
    if let Some(wait) = end.outcome.retry_after_ms.filter(|_| is_same_url(claim, &known)) {
        conditions::wait_until(tx, id, end.ended.plus_ms(wait))?;
    }
    if let Some(health) = &verdict.health {
        conditions::put_health(tx, id, health)?;
        for seq in &verdict.restored {
            restore(tx, id, *seq)?;
        }
    }
    // What was not worth telling when it began may be now.
    let (was, is) = (&known.health, verdict.health.as_ref().unwrap_or(&known.health));
    let is_told = known.presence != Presence::Deleted
        && alerts::tell_of_condition(tx, &known, is, &end.alert_id, end.ended)?;
    let (task, now) = (claim.event.task_id.as_str(), end.ended);
    let text = after.reason.as_ref().map_or("", |(_, text)| text);
    let tell = |tx: &mut Tx<'_>, say| {
        // The one after which it is said to refuse everything is told of with that.
        if is_told {
            return Ok(());
        }
        alerts::tell_of_one(tx, &known, claim.seq, say, text, &end.alert_id, now)
    };
    match fate {
        Fate::Delivered => lanes::give_turn(tx, id, task, now)?,
        Fate::Failed { .. } => {
            lanes::give_turn(tx, id, task, now)?;
            tell(tx, explain::alert_of_failure)?;
        }
        Fate::Held => {
            lanes::let_earlier_pass(tx, id, task, claim.seq, now)?;
            tell(tx, explain::alert_of_held)?;
        }
        Fate::HeldAlone { .. } | Fate::Waits => {
            lanes::let_earlier_pass(tx, id, task, claim.seq, now)?;
        }
        Fate::Retry { .. } | Fate::Uncounted { .. } | Fate::Cancelled => tx.wake(),
    }
    let has_turned = (was.condition, was.is_refusing()) != (is.condition, is.is_refusing());
    Ok(Some(Recorded {
        turned: has_turned.then(|| (was.clone(), is.clone())),
        probe_at: is.probe_at,
        is_rejected: verdict.is_rejected,
        fate: verdict.fate,
    }))
}

/// What follows for the delivery and for its webhook, as that is now.
fn judge(policy: &Policy, known: &WebhookState, claim: &Claim, end: &AttemptRecord) -> Verdict {
    let ended = EndedAttempt {
        seq: claim.seq,
        tries: claim.tries,
        first: end.first(claim),
        started: end.started(),
        is_probe: claim.is_probe,
        is_alone: claim.is_alone,
        outcome: &end.outcome,
        why: end.why(),
        last_success: end.success_ago_ms.map(|ms| end.ended.plus_ms(-ms)),
        failing_since: end.failing_for_ms.map(|ms| end.ended.plus_ms(-ms)),
        now: end.ended,
        chance: end.chance,
    };
    // Health belongs to a URL: the answer of another one says nothing about this.
    let is_same = is_same_url(claim, known);
    let fresh = Health::fresh(end.ended);
    let health = if is_same { &known.health } else { &fresh };
    let mut verdict = health::after(health, &claim.webhook, policy, &ended);
    if !is_same || known.presence == Presence::Deleted {
        verdict.health = None;
        verdict.restored.clear();
    }
    // What the old URL refused, the new one has not seen.
    if !is_same && verdict.fate != Fate::Delivered {
        verdict.fate = Fate::Waits;
    }
    if known.presence == Presence::Deleted {
        verdict.fate = verdict.fate.without_webhook();
    }
    verdict
}

/// Whether a claim went where its webhook is now; of one that is not live no other place is known.
fn is_same_url(claim: &Claim, known: &WebhookState) -> bool {
    known.webhook.url == claim.webhook.url || known.presence != Presence::Live
}

/// What the fate of a delivery makes of its row.
struct NextState {
    status: DeliveryStatus,
    due: Option<Time>,
    /// Attempts of its series.
    tries: u32,
    /// When its series began; `None`: the next attempt begins one.
    first: Option<Time>,
    finished: Option<Time>,
    reason: Option<(Reason, String)>,
}

impl NextState {
    fn of(fate: &Fate, claim: &Claim, end: &AttemptRecord) -> NextState {
        let at = |ms: i64| Some(end.ended.plus_ms(ms));
        let finished = at(0);
        let after = NextState {
            status: DeliveryStatus::Pending,
            due: None,
            tries: claim.tries,
            first: Some(end.first(claim)),
            finished: None,
            reason: explain::after_attempt(fate, &claim.webhook, &end.outcome, end.why()),
        };
        match fate {
            Fate::Delivered => NextState { status: DeliveryStatus::Delivered, finished, ..after },
            Fate::Retry { after_ms } => NextState { due: at(*after_ms), ..after },
            Fate::Uncounted { after_ms } => {
                let first = after.first.filter(|_| claim.tries > 1);
                NextState { due: at(*after_ms), tries: claim.tries - 1, first, ..after }
            }
            Fate::Waits => NextState { due: at(0), tries: 0, first: None, ..after },
            Fate::HeldAlone { after_ms } => {
                NextState { status: DeliveryStatus::Held, due: at(*after_ms), ..after }
            }
            Fate::Held => {
                NextState { status: DeliveryStatus::Held, tries: 0, first: None, ..after }
            }
            Fate::Failed { .. } => NextState { status: DeliveryStatus::Failed, finished, ..after },
            Fate::Cancelled => NextState { status: DeliveryStatus::Cancelled, finished, ..after },
        }
    }
}

/// Writes what an attempt makes of its delivery; into the same row the attempt itself, if it is the first and was
/// `answered` with 2xx. Answers whether the delivery still was the one that was claimed.
fn put_delivery(
    tx: &mut Tx<'_>,
    claim: &Claim,
    after: &NextState,
    answered: Option<&AttemptRecord>,
) -> Result<bool> {
    let (reason, text) =
        after.reason.as_ref().map(|(code, text)| (code.as_str(), text.as_str())).unzip();
    let updated = tx.execute(
        "UPDATE deliveries SET status = ?3, due_ms = ?4, tries = ?5, first_ms = ?6,
             finished_ms = ?7, reason = ?8, reason_text = ?9, started_ms = NULL,
             answered_ms = coalesce(?11, answered_ms), answer_took_ms = coalesce(?12, answer_took_ms),
             answer_status = coalesce(?13, answer_status), answer_excerpt = coalesce(?14, answer_excerpt)
         WHERE seq = ?1 AND webhook_id = ?2 AND started_ms IS NOT NULL AND attempts = ?10",
        &[
            claim.seq.into(),
            Value::from(&claim.webhook.id),
            after.status.as_str().into(),
            after.due.map(|at| at.0).into(),
            i64::from(after.tries).into(),
            after.first.map(|at| at.0).into(),
            after.finished.map(|at| at.0).into(),
            reason.into(),
            text.into(),
            claim.number.into(),
            answered.map(|_| claim.started.0).into(),
            answered.map(|end| end.outcome.ms).into(),
            answered.and_then(|end| end.outcome.status).map(i64::from).into(),
            answered.and_then(excerpt).into(),
        ],
    )?;
    let is_there = updated > 0;
    if is_there && after.finished.is_some() {
        totals::ended(tx, &claim.webhook.id, claim.event.kind)?;
    }
    Ok(is_there)
}

/// What is kept of the answer's body.
fn excerpt(end: &AttemptRecord) -> Option<&str> {
    Some(end.outcome.excerpt.as_str()).filter(|text| !text.is_empty())
}

fn put_attempt(tx: &mut Tx<'_>, claim: &Claim, end: &AttemptRecord, fate: &Fate) -> Result<()> {
    tx.execute(
        "INSERT INTO other_attempts (seq, webhook_id, number, started_ms, ms, status, error, excerpt, outcome)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &[
            claim.seq.into(),
            Value::from(&claim.webhook.id),
            claim.number.into(),
            claim.started.0.into(),
            end.outcome.ms.into(),
            end.outcome.status.map(i64::from).into(),
            end.why.as_deref().into(),
            excerpt(end).into(),
            fate.of_attempt().as_str().into(),
        ],
    )?;
    Ok(())
}

/// A delivery was refused for a fault that is the webhook's: it waits again and goes out first.
fn restore(tx: &mut Tx<'_>, webhook: &str, seq: i64) -> Result<()> {
    let found = tx.row(
        "SELECT d.task_id, e.at_ms FROM deliveries d JOIN events e ON e.seq = d.seq
         WHERE d.seq = ?1 AND d.webhook_id = ?2 AND d.reason = ?3",
        &[seq.into(), webhook.into(), Reason::Rejected.as_str().into()],
        |row| Ok((row.next::<String>()?, row.next()?)),
    )?;
    if let Some((task, committed)) = found {
        lanes::rejoin(tx, webhook, &task, seq, committed)?;
    }
    Ok(())
}

/// At a start: what was under way at a crash may have arrived. Its attempt is shown as `unknown`,
/// counts in the number but not towards the limit, and is made again at once. Answers how many
/// there were.
///
/// No wait is longer than an hour, or than the longest between two probes: what a wrong clock put
/// off for longer is brought back to that.
pub(crate) fn requeue_interrupted(tx: &mut Tx<'_>, policy: &Policy, now: Time) -> Result<usize> {
    let longest = LONGEST_WAIT_MS.max(policy.probe_max_ms.saturating_mul(11) / 10);
    let latest = now.plus_ms(longest);
    tx.execute(
        "UPDATE deliveries SET due_ms = ?1 WHERE due_ms IS NOT NULL AND due_ms > ?1",
        &[latest.0.into()],
    )?;
    conditions::restart(tx, policy.recovers, now, latest)?;
    tx.execute(
        "INSERT INTO other_attempts (seq, webhook_id, number, started_ms, error, outcome)
         SELECT seq, webhook_id, attempts, started_ms, ?2, ?1
         FROM deliveries WHERE status = 'sending'
             AND webhook_id IN (SELECT id FROM webhooks)",
        &[AttemptOutcome::Unknown.as_str().into(), explain::INTERRUPTED.into()],
    )?;
    tx.execute(
        "UPDATE deliveries SET status = 'pending', due_ms = ?1, tries = tries - 1, started_ms = NULL
         WHERE status = 'sending'
             AND webhook_id IN (SELECT id FROM webhooks)",
        &[now.0.into()],
    )
}
