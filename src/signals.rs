//! The signals that ask a program to end, and the one that must not end it. Must not know what is ended.

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for Ctrl-C, SIGTERM, SIGHUP (a terminal that is closed) or SIGQUIT.
///
/// # Errors
/// The system does not let us listen for them.
pub(crate) async fn asked_to_stop() -> anyhow::Result<()> {
    let mut term = signal(SignalKind::terminate()).context("SIGTERM cannot be listened for")?;
    let mut hangup =
        unless_ignored(SignalKind::hangup()).context("SIGHUP cannot be listened for")?;
    let mut quit = unless_ignored(SignalKind::quit()).context("SIGQUIT cannot be listened for")?;
    tokio::select! {
        _ = term.recv() => Ok(()),
        () = next(hangup.as_mut()) => Ok(()),
        () = next(quit.as_mut()) => Ok(()),
        pressed = tokio::signal::ctrl_c() => pressed.context("Ctrl-C cannot be listened for"),
    }
}

/// A file that may not grow further (`ulimit -f`) is then an error of the write, as a full disk is;
/// without this the system ends the process.
///
/// # Errors
/// The system does not let us listen for it.
pub(crate) fn outlive_limits_on_files() -> anyhow::Result<()> {
    let number = rustix::process::Signal::XFSZ.as_raw();
    // Listened for once is listened for until the end; nobody has to wait for it.
    signal(SignalKind::from_raw(number)).map(drop).context("SIGXFSZ cannot be listened for")
}

/// `nohup` and shells have a program ignore a signal by starting it so; to listen for it would undo
/// their wish.
fn unless_ignored(kind: SignalKind) -> std::io::Result<Option<Signal>> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if is_ignored(&status, kind.as_raw_value()) { Ok(None) } else { signal(kind).map(Some) }
}

/// Whether the system's account of a process says that it ignores a signal.
fn is_ignored(status: &str, number: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}

async fn next(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_stands_in_the_mask() {
        let status = "Name:\tbtk\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\n";
        assert!(is_ignored(status, 1) && is_ignored(status, 13));
        assert!(!is_ignored(status, 2) && !is_ignored(status, 3) && !is_ignored("", 1));
    }
}
