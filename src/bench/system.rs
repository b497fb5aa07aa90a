//! What is measured: the product and its floors, each started with what is at the two ends of its loads, and gone
//! through them.
//!
//! It must not know how a load is made, counted or printed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::time::{Instant, sleep};

use super::figures::{self, Cost, Figures, Measured, Phase};
use super::order::{Done, Load, Order, Step};
use super::process::{Process, Usage};
use super::{Options, driver, receiver};

/// How long nothing may arrive before what is missing counts as lost. Longer than all attempts of
/// one delivery with their waits.
const SILENCE: Duration = Duration::from_secs(30);
/// What a load may take beyond its own seconds.
const OVERTIME: Duration = Duration::from_mins(1);
/// How often it is asked whether all has arrived.
const POLL: Duration = Duration::from_millis(20);

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    Product,
    Store,
    DurableRelay,
    Relay,
}

/// In the order of the table's columns.
pub(super) const SYSTEMS: [System; 4] =
    [System::Product, System::Store, System::DurableRelay, System::Relay];

impl System {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Product => "btk",
            Self::Store => "its store",
            Self::DurableRelay => "durable relay",
            Self::Relay => "relay",
        }
    }

    fn takes(self, step: &Step) -> bool {
        match self {
            Self::Product => true,
            Self::Store => step.load == Load::Create,
            Self::DurableRelay | Self::Relay => step.webhooks == 1,
        }
    }

    /// Starts the system with its webhooks going to `webhook_url`.
    fn start(self, log: &str, folder: &Path, webhook_url: &str) -> anyhow::Result<Process> {
        let settings = [
            ("WEBHOOK_URL", webhook_url),
            ("WEBHOOK_ALLOW_TARGETS", "127.0.0.1"),
            ("PORT", "0"),
            ("RUST_LOG", log),
        ];
        let relay = ["bench", "--role", "relay", "--target", webhook_url, "--append-to", "journal"];
        let (arguments, settings) = match self {
            Self::Product => (&[][..], &settings[..]),
            Self::Store => (&["bench", "--role", "store"][..], &[][..]),
            Self::DurableRelay => (&relay[..], &[][..]),
            Self::Relay => (&relay[..5], &[][..]),
        };
        Process::start(self.name(), arguments, settings, folder)
    }
}

/// One system through all loads that it takes, with processes that are fresh and gone afterwards.
pub(super) async fn measure(
    system: System,
    options: &Options,
    folder: &Path,
) -> anyhow::Result<Figures> {
    let mut found = Figures::default();
    for (number, mut steps) in options.plan().into_iter().enumerate() {
        steps.retain(|step| system.takes(step));
        if steps.is_empty() {
            continue;
        }
        let folder = folder.join(number.to_string());
        std::fs::create_dir(&folder)?;
        let (loads, memory) = go_through(system, &steps, &options.log, &folder).await?;
        found.loads.extend(loads);
        found.memory = found.memory.or(memory);
    }
    Ok(found)
}

/// One server through some loads.
async fn go_through(
    system: System,
    steps: &[Step],
    log: &str,
    folder: &Path,
) -> anyhow::Result<(Vec<Measured>, Option<[f64; 2]>)> {
    let webhooks = steps.first().map_or(1, |step| step.webhooks);
    let mut bench = Bench::start(system, webhooks, log, folder).await?;
    let mut all = Vec::new();
    for step in steps {
        all.push(bench.perform(*step, folder.join(all.len().to_string())).await?);
    }
    let memory = bench.server.usage().map(|usage| [usage.rss_mb, usage.peak_mb]);
    let path = all.last().context("no load")?.0.arrivals();
    if let Some(ends) = &mut bench.ends {
        let save = receiver::Ask::Save(path.clone());
        let _: receiver::Count = ends.receiver.ask(&save, OVERTIME).await?;
    }
    let arrivals = figures::read_notes(&path)?;
    let mut loads = Vec::new();
    for (order, done, usage) in &all {
        let sent = figures::read_notes(&order.notes)?;
        let phase = Phase::new(order, done, &sent, &arrivals);
        loads.push(Measured { step: order.step, cost: Cost::of(&phase, *usage), phase });
    }
    bench.end().await;
    Ok((loads, memory))
}

/// A system, the two ends of its loads, and what was done with them so far.
struct Bench {
    server: Process,
    address: SocketAddr,
    /// `None`: it is its own driver and receiver.
    ends: Option<Ends>,
    webhooks: u32,
    /// The first index that is not used: an index is used once in the life of a receiver, so a
    /// late repeat is seen as one.
    first: u32,
    /// Deliveries that are to arrive.
    expected: u32,
}

struct Ends {
    receiver: Process,
    driver: Process,
}

impl Bench {
    async fn start(
        system: System,
        webhooks: u32,
        log: &str,
        folder: &Path,
    ) -> anyhow::Result<Bench> {
        let bench = |server, address, ends| Bench {
            server,
            address,
            ends,
            webhooks,
            first: 0,
            expected: 0,
        };
        if system == System::Store {
            let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
            return Ok(bench(system.start(log, folder, "")?, nowhere, None));
        }
        let stands_for = webhooks.to_string();
        let role = ["bench", "--role", "receiver", "--stands-for", &stands_for];
        let mut receiver = Process::start("receiver", &role, &[], folder)?;
        let webhook_url = format!("http://{}", receiver.address().await?);
        let mut server = system.start(log, folder, &webhook_url)?;
        let address = server.address().await?;
        let more = (1..webhooks).map(|number| format!("{webhook_url}/{number}"));
        driver::make_webhooks(address, more).await?;
        let driver = Process::start("driver", &["bench", "--role", "driver"], &[], folder)?;
        Ok(bench(server, address, Some(Ends { receiver, driver })))
    }

    /// One load, until everything that was accepted has arrived.
    async fn perform(
        &mut self,
        step: Step,
        notes: PathBuf,
    ) -> anyhow::Result<(Order, Done, [Option<Usage>; 2])> {
        let order = Order { step, address: self.address, first: self.first, notes };
        let within = Duration::from_secs(step.seconds.into()) + OVERTIME;
        let before = self.server.usage();
        let driver = self.ends.as_mut().map_or(&mut self.server, |ends| &mut ends.driver);
        let done: Done = driver.ask(&order, within).await?;
        if let Some(fault) = &done.fault {
            bail!("the load of {} broke off: {fault}", step.name());
        }
        ensure!(done.accepted > 0, "nothing was accepted: {}", done.refusal_in_words());
        self.first = done.next;
        self.expected += done.accepted * self.webhooks;
        if let Some(ends) = &mut self.ends {
            wait_for_arrivals(&mut ends.receiver, self.expected).await?;
        }
        Ok((order, done, [before, self.server.usage()]))
    }

    async fn end(self) {
        if let Some(Ends { receiver, driver }) = self.ends {
            driver.end().await;
            receiver.end().await;
        }
        self.server.end().await;
    }
}

/// Until all has arrived; or until nothing did for long, which the figures then show as lost.
async fn wait_for_arrivals(receiver: &mut Process, expected: u32) -> anyhow::Result<()> {
    let mut most = 0;
    let mut deadline = pin!(sleep(SILENCE));
    loop {
        let count: receiver::Count =
            receiver.ask(&receiver::Ask::Count, OVERTIME).await.context("no count")?;
        if count.distinct >= expected || deadline.is_elapsed() {
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
