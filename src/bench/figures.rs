//! From notes to figures: rates, percentiles, and what was lost, repeated or turned round.
//!
//! The driver notes each acknowledgement and the receiver each arrival, both with the wall clock
//! of this one machine; an index joins the two. Beside the clock and the files for the notes this
//! is arithmetic. It must not know processes or how figures are printed.

use std::collections::HashMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};

use super::order::{Done, Load, Order, Step};
use super::process::Usage;

const NANOS_PER_MS: f64 = 1e6;
const NANOS_PER_SECOND: f64 = 1e9;

/// One acknowledgement or one arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Note {
    /// The index in the title.
    pub(super) index: u32,
    /// When, in nanoseconds of the wall clock.
    pub(super) at: u64,
    /// How long the request took in nanoseconds; 0 for an arrival.
    pub(super) took: u64,
}

impl Note {
    const BYTES: usize = 20;

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..4].copy_from_slice(&self.index.to_le_bytes());
        bytes[4..12].copy_from_slice(&self.at.to_le_bytes());
        bytes[12..].copy_from_slice(&self.took.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            index: u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?),
            at: u64::from_le_bytes(bytes.get(4..12)?.try_into().ok()?),
            took: u64::from_le_bytes(bytes.get(12..20)?.try_into().ok()?),
        })
    }
}

/// The wall clock, which is the same for all processes; in nanoseconds.
#[expect(
    clippy::disallowed_methods,
    reason = "milliseconds, as the clock of the product has them, are too coarse"
)]
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Hands notes to another process.
pub(super) fn write_notes(path: &Path, notes: &[Note]) -> anyhow::Result<()> {
    let bytes: Vec<u8> = notes.iter().flat_map(|note| note.to_bytes()).collect();
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Takes notes from another process.
pub(super) fn read_notes(path: &Path) -> anyhow::Result<Vec<Note>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(bytes.len() % Note::BYTES == 0, "{} broke off", path.display());
    Ok(bytes.chunks_exact(Note::BYTES).filter_map(Note::from_bytes).collect())
}

/// What half of the values, 90, 99 and 99.9 of 100 stayed within, in milliseconds.
pub(super) type Percentiles = [f64; 4];

/// The same shares, of a thousand.
const RANKS: [usize; 4] = [500, 900, 990, 999];

pub(super) fn percentiles(mut nanos: Vec<u64>) -> Percentiles {
    nanos.sort_unstable();
    RANKS.map(|of_a_thousand| nearest_rank(&nanos, of_a_thousand))
}

/// The smallest value that at least so many of a thousand of the sorted values do not exceed, in milliseconds.
#[expect(clippy::cast_precision_loss, reason = "a few hundred years fit exactly enough")]
fn nearest_rank(sorted: &[u64], of_a_thousand: usize) -> f64 {
    let rank = (sorted.len() * of_a_thousand).div_ceil(1_000);
    sorted.get(rank.saturating_sub(1)).map_or(0.0, |nanos| *nanos as f64 / NANOS_PER_MS)
}

/// The middle one of the values, or the mean of the two in the middle.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

/// The figures of one load.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Phase {
    /// Acknowledged writes.
    pub(super) accepted: u32,
    /// From the first request to the last acknowledgement.
    pub(super) accepted_per_second: f64,
    /// From the first request to the last arrival, or acknowledgement if that comes later.
    pub(super) delivered_per_second: f64,
    /// From request to acknowledgement.
    pub(super) accept: Percentiles,
    /// From acknowledgement to arrival; an arrival before the acknowledgement counts as 0.
    pub(super) arrival: Percentiles,
    /// Deliveries.
    pub(super) arrived: u32,
    /// Acknowledged and never arrived.
    pub(super) lost: u32,
    /// Arrived once more.
    pub(super) repeated: u32,
    /// Arrived after a later one of the same connection. The edits of one connection are those of
    /// one task, so there this is the broken order; new tasks have no order among them.
    pub(super) turned: u32,
    /// Answered with something else than 2xx.
    pub(super) refused: u32,
}

