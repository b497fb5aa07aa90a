//! Tx: the narrow waist between our SQL and the database: statements and their rows, what the writer keeps in memory,
//! and what follows the commit.
//!
//! Statements are written once, with `?1 ?2 …`, in SQL that SQLite and PostgreSQL both run. Must
//! not know any table.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::columns::{Row, Value};
use super::error::{Error, Result};
use super::sums::{Sums, Upsert};

/// A page of a list ends early when what is on it is larger than this together, as JSON: 1 MiB. What follows is
/// asked for with the next page.
pub(crate) const PAGE_BYTES: usize = 1024 * 1024;

/// What the connection that writes keeps in memory from one transaction to the next, and from call to call within one.
#[derive(Default)]
pub(crate) struct Memory {
    /// What was read and stays true until a write says otherwise, one of each type. One connection writes, so what it
    /// remembers is what is there.
    known: RefCell<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    sums: RefCell<Sums>,
}

impl Memory {
    /// The transaction was undone: nothing of it is true.
    pub(crate) fn clear(&self) {
        self.known.take();
        self.sums.take();
    }
}

/// What is done once a transaction is on disk. Where it never is, this is dropped.
pub(crate) type AfterCommit = Box<dyn FnOnce() + Send>;

/// What calls find beside the database, of a type that is theirs to know.
pub(crate) type Beside = Arc<dyn Any + Send + Sync>;

/// An open transaction.
pub(crate) struct Tx<'c> {
    connection: &'c rusqlite::Connection,
    memory: Option<&'c Memory>,
    beside: Option<Beside>,
    after: Vec<AfterCommit>,
    wakes: bool,
    has_written: bool,
}

impl<'c> Tx<'c> {
    /// A transaction that remembers nothing of others.
    pub(crate) fn new(connection: &'c rusqlite::Connection) -> Tx<'c> {
        Tx {
            connection,
            memory: None,
            beside: None,
            after: Vec::new(),
            wakes: false,
            has_written: false,
        }
    }

    /// One of the connection that writes.
    pub(crate) fn with_memory(connection: &'c rusqlite::Connection, memory: &'c Memory) -> Tx<'c> {
        Tx { memory: Some(memory), ..Tx::new(connection) }
    }

