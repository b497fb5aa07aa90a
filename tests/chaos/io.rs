//! A call to the disk fails, the k-th: a sync or a write, once or from then on, for a fault of the disk or for want of
//! room. Whatever was acknowledged is there afterwards, and what was refused was not done.

use std::time::{Duration, Instant};

use crate::harness::witness::{Ledger, busy_receiver};
use crate::harness::{Receiver, Server};
use crate::power::{faults_met, noted, whole};
use crate::rounds::{Plan, Proof, load};

/// Calls and their numbers of errors on Linux: EIO, ENOSPC.
const FAULTS: [(&str, i32); 4] = [("fsync", 5), ("pwrite", 5), ("fsync", 28), ("pwrite", 28)];
/// Of which calls one fails.
const K: usize = 200;
const LIFE: usize = 16;
/// So long the fault is met, unless the server ends for it.
const MET_FOR: Duration = Duration::from_millis(700);

pub(crate) async fn faults(plan: Plan) -> Proof {
    let mut proof = Proof::default();
    let (mut met, mut ended) = (0, 0);
    while proof.rounds < plan.rounds {
        let receiver = Receiver::start(busy_receiver).await;
        let mut server = noted(&receiver).await;
        let mut ledger = Ledger::default();
        for _ in 0..LIFE.min(plan.rounds - proof.rounds) {
            server.stop().await;
            let fault = fault(proof.rounds);
            server.set("DISK_FAIL", &fault);
            if server.restart_or_end().await.is_none() {
                let (its, has_ended) = under_fault(&mut server, fault.ends_with('+')).await;
                ledger.add(its);
                ended += usize::from(has_ended);
            }
            met += usize::from(faults_met(server.home()) > 0);
            server.unset("DISK_FAIL");
            server.restart().await;
            proof.rounds += 1;
        }
        proof.add(&ledger, &server, &receiver).await;
        whole(&server.home().join("btk.db"));
    }
    proof.note = format!("met in {met} rounds, {ended} of which ended the server");
    proof.loaded()
}

/// Every call and error for each k, once and for ever.
fn fault(round: usize) -> String {
    let ((call, error), rest) = (FAULTS[round % FAULTS.len()], round / FAULTS.len());
    let (on, k) = (if rest % 2 == 0 { "" } else { "+" }, rest / 2 * 37 % K + 1);
    format!("{call}:{error}:{k}{on}")
}

/// Load while the fault is met. A server that lives on although it cannot write says so.
async fn under_fault(server: &mut Server, lasts: bool) -> (Ledger, bool) {
    let load = load(server);
    let end = Instant::now() + MET_FOR;
    let mut has_ended = false;
    while !has_ended && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
        has_ended = server.has_ended().is_some();
    }
    if !has_ended {
        if lasts && faults_met(server.home()) > 0 {
            server.get("/readyz").await.expect(503);
        }
        server.kill9();
    }
    (load.end().await, has_ended)
}
