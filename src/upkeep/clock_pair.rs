//! Two clocks: since when the wall clock has run without being set, as far as the rounds of a chore have seen.
//!
//! Must not know what is counted by it.

use tokio::time::Instant;

use crate::model::{STEP_MS, Time};

/// The wall clock and the steady one at the last look, and since when they have run alike.
pub(super) struct ClockPair {
    since: Time,
    wall: Time,
    steady: Instant,
}

impl ClockPair {
    pub(super) fn new(now: Time) -> ClockPair {
        ClockPair { since: now, wall: now, steady: Instant::now() }
    }

    /// Since when the wall clock was not set; it is `now`. A step that was seen begins anew.
    pub(super) fn since(&mut self, now: Time) -> Time {
        let steady = Instant::now();
        let passed = i64::try_from((steady - self.steady).as_millis()).unwrap_or(i64::MAX);
        if is_step(now.ms_since(self.wall), passed) {
            self.since = now;
        }
        (self.wall, self.steady) = (now, steady);
        self.since
    }
}

fn is_step(by_wall: i64, by_steady: i64) -> bool {
    by_wall.saturating_sub(by_steady).abs() > STEP_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_begins_anew_and_one_that_runs_does_not() {
        for (by_wall, by_steady, stepped) in [
            (60_000, 60_000, false),
            (60_900, 60_000, false),
            (360_000_000, 60_000, true),
            (-360_000_000, 60_000, true),
            (58_000, 60_000, true),
        ] {
            assert_eq!(is_step(by_wall, by_steady), stepped, "{by_wall}");
        }
        let start = Time(1_000_000);
        let mut clocks = ClockPair::new(start);
        assert_eq!(clocks.since(start.plus_ms(1)), start);
        let later = start.plus_ms(360_000_000);
        assert_eq!(clocks.since(later), later);
        assert_eq!(clocks.since(later.plus_ms(1)), later);
    }
}
