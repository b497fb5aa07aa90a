//! Figures as they are kept: rows by span, added up as they come, read as a line, forgotten.
//!
//! Nothing that is sent rests on them. Must not know how they are counted or shown: that is
//! `crate::figures`.

use std::collections::BTreeMap;

use super::engine::error::Result;
use super::engine::tx::Tx;
use crate::figures::{Batch, HOUR, LagHistogram, MINUTE, TEN_MINUTES, Tally, Waiting, start};
use crate::model::Time;
use crate::store::engine::columns::{Row, Value, only};

const HOUR_MS: i64 = 3_600_000;
/// The spans of all webhooks together, each with how long it is kept, in milliseconds: what a day
/// and a week show, and the running ones.
const OF_ALL: [(i64, i64); 2] = [(MINUTE, 26 * HOUR_MS), (HOUR, 8 * 24 * HOUR_MS)];
/// The spans of single webhooks: for a rate of five minutes, lags of an hour, bars of a day. With
/// minutes alone, 500 webhooks would have 30,000 rows to add up for the lags of an hour.
const OF_EACH: [(i64, i64); 3] =
    [(MINUTE, HOUR_MS / 6), (TEN_MINUTES, 2 * HOUR_MS), (HOUR, 26 * HOUR_MS)];
/// What begins later than this from now was written by a clock that was ahead.
const AHEAD_MS: i64 = HOUR_MS;

/// Figures of all webhooks together.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// How many waited at the last look before the rows.
    pub(crate) before: Option<i64>,
    /// From the oldest to the newest.
    pub(crate) rows: Vec<(Time, Tally)>,
}

/// Adds what has come together to what is there.
pub(crate) fn add_figures(tx: &mut Tx<'_>, batch: &Batch) -> Result<()> {
    for (seconds, _) in OF_ALL {
        let mut spans = BTreeMap::<Time, Tally>::new();
        for (minute, tally) in &batch.all {
            spans.entry(start(*minute, seconds)).or_default().add(tally);
        }
        for (from, later) in spans {
            add_of_all(tx, seconds, from, &later)?;
        }
    }
    for (seconds, _) in OF_EACH {
        let mut spans = BTreeMap::<(Time, &str), Tally>::new();
        for ((minute, webhook), tally) in &batch.webhooks {
            spans.entry((start(*minute, seconds), webhook)).or_default().add(tally);
        }
        for ((from, webhook), later) in spans {
            add_of_webhook(tx, seconds, from, webhook, later)?;
        }
    }
    for (webhook, answer) in &batch.answers {
        tx.execute(
            "INSERT INTO last_answers (webhook_id, at_ms, status, ms, error)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (webhook_id) DO UPDATE SET at_ms = excluded.at_ms,
                 status = excluded.status, ms = excluded.ms, error = excluded.error",
            &[
                webhook.into(),
                answer.at.0.into(),
                answer.status.into(),
                answer.ms.into(),
                answer.error.as_deref().into(),
            ],
        )?;
    }
    Ok(())
}

fn add_of_all(tx: &mut Tx<'_>, seconds: i64, from: Time, later: &Tally) -> Result<()> {
    let known = tx.row(
        "SELECT start_ms, attempts, delivered, lags, waiting_most, waiting_last FROM figures
         WHERE seconds = ?1 AND start_ms = ?2",
        &[seconds.into(), from.0.into()],
        read_tally,
    )?;
    let mut tally = known.map(|(_, tally)| tally).unwrap_or_default();
    tally.add(later);
    tx.execute(
        "INSERT INTO figures
             (seconds, start_ms, attempts, delivered, lags, waiting_most, waiting_last)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (seconds, start_ms) DO UPDATE SET attempts = excluded.attempts,
             delivered = excluded.delivered, lags = excluded.lags,
             waiting_most = excluded.waiting_most, waiting_last = excluded.waiting_last",
        &[
            seconds.into(),
            from.0.into(),
            tally.attempts.into(),
            tally.delivered.into(),
            Value::from(&tally.lags.text()),
            tally.waiting.map(|waiting| waiting.most).into(),
            tally.waiting.map(|waiting| waiting.last).into(),
        ],
    )?;
    Ok(())
}

