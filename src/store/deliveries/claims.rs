//! Claims: what the dispatcher takes to send.
//!
//! A claim is committed before its request leaves, so that after a crash an attempt under way is
//! known to have been. Must not know how a request is sent, nor what follows from its end.

use std::sync::{Arc, Mutex};

use crate::delivery::health::Condition;
use crate::delivery::pace::{Gates, RequestEnd};
use crate::delivery::retry;
use crate::lock::lock;
use crate::model::{DeliveryStatus, Event, Named, Outcome, Payload, Time, Webhook};
use crate::store::engine::columns::{Row, Value, only};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::events;
use crate::store::webhooks::{self, Presence, WebhookState};

/// How many of those that wait a probe is chosen from, the longest due first: whatever fails goes to
/// the end of these, so the choice moves on.
const PROBE_WINDOW: i64 = 5_000;

/// Deliveries that are claimed in one go: a person's write may wait for the claim. With many webhooks
/// more may be due than that; it stays in the database until the next look.
const CLAIMS_MOST: usize = 256;

/// A delivery whose request is about to leave.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// The order of its event.
    pub(crate) seq: i64,
    /// Where it goes, as the settings were at the claim.
    pub(crate) webhook: Arc<Webhook>,
    /// What it tells.
    pub(crate) event: Event,
    /// The body it gets: what its first attempt had, so that a repeat has the same bytes.
    pub(crate) payload: Payload,
    /// The number of this attempt: 1, 2, 3 … for ever.
    pub(crate) number: i64,
    /// The same in its series: 1, 2, 3 … `max_attempts`, and on while it is refused alone.
    pub(crate) tries: u32,
    /// When that series began.
    pub(crate) first: Time,
    /// The webhook is not up: this looks whether it is back.
    pub(crate) is_probe: bool,
    /// It was refused alone before.
    pub(crate) is_alone: bool,
    /// It leaves with the commit of its event.
    pub(crate) is_at_once: bool,
    /// When it was claimed.
    pub(crate) started: Time,
    /// The same by a clock that never steps, in milliseconds.
    pub(crate) steady_ms: i64,
}

impl Claim {
    /// What the gates hear when its request has ended, at `steady_ms` of a clock that never steps.
    pub(crate) fn released(&self, outcome: &Outcome, steady_ms: i64) -> RequestEnd {
        RequestEnd {
            bytes: self.bytes(),
            at_once_ms: self.is_at_once.then_some(self.steady_ms),
            // A kept connection that was cut says nothing of it either.
            is_answered: outcome.status.is_some() || outcome.is_cut,
            ms: outcome.ms,
            is_success: outcome.is_success(),
            // One that is refused alone says nothing of its webhook.
            is_failure: !self.is_alone && !outcome.is_cut && retry::is_retryable(outcome),
            is_ready: retry::shows_ready(outcome),
            now_ms: steady_ms,
        }
    }

    /// Bytes of memory that it takes while it is under way, about.
    pub(crate) fn bytes(&self) -> usize {
        bytes_of(&self.event)
    }
}

/// Bytes of memory that an event takes while it is under way, about: it and its body.
pub(super) fn bytes_of(event: &Event) -> usize {
    2 * (event.snapshot.get().len() + event.before.as_ref().map_or(0, String::len))
}

/// What a look at the queues brought.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// What is to be sent.
    pub(crate) claims: Vec<Claim>,
    /// Milliseconds until the next look at the latest; `None` = nothing waits for a time.
    pub(crate) wait_ms: Option<i64>,
}

impl Claims {
    fn look_in(&mut self, ms: i64) {
        let ms = ms.max(1);
        self.wait_ms = Some(self.wait_ms.map_or(ms, |known| known.min(ms)));
    }
}

