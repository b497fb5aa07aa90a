//! A step of the wall clock: what waits for a time goes on waiting for the same span.
//!
//! Must not know how a step is noticed.

use super::engine::error::Result;
use super::engine::tx::Tx;
use crate::model::Time;

/// How the wall clock stepped, and which times were set before it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockStep {
    /// By so many milliseconds; negative: back.
    pub(crate) by_ms: i64,
    /// Times after this one …
    pub(crate) after: Time,
    /// … up to this one move with the clock.
    pub(crate) up_to: Time,
}

/// Moves what waits for a time (retries, the quiet that a receiver asked for, probes), and with it since when it is as it
/// is: else a series of attempts would seem to have begun before what arrived ahead of it, or before its webhook was up.
pub(crate) fn follow_clock(tx: &mut Tx<'_>, step: &ClockStep) -> Result<()> {
    let values = [step.after.0.into(), step.up_to.0.into(), step.by_ms.into()];
    for sql in [
        "UPDATE deliveries SET due_ms = due_ms + ?3
         WHERE due_ms IS NOT NULL AND due_ms > ?1 AND due_ms <= ?2",
        "UPDATE webhooks SET wait_until_ms = wait_until_ms + ?3
         WHERE wait_until_ms > ?1 AND wait_until_ms <= ?2",
        "UPDATE webhooks SET probe_ms = probe_ms + ?3 WHERE probe_ms > ?1 AND probe_ms <= ?2",
        // Whether its retry is due already or not: the end of an attempt is written down by the clock from before the step.
        "UPDATE deliveries SET first_ms = first_ms + ?3
         WHERE due_ms IS NOT NULL AND first_ms IS NOT NULL",
        "UPDATE webhooks SET since_ms = since_ms + ?3 WHERE since_ms <= ?2",
        "UPDATE webhooks SET looked_ms = looked_ms + ?3 WHERE looked_ms <= ?2",
    ] {
        tx.execute(sql, &values)?;
    }
    tx.forget();
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::delivery::pace::Seen;
    use crate::model::{Origin, Outcome, Task, TaskId, TaskInput, Unknown};
    use crate::store::engine::tx::Beside;
    use crate::store::tests::small_world::{HOUR, POLICY, World};
    use crate::store::{AttemptRecord, Change, Handover, StoredClock, create, record};

    fn world() -> World {
        let mut world = World::new(&["wh_a"]);
        world.set("UPDATE webhooks SET max_attempts = 3");
        world.change("t", "A");
        world
    }

    fn failed() -> Outcome {
        Outcome { status: Some(500), broken: None, ..Outcome::broken("") }
    }

    fn is_up(world: &World) -> bool {
        world.count("SELECT COUNT(*) FROM webhooks WHERE condition = 'up'") == 1
    }

    /// The clock is set by so much, and that is noticed so many milliseconds after the last look.
    fn step(world: &mut World, by_ms: i64, passed_ms: i64) {
        let was = world.now;
        world.now = was.plus_ms(passed_ms + by_ms);
        let (after, up_to) = if by_ms > 0 {
            (was.plus_ms(passed_ms), was.plus_ms(by_ms))
        } else {
            (world.now, Time(i64::MAX))
        };
        world.tx(|tx| follow_clock(tx, &ClockStep { by_ms, after, up_to })).unwrap();
    }

    #[test]
    fn a_retry_waits_its_second_whichever_way_the_clock_is_set() {
        for by_ms in [HOUR, -HOUR, 24 * HOUR, -24 * HOUR] {
            let mut world = world();
            let claim = world.claim().remove(0);
            world.end_so(&claim, failed(), 20, Seen::default());
            step(&mut world, by_ms, 0);
            world.now = world.now.plus_ms(999);
            assert!(world.claim().is_empty(), "{by_ms}: not before its time");
            world.now = world.now.plus_ms(1);
            let again = world.claim();
            assert_eq!((again.len(), again[0].tries), (1, 2), "{by_ms}");
        }
    }

    /// The clock is set while each request is under way, which is noticed before its end is written down or after; the
    /// webhook has failed for as long as the series lasts, by the clock that never steps.
    #[test]
    fn three_attempts_stay_three_when_the_clock_is_set() {
        for (by_ms, is_noticed) in
            [HOUR, -HOUR, 24 * HOUR, -24 * HOUR].iter().flat_map(|by| [(*by, true), (*by, false)])
        {
            let mut world = world();
            for attempt in 1..=3 {
                let claim = world.claim().remove(0);
                assert_eq!(claim.tries, attempt, "{by_ms}");
                let failing_ms = Some(claim.steady_ms - 1_000 * i64::from(attempt));
                let seen = Seen { failing_ms, ..Seen::default() };
                if is_noticed {
                    step(&mut world, by_ms, 0);
                }
                world.end_so(&claim, failed(), 20, seen);
                if !is_noticed {
                    step(&mut world, by_ms, 0);
                }
                assert_eq!(is_up(&world), attempt < 3, "{by_ms}: after attempt {attempt}");
                world.now = world.now.plus_ms(2_000);
            }
        }
    }

    /// Also where the retry is due by then, or waits for longer than the step.
    #[test]
    fn a_series_began_when_it_did_whenever_a_step_is_noticed() {
        for by_ms in [5_000, -5_000, HOUR, -HOUR, 24 * HOUR, -24 * HOUR] {
            for (passed_ms, success_ms, is_alone) in [100, 12_000, 29_000, 31_000, 40_000]
                .iter()
                .flat_map(|passed| [(*passed, -2_000, false), (*passed, 10, true)])
            {
                let mut world = world();
                world.set("UPDATE webhooks SET max_attempts = 2");
                let (claim, began) = (world.claim().remove(0), world.now);
                world.now = began.plus_ms(20);
                let later = Outcome { retry_after_ms: Some(30_000), ..failed() };
                world.end_so(&claim, later, 20, Seen::default());
                step(&mut world, by_ms, passed_ms);
                let due = "SELECT MAX(due_ms, wait_until_ms) FROM deliveries, webhooks";
                world.now = world.now.max(Time(world.count(due)));
                let claim = world.claim().remove(0);
                let passed = world.now.ms_since(began) - by_ms;
                let success_ms = Some(claim.steady_ms - passed + success_ms);
                world.now = world.now.plus_ms(20);
                world.end_so(&claim, failed(), 20, Seen { success_ms, ..Seen::default() });
                let told = format!("{by_ms} after {passed_ms}: {success_ms:?}");
                assert_eq!((claim.tries, is_up(&world)), (2, is_alone), "{told}");
            }
        }
    }

    #[test]
    fn a_condition_is_as_old_as_it_was() {
        for by_ms in [HOUR, -HOUR] {
            for ago in [0, 5_000, 3 * HOUR] {
                let mut world = world();
                let ms = world.now.plus_ms(-ago).0;
                world.set(&format!("UPDATE webhooks SET since_ms = {ms}, looked_ms = {ms}"));
                step(&mut world, by_ms, 500);
                assert_eq!(world.count("SELECT looked_ms - since_ms FROM webhooks"), 0);
                let is = world.count("SELECT since_ms FROM webhooks");
                assert_eq!(world.now.ms_since(Time(is)), ago + 500, "{by_ms}");
            }
        }
    }

    /// A success before the series is one, whatever the clock says of it.
    #[test]
    fn what_arrived_before_a_series_began_does_not_excuse_it() {
        for (by_ms, success_ms, is_alone) in
            [(-HOUR, -5_000, false), (-HOUR, 10, true), (HOUR, -5_000, false), (HOUR, 10, true)]
        {
            let mut world = world();
            world.set("UPDATE webhooks SET max_attempts = 1");
            let claim = world.claim().remove(0);
            world.now = world.now.plus_ms(by_ms);
            let success_ms = Some(claim.steady_ms + success_ms);
            let seen = Seen { success_ms, ..Seen::default() };
            world.end_so(&claim, failed(), 20, seen);
            assert_eq!(is_up(&world), is_alone, "{by_ms} {success_ms:?}");
        }
    }

    /// A transaction at a moment by both clocks, and what is stored goes by `stored`.
    fn at(world: &World, now: Time, steady_ms: i64, stored: StoredClock) -> Tx<'_> {
        let handover: Beside = Arc::new(Handover {
            // Nobody has looked at the queue yet, so nothing leaves at once.
            gates: Arc::default(),
            now: Box::new(move || (now, steady_ms)),
            send: Box::new(|_| ()),
            tracker: TaskTracker::new(),
            stored,
        });
        Tx::with_memory(&world.connection, &world.memory).beside(Some(handover))
    }

    /// The end waits for the writer while the clock is set: what is stored has followed that, or follows it after.
    #[test]
    fn an_end_from_before_the_step_is_written_down_as_one_after_it() {
        for (by_ms, is_followed) in
            [HOUR, -HOUR, 24 * HOUR, -24 * HOUR].iter().flat_map(|by| [(*by, true), (*by, false)])
        {
            let mut world = world();
            world.change("t", "B");
            let claim = world.claim().remove(0);
            let (steady_ms, was) = (claim.steady_ms + 20, world.now);
            let now = was.plus_ms(by_ms);
            let looked = if is_followed { now } else { was };
            // By whichever clock it was read.
            for ended in [was, now] {
                let mut tx = at(&world, now, steady_ms, StoredClock::new((looked, steady_ms)));
                tx.run("SAVEPOINT one").unwrap();
                let came = (failed(), None);
                let end = AttemptRecord::of(&claim, came, ended, steady_ms, Seen::default());
                record(&mut tx, &POLICY, &claim, &end).unwrap().unwrap();
                if !is_followed {
                    let (after, up_to) = if by_ms > 0 { (was, now) } else { (now, Time(i64::MAX)) };
                    follow_clock(&mut tx, &ClockStep { by_ms, after, up_to }).unwrap();
                }
                let due = world.count("SELECT due_ms FROM deliveries WHERE due_ms IS NOT NULL");
                assert_eq!(due, now.plus_ms(1_000).0, "{by_ms} {is_followed} {ended}");
                tx.run("ROLLBACK TO one").unwrap();
                tx.forget();
            }
        }
    }

    #[test]
    fn what_was_asked_for_before_the_clock_was_set_back_is_due_all_the_same() {
        let world = World::new(&["wh_a"]);
        let now = world.now.plus_ms(-HOUR);
        let mut tx = at(&world, now, 0, StoredClock::new((world.now, 0)));
        let body = serde_json::json!({"title": "A"});
        let input = TaskInput::read(body.as_object().unwrap(), "", Unknown::Refused).unwrap();
        let id = TaskId::parse("t").unwrap();
        let task = Task::create(id, input.try_into().unwrap(), world.now, &mut String::new);
        let change = Change { event_id: "evt_1".into(), origin: Origin::api(), now: world.now };
        create(&mut tx, task, 0, change).unwrap();
        assert_eq!(world.count("SELECT due_ms FROM deliveries"), now.0);
    }
}
