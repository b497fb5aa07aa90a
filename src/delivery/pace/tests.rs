//! Room and pace, as a receiver would see them.

use super::*;
use crate::model::Profile;

fn webhook(profile: Profile, rate_per_second: Option<u32>) -> Webhook {
    Webhook { profile, rate_per_second, ..Webhook::new("wh_a", "https://e.org/") }
}

#[test]
fn a_silent_receiver_gets_two_at_a_time() {
    let (mut gates, plain) = (Gates::default(), webhook(Profile::Plain, None));
    assert_eq!(gates.room(&plain, 0, 0).free, 32);
    (0..32).for_each(|_| gates.take("wh_a", 1));
    assert_eq!(gates.room(&plain, 0, 0), Room { free: 0, wait_ms: None, is_idle: false });
    let silent = end(false, false, 5);
    (0..31).for_each(|_| assert!(!gates.release("wh_a", &silent).is_short));
    assert_eq!(gates.room(&plain, 0, 0).free, 1);
    gates.fell_short("wh_a");
    let seen = gates.release("wh_a", &end(true, true, 7));
    let expected =
        Seen { is_short: true, is_awaited: true, success_ms: Some(7), ..Seen::default() };
    assert_eq!(seen, expected);
    assert_eq!(gates.room(&plain, 0, 0), Room { free: 32, wait_ms: None, is_idle: true });
}

fn end(is_answered: bool, is_success: bool, now_ms: i64) -> RequestEnd {
    RequestEnd {
        bytes: 1,
        is_answered,
        ms: QUICK_MS + 1,
        is_success,
        is_failure: !is_success,
        is_ready: is_answered.then_some(true),
        at_once_ms: None,
        now_ms,
    }
}

#[test]
fn one_that_answers_quickly_is_claimed_ahead_and_gets_no_more_requests_at_a_time() {
    let (mut gates, plain) = (Gates::default(), webhook(Profile::Plain, None));
    gates.take("wh_a", 1);
    for (ms, free) in [(QUICK_MS, 64), (QUICK_MS + 1, 32)] {
        gates.take("wh_a", 1);
        gates.release("wh_a", &RequestEnd { ms, ..end(true, true, 7) });
        assert_eq!(gates.room(&plain, 0, 0).free, free - 1, "{ms}");
    }
    assert_eq!(gates.requests("wh_a").available_permits(), 32);
}

#[test]
fn an_end_is_awaited_by_what_joined_behind_it_and_by_what_was_there_before() {
    let mut gates = Gates::default();
    let at_once = |began| RequestEnd { at_once_ms: Some(began), ..end(true, true, 9) };
    let mut is_awaited = |joined: Option<i64>, end| {
        gates.take("wh_a", 1);
        if let Some(at) = joined {
            gates.joined("wh_a", at);
        }
        gates.release("wh_a", &end).is_awaited
    };
    assert!(!is_awaited(None, at_once(1)));
    assert!(is_awaited(None, end(true, true, 9)), "it waited itself, so others may");
    assert!(is_awaited(Some(5), at_once(5)) && is_awaited(None, at_once(4)));
    assert!(!is_awaited(None, at_once(6)), "that was before its time");
}

#[test]
fn large_tasks_leave_one_at_a_time_when_many_are_under_way() {
    let (mut gates, plain) = (Gates::default(), webhook(Profile::Plain, None));
    gates.take("wh_b", BYTES_MOST + 1);
    assert_eq!(gates.room(&plain, 0, 0).free, 1, "its neighbours still get a request through");
    let large = RequestEnd { bytes: BYTES_MOST + 1, ..end(true, true, 1) };
    gates.release("wh_b", &large);
    assert_eq!(gates.room(&plain, 0, 0).free, 32);
    gates.choose(BYTES_MOST + 1);
    assert_eq!(gates.room(&plain, 0, 0).free, 1, "what this look has chosen counts");
    gates.begin_with();
    assert_eq!(gates.room(&plain, 0, 0).free, 32);
}

#[test]
fn make_gets_at_most_275_requests_in_any_ten_seconds() {
    let (mut gates, make) = (Gates::default(), webhook(Profile::Make, None));
    let mut left = Vec::new();
    for now in (0..60_000).filter(|ms| ms % 7 == 0 && !(20_000..30_000).contains(ms)) {
        for _ in 0..gates.room(&make, 0, now).free {
            gates.take("wh_a", 1);
            gates.release("wh_a", &end(true, true, now));
            left.push(now);
        }
    }
    for at in &left {
        let within = left.iter().filter(|other| (*at..*at + 10_000).contains(*other)).count();
        assert!(within <= 275, "{within} from {at} on");
    }
    assert!(left.len() > 1_100, "{}", left.len());
}

#[test]
fn no_more_leave_than_there_are_files_for() {
    let (mut gates, plain) = (Gates::new(8), webhook(Profile::Plain, None));
    assert_eq!(gates.room(&plain, 0, 0).free, 8);
    assert_eq!(gates.room(&plain, 8, 0).free, 0, "what this look has chosen counts");
    (0..7).for_each(|_| gates.take("wh_b", 1));
    assert_eq!(gates.room(&plain, 0, 0).free, 1, "what is left is for its neighbours too");
    gates.take("wh_c", 1);
    assert_eq!(gates.room(&plain, 0, 0).free, 0);
    assert!(gates.release("wh_b", &end(true, true, 1)).is_short, "look again");
}

#[test]
fn the_bucket_is_empty_at_a_start_and_after_another_pace() {
    let mut gates = Gates::default();
    let room = gates.room(&webhook(Profile::Auto, Some(10)), 0, 5_000);
    assert_eq!((room.free, room.wait_ms), (0, Some(100)));
    assert_eq!(gates.room(&webhook(Profile::Auto, Some(10)), 0, 6_000).free, 10);
    assert_eq!(gates.room(&webhook(Profile::Auto, Some(20)), 0, 6_000).free, 0);
}
