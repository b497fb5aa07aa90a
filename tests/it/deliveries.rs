//! Deliveries and recovery (`docs/deliveries.md`).

mod answers;
mod backlog;
mod bulkheads;
mod clock_jumps;
mod connection_cut;
mod ends;
mod explain;
mod held_for_ever;
mod hostile;
mod lanes;
mod listed;
mod many_at_once;
mod n8n_starting;
mod recovery;
mod refuses_everything;
mod requests;
mod retention;
mod retries;
mod states;
