//! Calls: closures on their way to the threads, each with who waits for its answer and since when.
//!
//! Must not know a connection, nor what a call does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::error::{Error, Result};
use super::tx::Tx;

/// A write on its way through the writer thread.
pub(crate) trait WriteCall: Send {
    /// Whether somebody still waits for the answer.
    fn is_wanted(&self) -> bool;
    /// Does the work, inside the open transaction. It is done again where the transaction was undone for the sake of
    /// another call.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()>;
    /// Called once, after the commit (or instead of it).
    fn finish(self: Box<Self>, end: Result<()>);
}

/// Whom a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// Somebody has asked the server for it.
    Others,
    /// The server does it by itself.
    Own,
    /// The same, and nobody waits for it.
    Nobody,
}

/// A write that waits for its turn.
pub(crate) struct Queued {
    pub(crate) call: Box<dyn WriteCall>,
    pub(crate) whom: For,
    pub(crate) since: Instant,
    /// Its place among those that wait; another may have it when this one is begun.
    pub(crate) place: OwnedSemaphorePermit,
}

struct Call<T, F> {
    work: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> WriteCall for Call<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send,
{
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<()> {
        self.value = Some((self.work)(tx)?);
        Ok(())
    }

    fn finish(self: Box<Self>, end: Result<()>) {
        let Call { value, reply, .. } = *self;
        // The caller may have gone; the write stands all the same.
        let _gone = reply.send(end.and_then(|()| value.ok_or(Error::Closed)));
    }
}

/// A write and where its answer will come.
pub(crate) fn write<T, F>(
    work: F,
    whom: For,
    place: OwnedSemaphorePermit,
) -> (Queued, oneshot::Receiver<Result<T>>)
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let call = Box::new(Call { work, value: None, reply });
    (Queued { call, whom, since: Instant::now(), place }, answer)
}

/// What a read does with a picture of the database, or with the reason why there is none.
type Look = dyn FnOnce(Result<&mut Tx<'_>>) + Send;

/// A read that waits for its turn.
pub(crate) struct ReadCall {
    work: Box<Look>,
    /// Gone when nobody waits for the answer any more.
    pub(crate) asker: Weak<()>,
    pub(crate) since: Instant,
}

impl ReadCall {
    /// Whether somebody still waits for the answer.
    pub(crate) fn is_wanted(&self) -> bool {
        self.asker.strong_count() > 0
    }

    /// Does the work and answers, also where the work panics.
    pub(crate) fn run(self, tx: Result<&mut Tx<'_>>) {
        (self.work)(tx);
    }
}

/// A read and where its answer will come. Who asks keeps `asker` for as long as it waits.
pub(crate) fn read<T, F>(work: F, asker: &Arc<()>) -> (ReadCall, oneshot::Receiver<Result<T>>)
where
    T: Send + 'static,
    F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let work = Box::new(move |tx: Result<&mut Tx<'_>>| {
        let end = catch_unwind(AssertUnwindSafe(|| tx.and_then(work)))
            .unwrap_or_else(|_| Err(Error::Database("a read panicked".to_owned())));
        let _gone = reply.send(end);
    });
    (ReadCall { work, asker: Arc::downgrade(asker), since: Instant::now() }, answer)
}
