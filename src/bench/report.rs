//! The figures of a bench as text: where it ran, one table, and how to read it.
//!
//! It must not measure anything; it knows figures, options and what `/proc` says about the machine.

use std::fmt::Write;
use std::path::Path;

use super::figures::{Cost, Figures, Percentiles, median};
use super::{Options, SYSTEMS};

/// The width of the first column.
const LABEL: usize = 44;
/// The width of the others.
const CELL: usize = 15;

/// What is measured, where and how.
pub(super) fn heading(options: &Options, folder: &Path) -> String {
    let Options { seconds, connections, rate, runs, log, .. } = options;
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
    format!(
        "btk {} on {} {} {}, {cores} cores\n\
         {connections} connections, {seconds} s a load, {rate}/s in the steady one, runs: {runs}\n\
         Databases and logs in {}{disk}; the server logs at the level {log}.\n\
         Server, receiver and driver are processes of their own and share these cores.\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        kernel.trim(),
        std::env::consts::ARCH,
        folder.display(),
    )
}

/// The table with the medians of all runs of each system, the ratio of the product to each of the others, and how to
/// read them.
pub(super) fn table(options: &Options, found: &[Vec<Figures>; 3]) -> String {
    let mut text = format!("{:LABEL$}", "");
    for system in SYSTEMS {
        let _ = write!(text, "{:>CELL$}", system.name());
    }
    text.push_str("  btk is to the two\n");
    for row in rows(options) {
        let medians = found.each_ref().map(|runs| row.medians(runs));
        let _ = write!(text, "{:LABEL$}", row.label);
        for cell in &medians {
            let _ = write!(text, "{:>CELL$}", row.cell(cell));
        }
        let [ours, floors @ ..] = medians;
        let ratios = floors.iter().filter_map(|floor| match (ours.first(), floor.first()) {
            (Some(ours), Some(floor)) if *floor > 0.0 => Some(ratio(ours / floor)),
            _ => None,
        });
        let ratios = ratios.collect::<Vec<_>>().join(" · ");
        let _ = writeln!(text, "  {ratios}");
    }
    text.push('\n');
    for (system, figures) in SYSTEMS.into_iter().zip(found) {
        let _ = writeln!(text, "{}", checked(system.name(), figures));
    }
    text.push_str(
        "The relays are the floors: the same HTTP server and client and a queue in memory. The durable one has what it \
         takes in a file, synced, before it answers; the other stores nothing. Neither keeps an order or tries again.\n",
    );
    let _ = writeln!(text, "{}", noise(&found[0]));
    text
}

type Cells = fn(&Figures) -> Option<Vec<f64>>;

/// One line of the table: its cells are shown as `a` or `a / b`.
struct Row {
    label: String,
    decimals: usize,
    cells: Cells,
}

impl Row {
    /// Nothing where a run has nothing to say.
    fn medians(&self, runs: &[Figures]) -> Vec<f64> {
        let cells: Option<Vec<Vec<f64>>> = runs.iter().map(self.cells).collect();
        let cells = cells.unwrap_or_default();
        let width = cells.iter().map(Vec::len).min().unwrap_or(0);
        (0..width).map(|place| median(cells.iter().map(|run| run[place]).collect())).collect()
    }

    fn cell(&self, medians: &[f64]) -> String {
        if medians.is_empty() {
            return "n/a".to_owned();
        }
        let shown: Vec<String> =
            medians.iter().map(|value| number(*value, self.decimals)).collect();
        shown.join(" / ")
    }
}

fn rows(options: &Options) -> Vec<Row> {
    let row = |label: String, decimals, cells: Cells| Row { label, decimals, cells };
    let Options { connections, rate, .. } = options;
    vec![
        row("new tasks accepted/s".into(), 0, |f| Some(vec![f.create.accepted_per_second])),
        row("  delivered/s, end to end".into(), 0, |f| Some(vec![f.create.delivered_per_second])),
        row("  accept ms p50 / p99 under that load".into(), 2, |f| {
            Some(percentiles(f.create.accept))
        }),
        row("  CPU ms of the server a delivery".into(), 3, |f| Some(vec![f.create_cost?.cpu_ms])),
        row("  KB written / thread switches a delivery".into(), 1, |f| Some(load(f.create_cost?))),
        row("  RSS MB after it / peak".into(), 0, |f| Some(vec![f.rss_mb?, f.peak_mb?])),
        row(format!("at {rate}/s: accept ms p50 / p99"), 2, |f| Some(percentiles(f.steady.accept))),
        row("  accepted → arrived ms p50 / p99".into(), 2, |f| {
            Some(percentiles(f.steady.arrival))
        }),
        row("  CPU ms of the server a delivery".into(), 3, |f| Some(vec![f.steady_cost?.cpu_ms])),
        row("  KB written / thread switches a delivery".into(), 1, |f| Some(load(f.steady_cost?))),
        row(format!("edits of {connections} tasks accepted/s"), 0, |f| {
            Some(vec![f.edit.accepted_per_second])
        }),
        row("  delivered/s, end to end, in order".into(), 0, |f| {
            Some(vec![f.edit.delivered_per_second])
        }),
    ]
}

