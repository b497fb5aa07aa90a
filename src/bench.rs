//! `btk bench`: what this machine makes of the product, in one command and without other programs.
//!
//! Server, receiver and driver are processes of their own, all of them this executable. The server
//! is started as a user starts it and is known only by its address, its webhooks and its process
//! id; two relays are measured in the same way as floors, one that appends to a file and syncs it before it answers, and
//! one that stores nothing. This file holds the options and the story; it must not know how a load is made, counted or printed.
//!
//! - [`driver`]: sends requests and notes when each of them was acknowledged.
//! - [`order`]: what it is told to do, and what it says.
//! - [`receiver`]: takes webhooks and notes when each of them arrived.
//! - [`relay`]: HTTP in, a queue in memory, HTTP out.
//! - [`process`]: starting, asking and measuring these processes.
//! - [`figures`]: from the two sets of notes to rates, percentiles and faults.
//! - [`report`]: the table.

mod driver;
mod figures;
mod order;
mod process;
mod receiver;
mod relay;
mod report;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::time::{Instant, sleep};

use crate::signals::asked_to_stop;
use crate::temp_dir::TemporaryFolder;
use figures::{Figures, Phase};
use order::{Done, Load, Order};
use process::Process;

/// How long nothing may arrive before what is missing counts as lost. Longer than all attempts of
/// one delivery with their waits.
const SILENCE: Duration = Duration::from_secs(30);
/// What a load may take beyond its own seconds.
const OVERTIME: Duration = Duration::from_mins(1);
/// How often it is asked whether all has arrived.
const POLL: Duration = Duration::from_millis(20);

/// What `btk bench` can be told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Seconds that each measurement lasts
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Keep-alive connections of the driver
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    connections: u32,
    /// Requests a second in the measurement at a steady rate
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    rate: u32,
    /// Measure this often and report the medians
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=99))]
    runs: u32,
    /// The log level of the server, as in `RUST_LOG`
    #[arg(long, default_value = "info")]
    log: String,
    /// The part that this process plays; the bench starts these itself
    #[arg(long, hide = true)]
    role: Option<Role>,
    /// Where the relay sends
    #[arg(long, hide = true, default_value = "")]
    target: String,
    /// The file to which the relay appends what it takes, before it answers; without it, it stores nothing
    #[arg(long, hide = true)]
    append_to: Option<PathBuf>,
}

/// The processes of the bench beside the server.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Role {
    Receiver,
    Driver,
    Relay,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Product,
    DurableRelay,
    Relay,
}

/// In the order of the table's columns.
const SYSTEMS: [System; 3] = [System::Product, System::DurableRelay, System::Relay];

/// `btk bench`: prints what it does and one table.
///
/// # Errors
/// A process did not do its part, or the product lost, repeated or turned round an event.
pub(crate) async fn command(options: Options) -> anyhow::Result<()> {
    match options.role {
        Some(Role::Receiver) => on_one_thread(receiver::run).await,
        Some(Role::Driver) => on_one_thread(driver::run).await,
        // On the runtime of the server: the relay is to be its equal in all but storing.
        Some(Role::Relay) => relay::run(&options.target, options.append_to.as_deref()).await,
        None => {
            let folder = TemporaryFolder::new("btk-bench")?;
            let mut story = Box::pin(story(&options, folder.path()));
            tokio::select! {
                told = story.as_mut() => told,
                // Ends the processes, since the story holds them; then the folder goes.
                asked = asked_to_stop() => {
                    drop(story);
                    asked.and_then(|()| bail!("interrupted before the end"))
                }
            }
        }
    }
}

/// Runs a role without the cost of moving work between threads: the load must be cheap.
async fn on_one_thread<F>(role: fn() -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + 'static,
{
    let run = move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(role())
    };
    tokio::task::spawn_blocking(run).await?
}

async fn story(options: &Options, folder: &Path) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{}", report::heading(options, folder))?;
    let mut found = SYSTEMS.map(|_| Vec::new());
    // In turn, so that all meet the same moods of the machine.
    for run in 1..=options.runs {
        for (system, results) in SYSTEMS.into_iter().zip(&mut found) {
            writeln!(out, "run {run} of {}: {} …", options.runs, system.name())?;
            let folder = folder.join(format!("{}-{run}", system.name()));
            std::fs::create_dir(&folder)?;
            results.push(measure(system, options, &folder).await?);
            std::fs::remove_dir_all(&folder)?;
        }
    }
    writeln!(out, "\n{}", report::table(options, &found))?;
    let faults: Vec<String> = found[0].iter().flat_map(Figures::faults).collect();
    ensure!(faults.is_empty(), "the product broke a promise: {}", faults.join("; "));
    Ok(())
}

