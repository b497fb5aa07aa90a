//! Jobs in steps: what they take, in which order, that they go on where they were, and what begins one
//! by itself.

use super::small_world::{START, World, webhook};
use crate::model::{DeliveryStatus, OnReject, Reason, Webhook};
use crate::store::deliveries::bulk::JobState;
use crate::store::*;

fn of(webhook: &str, status: DeliveryStatus) -> DeliveryFilter {
    let webhook_id = Some(webhook.to_owned());
    DeliveryFilter { status: vec![status], webhook_id, ..DeliveryFilter::default() }
}

fn begin(world: &World, action: Action, filter: &DeliveryFilter) -> Job {
    let job = world.tx(|tx| {
        let expected = count_for_job(tx, action, filter)?;
        begin_job(tx, action, filter, expected, world.now)
    });
    job.unwrap().expect("there is room")
}

/// One step of each job; answers how many are under way after it.
fn step(world: &World) -> usize {
    let jobs = world.tx(running_jobs).unwrap();
    jobs.into_iter().filter(|job| !world.step_job(job)).count()
}

/// A webhook that holds what is refused, with what it was sent refused.
fn holding(tasks: u32) -> World {
    let mut world = World::new(&[]);
    let held = Webhook { on_reject: OnReject::Hold, ..webhook("wh_a") };
    world.tx(|tx| make_webhook(tx, &held, START)).unwrap();
    for n in 0..tasks {
        world.change(&format!("t{n}"), "refused");
        world.change(&format!("t{n}"), "behind it");
    }
    world.send_all(422);
    world
}

#[test]
fn a_job_takes_what_its_filter_takes_the_oldest_first_and_nothing_newer() {
    let mut world = World::new(&["wh_a", "wh_b"]);
    for n in 0..3 {
        world.change("t1", &n.to_string());
        world.send_all(400);
    }
    let filter = of("wh_a", DeliveryStatus::Failed);
    let job = begin(&world, Action::Redeliver, &filter);
    assert_eq!((job.expected, job.changed, job.state), (Some(3), 0, JobState::Running));
    world.change("t1", "newer");
    world.send_all(400);
    assert_eq!(step(&world), 0);
    assert_eq!(world.lanes("wh_a"), ["1 pending!", "2 pending", "3 pending", "4 failed"]);
    assert_eq!(world.lanes("wh_b"), ["1 failed", "2 failed", "3 failed", "4 failed"]);
    let job = world.tx(|tx| find_job(tx, job.num)).unwrap().unwrap();
    assert_eq!((job.changed, job.state, job.progress()), (3, JobState::Done, 1.0));
    assert_eq!(world.send_all(200), [1, 2, 3]);
}

#[test]
fn what_waits_is_cancelled_and_what_has_ended_or_is_under_way_is_not() {
    let mut world = World::new(&["wh_a"]);
    world.change("t1", "delivered");
    world.send_all(200);
    for n in 2..5 {
        world.change("t1", &n.to_string());
    }
    world.change("t2", "5");
    let claims = world.claim();
    assert_eq!(claims.iter().map(|claim| claim.seq).collect::<Vec<_>>(), [2, 5]);
    let all = DeliveryFilter::default();
    assert_eq!(begin(&world, Action::Cancel, &all).expected, Some(2));
    assert_eq!(step(&world), 0);
    assert_eq!(
        world.lanes("wh_a"),
        ["1 delivered", "2 sending", "3 cancelled", "4 cancelled", "5 sending"]
    );
    let waiting = world.count("SELECT SUM(unfinished) FROM totals");
    assert_eq!(waiting, 2);
}

#[test]
fn a_long_job_goes_on_where_it_was_and_can_be_ended() {
    let mut world = World::new(&["wh_a"]);
    for n in 0..1_000 {
        world.change(&format!("t{}", n % 10), &n.to_string());
    }
    let filter = of("wh_a", DeliveryStatus::Pending);
    let job = begin(&world, Action::Cancel, &filter);
    assert_eq!(step(&world), 1);
    // What the writer remembers is gone after a crash; what it wrote is not.
    world.memory.clear();
    let now = world.tx(|tx| find_job(tx, job.num)).unwrap().unwrap();
    assert_eq!((now.changed, now.progress()), (200, 0.2));
    // A look from before another step changes nothing.
    assert_eq!(step(&world), 1);
    assert!(!world.step_job(&now));
    let now = world.tx(|tx| find_job(tx, job.num)).unwrap().unwrap();
    world.tx(|tx| end_job(tx, job.num)).unwrap();
    assert!(!world.step_job(&now), "it is over");
    assert!(world.tx(|tx| find_job(tx, job.num)).unwrap().is_none());
    assert_eq!(world.count("SELECT COUNT(*) FROM deliveries WHERE status = 'cancelled'"), 400);
    begin(&world, Action::Cancel, &filter);
    while step(&world) > 0 {}
    assert_eq!(world.count("SELECT COUNT(*) FROM deliveries WHERE status = 'cancelled'"), 1_000);
    assert_eq!(world.count("SELECT COUNT(*) FROM deliveries WHERE due_ms IS NOT NULL"), 0);
}

