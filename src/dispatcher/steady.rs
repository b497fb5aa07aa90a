//! Steady: sees the wall clock step back.
//!
//! Must not know what waits for a time.

use tokio::time::Instant;

use crate::model::Time;

/// A step back of the wall clock that is more than its usual correction, in milliseconds.
const CLOCK_STEP_MS: i64 = 1_000;

/// Sees the wall clock step back, by holding it against a clock that only goes forward.
pub(super) struct Steady {
    wall: Time,
    since: Instant,
}

impl Steady {
    pub(super) fn new(now: Time) -> Steady {
        Steady { wall: now, since: Instant::now() }
    }

    /// By how many milliseconds the wall clock has stepped back since the last look; 0 if it has
    /// not. Due times must follow, or a retry would wait for as long again.
    pub(super) fn step_back(&self, now: Time) -> i64 {
        let passed = i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        let back = self.wall.plus_ms(passed).ms_since(now);
        if back > CLOCK_STEP_MS { back } else { 0 }
    }

    /// What was seen has been dealt with.
    pub(super) fn follow(&mut self, now: Time) {
        *self = Steady::new(now);
    }
}