/// Claims what may leave now: of each webhook what is due, earliest first, as far as its room goes;
/// of one that is not up, a single probe when its time has come. Never two of one task.
///
/// `steady_ms` is a clock that never steps. The gates are locked for moments only: who has an answer must not wait for
/// what is read here, and what it frees meanwhile is there for the next look.
pub(crate) fn claim_due(
    tx: &mut Tx<'_>,
    now: Time,
    steady_ms: i64,
    gates: &Mutex<Gates>,
) -> Result<Claims> {
    let mut found = Claims::default();
    let all = webhooks::all(tx)?;
    let mut waiting = tx.rows(
        "SELECT w.id, (SELECT MIN(d.due_ms) FROM deliveries d
                       WHERE d.webhook_id = w.id AND d.due_ms IS NOT NULL)
         FROM webhooks w WHERE w.state = 'live' AND w.paused = 0 ORDER BY w.id",
        &[],
        |row| Ok((row.next::<String>()?, row.next::<Option<i64>>()?)),
    )?;
    let first = {
        let mut gates = lock(gates);
        if gates.count() > all.len() {
            gates.keep(|id| all.iter().any(|known| known.webhook.id == id));
        }
        gates.begin_with()
    };
    let place = waiting.partition_point(|(id, _)| *id < first);
    waiting.rotate_left(place);
    for (id, due) in waiting {
        let left = CLAIMS_MOST - found.claims.len();
        if left == 0 {
            lock(gates).end_before(&id);
            found.look_in(1);
            break;
        }
        lock(gates).set_backlog(&id, due.is_some());
        let Some(due) = due else { continue };
        let known = all.iter().find(|known| known.webhook.id == id);
        let Some(known) = known.filter(|known| known.presence == Presence::Live) else { continue };
        // A recovery wakes us when it is through.
        if known.is_recovering {
            continue;
        }
        let is_up = known.health.condition == Condition::Up;
        let at = if is_up { Some(Time(due)) } else { known.health.probe_at };
        let Some(at) = at.map(|at| at.max(known.wait_until)) else { continue };
        if at > now {
            // What waits for a time of its own lets others go before it.
            lock(gates).set_backlog(&id, !is_up || Time(due) <= now);
            found.look_in(at.ms_since(now));
            continue;
        }
        let room = {
            let mut gates = lock(gates);
            let room = gates.room(&known.webhook, found.claims.len(), steady_ms);
            if is_up && room.wait_ms.is_none() {
                // Before it is known: a place that is freed meanwhile is told of.
                gates.fell_short(&id);
            }
            room
        };
        if let Some(wait) = room.wait_ms {
            found.look_in(wait);
            continue;
        }
        if is_up {
            let before = found.claims.len();
            let is_short = claim_of(tx, known, (now, steady_ms), room.free.min(left), &mut found)?;
            let mut gates = lock(gates);
            if !is_short {
                gates.was_enough(&id);
            }
            gates.choose(found.claims[before..].iter().map(Claim::bytes).sum());
        } else if room.is_idle && room.free > 0 && !is_answer_unread(tx, &id)? {
            claim_probe(tx, known, (now, steady_ms), &mut found)?;
        } else {
            lock(gates).fell_short(&id);
        }
    }
    Ok(found)
}

/// A moment by the wall clock, and by the one that never steps, in milliseconds: both read together, since what is told by
/// the one is compared with what is told by the other.
pub(crate) type Now = (Time, i64);

/// Answers whether something that is due was perhaps left for want of a place.
fn claim_of(
    tx: &mut Tx<'_>,
    known: &WebhookState,
    (now, steady_ms): Now,
    free: usize,
    found: &mut Claims,
) -> Result<bool> {
    let id = &known.webhook.id;
    let due = tx.rows(
        &select(
            "d.webhook_id = ?1 AND d.due_ms IS NOT NULL AND d.due_ms <= ?2
             ORDER BY d.due_ms, d.seq LIMIT ?3",
        ),
        &[Value::from(id), now.0.into(), free.into()],
        |row| read(row, known, (now, steady_ms)),
    )?;
    let is_short = due.len() == free;
    if is_short && found.claims.len() + free == CLAIMS_MOST {
        found.look_in(1);
    } else if is_short {
        // A place that is freed says when to look again, or a token that comes back.
        if let Some(rate) = crate::delivery::pace::rate(&known.webhook) {
            found.look_in(1_000 / i64::from(rate));
        }
    } else {
        let next = tx.row(
            "SELECT MIN(due_ms) FROM deliveries
             WHERE webhook_id = ?1 AND due_ms IS NOT NULL AND due_ms > ?2",
            &[Value::from(id), now.0.into()],
            only::<Option<i64>>,
        )?;
        if let Some(next) = next.flatten() {
            found.look_in(next - now.0);
        }
    }
    for claim in due {
        take(tx, &claim)?;
        found.claims.push(claim);
    }
    Ok(is_short)
}

/// Whether a request to a webhook is under way, or its answer is not written down yet: only then is known whether and
/// when the next probe may go out.
fn is_answer_unread(tx: &mut Tx<'_>, id: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM deliveries WHERE webhook_id = ?1 AND status = 'sending' LIMIT 1";
    Ok(tx.row(sql, &[id.into()], only::<i64>)?.is_some())
}

