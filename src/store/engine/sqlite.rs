//! The threads over SQLite: they are started here, and here is the one that writes, with group commit.
//!
//! The writer takes what is queued, as a batch with one commit and one sync of the disk for all,
//! and answers only then. Must not know any table or what a call does.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::{mpsc, oneshot};

use super::batch::{DoneCall, Finished, run_batch};
use super::calls::ReadCall;
use super::checkpoints::{self, Checkpoints, copy};
use super::error::{Error, Result};
use super::files::{self, FileChange, Files};
use super::line::Line;
use super::open::{Log, check_version, open_reader, open_writer};
use super::opening::{Opening, Why};
use super::state::Shared;
use super::tx::{Memory, run};
use super::{damage, database_file, left_log, readers};
use crate::lock::lock;
use crate::twin;

/// While the log is longer than this, nothing looks for damage: who reads for long keeps the log from
/// being used anew. So much of it stays.
const CHECK_BYTES: i64 = 64 * 1024 * 1024;

/// For readers that still look when the server ends, before the log is copied a last time.
const LAST_READS: Duration = Duration::from_secs(1);

/// Opens the database and starts its threads; they end when their queues close. Each pool of readers has
/// so many threads. Where it fails, those that run already are in the list all the same.
pub(crate) fn start(
    path: &Path,
    line: &Arc<Line>,
    pools: [(mpsc::Receiver<ReadCall>, usize); 3],
    check: oneshot::Receiver<()>,
    shared: &Arc<Shared>,
    threads: &mut Vec<JoinHandle<()>>,
) -> Result<(), Opening> {
    check_version().map_err(|why| Opening::of(path, why))?;
    let database_file = database_file::take(path)?;
    let path = &database_file.path.clone();
    let failed = |why: Why| Opening::of(path, why);
    left_log::look(&database_file).map_err(|error| failed(error.into()))?;
    let (writer, log) = open_writer(path).map_err(failed)?;
    let files = Arc::new(Files::of(database_file).map_err(|error| failed(error.into()))?);
    let _first = shared.files.set(Arc::downgrade(&files));
    // Named after the files, so that it is closed before them whatever happens.
    let connection = writer;
    // From here on, who meets a lock of another program waits as `locked` says.
    connection.busy_timeout(Duration::ZERO).map_err(|error| failed(error.into()))?;
    for (queue, readers) in pools {
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..readers {
            let connection = open_reader(path).map_err(failed)?;
            connection.busy_timeout(Duration::ZERO).map_err(|error| failed(error.into()))?;
            let (queue, shared, held) =
                (Arc::clone(&queue), Arc::clone(shared), Arc::clone(&files));
            threads.push(spawn("btk-reader", path, move || {
                close(readers::read_loop(connection, &queue, &shared), &shared);
                drop(held);
            })?);
        }
    }
    let (watched, told, called) = (Arc::clone(&files), Arc::clone(shared), Arc::clone(line));
    threads.push(spawn("btk-files", path, move || {
        files::until(&told.closing, &watched, |change| {
            drop(told.taken_away(change));
            // So that the writer sees to the log, also where nobody writes.
            called.call();
        });
    })?);
    let mut checked = open_reader(path).map_err(failed)?;
    let (told, seen, held) = (Arc::clone(shared), Arc::clone(&log), Arc::clone(&files));
    threads.push(spawn("btk-check", path, move || {
        // Where nobody says that it may begin, nobody needs to know.
        if check.blocking_recv().is_ok() {
            look_for_damage(&mut checked, &told, seen);
        }
        close(checked, &told);
        drop(held);
    })?);
    let copying = open_reader(path).map_err(failed)?;
    copying.busy_timeout(Duration::ZERO).map_err(|error| failed(error.into()))?;
    let (checkpoints, copier) = checkpoints::pair();
    let (held, told) = (Arc::clone(&files), Arc::clone(shared));
    let thread = spawn("btk-copier", path, move || {
        copier.run(&copying, &held, &told);
        close(copying, &told);
        drop(held);
    })?;
    let checkpoints = checkpoints.on(thread);
    let (line, shared, started) = (Arc::clone(line), Arc::clone(shared), Arc::clone(&files));
    threads.push(spawn("btk-writer", path, move || {
        write_loop(&connection, &line, &shared, &log, &files, checkpoints);
        close(connection, &shared);
        drop(files);
    })?);
    started.stay(true);
    Ok(())
}

/// The last connection that closes copies the log into the database, unless it is told not to. One at
/// a time: of two that close at once each sees the other's lock, and neither is the last.
fn close(connection: Connection, shared: &Shared) {
    let _last = lock(&shared.last);
    if !shared.belong_together() {
        let _closes = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }
    drop(connection);
}

