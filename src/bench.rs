//! `btk bench`: what this machine makes of the product, in one command and without other programs.
//!
//! Server, receiver and driver are processes of their own, all of them this executable. The server
//! is started as a user starts it and is known only by its address, its webhooks and its process
//! id. Beside it stand its floors: two relays, one that appends to a file and syncs it before it answers, and one that
//! stores nothing; the product's store without HTTP; and the disk. This file holds the options and the story; it must
//! not know how a load is made, counted or printed.
//!
//! - [`driver`]: sends requests and notes when each of them was acknowledged.
//! - [`order`]: what it is told to do, and what it says.
//! - [`receiver`]: takes webhooks and notes when each of them arrived.
//! - [`relay`]: HTTP in, a queue in memory, HTTP out.
//! - [`store`]: what is stored, without HTTP.
//! - [`fsync`]: what the disk takes.
//! - [`process`]: starting, asking and measuring these processes.
//! - [`figures`]: from the two sets of notes to rates, percentiles and faults.
//! - [`report`]: the table.
//! - [`system`]: what is measured, through its loads.

mod driver;
mod figures;
mod fsync;
mod order;
mod process;
mod receiver;
mod relay;
mod report;
mod store;
mod system;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{bail, ensure};

use crate::config::{log_filter, within};
use crate::signals::asked_to_stop;
use crate::temp_dir::TemporaryFolder;
use figures::Figures;
use order::{Load, Step};
use system::{SYSTEMS, measure};

/// Tasks that are edited, and connections of the loads at a steady rate.
const EDITED: u32 = 32;
/// Deliveries a second where each event goes to more than one webhook.
const DELIVERIES: u32 = 2_000;

/// What `btk bench` can be told.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Seconds that each load lasts
    #[arg(long, default_value_t = 5, value_parser = within::<1, 600>)]
    seconds: u32,
    /// Keep-alive connections that make new tasks as fast as they are answered
    #[arg(long, value_delimiter = ',', default_value = "1,32,256",
        value_parser = within::<1, 1_000>)]
    connections: Vec<u32>,
    /// New tasks a second in the loads at a steady rate
    #[arg(long, value_delimiter = ',', default_value = "200,2000",
        value_parser = within::<1, 20_000>)]
    rate: Vec<u32>,
    /// Webhooks to which each event goes
    #[arg(long, value_delimiter = ',', default_value = "1,10,100",
        value_parser = within::<1, 500>)]
    webhooks: Vec<u32>,
    /// Measure this often and report the medians
    #[arg(long, default_value_t = 1, value_parser = within::<1, 99>)]
    runs: u32,
    /// The log level of the server, as in `RUST_LOG`
    #[arg(long, default_value = "info", value_parser = level)]
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
    /// How many webhooks the receiver stands for
    #[arg(long, hide = true, default_value_t = 1)]
    stands_for: u32,
}

impl Options {
    /// Seconds of a load that needs fewer.
    fn short(&self) -> u32 {
        (self.seconds / 3).max(1)
    }

    /// The loads: those of each list follow one another on one server.
    fn plan(&self) -> Vec<Vec<Step>> {
        let step = |load, connections| Step {
            load,
            connections,
            rate: 0,
            seconds: self.seconds,
            webhooks: 1,
        };
        let short = Step { seconds: self.short(), ..step(Load::Edit, EDITED) };
        let steady = |rate, webhooks| Step { rate, webhooks, ..step(Load::Steady, EDITED) };
        // The edits come first: they also warm up what the others measure.
        let mut first = vec![short, Step { load: Load::Delete, ..short }];
        first.extend(self.rate.iter().map(|rate| steady(*rate, 1)));
        first.extend(self.connections.iter().map(|many| step(Load::Create, *many)));
        let many = self.webhooks.iter().filter(|many| **many > 1);
        std::iter::once(first)
            .chain(many.map(|many| vec![steady((DELIVERIES / many).max(1), *many)]))
            .collect()
    }
}

/// What the server takes as `RUST_LOG`: else it would not start, and say so in a file that goes with the bench.
fn level(text: &str) -> Result<String, String> {
    log_filter(text).map_err(|why| format!("it {why}"))
}

/// The processes of the bench beside the server.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Role {
    Receiver,
    Driver,
    Relay,
    Store,
}

/// `btk bench`: prints what it does and one table.
///
/// # Errors
/// A process did not do its part, or the product lost, repeated or turned round an event.
pub(crate) async fn command(options: Options) -> anyhow::Result<()> {
    match options.role {
        Some(Role::Receiver) => {
            let webhooks = options.stands_for;
            on_one_thread(move || receiver::run(webhooks)).await
        }
        Some(Role::Driver) => on_one_thread(driver::run).await,
        Some(Role::Store) => store::run(Path::new("btk.db")).await,
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
async fn on_one_thread<F>(role: impl FnOnce() -> F + Send + 'static) -> anyhow::Result<()>
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
    let (mut found, mut synced) = (SYSTEMS.map(|_| Vec::new()), Vec::new());
    // In turn, so that all meet the same moods of the machine.
    for run in 1..=options.runs {
        let (to, time) = (folder.to_owned(), Duration::from_secs(options.short().into()));
        synced.push(tokio::task::spawn_blocking(move || fsync::measure(&to, time)).await??);
        for (system, results) in SYSTEMS.into_iter().zip(&mut found) {
            writeln!(out, "run {run} of {}: {} …", options.runs, system.name())?;
            let folder = folder.join(format!("{}-{run}", system.name()));
            std::fs::create_dir(&folder)?;
            results.push(measure(system, options, &folder).await?);
            std::fs::remove_dir_all(&folder)?;
        }
    }
    writeln!(out, "\n{}", report::table(options, &found, &synced))?;
    let faults: Vec<String> = found[0].iter().flat_map(Figures::faults).collect();
    ensure!(faults.is_empty(), "the product broke a promise: {}", faults.join("; "));
    Ok(())
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
        assert_eq!((options_read.seconds, options_read.runs), (5, 1));
        let names: Vec<String> = options_read.plan().iter().flatten().map(Step::name).collect();
        assert_eq!(
            names,
            [
                "edits of 32 tasks",
                "made and deleted, 32 at a time",
                "200 new tasks/s",
                "2000 new tasks/s",
                "new tasks, 1 at a time",
                "new tasks, 32 at a time",
                "new tasks, 256 at a time",
                "200 new tasks/s to 10 webhooks",
                "20 new tasks/s to 100 webhooks",
            ]
        );
        assert!(options(&["--seconds", "0"]).is_err());
        assert!(options(&["--connections", "32,1001"]).is_err());
        assert_eq!(options(&["--rate", "1,20000"]).unwrap().rate, [1, 20_000]);
        for (name, text) in [("--seconds", "+5"), ("--rate", "+1,2"), ("--runs", "100")] {
            let said = options(&[name, text]).unwrap_err().to_string();
            assert!(said.contains("use a number from 1 to"), "{name} {text}: {said}");
        }
        let said = options(&["--log", "loud"]).unwrap_err().to_string();
        assert!(said.contains("it is \"loud\": use off, error, warn, info, debug"), "{said}");
        assert_eq!(options(&["--log", "warning"]).unwrap().log, "warn");
        assert_eq!(options(&["--webhooks", "1"]).unwrap().plan().len(), 1);
        assert!(options(&["--role", "cook"]).is_err());
        assert!(matches!(options(&["--role", "relay"]).unwrap().role, Some(Role::Relay)));
    }
}
