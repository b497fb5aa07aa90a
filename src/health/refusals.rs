//! Refusals: a webhook that answers, and refuses whatever it is sent.
//!
//! Each refusal is the receiver's decision about an event, so nothing is held back for it; but who
//! takes nothing does not work, and somebody must hear of it. Must not decide what becomes of a
//! delivery.

use super::{Condition, Ended, Health, Verdict};
use crate::model::Time;

/// So many refusals in a row, with no 2xx since they began, say that it refuses everything.
const MANY: u32 = 10;

/// What a webhook that is up has refused since it last answered anything with 2xx.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// How many, counted no further than it matters.
    pub count: u32,
    /// Since when they are so many that it is said to refuse everything; the first 2xx ends it.
    pub since: Option<Time>,
}

impl Refusals {
    fn and_one(self, now: Time) -> Refusals {
        let count = (self.count + 1).min(MANY);
        Refusals { count, since: self.since.or((count == MANY).then_some(now)) }
    }
}

/// Counts a refusal. A webhook that is not up has a condition that says more.
pub(super) fn count(verdict: Verdict, before: &Health, ended: &Ended<'_>) -> Verdict {
    let health = verdict.health.as_ref().unwrap_or(before);
    if health.condition != Condition::Up {
        return verdict;
    }
    let refusals = health.refusals.and_one(ended.now);
    let why = if refusals.since.is_some() { ended.why } else { "" };
    let is_news = refusals != health.refusals || why != health.why;
    let next = is_news.then(|| Health { refusals, why: why.to_owned(), ..health.clone() });
    Verdict { health: next.or(verdict.health), ..verdict }
}
