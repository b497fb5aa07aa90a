//! Free pages: what deleted rows leave behind in the file, given back to the disk in small steps.
//!
//! Its SQL is SQLite's alone; PostgreSQL does this by itself. Must not know what
//! was deleted.

use super::columns::only;
use super::error::Result;
use super::tx::Tx;

/// Bytes that are given back in a step.
const STEP: i64 = 400 * 1024;

/// How the file is used, in bytes of whole pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pages {
    /// In all.
    pub(crate) all: i64,
    /// Of those, what holds nothing.
    pub(crate) free: i64,
}

impl Pages {
    /// Whether so much is free that it is worth giving back: more than 1 MiB and a fifth of the
    /// file. The rest is soon used again.
    pub(crate) fn are_many_free(&self) -> bool {
        self.free > 1024 * 1024 && self.free > self.all / 5
    }

    /// Whether a file that is being made smaller is small enough: half of that.
    pub(crate) fn are_few_free(&self) -> bool {
        self.free <= 512 * 1024 || self.free <= self.all / 10
    }
}

/// Looks how the file is used.
pub(crate) fn pages(tx: &mut Tx<'_>) -> Result<Pages> {
    let mut number = |sql| tx.row(sql, &[], only::<i64>).map(Option::unwrap_or_default);
    let page = number("PRAGMA page_size")?;
    let (all, free) = (number("PRAGMA page_count")?, number("PRAGMA freelist_count")?);
    Ok(Pages { all: all * page, free: free * page })
}

/// Gives back some. The file itself becomes shorter when the log is next copied into it.
pub(crate) fn give_back(tx: &mut Tx<'_>) -> Result<()> {
    let page = tx.row("PRAGMA page_size", &[], only::<i64>)?.unwrap_or(STEP).max(1);
    // A page a row, so every row must be asked for.
    tx.rows(&format!("PRAGMA incremental_vacuum({})", STEP / page), &[], |_| Ok(())).map(drop)
}
