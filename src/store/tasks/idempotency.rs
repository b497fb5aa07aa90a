//! Safe repeats: the same write under the same key happens once and is answered alike.
//!
//! The key is written in the write's own transaction, for answers of 2xx only. Must not know what
//! the write was.

use super::change::Written;
use crate::model::Time;
use crate::store::engine::columns::Value;
use crate::store::engine::error::Result;
use crate::store::engine::tx::Tx;

/// A client's key and what it was sent with.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// The key alone is the scope.
    pub(crate) name: String,
    /// SHA-256 of method, path and body, in hexadecimal. Empty = any request under this key counts
    /// as the same (a `webhook-id`, whose sender vouches for that).
    pub(crate) hash: String,
    /// When the request came.
    pub(crate) now: Time,
}

/// How long a key is kept, in milliseconds: 48 hours. Make repeats a failed run for about 40.
const KEPT_MS: i64 = 48 * 3_600_000;

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Never seen, or so long ago that it is forgotten.
    New,
    /// Another request used it.
    Other,
    /// The same request: its status, and what it wrote if it wrote something.
    Same {
        /// The HTTP status of the first answer.
        status: u16,
        /// Whose change it was, where that was noted.
        task_id: Option<String>,
        /// The task as the first answer showed it, if it did.
        written: Option<Written>,
    },
}

/// Looks a key up.
pub(crate) fn look_up(tx: &mut Tx<'_>, key: &Key) -> Result<Repeat> {
    let found = tx.row(
        "SELECT hash, status, task_id, version, snapshot FROM idempotency
         WHERE key = ?1 AND at_ms > ?2",
        &[Value::from(&key.name), oldest(key.now).into()],
        |row| {
            let hash: String = row.next()?;
            let status = u16::try_from(row.next::<i64>()?).unwrap_or(200);
            let task_id = row.next()?;
            let written = row.next::<Option<i64>>()?.zip(row.next::<Option<String>>()?);
            let written = written.map(|(version, snapshot)| Written { snapshot, version });
            Ok((hash, Repeat::Same { status, task_id, written }))
        },
    )?;
    Ok(match found {
        None => Repeat::New,
        Some((hash, _)) if hash != key.hash => Repeat::Other,
        Some((_, same)) => same,
    })
}

/// Remembers an answer: whose change it was, or the task as it was shown.
pub(crate) fn keep_answer(
    tx: &mut Tx<'_>,
    key: &Key,
    status: u16,
    task_id: Option<&str>,
    written: Option<&Written>,
) -> Result<()> {
    tx.execute(
        "INSERT INTO idempotency (key, hash, status, task_id, version, snapshot, at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (key) DO UPDATE SET hash = excluded.hash, status = excluded.status,
             task_id = excluded.task_id, version = excluded.version,
             snapshot = excluded.snapshot, at_ms = excluded.at_ms",
        &[
            Value::from(&key.name),
            Value::from(&key.hash),
            i64::from(status).into(),
            task_id.into(),
            written.map(|written| written.version).into(),
            written.map(|written| written.snapshot.as_str()).into(),
            key.now.0.into(),
        ],
    )?;
    Ok(())
}

/// Deletes at most `most` keys that are older than they are kept; answers how many.
pub(crate) fn forget_before(tx: &mut Tx<'_>, now: Time, most: i64) -> Result<usize> {
    tx.execute(
        "DELETE FROM idempotency WHERE key IN
             (SELECT key FROM idempotency WHERE at_ms <= ?1 ORDER BY at_ms LIMIT ?2)",
        &[oldest(now).into(), most.into()],
    )
}

fn oldest(now: Time) -> i64 {
    now.plus_ms(-KEPT_MS).0
}