fn spawn(
    name: &str,
    path: &Path,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, Opening> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|why| Opening::of(path, why))
}

fn look_for_damage(connection: &mut Connection, shared: &Arc<Shared>, log: Arc<Log>) {
    let state = Arc::clone(shared);
    let is_in_the_way = move || {
        state.closing.load(Ordering::Relaxed) || log.bytes.load(Ordering::Relaxed) > CHECK_BYTES
    };
    match damage::look(connection, damage::MOST, is_in_the_way) {
        Ok(None) => {}
        Err(_) if shared.closing.load(Ordering::Relaxed) => {}
        Ok(Some(what)) | Err(Error::Damaged(what) | Error::Broken(what)) => {
            drop(shared.note(Error::Damaged(what)));
        }
        Err(why) => tracing::info!("The database was not looked through for damage: {why}"),
    }
}

fn write_loop(
    connection: &Connection,
    line: &Line,
    shared: &Shared,
    log: &Log,
    files: &Files,
    mut checkpoints: Checkpoints,
) {
    let memory = Memory::default();
    while line.wait() {
        if shared.broken.is_cancelled() {
            save(connection, shared, files);
            line.refuse(&Error::Broken("an earlier write failed".to_owned()));
            continue;
        }
        if let Err(damaged) = shared.is_whole() {
            line.refuse(&damaged);
            continue;
        }
        log.written.store(false, Ordering::Relaxed);
        let Some(Finished { calls, mut end, wakes }) = run_batch(connection, &memory, line, shared)
        else {
            continue;
        };
        let mut has_written = end.is_ok() && log.written.load(Ordering::Relaxed);
        // Before anybody hears of it: it may have gone into a file that nobody will read again.
        if has_written && let Some(change) = files.changed() {
            end = Err(shared.taken_away(change));
            save(connection, shared, files);
            has_written = false;
        }
        match &end {
            // Only what reached the disk shows that there is room, and a small write does not show that there is room for a large one.
            Ok(()) if has_written && shared.full.load(Ordering::Relaxed) => {
                shared.full.store(!files.have_room(), Ordering::Relaxed);
            }
            Err(Error::Full) => shared.full.store(true, Ordering::Relaxed),
            Ok(()) | Err(_) => {}
        }
        end = end.map_err(|error| shared.note(error));
        for DoneCall { call, after } in calls {
            call.finish(end.clone());
            if end.is_ok() {
                for does in after {
                    does();
                }
            }
        }
        if twin::is("answer-before-commit") {
            end = end.and_then(|()| run(connection, "COMMIT"));
        }
        if wakes && end.is_ok() {
            shared.wake_ups.send_modify(|n| *n += 1);
        }
        if has_written {
            shared.commits.send_modify(|n| *n += 1);
        }
        match end {
            Ok(()) if has_written => {
                checkpoints.look(connection, log.bytes.load(Ordering::Relaxed), shared);
            }
            // The log itself may be what fills the disk.
            Err(Error::Full) => copy(connection, "PASSIVE", shared),
            Ok(()) | Err(_) => {}
        }
    }
    drop(checkpoints);
    // A connection is open, so that the end itself has taken no file away yet.
    if !shared.broken.is_cancelled()
        && let Some(change) = files.changed()
    {
        drop(shared.taken_away(change));
    }
    if shared.broken.is_cancelled() {
        save(connection, shared, files);
    } else {
        copy_all(connection, shared);
    }
}

/// Where the files are not what they were, what was acknowledged is saved as far as it can be, and no
/// log is left to be taken for that of another database.
fn save(connection: &Connection, shared: &Shared, files: &Files) {
    match shared.changed.get() {
        // Nothing to be saved from a disk that failed. Of a log that was written into, SQLite takes what is whole.
        None | Some(FileChange::Log(_)) => {}
        // Into its database, wherever that is now.
        Some(FileChange::Taken(_)) => copy_all(connection, shared),
        Some(FileChange::Database(_)) => {
            // Or it was done before, or it is not to be done.
            if let Ok(aside) = files.put_log_aside() {
                tracing::error!(
                    "The log of what was there before was put aside, so that it is not mixed with what \
                     stands there now: {}",
                    aside.display()
                );
            }
        }
    }
}

fn copy_all(connection: &Connection, shared: &Shared) {
    // Without it, a reader in the way only means that the log stays.
    let _impatient = connection.busy_timeout(LAST_READS);
    copy(connection, "TRUNCATE", shared);
}
