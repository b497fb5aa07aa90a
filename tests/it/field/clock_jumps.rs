//! The wall clock is set while the server runs: by an hour at a first synchronisation, by a day where
//! somebody mistyped. Attempts, waits and conditions go by a clock that does not jump.
//!
//! Seen with: <https://github.com/sidekiq-scheduler/sidekiq-scheduler/issues/283> (set forward, everything runs at
//! once; set back, nothing ever again).
//!
//! The program runs with libfaketime before its C library, which moves its wall clock and leaves the
//! steady one alone. Where that is not installed these tests say so and pass: the same decisions are
//! tested without it beside `store/clock_step.rs` and `dispatcher/wall_clock.rs`.

use serde_json::json;

use crate::harness::hooks::id;
use crate::harness::wall::Wall;
use crate::harness::{Hit, Receiver, Reply, Server, home, quiet::QUIET};

/// A server whose wall clock can be set; none where there is no libfaketime.
async fn server(settings: &[(&str, &str)]) -> Option<(Server, Wall)> {
    let home = home();
    let Some((wall, set)) = Wall::in_home(home.path()) else {
        println!("left out: libfaketime is not installed (apt-get install faketime)");
        return None;
    };
    let set: Vec<_> = set.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Some((Server::start_in(home, &[&set[..], settings].concat()).await, wall))
}

fn gaps(hits: &[Hit]) -> Vec<f64> {
    hits.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect()
}

const HOUR: i64 = 3_600;

#[tokio::test(flavor = "multi_thread")]
async fn three_attempts_are_three_and_their_waits_hold_whatever_the_clock_does() {
    let _quiet = QUIET.read().await;
    let jump = async |by: i64| {
        let receiver = Receiver::start(|_| Reply::status(500)).await;
        let Some((server, wall)) = server(&[("WEBHOOK_URL", &receiver.url())]).await else {
            return;
        };
        server.create(&json!({"title": "a"})).await;
        receiver.wait_for(1).await;
        server.wait_for_log("Retrying in 1000ms...").await;
        wall.off_by(by);
        let hits = receiver.wait_for(3).await;
        let gaps = gaps(&hits[..3]);
        let held = (0.9..1.6).contains(&gaps[0]) && (1.9..2.6).contains(&gaps[1]);
        assert!(held, "{by} s: {gaps:?}");
        server.wait_for_log("[WEBHOOK] All 3 attempts failed for task_created").await;
        server.webhook_is("default", "down").await;
    };
    // They wait, so they wait together: others that need the machine for themselves come the sooner.
    tokio::join!(jump(HOUR), jump(-HOUR), jump(24 * HOUR), jump(-24 * HOUR));
}

/// The pause that a receiver asked for is as long as it said.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_was_asked_for_is_kept_when_the_clock_jumps_forward() {
    let _quiet = QUIET.read().await;
    let receiver = Receiver::start(|hit| match hit.nth {
        1 => Reply::status(429).header("retry-after", "3"),
        _ => Reply::ok(),
    })
    .await;
    let Some((server, wall)) = server(&[("WEBHOOK_URL", &receiver.url())]).await else { return };
    server.create(&json!({"title": "a"})).await;
    server.wait_for_log("Retrying in 3000ms...").await;
    wall.off_by(HOUR);
    let gap = gaps(&receiver.wait_for(2).await)[0];
    assert!((2.9..4.5).contains(&gap), "{gap}");
}

/// A server that was off for longer than what waits is kept, or whose clock is set forward while a
/// receiver is down, asks the receiver before it gives anything up.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_up_for_time_in_which_nobody_asked() {
    for is_off in [true, false] {
        let receiver = Receiver::start(|_| Reply::status(503)).await;
        // A look at what is too old every three seconds, and a probe after eight.
        let settings = [
            ("WEBHOOK_URL", &*receiver.url()),
            ("WEBHOOK_ATTEMPTS", "1"),
            ("WEBHOOK_PROBE_FIRST", "8s"),
            ("WEBHOOK_MAX_AGE", "30s"),
        ];
        let Some((mut server, wall)) = server(&settings).await else { return };
        for n in 0..3 {
            server.create(&json!({"title": n.to_string()})).await;
        }
        server.webhook_is("default", "down").await;
        receiver.answer(|_| Reply::ok());
        if is_off {
            server.kill9();
        }
        wall.off_by(80 * HOUR);
        if is_off {
            server.restart().await;
        }
        server.total_is("status=delivered", 3).await;
        assert_eq!(server.total("status=failed").await, 0, "off: {is_off}");
    }
}

/// What comes after the clock was set is sent at once, and an outage is still told from one event's
/// fault: what arrived before it is no excuse.
#[tokio::test(flavor = "multi_thread")]
async fn after_the_clock_was_set_back_everything_goes_on() {
    for by in [HOUR, -24 * HOUR] {
        let receiver = Receiver::ok().await;
        let settings = [("WEBHOOK_URL", &*receiver.url()), ("WEBHOOK_PROBE_FIRST", "200ms")];
        let Some((server, wall)) = server(&settings).await else { return };
        let first = server.create(&json!({"title": "a"})).await;
        server.settled(id(&first)).await;
        wall.off_by(by);
        let second = server.create(&json!({"title": "b"})).await;
        server.settled(id(&second)).await;
        receiver.answer(|_| Reply::status(500));
        let third = server.create(&json!({"title": "c"})).await;
        server.webhook_is("default", "down").await;
        receiver.answer(|_| Reply::ok());
        assert_eq!(server.settled(id(&third)).await[0]["status"], "delivered", "{by} s");
        server.webhook_is("default", "up").await;
    }
}
