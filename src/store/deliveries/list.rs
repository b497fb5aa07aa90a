//! The list of deliveries: with each of its filters a merge of runs, so that a million cost no more
//! than a hundred; a search looks at so many and goes on with the next page.
//!
//! Must not know how a delivery is read or shown.

use std::sync::Arc;

use super::merge::{self, Source, Span, Takes, Walk};
use super::search::{SearchWords, WordsLeft};
use super::totals::totals;
use super::{attempts, delivery_id, find, parse_id};
use crate::model::{Delivery, DeliveryCounts, DeliveryStatus, EventKind, Named, Reason, Time};
use crate::store::engine::columns::only;
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::events::{ends, newest_by};
use crate::store::webhooks::{self, WebhookState};

/// Deliveries that a search looks at in one go,
const LOOKS: usize = 5_000;
/// and the bytes of their tasks together, about: a task may have 100 KiB.
const LOOK_BYTES: usize = 8 * 1024 * 1024;

/// Which deliveries a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeliveryFilter {
    /// Where they stand: any of these; empty = anywhere.
    pub(crate) status: Vec<DeliveryStatus>,
    /// What happened: any of these; empty = anything.
    pub(crate) kind: Vec<EventKind>,
    /// Of this event alone.
    pub(crate) event_id: Option<String>,
    /// Of this task alone.
    pub(crate) task_id: Option<String>,
    /// Of this webhook alone.
    pub(crate) webhook_id: Option<String>,
    /// Of an event committed then or later.
    pub(crate) since: Option<Time>,
    /// Of an event committed then or earlier.
    pub(crate) until: Option<Time>,
    /// Each of these words is in the task as it was sent, the reason, or an attempt, whatever the
    /// case.
    pub(crate) q: Option<String>,
}

impl DeliveryFilter {
    /// What a webhook holds.
    pub(crate) fn held_by(webhook: &str) -> DeliveryFilter {
        let (status, webhook_id) = (vec![DeliveryStatus::Held], Some(webhook.to_owned()));
        DeliveryFilter { status, webhook_id, ..DeliveryFilter::default() }
    }

    /// Whether it lets through what is stored like this. A pending delivery of a webhook that is not
    /// sending is shown as held, and so counts as held.
    pub(crate) fn takes(
        &self,
        all: &[WebhookState],
        webhook: &str,
        status: DeliveryStatus,
        kind: EventKind,
    ) -> bool {
        let is_shown = |asked: &DeliveryStatus| *asked == shown(all, webhook, status);
        self.webhook_id.as_deref().is_none_or(|id| id == webhook)
            && (self.kind.is_empty() || self.kind.contains(&kind))
            && (self.status.is_empty() || self.status.iter().any(is_shown))
    }

    /// Where to look; `None`: nowhere.
    pub(crate) fn scope(&self, tx: &mut Tx<'_>) -> Result<Option<Scope>> {
        let mut span = Span::ALL;
        if self.since.is_some() || self.until.is_some() {
            let before = self.since.map(|since| newest_by(tx, since.plus_ms(-1))).transpose()?;
            let newest = self.until.map(|until| newest_by(tx, until)).transpose()?;
            let after = before.flatten().unwrap_or(i64::MIN);
            let up_to = newest.unwrap_or(Some(i64::MAX)).unwrap_or(i64::MIN);
            span = Span::among(after, up_to, ends(tx)?);
        }
        let mut of = match &self.task_id {
            Some(task) => Candidates::Task(task.clone()),
            None => Candidates::Runs,
        };
        if let Some(event) = &self.event_id {
            let found =
                tx.row("SELECT seq, task_id FROM events WHERE id = ?1", &[event.into()], |row| {
                    Ok((row.next()?, row.next::<String>()?))
                })?;
            let is_its = |task: &str| self.task_id.as_deref().is_none_or(|asked| asked == task);
            let Some((seq, _)) = found.filter(|(_, task)| is_its(task)) else { return Ok(None) };
            if seq <= span.after || seq > span.up_to {
                return Ok(None);
            }
            span = Span { after: seq - 1, up_to: seq, is_most: false };
            of = Candidates::Event;
        }
        Ok(Some(Scope { of, span }))
    }

