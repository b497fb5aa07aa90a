//! The figures of a bench as text: where it ran, one table, and how to read it.
//!
//! It must not measure anything; it knows figures, options and what `/proc` says about the machine.

use std::fmt::Write;
use std::path::Path;

use super::Options;
use super::figures::{Cost, Figures, Measured, median};
use super::fsync::Synced;
use super::order::{Load, Step};
use super::system::SYSTEMS;

/// The width of the first column.
const LABEL: usize = 60;
/// The width of the others.
const CELL: usize = 30;

/// What is measured, where and how.
pub(super) fn heading(options: &Options, folder: &Path) -> String {
    let Options { seconds, runs, log, .. } = options;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let disk = match file_system_of(folder, &mounts) {
        Some("tmpfs") => {
            " (tmpfs: nothing reaches a disk here; TMPDIR names another place)".to_owned()
        }
        Some(kind) => format!(" ({kind})"),
        None => String::new(),
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    format!(
        "btk {} {}, SQLite {}, on {} {} {}, {cores} cores\n\
         {seconds} s a load, runs: {runs}\n\
         Databases and logs in {}{disk}; the server logs at the level {log}.\n\
         Server, receiver and driver are processes of their own and share these cores.\n",
        env!("CARGO_PKG_VERSION"),
        arguments.join(" "),
        crate::store::sqlite_version(),
        std::env::consts::OS,
        kernel.trim(),
        std::env::consts::ARCH,
        folder.display(),
    )
}

/// The table with the medians of all runs of each system, the ratio of the product to each of the others, and how to
/// read them.
pub(super) fn table(
    options: &Options,
    found: &[Vec<Figures>; SYSTEMS.len()],
    synced: &[Synced],
) -> String {
    let mut text = format!("{:LABEL$}", "");
    for system in SYSTEMS {
        let _ = write!(text, "{:>CELL$}", system.name());
    }
    text.push_str("  btk is to the others\n");
    for row in rows(options) {
        let medians = found.each_ref().map(|runs| row.medians(runs));
        let _ = write!(text, "{:LABEL$}", row.label);
        for cell in &medians {
            let _ = write!(text, "{:>CELL$}", row.cell(cell));
        }
        let [ours, floors @ ..] = medians;
        let ratios = floors.iter().map(|floor| match (ours.first(), floor.first()) {
            (Some(ours), Some(floor)) if *floor > 0.0 => ratio(ours / floor),
            _ => "–".to_owned(),
        });
        let ratios = ratios.collect::<Vec<_>>().join(" · ");
        let _ = writeln!(text, "  {ratios}");
    }
    let of_disk = |value: fn(&Synced) -> f64| median(synced.iter().map(value).collect());
    let _ = writeln!(
        text,
        "\nThe disk: {}/s appends of 1 KiB by one thread, each synced; ms p50 {:.2}, p99 {:.2}.",
        number(of_disk(|disk| disk.per_second), 0),
        of_disk(|disk| disk.ms[0]),
        of_disk(|disk| disk.ms[2]),
    );
    for (system, figures) in SYSTEMS.into_iter().zip(found) {
        let _ = writeln!(text, "{}", checked(system.name(), figures));
    }
    text.push_str(
        "The others are the floors: the store is btk's own, with callers in place of clients and each message answered at \
         once. The relays are the same HTTP server and client and a queue in memory: the durable one has what it takes in \
         a file, synced, before it answers; the other stores nothing. Neither keeps an order or tries again.\n",
    );
    let _ = writeln!(text, "{}", noise(&found[0]));
    text
}

type Cells = Box<dyn Fn(&Figures) -> Option<Vec<f64>>>;

/// One line of the table: its cells are shown as `a / b / …`.
struct Row {
    label: String,
    decimals: usize,
    cells: Cells,
}

impl Row {
    /// Nothing where a run has nothing to say.
    fn medians(&self, runs: &[Figures]) -> Vec<f64> {
        let cells: Option<Vec<Vec<f64>>> = runs.iter().map(&self.cells).collect();
        let cells = cells.unwrap_or_default();
        let width = cells.iter().map(Vec::len).min().unwrap_or(0);
        (0..width).map(|place| median(cells.iter().map(|run| run[place]).collect())).collect()
    }

    fn cell(&self, medians: &[f64]) -> String {
        if medians.is_empty() {
            return "n/a".to_owned();
        }
        // Of what is large, the fractions say nothing.
        let decimals = |value: f64| if value < 100.0 { self.decimals } else { 0 };
        let shown: Vec<String> =
            medians.iter().map(|value| number(*value, decimals(*value))).collect();
        shown.join(" / ")
    }
}

fn rows(options: &Options) -> Vec<Row> {
    let of_step = |step: Step, label: &str, decimals, cells: fn(&Measured) -> Option<Vec<f64>>| {
        let cells = Box::new(move |figures: &Figures| cells(figures.find(&step)?));
        Row { label: label.to_owned(), decimals, cells }
    };
    let mut rows = Vec::new();
    for step in options.plan().into_iter().flatten() {
        rows.push(of_step(
            step,
            &format!("{}: accepted / delivered a second", step.name()),
            0,
            |load| Some(vec![load.phase.accepted_per_second, load.phase.delivered_per_second]),
        ));
        rows.push(of_step(step, "  accept ms p50 / p90 / p99 / p99.9", 2, |load| {
            Some(load.phase.accept.to_vec())
        }));
        rows.push(of_step(step, "  accepted → arrived ms", 2, |load| {
            Some(load.phase.arrival.to_vec())
        }));
        rows.push(of_step(step, "  CPU ms / KB written / switches a delivery", 3, |load| {
            let Cost { cpu_ms, written_kb, switches } = load.cost?;
            Some(vec![cpu_ms, written_kb, switches])
        }));
    }
    rows.push(Row {
        label: "RSS MB after one webhook's loads / peak".to_owned(),
        decimals: 0,
        cells: Box::new(|figures| figures.memory.map(|memory| memory.to_vec())),
    });
    rows
}

/// What was checked, with the sums of all runs.
fn checked(name: &str, runs: &[Figures]) -> String {
    let loads = || runs.iter().flat_map(|figures| &figures.loads);
    let sum = |count: fn(&Measured) -> u32| loads().map(count).sum::<u32>();
    let of_edits = |load: &Measured| load.step.load == Load::Edit;
    let edits: u32 = loads().filter(|load| of_edits(load)).map(|load| load.phase.accepted).sum();
    let turned: u32 = loads().filter(|load| of_edits(load)).map(|load| load.phase.turned).sum();
    format!(
        "{name}: {} accepted, {} deliveries lost, {} repeated, {} refused; of {} edits {turned} turned round within \
         their task.",
        number(sum(|load| load.phase.accepted).into(), 0),
        sum(|load| load.phase.lost),
        sum(|load| load.phase.repeated),
        sum(|load| load.phase.refused),
        number(edits.into(), 0),
    )
}

fn noise(product: &[Figures]) -> String {
    if product.len() < 2 {
        return "One run: other work on the machine and its disk move absolute figures by a fifth and more.\n\
                Read the ratio, and compare with --runs 3, which shows medians."
            .to_owned();
    }
    let rates = product.iter().map(|figures| {
        let created = figures.loads.iter().filter(|load| load.step.load == Load::Create);
        created.map(|load| load.phase.delivered_per_second).fold(0.0, f64::max)
    });
    let least = rates.clone().fold(f64::INFINITY, f64::min);
    let most = rates.fold(0.0, f64::max);
    format!(
        "Medians of {} runs; the most that btk delivered a second was between {} and {}. A difference within that is \
         noise.",
        product.len(),
        number(least, 0),
        number(most, 0),
    )
}

fn ratio(value: f64) -> String {
    match value {
        below if below < 1.5 => format!("{:.0} %", below * 100.0),
        above => format!("{above:.1} x"),
    }
}

/// With a comma between thousands.
fn number(value: f64, decimals: usize) -> String {
    let plain = format!("{value:.decimals$}");
    let (whole, fraction) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut shown = String::with_capacity(plain.len() + 4);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown + fraction
}

/// The kind of the file system that a folder is on: of all mounts above it, the nearest one's.
fn file_system_of<'a>(folder: &Path, mounts: &'a str) -> Option<&'a str> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            Some((Path::new(fields.next()?), fields.next()?))
        })
        .filter(|(place, _)| folder.starts_with(place))
        .max_by_key(|(place, _)| place.as_os_str().len())
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::super::figures::Phase;
    use super::*;

    const STEP: Step =
        Step { load: Load::Create, connections: 32, rate: 0, seconds: 1, webhooks: 1 };

    fn options() -> Options {
        Options {
            seconds: 1,
            connections: vec![32],
            rate: vec![200],
            webhooks: vec![1],
            runs: 3,
            log: "info".to_owned(),
            role: None,
            target: String::new(),
            append_to: None,
            stands_for: 1,
        }
    }

    fn figures(per_second: f64, cpu_ms: Option<f64>) -> Figures {
        let phase = Phase {
            accepted: 1_000,
            accepted_per_second: per_second,
            delivered_per_second: per_second - 1.0,
            accept: [0.5, 1.0, 1.25, 2.0],
            arrival: [0.25, 0.5, 2.0, 3.0],
            arrived: 1_000,
            lost: 0,
            repeated: 0,
            turned: 0,
            refused: 0,
        };
        let cost = cpu_ms.map(|cpu_ms| Cost { cpu_ms, written_kb: 3.0, switches: 2.0 });
        Figures { loads: vec![Measured { step: STEP, phase, cost }], memory: None }
    }

    #[test]
    fn the_table_shows_medians_and_ratios() {
        let product = [10_000.0, 12_000.0, 11_000.0].map(|rate| figures(rate, Some(0.08)));
        let relays = [22_000.0, 44_000.0].map(|rate| vec![figures(rate, None)]);
        let [durable, relay] = relays;
        let disk = [100.0, 300.0, 200.0].map(|per_second| Synced { per_second, ms: [1.0; 4] });
        let found = [product.to_vec(), vec![Figures::default()], durable, relay];
        let text = table(&options(), &found, &disk);
        let from = text.find("new tasks, 32 at a time").unwrap();
        let line = |label: &str| {
            let line = text[from..].lines().find(|line| line.starts_with(label)).unwrap();
            line[label.len()..].split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            line("new tasks, 32 at a time: accepted / delivered a second"),
            "11,000 / 10,999 n/a 22,000 / 21,999 44,000 / 43,999 – · 50 % · 25 %"
        );
        assert_eq!(
            line("  CPU ms / KB written / switches a delivery"),
            "0.080 / 3.000 / 2.000 n/a n/a n/a – · – · –"
        );
        assert!(text.contains("btk: 3,000 accepted, 0 deliveries lost"), "{text}");
        assert!(text.contains("between 9,999 and 11,999"), "{text}");
        assert!(text.contains("The disk: 200/s"), "{text}");
    }

    #[test]
    fn numbers_and_ratios_are_easy_to_read() {
        assert_eq!(number(0.0, 0), "0");
        assert_eq!(number(999.4, 0), "999");
        assert_eq!(number(1_234_567.0, 0), "1,234,567");
        assert_eq!(number(1234.567, 2), "1,234.57");
        assert_eq!(ratio(0.256), "26 %");
        assert_eq!(ratio(4.0), "4.0 x");
    }

    #[test]
    fn the_nearest_mount_names_the_file_system() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\nproc /proc proc rw 0 0\n";
        assert_eq!(file_system_of(Path::new("/tmp/btk"), mounts), Some("tmpfs"));
        assert_eq!(file_system_of(Path::new("/tmpfoo"), mounts), Some("ext4"));
        assert_eq!(file_system_of(Path::new("/tmp"), ""), None);
    }
}
