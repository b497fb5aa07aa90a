//! Health of a webhook, and the fate of a delivery after an attempt: whose fault was it?
//!
//! One poisoned event never stops a webhook, and a dead webhook never burns its events. Pure: what
//! happened, the time and chance come in. Must not know of SQL or sockets.
#![doc = include_str!("../../docs/internals/health.md")]

mod policy;
mod refusals;
mod verdict;

use crate::delivery::retry::{self, Decision};
use crate::model::{OnReject, Outcome, Reason, Time, Webhook, names};

pub(crate) use policy::{Policy, is_expired, probe_wait_ms};
pub(crate) use refusals::Refusals;
pub(crate) use verdict::{Fate, Verdict};

/// Different events in a row that must be refused with 401, 403 or 404 before the fault is the
/// webhook's.
const DENIALS: usize = 3;
/// A webhook is down after so long without a 2xx and with failures, also where no event has used up its
/// attempts yet: behind a long queue, second attempts come late. Longer than three attempts of ten seconds
/// take. In milliseconds.
const FAILING_MS: i64 = 60_000;
/// The wait after a fault of this machine, in milliseconds.
const LOCAL_FAULT_MS: i64 = 1_000;

names! {
    /// Whether a webhook works.
    pub(crate) enum Condition {
        /// It takes events, as far as is known.
        Up = "up",
        /// It answers nothing with 2xx; one request at a time looks whether it is back.
        Down = "down",
        /// It does not let us in, or its address may not be reached; a person must look.
        Misconfigured = "misconfigured",
        /// It said 410: there is no such webhook any more.
        Gone = "gone",
    }
}

impl Condition {
    /// Whether a person must mend something before anything can be sent.
    pub(crate) fn needs_person(self) -> bool {
        matches!(self, Condition::Misconfigured | Condition::Gone)
    }
}

/// How a webhook is doing. Kept over restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Health {
    /// Whether it works.
    pub(crate) condition: Condition,
    /// A person stopped it.
    pub(crate) is_paused: bool,
    /// Since when it is in this condition; what was tried before does not count any more.
    pub(crate) since: Time,
    /// Probes that have failed since.
    pub(crate) failures: u32,
    /// When the next probe goes out; `None` = not by itself.
    pub(crate) probe_at: Option<Time>,
    /// When the request left that last failed while it was not up: nothing is given up without such a
    /// look.
    pub(crate) looked_at: Option<Time>,
    /// The events (by their order) refused in a row with 401, 403 or 404.
    pub(crate) denied: Vec<i64>,
    /// What it has refused in a row, whatever the answer.
    pub(crate) refusals: Refusals,
    /// What went wrong, in words; empty while nothing does.
    pub(crate) why: String,
}

impl Health {
    /// A webhook about which nothing bad is known.
    pub(crate) fn fresh(now: Time) -> Health {
        Health {
            condition: Condition::Up,
            is_paused: false,
            since: now,
            failures: 0,
            probe_at: None,
            looked_at: None,
            denied: Vec::new(),
            refusals: Refusals::default(),
            why: String::new(),
        }
    }

    /// Whether events go out as they come.
    pub(crate) fn is_up(&self) -> bool {
        self.condition == Condition::Up && !self.is_paused
    }

    /// Whether it refuses everything; it is sent what comes all the same.
    pub(crate) fn is_refusing(&self) -> bool {
        self.condition == Condition::Up && self.refusals.since.is_some()
    }

    /// A person says: go on. If it was not up, one probe looks at once, and earlier ones say no more.
    #[must_use]
    pub(crate) fn resumed(&self, now: Time) -> Health {
        let probe_at = (self.condition != Condition::Up).then_some(now);
        Health { is_paused: false, probe_at, looked_at: None, ..self.clone() }
    }

    /// Whether a request that left at `since` or later has failed, so that what waits may be given up.
    pub(crate) fn was_looked_at(&self, since: Time) -> bool {
        self.looked_at.is_some_and(|at| at >= since)
    }

    /// It took something.
    fn accepted(self) -> Health {
        let refusals = Refusals::default();
        Health { denied: Vec::new(), refusals, why: String::new(), ..self }
    }

    fn turned(&self, condition: Condition, ended: &EndedAttempt<'_>) -> Health {
        let since = if condition == self.condition { self.since } else { ended.now };
        // Only a 2xx shows that it takes something; to whom nothing is sent, nothing can be refused.
        let refusals =
            if condition.needs_person() { Refusals::default() } else { self.refusals.clone() };
        Health {
            condition,
            since,
            failures: 0,
            probe_at: None,
            looked_at: None,
            denied: Vec::new(),
            refusals,
            why: ended.why.to_owned(),
            is_paused: self.is_paused,
        }
    }

