//! Store: everything that must survive, behind calls that read or write.
//!
//! A call is a closure over a `Tx`; all SQL stands in the modules below, a file for each noun. Must
//! not know of HTTP, settings or the wall clock: times and ids come in with the call.
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

pub(crate) use clock_step::{ClockStep, follow_clock};
pub(crate) use deliveries::backlog::{backlog, waiting};
pub(crate) use deliveries::bulk::{
    Action, Job, begin_job, end_job, find_job, held, list_jobs, running_jobs,
};
pub(crate) use deliveries::bulk_steps::{bounds_of_job, count_for_job, job_step, look_for_job};
pub(crate) use deliveries::claims::{Claim, Now};
pub(crate) use deliveries::edits::{Edit, cancel, redeliver};
pub(crate) use deliveries::expiry::{AgedBy, expire_step, look_for_expired, webhooks_that_age};
pub(crate) use deliveries::handover::{Handover, StoredClock, send_due};
pub(crate) use deliveries::list::{
    DeliveryFilter, count_deliveries, latest_deliveries, list_deliveries,
};
pub(crate) use deliveries::outcomes::{AttemptRecord, Recorded, record, requeue_interrupted};
pub(crate) use deliveries::request::{SentRequest, sent};
pub(crate) use deliveries::retention::{Cutoffs, delete_old, look_for_old};
pub(crate) use deliveries::totals::waiting_in_all;
pub(crate) use deliveries::{attempts, delivery_id, find_delivery, is_delivery_id, name_tasks};
pub(crate) use engine::columns::damaged;
pub(crate) use engine::error::{Error, Result};
pub(crate) use engine::free_pages::{give_back, pages};
pub(crate) use engine::handle::Store;
pub(crate) use engine::open::sqlite_version;
pub(crate) use engine::tx::{PAGE_BYTES, Tx};
pub(crate) use events::{
    EventFilter, EventReport, count_events, event_seq, list_events, newest_by, story,
};
pub(crate) use figures::{add_figures, figures_since, forget_figures};
pub(crate) use sessions::{end_sessions, ended_sessions, session_key};
pub(crate) use tasks::change::{
    Change, RACE_MS, Written, create, delete, deleted_at, last_version, update, was_deleted,
};
pub(crate) use tasks::earlier::{MissedChanges, earlier};
pub(crate) use tasks::idempotency::{Key, Repeat, forget_before, keep_answer, look_up};
pub(crate) use tasks::list::{
    Cursor, CursorKey, LabelOf, Sort, SortKey, TaskFilter, labels_in_use, list_count, list_page,
};
pub(crate) use tasks::picture::{Picture, picture_size, take_picture};
pub(crate) use tasks::search_index::{index_backlog, index_step};
pub(crate) use tasks::{Stored, get};
#[cfg(test)]
pub(crate) use webhooks::Presence;
pub(crate) use webhooks::WebhookState;
pub(crate) use webhooks::alerts::{is_behind, tell_of_backlog};
pub(crate) use webhooks::conditions::look_again;
pub(crate) use webhooks::edits::{
    CreateResult, WEBHOOKS_MOST, change_webhook, delete_webhook, find_same, make_webhook,
    put_from_settings, rotate_secret, set_paused,
};
pub(crate) use webhooks::figures::{OfWebhook, figures_of_webhooks};
pub(crate) use webhooks::recoveries::{
    RecoverState, Recovery, RecoveryQuery, RecoveryStart, begin_recovery, end_recovery,
    events_between, find_recovery, list_recoveries,
};
pub(crate) use webhooks::recovery_steps::{look_for_again, recover_step};
pub(crate) use webhooks::removals::{Removal, deleted_webhooks, remove_step};
pub(crate) use webhooks::{find_webhook, list_webhooks};
