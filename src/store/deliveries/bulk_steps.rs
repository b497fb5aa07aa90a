//! The steps of a job: which deliveries come next, and what is done with them.
//!
//! Must not send anything: what is put in line again, the dispatcher finds.

use super::bulk::{Action, Job, find_job};
use super::edits::cancel_waiting;
use super::lanes;
use super::list::{DeliveryFilter, Search, count_taken};
use super::merge::{self, Key, Span};
use crate::model::{DeliveryStatus, EventKind, Named, Reason, Time};
use crate::store::deliveries;
use crate::store::engine::columns::Value;
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::webhooks::{self, Presence, WebhookState};

/// Deliveries that one look takes in.
const WINDOW: i64 = 5_000;
/// Deliveries that one step changes.
const STEP: usize = 200;

/// What a look brought.
#[derive(Clone, Debug)]
pub(crate) struct DeliveryKeys {
    /// What fits, the oldest first.
    pub(crate) keys: Vec<Key>,
    /// The delivery that was looked at last; `None`: that was all.
    pub(crate) next: Option<Key>,
}

/// Whether a job does anything with what is stored like this.
fn takes(
    all: &[WebhookState],
    action: Action,
    filter: &DeliveryFilter,
    webhook: &str,
    status: DeliveryStatus,
    kind: EventKind,
) -> bool {
    action.takes(status) && filter.takes(all, webhook, status, kind) && is_there(all, webhook)
}

/// How many deliveries a job with this filter would change; `None` if it must look at each.
pub(crate) fn count_for_job(
    tx: &mut Tx<'_>,
    action: Action,
    filter: &DeliveryFilter,
) -> Result<Option<i64>> {
    if filter.q.is_some() {
        return Ok(None);
    }
    let all = webhooks::all(tx)?;
    let takes = |webhook: &str, status, kind| takes(&all, action, filter, webhook, status, kind);
    count_taken(tx, filter, &takes).map(Some)
}

/// Looks for what comes next after a delivery, in events up to `last`.
pub(crate) fn look_for_job(
    tx: &mut Tx<'_>,
    action: Action,
    filter: &DeliveryFilter,
    after: &Key,
    last: i64,
    now: Time,
) -> Result<DeliveryKeys> {
    let nothing = DeliveryKeys { keys: Vec::new(), next: None };
    let all = webhooks::all(tx)?;
    let Some(scope) = filter.scope(tx)? else { return Ok(nothing) };
    let span = Span { up_to: scope.span.up_to.min(last), ..scope.span };
    let rows = merge::oldest_first(tx, filter.task_id.as_deref(), span, after, WINDOW)?;
    let is_all = i64::try_from(rows.len()).unwrap_or(WINDOW) < WINDOW;
    let mut search = filter.q.as_deref().map(Search::new);
    let (mut keys, mut seen) = (Vec::new(), None);
    for (seq, run) in rows {
        let is_enough = keys.len() >= STEP || search.as_ref().is_some_and(Search::is_over);
        if is_enough {
            return Ok(DeliveryKeys { keys, next: seen });
        }
        let key = (seq, run.webhook);
        let is_taken = takes(&all, action, filter, &key.1, run.status, run.kind);
        if is_taken && fits(tx, search.as_mut(), &key, &all, now)? {
            keys.push(key.clone());
        }
        seen = Some(key);
    }
    Ok(DeliveryKeys { keys, next: seen.filter(|_| !is_all) })
}

fn fits(
    tx: &mut Tx<'_>,
    search: Option<&mut Search>,
    (seq, webhook): &Key,
    all: &[WebhookState],
    now: Time,
) -> Result<bool> {
    let Some(search) = search else { return Ok(true) };
    match deliveries::find(tx, *seq, webhook, all, now)? {
        Some(delivery) => search.fits(tx, *seq, &delivery),
        None => Ok(false),
    }
}

/// Where a look for the first of a job begins, and the last event that it looks at.
pub(crate) fn bounds_of_job(tx: &mut Tx<'_>) -> Result<(Key, i64)> {
    let (first, last) = crate::store::events::ends(tx)?;
    Ok(((first - 1, "".into()), last))
}

/// Changes what a look for this job found, and moves its cursor; answers the job, if it is through with
/// it.
pub(crate) fn job_step(
    tx: &mut Tx<'_>,
    job: &Job,
    found: &DeliveryKeys,
    now: Time,
) -> Result<Option<Job>> {
    // It may have been ended since the look.
    let Some(is) = find_job(tx, job.num)? else { return Ok(None) };
    if is.finished.is_some() || is.cursor != job.cursor {
        return Ok(None);
    }
    let all = webhooks::all(tx)?;
    let mut changed = is.changed;
    for key in &found.keys {
        changed += i64::from(change(tx, job, key, &all, now)?);
    }
    let is_through = found.next.is_none();
    let cursor = found.next.as_ref().unwrap_or(&is.cursor);
    let is_all = is.expected == Some(changed);
    let is_cut_short = is_through && !is_all && !has_webhook(&all, job);
    let reason = is_cut_short.then_some(Reason::WebhookDeleted);
    tx.execute(
        "UPDATE jobs SET changed = ?2, cursor = ?3, cursor_webhook = ?4,
             state = CASE WHEN ?5 IS NULL THEN state ELSE 'done' END, finished_ms = ?5, reason = ?6
         WHERE num = ?1",
        &[
            job.num.into(),
            changed.into(),
            cursor.0.into(),
            Value::Text(&cursor.1),
            is_through.then_some(now.0).into(),
            reason.map(Named::as_str).into(),
        ],
    )?;
    if is_through { find_job(tx, job.num) } else { Ok(None) }
}

/// Whether the webhook that a job is for is still there.
fn has_webhook(all: &[WebhookState], job: &Job) -> bool {
    job.filter.webhook_id.as_deref().is_none_or(|id| is_there(all, id))
}

fn is_there(all: &[WebhookState], webhook: &str) -> bool {
    webhooks::find(all, webhook).is_some_and(|known| known.presence != Presence::Deleted)
}

/// Answers whether it changed anything: much may have happened since the look.
fn change(
    tx: &mut Tx<'_>,
    job: &Job,
    (seq, webhook): &Key,
    all: &[WebhookState],
    now: Time,
) -> Result<bool> {
    let row = tx.row(
        "SELECT d.status, d.kind, d.task_id, d.due_ms, d.finished_ms, e.at_ms
         FROM deliveries d JOIN events e ON e.seq = d.seq
         WHERE d.seq = ?1 AND d.webhook_id = ?2",
        &[(*seq).into(), Value::Text(webhook)],
        |row| {
            let status = DeliveryStatus::parse(row.str()?).zip(EventKind::parse(row.str()?));
            let task: String = row.next()?;
            let is_due = row.next::<Option<i64>>()?.is_some();
            Ok((status, task, is_due, row.next::<Option<Time>>()?, row.next::<Time>()?))
        },
    )?;
    let Some((Some((status, kind)), task, is_due, ended, committed)) = row else {
        return Ok(false);
    };
    let is_new = ended.is_some_and(|at| at > job.created);
    if is_new || !takes(all, job.action, &job.filter, webhook, status, kind) {
        return Ok(false);
    }
    match job.action {
        // Due since its commit, so that what is older goes out first.
        Action::Redeliver => lanes::rejoin(tx, webhook, &task, *seq, committed.min(now))?,
        Action::Cancel => {
            let has_turn = is_due || status == DeliveryStatus::Held;
            cancel_waiting(tx, webhook, &task, *seq, has_turn, now)?;
        }
    }
    Ok(true)
}
