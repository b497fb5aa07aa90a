//! Figures: how many requests ended, how many were answered with 2xx and how long events took, by
//! minute, for people to look at.
//!
//! A leaf that is pure but for a lock: it collects in memory what it is told, until somebody takes
//! it to write it down. Must not know what time it is, nor where figures are kept.

mod lag_histogram;
mod points;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use crate::lock::lock;
use crate::model::Time;

pub(crate) use lag_histogram::LagHistogram;
pub(crate) use points::{Hour, Point, hours, per_minute, points};

/// The seconds of a minute, the finest span that figures are kept by.
pub(crate) const MINUTE: i64 = 60;
/// The seconds of ten minutes: a span for the lags of single webhooks.
pub(crate) const TEN_MINUTES: i64 = 600;
/// The seconds of an hour, the longest span.
pub(crate) const HOUR: i64 = 3_600;

/// The start of the span of so many seconds that a moment is in: a whole multiple, in UTC.
pub(crate) fn start(at: Time, seconds: i64) -> Time {
    at.plus_ms(-at.0.rem_euclid(seconds * 1_000))
}

/// What is told of a request that has ended.
#[derive(Clone, Debug)]
pub(crate) struct AttemptFigures<'a> {
    /// Whose it was.
    pub(crate) webhook_id: &'a str,
    /// From the commit of the event to now, in milliseconds, if this delivered it.
    pub(crate) lag_ms: Option<i64>,
    /// What came back.
    pub(crate) answer: Answer,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// When.
    pub(crate) at: Time,
    /// The HTTP status; `None` if no answer came.
    pub(crate) status: Option<i64>,
    /// Milliseconds that it took.
    pub(crate) ms: i64,
    /// What went wrong, in words; `None` if nothing did.
    pub(crate) error: Option<String>,
}

/// How many waited within a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// The most.
    pub(crate) most: i64,
    /// At its last look.
    pub(crate) last: i64,
}

/// The figures of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Requests that ended.
    pub(crate) attempts: i64,
    /// Of those, answered with 2xx.
    pub(crate) delivered: i64,
    /// How long the delivered took from their commit.
    pub(crate) lags: LagHistogram,
    /// Deliveries that waited; `None` if nobody looked.
    pub(crate) waiting: Option<Waiting>,
}

impl Tally {
    /// Adds what came later within the same span.
    pub(crate) fn add(&mut self, later: &Tally) {
        self.attempts += later.attempts;
        self.delivered += later.delivered;
        self.lags.merge(&later.lags);
        if let Some(Waiting { most, last }) = later.waiting {
            let most = self.waiting.map_or(most, |known| known.most.max(most));
            self.waiting = Some(Waiting { most, last });
        }
    }

    fn count(&mut self, ended: &AttemptFigures<'_>) {
        self.attempts += 1;
        if let Some(ms) = ended.lag_ms {
            self.delivered += 1;
            self.lags.add(ms);
        }
    }
}

/// What has come together and is not written down yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Over all webhooks, by the start of the minute.
    pub(crate) all: BTreeMap<Time, Tally>,
    /// By the start of the minute and the webhook.
    pub(crate) webhooks: BTreeMap<(Time, String), Tally>,
    /// The newest answer of each webhook.
    pub(crate) answers: BTreeMap<String, Answer>,
}

impl Batch {
    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.webhooks.is_empty() && self.answers.is_empty()
    }

    /// How many waited at a moment.
    pub(crate) fn look(&mut self, now: Time, waiting: i64) {
        let waiting = Some(Waiting { most: waiting, last: waiting });
        self.all.entry(start(now, MINUTE)).or_default().add(&Tally { waiting, ..Tally::default() });
    }

    /// Takes a part that has at most so many rows of webhooks, to be written at once.
    #[must_use]
    pub(crate) fn part(&mut self, most: usize) -> Batch {
        Batch {
            all: std::mem::take(&mut self.all),
            webhooks: first(&mut self.webhooks, most),
            answers: first(&mut self.answers, most),
        }
    }

    /// Adds what came later.
    pub(crate) fn add(&mut self, later: Batch) {
        for (minute, tally) in later.all {
            self.all.entry(minute).or_default().add(&tally);
        }
        for (key, tally) in later.webhooks {
            self.webhooks.entry(key).or_default().add(&tally);
        }
        self.answers.extend(later.answers);
    }
}

fn first<K: Ord + Clone, V>(all: &mut BTreeMap<K, V>, most: usize) -> BTreeMap<K, V> {
    let Some(next) = all.keys().nth(most).cloned() else { return std::mem::take(all) };
    let rest = all.split_off(&next);
    std::mem::replace(all, rest)
}

