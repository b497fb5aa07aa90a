//! Notices when the wall clock steps, by comparing it with a clock that only goes forward.
//!
//! Must not know what waits for a time.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock;
use crate::model::{STEP_MS, Time};
use crate::store::{ClockStep, Now};

/// The wall clock and the steady one at the last look.
pub(super) struct WallClock {
    wall: Time,
    since: Instant,
}

/// Readings of both clocks at most, of which the closest counts.
const READINGS: usize = 8;
/// The clocks were read together if no more passed between them.
const TOGETHER: Duration = Duration::from_millis(1);

impl WallClock {
    /// Both clocks now.
    pub(super) fn read() -> WallClock {
        together(clock::now, Instant::now)
    }

    /// The moment by both: the steady one in milliseconds since `born`.
    pub(super) fn beside(&self, born: Instant) -> Now {
        let passed = self.since.saturating_duration_since(born).as_millis();
        (self.wall, i64::try_from(passed).unwrap_or(i64::MAX))
    }

    /// How the wall clock has stepped from here to a later look, if it has: what waits must follow, or a
    /// retry would come at once, or wait for as long again.
    pub(super) fn step_to(&self, seen: &WallClock) -> Option<ClockStep> {
        let passed = (seen.since - self.since).as_millis();
        step_between(self.wall, i64::try_from(passed).unwrap_or(i64::MAX), seen.wall)
    }
}

/// A thread may be put aside between the two. By so much a step would be taken for another one, and a series would
/// seem to have begun before what arrived a moment earlier.
fn together(wall: impl Fn() -> Time, steady: impl Fn() -> Instant) -> WallClock {
    let read = || {
        let since = steady();
        let seen = WallClock { wall: wall(), since };
        (steady() - since, seen)
    };
    let mut best = read();
    for _ in 1..READINGS {
        if best.0 < TOGETHER {
            break;
        }
        let next = read();
        if next.0 < best.0 {
            best = next;
        }
    }
    best.1
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
    use std::cell::Cell;

    use super::*;

    const AT: Time = Time(1_000_000_000);
    const HOUR: i64 = 3_600_000;

    #[test]
    fn clocks_that_were_read_apart_are_read_again() {
        let start = Instant::now();
        // Twice the thread is put aside between the two, for 20 and for 5 milliseconds, then not.
        for (gaps, chosen) in [(vec![20, 5, 0], 2), (vec![0], 0), (vec![20; READINGS], 0)] {
            let (reading, passed) = (Cell::new(0), Cell::new(0));
            let wall = || {
                let at = passed.get();
                passed.set(at + gaps[reading.get()]);
                reading.set(reading.get() + 1);
                AT.plus_ms(at)
            };
            let steady = || start + Duration::from_millis(passed.get().try_into().unwrap());
            let read = together(wall, steady);
            let before: i64 = gaps[..chosen].iter().sum();
            assert_eq!(read.beside(start), (AT.plus_ms(before), before), "{gaps:?}");
        }
    }

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
