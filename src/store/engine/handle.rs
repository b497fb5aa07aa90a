//! The handle of the database: what is asked of it finds its thread, and a place in line.
//!
//! Must not know what a call does.

use std::path::Path;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::calls::{self, For, ReadCall};
use super::error::{Error, Result};
use super::opening::Opening;
use super::state::Shared;
use super::tx::{Beside, Tx};
use super::{line, sqlite};
use crate::lock::lock;

/// Writes of people and programs that may wait before another is refused.
const ASKED: usize = 1024;
/// Writes of our own (claims, outcomes, upkeep) that may stand in line beside them; the others wait
/// until there is room. So few that a person's write behind all of them is still quick.
const OWN: usize = 256;
/// Reads that look something up: how many may wait, and how many threads there are for them.
pub(crate) const LOOKS: (usize, usize) = (1024, 2);
/// Pages of lists in which nothing has to be searched for.
const LISTS: (usize, usize) = (256, 1);
/// Reads that look through much. Fewer may wait than the server has places for requests, so that they
/// cannot take them all.
pub(crate) const SEARCHES: (usize, usize) = (128, 2);

/// A lock of another program that has stayed for so long is told to who asks whether the writer does its work: most are gone
/// by then, and Kubernetes, for one, waits a second for an answer, so that one which takes a second is none.
const LOCK_TOLD: Duration = Duration::from_millis(500);

/// A queue that closes when this becomes `None`.
type Queue<S> = Mutex<Option<S>>;

/// The database, for the whole life of the server.
pub(crate) struct Store {
    line: Arc<line::Line>,
    /// Room in the line for what is asked of the server,
    asked: Arc<Semaphore>,
    /// and for what it does by itself: neither takes the other's.
    own: Arc<Semaphore>,
    looks: Queue<mpsc::Sender<ReadCall>>,
    lists: Queue<mpsc::Sender<ReadCall>>,
    searches: Queue<mpsc::Sender<ReadCall>>,
    check: Queue<oneshot::Sender<()>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    shared: Arc<Shared>,
}

impl Store {
    /// Opens or makes the database at `path`, migrates it and starts its threads.
    ///
    /// # Errors
    /// A sentence for a person: held by another server, newer than this program, damaged, …
    pub(crate) fn open(path: &Path) -> Result<Store, Opening> {
        let shared = Arc::new(Shared::of(path));
        let line = Arc::new(line::Line::default());
        let (looks, look_queue) = mpsc::channel(LOOKS.0);
        let (lists, list_queue) = mpsc::channel(LISTS.0);
        let (searches, search_queue) = mpsc::channel(SEARCHES.0);
        let pools = [(look_queue, LOOKS.1), (list_queue, LISTS.1), (search_queue, SEARCHES.1)];
        let (check, may_check) = oneshot::channel();
        let store = Store {
            line,
            asked: Arc::new(Semaphore::new(ASKED)),
            own: Arc::new(Semaphore::new(OWN)),
            looks: Mutex::new(Some(looks)),
            lists: Mutex::new(Some(lists)),
            searches: Mutex::new(Some(searches)),
            check: Mutex::new(Some(check)),
            threads: Mutex::new(Vec::new()),
            shared,
        };
        let started = {
            let mut threads = lock(&store.threads);
            sqlite::start(path, &store.line, pools, may_check, &store.shared, &mut threads)
        };
        // Waits for the threads that run already: the last of them takes away what was made.
        if let Err(why) = started {
            store.close();
            return Err(why);
        }
        Ok(store)
    }

