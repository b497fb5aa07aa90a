//! The line for the writer: what is asked of the server and what it does by itself, taken in turn, so
//! that neither waits behind all of the other.
//!
//! Must not know a connection, nor how many may stand in it: each comes with its place.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::calls::{For, Queued, WriteCall};
use super::error::{Error, Result};
use super::locked;
use crate::lock::lock;

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
    /// A call takes its place.
    pub(crate) fn join(&self, waiting: Queued) -> Result<()> {
        let mut queues = lock(&self.queues);
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
        let mut queues = lock(&self.queues);
        queues.is_closed = true;
        self.wake(queues);
    }

    /// Has the writer look up once, also where nobody comes.
    pub(crate) fn call(&self) {
        let mut queues = lock(&self.queues);
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
        let mut queues = lock(&self.queues);
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
            let Queued { call, whom, place, .. } = lock(&self.queues).next()?;
            drop(place);
            if call.is_wanted() {
                return Some((call, whom));
            }
        }
    }

    /// The same, where there may be some time: until `end`, somebody may still come.
    pub(crate) fn next_by(&self, end: Instant) -> Option<(Box<dyn WriteCall>, For)> {
        let mut queues = lock(&self.queues);
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
        let mut queues = lock(&self.queues);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::sync::Semaphore;

    use super::*;
    use crate::store::engine::calls;
    use crate::store::engine::tx::Tx;

    type Answer = tokio::sync::oneshot::Receiver<Result<u32>>;

    fn join(line: &Line, room: &Arc<Semaphore>, number: u32, whom: For) -> Answer {
        let place = Arc::clone(room).try_acquire_owned().unwrap();
        let (waiting, answer) = calls::write(move |_: &mut Tx<'_>| Ok(number), whom, place);
        line.join(waiting).unwrap();
        answer
    }

    /// Ends the calls one by one; answers which had an answer, in their order.
    fn order(line: &Line, answers: &mut Vec<(u32, Answer)>) -> Vec<u32> {
        let mut ended = Vec::new();
        while let Some((call, _)) = line.next() {
            call.finish(Err(Error::Full));
            answers.retain_mut(|(number, answer)| {
                let is_waiting = answer.try_recv().is_err();
                if !is_waiting {
                    ended.push(*number);
                }
                is_waiting
            });
        }
        ended
    }

    #[test]
    fn both_kinds_are_taken_in_turn_each_in_order_of_arrival() {
        let (line, room) = (Line::default(), Arc::new(Semaphore::new(100)));
        let own = [1, 2, 3, 4, 5].map(|number| (number, join(&line, &room, number, For::Own)));
        let asked = [11, 12].map(|number| (number, join(&line, &room, number, For::Others)));
        let mut all: Vec<_> = own.into_iter().chain(asked).collect();
        assert_eq!(room.available_permits(), 93);
        assert_eq!(order(&line, &mut all), [1, 11, 2, 12, 3, 4, 5]);
        assert_eq!(room.available_permits(), 100);
    }

    #[test]
    fn who_is_gone_is_passed_over() {
        let (line, room) = (Line::default(), Arc::new(Semaphore::new(100)));
        drop(join(&line, &room, 1, For::Own));
        let mut left = vec![(2, join(&line, &room, 2, For::Own))];
        assert_eq!(order(&line, &mut left), [2]);
    }

    #[test]
    fn a_lock_is_told_to_all_who_have_waited_long_enough_and_to_nobody_else() {
        let (line, room) = (Line::default(), Arc::new(Semaphore::new(100)));
        let mut early =
            [For::Own, For::Others, For::Nobody].map(|whom| join(&line, &room, 1, whom));
        let now = Instant::now();
        assert!(line.refuse_late(now), "they wait");
        assert!(!line.refuse_late(now + Duration::from_mins(1)), "nobody is left");
        for answer in &mut early {
            assert!(matches!(answer.try_recv(), Ok(Err(Error::Locked))));
        }
        assert_eq!(room.available_permits(), 100);
    }

    #[test]
    fn who_has_time_waits_for_company_and_no_longer() {
        let (line, room) = (Line::default(), Arc::new(Semaphore::new(100)));
        let began = Instant::now();
        assert!(line.next_by(began + Duration::from_millis(5)).is_none());
        assert!(began.elapsed() >= Duration::from_millis(5));
        let far = Instant::now() + Duration::from_hours(1);
        let _answer = std::thread::scope(|scope| {
            let company = scope.spawn(|| line.next_by(far).map(|(_, whom)| whom));
            let answer = join(&line, &room, 1, For::Others);
            assert_eq!(company.join().unwrap(), Some(For::Others));
            answer
        });
        // Nor does it wait where it is called, or nobody will come.
        line.call();
        assert!(line.next_by(far).is_none());
        assert!(line.wait());
        line.close();
        assert!(line.next_by(far).is_none());
    }

    #[test]
    fn a_closed_line_is_emptied_and_ends() {
        let (line, room) = (Line::default(), Arc::new(Semaphore::new(100)));
        let _answer = join(&line, &room, 1, For::Own);
        line.close();
        assert!(line.wait() && line.next().is_some());
        assert!(!line.wait());
        let place = Arc::clone(&room).try_acquire_owned().unwrap();
        let (late, _answer) = calls::write(|_: &mut Tx<'_>| Ok(()), For::Others, place);
        assert!(matches!(line.join(late), Err(Error::Closed)));
    }
}
