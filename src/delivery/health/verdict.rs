//! Verdict: what may follow from an attempt, for the delivery and for its webhook. A closed set.
//!
//! Must not decide which.

use super::Health;
use crate::model::{AttemptOutcome, Reason};

/// What becomes of the delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It arrived.
    Delivered,
    /// Again after so many milliseconds.
    Retry {
        /// Milliseconds to wait.
        after_ms: i64,
    },
    /// Again after so many milliseconds; this attempt does not count.
    Uncounted {
        /// Milliseconds to wait.
        after_ms: i64,
    },
    /// The fault is the webhook's: it waits until that is up, with all its attempts before it.
    Waits,
    /// The fault is this event's alone: held, and tried by itself after so many milliseconds.
    HeldAlone {
        /// Milliseconds to wait.
        after_ms: i64,
    },
    /// Rejected; its task waits for a person.
    Held,
    /// A person must act.
    Failed {
        /// Rejected, or its attempts are used.
        reason: Reason,
    },
    /// Its webhook was deleted meanwhile: nothing more is sent.
    Cancelled,
}

impl Fate {
    /// How the attempt that led to it is shown and counted.
    pub(crate) fn of_attempt(&self) -> AttemptOutcome {
        match self {
            Fate::Delivered => AttemptOutcome::Delivered,
            Fate::Retry { .. } | Fate::Uncounted { .. } => AttemptOutcome::Retry,
            Fate::Waits | Fate::HeldAlone { .. } | Fate::Held => AttemptOutcome::Held,
            Fate::Failed { .. } | Fate::Cancelled => AttemptOutcome::Failed,
        }
    }

    /// What becomes of a delivery whose webhook was deleted while its request was under way.
    #[must_use]
    pub(crate) fn without_webhook(self) -> Fate {
        match self {
            Fate::Delivered | Fate::Failed { .. } | Fate::Cancelled => self,
            Fate::Retry { .. }
            | Fate::Uncounted { .. }
            | Fate::Waits
            | Fate::HeldAlone { .. }
            | Fate::Held => Fate::Cancelled,
        }
    }
}

/// What follows from an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// What becomes of the delivery.
    pub(crate) fate: Fate,
    /// How the webhook is doing now, if that has changed.
    pub(crate) health: Option<Health>,
    /// Deliveries refused earlier (by their order) for which the webhook was at fault: they wait again.
    pub(crate) restored: Vec<i64>,
    /// The receiver's answer will not change by itself.
    pub(crate) is_rejected: bool,
}

impl Verdict {
    pub(super) fn only(fate: Fate) -> Verdict {
        Verdict { fate, health: None, restored: Vec::new(), is_rejected: false }
    }

    pub(super) fn and(fate: Fate, health: Health) -> Verdict {
        Verdict { health: Some(health), ..Verdict::only(fate) }
    }
}
