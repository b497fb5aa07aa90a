//! Runs: the deliveries of one webhook in one state and of one kind, in order of commit. Each is a
//! stretch of one index. A list is walked by merging the runs that it takes.
//!
//! Must not know which runs a list takes, nor how a delivery is shown.

use std::cell::Cell;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use super::totals::Total;
use crate::model::{DeliveryStatus, EventKind, Named};
use crate::store::engine::columns::{Row, Value, only};
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;

/// What is read of a source at first: of many runs only a few have what comes first.
const CHUNK: i64 = 8;
/// And at most; it doubles each time.
const CHUNK_MOST: i64 = 1_024;

/// A run; it may be empty.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) webhook: Arc<str>,
    pub(crate) kind: EventKind,
    pub(crate) status: DeliveryStatus,
}

/// The statuses of deliveries that have not ended, the most common first.
pub(crate) const UNFINISHED: [DeliveryStatus; 3] =
    [DeliveryStatus::Pending, DeliveryStatus::Sending, DeliveryStatus::Held];
/// The statuses of deliveries that have ended, the most common first.
const FINISHED: [DeliveryStatus; 3] =
    [DeliveryStatus::Delivered, DeliveryStatus::Failed, DeliveryStatus::Cancelled];

const OF: &str = "a delivery";

/// The columns `webhook_id`, `status`, `kind`.
fn run(row: &Row<'_>) -> Result<Run> {
    Ok(Run {
        webhook: Arc::from(row.str()?),
        status: row.named(OF, "status")?,
        kind: row.named(OF, "event")?,
    })
}

impl Total {
    /// How many have not ended and how many have, with the statuses of each.
    fn halves(&self) -> [([DeliveryStatus; 3], i64); 2] {
        [(UNFINISHED, self.unfinished), (FINISHED, self.n - self.unfinished)]
    }

    fn run(&self, status: DeliveryStatus) -> Run {
        Run { webhook: Arc::clone(&self.webhook), kind: self.kind, status }
    }

    /// Its runs that a list takes and that may hold something.
    pub(crate) fn runs(&self, takes: Takes<'_>) -> Vec<Run> {
        let there = self.halves().into_iter().filter(|(_, n)| *n > 0).flat_map(|(all, _)| all);
        let runs = there.map(|status| self.run(status));
        runs.filter(|run| run.is_taken(takes)).collect()
    }

    /// How many of these deliveries a list takes. Of the most common status none is counted: its number is the total less
    /// the others.
    pub(crate) fn count(&self, tx: &mut Tx<'_>, takes: Takes<'_>) -> Result<i64> {
        let mut sum = 0;
        for (states, n) in self.halves().into_iter().filter(|(_, n)| *n > 0) {
            let runs = states.map(|status| self.run(status));
            let is_common_taken = runs[0].is_taken(takes);
            let mut counted = 0;
            for run in runs.iter().filter(|run| run.is_taken(takes) != is_common_taken) {
                counted += run.count(tx, Span::ALL)?;
            }
            sum += if is_common_taken { n - counted } else { counted };
        }
        Ok(sum)
    }
}

impl Run {
    /// Whether a list takes it.
    pub(crate) fn is_taken(&self, takes: Takes<'_>) -> bool {
        takes(&self.webhook, self.status, self.kind)
    }

    fn key(&self) -> [Value<'_>; 3] {
        [Value::Text(&self.webhook), self.status.as_str().into(), self.kind.as_str().into()]
    }

    /// Its lowest place in the order of commits.
    pub(crate) fn first(&self, tx: &mut Tx<'_>) -> Result<Option<i64>> {
        let first = tx.row(
            "SELECT MIN(seq) FROM deliveries WHERE webhook_id = ?1 AND status = ?2 AND kind = ?3",
            &self.key(),
            only::<Option<i64>>,
        )?;
        Ok(first.flatten())
    }

    /// How much of it lies in a span.
    pub(crate) fn count(&self, tx: &mut Tx<'_>, span: Span) -> Result<i64> {
        let [webhook, status, kind] = self.key();
        let counted = tx.row(
            "SELECT COUNT(*) FROM deliveries
             WHERE webhook_id = ?1 AND status = ?2 AND kind = ?3 AND seq > ?4 AND seq <= ?5",
            &[webhook, status, kind, span.after.into(), span.up_to.into()],
            only,
        )?;
        Ok(counted.unwrap_or_default())
    }

