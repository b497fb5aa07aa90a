//! Tests of several parts of the store at once, on a database in memory and with a clock turned by hand.

mod batch;
mod bulk;
mod closing;
mod explored;
mod line;
mod list;
mod recovery;
mod refusal;
mod simulation;
pub(crate) mod small_world;
mod upkeep;
mod waiting;
