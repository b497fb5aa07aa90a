//! Policy: what the settings say of recovery, and the waits and ages that follow from it.
//!
//! Must not know how a webhook is doing.

use crate::model::Time;

/// What the settings say of recovery, for all webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    /// `false`: attempts are used up or refused, then `failed`; only a pause holds.
    pub(crate) recovers: bool,
    /// Milliseconds to the first probe.
    pub(crate) probe_first_ms: i64,
    /// The longest time between two probes, in milliseconds.
    pub(crate) probe_max_ms: i64,
    /// How long after its commit an event is still worth sending once its webhook is not up.
    pub(crate) max_age_ms: i64,
}

/// Milliseconds to a probe after `failures` failed ones: first, doubling to the longest, ±10 %.
pub(crate) fn probe_wait_ms(policy: &Policy, failures: u32, chance: f64) -> i64 {
    let doubled = policy.probe_first_ms.saturating_mul(1_i64 << failures.min(32));
    let wait = doubled.clamp(1, policy.probe_max_ms.max(policy.probe_first_ms).max(1));
    // Tenths of a percent, so that the waits stay whole numbers: 90.0 % to 110.0 %.
    #[expect(clippy::cast_possible_truncation, reason = "0 to 200")]
    let permille = 900 + (chance.clamp(0.0, 1.0) * 200.0) as i64;
    (wait.saturating_mul(permille) / 1_000).max(1)
}

/// Whether an event is too old to be sent by a webhook that is not up.
pub(crate) fn is_expired(policy: &Policy, committed: Time, now: Time) -> bool {
    policy.recovers && now.ms_since(committed) >= policy.max_age_ms
}
