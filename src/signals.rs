//! The signals that ask a program to end. Must not know what is ended.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for Ctrl-C or SIGTERM.
///
/// # Errors
/// The system does not let us listen for them.
pub async fn asked_to_stop() -> anyhow::Result<()> {
    let mut term = signal(SignalKind::terminate()).context("SIGTERM cannot be listened for")?;
    tokio::select! {
        _ = term.recv() => Ok(()),
        pressed = tokio::signal::ctrl_c() => pressed.context("Ctrl-C cannot be listened for"),
    }
}