    /// How much of it lies outside a span.
    pub(crate) fn count_outside(&self, tx: &mut Tx<'_>, span: Span) -> Result<i64> {
        let before = Span { after: i64::MIN, up_to: span.after, ..span };
        let behind = Span { after: span.up_to, up_to: i64::MAX, ..span };
        Ok(self.count(tx, before)? + self.count(tx, behind)?)
    }
}

/// A span in the order of commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The last place before it.
    pub(crate) after: i64,
    /// The last place in it.
    pub(crate) up_to: i64,
    /// More lies in it than beside it, as far as its length tells.
    pub(crate) is_most: bool,
}

impl Span {
    /// All there is.
    pub(crate) const ALL: Span = Span { after: i64::MIN, up_to: i64::MAX, is_most: true };

    /// A span among events whose first and last place are given.
    pub(crate) fn among(after: i64, up_to: i64, ends: (i64, i64)) -> Span {
        let inside = up_to.min(ends.1).saturating_sub(after.max(ends.0));
        let is_most = inside > (ends.1 - ends.0) / 2;
        Span { after, up_to, is_most }
    }
}

/// A delivery: the order of its event and its webhook.
pub(crate) type Key = (i64, Arc<str>);

/// Whether a list takes what is of this webhook, in this state, of this kind.
pub(crate) type Takes<'t> = &'t dyn Fn(&str, DeliveryStatus, EventKind) -> bool;

/// Where deliveries are read from.
pub(crate) enum Source {
    /// One run, all of which is taken.
    Run(Run),
    /// All rows, looked at one by one.
    Rows,
    /// The rows of one task, looked at one by one.
    Task(String),
}

/// A source and how far it was read.
struct Reader {
    source: Source,
    /// The last that was read, or the place before which reading begins.
    before: Key,
    ready: VecDeque<Key>,
    chunk: i64,
    is_done: bool,
}

/// A walk through some sources, the newest first.
pub(crate) struct Walk<'t> {
    readers: Vec<Reader>,
    span: Span,
    takes: Takes<'t>,
    heads: BinaryHeap<(i64, Arc<str>, usize)>,
}

impl<'t> Walk<'t> {
    /// Begins behind `after`.
    pub(crate) fn begin(
        tx: &mut Tx<'_>,
        sources: Vec<Source>,
        span: Span,
        after: Option<Key>,
        takes: Takes<'t>,
    ) -> Result<Walk<'t>> {
        // Before the first place behind the span.
        let top = (span.up_to.saturating_add(1), Arc::from(""));
        let before = after.map_or(top.clone(), |after| after.min(top));
        let reader = |source| Reader {
            source,
            before: before.clone(),
            ready: VecDeque::new(),
            chunk: CHUNK,
            is_done: false,
        };
        let readers: Vec<Reader> = sources.into_iter().map(reader).collect();
        let mut walk = Walk { readers, span, takes, heads: BinaryHeap::new() };
        for at in 0..walk.readers.len() {
            walk.advance(tx, at)?;
        }
        Ok(walk)
    }

    /// The next one.
    pub(crate) fn next(&mut self, tx: &mut Tx<'_>) -> Result<Option<Key>> {
        let Some((seq, webhook, at)) = self.heads.pop() else { return Ok(None) };
        self.advance(tx, at)?;
        Ok(Some((seq, webhook)))
    }

    fn advance(&mut self, tx: &mut Tx<'_>, at: usize) -> Result<()> {
        let reader = &mut self.readers[at];
        while reader.ready.is_empty() && !reader.is_done {
            reader.fill(tx, self.span, self.takes)?;
        }
        if let Some((seq, webhook)) = reader.ready.pop_front() {
            self.heads.push((seq, webhook, at));
        }
        Ok(())
    }
}

