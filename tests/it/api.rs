//! Tasks, events and lists over HTTP (`docs/api.md`).

mod changes;
mod events;
mod filters_with_several_values;
mod list;
mod lists_taken_slowly;
mod lists_while_others_write;
mod long_lists;
mod meta;
mod model;
mod paging;
mod repeats;
mod routes;
mod searches_hung_up;
pub(crate) mod tasks;
mod times_as_tools_write_them;
mod values;
