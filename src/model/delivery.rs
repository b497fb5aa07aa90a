//! Delivery: one event for one webhook; Attempt: one HTTP request of it; Outcome: how that ended.
//!
//! Must not decide what happens next: that is `delivery::health`.

use serde::Serialize;
use utoipa::ToSchema;

use super::kind::EventKind;
use super::names::names;
use super::reason::Reason;
use super::time::Time;

names! {
    /// Where a delivery stands. A closed set.
    pub(crate) enum DeliveryStatus {
        /// Waits: for its turn, or for the next attempt.
        Pending = "pending",
        /// A request is under way.
        Sending = "sending",
        /// The receiver answered 2xx.
        Delivered = "delivered",
        /// Waits for the cause to end: the webhook is not up, or this one was refused.
        Held = "held",
        /// Given up; a person must act.
        Failed = "failed",
        /// Ended by a person, or by the deletion of its webhook.
        Cancelled = "cancelled",
    }
}

/// How many deliveries of an event, one for each webhook, stand where. Every key is always there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct DeliveryCounts {
    /// Wait for their turn or the next attempt.
    #[schema(example = 0)]
    pub(crate) pending: i64,
    /// Are under way.
    #[schema(example = 0)]
    pub(crate) sending: i64,
    /// Have arrived.
    #[schema(example = 8)]
    pub(crate) delivered: i64,
    /// Wait for the cause to end.
    #[schema(example = 0)]
    pub(crate) held: i64,
    /// Were given up.
    #[schema(example = 1)]
    pub(crate) failed: i64,
    /// Were ended.
    #[schema(example = 0)]
    pub(crate) cancelled: i64,
}

impl DeliveryCounts {
    /// Counts some that stand there.
    pub(crate) fn add(&mut self, status: DeliveryStatus, n: i64) {
        let place = match status {
            DeliveryStatus::Pending => &mut self.pending,
            DeliveryStatus::Sending => &mut self.sending,
            DeliveryStatus::Delivered => &mut self.delivered,
            DeliveryStatus::Held => &mut self.held,
            DeliveryStatus::Failed => &mut self.failed,
            DeliveryStatus::Cancelled => &mut self.cancelled,
        };
        *place += n;
    }
}

/// One event for one webhook, as the API shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery {
    /// `dlv_<order of the event>_<webhook>`; never changes.
    #[schema(example = "dlv_42_default")]
    pub(crate) id: String,
    /// The `webhook-id` that the receiver sees.
    #[schema(example = "evt_019b0c6f3c2d7a41b8f2c1d09e5a7f63")]
    pub(crate) event_id: String,
    /// `default` is the one from `WEBHOOK_URL`.
    #[schema(example = "default")]
    pub(crate) webhook_id: String,
    /// Whose change it tells of.
    #[schema(example = "task_1765216530445_che0wi9")]
    pub(crate) task_id: String,
    /// The title of the task as it was sent; only in a list, where it is asked for, and not of alerts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Send the offer")]
    pub(crate) task_title: Option<String>,
    /// What happened.
    pub(crate) event: EventKind,
    /// 1, 2, 3 … of its task.
    #[schema(example = 3)]
    pub(crate) version: i64,
    /// Where it stands.
    pub(crate) status: DeliveryStatus,
    /// Why, as a code; null once delivered. Pending: `due`, `waiting_turn`, `retry`,
    /// `receiver_busy`, `recovering`. Sending: `sending`. Held: `refused_alone`, `rejected`,
    /// `webhook_down`, `webhook_misconfigured`, `webhook_gone`, `webhook_paused`, `no_url`. Failed:
    /// `rejected`, `attempts_used`, `expired`. Cancelled: `by_person`, `webhook_deleted`.
    #[schema(required, value_type = Option<String>, example = "retry")]
    pub(crate) reason: Option<Reason>,
    /// Why, in words a person can act on.
    #[schema(
        required,
        example = "The last attempt failed; the next one goes out at the time shown."
    )]
    pub(crate) reason_text: Option<String>,
    /// The delivery of the same task that must end first.
    #[schema(required, example = "dlv_41_default")]
    pub(crate) blocked_by: Option<String>,
    /// Requests made so far, those with an unknown end included.
    #[schema(example = 1)]
    pub(crate) attempt_count: i64,
    /// When the next request goes out, where that is known.
    #[schema(required, value_type = Option<String>, format = DateTime, example = "2026-02-20T08:15:31.445Z")]
    pub(crate) next_attempt_at: Option<Time>,
    /// When its event was committed.
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:30.445Z")]
    pub(crate) created_at: Time,
    /// When it was delivered or given up.
    #[schema(required, value_type = Option<String>, format = DateTime, example = json!(null))]
    pub(crate) finished_at: Option<Time>,
}