impl Reader {
    fn fill(&mut self, tx: &mut Tx<'_>, span: Span, takes: Takes<'_>) -> Result<()> {
        let (seq, webhook) = (self.before.0, Arc::clone(&self.before.1));
        let limit = Value::from(self.chunk);
        let after = Value::from(span.after);
        let found: Vec<(i64, Run)> = match &self.source {
            Source::Run(run) => {
                // Of equal order, the higher webhook comes first.
                let top = if *run.webhook < *webhook { seq } else { seq.saturating_sub(1) };
                let [id, status, kind] = run.key();
                tx.rows(
                    "SELECT seq FROM deliveries
                     WHERE webhook_id = ?1 AND status = ?2 AND kind = ?3 AND seq <= ?4 AND seq > ?5
                     ORDER BY seq DESC LIMIT ?6",
                    &[id, status, kind, top.into(), after, limit],
                    |row| Ok((row.next()?, run.clone())),
                )?
            }
            Source::Rows => tx.rows(
                "SELECT seq, webhook_id, status, kind FROM deliveries
                 WHERE (seq, webhook_id) < (?1, ?2) AND seq > ?3
                 ORDER BY seq DESC, webhook_id DESC LIMIT ?4",
                &[seq.into(), Value::Text(&webhook), after, limit],
                |row| Ok((row.next()?, run(row)?)),
            )?,
            Source::Task(task) => tx.rows(
                "SELECT d.seq, d.webhook_id, d.status, d.kind
                 FROM events e JOIN deliveries d ON d.seq = e.seq
                 WHERE e.task_id = ?1 AND e.seq <= ?2 AND e.seq > ?3
                   AND (e.seq < ?2 OR d.webhook_id < ?4)
                 ORDER BY e.seq DESC, d.webhook_id DESC LIMIT ?5",
                &[Value::from(task), seq.into(), after, Value::Text(&webhook), limit],
                |row| Ok((row.next()?, run(row)?)),
            )?,
        };
        self.is_done = i64::try_from(found.len()).unwrap_or(i64::MAX) < self.chunk;
        self.chunk = (self.chunk * 2).min(CHUNK_MOST);
        if let Some((seq, run)) = found.last() {
            self.before = (*seq, Arc::clone(&run.webhook));
        }
        let fitting = found.into_iter().filter(|(_, run)| run.is_taken(takes));
        self.ready.extend(fitting.map(|(seq, run)| (seq, run.webhook)));
        Ok(())
    }
}

/// What comes next in a span after a delivery, the oldest first: of one task, or of all.
pub(crate) fn oldest_first(
    tx: &mut Tx<'_>,
    task: Option<&str>,
    span: Span,
    after: &Key,
    limit: i64,
) -> Result<Vec<(i64, Run)>> {
    let (seq, webhook) = (Value::from(after.0), Value::Text(&after.1));
    let (first, last, limit) = (span.after.into(), span.up_to.into(), limit.into());
    let read = |row: &Row<'_>| Ok((row.next()?, run(row)?));
    match task {
        None => tx.rows(
            "SELECT seq, webhook_id, status, kind FROM deliveries
             WHERE (seq, webhook_id) > (?1, ?2) AND seq > ?3 AND seq <= ?4
             ORDER BY seq, webhook_id LIMIT ?5",
            &[seq, webhook, first, last, limit],
            read,
        ),
        Some(task) => tx.rows(
            "SELECT d.seq, d.webhook_id, d.status, d.kind
             FROM events e JOIN deliveries d ON d.seq = e.seq
             WHERE e.task_id = ?6 AND e.seq >= ?1 AND e.seq > ?3 AND e.seq <= ?4
               AND (e.seq > ?1 OR d.webhook_id > ?2)
             ORDER BY e.seq, d.webhook_id LIMIT ?5",
            &[seq, webhook, first, last, limit, task.into()],
            read,
        ),
    }
}

/// How many deliveries of a task in a span a list takes. They are counted one by one, since a `GROUP BY` would sort them
/// first.
pub(crate) fn count_of_task(
    tx: &mut Tx<'_>,
    task: &str,
    span: Span,
    takes: Takes<'_>,
) -> Result<i64> {
    let n = Cell::new(0);
    tx.rows(
        "SELECT d.webhook_id, d.status, d.kind
         FROM events e JOIN deliveries d ON d.seq = e.seq
         WHERE e.task_id = ?1 AND e.seq > ?2 AND e.seq <= ?3",
        &[task.into(), span.after.into(), span.up_to.into()],
        |row| {
            n.set(n.get() + i64::from(run(row)?.is_taken(takes)));
            Ok(())
        },
    )?;
    Ok(n.get())
}

/// How many deliveries lie in a span, by their runs; for a short one.
pub(crate) fn of_span(tx: &mut Tx<'_>, span: Span) -> Result<Vec<(Run, i64)>> {
    tx.rows(
        "SELECT webhook_id, status, kind, COUNT(*) FROM deliveries
         WHERE seq > ?1 AND seq <= ?2 GROUP BY webhook_id, status, kind",
        &[span.after.into(), span.up_to.into()],
        |row| Ok((run(row)?, row.next()?)),
    )
}
