//! Jobs: many deliveries sent again or cancelled at once, asked for as a list is: by a filter.
//!
//! The rules:
//! - A job is a row, which upkeep works off in small steps; the cursor and what a step changes are
//!   written together, so it goes on where it was after a crash.
//! - The oldest go first, so that the events of a task are in line in order of commit.
//! - What came after the job was asked for is left alone. Sending again leaves what waits or is under way, cancelling what
//!   is under way or has ended.
//!
//! Must not look at deliveries: that is `bulk_steps`.

use super::filter_text;
use super::list::DeliveryFilter;
use super::merge::{Key, Span};
use super::totals::totals;
use crate::model::{DeliveryStatus, Named, Reason, Time, names};
use crate::store::engine::columns::{Row, Value, only};
use crate::store::engine::error::{Error, Result};
use crate::store::engine::tx::Tx;
use crate::store::events::ends;
use crate::store::webhooks::recoveries::progress;

/// With so many under way nobody may ask for more; what follows from a change of a webhook begins all
/// the same.
const RUNNING_MOST: i64 = 20;
/// Jobs that have ended and are kept.
const KEPT: i64 = 100;

names! {
    /// What is done with each delivery.
    pub(crate) enum Action {
        /// What has ended, or is held for its own sake, is sent again.
        Redeliver = "redeliver",
        /// What waits is given up.
        Cancel = "cancel",
    }
}

impl Action {
    /// Whether it can be done with what is stored like this.
    pub(crate) fn takes(self, status: DeliveryStatus) -> bool {
        match status {
            DeliveryStatus::Held => true,
            DeliveryStatus::Pending => self == Action::Cancel,
            DeliveryStatus::Sending => false,
            DeliveryStatus::Delivered | DeliveryStatus::Failed | DeliveryStatus::Cancelled => {
                self == Action::Redeliver
            }
        }
    }
}

names! {
    /// Where a job stands.
    pub(crate) enum JobState {
        /// It is at work.
        Running = "running",
        /// It is through.
        Done = "done",
    }
}

/// A job, under way or not.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// 1, 2, 3 …
    pub(crate) num: i64,
    /// What is done.
    pub(crate) action: Action,
    /// With which deliveries.
    pub(crate) filter: DeliveryFilter,
    /// The same as it stands in the address of a list.
    pub(crate) filter_text: String,
    /// Where it stands.
    pub(crate) state: JobState,
    /// When it was asked for.
    pub(crate) created: Time,
    /// When it was through.
    pub(crate) finished: Option<Time>,
    /// Why it was through before all was done.
    pub(crate) reason: Option<Reason>,
    /// How many deliveries there were when it was asked for, if they were counted.
    pub(crate) expected: Option<i64>,
    /// How many it has changed so far.
    pub(crate) changed: i64,
    /// The last event before all that are looked at.
    pub(crate) first: i64,
    /// The delivery that was looked at last.
    pub(crate) cursor: Key,
    /// The last event to look at.
    pub(crate) last: i64,
}

impl Job {
    /// How much of its way it has come, 0 to 1.
    pub(crate) fn progress(&self) -> f64 {
        match self.state {
            JobState::Done => 1.0,
            JobState::Running => progress(self.first, self.cursor.0, self.last),
        }
    }
}

/// Begins a job; `None` if as many are under way as there may be.
pub(crate) fn begin_job(
    tx: &mut Tx<'_>,
    action: Action,
    filter: &DeliveryFilter,
    expected: Option<i64>,
    now: Time,
) -> Result<Option<Job>> {
    let running = tx.row("SELECT COUNT(*) FROM jobs WHERE state = 'running'", &[], only::<i64>);
    if running?.unwrap_or_default() >= RUNNING_MOST {
        return Ok(None);
    }
    put(tx, action, filter, expected, now).map(Some)
}