/// One HTTP request of a delivery.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attempt {
    /// 1, 2, 3 … of its delivery.
    #[schema(example = 1)]
    pub(crate) number: i64,
    /// When the request began.
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:30.447Z")]
    pub(crate) started_at: Time,
    /// Milliseconds until the outcome was known; null if it never was.
    #[schema(required, example = 84)]
    pub(crate) ms: Option<i64>,
    /// The receiver's HTTP status, if it answered.
    #[schema(required, example = 503)]
    pub(crate) status: Option<i64>,
    /// What went wrong, in words; null if nothing did.
    #[schema(required, example = "The receiver answered 503 Service Unavailable.")]
    pub(crate) error: Option<String>,
    /// The beginning of the answer's body, at most 4 KiB, secrets masked.
    #[schema(required, example = "try later")]
    pub(crate) excerpt: Option<String>,
    /// What it came to.
    pub(crate) outcome: AttemptOutcome,
}

names! {
    /// What an attempt came to. `unknown`: the server ended while the request was under way, so it may have arrived. A
    /// closed set.
    pub(crate) enum AttemptOutcome {
        /// The receiver answered 2xx.
        Delivered = "delivered",
        /// It is made again by itself.
        Retry = "retry",
        /// The delivery waits for the cause to end.
        Held = "held",
        /// The delivery was given up.
        Failed = "failed",
        /// The server ended while the request was under way.
        Unknown = "unknown",
    }
}

/// What a receiver means by an answer that says something else by its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Later {
    /// Make: the queue of the webhook is full.
    QueueFull,
    /// n8n: it is starting, and has not taken the request.
    Starting,
    /// A 404 right after attempts for which the receiver was not ready: it is not back yet.
    NotBack,
}

/// How one attempt ended. A failed one is not an error of ours: it is news about the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Milliseconds from connecting to the last byte that was read.
    pub(crate) ms: i64,
    /// The receiver's HTTP status, if a whole answer head came.
    pub(crate) status: Option<u16>,
    /// What broke, in words, if the exchange did not end properly.
    pub(crate) broken: Option<String>,
    /// The beginning of the answer's body, at most 4 KiB.
    pub(crate) excerpt: String,
    /// The receiver means "later", whatever the status says.
    pub(crate) later: Option<Later>,
    /// Where a redirect leads, as it may be shown.
    pub(crate) location: Option<String>,
    /// The wait that the receiver asked for, in milliseconds, at most an hour.
    pub(crate) retry_after_ms: Option<i64>,
    /// The other side closed a connection that had served before, instead of answering.
    pub(crate) is_cut: bool,
    /// The address is one that the webhook may not reach; nothing was sent.
    pub(crate) blocked: bool,
    /// This machine could not even try (it is out of file handles, say); it does not count.
    pub(crate) is_local_fault: bool,
}

impl Outcome {
    /// No answer came, for the reason said.
    pub(crate) fn broken(why: impl Into<String>) -> Outcome {
        Outcome {
            ms: 0,
            status: None,
            broken: Some(why.into()),
            excerpt: String::new(),
            later: None,
            location: None,
            retry_after_ms: None,
            is_cut: false,
            blocked: false,
            is_local_fault: false,
        }
    }

    /// A whole answer with a 2xx status that means it: the only success.
    pub(crate) fn is_success(&self) -> bool {
        let is_2xx = self.status.is_some_and(|s| (200..300).contains(&s));
        self.broken.is_none() && self.later.is_none() && is_2xx
    }
}