    /// The same, with something beside the database.
    #[must_use]
    pub(crate) fn beside(self, beside: Option<Beside>) -> Tx<'c> {
        Tx { beside, ..self }
    }

    /// What stands beside the database, if it is of this type.
    pub(crate) fn find_beside<T: 'static + Send + Sync>(&self) -> Option<Arc<T>> {
        self.beside.clone()?.downcast().ok()
    }

    /// Does something once this transaction is on disk.
    pub(crate) fn after_commit(&mut self, does: impl FnOnce() + Send + 'static) {
        self.after.push(Box::new(does));
    }

    /// What is to be done then.
    pub(crate) fn take_after(&mut self) -> Vec<AfterCommit> {
        std::mem::take(&mut self.after)
    }

    /// What was remembered of this type.
    pub(crate) fn recall<T: 'static + Send + Sync>(&self) -> Option<Arc<T>> {
        let remembered = self.memory?.known.borrow().get(&TypeId::of::<T>()).cloned()?;
        remembered.downcast().ok()
    }

    /// Remembers for the transactions to come.
    pub(crate) fn remember<T: 'static + Send + Sync>(&self, value: Arc<T>) {
        if let Some(memory) = self.memory {
            memory.known.borrow_mut().insert(TypeId::of::<T>(), value);
        }
    }

    /// What is remembered may no longer be true.
    pub(crate) fn forget(&mut self) {
        if let Some(memory) = self.memory {
            memory.known.borrow_mut().clear();
        }
    }

    /// Adds to a sum, which is written once for all calls of a transaction.
    pub(crate) fn add(
        &mut self,
        sql: Upsert,
        (key, part): (&str, &'static str),
        by: [i64; 2],
    ) -> Result<()> {
        match self.memory {
            Some(memory) => {
                self.has_written = true;
                memory.sums.borrow_mut().add(sql, (key, part), by);
                Ok(())
            }
            None => self.write_sum(sql, (key, part), by),
        }
    }

    /// Writes all sums, so that they are there to be read.
    pub(crate) fn write_sums(&mut self) -> Result<()> {
        let all = self.memory.map(|memory| memory.sums.borrow_mut().take());
        for (sql, (key, part), by) in all.into_iter().flatten() {
            self.write_sum(sql, (&key, part), by)?;
        }
        Ok(())
    }

    fn write_sum(
        &mut self,
        sql: Upsert,
        (key, part): (&str, &str),
        [a, b]: [i64; 2],
    ) -> Result<()> {
        self.execute(sql, &[key.into(), part.into(), a.into(), b.into()]).map(drop)
    }

    /// What was added so far, to be put back where what follows is undone.
    pub(crate) fn sums(&self) -> Sums {
        self.memory.map(|memory| memory.sums.borrow().clone()).unwrap_or_default()
    }

    /// Puts them back.
    pub(crate) fn put_back(&self, sums: Sums) {
        if let Some(memory) = self.memory {
            *memory.sums.borrow_mut() = sums;
        }
    }

    /// Runs a statement; answers how many rows it touched.
    pub(crate) fn execute(&mut self, sql: &str, args: &[Value<'_>]) -> Result<usize> {
        let mut statement = self.prepare(sql)?;
        Ok(statement.execute(rusqlite::params_from_iter(args))?)
    }

    /// Inserts a row into a table that numbers its rows; answers the number. Cheaper than `RETURNING`, for which
    /// SQLite makes a table.
    pub(crate) fn insert(&mut self, sql: &str, args: &[Value<'_>]) -> Result<i64> {
        let mut statement = self.prepare(sql)?;
        Ok(statement.insert(rusqlite::params_from_iter(args))?)
    }

    /// Every row of the answer.
    pub(crate) fn rows<T>(
        &mut self,
        sql: &str,
        args: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.rows_until(sql, args, read, |_| false)
    }

    /// Rows of the answer until `enough` says so of one; that one is the last.
    pub(crate) fn rows_until<T>(
        &mut self,
        sql: &str,
        args: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
        mut enough: impl FnMut(&T) -> bool,
    ) -> Result<Vec<T>> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(args))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let value = read(&Row::new(row))?;
            let is_last = enough(&value);
            found.push(value);
            if is_last {
                break;
            }
        }
        Ok(found)
    }

    /// The first row of the answer, if there is one.
    pub(crate) fn row<T>(
        &mut self,
        sql: &str,
        args: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(args))?;
        match rows.next()? {
            Some(row) => read(&Row::new(row)).map(Some),
            None => Ok(None),
        }
    }

    /// Says that this write leaves something to send, so that it is looked for after the commit.
    pub(crate) fn wake(&mut self) {
        self.wakes = true;
    }

    pub(crate) fn wakes(&self) -> bool {
        self.wakes
    }

    /// Whether SQLite has ended the transaction by itself, as it does where it must undo it.
    pub(crate) fn is_over(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// Runs a statement of transactions.
    pub(crate) fn run(&self, sql: &str) -> Result<()> {
        run(self.connection, sql)
    }

    /// Whether there is anything to be undone.
    pub(crate) fn has_written(&self) -> bool {
        self.has_written
    }

    fn prepare(&mut self, sql: &str) -> Result<rusqlite::CachedStatement<'c>> {
        let statement = self.connection.prepare_cached(sql)?;
        self.has_written |= !statement.readonly();
        Ok(statement)
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        use rusqlite::ffi::{ErrorCode, SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};
        if let Some(missing) = missing(&error) {
            return Error::Damaged(missing);
        }
        match error.sqlite_error() {
            // The shared-memory file of the log could not grow: the same want of room.
            Some(e) if e.extended_code == SQLITE_IOERR_SHMSIZE => Error::Full,
            Some(e) => match e.code {
                ErrorCode::DiskFull => Error::Full,
                ErrorCode::SystemIoFailure
                    if e.extended_code == SQLITE_IOERR_WRITE
                        && is_want_of_room(&std::io::Error::last_os_error()) =>
                {
                    Error::Full
                }
                ErrorCode::SystemIoFailure | ErrorCode::ReadOnly => {
                    Error::Broken(error.to_string())
                }
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                    Error::Damaged(error.to_string())
                }
                // A file of its own could not be opened: the process is out of file handles for now.
                ErrorCode::CannotOpen => Error::Busy,
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed => Error::Locked,
                _ => Error::Database(error.to_string()),
            },
            // Only text is written, so what is none was not written by us.
            None if is_no_text(&error) => Error::Damaged(error.to_string()),
            None => Error::Database(error.to_string()),
        }
    }
}

/// Whether bytes were met that are no text, in a column that is kept or in one that is only looked at.
fn is_no_text(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::Utf8Error(..) | rusqlite::Error::FromSqlConversionFailure(..))
}

/// Which table or column is not there, on which every statement of ours may rely: somebody else has taken it away.
fn missing(error: &rusqlite::Error) -> Option<String> {
    // Without the statement.
    let (rusqlite::Error::SqlInputError { msg: said, .. }
    | rusqlite::Error::SqliteFailure(_, Some(said))) = error
    else {
        return None;
    };
    let words = ["no such table: ", "no such column: ", " has no column named "];
    words.iter().any(|words| said.contains(words)).then(|| said.clone())
}

/// Whether an error of the system means that there is no room: a full disk, a quota, the size that a file may have. SQLite
/// knows of a full disk alone and undoes all three in the same way, but only the system's error, which the thread still
/// has after a write that failed, tells them from a disk that fails.
fn is_want_of_room(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), QuotaExceeded | FileTooLarge | StorageFull)
}

/// Runs a statement that takes no values and gives no rows.
pub(crate) fn run(connection: &rusqlite::Connection, sql: &str) -> Result<()> {
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn a_quota_and_a_limit_on_files_are_want_of_room_and_a_broken_disk_is_not() {
        for (errno, is) in
            [(Errno::NOSPC, true), (Errno::DQUOT, true), (Errno::FBIG, true), (Errno::IO, false)]
        {
            assert_eq!(is_want_of_room(&errno.into()), is, "{errno}");
        }
    }
}
