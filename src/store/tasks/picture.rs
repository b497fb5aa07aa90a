//! A picture of a list of tasks: which it shows and in which order, taken in one moment and then read
//! page by page.
//!
//! Between two pages no transaction is open, since a client may take its time and a transaction that
//! stays open stops every checkpoint. So a picture holds only the numbers of the tasks, eight bytes
//! each, and what was changed since is shown as it was: the first event after the picture knows the
//! values before it. A task that was there all the time is therefore shown exactly once, at its place,
//! with what made it stand there. One that was deleted since is left out. Must not know who reads it.

use super::list::{Cursor, Sort, TaskFilter, numbers};
use super::{Stored, at};
use crate::model::{Event, EventKind, Named, payload};
use crate::store::engine::columns::only;
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;
use crate::store::events::ends;

/// Which tasks a list shows, in its order.
#[derive(Debug)]
pub(crate) struct Picture {
    nums: Vec<i64>,
    /// The newest event of that moment.
    seq: i64,
}

/// Bytes of memory that a picture of all tasks takes, at most.
pub(crate) fn picture_size(tx: &mut Tx<'_>) -> Result<usize> {
    // A walk of one step, where counting would be one through all. Numbers of deleted tasks count.
    let most = tx.row("SELECT MAX(num) FROM tasks", &[], only::<Option<i64>>)?.flatten();
    Ok(usize::try_from(most.unwrap_or_default()).unwrap_or(usize::MAX).saturating_mul(NUM))
}

const NUM: usize = size_of::<i64>();

/// Takes a picture of what a filter lets through, after the cursor.
pub(crate) fn take_picture(
    tx: &mut Tx<'_>,
    filter: &TaskFilter,
    sort: Sort,
    after: Option<&Cursor>,
) -> Result<Picture> {
    let mut nums = numbers(tx, filter, sort, after, None)?;
    nums.shrink_to_fit();
    Ok(Picture { nums, seq: ends(tx)?.1 })
}

impl Picture {
    /// How many tasks it shows.
    pub(crate) fn count(&self) -> usize {
        self.nums.len()
    }

    /// Bytes of memory that it takes.
    pub(crate) fn size(&self) -> usize {
        self.nums.len() * NUM
    }

    /// Shows the tasks from a place on, as JSON: as many as there is room for in so many bytes, with a comma and a bracket
    /// for each, but at least one. Answers the place where the next page begins. Only at the end it may be empty.
    pub(crate) fn page(
        &self,
        tx: &mut Tx<'_>,
        place: usize,
        bytes: usize,
        mut show: impl FnMut(&str),
    ) -> Result<Option<usize>> {
        let is_as_it_was = ends(tx)?.1 <= self.seq;
        let mut length = 0;
        for (n, num) in self.nums.iter().enumerate().skip(place) {
            let Some(stored) = at(tx, *num)? else { continue };
            let shown =
                if is_as_it_was { Some(now(&stored)) } else { then(tx, &stored, self.seq)? };
            let Some(task) = shown else { continue };
            if length > 0 && length + task.len() + 2 > bytes {
                return Ok(Some(n));
            }
            length += task.len() + 2;
            show(&task);
        }
        Ok(None)
    }
}

fn now(stored: &Stored) -> String {
    Box::<str>::from(Event::snapshot(&stored.task)).into()
}

/// A task as it was when the event `seq` was the newest; `None` if it was not there. Where the event
/// that would tell is gone already, it is shown as it is.
fn then(tx: &mut Tx<'_>, stored: &Stored, seq: i64) -> Result<Option<String>> {
    // An alert may be about a webhook of the same name.
    let next = tx.row(
        "SELECT kind, task, before FROM events
         WHERE task_id = ?1 AND seq > ?2 AND substr(kind, 1, 5) = 'task_' ORDER BY seq LIMIT 1",
        &[stored.task.id.as_str().into(), seq.into()],
        |row| Ok((row.next::<String>()?, row.next::<String>()?, row.next::<Option<String>>()?)),
    )?;
    let Some((kind, after, before)) = next else { return Ok(Some(now(stored))) };
    if kind == EventKind::Created.as_str() {
        // Its number was given to another task before.
        return Ok(None);
    }
    Ok(payload::previous(&after, before.as_deref()).or_else(|| Some(now(stored))))
}
