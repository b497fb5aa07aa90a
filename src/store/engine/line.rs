//! The line for the writer: what is asked of the server and what it does by itself, taken in turn, so
//! that neither waits behind all of the other.
//!
//! Must not know a connection, nor how many may stand in it: each comes with its place.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::Instant;

use super::calls::{For, Queued, WriteCall};
use super::error::{Error, Result};
use super::locked;
use super::sync::{Condvar, Mutex, MutexGuard};

/// The line.
#[derive(Default)]
pub(crate) struct Line {
    queues: Mutex<Queues>,
    came: Condvar,
}

#[derive(Default)]
struct Queues {
    asked: VecDeque<Queued>,
    own: VecDeque<Queued>,
    is_own_turn: bool,
    is_closed: bool,
    writer: Writer,
    /// Whether the writer is to look up although nobody is there.
    is_called: bool,
}

/// What the writer does: waking one that works would be a system call for each call.
#[derive(Default, PartialEq, Eq)]
enum Writer {
    #[default]
    Works,
    Sleeps,
}

impl Queues {
    fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.own.is_empty()
    }

    /// Whether the writer may sleep.
    fn is_calm(&self) -> bool {
        self.is_empty() && !self.is_closed && !self.is_called
    }

    fn next(&mut self) -> Option<Queued> {
        self.is_own_turn = !self.is_own_turn;
        if self.is_own_turn {
            self.own.pop_front().or_else(|| self.asked.pop_front())
        } else {
            self.asked.pop_front().or_else(|| self.own.pop_front())
        }
    }
}

impl Line {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call takes its place.
    pub(crate) fn join(&self, waiting: Queued) -> Result<()> {
        let mut queues = self.queues();
        if queues.is_closed {
            return Err(Error::Closed);
        }
        match waiting.whom {
            For::Others => queues.asked.push_back(waiting),
            For::Own | For::Nobody => queues.own.push_back(waiting),
        }
        self.wake(queues);
        Ok(())
    }

    /// Nobody joins any more.
    pub(crate) fn close(&self) {
        let mut queues = self.queues();
        queues.is_closed = true;
        self.wake(queues);
    }

    /// Has the writer look up once, also where nobody comes.
    pub(crate) fn call(&self) {
        let mut queues = self.queues();
        queues.is_called = true;
        self.wake(queues);
    }

    fn wake(&self, mut queues: MutexGuard<'_, Queues>) {
        let writer = std::mem::take(&mut queues.writer);
        drop(queues);
        if writer == Writer::Sleeps {
            self.came.notify_one();
        }
    }

    /// Waits until somebody is there or calls; false if nobody will ever come.
    pub(crate) fn wait(&self) -> bool {
        let mut queues = self.queues();
        while queues.is_calm() {
            queues.writer = Writer::Sleeps;
            queues = self.came.wait(queues).unwrap_or_else(PoisonError::into_inner);
        }
        queues.writer = Writer::Works;
        // Our own first: the end of a delivery frees its lane for what is asked for in the same commit.
        queues.is_own_turn = false;
        std::mem::take(&mut queues.is_called) || !queues.is_empty()
    }

    /// The next call that somebody still waits for, and whom it is for. Its place is free from then on.
    pub(crate) fn next(&self) -> Option<(Box<dyn WriteCall>, For)> {
        loop {
            let Queued { call, whom, place, .. } = self.queues().next()?;
            drop(place);
            if call.is_wanted() {
                return Some((call, whom));
            }
        }
    }

    /// The same, where there may be some time: until `end`, somebody may still come.
    pub(crate) fn next_by(&self, end: Instant) -> Option<(Box<dyn WriteCall>, For)> {
        let mut queues = self.queues();
        while queues.is_calm() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            queues.writer = Writer::Sleeps;
            let waited = self.came.wait_timeout(queues, left);
            queues = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        queues.writer = Writer::Works;
        drop(queues);
        self.next()
    }

    /// Refuses everybody who has waited for a lock for long enough; answers whether somebody is left.
    pub(crate) fn refuse_late(&self, now: Instant) -> bool {
        let is_late = |waiting: &mut Queued| locked::is_over(waiting.since, now);
        let mut late: Vec<Queued> = Vec::new();
        let mut queues = self.queues();
        let Queues { asked, own, .. } = &mut *queues;
        for queue in [asked, own] {
            queue.retain(|waiting| waiting.call.is_wanted());
            while let Some(waiting) = queue.pop_front_if(is_late) {
                late.push(waiting);
            }
        }
        let is_somebody_left = !queues.is_empty();
        drop(queues);
        for waiting in late {
            waiting.call.finish(Err(Error::Locked));
        }
        is_somebody_left
    }

    /// Refuses everybody there is.
    pub(crate) fn refuse(&self, error: &Error) {
        while let Some((call, _)) = self.next() {
            call.finish(Err(error.clone()));
        }
    }
}
