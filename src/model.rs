//! The nouns and their rules: Task, Event, Webhook, Delivery, Attempt, Outcome.
//!
//! Everything here is a value or a pure function. It must not know of SQL, HTTP, settings, clocks
//! or randomness: what time it is and which id comes next are passed in.

mod address;
mod body;
mod delivery;
mod event;
mod fields;
mod forms;
mod input;
mod kind;
pub(crate) mod limits;
mod names;
pub(crate) mod payload;
mod reason;
pub(crate) mod receiver;
mod status;
mod task;
mod text;
mod time;
mod webhook;
mod webhook_input;

pub(crate) use address::{encoded_url, is_same_url};
pub(crate) use body::body;
pub(crate) use body::{Declared, Unknown};
pub(crate) use delivery::{
    Attempt, AttemptOutcome, Delivery, DeliveryCounts, DeliveryStatus, Later, Outcome,
};
pub(crate) use event::{Event, Origin};
pub(crate) use fields::{Invalid, kind_of, optional, quoted, shown_key, time as read_time, whole};
pub(crate) use forms::{TaskEventKind, Text};
pub(crate) use input::{NewTask, TaskInput};
pub(crate) use kind::EventKind;
pub(crate) use names::Named;
pub(crate) use names::names;
pub(crate) use reason::Reason;
pub(crate) use status::{Priority, Status};
pub(crate) use task::{Task, TaskId};
pub(crate) use text::{alphabetical, composed, folded};
pub(crate) use time::{STEP_MS, Time};
pub(crate) use webhook::{
    ALERTS_WEBHOOK, DEFAULT_WEBHOOK, Filter, MAX_ATTEMPTS_MOST, OnReject, Payload, Profile,
    Webhook, masked_url,
};
pub(crate) use webhook_input::{MASKED, NewWebhook, WebhookChange, WebhookInput};
