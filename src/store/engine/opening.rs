//! Why the database could not be opened, in words for the person who set `DATABASE_URL`.
//!
//! Each sentence names the file and says what to do. Must not know how a database is opened.

use std::fmt;
use std::path::Path;

use rusqlite::ErrorCode;

use super::error::Error;

/// What to do about a damaged database.
pub(crate) const RESCUE: &str = "stop btk, keep a copy of the file and of what stands beside it, \
    then put a backup in its place or save what can still be read (docs/production.md, \"A damaged database\")";

/// A database that could not be opened.
#[derive(Debug)]
pub(crate) struct Opening {
    path: String,
    why: Why,
}

impl Opening {
    pub(crate) fn of(path: &Path, why: impl Into<Why>) -> Opening {
        Opening { path: path.display().to_string(), why: why.into() }
    }

    /// Whether another server has it.
    pub(crate) fn is_held(&self) -> bool {
        matches!(self.why, Why::Held { .. })
    }
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.why)
    }
}

impl std::error::Error for Opening {}

/// What is the matter with a file; stands after its name.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Why {
    #[error("is held by another btk{holder}; stop it first, or set another DATABASE_URL")]
    Held {
        /// ` (process 123)`, where known.
        holder: String,
    },
    #[error(
        "is {0}, so it is left as it is; set DATABASE_URL to a file of its own, e.g. sqlite:btk.db"
    )]
    NoFile(&'static str),
    #[error(
        "is no SQLite database, so it is left as it is; set DATABASE_URL to a file of its own, e.g. \
         sqlite:btk.db. If it was btk's database, it is damaged: {RESCUE}"
    )]
    NoDatabase,
    #[error(
        "is the database of another program{tables}, so it is left as it is; set DATABASE_URL to a \
         file of its own, e.g. sqlite:btk.db"
    )]
    Foreign {
        /// ` (its tables: a, b)`, where known.
        tables: String,
    },
    #[error("is {0}, where the database needs a file of its own; take it away and start again")]
    InTheWay(&'static str),
    #[error(
        "was made by a newer btk (its format is {found}, this program knows {known}); run the newer \
         program, or restore a backup"
    )]
    Newer { found: usize, known: usize },
    #[error(
        "was made by another btk: its migration {0} differs from this program's; use the btk that \
         made it"
    )]
    Altered(i64),
    #[error(
        "cannot be brought to this version: its migration {number} failed ({said}); use the btk that \
         made it, or restore a backup"
    )]
    Migration { number: i64, said: String },
    #[error(
        "cannot be opened: this program was built with SQLite {0}, which can lose writes; build it \
         with 3.51.3 or newer"
    )]
    OldSqlite(&'static str),
    #[error(
        "cannot keep a write-ahead log here (journal mode {0}); put it on a local disk with \
         DATABASE_URL"
    )]
    NoLog(String),
    #[error(
        "cannot be used: {0}; make sure that its folder is there and that this user may write, or \
         set DATABASE_URL"
    )]
    File(std::io::Error),
    #[error(
        "cannot be opened: the disk is full, or a quota is used up; free some space and start again"
    )]
    Full,
    #[error(
        "cannot be opened: another program has locked it; end that program (a shell, a backup) or its \
         transaction, and start again"
    )]
    Locked,
    #[error("is damaged: {RESCUE}. What SQLite says: {0}")]
    Damaged(String),
    #[error("cannot be opened: {0}")]
    Database(String),
}

impl From<std::io::Error> for Why {
    fn from(error: std::io::Error) -> Why {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Why::Full,
            _ => Why::File(error),
        }
    }
}

impl From<rusqlite::Error> for Why {
    fn from(error: rusqlite::Error) -> Why {
        // Not its Display, which shows the whole statement.
        let said = match &error {
            rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
            other => other.to_string(),
        };
        let code = error.sqlite_error_code();
        if matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)) {
            return Why::Damaged(said);
        }
        match Error::from(error) {
            Error::Full => Why::Full,
            Error::Locked => Why::Locked,
            _ => Why::Database(said),
        }
    }
}
