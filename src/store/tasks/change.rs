//! A change of a task, whole: the row, its event and its deliveries, in the caller's transaction.
//!
//! Must not know who asked for it (a handler or an incoming webhook), nor decide what changes.

use serde_json::value::RawValue;

use crate::model::{Event, EventKind, Origin, Task, TaskId, Time, payload};
use crate::store::deliveries::outbox;
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::events::last_told;
use crate::store::tasks::{self, Stored};

/// What a change needs that is not the task: decided before the transaction.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The id its event will have, if there is one.
    pub(crate) event_id: String,
    /// Where the change comes from.
    pub(crate) origin: Origin,
    /// When.
    pub(crate) now: Time,
}

/// What a write left: enough to answer with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// The task as JSON, after the write (before it, for a deletion).
    pub(crate) snapshot: String,
    /// The task's version.
    pub(crate) version: i64,
}

impl Written {
    /// What a write left of which this is the snapshot.
    pub(crate) fn of(snapshot: Box<RawValue>, version: i64) -> Written {
        Written { snapshot: Box::<str>::from(snapshot).into(), version }
    }
}

/// Requests that race may be committed in another order than they came in; a step of the clock is
/// more than this, in milliseconds.
pub(crate) const RACE_MS: i64 = 2_000;

/// Whether a task of this id was deleted here, and not made again.
pub(crate) fn was_deleted(tx: &mut Tx<'_>, id: &TaskId) -> Result<bool> {
    tasks::has_tombstone(tx, id)
}

/// When that was; `None` also where its event is no longer kept.
pub(crate) fn deleted_at(tx: &mut Tx<'_>, id: &TaskId) -> Result<Option<Time>> {
    if !was_deleted(tx, id)? {
        return Ok(None);
    }
    last_told(tx, id)
}

/// The version of a task that was deleted, 0 if there never was one. The id is about to be used again.
pub(crate) fn last_version(tx: &mut Tx<'_>, id: &TaskId) -> Result<i64> {
    Ok(tasks::take_tombstone(tx, id)?.unwrap_or(0))
}

/// Inserts a new task whose versions go on after `last_version`. The caller has made sure that its
/// id is free.
pub(crate) fn create(
    tx: &mut Tx<'_>,
    mut task: Task,
    last_version: i64,
    change: Change,
) -> Result<Written> {
    let at = commit_time(tx, change.now)?;
    (task.created_at, task.updated_at) = (at, at);
    let written = tell(tx, &task, EventKind::Created, None, last_version + 1, at, change)?;
    tasks::insert(tx, &task, written.version)?;
    Ok(written)
}

/// Writes the new state of a task that is there.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    before: &Stored,
    mut after: Task,
    kind: EventKind,
    change: Change,
) -> Result<Written> {
    let at = commit_time(tx, change.now)?;
    after.updated_at = at.max(after.updated_at);
    let diff = payload::diff(&before.task, &after);
    let written = tell(tx, &after, kind, Some(diff), before.version + 1, at, change)?;
    tasks::update(tx, before.num, &after, written.version)?;
    Ok(written)
}

/// Deletes a task; its event carries the last state.
pub(crate) fn delete(tx: &mut Tx<'_>, before: &Stored, change: Change) -> Result<Written> {
    let at = commit_time(tx, change.now)?;
    let diff = payload::diff(&before.task, &before.task);
    let (kind, version) = (EventKind::Deleted, before.version + 1);
    let written = tell(tx, &before.task, kind, Some(diff), version, at, change)?;
    tasks::delete(tx, before, written.version)?;
    Ok(written)
}

/// The time that a change carries: no earlier than that of the commit before it, so that lists by
/// time and by order agree, and who asks for what changed since T misses nothing.
pub(crate) fn commit_time(tx: &mut Tx<'_>, now: Time) -> Result<Time> {
    let last = outbox::last_event(tx)?;
    Ok(last.at.filter(|last| (0..=RACE_MS).contains(&last.ms_since(now))).unwrap_or(now))
}

fn tell(
    tx: &mut Tx<'_>,
    task: &Task,
    kind: EventKind,
    before: Option<String>,
    version: i64,
    at: Time,
    change: Change,
) -> Result<Written> {
    let event = Event {
        id: change.event_id,
        kind,
        origin: change.origin,
        task_id: task.id.clone(),
        version,
        at,
        snapshot: Event::snapshot(task),
        before,
    };
    outbox::put(tx, &event, task, change.now)?;
    Ok(Written::of(event.snapshot, version))
}
