//! The engine: the file of the database, the threads that work on it, and what a call sees of it.
//!
//! Must not know which tables there are.

pub(crate) mod batch;
pub(crate) mod calls;
pub(crate) mod checkpoints;
pub(crate) mod columns;
pub(crate) mod contents;
pub(crate) mod damage;
pub(crate) mod database_file;
pub(crate) mod error;
pub(crate) mod files;
pub(crate) mod free_pages;
pub(crate) mod handle;
pub(crate) mod left_log;
pub(crate) mod line;
pub(crate) mod locked;
pub(crate) mod made;
pub(crate) mod migrate;
pub(crate) mod open;
pub(crate) mod opening;
pub(crate) mod readers;
pub(crate) mod sqlite;
pub(crate) mod state;
pub(crate) mod sums;
pub(crate) mod tx;

/// The locks of what a test explores, which puts others in their place (`store/tests/explored.rs`).
mod sync {
    pub(super) use std::sync::{Condvar, Mutex, MutexGuard};
}