/// The one with the fewest attempts, the oldest among equals, so that no single event can keep its
/// webhook down.
fn claim_probe(tx: &mut Tx<'_>, known: &WebhookState, now: Now, found: &mut Claims) -> Result<()> {
    let id = &known.webhook.id;
    let seq = tx.row(
        "SELECT seq FROM (SELECT seq, attempts FROM deliveries
                          WHERE webhook_id = ?1 AND due_ms IS NOT NULL
                          ORDER BY due_ms, seq LIMIT ?2) longest
         ORDER BY attempts, seq LIMIT 1",
        &[Value::from(id), PROBE_WINDOW.into()],
        only::<i64>,
    )?;
    let Some(seq) = seq else { return Ok(()) };
    let claim = tx.row(
        &select("d.seq = ?2 AND d.webhook_id = ?1"),
        &[Value::from(id), seq.into()],
        |row| read(row, known, now),
    )?;
    if let Some(claim) = claim {
        take(tx, &claim)?;
        found.claims.push(claim);
    }
    Ok(())
}

/// What [`read`] reads, of the deliveries `d` for which this holds.
fn select(condition: &str) -> String {
    format!(
        "SELECT {}, d.attempts, d.tries, d.first_ms, d.status, d.payload
         FROM deliveries d JOIN events e ON e.seq = d.seq WHERE {condition}",
        events::COLUMNS
    )
}

fn read(row: &Row<'_>, known: &WebhookState, (now, steady_ms): Now) -> Result<Claim> {
    let (seq, event) = events::read(row)?;
    let number = row.next::<i64>()? + 1;
    let tries = u32::try_from(row.next::<i64>()?).unwrap_or(0);
    let first: Option<Time> = row.next()?;
    let is_alone = row.str()? == DeliveryStatus::Held.as_str();
    let payload = row.parse_if("a delivery", "payload", Payload::parse)?;
    // What was tried before the webhook was last up began a series that no longer counts.
    let first = first.filter(|first| is_alone || *first >= known.health.since);
    let tries = if first.is_some() { tries } else { 0 };
    Ok(Claim {
        seq,
        webhook: Arc::clone(&known.webhook),
        event,
        payload: payload.unwrap_or(known.webhook.payload),
        number,
        tries: tries + 1,
        first: first.unwrap_or(now),
        is_probe: known.health.condition != Condition::Up,
        is_alone,
        is_at_once: false,
        started: now,
        steady_ms,
    })
}

impl Claim {
    /// The first attempt of an event that is being written at `now`.
    pub(super) fn first(
        webhook: &Arc<Webhook>,
        (seq, event): (i64, &Event),
        (now, steady_ms): (Time, i64),
    ) -> Claim {
        Claim {
            seq,
            webhook: Arc::clone(webhook),
            event: event.clone(),
            payload: webhook.payload,
            number: 1,
            tries: 1,
            first: now,
            is_probe: false,
            is_alone: false,
            is_at_once: true,
            started: now,
            steady_ms,
        }
    }
}

fn take(tx: &mut Tx<'_>, claim: &Claim) -> Result<()> {
    tx.execute(
        "UPDATE deliveries SET status = 'sending', due_ms = NULL, started_ms = ?3,
             attempts = attempts + 1, tries = ?4, first_ms = ?5, payload = ?6, reason = NULL, reason_text = NULL
         WHERE seq = ?1 AND webhook_id = ?2",
        &[
            claim.seq.into(),
            Value::from(&claim.webhook.id),
            claim.started.0.into(),
            i64::from(claim.tries).into(),
            claim.first.0.into(),
            claim.payload.as_str().into(),
        ],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::store::tests::small_world::World;

    #[test]
    fn with_many_webhooks_each_gets_its_turn() {
        let names: Vec<String> = (10..30).map(|n| format!("wh_{n}")).collect();
        let mut world = World::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for n in 0..40 {
            world.change(&format!("t{n}"), "due at all of them");
        }
        let gates = Mutex::new(Gates::default());
        let mut claimed: HashMap<String, usize> = HashMap::new();
        for look in 1..=3 {
            let now = world.now;
            let found = world.tx(|tx| claim_due(tx, now, 0, &gates)).unwrap();
            assert!(found.claims.len() <= CLAIMS_MOST);
            for claim in found.claims {
                lock(&gates).take(&claim.webhook.id, 1);
                *claimed.entry(claim.webhook.id.clone()).or_default() += 1;
            }
            // Eight webhooks with 32 each are 256.
            assert_eq!(claimed.len(), [8, 16, 20][look - 1], "look {look}");
            assert_eq!(found.wait_ms, if look < 3 { Some(1) } else { None });
        }
        assert!(claimed.values().all(|n| *n == 32), "{claimed:?}");
    }
}
