//! A lock of another program (a backup, a shell): who waits for it, waits so long and no longer.
//!
//! Everybody has one deadline, counted from the arrival of its own call, so that a lock that stays is
//! told to all at once and not to one after the other; who runs again, one more from then on. Must not know what is waited for.

use std::thread;
use std::time::{Duration, Instant};

/// How long a call waits for a lock, from its own arrival on.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries: the shortest, since most locks are brief,
const LEAST: Duration = Duration::from_millis(1);
/// and the longest.
const MOST: Duration = Duration::from_millis(50);

/// Whether a call that arrived then has waited for long enough.
pub(crate) fn is_over(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) >= PATIENCE
}

/// Waits a moment, longer the longer the lock has been there.
pub(crate) fn pause(first_met: Instant) {
    thread::sleep((first_met.elapsed() / 8).clamp(LEAST, MOST));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_waits_for_five_seconds_from_its_own_arrival() {
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        assert!(!is_over(began, began) && !is_over(began, at(4_999)));
        assert!(is_over(began, at(5_000)));
        assert!(!is_over(at(5_000), at(9_000)), "a later one has its own five");
        assert!(!is_over(at(1), began));
    }
}
