//! Faults, again and again, under load: `scripts/chaos [row …] [--rounds N] [--seed S] [--full]`.
//!
//! Prints a table: promise, rounds, load, result. Ends with 1 where a promise was broken. What is promised is checked by
//! `harness::witness`, over all that writers were told and all that has arrived; a row says what happens meanwhile.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a run ends where it is surprised, says what it measured, and has a clock of its own"
)]

mod backup;
mod crash;
mod disk;
mod io;
mod limits;
mod overload;
mod power;
mod rounds;
#[path = "../it"]
mod shared {
    #[expect(dead_code, reason = "one harness serves three programs of tests")]
    pub(crate) mod harness;
}

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use futures_util::FutureExt as _;

use rounds::{Plan, Proof};
use shared::harness;

/// Faults under load, and whether what is promised holds.
#[derive(Debug, Parser)]
struct Options {
    /// Which rows; all, if none is named
    rows: Vec<String>,
    /// How many rounds of each; if it is left out, a few
    #[arg(long)]
    rounds: Option<usize>,
    /// Where chance begins
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// As many rounds as the published table has
    #[arg(long)]
    full: bool,
}

type Run = fn(Plan) -> Pin<Box<dyn Future<Output = Proof>>>;

/// A promise, and the fault that tries it.
struct Row {
    name: &'static str,
    promise: &'static str,
    /// Rounds by default, and in the published table. None by default: it depends on what the machine has to spare, and is
    /// run where it is named.
    rounds: (usize, usize),
    run: Run,
}

/// Makes a row of a function.
macro_rules! row {
    ($name:literal, $run:path, $few:literal, $full:literal, $promise:literal) => {
        Row {
            name: $name,
            promise: $promise,
            rounds: ($few, $full),
            run: |plan| Box::pin($run(plan)),
        }
    };
}

const ROWS: &[Row] = &[
    row!("kill", crash::kill, 10, 1_000, "SIGKILL loses nothing that was acknowledged"),
    row!(
        "record",
        crash::record,
        10,
        500,
        "SIGKILL after the receiver's answer: at most a repeat, the same"
    ),
    row!("stop", crash::stop, 3, 100, "SIGTERM fails no write and ends within 10 s"),
    row!("clock", crash::clock, 4, 40, "The wall clock may jump by an hour or a day"),
    row!("power", power::cut, 10, 300, "A power cut loses nothing that was acknowledged"),
    row!(
        "power-lies",
        power::control,
        3,
        20,
        "(A disk that lies about a sync does: this must be seen)"
    ),
    row!("io", io::faults, 16, 1_600, "The k-th sync or write that fails makes no answer false"),
    row!("disk", disk::full, 1, 10, "A full disk refuses writes, heals by itself"),
    row!("files", limits::files, 1, 10, "128 files are enough, whoever takes connections"),
    row!("slow", limits::slow, 1, 10, "2,000 slow clients keep others waiting for moments only"),
    row!("memory", limits::memory, 1, 5, "96 MiB of memory are enough"),
    row!(
        "overload",
        overload::overload,
        0,
        6,
        "Four times what the disk can take: as much is done as ever, the rest is refused"
    ),
    row!("backup", backup::cut, 2, 20, "A backup under load is whole, also after a power cut"),
];

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let unknown = options.rows.iter().find(|name| ROWS.iter().all(|row| row.name != **name));
    if let Some(name) = unknown {
        let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        eprintln!("There is no row {name}; there are {}.", names.join(", "));
        return ExitCode::from(2);
    }
    println!("| Row | Promise | Rounds | Acknowledged | Load | Repeats | Took | Result |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut all_kept = true;
    for row in ROWS {
        let is_named = options.rows.iter().any(|name| name == row.name);
        let (few, full) = row.rounds;
        let usual = if options.full { full } else { few };
        if !is_named && (usual == 0 || !options.rows.is_empty()) {
            continue;
        }
        let rounds = options.rounds.unwrap_or(usual.max(1));
        let began = Instant::now();
        // A promise that is broken ends the row, with what was seen.
        let plan = Plan { rounds, seed: options.seed };
        let ended = AssertUnwindSafe((row.run)(plan)).catch_unwind().await;
        let proof = ended.unwrap_or_else(|_| Proof::broken());
        all_kept &= !proof.is_broken;
        let (name, promise, took) = (row.name, row.promise, began.elapsed().as_secs());
        println!("| `{name}` | {promise} | {proof} | {took} s | {} |", proof.result());
    }
    if all_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
