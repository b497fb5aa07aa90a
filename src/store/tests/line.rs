//! The line for the writer: who comes next, who is passed over, who waits how long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::store::engine::calls::{self, For};
use crate::store::engine::error::{Error, Result};
use crate::store::engine::line::Line;
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
    let mut early = [For::Own, For::Others, For::Nobody].map(|whom| join(&line, &room, 1, whom));
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
