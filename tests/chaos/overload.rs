//! Four times as many writes as the server can take: what it can do it does, the others are told at once when to come
//! again, and when it is over it is over.
//!
//! A slow disk sets the limit, as it does where clients have a machine of their own: here they need the same processors.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::witness::{Ledger, Load};
use crate::harness::{Receiver, Reply, Server, home};
use crate::power::library;
use crate::rounds::{Plan, Proof, per_second};

/// What a sync takes more.
const SYNC: Duration = Duration::from_millis(200);
/// Writers that fill nearly every place there is (512), and far more than there are.
const PEAK: usize = 500;
const CROWD: usize = 960;
/// A writer's pause, also after a refusal: the crowd asks for more than four times the peak.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the peak is measured, and a round lasts; the rounds are one span without a break.
const PEAK_LASTS: Duration = Duration::from_secs(5);
const LASTS: Duration = Duration::from_secs(10);
/// Of the peak, in percent, so much is done at least.
const GOODPUT_LEAST: u64 = 85;
/// So soon after it a write takes no longer than twice what one took before.
const NORMAL_WITHIN: Duration = Duration::from_secs(2);

pub(crate) async fn overload(plan: Plan) -> Proof {
    let receiver = Receiver::start(|_| Reply::ok()).await;
    let settings = [
        ("WEBHOOK_URL", &*receiver.url()),
        ("RUST_LOG", "warn"),
        ("LD_PRELOAD", library().to_str().expect("a plain path")),
        ("DISK_SLOW", &*SYNC.as_millis().to_string()),
    ];
    let mut server = Server::start_in(home(), &settings).await;
    let mut ledger = Ledger::default();
    // A write may meet the sync of another.
    let before = slowest(&server, &mut ledger).await.max(SYNC * 2);

    let most = written_by(&server, PEAK, PEAK_LASTS).await;
    let peak = per_second(most.acknowledged, most.took).max(1);
    let rounds = u32::try_from(plan.rounds).expect("few rounds");
    let over = written_by(&server, CROWD, LASTS * rounds).await;
    tokio::time::sleep(NORMAL_WITHIN).await;
    let after = slowest(&server, &mut ledger).await;

    let goodput = per_second(over.acknowledged, over.took) * 100 / peak;
    let asked = per_second(over.acknowledged + over.refused, over.took) * 10 / peak;
    let note = format!(
        "{goodput} % of {peak}/s were done while {}.{} times as many were asked for; a write took \
         {before:?} before, {after:?} after",
        asked / 10,
        asked % 10
    );
    assert!(goodput >= GOODPUT_LEAST && asked >= 40 && after <= before * 2, "{note}");
    ledger.add(most);
    ledger.add(over);
    // What still waits has arrived sooner over a quick disk.
    server.stop().await;
    server.unset("DISK_SLOW");
    server.restart().await;
    let mut proof = Proof { rounds: plan.rounds, note, ..Proof::default() };
    proof.add(&ledger, &server, &receiver).await;
    proof.loaded()
}

async fn written_by(server: &Server, writers: usize, lasts: Duration) -> Ledger {
    let load = Load::begin(server, writers, PAUSE);
    tokio::time::sleep(lasts).await;
    load.end().await
}

/// How long the slowest of five writes takes, one after the other; the ledger knows of them.
async fn slowest(server: &Server, ledger: &mut Ledger) -> Duration {
    let mut slowest = Duration::ZERO;
    for n in 0..5 {
        let began = Instant::now();
        server.create(&json!({"title": format!("alone {n}")})).await;
        slowest = slowest.max(began.elapsed());
        ledger.others += 1;
    }
    slowest
}