fn load(cost: Cost) -> Vec<f64> {
    vec![cost.written_kb, cost.switches]
}

fn percentiles(found: Percentiles) -> Vec<f64> {
    vec![found.p50, found.p99]
}

/// What was checked, with the sums of all runs.
fn checked(name: &str, runs: &[Figures]) -> String {
    let phases = || runs.iter().flat_map(Figures::phases).map(|(_, phase)| phase);
    let accepted: u32 = phases().map(|phase| phase.accepted).sum();
    let lost: u32 = phases().map(|phase| phase.lost).sum();
    let repeated: u32 = phases().map(|phase| phase.repeated).sum();
    let refused: u32 = phases().map(|phase| phase.refused).sum();
    let edits: u32 = runs.iter().map(|figures| figures.edit.accepted).sum();
    let turned: u32 = runs.iter().map(|figures| figures.edit.turned).sum();
    format!(
        "{name}: {} accepted, {lost} lost, {repeated} repeated, {refused} refused; \
         of {} edits {turned} turned round within their task.",
        number(accepted.into(), 0),
        number(edits.into(), 0),
    )
}

fn noise(product: &[Figures]) -> String {
    let rates = product.iter().map(|figures| figures.create.delivered_per_second);
    let least = rates.clone().fold(f64::INFINITY, f64::min);
    let most = rates.fold(0.0, f64::max);
    match product.len() {
        0 | 1 => {
            "One run: other work on the machine and its disk move absolute figures by a fifth \
                  and more.\nRead the ratio, and compare with --runs 3, which shows medians."
                .to_owned()
        }
        runs => format!(
            "Medians of {runs} runs; delivered/s of btk was between {} and {}. \
             A difference within that is noise.",
            number(least, 0),
            number(most, 0),
        ),
    }
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

    fn options() -> Options {
        Options {
            seconds: 1,
            connections: 32,
            rate: 200,
            runs: 1,
            log: "info".to_owned(),
            role: None,
            target: String::new(),
            append_to: None,
        }
    }

    fn figures(per_second: f64, cpu_ms: Option<f64>) -> Figures {
        let phase = Phase {
            accepted: 1_000,
            accepted_per_second: per_second,
            delivered_per_second: per_second - 1.0,
            accept: Percentiles { p50: 0.5, p99: 1.25 },
            arrival: Percentiles { p50: 0.25, p99: 2.0 },
            lost: 0,
            repeated: 0,
            turned: 0,
            refused: 0,
        };
        Figures {
            edit: phase.clone(),
            steady: phase.clone(),
            create: phase,
            create_cost: cpu_ms.map(|cpu_ms| Cost { cpu_ms, written_kb: 3.0, switches: 2.0 }),
            steady_cost: None,
            rss_mb: None,
            peak_mb: None,
        }
    }

    #[test]
    fn the_table_shows_medians_and_ratios() {
        let product = [10_000.0, 12_000.0, 11_000.0].map(|rate| figures(rate, Some(0.08)));
        let relays = [22_000.0, 44_000.0].map(|rate| vec![figures(rate, None)]);
        let [durable, relay] = relays;
        let text = table(&options(), &[product.to_vec(), durable, relay]);
        let line = |label: &str| {
            let line = text.lines().find(|line| line.starts_with(label)).unwrap();
            line[label.len()..].split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line("new tasks accepted/s"), "11,000 22,000 44,000 50 % · 25 %");
        assert_eq!(
            line("  accept ms p50 / p99 under that load"),
            "0.50 / 1.25 0.50 / 1.25 0.50 / 1.25 100 % · 100 %"
        );
        assert_eq!(line("  CPU ms of the server a delivery"), "0.080 n/a n/a");
        assert_eq!(line("  KB written / thread switches a delivery"), "3.0 / 2.0 n/a n/a");
        assert_eq!(line("  RSS MB after it / peak"), "n/a n/a n/a");
        assert!(text.contains("btk: 9,000 accepted, 0 lost"), "{text}");
        assert!(text.contains("between 9,999 and 11,999"), "{text}");
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
