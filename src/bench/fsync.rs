//! The floor of every durable write: one thread that appends to a file and has the disk take it, over and over.
//!
//! Must not know what else is measured.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::figures::{Percentiles, percentiles};

/// About what an event, its task and its delivery are together.
const BYTES: [u8; 1_024] = [b'x'; 1_024];

/// How the disk does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Synced {
    pub(super) per_second: f64,
    pub(super) ms: Percentiles,
}

/// Appends to a file in `folder` for so long.
pub(super) fn measure(folder: &Path, time: Duration) -> anyhow::Result<Synced> {
    let path = folder.join("appended");
    let mut file =
        File::create(&path).with_context(|| format!("cannot make {}", path.display()))?;
    let (began, mut nanos) = (Instant::now(), Vec::new());
    while began.elapsed() < time {
        let before = Instant::now();
        file.write_all(&BYTES).and_then(|()| file.sync_data()).context("cannot append")?;
        nanos.push(u64::try_from(before.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    let count = u32::try_from(nanos.len()).unwrap_or(u32::MAX);
    std::fs::remove_file(&path)?;
    Ok(Synced {
        per_second: f64::from(count) / began.elapsed().as_secs_f64(),
        ms: percentiles(nanos),
    })
}
