//! Refusals: a webhook that answers, and refuses whatever it is sent.
//!
//! Each refusal is the receiver's decision about an event, so nothing is held back for it; but who
//! takes nothing does not work, and somebody must hear of it. Must not decide what becomes of a
//! delivery.

use super::{Condition, EndedAttempt, Health, Verdict};
use crate::model::Time;

/// So many different events refused in a row, with no 2xx since the first, say that it refuses everything.
const MANY: usize = 10;

/// What a webhook has refused since it last answered anything with 2xx.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusals {
    /// The events (by their order), each once, and no more of them than it matters: one that is sent
    /// again and again says nothing of the others.
    pub(crate) events: Vec<i64>,
    /// Since when they are so many that it is said to refuse everything; the first 2xx ends it.
    pub(crate) since: Option<Time>,
}

impl Refusals {
    fn and(&self, seq: i64, now: Time) -> Refusals {
        let mut next = self.clone();
        if next.events.len() < MANY && !next.events.contains(&seq) {
            next.events.push(seq);
        }
        next.since = next.since.or((next.events.len() == MANY).then_some(now));
        next
    }
}

/// Counts a refusal, also by a webhook that is down: the probe that it was shows that somebody is there, and who is known
/// to refuse everything is sent what waits. Where a person must look first, that says more.
pub(super) fn count(verdict: Verdict, before: &Health, ended: &EndedAttempt<'_>) -> Verdict {
    let health = verdict.health.as_ref().unwrap_or(before);
    if health.condition.needs_person() {
        return verdict;
    }
    let refusals = health.refusals.and(ended.seq, ended.now);
    let refuses = refusals.since.is_some();
    let next = if health.condition == Condition::Up {
        let why = if refuses { ended.why } else { "" };
        Health { refusals, why: why.to_owned(), ..health.clone() }
    } else if refuses && ended.is_probe {
        Health { refusals, denied: health.denied.clone(), ..health.turned(Condition::Up, ended) }
    } else {
        Health { refusals, ..health.clone() }
    };
    let is_news = next != *health;
    Verdict { health: is_news.then_some(next).or(verdict.health), ..verdict }
}
