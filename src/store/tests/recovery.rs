//! Recoveries in steps: what they take, in which order it goes out, and that they go on where they
//! were.

use super::small_world::{START, World, webhook};
use crate::model::ALERTS_WEBHOOK;
use crate::store::webhooks::recovery_steps::RecoveryLook;
use crate::store::*;

#[test]
fn a_recovery_brings_what_failed_and_what_was_never_sent_in_order_before_what_is_newer() {
    let mut world = World::new(&[]);
    world.change("t1", "1");
    world.change("t2", "2");
    world.tx(|tx| make_webhook(tx, &webhook("wh_a"), START)).unwrap();
    world.change("t1", "3");
    assert_eq!(world.send_all(400), [3]);
    world.change("t2", "4");
    assert_eq!(world.send_all(200), [4]);
    world.change("t1", "5");
    let job = world.recover("wh_a", &[RecoverState::Failed, RecoverState::Unsent]);
    assert_eq!((job.cursor, job.last, job.queued), (0, 5, 0));
    let again = world.tx(|tx| begin_recovery(tx, "wh_a", &job.wanted, world.now)).unwrap();
    assert!(matches!(again, RecoveryStart::Already), "{again:?}");
    world.change("t1", "6");
    assert!(world.claim().is_empty(), "nothing newer goes out meanwhile");
    world.recover_all("wh_a");
    assert_eq!(
        world.lanes("wh_a"),
        ["1 pending!", "2 pending!", "3 pending", "4 delivered", "5 pending", "6 pending"]
    );
    assert_eq!(world.send_all(200), [1, 2, 3, 5, 6]);
    assert_eq!(world.count("SELECT attempts FROM deliveries WHERE seq = 3"), 2, "it counts on");
    let unknown = world.tx(|tx| begin_recovery(tx, "wh_x", &job.wanted, world.now)).unwrap();
    assert!(matches!(unknown, RecoveryStart::Unknown), "{unknown:?}");
}

#[test]
fn a_recovery_goes_on_where_it_was_and_can_be_ended() {
    let mut world = World::new(&[]);
    for n in 0..1_500 {
        world.change(&format!("t{}", n % 10), &n.to_string());
    }
    world.tx(|tx| make_webhook(tx, &webhook("wh_a"), START)).unwrap();
    world.recover("wh_a", &[RecoverState::Unsent]);
    assert!(!world.recover_some("wh_a", START));
    // What the writer remembers is gone after a crash; what it wrote is not.
    world.memory.clear();
    let job = world.tx(|tx| find_recovery(tx, "wh_a")).unwrap().unwrap();
    assert_eq!((job.cursor, job.queued, world.lanes("wh_a").len()), (200, 200, 200));
    // A look from before another step changes nothing.
    let due = RecoveryLook { seqs: vec![201], up_to: 1_500 };
    assert!(!world.recover_some("wh_a", START));
    assert!(world.tx(|tx| recover_step(tx, &job, &due, world.now)).unwrap());
    assert_eq!(world.lanes("wh_a").len(), 400);
    world.tx(|tx| end_recovery(tx, "wh_a")).unwrap();
    assert_eq!(world.tx(list_recoveries).unwrap(), []);
    assert_eq!(world.send_all(200).len(), 400);
    world.recover("wh_a", &[RecoverState::Unsent]);
    world.recover_all("wh_a");
    assert_eq!(world.send_all(200).len(), 1_100);
    let mut lanes = world.send_all(200);
    lanes.sort_unstable();
    assert!(lanes.is_empty());
}

#[test]
fn a_recovery_takes_the_states_the_span_and_the_filter_that_count() {
    let mut world = World::new(&["wh_a"]);
    world.change("t1", "delivered");
    world.send_all(200);
    world.set("UPDATE webhooks SET filter = '{\"type\":[\"T1\"]}'");
    world.change("t2", "filtered");
    world.change("t1", "cancelled");
    let id = delivery_id(3, "wh_a");
    world.tx(|tx| cancel(tx, &id, world.now)).unwrap();
    world.set("DELETE FROM deliveries WHERE seq = 1");
    // The first one's delivery may have been forgotten.
    world.recover("wh_a", &[RecoverState::Unsent]);
    assert!(world.recover_some("wh_a", START.plus_ms(1_001)));
    assert_eq!(world.lanes("wh_a"), ["3 cancelled"]);
    world.recover("wh_a", &[RecoverState::Unsent]);
    assert!(world.recover_some("wh_a", START.plus_ms(1_000)));
    assert_eq!(world.lanes("wh_a"), ["1 pending!", "3 cancelled"]);
    world.recover("wh_a", &[RecoverState::Cancelled]);
    world.recover_all("wh_a");
    assert_eq!(world.lanes("wh_a"), ["1 pending!", "3 pending"]);
}

#[test]
fn alerts_are_recovered_for_their_own_webhook_alone() {
    let mut world = World::new(&["wh_a", ALERTS_WEBHOOK]);
    world.change("t1", "1");
    let claim = world.claim().remove(0);
    world.end(&claim, 400);
    let kind =
        world.count("SELECT COUNT(*) FROM events WHERE seq = 2 AND kind = 'delivery_failed'");
    assert_eq!(kind, 1);
    world.set("DELETE FROM deliveries");
    for (id, lanes) in [("wh_a", "1 pending!"), (ALERTS_WEBHOOK, "2 pending!")] {
        world.recover(id, &[RecoverState::Unsent]);
        world.recover_all(id);
        assert_eq!(world.lanes(id), [lanes]);
    }
}

#[test]
fn a_recovery_looks_at_its_span_alone_and_says_how_far_it_is() {
    let mut world = World::new(&[]);
    for n in 0..1_000 {
        world.change(&format!("t{n}"), "x");
    }
    world.tx(|tx| make_webhook(tx, &webhook("wh_a"), START)).unwrap();
    // An event a second.
    let since = START.plus_ms(300_500);
    let wanted =
        RecoveryQuery { since, until: START.plus_ms(700_000), states: vec![RecoverState::Unsent] };
    let began = world.tx(|tx| begin_recovery(tx, "wh_a", &wanted, world.now)).unwrap();
    let RecoveryStart::Runs(job) = began else { panic!("{began:?}") };
    assert_eq!((job.first, job.cursor, job.last, job.progress()), (300, 300, 700, 0.0));
    assert!(!world.recover_some("wh_a", START));
    let job = world.tx(|tx| find_recovery(tx, "wh_a")).unwrap().unwrap();
    assert_eq!((job.first, job.cursor, job.progress()), (300, 500, 0.5));
    world.recover_all("wh_a");
    let lanes = world.lanes("wh_a");
    assert_eq!((lanes.len(), &*lanes[0], &*lanes[399]), (400, "301 pending!", "700 pending!"));
    // Nothing lies in this one.
    let wanted =
        RecoveryQuery { since: world.now.plus_ms(1), until: world.now.plus_ms(2), ..wanted };
    let began = world.tx(|tx| begin_recovery(tx, "wh_a", &wanted, world.now)).unwrap();
    assert!(matches!(began, RecoveryStart::Runs(job) if job.progress() == 1.0));
    assert!(world.recover_some("wh_a", START));
}