    /// Whether it says nothing of a delivery itself.
    fn is_bare(&self) -> bool {
        self.status.is_empty() && self.kind.is_empty() && self.webhook_id.is_none()
    }
}

/// What there is to look at.
enum Candidates {
    /// All there is.
    Runs,
    /// One task's.
    Task(String),
    /// One event's; the span says which.
    Event,
}

/// Where a list looks.
pub(crate) struct Scope {
    of: Candidates,
    pub(crate) span: Span,
}

/// A page of at most `most` deliveries, the newest first, after the one with the id `after`, and the
/// id after which the next page begins, if there may be one. A search may find fewer on a page, even
/// none, and go on all the same.
pub(crate) fn list_deliveries(
    tx: &mut Tx<'_>,
    filter: &DeliveryFilter,
    after: Option<&str>,
    most: usize,
    now: Time,
) -> Result<(Vec<Delivery>, Option<String>)> {
    let all = webhooks::all(tx)?;
    let Some(scope) = filter.scope(tx)? else { return Ok((Vec::new(), None)) };
    let takes = |webhook: &str, status, kind| filter.takes(&all, webhook, status, kind);
    let sources = match scope.of {
        Candidates::Event => vec![Source::Rows],
        Candidates::Task(task) => vec![Source::Task(task)],
        Candidates::Runs if filter.is_bare() => vec![Source::Rows],
        Candidates::Runs => {
            let totals = totals(tx, filter.webhook_id.as_deref())?;
            totals.iter().flat_map(|total| total.runs(&takes)).map(Source::Run).collect()
        }
    };
    let after = after.and_then(parse_id).map(|(seq, webhook)| (seq, Arc::from(webhook)));
    let mut walk = Walk::begin(tx, sources, scope.span, after, &takes)?;
    let mut search = filter.q.as_deref().map(Search::new);
    let (mut found, mut last) = (Vec::new(), None);
    while let Some((seq, webhook)) = walk.next(tx)? {
        let is_enough = search.as_ref().is_some_and(Search::is_over);
        if found.len() == most || is_enough {
            return Ok((found, last));
        }
        last = Some(delivery_id(seq, &webhook));
        let Some(delivery) = find(tx, seq, &webhook, &all, now)? else { continue };
        let fits = match &mut search {
            Some(search) => search.fits(tx, seq, &delivery)?,
            None => true,
        };
        if fits {
            found.push(delivery);
        }
    }
    Ok((found, None))
}

/// How many deliveries a filter lets through, but for its `q`.
pub(crate) fn count_deliveries(tx: &mut Tx<'_>, filter: &DeliveryFilter) -> Result<i64> {
    let all = webhooks::all(tx)?;
    count_taken(tx, filter, &|webhook: &str, status, kind| {
        filter.takes(&all, webhook, status, kind)
    })
}

/// The same of those that `takes` takes too.
pub(crate) fn count_taken(
    tx: &mut Tx<'_>,
    filter: &DeliveryFilter,
    takes: Takes<'_>,
) -> Result<i64> {
    let Some(Scope { of, span }) = filter.scope(tx)? else { return Ok(0) };
    let counted = match of {
        Candidates::Event => merge::of_span(tx, span)?,
        Candidates::Task(task) => return merge::count_of_task(tx, &task, span, takes),
        Candidates::Runs => return count_runs(tx, filter, span, takes),
    };
    Ok(counted.iter().filter(|(run, _)| run.is_taken(takes)).map(|(_, n)| n).sum())
}

fn count_runs(
    tx: &mut Tx<'_>,
    filter: &DeliveryFilter,
    span: Span,
    takes: Takes<'_>,
) -> Result<i64> {
    let mut sum = 0;
    for total in totals(tx, filter.webhook_id.as_deref())? {
        if span.is_most {
            sum += total.count(tx, takes)?;
        }
        if span == Span::ALL {
            continue;
        }
        for run in total.runs(takes) {
            sum += if span.is_most { -run.count_outside(tx, span)? } else { run.count(tx, span)? };
        }
    }
    Ok(sum)
}

