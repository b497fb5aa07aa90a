//! The slow work in steps: retention, free pages, deletion, expiry. What a step may not touch is
//! there beside what it must.

use super::small_world::{HOUR, START, World};
use crate::delivery::health::{Condition, Health};
use crate::model::ALERTS_WEBHOOK;
use crate::store::webhooks::conditions::put_health;
use crate::store::*;

#[test]
fn what_ended_long_ago_goes_and_what_waits_stays() {
    let mut world = World::new(&["wh_a", "wh_b"]);
    world.set("UPDATE webhooks SET paused = 1 WHERE id = 'wh_b'");
    world.change("t1", "delivered");
    world.send_all(200);
    world.change("t2", "failed");
    world.send_all(400);
    world.set("DELETE FROM deliveries WHERE webhook_id = 'wh_b' AND seq = 1");
    world.now = world.now.plus_ms(HOUR);
    world.change("t3", "young");
    world.send_all(200);
    assert_eq!(world.lanes("wh_a"), ["1 delivered", "2 failed", "3 delivered"]);

    world.delete_old(HOUR, 2 * HOUR);
    assert_eq!(world.lanes("wh_a"), ["2 failed", "3 delivered"]);
    assert_eq!(world.count("SELECT COUNT(*) FROM events WHERE seq = 1"), 0);
    assert_eq!(world.count("SELECT COUNT(*) FROM attempts"), 2);

    world.now = world.now.plus_ms(10 * HOUR);
    world.delete_old(HOUR, 2 * HOUR);
    assert_eq!(world.lanes("wh_a"), [""; 0]);
    assert_eq!(world.lanes("wh_b"), ["2 pending!", "3 pending!"]);
    assert_eq!(world.count("SELECT COUNT(*) FROM events"), 2);
    assert_eq!(world.count("SELECT COUNT(*) FROM attempts"), 0);
}

#[test]
fn many_events_go_in_small_steps_and_their_pages_are_given_back() {
    let mut world = World::new(&["wh_a"]);
    for n in 0..700 {
        world.change(&format!("t{}", n % 7), &format!("{n} {}", "x".repeat(400)));
    }
    world.set("UPDATE events SET task = task || printf('%4000c', ' ')");
    world.send_all(200);
    world.now = world.now.plus_ms(HOUR);
    while world.tx(index_step).unwrap() > 0 {}
    let before = world.tx(pages).unwrap();
    assert!(world.delete_old(HOUR, HOUR) >= 700 / 200);
    assert_eq!(world.count("SELECT COUNT(*) FROM events"), 0);
    let after = world.tx(pages).unwrap();
    assert!(after.are_many_free() && after.all == before.all, "{after:?}");
    let mut steps = 0;
    while !world.tx(pages).unwrap().are_few_free() {
        world.tx(give_back).unwrap();
        steps += 1;
    }
    let small = world.tx(pages).unwrap();
    assert!(steps > 1 && small.all < before.all / 4, "{small:?} after {steps} steps");
    assert_eq!(
        world
            .connection
            .query_row("PRAGMA integrity_check", [], |r| r.get::<_, String>(0))
            .unwrap(),
        "ok"
    );
}

#[test]
fn an_event_from_the_future_does_not_stop_retention() {
    let mut world = World::new(&["wh_a"]);
    for n in 0..3 {
        world.change("t1", &n.to_string());
    }
    world.send_all(200);
    world.set("UPDATE events SET at_ms = at_ms + 1000000000000 WHERE seq = 1");
    world.now = world.now.plus_ms(HOUR);
    world.delete_old(HOUR, HOUR);
    assert_eq!(world.count("SELECT COUNT(*) FROM events"), 1, "it alone, without a delivery");
    assert_eq!(world.lanes("wh_a"), [""; 0]);
}