    fn probing(self, failures: u32, policy: &Policy, ended: &EndedAttempt<'_>) -> Health {
        let wait = probe_wait_ms(policy, failures, ended.chance);
        Health { failures, probe_at: Some(ended.now.plus_ms(wait)), ..self }
    }
}

/// An attempt that has ended, and what is known around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndedAttempt<'e> {
    /// The order of its event.
    pub(crate) seq: i64,
    /// Which attempt of its series it was: 1, 2, 3 …
    pub(crate) tries: u32,
    /// When that series began.
    pub(crate) first: Time,
    /// When this request began.
    pub(crate) started: Time,
    /// It was sent to a webhook that was not up, to see whether it is.
    pub(crate) is_probe: bool,
    /// It was held as `refused_alone` before.
    pub(crate) is_alone: bool,
    /// What came back.
    pub(crate) outcome: &'e Outcome,
    /// The same in words.
    pub(crate) why: &'e str,
    /// When this webhook last answered anything with 2xx.
    pub(crate) last_success: Option<Time>,
    /// Since when this webhook has answered nothing with 2xx and failed at least once.
    pub(crate) failing_since: Option<Time>,
    /// When it ended.
    pub(crate) now: Time,
    /// At random, 0 to 1: keeps probes of many webhooks apart.
    pub(crate) chance: f64,
}

/// Decides about a delivery and its webhook after an attempt.
pub(crate) fn after(
    health: &Health,
    webhook: &Webhook,
    policy: &Policy,
    ended: &EndedAttempt<'_>,
) -> Verdict {
    let mut verdict = verdict_after(health, webhook, policy, ended);
    // A fault of this machine is no look.
    if let Some(health) = verdict.health.as_mut().filter(|_| !ended.outcome.is_local_fault)
        && health.condition != Condition::Up
    {
        health.looked_at = Some(ended.started);
    }
    verdict
}

fn verdict_after(
    health: &Health,
    webhook: &Webhook,
    policy: &Policy,
    ended: &EndedAttempt<'_>,
) -> Verdict {
    let outcome = ended.outcome;
    if outcome.is_local_fault {
        let retry = Fate::Uncounted { after_ms: LOCAL_FAULT_MS };
        let again = ended.now.plus_ms(LOCAL_FAULT_MS);
        return if ended.is_probe && health.condition != Condition::Up {
            Verdict::and(retry, Health { probe_at: Some(again), ..health.clone() })
        } else {
            Verdict::only(retry)
        };
    }
    if outcome.is_success() {
        return Verdict { health: after_success(health, ended), ..Verdict::only(Fate::Delivered) };
    }
    let decision = retry::after(outcome, ended.tries, webhook.max_attempts);
    let verdict = if policy.recovers {
        after_fault(health, webhook, policy, ended, &decision)
    } else {
        Verdict::only(match decision {
            Decision::Delivered => Fate::Delivered,
            Decision::Retry { after_ms } => Fate::Retry { after_ms },
            Decision::AttemptsUsed => Fate::Failed { reason: Reason::AttemptsUsed },
            Decision::Rejected => rejected(webhook),
        })
    };
    if decision != Decision::Rejected {
        return verdict;
    }
    refusals::count(Verdict { is_rejected: true, ..verdict }, health, ended)
}

fn after_fault(
    health: &Health,
    webhook: &Webhook,
    policy: &Policy,
    ended: &EndedAttempt<'_>,
    decision: &Decision,
) -> Verdict {
    let outcome = ended.outcome;
    match (decision, outcome.status) {
        (_, Some(410)) => suspend(health, Condition::Gone, ended),
        (_, _) if outcome.blocked => suspend(health, Condition::Misconfigured, ended),
        (Decision::Rejected, Some(401 | 403 | 404)) => after_denial(health, webhook, policy, ended),
        (Decision::Rejected, _) => after_rejection(health, webhook, policy, ended),
        (decision, _) => after_failure(health, policy, ended, decision, webhook.max_attempts),
    }
}

fn rejected(webhook: &Webhook) -> Fate {
    match webhook.on_reject {
        OnReject::Skip => Fate::Failed { reason: Reason::Rejected },
        OnReject::Hold => Fate::Held,
    }
}

fn up(health: &Health, ended: &EndedAttempt<'_>) -> Health {
    health.turned(Condition::Up, ended).accepted()
}