impl Phase {
    /// `arrivals` are those of all loads, in the order of arrival.
    pub(super) fn new(order: &Order, done: &Done, sent: &[Note], arrivals: &[Note]) -> Self {
        let Step { connections, webhooks, .. } = order.step;
        let mut first_arrivals: HashMap<u32, u64> = HashMap::with_capacity(sent.len());
        let mut latest_of: HashMap<(u32, u32), u32> = HashMap::new();
        let (mut repeated, mut turned) = (0, 0);
        let all = order.first * webhooks..done.next * webhooks;
        for arrival in arrivals.iter().filter(|note| all.contains(&note.index)) {
            if first_arrivals.contains_key(&arrival.index) {
                repeated += 1;
                continue;
            }
            first_arrivals.insert(arrival.index, arrival.at);
            let (index, webhook) = (arrival.index / webhooks, arrival.index % webhooks);
            let lane = ((index - order.first) % connections, webhook);
            let latest = latest_of.entry(lane).or_insert(index);
            if index < *latest {
                turned += 1;
            }
            *latest = index.max(*latest);
        }

        let mut waits = Vec::with_capacity(sent.len());
        let last_accept = sent.iter().map(|note| note.at).max().unwrap_or(done.began);
        // The last webhook may be faster than its acknowledgement; the load ends with both.
        let mut last_arrival = last_accept;
        for note in sent {
            for webhook in 0..webhooks {
                if let Some(at) = first_arrivals.get(&(note.index * webhooks + webhook)) {
                    waits.push(at.saturating_sub(note.at));
                    last_arrival = last_arrival.max(*at);
                }
            }
        }
        let arrived = u32::try_from(waits.len()).unwrap_or(u32::MAX);
        Self {
            accepted: done.accepted,
            accepted_per_second: rate(done.accepted, done.began, last_accept),
            delivered_per_second: rate(arrived, done.began, last_arrival),
            accept: percentiles(sent.iter().map(|note| note.took).collect()),
            arrival: percentiles(waits),
            arrived,
            lost: (done.accepted * webhooks).saturating_sub(arrived),
            repeated,
            turned,
            refused: done.refused,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bench takes minutes, not months")]
fn rate(count: u32, began: u64, ended: u64) -> f64 {
    match ended.saturating_sub(began) {
        0 => 0.0,
        nanos => f64::from(count) * NANOS_PER_SECOND / nanos as f64,
    }
}

/// All that one run says about one system.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Figures {
    pub(super) loads: Vec<Measured>,
    /// Memory of the server in MB at the end, and the most it ever had.
    pub(super) memory: Option<[f64; 2]>,
}

/// What one run says about one load.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Measured {
    pub(super) step: Step,
    pub(super) phase: Phase,
    pub(super) cost: Option<Cost>,
}

/// What one delivery, with its share of a write, cost the server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// Processor time.
    pub(super) cpu_ms: f64,
    /// Written to disks.
    pub(super) written_kb: f64,
    /// Switches of its threads.
    pub(super) switches: f64,
}

impl Cost {
    /// Of a load, where the system says what the server had used before and after it.
    pub(super) fn of(phase: &Phase, usage: [Option<Usage>; 2]) -> Option<Cost> {
        let [before, after] = [usage[0]?, usage[1]?];
        let each = |before: f64, after: f64| (after - before) / f64::from(phase.arrived.max(1));
        Some(Cost {
            cpu_ms: each(before.cpu_ms, after.cpu_ms),
            written_kb: each(before.written_kb, after.written_kb),
            switches: each(before.switches, after.switches),
        })
    }
}

impl Figures {
    pub(super) fn find(&self, step: &Step) -> Option<&Measured> {
        self.loads.iter().find(|load| load.step == *step)
    }

