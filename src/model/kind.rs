//! Kinds of events: what happens to a task, and what the engine tells of itself.
//!
//! Must not know what an event holds.

use super::names::names;

names! {
    /// What happened to the task.
    pub(crate) enum EventKind {
        /// It was made.
        Created = "task_created",
        /// Something other than its status changed.
        Updated = "task_updated",
        /// Its status changed, perhaps with other fields.
        StatusChanged = "task_status_changed",
        /// It was deleted; the event carries its last state.
        Deleted = "task_deleted",
        /// Not of a task: a webhook went down. Like those below, only the `alerts` webhook gets it.
        WebhookDown = "webhook_down",
        /// A webhook refuses everything it is sent.
        WebhookRefusing = "webhook_refusing",
        /// A webhook works again.
        WebhookUp = "webhook_up",
        /// A delivery failed for good.
        DeliveryFailed = "delivery_failed",
        /// Many deliveries of a webhook wait.
        BacklogHigh = "backlog_high",
    }
}

impl EventKind {
    /// Those of a task, which webhooks may ask for.
    pub(crate) const OF_TASKS: [EventKind; 4] =
        [EventKind::Created, EventKind::Updated, EventKind::StatusChanged, EventKind::Deleted];
    /// Those of the engine itself, for the `alerts` webhook alone.
    pub(crate) const ALERTS: [EventKind; 5] = [
        EventKind::WebhookDown,
        EventKind::WebhookRefusing,
        EventKind::WebhookUp,
        EventKind::DeliveryFailed,
        EventKind::BacklogHigh,
    ];

    /// Whether it is of the engine itself, not of a task.
    pub(crate) fn is_alert(self) -> bool {
        EventKind::ALERTS.contains(&self)
    }
}