/// Where those who send tell what became of it. Locked for moments only.
#[derive(Debug, Default)]
pub(crate) struct Figures(Mutex<Batch>);

impl Figures {
    /// A request has ended.
    pub(crate) fn record(&self, ended: AttemptFigures<'_>) {
        let minute = start(ended.answer.at, MINUTE);
        let mut batch = self.batch();
        batch.all.entry(minute).or_default().count(&ended);
        let id = ended.webhook_id.to_owned();
        batch.webhooks.entry((minute, id.clone())).or_default().count(&ended);
        // The last one told is the newest, whatever the clock says.
        batch.answers.insert(id, ended.answer);
    }

    /// Everything so far; what is told from now on is another batch.
    pub(crate) fn take(&self) -> Batch {
        std::mem::take(&mut *self.batch())
    }

    /// What could not be written down is kept for the next time.
    pub(crate) fn put_back(&self, mut earlier: Batch) {
        let mut batch = self.batch();
        earlier.add(std::mem::take(&mut *batch));
        *batch = earlier;
    }

    fn batch(&self) -> MutexGuard<'_, Batch> {
        // A panic within the lock can at worst have left one request uncounted.
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Time = Time(1_765_195_200_000);

    fn tell(figures: &Figures, webhook_id: &str, at: Time, lag_ms: Option<i64>) {
        let status = Some(if lag_ms.is_some() { 200 } else { 503 });
        figures.record(AttemptFigures {
            webhook_id,
            lag_ms,
            answer: Answer { at, status, ms: 3, error: None },
        });
    }

    #[test]
    fn spans_begin_at_whole_multiples() {
        let at = NOON.plus_ms(3_725_001);
        assert_eq!(start(at, MINUTE), NOON.plus_ms(3_720_000));
        assert_eq!(start(at, HOUR), NOON.plus_ms(3_600_000));
        assert_eq!(start(Time(-1), MINUTE), Time(-60_000));
    }

    #[test]
    fn what_is_told_counts_in_its_minute_for_its_webhook_and_in_all() {
        let figures = Figures::default();
        tell(&figures, "a", NOON, Some(5));
        tell(&figures, "a", NOON.plus_ms(59_999), None);
        tell(&figures, "b", NOON.plus_ms(60_000), Some(7));
        let batch = figures.take();
        let all: Vec<_> = batch.all.values().map(|t| (t.attempts, t.delivered)).collect();
        assert_eq!(all, [(2, 1), (1, 1)]);
        assert_eq!(batch.webhooks[&(NOON, "a".to_owned())].attempts, 2);
        assert_eq!(batch.answers["a"].status, Some(503));
        assert!(figures.take().is_empty());
    }

    #[test]
    fn a_clock_that_steps_back_only_moves_what_comes_to_an_earlier_minute() {
        let figures = Figures::default();
        tell(&figures, "a", NOON, Some(5));
        tell(&figures, "a", NOON.plus_ms(-3_600_000), Some(-3_599_000));
        let batch = figures.take();
        assert_eq!(batch.all.len(), 2);
        assert_eq!(batch.answers["a"].at, NOON.plus_ms(-3_600_000), "the newest is the last told");
        assert_eq!(batch.all[&NOON.plus_ms(-3_600_000)].lags.percentile(50), Some(0));
    }

    #[test]
    fn parts_and_what_is_put_back_add_up_to_the_whole() {
        let figures = Figures::default();
        for n in 0..10 {
            tell(&figures, &format!("wh_{n}"), NOON, Some(n));
        }
        let whole = figures.take();
        figures.put_back(whole.clone());
        let mut left = figures.take();
        let part = left.part(4);
        assert_eq!((part.all.len(), part.webhooks.len(), part.answers.len()), (1, 4, 4));
        assert_eq!((left.all.len(), left.webhooks.len(), left.answers.len()), (0, 6, 6));
        tell(&figures, "wh_0", NOON, None);
        figures.put_back(left);
        figures.put_back(part);
        let all = figures.take();
        assert_eq!(all.all[&NOON].attempts, 11);
        assert_eq!(all.answers["wh_0"].status, Some(503), "the later one stands");
        assert_eq!(all.webhooks.len(), 10);
        let mut none = Batch::default();
        assert!(none.part(4).is_empty() && none.is_empty());
    }

    #[test]
    fn the_most_and_the_last_that_waited_are_kept() {
        let mut batch = Batch::default();
        for waiting in [3, 9, 0] {
            batch.look(NOON, waiting);
        }
        assert_eq!(batch.all[&NOON].waiting, Some(Waiting { most: 9, last: 0 }));
    }
}