#[test]
fn each_part_of_a_filter_counts_and_so_do_words() {
    let mut world = World::new(&["wh_a", "wh_b"]);
    for n in 0..4 {
        world.change(&format!("t{}", n % 2), &format!("word{n}word"));
    }
    world.send_all(400);
    let at = |n: i64| Some(START.plus_ms(n * 1_000));
    let any = DeliveryFilter::default();
    for (filter, lanes) in [
        (DeliveryFilter { task_id: Some("t1".into()), ..any.clone() }, vec![2, 4]),
        (DeliveryFilter { event_id: Some("evt_3".into()), ..any.clone() }, vec![3]),
        (DeliveryFilter { since: at(2), until: at(3), ..any.clone() }, vec![2, 3]),
        (DeliveryFilter { q: Some("WORD3word".into()), ..any.clone() }, vec![4]),
        (DeliveryFilter { status: vec![DeliveryStatus::Held], ..any.clone() }, vec![]),
    ] {
        let job = begin(&world, Action::Redeliver, &filter);
        let n = i64::try_from(2 * lanes.len()).unwrap();
        assert_eq!(job.expected, filter.q.is_none().then_some(n), "{filter:?}");
        assert_eq!(step(&world), 0);
        let mut sent = world.send_all(400);
        sent.sort_unstable();
        sent.dedup();
        assert_eq!(sent, lanes, "{filter:?}");
        let changed = world.tx(|tx| find_job(tx, job.num)).unwrap().unwrap().changed;
        assert_eq!(changed, n, "{filter:?}");
    }
}

#[test]
fn what_is_held_is_let_go_by_a_resume_another_url_and_a_change_to_skip() {
    for way in ["resume", "skip", "url", "other"] {
        let world = holding(2);
        assert_eq!(world.lanes("wh_a"), ["1 held", "2 pending", "3 held", "4 pending"]);
        assert_eq!(world.tx(|tx| held(tx, "wh_a")).unwrap(), 2);
        let known = world.tx(|tx| find_webhook(tx, "wh_a")).unwrap().unwrap();
        let mut after = (*known.webhook).clone();
        match way {
            "skip" => after.on_reject = OnReject::Skip,
            "url" => after.url = "http://127.0.0.1:9/other".to_owned(),
            _ => after.max_attempts = 7,
        }
        for _ in 0..2 {
            // Twice is once.
            world
                .tx(|tx| match way {
                    "resume" => set_paused(tx, &known, false, world.now),
                    _ => change_webhook(tx, &known, &after, world.now),
                })
                .unwrap();
        }
        let jobs = world.tx(running_jobs).unwrap().len();
        assert_eq!(jobs, usize::from(way != "other"), "{way}");
        assert_eq!(step(&world), 0);
        let mut sent = world.send_all(200);
        sent.sort_unstable();
        assert_eq!(sent.len(), if way == "other" { 0 } else { 4 }, "{way}: {sent:?}");
    }
}

#[test]
fn a_recovery_lets_go_what_was_refused_and_leaves_alone_what_goes_out_anyway() {
    let world = holding(2);
    // As one is that is refused alone.
    world.set("UPDATE deliveries SET reason = 'refused_alone', due_ms = 1 WHERE seq = 3");
    world.recover("wh_a", &[RecoverState::Held]);
    world.recover_all("wh_a");
    assert_eq!(world.lanes("wh_a"), ["1 pending!", "2 pending", "3 held!", "4 pending"]);
}

#[test]
fn there_is_an_end_to_jobs() {
    let world = World::new(&["wh_a"]);
    let any = DeliveryFilter::default();
    for _ in 0..20 {
        begin(&world, Action::Cancel, &any);
    }
    let one_more = world.tx(|tx| begin_job(tx, Action::Cancel, &any, None, world.now)).unwrap();
    assert!(one_more.is_none());
    assert_eq!(step(&world), 0);
    for _ in 0..120 {
        begin(&world, Action::Cancel, &any);
        step(&world);
    }
    assert_eq!(world.tx(list_jobs).unwrap().len(), 100);
}

#[test]
fn a_job_whose_webhook_was_deleted_meanwhile_says_so() {
    let mut world = holding(2);
    world.change("t1", "of another task");
    let kept = begin(&world, Action::Cancel, &of("wh_b", DeliveryStatus::Held));
    let cut = begin(&world, Action::Redeliver, &of("wh_a", DeliveryStatus::Held));
    world.tx(|tx| delete_webhook(tx, "wh_a")).unwrap();
    assert_eq!(step(&world), 0);
    let ended = |job: Job| world.tx(|tx| find_job(tx, job.num)).unwrap().unwrap();
    let cut = ended(cut);
    assert_eq!((cut.expected, cut.changed), (Some(2), 0));
    assert_eq!((cut.state, cut.reason), (JobState::Done, Some(Reason::WebhookDeleted)));
    assert_eq!(ended(kept).reason, None, "there was nothing to be done");
}