fn add_of_webhook(
    tx: &mut Tx<'_>,
    seconds: i64,
    from: Time,
    webhook: &str,
    later: Tally,
) -> Result<()> {
    let mut lags = LagHistogram::default();
    if seconds == TEN_MINUTES {
        lags = later.lags;
        let known = tx.row(
            "SELECT lags FROM webhook_figures
             WHERE seconds = ?1 AND start_ms = ?2 AND webhook_id = ?3",
            &[seconds.into(), from.0.into(), webhook.into()],
            only::<String>,
        )?;
        lags.merge_text(&known.unwrap_or_default());
    }
    tx.execute(
        "INSERT INTO webhook_figures (seconds, start_ms, webhook_id, attempts, delivered, lags)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (seconds, start_ms, webhook_id) DO UPDATE SET
             attempts = webhook_figures.attempts + excluded.attempts,
             delivered = webhook_figures.delivered + excluded.delivered, lags = excluded.lags",
        &[
            seconds.into(),
            from.0.into(),
            webhook.into(),
            later.attempts.into(),
            later.delivered.into(),
            Value::from(&lags.text()),
        ],
    )?;
    Ok(())
}

fn read_tally(row: &Row<'_>) -> Result<(Time, Tally)> {
    let at = row.next()?;
    let (attempts, delivered) = (row.next()?, row.next()?);
    let mut lags = LagHistogram::default();
    lags.merge_text(row.str()?);
    let waiting = row.next::<Option<i64>>()?.zip(row.next()?);
    let waiting = waiting.map(|(most, last)| Waiting { most, last });
    Ok((at, Tally { attempts, delivered, lags, waiting }))
}

/// The figures of all webhooks together from a moment on, by spans of so many seconds: a minute or
/// an hour.
pub(crate) fn figures_since(tx: &mut Tx<'_>, seconds: i64, first: Time) -> Result<Line> {
    let rows = tx.rows(
        "SELECT start_ms, attempts, delivered, lags, waiting_most, waiting_last FROM figures
         WHERE seconds = ?1 AND start_ms >= ?2 ORDER BY start_ms",
        &[seconds.into(), first.0.into()],
        read_tally,
    )?;
    let before = tx.row(
        "SELECT waiting_last FROM figures
         WHERE seconds = ?1 AND start_ms < ?2 AND waiting_last IS NOT NULL
         ORDER BY start_ms DESC LIMIT 1",
        &[seconds.into(), first.0.into()],
        only,
    )?;
    Ok(Line { before, rows })
}