/// A 2xx ends `down`. The other conditions end only by the answer to a request that began after
/// them: an older one says nothing about what the receiver said since.
fn after_success(health: &Health, ended: &EndedAttempt<'_>) -> Option<Health> {
    match health.condition {
        Condition::Up if health.denied.is_empty() && health.refusals.events.is_empty() => None,
        Condition::Up => Some(health.clone().accepted()),
        Condition::Down => Some(up(health, ended)),
        Condition::Misconfigured | Condition::Gone if ended.started >= health.since => {
            Some(up(health, ended))
        }
        Condition::Misconfigured | Condition::Gone => None,
    }
}

/// The answer speaks of the webhook, not of the event: what it refused waits with the rest.
fn suspend(health: &Health, condition: Condition, ended: &EndedAttempt<'_>) -> Verdict {
    let restored = health.denied.iter().copied().filter(|seq| *seq != ended.seq).collect();
    // A probe that a person asked for while this request was under way is still to come.
    let is_known = health.condition.needs_person();
    // The start is the end, by the wall clock, less what the attempt took by the steady one. Both are rounded, so it may
    // seem a millisecond earlier than the probe that it was.
    let probe_at = health.probe_at.filter(|at| is_known && *at > ended.started.plus_ms(1));
    let turned = Health { probe_at, ..health.turned(condition, ended) };
    Verdict { restored, ..Verdict::and(Fate::Waits, turned) }
}

fn after_denial(
    health: &Health,
    webhook: &Webhook,
    policy: &Policy,
    ended: &EndedAttempt<'_>,
) -> Verdict {
    let mut denied = health.denied.clone();
    if !denied.contains(&ended.seq) {
        denied.push(ended.seq);
    }
    let is_known = health.condition.needs_person();
    if is_known || denied.len() >= DENIALS {
        let condition = if is_known { health.condition } else { Condition::Misconfigured };
        return suspend(&Health { denied, ..health.clone() }, condition, ended);
    }
    let health = Health { denied, ..health.clone() };
    if health.condition == Condition::Up {
        return Verdict::and(rejected(webhook), health);
    }
    if ended.is_probe {
        let failures = health.failures.saturating_add(1);
        let said = Health { why: ended.why.to_owned(), ..health };
        return Verdict::and(Fate::Waits, said.probing(failures, policy, ended));
    }
    Verdict::and(Fate::Waits, health)
}

/// The receiver is there and lets us in, but not with this event.
fn after_rejection(
    health: &Health,
    webhook: &Webhook,
    policy: &Policy,
    ended: &EndedAttempt<'_>,
) -> Verdict {
    let fate = rejected(webhook);
    if health.condition == Condition::Up {
        if health.denied.is_empty() {
            return Verdict::only(fate);
        }
        return Verdict::and(fate, Health { denied: Vec::new(), ..health.clone() });
    }
    if !ended.is_probe {
        return Verdict::only(fate);
    }
    // Somebody answers: the next event is worth an early look.
    Verdict::and(fate, health.turned(Condition::Down, ended).probing(0, policy, ended))
}

/// No answer, or one that says "later".
fn after_failure(
    health: &Health,
    policy: &Policy,
    ended: &EndedAttempt<'_>,
    decision: &Decision,
    max_attempts: u32,
) -> Verdict {
    let asked = ended.outcome.retry_after_ms.unwrap_or(0);
    let alone = || {
        let times = ended.tries.saturating_sub(max_attempts);
        let wait = probe_wait_ms(policy, times, ended.chance);
        Fate::HeldAlone { after_ms: wait.max(asked) }
    };
    let is_probe = ended.is_probe && health.condition != Condition::Up;
    if is_probe {
        let fate = if ended.is_alone { alone() } else { Fate::Waits };
        let turned = match health.condition {
            Condition::Down => Health { why: ended.why.to_owned(), ..health.clone() },
            // It no longer says what it said: from now on it is looked at as any that is down.
            _ => health.turned(Condition::Down, ended),
        };
        let failures = turned.failures.saturating_add(1);
        return Verdict::and(fate, turned.probing(failures, policy, ended));
    }
    if ended.is_alone {
        return Verdict::only(alone());
    }
    let fails_long = ended.failing_since.is_some_and(|at| ended.now.ms_since(at) >= FAILING_MS);
    match decision {
        Decision::Retry { after_ms } if !fails_long || health.condition != Condition::Up => {
            Verdict::only(Fate::Retry { after_ms: *after_ms })
        }
        _ if health.condition != Condition::Up => Verdict::only(Fate::Waits),
        _ if ended.last_success.is_some_and(|at| at >= ended.first) => Verdict::only(alone()),
        _ => {
            let down = health.turned(Condition::Down, ended);
            Verdict::and(Fate::Waits, down.probing(0, policy, ended))
        }
    }
}

#[cfg(test)]
mod tests;