#[test]
fn what_waits_for_a_deleted_webhook_is_cancelled_and_the_webhook_goes() {
    let mut world = World::new(&["wh_a", "wh_b"]);
    world.change("t1", "under way");
    let claim = world.claim().remove(0);
    for n in 0..400 {
        world.change("t1", &n.to_string());
    }
    world.tx(|tx| delete_webhook(tx, "wh_a")).unwrap();
    world.change("t1", "after the deletion");
    let step = |world: &World| world.tx(|tx| remove_step(tx, "wh_a", world.now)).unwrap();
    assert_eq!(world.tx(deleted_webhooks).unwrap(), ["wh_a"]);
    assert_eq!(step(&world), Removal::Goes);
    assert_eq!(step(&world), Removal::Waits, "a request is under way");
    // It would be tried again; but where?
    world.end(&claim, 503);
    assert_eq!(step(&world), Removal::Done);
    assert_eq!(world.tx(deleted_webhooks).unwrap(), [""; 0]);
    let cancelled = "SELECT COUNT(*) FROM deliveries WHERE webhook_id = 'wh_a'
        AND status = 'cancelled' AND reason = 'webhook_deleted' AND due_ms IS NULL";
    assert_eq!(world.count(cancelled), 401);
    assert_eq!(world.lanes("wh_b").len(), 402, "its neighbour has them all");
    // They can be seen, but not sent again.
    let filter = DeliveryFilter { webhook_id: Some("wh_a".to_owned()), ..Default::default() };
    let (list, more) = world.tx(|tx| list_deliveries(tx, &filter, None, 1_000, world.now)).unwrap();
    assert_eq!((list.len(), more), (401, None));
    let edit = world.tx(|tx| redeliver(tx, &list[0].id, world.now)).unwrap();
    assert!(matches!(edit, Edit::NoWebhook), "{edit:?}");
}

/// A webhook as it is after a failed probe, or in any other condition.
fn put_condition(world: &World, id: &str, condition: Condition) {
    let looked_at = (condition != Condition::Up).then_some(START);
    let why = "Nobody answers.".to_owned();
    let health = Health { condition, looked_at, why, ..Health::fresh(START) };
    world.tx(|tx| put_health(tx, id, &health)).unwrap();
}

#[test]
fn what_a_webhook_that_is_down_did_not_take_in_time_fails_and_the_next_has_the_turn() {
    let mut world = World::new(&["wh_a", "wh_b", ALERTS_WEBHOOK]);
    put_condition(&world, "wh_a", Condition::Down);
    world.set("UPDATE webhooks SET paused = 1, condition = 'down' WHERE id = 'wh_b'");
    world.change("t1", "1");
    world.change("t1", "2");
    world.change("t2", "3");
    world.now = world.now.plus_ms(HOUR - 2_000);
    world.change("t1", "4");
    world.expire();
    assert_eq!(world.lanes("wh_a"), ["1 failed", "2 failed", "3 pending!", "4 pending!"]);
    assert_eq!(world.lanes("wh_b"), ["1 pending!", "2 pending", "3 pending!", "4 pending"]);
    let reasons = "SELECT COUNT(*) FROM deliveries WHERE reason = 'expired' AND finished_ms > 0
        AND reason_text LIKE '%WEBHOOK_MAX_AGE%'";
    assert_eq!(world.count(reasons), 2);
    assert_eq!(world.count("SELECT COUNT(*) FROM events WHERE kind = 'delivery_failed'"), 1);
    // Up again, it drains: nothing expires any more.
    put_condition(&world, "wh_a", Condition::Up);
    world.now = world.now.plus_ms(2 * HOUR);
    world.expire();
    assert_eq!(world.count(reasons), 2);
}