impl System {
    fn name(self) -> &'static str {
        match self {
            Self::Product => "btk",
            Self::DurableRelay => "durable relay",
            Self::Relay => "relay",
        }
    }

    /// Starts the system with its webhooks going to `webhook_url`.
    fn start(self, log: &str, folder: &Path, webhook_url: &str) -> anyhow::Result<Process> {
        let database = format!("sqlite:{}", folder.join("btk.db").display());
        let settings = [
            ("WEBHOOK_URL", webhook_url),
            ("DATABASE_URL", &database),
            ("PORT", "0"),
            ("RUST_LOG", log),
        ];
        let relay = ["bench", "--role", "relay", "--target", webhook_url, "--append-to", "journal"];
        let (arguments, settings) = match self {
            Self::Product => (&[][..], &settings[..]),
            Self::DurableRelay => (&relay[..], &[][..]),
            Self::Relay => (&relay[..5], &[][..]),
        };
        Process::start(self.name(), arguments, settings, folder)
    }
}

/// One system through the three loads, with processes that are fresh and gone afterwards.
async fn measure(system: System, options: &Options, folder: &Path) -> anyhow::Result<Figures> {
    let mut receiver = Process::start("receiver", &["bench", "--role", "receiver"], &[], folder)?;
    let webhook_url = format!("http://{}", receiver.address().await?);
    let mut server = system.start(&options.log, folder, &webhook_url)?;
    let address = server.address().await?;
    let driver = Process::start("driver", &["bench", "--role", "driver"], &[], folder)?;
    let mut bench = Bench { receiver, driver, first: 0, accepted: 0, done: Vec::new() };

    let order = |load, seconds| Order {
        load,
        address,
        connections: options.connections,
        rate: options.rate,
        seconds,
        first: 0,
        notes: folder.join(format!("{load:?}")),
    };
    // The edits come first: they also warm up what the other two measure.
    bench.perform(order(Load::Edit, (options.seconds / 3).max(1))).await?;
    let before = server.usage();
    bench.perform(order(Load::Steady, options.seconds)).await?;
    let between = server.usage();
    bench.perform(order(Load::Create, options.seconds)).await?;
    let after = server.usage();

    let arrivals = folder.join("arrivals");
    let _: receiver::Count =
        bench.receiver.ask(&receiver::Ask::Save(arrivals.clone()), OVERTIME).await?;
    let arrivals = figures::read_notes(&arrivals)?;
    let mut phases = Vec::new();
    for (order, done) in &bench.done {
        let sent = figures::read_notes(&order.notes)?;
        phases.push(Phase::new(order, done, &sent, &arrivals));
    }
    let phases: [Phase; 3] =
        phases.try_into().map_err(|_| anyhow::anyhow!("three loads were to be performed"))?;
    for process in [bench.driver, bench.receiver, server] {
        process.end().await;
    }
    Ok(Figures::new(phases, [before, between, after]))
}

/// The two ends of a load, and what was done with them so far.
struct Bench {
    receiver: Process,
    driver: Process,
    /// The first index that is not used: an index is used once in the life of a receiver, so a
    /// late repeat is seen as one.
    first: u32,
    accepted: u32,
    done: Vec<(Order, Done)>,
}

impl Bench {
    /// One load, until everything that was accepted has arrived.
    async fn perform(&mut self, order: Order) -> anyhow::Result<()> {
        let order = Order { first: self.first, ..order };
        let within = Duration::from_secs(order.seconds.into()) + OVERTIME;
        let done: Done = self.driver.ask(&order, within).await?;
        if let Some(fault) = &done.fault {
            bail!("the load {:?} broke off: {fault}", order.load);
        }
        ensure!(done.accepted > 0, "nothing was accepted: {}", done.refusal_in_words());
        self.first = done.next;
        self.accepted += done.accepted;
        self.done.push((order, done));
        self.wait_for_arrivals().await
    }

    /// Until all has arrived; or until nothing did for long, which the figures then show as lost.
    async fn wait_for_arrivals(&mut self) -> anyhow::Result<()> {
        let mut most = 0;
        let mut deadline = pin!(sleep(SILENCE));
        loop {
            let count: receiver::Count =
                self.receiver.ask(&receiver::Ask::Count, OVERTIME).await.context("no count")?;
            if count.distinct >= self.accepted || deadline.is_elapsed() {
                return Ok(());
            }
            if count.distinct > most {
                most = count.distinct;
                deadline.as_mut().reset(Instant::now() + SILENCE);
            }
            tokio::select! {
                () = deadline.as_mut() => {}
                () = sleep(POLL) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;

    fn options(arguments: &[&str]) -> Result<Options, clap::Error> {
        let command = Options::augment_args(clap::Command::new("bench").no_binary_name(true));
        Options::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }

    #[test]
    fn the_options_have_the_documented_defaults_and_bounds() {
        let options_read = options(&[]).unwrap();
        assert_eq!((options_read.seconds, options_read.connections), (10, 32));
        assert_eq!((options_read.rate, options_read.runs), (200, 1));
        assert!(options(&["--seconds", "0"]).is_err());
        assert!(options(&["--connections", "1001"]).is_err());
        assert!(options(&["--role", "cook"]).is_err());
        assert!(matches!(options(&["--role", "relay"]).unwrap().role, Some(Role::Relay)));
    }
}