/// Lets go what a webhook holds for its own sake, if there is any: a person has said "go on", or how
/// it is held has changed.
pub(crate) fn release(tx: &mut Tx<'_>, webhook: &str, now: Time) -> Result<()> {
    if held(tx, webhook)? == 0 {
        return Ok(());
    }
    let filter = DeliveryFilter::held_by(webhook);
    let same = tx.row(
        "SELECT num FROM jobs WHERE state = 'running' AND action = 'redeliver' AND filter = ?1
             AND cursor = first",
        &[Value::from(&filter_text::write(&filter))],
        only::<i64>,
    )?;
    if same.is_none() {
        put(tx, Action::Redeliver, &filter, None, now)?;
    }
    Ok(())
}

/// How many deliveries a webhook holds for their own sake: refused and kept, or refused alone.
pub(crate) fn held(tx: &mut Tx<'_>, webhook: &str) -> Result<i64> {
    let is_held = |_: &str, status, _| status == DeliveryStatus::Held;
    let mut sum = 0;
    for run in totals(tx, Some(webhook))?.iter().flat_map(|total| total.runs(&is_held)) {
        sum += run.count(tx, Span::ALL)?;
    }
    Ok(sum)
}

fn put(
    tx: &mut Tx<'_>,
    action: Action,
    filter: &DeliveryFilter,
    expected: Option<i64>,
    now: Time,
) -> Result<Job> {
    let (first, last) = ends(tx)?;
    let num = tx.insert(
        "INSERT INTO jobs (action, filter, state, created_ms, expected, changed, first, cursor,
             cursor_webhook, last)
         VALUES (?1, ?2, 'running', ?3, ?4, 0, ?5, ?5, '', ?6)",
        &[
            action.as_str().into(),
            Value::from(&filter_text::write(filter)),
            now.0.into(),
            expected.into(),
            (first - 1).into(),
            last.into(),
        ],
    )?;
    tx.execute("DELETE FROM jobs WHERE state <> 'running' AND num <= ?1", &[(num - KEPT).into()])?;
    tx.wake();
    find_job(tx, num)?.ok_or_else(|| unreadable("number"))
}

/// Ends a job and forgets it; what it has done stays done.
pub(crate) fn end_job(tx: &mut Tx<'_>, num: i64) -> Result<()> {
    tx.execute("DELETE FROM jobs WHERE num = ?1", &[num.into()]).map(drop)
}

const SELECT: &str = "\
    SELECT num, action, filter, state, created_ms, finished_ms, reason, expected, changed, first, cursor,
        cursor_webhook, last
    FROM jobs";

/// A job by its number.
pub(crate) fn find_job(tx: &mut Tx<'_>, num: i64) -> Result<Option<Job>> {
    tx.row(&format!("{SELECT} WHERE num = ?1"), &[num.into()], read)
}

/// The jobs that are known, the newest first.
pub(crate) fn list_jobs(tx: &mut Tx<'_>) -> Result<Vec<Job>> {
    tx.rows(&format!("{SELECT} ORDER BY num DESC"), &[], read)
}

/// The jobs under way, the oldest first.
pub(crate) fn running_jobs(tx: &mut Tx<'_>) -> Result<Vec<Job>> {
    tx.rows(&format!("{SELECT} WHERE state = 'running' ORDER BY num"), &[], read)
}

/// Another version may have written it: the database is not damaged for that.
fn unreadable(what: &str) -> Error {
    Error::Database(format!("a job has an unreadable {what}"))
}

fn read(row: &Row<'_>) -> Result<Job> {
    let num = row.next()?;
    let action = Action::parse(row.str()?).ok_or_else(|| unreadable("action"))?;
    let filter_text: String = row.next()?;
    Ok(Job {
        num,
        action,
        filter: filter_text::read(&filter_text).ok_or_else(|| unreadable("filter"))?,
        filter_text,
        state: JobState::parse(row.str()?).ok_or_else(|| unreadable("state"))?,
        created: row.next()?,
        finished: row.next()?,
        reason: row.next::<Option<String>>()?.as_deref().and_then(Reason::parse),
        expected: row.next()?,
        changed: row.next()?,
        first: row.next()?,
        cursor: (row.next()?, row.str()?.into()),
        last: row.next()?,
    })
}