    /// Runs a call in a write transaction. When this returns `Ok`, the work is on disk. The call may run twice: where
    /// another one in the same transaction has to be undone, all are.
    ///
    /// # Errors
    /// `Busy` at once if too many writes wait; see [`Error`] for what each means.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let place = Arc::clone(&self.asked).try_acquire_owned().map_err(|_| Error::Busy)?;
        self.in_line(work, place, For::Others).await
    }

    /// Like [`Store::write`], for what the server does by itself: with room of its own, for which it
    /// waits. So what is asked of the server is never refused because of it.
    ///
    /// # Errors
    /// As for `write`, but never `Busy`.
    pub(crate) async fn write_patiently<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let place = Arc::clone(&self.own).acquire_owned().await.map_err(|_| Error::Closed)?;
        self.in_line(work, place, For::Own).await
    }

    /// Like [`Store::write_patiently`], for what nobody waits for: it goes with the next commit, or by itself when none
    /// comes for 10 ms.
    ///
    /// # Errors
    /// As for `write_patiently`.
    pub(crate) async fn write_along<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let place = Arc::clone(&self.own).acquire_owned().await.map_err(|_| Error::Closed)?;
        self.in_line(work, place, For::Nobody).await
    }

    async fn in_line<T, F>(&self, work: F, place: OwnedSemaphorePermit, whom: For) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.shared.is_whole()?;
        let (waiting, answer) = calls::write(work, whom, place);
        self.line.join(waiting)?;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    /// Runs a call on a consistent picture of the database: one that looks up single things by their
    /// keys. Whoever drops this waits no longer: a call that has not begun never does, one under way is
    /// interrupted.
    ///
    /// # Errors
    /// `Busy` if too many reads wait; see [`Error`].
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.look(&self.looks, work).await
    }

    /// Like [`Store::read`], for a page of a list. Where an index leads to all that is in it, it has a pool of readers
    /// of its own; where rows have to be searched through, it waits with the other searches.
    ///
    /// # Errors
    /// As for `read`.
    pub(crate) async fn list<T, F>(&self, is_search: bool, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.look(if is_search { &self.searches } else { &self.lists }, work).await
    }

    /// Like [`Store::read`], for a call that looks through many rows: a whole list, a search, a count.
    /// These have a pool of their own, so that they never keep the others waiting. Keep it short all
    /// the same: no transaction stays open while a client reads.
    ///
    /// # Errors
    /// As for `read`.
    pub(crate) async fn search<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.look(&self.searches, work).await
    }

    /// Like [`Store::search`], but waits for a place in line: for an answer that has begun, and for what
    /// the server does by itself.
    ///
    /// # Errors
    /// As for `read`, but never `Busy`.
    pub(crate) async fn search_patiently<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let queue = lock(&self.searches).clone().ok_or(Error::Closed)?;
        let place = queue.reserve_owned().await.map_err(|_| Error::Closed)?;
        self.picture(place, work).await
    }

    async fn look<T, F>(&self, pool: &Queue<mpsc::Sender<ReadCall>>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let queue = lock(pool).clone().ok_or(Error::Closed)?;
        let place = queue.try_reserve_owned().map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Error::Busy,
            mpsc::error::TrySendError::Closed(_) => Error::Closed,
        })?;
        self.picture(place, work).await
    }

    async fn picture<T, F>(&self, place: mpsc::OwnedPermit<ReadCall>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let asker = Arc::new(());
        let (call, answer) = calls::read(work, &asker);
        // What is left of the place is a sender, which would keep the queue open.
        drop(place.send(call));
        answer.await.unwrap_or(Err(Error::Closed)).map_err(|error| self.shared.note(error))
    }

    /// What calls that write find beside the database from now on.
    pub(crate) fn put_beside(&self, beside: Option<Beside>) {
        *lock(&self.shared.beside) = beside;
    }

    /// Begins to look through the database for damage, beside the work. Once what the start itself has
    /// to write is written: a server that is up can say what is wrong, one that is not cannot.
    pub(crate) fn look_for_damage(&self) {
        if let Some(check) = lock(&self.check).take() {
            let _closing = check.send(());
        }
    }

    /// Told after each commit that left something to send.
    pub(crate) fn wake_ups(&self) -> watch::Receiver<u64> {
        self.shared.wake_ups.subscribe()
    }

    /// How many commits have written anything since the store was opened.
    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        self.shared.commits.subscribe()
    }

    /// Cancelled when the disk has failed and the process must end.
    pub(crate) fn broken(&self) -> CancellationToken {
        self.shared.broken.clone()
    }

    /// Whether another program had locked the database at the last look.
    pub(crate) fn is_locked(&self) -> bool {
        self.shared.locked.load(Ordering::Relaxed)
    }

    /// Passes through the writer: it does its work. After a full disk only a real write shows that
    /// there is room again; else nothing is written, and it costs no fsync. A lock of another program is told of soon.
    pub(crate) async fn try_writer(&self) -> Result<()> {
        let is_full = self.shared.full.load(Ordering::Relaxed);
        let pass = move |tx: &mut Tx<'_>| {
            if is_full {
                tx.execute("UPDATE write_check SET n = n + 1", &[]).map(drop)
            } else {
                Ok(())
            }
        };
        let mut passes = pin!(async {
            // In the line of those who ask, since it is they who want to know, and without taking a place from them.
            let place = Arc::clone(&self.asked).acquire_owned().await.map_err(|_| Error::Closed)?;
            self.in_line(pass, place, For::Others).await
        });
        match timeout(LOCK_TOLD, passes.as_mut()).await {
            Ok(result) => result?,
            Err(_) if self.is_locked() => return Err(Error::Locked),
            Err(_) => passes.await?,
        }
        if self.shared.full.load(Ordering::Relaxed) { Err(Error::Full) } else { Ok(()) }
    }

    /// Passes through a reader: single things can be looked up.
    pub(crate) async fn try_reader(&self) -> Result<()> {
        self.read(|_| Ok(())).await
    }

    /// Has what was made go when the database is closed, if there was none before it was opened: the start has failed.
    pub(crate) fn take_back(&self) {
        if let Some(files) = self.shared.files.get().and_then(Weak::upgrade) {
            files.stay(false);
        }
    }

    /// Takes no more calls, finishes those that wait, closes the database.
    pub(crate) fn close(&self) {
        self.let_go();
        for thread in lock(&self.threads).drain(..) {
            // A thread that panicked has nothing left to close.
            let _panicked = thread.join();
        }
    }

    /// Has every thread end as soon as what waits for it is done.
    fn let_go(&self) {
        // First, since SQLite removes its side files when the last connection closes.
        self.shared.closing.store(true, Ordering::SeqCst);
        self.line.close();
        drop(lock(&self.looks).take());
        drop(lock(&self.lists).take());
        drop(lock(&self.searches).take());
        drop(lock(&self.check).take());
        for thread in lock(&self.threads).iter() {
            thread.thread().unpark();
        }
    }
}

/// Who forgets to close it leaves no thread behind that waits for ever.
impl Drop for Store {
    fn drop(&mut self) {
        self.let_go();
    }
}
