//! Tasks, events and lists over HTTP (`docs/api.md`).

mod changes;
mod events;
pub(crate) mod list;
mod long_lists;
mod meta;
mod model;
mod paging;
mod repeats;
mod routes;
pub(crate) mod tasks;
mod values;
