//! Points: what was kept, laid out as a line or bars without gaps.
//!
//! Pure. Must not know where the figures come from.

use super::{HOUR, MINUTE, Tally, start};
use crate::model::Time;

/// A point of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// Its start.
    pub(crate) at: Time,
    /// What was counted in it.
    pub(crate) tally: Tally,
    /// The most that waited in it; `None` = not known.
    pub(crate) waiting: Option<i64>,
}

/// So many points of so many seconds; the last one is the running one. `rows` go from the oldest
/// to the newest. `before` is how many waited at the last look before them.
///
/// Nothing is written while nothing waits, and nothing can begin to wait while there is no server:
/// so after a 0 it is 0 until a row says otherwise, and after anything else it is not known.
pub(crate) fn points(
    rows: &[(Time, Tally)],
    before: Option<i64>,
    seconds: i64,
    count: i64,
    now: Time,
) -> Vec<Point> {
    let last = start(now, seconds);
    let mut waited = before;
    let mut rows = rows.iter().peekable();
    let mut found = Vec::new();
    for n in (0..count).rev() {
        let at = last.plus_ms(-n * seconds * 1_000);
        let end = at.plus_ms(seconds * 1_000);
        let mut tally = Tally::default();
        while let Some((from, row)) = rows.next_if(|(from, _)| *from < end) {
            if *from >= at {
                tally.add(row);
            }
        }
        let waiting = match tally.waiting {
            Some(waiting) => {
                waited = Some(waiting.last);
                Some(waiting.most)
            }
            None => waited.filter(|waited| *waited == 0),
        };
        found.push(Point { at, tally, waiting });
    }
    found
}

/// The spans that a rate is taken over.
const RATE_MINUTES: i64 = 5;

/// How many a minute were delivered over the last five minutes, to the hundredth. Of the oldest
/// minute, which is partly over, that share counts which is within the five.
pub(crate) fn per_minute(minutes: &[(Time, i64)], now: Time) -> f64 {
    let length = MINUTE * 1_000;
    let running = start(now, MINUTE);
    let oldest = running.plus_ms(-RATE_MINUTES * length);
    let left = length - now.ms_since(running);
    let weighted: i64 = minutes
        .iter()
        .map(|(at, delivered)| match *at {
            at if at == oldest => delivered * left,
            at if at > oldest && at <= running => delivered * length,
            _ => 0,
        })
        .sum();
    let hundredths = weighted * 100 / (length * RATE_MINUTES);
    f64::from(i32::try_from(hundredths).unwrap_or(i32::MAX)) / 100.0
}

/// A bar: an hour of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hour {
    /// Its start.
    pub(crate) at: Time,
    /// Requests that ended in it.
    pub(crate) attempts: i64,
    /// Of those, answered with 2xx.
    pub(crate) delivered: i64,
}

/// The last so many hours, the oldest first, the running one last.
pub(crate) fn hours(rows: &[Hour], count: i64, now: Time) -> Vec<Hour> {
    let last = start(now, HOUR);
    let all = (0..count).rev().map(|n| {
        let at = last.plus_ms(-n * HOUR * 1_000);
        let row = rows.iter().find(|row| row.at == at);
        row.copied().unwrap_or(Hour { at, attempts: 0, delivered: 0 })
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::super::Waiting;
    use super::*;

    const NOON: Time = Time(1_765_195_200_000);
    const M: i64 = 60_000;

    fn row(minute: i64, attempts: i64, waiting: Option<(i64, i64)>) -> (Time, Tally) {
        let waiting = waiting.map(|(most, last)| Waiting { most, last });
        let tally = Tally { attempts, delivered: attempts / 2, waiting, ..Tally::default() };
        (NOON.plus_ms(minute * M), tally)
    }

    #[test]
    fn points_have_no_gaps_and_end_with_the_running_one() {
        let rows = [row(-70, 1, None), row(-59, 2, None), row(0, 4, None), row(3, 9, None)];
        let found = points(&rows, None, MINUTE, 60, NOON.plus_ms(M - 1));
        assert_eq!(found.len(), 60);
        assert_eq!((found[0].at, found[0].tally.attempts), (NOON.plus_ms(-59 * M), 2));
        assert_eq!((found[59].at, found[59].tally.attempts), (NOON, 4));
        assert_eq!(found.iter().map(|point| point.tally.attempts).sum::<i64>(), 6);
        assert!(found.is_sorted_by_key(|point| point.at));
    }

    #[test]
    fn minutes_come_together_in_quarters_of_an_hour() {
        let rows = [row(-15, 1, Some((5, 2))), row(-1, 2, Some((3, 0))), row(0, 4, None)];
        let found = points(&rows, None, 900, 2, NOON.plus_ms(M));
        assert_eq!((found[0].tally.attempts, found[0].waiting), (3, Some(5)));
        assert_eq!((found[1].tally.attempts, found[1].waiting), (4, Some(0)));
    }

    #[test]
    fn what_waited_is_known_after_a_zero_and_unknown_after_anything_else() {
        let rows = [row(-4, 0, Some((7, 0))), row(-2, 0, Some((9, 9))), row(0, 0, Some((1, 1)))];
        let shown = |before| -> Vec<_> {
            let found = points(&rows, before, MINUTE, 6, NOON);
            found.iter().map(|point| point.waiting).collect()
        };
        let after = [Some(7), Some(0), Some(9), None, Some(1)];
        assert_eq!(shown(None), [&[None], &after[..]].concat());
        assert_eq!(shown(Some(3)), [&[None], &after[..]].concat());
        assert_eq!(shown(Some(0)), [&[Some(0)], &after[..]].concat());
    }

    #[test]
    fn a_rate_is_over_five_minutes_exactly() {
        let even: Vec<_> = (-9..=0).map(|n| (NOON.plus_ms(n * M), 60)).collect();
        // At the end of a minute that is whole, its five are those that count.
        assert_eq!(per_minute(&even, NOON.plus_ms(M - 1)), 60.0);
        // Half of the running one is over, so half of the oldest counts.
        let mut half = even.clone();
        half[9].1 = 30;
        assert_eq!(per_minute(&half, NOON.plus_ms(M / 2)), 60.0);
        assert_eq!(per_minute(&[(NOON, 1)], NOON), 0.2);
        assert_eq!(per_minute(&[(NOON.plus_ms(M), 5)], NOON), 0.0, "from a clock that was ahead");
        assert_eq!(per_minute(&[], NOON), 0.0);
    }

    #[test]
    fn hours_have_no_gaps() {
        let at = NOON.plus_ms(-3 * 60 * M);
        let found = hours(&[Hour { at, attempts: 3, delivered: 1 }], 24, NOON.plus_ms(5));
        assert_eq!((found.len(), found[23].at, found[20].attempts), (24, NOON, 3));
    }
}
