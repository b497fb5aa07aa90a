//! Where a delivery that waits stands, as people see it: pending or held, why, and when it goes on.
//!
//! Derived from the delivery and its webhook, never written. Must not know of SQL.

use super::webhooks::{Known, Presence};
use crate::explain;
use crate::health::Condition;
use crate::model::Time;

/// A delivery that waits.
pub(super) struct Waiting {
    /// When it is due, if it has its turn.
    pub(super) due: Option<Time>,
    /// Attempts of its series.
    pub(super) tries: i64,
    /// It is held for its own sake, with a reason of its own.
    pub(super) is_held: bool,
}

/// How it stands.
pub(super) struct Standing {
    pub(super) is_held: bool,
    pub(super) reason: &'static str,
    pub(super) text: String,
    pub(super) next: Option<Time>,
}

pub(super) fn of(waiting: &Waiting, known: Option<&Known>, now: Time) -> Standing {
    let stand = |is_held, reason, text: String, next| Standing { is_held, reason, text, next };
    let held = |reason, text, next| stand(true, reason, text, next);
    let Some(known) = known.filter(|known| known.presence != Presence::Deleted) else {
        return held(
            "webhook_deleted",
            "Its webhook was deleted; it is being cancelled.".into(),
            None,
        );
    };
    if known.presence == Presence::Retired {
        return held("no_url", explain::no_url(&known.webhook.id), None);
    }
    let health = &known.health;
    if health.is_paused {
        let text = "Somebody paused the webhook; resume it and this goes out in its turn.";
        return held("webhook_paused", text.into(), None);
    }
    let probe = health
        .probe_at
        .filter(|_| waiting.due.is_some())
        .map(|at| at.max(known.wait_until).max(now));
    match health.condition {
        Condition::Up => {}
        condition => {
            let reason = match condition {
                Condition::Gone => "webhook_gone",
                Condition::Misconfigured => "webhook_misconfigured",
                Condition::Up | Condition::Down => "webhook_down",
            };
            return held(reason, explain::why_not_up(health), probe);
        }
    }
    let next = waiting.due.map(|due| due.max(known.wait_until));
    if known.is_recovering {
        let text = "A recovery is putting older events in line first; this goes out after it.";
        return stand(waiting.is_held, "recovering", text.into(), None);
    }
    let (reason, text) = match waiting.due {
        None => ("waiting_turn", "An earlier change of the same task goes out first."),
        Some(_) if known.wait_until > now => (
            "receiver_busy",
            "The receiver asked for a pause (Retry-After); this goes out after it.",
        ),
        Some(_) if waiting.tries > 0 => {
            ("retry", "The last attempt failed; the next one goes out at the time shown.")
        }
        Some(_) => ("due", "It goes out as soon as its webhook's pace and room allow."),
    };
    stand(waiting.is_held, reason, text.into(), next)
}
