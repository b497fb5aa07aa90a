//! Deliveries and recovery (`docs/deliveries.md`).

mod answers;
mod backlog;
mod bulkheads;
mod ends;
mod explain;
mod hostile;
mod lanes;
mod listed;
mod make;
mod recovery;
mod requests;
mod retention;
mod retries;
mod states;
