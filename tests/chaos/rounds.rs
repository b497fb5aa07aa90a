//! Rounds: a load, a fault, and again; in the end what was promised is checked.
//!
//! It must not know which fault.

use std::fmt;
use std::time::Duration;

use crate::harness::witness::{Ledger, Load, busy_receiver};
use crate::harness::{Receiver, Server};

const WRITERS: usize = 16;
/// A writer's pause after each write.
const PAUSE: Duration = Duration::from_millis(10);
/// Acknowledged writes before each fault.
const ROUND: u64 = 150;
/// Writes a second, below which a fault proves nothing.
const LOAD_LEAST: u64 = 200;
/// Rounds in one folder, so that what is checked at once fits into memory.
const LIFE: usize = 25;

/// How often, and where chance begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) seed: u64,
}

impl Plan {
    /// A number for a round, the same each time.
    pub(crate) fn chance(self, round: usize) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        let step = (round as u64).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut z = self.seed.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// What a row has shown.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    pub(crate) rounds: usize,
    pub(crate) acknowledged: u64,
    /// How long writers were at work.
    pub(crate) took: Duration,
    /// Requests that were made again.
    pub(crate) repeats: usize,
    /// What there is to say beside it.
    pub(crate) note: String,
    /// Nothing could be tried here.
    pub(crate) is_left_out: bool,
    pub(crate) is_broken: bool,
}

impl Proof {
    /// A promise was broken; what was seen is said already.
    pub(crate) fn broken() -> Proof {
        Proof { is_broken: true, ..Proof::default() }
    }

    /// This machine lacks something.
    pub(crate) fn left_out(why: &str) -> Proof {
        Proof { is_left_out: true, note: why.to_owned(), ..Proof::default() }
    }

    /// The promises hold over this ledger; whether the load was one is looked at in the end.
    pub(crate) async fn add(&mut self, ledger: &Ledger, server: &Server, receiver: &Receiver) {
        self.repeats += ledger.check(server, receiver).await;
        self.acknowledged += ledger.acknowledged;
        self.took += ledger.took;
    }

    /// Ends the row unless there was load enough.
    pub(crate) fn loaded(self) -> Proof {
        assert!(self.per_second() >= LOAD_LEAST, "{} writes a second", self.per_second());
        self
    }

    fn per_second(&self) -> u64 {
        per_second(self.acknowledged, self.took)
    }

    pub(crate) fn result(&self) -> String {
        let word = match (self.is_broken, self.is_left_out) {
            (true, _) => "BROKEN",
            (_, true) => "left out",
            _ => "kept",
        };
        if self.note.is_empty() { word.to_owned() } else { format!("{word}: {}", self.note) }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Proof { rounds, acknowledged, repeats, .. } = self;
        write!(f, "{rounds} | {acknowledged} | {}/s | {repeats}", self.per_second())
    }
}

pub(crate) fn per_second(count: u64, took: Duration) -> u64 {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    count * 1_000 / ms
}

/// Writers on a server.
pub(crate) fn load(server: &Server) -> Load {
    Load::begin(server, WRITERS, PAUSE)
}

/// Load before a fault.
pub(crate) async fn loaded(server: &Server) -> Load {
    let load = load(server);
    load.reaches(ROUND).await;
    load
}

/// Rounds in which `fault` ends the server, or does not, and has it running again. It is given the number of the round.
pub(crate) async fn rounds(
    plan: Plan,
    start: impl AsyncFn(&Receiver) -> Server,
    mut fault: impl AsyncFnMut(&mut Server, &Receiver, usize),
) -> Proof {
    let mut proof = Proof::default();
    while proof.rounds < plan.rounds {
        let receiver = Receiver::start(busy_receiver).await;
        let mut server = start(&receiver).await;
        let mut ledger = Ledger::default();
        for _ in 0..LIFE.min(plan.rounds - proof.rounds) {
            let load = loaded(&server).await;
            fault(&mut server, &receiver, proof.rounds).await;
            ledger.add(load.end().await);
            proof.rounds += 1;
        }
        proof.add(&ledger, &server, &receiver).await;
    }
    proof.loaded()
}
