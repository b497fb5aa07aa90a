//! The line for the writer under every order of threads, up to three changes between them: the same code, with locks that
//! try them out. No wake-up is lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::thread;
use tokio::sync::Semaphore;

use self::line::Line;
use crate::store::engine::calls::{self, For};
use crate::store::engine::error::{self, Error};
use crate::store::engine::locked;
use crate::store::engine::tx::Tx;

mod sync {
    pub(super) use loom::sync::{Condvar, Mutex, MutexGuard};
}
#[path = "../engine/line.rs"]
#[expect(dead_code, clippy::duplicate_mod, reason = "not all of it is explored; with other locks")]
mod line;

/// Takes calls until nobody will come, as the writer does: what nobody waits for waits for company. Answers how many.
fn take_all(line: &Line) -> usize {
    let mut taken = 0;
    while line.wait() {
        let mut has_time = false;
        // As long as it takes: in here, time stands still.
        let far = Instant::now() + Duration::from_hours(1);
        while let Some((call, whom)) = if has_time { line.next_by(far) } else { line.next() } {
            has_time = whom == For::Nobody && !has_time;
            call.finish(Err(Error::Full));
            taken += 1;
        }
    }
    taken
}

#[test]
fn no_wake_up_is_lost_and_everybody_is_answered_once() {
    let mut explorer = loom::model::Builder::new();
    explorer.preemption_bound = Some(3);
    explorer.check(|| {
        let (line, room) = (Arc::new(Line::default()), Arc::new(Semaphore::new(10)));
        let (at_work, closing) = (Arc::clone(&line), Arc::clone(&line));
        let writer = thread::spawn(move || take_all(&at_work));
        let callers = [For::Others, For::Nobody].map(|whom| {
            let (line, place) = (Arc::clone(&line), Arc::clone(&room).try_acquire_owned());
            thread::spawn(move || {
                let (waiting, answer) = calls::write(|_: &mut Tx<'_>| Ok(()), whom, place.unwrap());
                line.join(waiting).map(|()| answer)
            })
        });
        closing.call();
        closing.close();
        let let_in: Vec<_> =
            callers.into_iter().filter_map(|caller| caller.join().unwrap().ok()).collect();
        assert_eq!(writer.join().unwrap(), let_in.len());
        for mut answer in let_in {
            assert!(matches!(answer.try_recv(), Ok(Err(Error::Full))));
        }
        assert_eq!(room.available_permits(), 10);
    });
}