/// A search under way.
pub(crate) struct Search {
    needle: SearchWords,
    looks: usize,
    bytes: usize,
    /// The event that was looked at last, and what its task leaves to find: its deliveries stand
    /// together.
    event: Option<(i64, WordsLeft)>,
}

impl Search {
    pub(crate) fn new(text: &str) -> Search {
        Search { needle: SearchWords::new(text), looks: 0, bytes: 0, event: None }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.looks >= LOOKS || self.bytes >= LOOK_BYTES
    }

    pub(crate) fn fits(&mut self, tx: &mut Tx<'_>, seq: i64, delivery: &Delivery) -> Result<bool> {
        self.looks += 1;
        let mut left = self.left_by_task(tx, seq)?;
        let code = delivery.reason.map(Reason::as_str);
        for text in [code, delivery.reason_text.as_deref()].into_iter().flatten() {
            self.needle.strike(&mut left, text);
        }
        if !left.is_empty() && delivery.attempt_count > 0 {
            let attempts = attempts(tx, &delivery.id)?;
            for text in attempts.iter().flat_map(|a| [&a.error, &a.excerpt]).flatten() {
                self.needle.strike(&mut left, text);
            }
        }
        Ok(left.is_empty())
    }

    fn left_by_task(&mut self, tx: &mut Tx<'_>, seq: i64) -> Result<WordsLeft> {
        if let Some((_, left)) = self.event.as_ref().filter(|(looked_at, _)| *looked_at == seq) {
            return Ok(left.clone());
        }
        let task = tx.row("SELECT task FROM events WHERE seq = ?1", &[seq.into()], |row| {
            row.next::<String>()
        })?;
        self.bytes += task.as_ref().map_or(0, String::len);
        let mut left = self.needle.words();
        if let Some(task) = task {
            self.needle.strike_json(&mut left, &task);
        }
        self.event = Some((seq, left.clone()));
        Ok(left)
    }
}

/// How what is stored like this is shown.
fn shown(all: &[WebhookState], webhook: &str, status: DeliveryStatus) -> DeliveryStatus {
    let is_sending = || webhooks::find(all, webhook).is_some_and(WebhookState::is_sending);
    match status {
        DeliveryStatus::Pending if !is_sending() => DeliveryStatus::Held,
        _ => status,
    }
}

/// Of each task the delivery of its newest event that is furthest from done, in the order asked, and
/// how all deliveries of that event stand. A task whose newest event has none is left out.
pub(crate) fn latest_deliveries(
    tx: &mut Tx<'_>,
    tasks: &[String],
    now: Time,
) -> Result<Vec<(Delivery, DeliveryCounts)>> {
    let all = webhooks::all(tx)?;
    let mut found = Vec::new();
    for task in tasks {
        let newest = tx.row(
            "SELECT seq FROM events WHERE task_id = ?1 ORDER BY seq DESC LIMIT 1",
            &[task.into()],
            only::<i64>,
        )?;
        let Some(seq) = newest else { continue };
        let span = Span { after: seq - 1, up_to: seq, is_most: false };
        let runs = merge::of_span(tx, span)?;
        let stands = |run: &merge::Run| shown(&all, &run.webhook, run.status);
        let mut counts = DeliveryCounts::default();
        for (run, n) in &runs {
            counts.add(stands(run), *n);
        }
        let far = runs
            .iter()
            .min_by_key(|(run, _)| URGENCY.iter().position(|status| *status == stands(run)));
        if let Some((run, _)) = far {
            let delivery = find(tx, seq, &run.webhook, &all, now)?;
            found.extend(delivery.map(|delivery| (delivery, counts)));
        }
    }
    Ok(found)
}

/// Where a delivery may stand, the furthest from done first.
const URGENCY: [DeliveryStatus; 6] = [
    DeliveryStatus::Failed,
    DeliveryStatus::Held,
    DeliveryStatus::Sending,
    DeliveryStatus::Pending,
    DeliveryStatus::Cancelled,
    DeliveryStatus::Delivered,
];
