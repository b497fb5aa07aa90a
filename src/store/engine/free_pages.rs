//! Free pages: what deleted rows leave behind in the file, given back to the disk in small steps.
//!
//! The one file of SQL that is SQLite's alone; PostgreSQL does this by itself. Must not know what
//! was deleted.

use super::columns::only;
use super::error::Result;
use super::tx::Tx;

/// How the file is used, in pages of 4 KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pages {
    /// In all.
    pub(crate) all: i64,
    /// Of those, how many hold nothing.
    pub(crate) free: i64,
}

impl Pages {
    /// Whether so much is free that it is worth giving back: more than 1 MiB and a fifth of the
    /// file. The rest is soon used again.
    pub(crate) fn are_many_free(&self) -> bool {
        self.free > 256 && self.free > self.all / 5
    }

    /// Whether a file that is being made smaller is small enough: half of that.
    pub(crate) fn are_few_free(&self) -> bool {
        self.free <= 128 || self.free <= self.all / 10
    }
}

/// Looks how the file is used.
pub(crate) fn pages(tx: &mut Tx<'_>) -> Result<Pages> {
    let all = tx.row("PRAGMA page_count", &[], only::<i64>)?;
    let free = tx.row("PRAGMA freelist_count", &[], only::<i64>)?;
    Ok(Pages { all: all.unwrap_or_default(), free: free.unwrap_or_default() })
}

/// Gives back up to 100 pages. The file itself becomes shorter when the log is next copied into it.
pub(crate) fn give_back(tx: &mut Tx<'_>) -> Result<()> {
    // A page a row, so every row must be asked for.
    tx.rows("PRAGMA incremental_vacuum(100)", &[], |_| Ok(())).map(drop)
}
