//! Notices when the wall clock steps, by comparing it with a clock that only goes forward.
//!
//! Must not know what waits for a time.

use tokio::time::Instant;

use crate::model::{STEP_MS, Time};
use crate::store::ClockStep;

/// The wall clock and the steady one at the last look.
pub(super) struct WallClock {
    wall: Time,
    since: Instant,
}

impl WallClock {
    pub(super) fn new(now: Time) -> WallClock {
        WallClock { wall: now, since: Instant::now() }
    }

    /// How the wall clock has stepped since the last look, if it has: what waits must follow, or a
    /// retry would come at once, or wait for as long again. With it what takes the place of this
    /// once the step has been dealt with.
    pub(super) fn look(&self, now: Time) -> (Option<ClockStep>, WallClock) {
        let seen = WallClock::new(now);
        let passed = (seen.since - self.since).as_millis();
        (step_between(self.wall, i64::try_from(passed).unwrap_or(i64::MAX), now), seen)
    }
}

/// The step between a look at `before` and one `passed` milliseconds later at `now`. It may have come
/// at any moment between the two, and what was set after it is right already.
fn step_between(before: Time, passed: i64, now: Time) -> Option<ClockStep> {
    let should_be = before.plus_ms(passed);
    let by_ms = now.ms_since(should_be);
    if by_ms.abs() <= STEP_MS {
        return None;
    }
    Some(if by_ms > 0 {
        // What the step alone made due. Times set after it are later than its earliest moment.
        ClockStep { by_ms, after: should_be, up_to: before.plus_ms(by_ms) }
    } else {
        // What was due already lies ahead now, too.
        ClockStep { by_ms, after: now, up_to: Time(i64::MAX) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Time = Time(1_000_000_000);
    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_clock_that_runs_or_is_corrected_has_not_stepped() {
        for off in [0, 1, -1, 999, -999, 1_000, -1_000] {
            assert_eq!(step_between(AT, 500, AT.plus_ms(500 + off)), None, "{off}");
        }
    }

    #[test]
    fn forward_only_what_the_step_made_due_moves() {
        let step = step_between(AT, 500, AT.plus_ms(500 + HOUR)).unwrap();
        assert_eq!(step.by_ms, HOUR);
        let moves = |due: Time| due > step.after && due <= step.up_to;
        assert!(moves(AT.plus_ms(2_000)) && moves(AT.plus_ms(HOUR)));
        assert!(!moves(AT.plus_ms(400)), "it was due before");
        assert!(!moves(AT.plus_ms(HOUR + 1)), "it may have been set after the step");
    }

    #[test]
    fn back_all_that_lies_ahead_moves() {
        let step = step_between(AT, 500, AT.plus_ms(500 - 24 * HOUR)).unwrap();
        assert_eq!((step.by_ms, step.after), (-24 * HOUR, AT.plus_ms(500 - 24 * HOUR)));
        assert_eq!(step.up_to, Time(i64::MAX));
    }
}