#[test]
fn only_what_is_refused_alone_expires_at_a_webhook_that_works() {
    let mut world = World::new(&["wh_a"]);
    for task in ["t1", "t2", "t1", "t3"] {
        world.change(task, &world.events.to_string());
    }
    world.set(
        "UPDATE deliveries SET status = 'held', reason = 'refused_alone', reason_text = 'x'
         WHERE seq = 1;
         UPDATE deliveries SET status = 'held', reason = 'rejected', reason_text = 'x', due_ms = NULL
         WHERE seq = 4",
    );
    world.now = world.now.plus_ms(2 * HOUR);
    world.expire();
    assert_eq!(world.lanes("wh_a"), ["1 held!", "2 pending!", "3 pending", "4 held"], "untried");
    world.set(&format!(
        "INSERT INTO other_attempts (seq, webhook_id, number, started_ms, outcome)
         VALUES (1, 'wh_a', 1, {}, 'held')",
        START.0
    ));
    world.expire_since(START.plus_ms(1));
    assert_eq!(world.lanes("wh_a")[0], "1 held!", "not since the server runs");
    world.expire();
    assert_eq!(world.lanes("wh_a"), ["1 failed", "2 pending!", "3 pending!", "4 held"]);
    put_condition(&world, "wh_a", Condition::Gone);
    world.expire();
    assert_eq!(world.lanes("wh_a"), ["1 failed", "2 failed", "3 failed", "4 held"]);
}

/// The server was off for longer than the age, or its clock was set: first somebody looks.
#[test]
fn nothing_expires_before_the_receiver_was_looked_at() {
    for condition in [Condition::Down, Condition::Misconfigured, Condition::Gone] {
        for answer in [200, 503, 404, 410] {
            let mut world = World::new(&["wh_a"]);
            put_condition(&world, "wh_a", condition);
            let health =
                |world: &World| world.tx(|tx| find_webhook(tx, "wh_a")).unwrap().unwrap().health;
            if condition == Condition::Down {
                world.set(&format!("UPDATE webhooks SET probe_ms = {}", START.0));
            }
            world.change("t1", "1");
            world.change("t2", "2");
            world.now = world.now.plus_ms(80 * HOUR);
            let start = world.now;
            for _ in 0..3 {
                world.expire_since(start);
            }
            assert_eq!(world.lanes("wh_a"), ["1 pending!", "2 pending!"], "{condition:?}");
            assert!(health(&world).probe_at.is_some_and(|at| at <= start), "somebody looks");
            let probe = world.claim();
            assert_eq!(probe.len(), 1, "{condition:?}");
            world.expire_since(start);
            world.end(&probe[0], answer);
            world.expire_since(start);
            let after = world.lanes("wh_a");
            match answer {
                200 => assert_eq!(after, ["1 delivered", "2 pending!"], "{condition:?}"),
                _ => assert_eq!(after, ["1 failed", "2 failed"], "{condition:?} {answer}"),
            }
        }
    }
}

/// A person resumed it: what earlier requests met says no more.
#[test]
fn a_resume_is_answered_before_anything_expires() {
    let mut world = World::new(&["wh_a"]);
    put_condition(&world, "wh_a", Condition::Misconfigured);
    world.change("t1", "1");
    world.now = world.now.plus_ms(2 * HOUR);
    let known = world.tx(|tx| find_webhook(tx, "wh_a")).unwrap().unwrap();
    world.tx(|tx| set_paused(tx, &known, false, world.now)).unwrap();
    world.expire();
    assert_eq!(world.lanes("wh_a"), ["1 pending!"]);
    assert_eq!(world.send_all(200), [1]);
}

#[test]
fn a_long_lane_expires_in_steps_to_its_end() {
    let mut world = World::new(&["wh_a"]);
    put_condition(&world, "wh_a", Condition::Down);
    for n in 0..350 {
        world.change("t1", &n.to_string());
    }
    world.now = world.now.plus_ms(2 * HOUR);
    world.change("t1", "young");
    world.expire();
    assert_eq!(world.count("SELECT COUNT(*) FROM deliveries WHERE reason = 'expired'"), 350);
    assert_eq!(world.lanes("wh_a")[350], "351 pending!");
}

#[test]
fn the_newest_event_by_a_time_is_found_among_gaps() {
    let mut world = World::new(&[]);
    for n in 0..40 {
        world.change("t1", &n.to_string());
    }
    world.set("DELETE FROM events WHERE seq BETWEEN 5 AND 20 OR seq = 1");
    for (after_ms, newest) in
        [(500, None), (2_000, Some(2)), (10_500, Some(4)), (21_000, Some(21)), (99_000, Some(40))]
    {
        assert_eq!(world.tx(|tx| newest_by(tx, START.plus_ms(after_ms))).unwrap(), newest);
    }
}
