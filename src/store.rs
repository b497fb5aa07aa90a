//! Store: everything that must survive, behind two calls, `read` and `write`.
//!
//! A job is a closure over a `Tx`; all SQL stands in the modules below, a file for each noun. Must
//! not know of HTTP, settings or what time it is: times and ids come in with the job.
#![doc = include_str!("../docs/internals/store.md")]

mod clock_step;
mod deliveries;
mod engine;
mod events;
mod figures;
mod sessions;
mod tasks;
#[cfg(test)]
mod tests;
mod webhooks;

pub use clock_step::{ClockStep, follow_clock};
pub use deliveries::backlog::{Backlog, backlog, waiting, waiting_in_all};
pub use deliveries::bulk::{
    Action, Job, JobState, begin_job, end_job, find_job, held, list_jobs, running_jobs,
};
pub use deliveries::bulk_steps::{Found, bounds_of_job, count_for_job, job_step, look_for_job};
pub use deliveries::claims::{Claim, Claims, claim_due};
pub use deliveries::edits::{Edit, cancel, redeliver};
pub use deliveries::expiry::{
    Aged, AgedBy, Place, expire_step, look_for_expired, webhooks_that_age,
};
pub use deliveries::list::{DeliveryFilter, count_deliveries, latest_deliveries, list_deliveries};
pub use deliveries::outcomes::{Record, Recorded, record, restart};
pub use deliveries::request::{Sent, sent};
pub use deliveries::retention::{Cutoffs, Stretch, delete_old, look_for_old};
pub use deliveries::{attempts, delivery_id, find_delivery, is_delivery_id, name_tasks};
pub use engine::columns::{Row, Value};
pub use engine::error::{Error, Result};
pub use engine::free_pages::{Pages, give_back, pages};
pub use engine::handle::Store;
pub use engine::open::sqlite_version;
pub use engine::opening::Opening;
pub use engine::tx::Tx;
pub use events::{
    EventFilter, EventPage, Story, count_events, event_seq, list_events, newest_by, story,
};
pub use figures::{Line, add_figures, figures_since, forget_figures};
pub use sessions::{end_sessions, ended_sessions, session_key};
pub use tasks::change::{Change, Written, create, delete, last_version, update, was_deleted};
pub use tasks::earlier::{Earlier, earlier};
pub use tasks::idempotency::{Key, Repeat, forget_before, look_up, remember};
pub use tasks::list::{
    Cursor, CursorKey, LabelOf, Sort, SortKey, TaskFilter, labels_in_use, list_count, list_page,
};
pub use tasks::picture::{Picture, picture_size, take_picture};
pub use tasks::{Stored, get};
pub use webhooks::alerts::{is_behind, tell_of_backlog};
pub use webhooks::conditions::look_again;
pub use webhooks::edits::{
    Made, WEBHOOKS_MOST, change_webhook, delete_webhook, find_same, make_webhook, pause_webhook,
    put_from_settings, rotate_secret,
};
pub use webhooks::figures::{OfWebhook, figures_of_webhooks};
pub use webhooks::recoveries::{
    Again, Begun, Recovery, Wanted, begin_recovery, end_recovery, events_between, find_recovery,
    list_recoveries,
};
pub use webhooks::recovery_steps::{Due, look_for_again, recover_step};
pub use webhooks::removals::{Removal, deleted_webhooks, remove_step};
pub use webhooks::{Known, Presence};
pub use webhooks::{find_webhook, list_webhooks};