    /// What should not have happened, in words.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for Measured { step, phase, .. } in &self.loads {
            let mut fault = |count: u32, what: &str| {
                if count > 0 {
                    faults.push(format!("{}: {count} of {} {what}", step.name(), phase.accepted));
                }
            };
            fault(phase.lost, "never arrived");
            fault(phase.repeated, "arrived twice");
            if step.load == Load::Edit {
                fault(phase.turned, "arrived after a later one of the same task");
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    const EDITS: Step = Step { load: Load::Edit, connections: 2, rate: 1, seconds: 1, webhooks: 1 };

    fn phase(step: Step, sent: &[(u32, u64, u64)], arrivals: &[(u32, u64)]) -> Phase {
        let address = ([127, 0, 0, 1], 1).into();
        let order = Order { step, address, first: 10, notes: "notes".into() };
        let accepted = u32::try_from(sent.len()).unwrap();
        let done = Done { accepted, next: 20, ..Done::default() };
        let sent: Vec<Note> = sent
            .iter()
            .map(|&(index, at, took)| Note { index, at: at * MS, took: took * MS })
            .collect();
        let arrivals: Vec<Note> =
            arrivals.iter().map(|&(index, at)| Note { index, at: at * MS, took: 0 }).collect();
        Phase::new(&order, &done, &sent, &arrivals)
    }

    #[test]
    fn rates_and_waits_come_from_both_sets_of_notes() {
        let sent = [(10, 100, 4), (11, 200, 2), (12, 500, 6)];
        let found = phase(EDITS, &sent, &[(9, 50), (10, 90), (11, 205), (12, 1000), (20, 2000)]);
        assert_eq!(found.accepted_per_second, 6.0);
        assert_eq!(found.delivered_per_second, 3.0);
        assert_eq!(found.accept, [4.0, 6.0, 6.0, 6.0]);
        assert_eq!(found.arrival, [5.0, 500.0, 500.0, 500.0]);
        assert_eq!((found.arrived, found.lost, found.repeated, found.turned), (3, 0, 0, 0));
    }

    #[test]
    fn what_is_lost_repeated_or_turned_round_is_counted() {
        // Connection 0 has the even indices, connection 1 the odd ones.
        let sent = [(10, 1, 1), (11, 1, 1), (12, 2, 1), (13, 2, 1), (14, 3, 1)];
        let found = phase(EDITS, &sent, &[(12, 3), (11, 3), (10, 4), (13, 4), (12, 5)]);
        assert_eq!((found.lost, found.repeated, found.turned), (1, 1, 1));
        let load = |step| Measured { step, phase: found.clone(), cost: None };
        let loads = vec![load(EDITS), load(Step { load: Load::Create, ..EDITS })];
        let figures = Figures { loads, ..Figures::default() };
        assert_eq!(figures.faults().len(), 5);
        assert!(figures.faults().contains(&"edits of 2 tasks: 1 of 5 never arrived".to_owned()));
    }

    #[test]
    fn each_webhook_is_awaited() {
        let to_two = Step { webhooks: 2, ..EDITS };
        let found = phase(to_two, &[(10, 1, 1), (12, 2, 1)], &[(20, 2), (21, 2), (24, 3), (20, 4)]);
        assert_eq!((found.arrived, found.lost, found.repeated, found.turned), (3, 1, 1, 0));
    }

    #[test]
    fn nothing_at_all_is_no_division_by_zero() {
        let found = phase(EDITS, &[], &[]);
        assert_eq!((found.accepted_per_second, found.delivered_per_second), (0.0, 0.0));
        assert_eq!(found.arrival, [0.0; 4]);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let nanos: Vec<u64> = (1..=100).map(|ms| ms * MS).collect();
        assert_eq!(percentiles(nanos), [50.0, 90.0, 99.0, 100.0]);
        assert_eq!(percentiles(vec![7 * MS]), [7.0; 4]);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(vec![4.0, 2.0]), 3.0);
        assert_eq!(median(Vec::new()), 0.0);
    }

    #[test]
    fn notes_survive_the_file() {
        let notes = [Note { index: 7, at: u64::MAX, took: 3 }, Note { index: 0, at: 1, took: 0 }];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        write_notes(&path, &notes).unwrap();
        assert_eq!(read_notes(&path).unwrap(), notes);
        std::fs::write(&path, [0; 21]).unwrap();
        assert!(read_notes(&path).is_err());
    }
}
