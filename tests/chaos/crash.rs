//! The process ends, or its clock jumps: SIGKILL at any moment and right after a receiver's answer, SIGTERM, and a wall
//! clock that is set.

use std::time::{Duration, Instant};

use crate::harness::wall::Wall;
use crate::harness::{Receiver, Server, home};
use crate::rounds::{Plan, Proof, rounds};

/// A stop that was asked for takes no longer.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

async fn start(receiver: &Receiver) -> Server {
    Server::start(&[("WEBHOOK_URL", &receiver.url())]).await
}

pub(crate) async fn kill(plan: Plan) -> Proof {
    rounds(plan, start, async |server, _, _| {
        server.kill9();
        server.restart().await;
    })
    .await
}

/// The kill comes a moment after a request has arrived: before its answer, after it, and after what came of it is on
/// disk.
pub(crate) async fn record(plan: Plan) -> Proof {
    rounds(plan, start, async |server, receiver, round| {
        let arrived = receiver.hits().len();
        receiver.wait_until("a request", |hits| hits.len() > arrived).await;
        tokio::time::sleep(Duration::from_micros(plan.chance(round) % 15_000)).await;
        server.kill9();
        server.restart().await;
    })
    .await
}

pub(crate) async fn stop(plan: Plan) -> Proof {
    rounds(plan, start, async |server, _, _| {
        let asked = Instant::now();
        let status = server.stop().await;
        assert!(status.success() && asked.elapsed() < STOPS_WITHIN, "{status}");
        server.restart().await;
    })
    .await
}

pub(crate) async fn clock(plan: Plan) -> Proof {
    const HOUR: i64 = 3_600;
    let home = home();
    if Wall::in_home(home.path()).is_none() {
        return Proof::left_out("libfaketime is not installed (apt-get install faketime)");
    }
    let start = async |receiver: &Receiver| {
        let home = crate::harness::home();
        let (_, set) = Wall::in_home(home.path()).expect("it is installed");
        let url = receiver.url();
        let mut settings = vec![("WEBHOOK_URL", url.as_str())];
        settings.extend(set.iter().map(|(name, value)| (*name, value.as_str())));
        Server::start_in(home, &settings).await
    };
    rounds(plan, start, async |server, receiver, round| {
        let by = [HOUR, -HOUR, -24 * HOUR, 0][round % 4];
        Wall::of_home(server.home()).off_by(by);
        // It goes on: what is written after the jump arrives.
        let arrived = receiver.hits().len();
        receiver.wait_until("what comes after", |hits| hits.len() > arrived + 50).await;
    })
    .await
}
