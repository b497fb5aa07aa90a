//! What the driver of the bench is told to do, and what it says when it has: the loads, and the plan of them.
//!
//! Must not know how it does it.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How the requests follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Load {
    /// Each connection makes a task and changes it over and over, as fast as it is answered.
    Edit,
    /// New tasks at a steady rate, however fast they are answered.
    Steady,
    /// Each connection makes new tasks, as fast as it is answered.
    Create,
    /// Each connection makes a task and deletes it, over and over, as fast as it is answered.
    Delete,
}

/// A load of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) load: Load,
    pub(super) connections: u32,
    /// Requests a second of [`Load::Steady`].
    pub(super) rate: u32,
    pub(super) seconds: u32,
    /// To so many webhooks goes each event.
    pub(super) webhooks: u32,
}

impl Step {
    /// As the table calls it.
    pub(super) fn name(&self) -> String {
        let Step { load, connections, rate, webhooks, .. } = self;
        let to = if *webhooks == 1 { String::new() } else { format!(" to {webhooks} webhooks") };
        match load {
            Load::Edit => format!("edits of {connections} tasks"),
            Load::Steady => format!("{rate} new tasks/s{to}"),
            Load::Create => format!("new tasks, {connections} at a time"),
            Load::Delete => format!("made and deleted, {connections} at a time"),
        }
    }
}

/// One load to be performed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) step: Step,
    pub(super) address: SocketAddr,
    /// The first index. Connection `c` uses `first + c`, and on in steps of `connections`.
    pub(super) first: u32,
    /// The file for the notes: what was accepted, in no order.
    pub(super) notes: PathBuf,
}

impl Order {
    /// The file for all that has arrived by its end.
    pub(super) fn arrivals(&self) -> PathBuf {
        self.notes.with_extension("arrivals")
    }
}

/// What the driver did.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Done {
    /// When the first request left, in nanoseconds of the wall clock.
    pub(super) began: u64,
    /// Requests that were answered 2xx.
    pub(super) accepted: u32,
    /// Requests that were answered otherwise.
    pub(super) refused: u32,
    /// The first of those answers.
    pub(super) refusal: Option<String>,
    /// What broke a connection, if something did.
    pub(super) fault: Option<String>,
    /// An index above all that were used.
    pub(super) next: u32,
}

impl Done {
    pub(super) fn refusal_in_words(&self) -> String {
        let first = self.refusal.as_deref().unwrap_or("no answer was kept");
        format!("{} requests were refused, the first with: {first}", self.refused)
    }
}