/// Forgets some of what is too old to be shown, of clocks that were ahead, and the answers of
/// webhooks that are gone. Answers how many rows went of single webhooks: if any, there may be more.
pub(crate) fn forget_figures(tx: &mut Tx<'_>, now: Time) -> Result<usize> {
    let ahead = now.plus_ms(AHEAD_MS);
    for (seconds, kept_ms) in OF_ALL {
        tx.execute(
            "DELETE FROM figures WHERE seconds = ?1 AND start_ms > ?2",
            &[seconds.into(), ahead.0.into()],
        )?;
        // The newest stays: while nothing is written, it says how many wait.
        tx.execute(
            "DELETE FROM figures WHERE seconds = ?1 AND start_ms < ?2
               AND start_ms < (SELECT MAX(f.start_ms) FROM figures f WHERE f.seconds = ?1)",
            &[seconds.into(), now.plus_ms(-kept_ms).0.into()],
        )?;
    }
    let mut gone = 0;
    for (seconds, kept_ms) in OF_EACH {
        let ends = tx.row(
            "SELECT MIN(start_ms), MAX(start_ms) FROM webhook_figures WHERE seconds = ?1",
            &[seconds.into()],
            |row| Ok([row.next::<Option<i64>>()?, row.next()?]),
        )?;
        // A span at a time: as many rows as there are webhooks, at most.
        for end in ends.into_iter().flatten().flatten() {
            if end < now.plus_ms(-kept_ms).0 || end > ahead.0 {
                gone += tx.execute(
                    "DELETE FROM webhook_figures WHERE seconds = ?1 AND start_ms = ?2",
                    &[seconds.into(), end.into()],
                )?;
            }
        }
    }
    tx.execute(
        "DELETE FROM last_answers WHERE NOT EXISTS
             (SELECT 1 FROM webhooks w WHERE w.id = last_answers.webhook_id)",
        &[],
    )?;
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::figures::{Answer, AttemptFigures, Figures, Hour, points};
    use crate::store::tests::small_world::{HOUR as HOUR_LONG, START, World};
    use crate::store::webhooks::figures::{OfWebhook, figures_of_webhooks};

    const M: i64 = 60_000;

    fn write(world: &World, told: &[(&str, Time, Option<i64>)]) {
        let figures = Figures::default();
        for (webhook_id, at, lag_ms) in told {
            let status = Some(if lag_ms.is_some() { 200 } else { 503 });
            let answer = Answer { at: *at, status, ms: 1, error: None };
            figures.record(AttemptFigures { webhook_id, lag_ms: *lag_ms, answer });
        }
        let mut left = figures.take();
        while !left.is_empty() {
            let part = left.part(1);
            world.tx(|tx| add_figures(tx, &part)).unwrap();
        }
    }

    fn look(world: &World, at: Time, waiting: i64) {
        let mut batch = Batch::default();
        batch.look(at, waiting);
        world.tx(|tx| add_figures(tx, &batch)).unwrap();
    }

    fn of_webhooks(world: &World, now: Time) -> HashMap<String, OfWebhook> {
        world.tx(|tx| figures_of_webhooks(tx, now)).unwrap().into_iter().collect()
    }

    #[test]
    fn what_is_added_bit_by_bit_is_read_as_a_whole() {
        let world = World::new(&["wh_a", "wh_b"]);
        let noon = start(START, HOUR);
        write(&world, &[("wh_a", noon, Some(10)), ("wh_a", noon.plus_ms(1), Some(12))]);
        write(&world, &[("wh_b", noon.plus_ms(M), None), ("wh_a", noon.plus_ms(2), Some(14))]);
        write(&world, &[("wh_a", noon.plus_ms(59 * M), Some(15))]);
        let minutes = world.tx(|tx| figures_since(tx, MINUTE, noon)).unwrap().rows;
        let counts: Vec<_> = minutes.iter().map(|(_, t)| (t.attempts, t.delivered)).collect();
        assert_eq!(counts, [(3, 3), (1, 0), (1, 1)]);
        let hours = world.tx(|tx| figures_since(tx, HOUR, noon)).unwrap().rows;
        assert_eq!((hours.len(), hours[0].1.attempts), (1, 5));
        assert_eq!(hours[0].1.lags.text(), "10:1 12:1 14:1 15:1");

        let now = noon.plus_ms(60 * M);
        let found = of_webhooks(&world, now);
        let (a, b) = (&found["wh_a"], &found["wh_b"]);
        assert_eq!(a.hours, [Hour { at: noon, attempts: 4, delivered: 4 }]);
        assert_eq!(a.minutes, [(noon.plus_ms(59 * M), 1)]);
        assert_eq!((a.lags.percentile(50), b.lags.percentile(50)), (Some(12), None));
        assert_eq!(b.last_answer.as_ref().unwrap().status, Some(503));
        assert_eq!(a.last_answer.as_ref().unwrap().at, noon.plus_ms(59 * M));
    }

    #[test]
    fn what_is_old_or_of_the_future_goes_and_what_still_says_something_stays() {
        let mut world = World::new(&["wh_a"]);
        write(&world, &[("wh_a", START, Some(1)), ("wh_gone", START, Some(1))]);
        write(&world, &[("wh_a", START.plus_ms(400 * HOUR_LONG), None)]);
        look(&world, START.plus_ms(M), 0);
        let forget = |world: &World| {
            while world.tx(|tx| forget_figures(tx, world.now)).unwrap() > 0 {}
        };
        let count = |table: &str| world_count(&world, table);
        forget(&world);
        assert_eq!(count("webhook_figures"), 6, "what a clock that was ahead has written is gone");
        assert_eq!(count("figures"), 3);
        assert_eq!(count("last_answers"), 1, "and the answer of who is gone");
        world.now = START.plus_ms(27 * HOUR_LONG);
        forget(&world);
        assert_eq!(world_count(&world, "webhook_figures"), 0);
        // The last look is what says that nothing waits, for as long as nothing is written.
        world.now = START.plus_ms(900 * HOUR_LONG);
        forget(&world);
        assert_eq!(world_count(&world, "figures"), 2);
        for seconds in [MINUTE, HOUR] {
            let first = world.now.plus_ms(-HOUR_LONG);
            let line = world.tx(|tx| figures_since(tx, seconds, first)).unwrap();
            let points = points(&line.rows, line.before, seconds, 2, world.now);
            assert!(points.iter().all(|point| point.waiting == Some(0)), "{points:?}");
        }
        assert_eq!(world_count(&world, "last_answers"), 1);
    }

    fn world_count(world: &World, table: &str) -> i64 {
        world.count(&format!("SELECT COUNT(*) FROM {table}"))
    }

    #[test]
    fn a_clock_that_steps_back_breaks_nothing() {
        let world = World::new(&["wh_a"]);
        write(&world, &[("wh_a", START, Some(1))]);
        write(&world, &[("wh_a", START.plus_ms(-30 * M), None)]);
        let found = of_webhooks(&world, START.plus_ms(-30 * M));
        assert_eq!(found["wh_a"].last_answer.as_ref().unwrap().status, Some(503));
        assert_eq!(found["wh_a"].minutes.len(), 1);
        world.tx(|tx| forget_figures(tx, START.plus_ms(-30 * M))).unwrap();
        let all = world.tx(|tx| figures_since(tx, MINUTE, START.plus_ms(-60 * M))).unwrap().rows;
        assert_eq!(all.len(), 2);
    }
}
