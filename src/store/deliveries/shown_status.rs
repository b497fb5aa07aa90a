//! Where a delivery that waits stands, as people see it: pending or held, why, and when it goes on.
//!
//! Derived from the delivery and its webhook, never written. Must not know of SQL.

use crate::delivery::explain;
use crate::delivery::health::Condition;
use crate::model::{Reason, Time};
use crate::store::webhooks::{Presence, WebhookState};

/// A delivery that waits.
pub(crate) struct Unfinished {
    /// When it is due, if it has its turn.
    pub(crate) due: Option<Time>,
    /// Attempts of its series.
    pub(crate) tries: i64,
    /// It is held for its own sake, with a reason of its own.
    pub(crate) is_held: bool,
}

/// The status of a delivery that is shown, why, and when it goes on.
pub(crate) struct ShownStatus {
    pub(crate) is_held: bool,
    pub(crate) reason: Reason,
    pub(crate) text: String,
    pub(crate) next: Option<Time>,
}

pub(crate) fn of(waiting: &Unfinished, known: Option<&WebhookState>, now: Time) -> ShownStatus {
    let held = |reason, text, next| ShownStatus { is_held: true, reason, text, next };
    let Some(known) = known.filter(|known| known.presence != Presence::Deleted) else {
        return held(Reason::WebhookDeleted, explain::ENDS_SOON.to_owned(), None);
    };
    if known.presence == Presence::Retired {
        return held(Reason::NoUrl, explain::no_url(&known.webhook.id), None);
    }
    let health = &known.health;
    if health.is_paused {
        return held(Reason::WebhookPaused, Reason::WebhookPaused.words().to_owned(), None);
    }
    let fault = match health.condition {
        Condition::Up => None,
        Condition::Down => Some(Reason::WebhookDown),
        Condition::Misconfigured => Some(Reason::WebhookMisconfigured),
        Condition::Gone => Some(Reason::WebhookGone),
    };
    if let Some(reason) = fault {
        let probe = health.probe_at.filter(|_| waiting.due.is_some());
        let next = probe.map(|at| at.max(known.wait_until).max(now));
        return held(reason, explain::why_not_up(health), next);
    }
    let due = waiting.due.map(|due| due.max(known.wait_until));
    let (reason, next) = match waiting.due {
        _ if known.is_recovering => (Reason::Recovering, None),
        None => (Reason::WaitingTurn, None),
        Some(_) if known.wait_until > now => (Reason::ReceiverBusy, due),
        Some(_) if waiting.tries > 0 => (Reason::Retry, due),
        Some(_) => (Reason::Due, due),
    };
    ShownStatus { is_held: waiting.is_held, reason, text: reason.words().to_owned(), next }
}
