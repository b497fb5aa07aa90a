//! Checkpoints: SQLite's log is copied into the database file, so that it can begin anew.
//!
//! It begins anew only where all of it is copied, and that takes a millisecond a megabyte. So a thread of its own copies
//! most of it while others write, and the writer, between two batches, the little that came meanwhile. Must not know what
//! is in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::files::Files;
use super::state::Shared;

/// Bytes of log after which it is copied,
const LONG: i64 = 4 * 1024 * 1024;
/// and, where a reader keeps it from beginning anew, after so many more.
const MORE: i64 = 1024 * 1024;
/// So long it gets only where somebody reads what was there long ago, and does not end.
const TOO_LONG: i64 = 256 * 1024 * 1024;
/// The second copying takes what was written during the first, and leaves hardly anything to the writer.
const ROUNDS: usize = 2;

/// The writer's side.
pub(super) struct Checkpoints {
    /// `None`: at the end.
    ask: Option<SyncSender<()>>,
    is_copied: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    log: LogLength,
}

/// The side of the thread that copies.
pub(super) struct Copier {
    asked: Receiver<()>,
    is_copied: Arc<AtomicBool>,
}

/// Both, before there is a thread.
pub(super) fn pair() -> (Checkpoints, Copier) {
    let (ask, asked) = sync_channel(1);
    let is_copied = Arc::new(AtomicBool::new(false));
    let copier = Copier { asked, is_copied: Arc::clone(&is_copied) };
    let log = LogLength::default();
    (Checkpoints { ask: Some(ask), is_copied, thread: None, log }, copier)
}

impl Copier {
    /// Copies whenever it is asked to, until the writer ends. Not into files that are no longer those of the log.
    pub(super) fn run(self, connection: &Connection, files: &Files, shared: &Shared) {
        while self.asked.recv().is_ok() {
            for _ in 0..ROUNDS {
                if shared.broken.is_cancelled() || files.changed().is_some() {
                    break;
                }
                copy(connection, "PASSIVE", shared);
            }
            self.is_copied.store(true, Ordering::Release);
        }
    }
}

/// Whatever ended it, the writer does not wait for it.
impl Drop for Copier {
    fn drop(&mut self) {
        self.is_copied.store(true, Ordering::Release);
    }
}

impl Checkpoints {
    /// The thread that copies, which is waited for at the end.
    pub(super) fn on(mut self, thread: JoinHandle<()>) -> Checkpoints {
        self.thread = Some(thread);
        self
    }

    /// After a batch that has been answered, with so many bytes of log: has it copied if that is due.
    pub(super) fn look(&mut self, connection: &Connection, bytes: i64, shared: &Shared) {
        match self.log.next(bytes, self.is_copied.swap(false, Ordering::Acquire)) {
            Step::None => {}
            Step::Ask => {
                let is_asked = self.ask.as_ref().is_some_and(|ask| ask.try_send(()).is_ok());
                // With nobody to ask, the writer has to do it. Else this is left alone: it may be copied by now.
                if !is_asked {
                    self.is_copied.store(true, Ordering::Relaxed);
                }
            }
            Step::Finish => copy(connection, "PASSIVE", shared),
            Step::FinishAndTell => {
                copy(connection, "PASSIVE", shared);
                tracing::warn!(
                    "{}-wal has grown to {} MB, because somebody goes on reading the database as it was long ago: \
                     another program (a shell, a backup) with a transaction that does not end. Nothing is lost, but \
                     the log takes more of the disk until that program is ended",
                    shared.name,
                    bytes / 1024 / 1024
                );
            }
        }
    }
}

/// Nobody copies any more.
impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.ask.take());
        if let Some(thread) = self.thread.take() {
            // One that panicked has nothing left to copy.
            let _panicked = thread.join();
        }
    }
}

/// Copies the log into the database file.
pub(super) fn copy(connection: &Connection, mode: &str, shared: &Shared) {
    let done = connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
    // A full disk or a reader in the way only means that the log stays longer.
    let _noted = done.map_err(|error| shared.note(error.into()));
}

/// How long the log is, and what was done about it.
#[derive(Default)]
struct LogLength {
    is_asked: bool,
    /// How long it was when it was copied last, if it has not begun anew since.
    copied: i64,
    is_told: bool,
}

/// What follows.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    None,
    /// Most of it is to be copied, by the thread for that.
    Ask,
    /// Most of it is copied: so is now the rest.
    Finish,
    /// The same, and it is too long.
    FinishAndTell,
}

impl LogLength {
    fn next(&mut self, bytes: i64, is_copied: bool) -> Step {
        if bytes < self.copied {
            (self.copied, self.is_told) = (0, false);
        }
        if is_copied {
            (self.is_asked, self.copied) = (false, bytes);
            let is_to_tell = bytes >= TOO_LONG && !self.is_told;
            self.is_told |= is_to_tell;
            return if is_to_tell { Step::FinishAndTell } else { Step::Finish };
        }
        let is_due = bytes >= LONG && bytes - self.copied >= MORE;
        if is_due && !self.is_asked {
            self.is_asked = true;
            return Step::Ask;
        }
        Step::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_copied_when_it_is_long_and_again_only_after_more() {
        let mut log = LogLength::default();
        assert_eq!(log.next(LONG - 1, false), Step::None);
        assert_eq!(log.next(LONG, false), Step::Ask);
        assert_eq!(log.next(2 * LONG, false), Step::None, "it is being copied");
        assert_eq!(log.next(2 * LONG, true), Step::Finish);
        // A reader was in the way.
        assert_eq!(log.next(2 * LONG + 1, false), Step::None);
        assert_eq!(log.next(2 * LONG + MORE, false), Step::Ask);
        assert_eq!(log.next(2 * LONG + MORE, true), Step::Finish);
        // And now it has begun anew.
        assert_eq!(log.next(0, false), Step::None);
        assert_eq!(log.next(LONG, false), Step::Ask);
    }

    /// Where a reader is in the way there is nothing to copy, and the thread is through before the writer goes on.
    #[test]
    fn a_copying_that_ends_at_once_is_not_missed() {
        let (mut checkpoints, copier) = pair();
        let at_once = std::thread::spawn(move || {
            while copier.asked.recv().is_ok() {
                copier.is_copied.store(true, Ordering::Release);
            }
        });
        let (connection, shared) =
            (Connection::open_in_memory().unwrap(), Shared::of(std::path::Path::new("a.db")));
        for round in 1..=5_000 {
            let bytes = LONG + round * MORE;
            checkpoints.look(&connection, bytes, &shared);
            let began = std::time::Instant::now();
            while checkpoints.log.copied < bytes {
                assert!(began.elapsed().as_secs() < 10, "round {round}");
                checkpoints.look(&connection, bytes, &shared);
            }
        }
        drop(checkpoints);
        at_once.join().unwrap();
    }

    #[test]
    fn one_that_goes_on_growing_is_told_of_once() {
        let mut log = LogLength::default();
        let mut told = 0;
        for bytes in [TOO_LONG - 1, TOO_LONG, 2 * TOO_LONG, 0, LONG, TOO_LONG + 1] {
            told += usize::from(log.next(bytes, true) == Step::FinishAndTell);
        }
        assert_eq!(told, 2, "once, and once more after it had begun anew");
    }
}
