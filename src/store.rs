//! Store: everything that must survive, behind two calls, `read` and `write`.
//!
//! A job is a closure over a `Tx`; all SQL stands in the modules below, a file for each noun. Must
//! not know of HTTP, settings or what time it is: times and ids come in with the job.

mod alerts;
mod backlog;
mod changes;
mod claims;
mod conditions;
mod deliveries;
mod delivery_edits;
mod delivery_list;
mod events;
mod expiry;
mod figures;
mod idempotency;
mod lanes;
#[cfg(test)]
mod list_tests;
mod migrate;
mod needle;
mod open;
mod outbox;
mod outcomes;
mod pages;
mod recoveries;
#[cfg(test)]
mod recovery_tests;
mod removals;
mod requests;
mod retention;
mod runs;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod small_world;
mod sqlite;
mod standing;
mod task_list;
mod tasks;
mod tx;
#[cfg(test)]
mod upkeep_tests;
mod webhook_edits;
mod webhook_figures;
mod webhooks;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use alerts::{is_behind, tell_of_backlog};
pub use backlog::{Backlog, backlog, waiting, waiting_in_all};
pub use changes::{Change, Written, create, delete, last_version, update};
pub use claims::{Claim, Claims, claim_due};
pub use conditions::put_from_settings;
pub use deliveries::{attempts, delivery_id, find_delivery, is_delivery_id, name_tasks};
pub use delivery_edits::{Edit, cancel, redeliver};
pub use delivery_list::{DeliveryFilter, count_deliveries, latest_deliveries, list_deliveries};
pub use events::{
    EventFilter, EventPage, Story, count_events, event_seq, list_events, newest_by, story,
};
pub use expiry::{Aged, Place, expire_step, look_for_expired, webhooks_that_age};
pub use figures::{Line, add_figures, figures_since, forget_figures};
pub use idempotency::{Key, Repeat, forget_before, look_up, remember};
pub use open::{Opening, sqlite_version};
pub use outcomes::{Record, Recorded, record, restart, shift_due};
pub use pages::{Pages, give_back, pages};
pub use recoveries::{
    Again, Begun, Due, Recovery, Wanted, begin_recovery, end_recovery, events_between,
    find_recovery, list_recoveries, look_for_again, recover_step,
};
pub use removals::{Removal, deleted_webhooks, remove_step};
pub use requests::{Sent, sent};
pub use retention::{Cutoffs, Stretch, delete_old, look_for_old};
pub use task_list::{
    Cursor, CursorKey, LabelOf, Sort, SortKey, TaskFilter, labels_in_use, list_count, list_page,
};
pub use tasks::{Stored, get};
pub use tx::{Row, Tx, Value};
pub use webhook_edits::{
    Made, WEBHOOKS_MOST, change_webhook, delete_webhook, find_same, find_webhook, list_webhooks,
    make_webhook, pause_webhook, rotate_secret,
};
pub use webhook_figures::{OfWebhook, figures_of_webhooks};
pub use webhooks::{Known, Presence};

/// Why a job did not happen, or may not have happened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// More writes wait than the queue takes. Nothing was done.
    #[error("too many writes are waiting")]
    Busy,
    /// The disk is full. Nothing was done; it heals by itself when there is room again.
    #[error("the disk is full")]
    Full,
    /// The disk failed: the write may or may not be there after a restart.
    #[error("the disk failed: {0}")]
    Broken(String),
    /// The server is stopping. Nothing was done.
    #[error("the server is stopping")]
    Closed,
    /// Another program, such as a backup, has locked the database. Nothing was done.
    #[error("another program has locked the database")]
    Locked,
    /// A fault of ours: a statement that the database refuses. Nothing was done.
    #[error("database: {0}")]
    Database(String),
}

/// What a job gives back.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How many writes, and how many reads, may wait before another is refused.
const QUEUE: usize = 1024;
const READERS: usize = 3;

type Read = Box<dyn FnOnce(&mut Tx<'_>) + Send>;

/// A write on its way through the writer thread.
trait Write: Send {
    /// Whether somebody still waits for the answer.
    fn is_wanted(&self) -> bool;
    /// Does the work, inside the open transaction. An error undoes this job alone.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()>;
    /// Called once, after the commit (or instead of it).
    fn finish(self: Box<Self>, end: Result<()>);
}

struct WriteJob<T, F> {
    work: Option<F>,
    value: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Write for WriteJob<T, F>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Result<T> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        if let Some(work) = self.work.take() {
            self.value = Some(work(tx)?);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, end: Result<()>) {
        let WriteJob { value, reply, .. } = *self;
        // The caller may have gone; the write stands all the same.
        let _gone = reply.send(end.and_then(|()| value.ok_or(Error::Closed)));
    }
}

fn job<T, F>(work: F) -> (Box<dyn Write>, oneshot::Receiver<Result<T>>)
where
    T: Send + 'static,
    F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(WriteJob { work: Some(work), value: None, reply }), answer)
}

