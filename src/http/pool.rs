//! A pool of bytes, of which whoever holds some has a share. Who finds too few free waits for them, while those go who
//! take theirs slowly (`takers`).
//!
//! Must not know what the bytes are for.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::takers::{Client, Takers, Taking};
use crate::store::{Error, Result};

/// So many requests wait for room at a time; another is refused at once, so that they leave the places of requests to
/// those who need no room.
pub(crate) const WAITING: usize = 128;
/// How long a request waits for room. Longer than it takes until a client that takes nothing is cut, and as long as most
/// clients wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// So often is looked meanwhile for who takes an answer slowly.
const LOOK: Duration = Duration::from_millis(250);

/// Bytes that may be held at a time.
pub(crate) struct Pool {
    all: usize,
    /// What is left of them.
    pub(crate) free: Arc<Semaphore>,
    /// Who may still wait.
    pub(crate) waiting: Semaphore,
    takers: Arc<Takers>,
}

/// A share of the room; free again when this goes.
pub(crate) struct Share {
    permit: OwnedSemaphorePermit,
    all: usize,
    takers: Arc<Takers>,
}

impl Pool {
    /// All of it free.
    pub(crate) fn new(all: usize, takers: &Arc<Takers>) -> Pool {
        let (free, waiting) = (Arc::new(Semaphore::new(all)), Semaphore::new(WAITING));
        Pool { all, free, waiting, takers: Arc::clone(takers) }
    }

    /// Waits for so many bytes, while who is slow goes: at each look as many as hold `room` bytes.
    pub(crate) async fn share(&self, bytes: usize, room: usize) -> Result<Share> {
        self.share_as(bytes, room, 1).await
    }

    /// The same for one that waits like so many others; with 0 it waits however many do.
    pub(crate) async fn share_as(&self, bytes: usize, room: usize, others: u32) -> Result<Share> {
        let all = self.all;
        let share = |permit| Share { permit, all, takers: Arc::clone(&self.takers) };
        let bytes = u32::try_from(bytes.min(all)).unwrap_or(u32::MAX);
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_many_owned(bytes) {
            return Ok(share(permit));
        }
        let _place = self.waiting.try_acquire_many(others).map_err(|_| Error::Busy)?;
        let mut free = pin!(Arc::clone(&self.free).acquire_many_owned(bytes));
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            self.takers.make_room(room, Instant::now());
            match timeout(LOOK, &mut free).await {
                Ok(Ok(permit)) => return Ok(share(permit)),
                // The semaphores are never closed.
                Ok(Err(_)) => break,
                Err(_) => {}
            }
        }
        Err(Error::Busy)
    }
}

impl Share {
    /// Its bytes.
    pub(crate) fn size(&self) -> usize {
        self.permit.num_permits()
    }

    /// Gives back what is more than so many bytes.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        drop(self.permit.split(self.size().saturating_sub(bytes)));
    }

    /// The client begins to take what is held.
    pub(crate) fn taken_by(&self, client: &Client) -> Taking {
        self.takers.enter(client, self.size())
    }

    /// Whether so many bytes may be held; takes more room for them if there is some at once. Who has all of it may hold
    /// more than that: it is alone.
    pub(crate) fn holds(&mut self, bytes: usize) -> bool {
        let twice = (2 * self.size()).min(self.all);
        bytes <= self.size()
            || self.size() == self.all
            || (bytes <= twice && self.grow(twice))
            || self.grow(bytes)
    }

    fn grow(&mut self, bytes: usize) -> bool {
        let more = u32::try_from(bytes.saturating_sub(self.size())).unwrap_or(u32::MAX);
        let found = Arc::clone(self.permit.semaphore()).try_acquire_many_owned(more);
        found.map(|more| self.permit.merge(more)).is_ok()
    }
}
