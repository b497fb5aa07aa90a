//! Refusals as they are written down: a webhook that refuses everything, told of once, known over a
//! restart.

use super::small_world::{POLICY, World};
use crate::delivery::health::{Health, Policy};
use crate::model::ALERTS_WEBHOOK;
use crate::store::*;

fn health(world: &World) -> Health {
    world.tx(|tx| find_webhook(tx, "wh_a")).unwrap().unwrap().health
}

/// A change a minute and a half later than the one before: its failure would be told of.
fn change_later(world: &mut World, n: i64) {
    world.now = world.now.plus_ms(90_000);
    world.change(&format!("t{n}"), "x");
}

/// Answers what is due for the webhook; alerts are taken.
fn answer(world: &World, status: u16) {
    for claim in world.claim() {
        let is_alert = claim.webhook.id == ALERTS_WEBHOOK;
        world.end(&claim, if is_alert { 200 } else { status });
    }
}

fn alerts(world: &World) -> Vec<String> {
    let sql = "SELECT kind FROM events WHERE kind NOT LIKE 'task%' AND kind <> 'delivery_failed'";
    let mut statement = world.connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(|row| row.unwrap()).collect()
}

#[test]
fn ten_refusals_are_told_once_and_so_is_their_end() {
    let mut world = World::new(&["wh_a", ALERTS_WEBHOOK]);
    for n in 1..=12 {
        change_later(&mut world, n);
        answer(&world, 422);
        assert_eq!(health(&world).is_refusing(), n >= 10, "after {n}");
    }
    assert_eq!(alerts(&world), ["webhook_refusing"]);
    let failures = world.count("SELECT COUNT(*) FROM events WHERE kind = 'delivery_failed'");
    assert_eq!(failures, 11, "all but the tenth, of which the alert itself tells");
    change_later(&mut world, 13);
    answer(&world, 200);
    assert!(!health(&world).is_refusing());
    assert_eq!(alerts(&world), ["webhook_refusing", "webhook_up"]);
}

/// It takes one of eleven: its state is true at once, and told of once in five minutes.
#[test]
fn one_that_turns_again_and_again_is_told_of_now_and_then() {
    let mut world = World::new(&["wh_a", ALERTS_WEBHOOK]);
    for n in 1..=110 {
        world.change(&format!("t{n}"), "x");
        answer(&world, if n % 11 == 0 { 200 } else { 422 });
        assert_eq!(health(&world).is_refusing(), n % 11 == 10, "after {n}");
    }
    assert_eq!(alerts(&world), ["webhook_refusing", "webhook_up"]);
    // It goes on as at first, then takes nothing any more.
    for n in 111..=130 {
        world.change(&format!("t{n}"), "x");
        answer(&world, 422);
    }
    assert!(health(&world).is_refusing());
    assert_eq!(alerts(&world).len(), 2, "not yet");
    world.now = world.now.plus_ms(300_000);
    world.change("t131", "x");
    answer(&world, 422);
    assert_eq!(alerts(&world)[2..], ["webhook_refusing"], "it still refuses");
    world.change("t132", "x");
    answer(&world, 422);
    world.change("t133", "x");
    answer(&world, 200);
    assert_eq!(alerts(&world)[2..], ["webhook_refusing", "webhook_up"]);
}

/// Answers that come together are written down as they find their way, not in the order of their times.
#[test]
fn an_answer_from_a_moment_before_the_alert_tells_nothing_again() {
    let mut world = World::new(&["wh_a", ALERTS_WEBHOOK]);
    for n in 1..=12 {
        world.change(&format!("t{n}"), "x");
    }
    for claim in world.claim() {
        world.end(&claim, 422);
        world.now = world.now.plus_ms(-1);
    }
    assert_eq!(alerts(&world), ["webhook_refusing"]);
    let failures = world.count("SELECT COUNT(*) FROM events WHERE kind = 'delivery_failed'");
    assert_eq!(failures, 1);
}

/// Nobody would hear of it else: it has not failed, its webhook is up, and its task stands still.
#[test]
fn what_is_refused_and_held_is_told_of_once_a_minute() {
    let mut world = World::new(&["wh_a", ALERTS_WEBHOOK]);
    world.set("UPDATE webhooks SET on_reject = 'hold' WHERE id = 'wh_a'");
    for n in 1..=3 {
        world.change(&format!("t{n}"), "x");
        answer(&world, 422);
    }
    // The second event is the alert of the first.
    assert_eq!(world.lanes("wh_a"), ["1 held", "3 held", "4 held"]);
    let told = "SELECT COUNT(*) FROM events WHERE kind = 'delivery_failed'
        AND task LIKE '%dlv_1_wh_a%is held%onReject%status=held%'";
    assert_eq!(world.count(told), 1);
    assert_eq!(world.count("SELECT COUNT(*) FROM events WHERE kind = 'delivery_failed'"), 1);
    change_later(&mut world, 4);
    answer(&world, 422);
    assert_eq!(world.count("SELECT COUNT(*) FROM events WHERE kind = 'delivery_failed'"), 2);
}

#[test]
fn what_was_refused_counts_over_a_restart_with_and_without_recovery() {
    for policy in [POLICY, Policy { recovers: false, ..POLICY }] {
        let mut world = World::new(&["wh_a"]);
        for n in 1..=11 {
            world.change(&format!("t{n}"), "x");
            answer(&world, 400);
            // What the writer remembers is gone.
            world.memory.clear();
            world.tx(|tx| requeue_interrupted(tx, &policy, world.now)).unwrap();
            assert_eq!(health(&world).is_refusing(), n >= 10, "after {n}");
        }
        let known = world.tx(|tx| find_webhook(tx, "wh_a")).unwrap().unwrap();
        let other = crate::model::Webhook {
            url: "http://127.0.0.1:9/other".to_owned(),
            ..(*known.webhook).clone()
        };
        world.tx(|tx| change_webhook(tx, &known, &other, world.now)).unwrap();
        assert_eq!(health(&world), Health::fresh(world.now), "another URL has refused nothing");
    }
}