/// What the threads and the handle share.
struct Shared {
    /// Bumped after a commit that left something to send. Carries no data.
    changes: watch::Sender<u64>,
    /// Counts the commits that wrote anything.
    commits: watch::Sender<u64>,
    /// Cancelled when the disk has failed: stop acknowledging, end the process.
    broken: CancellationToken,
    /// Whether the last write that had to reach the disk failed for want of room.
    full: AtomicBool,
}

impl Shared {
    /// The disk has failed: nothing is acknowledged any more, and the process ends.
    fn break_off(&self, why: &str) {
        if !self.broken.is_cancelled() {
            tracing::error!("The database failed, the server stops: {why}");
            self.broken.cancel();
        }
    }
}

/// The database, for the whole life of the server.
pub struct Store {
    writes: Mutex<Option<mpsc::Sender<Box<dyn Write>>>>,
    reads: Mutex<Option<mpsc::Sender<Read>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // The guarded values are whole at every moment, so a panic elsewhere has not hurt them.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Opens or makes the database at `path`, migrates it and starts its threads.
    ///
    /// # Errors
    /// A sentence for a person: held by another server, newer than this program, damaged, …
    pub fn open(path: &Path) -> Result<Store, Opening> {
        let shared = Arc::new(Shared {
            changes: watch::Sender::new(0),
            commits: watch::Sender::new(0),
            broken: CancellationToken::new(),
            full: AtomicBool::new(false),
        });
        let (writes, write_queue) = mpsc::channel(QUEUE);
        let (reads, read_queue) = mpsc::channel(QUEUE);
        let threads = sqlite::start(path, write_queue, read_queue, READERS, &shared)?;
        Ok(Store {
            writes: Mutex::new(Some(writes)),
            reads: Mutex::new(Some(reads)),
            threads: Mutex::new(threads),
            shared,
        })
    }

    /// Runs a job in a write transaction. When this returns `Ok`, the work is on disk.
    ///
    /// # Errors
    /// `Busy` at once if too many writes wait; see [`Error`] for what each means.
    pub async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (job, answer) = job(work);
        let queue = lock(&self.writes).clone().ok_or(Error::Closed)?;
        queue.try_send(job).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Error::Busy,
            mpsc::error::TrySendError::Closed(_) => Error::Closed,
        })?;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Like [`Store::write`], but waits for room in the queue: for work that has already happened
    /// outside and must be written down.
    ///
    /// # Errors
    /// As for `write`, but never `Busy`.
    pub async fn write_patiently<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (job, answer) = job(work);
        let queue = lock(&self.writes).clone().ok_or(Error::Closed)?;
        queue.send(job).await.map_err(|_| Error::Closed)?;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Runs a job on a consistent picture of the database. Keep it short: no transaction stays
    /// open while a client reads.
    ///
    /// # Errors
    /// `Busy` if too many reads wait; see [`Error`].
    pub async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let queue = lock(&self.reads).clone().ok_or(Error::Closed)?;
        let job: Read = Box::new(move |tx| {
            let _gone = reply.send(work(tx));
        });
        queue.try_send(job).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Error::Busy,
            mpsc::error::TrySendError::Closed(_) => Error::Closed,
        })?;
        let read = answer.await.unwrap_or(Err(Error::Closed));
        if let Err(Error::Broken(why)) = &read {
            self.shared.break_off(why);
        }
        read
    }

    /// Told after each commit that left something to send.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// How many commits have written anything since the store was opened.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.shared.commits.subscribe()
    }

    /// Cancelled when the disk has failed and the process must end.
    pub fn broken(&self) -> CancellationToken {
        self.shared.broken.clone()
    }

    /// Whether the last write failed because the disk is full.
    pub fn is_full(&self) -> bool {
        self.shared.full.load(Ordering::Relaxed)
    }

    /// Writes something, to see whether the disk takes it again.
    pub async fn probe(&self) -> Result<()> {
        self.write(|tx| tx.execute("UPDATE probe SET n = n + 1", &[]).map(drop)).await
    }

    /// Passes through the writer without writing: it is alive.
    pub async fn pass(&self) -> Result<()> {
        self.write(|_| Ok(())).await
    }

    /// Takes no more jobs, finishes those that wait, closes the database.
    pub fn close(&self) {
        drop(lock(&self.writes).take());
        drop(lock(&self.reads).take());
        for thread in lock(&self.threads).drain(..) {
            // A thread that panicked has nothing left to close.
            let _panicked = thread.join();
        }
    }
}
