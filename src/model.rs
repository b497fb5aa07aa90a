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
mod names;
pub mod payload;
mod reason;
pub mod receiver;
mod status;
mod task;
mod text;
mod time;
mod webhook;
mod webhook_input;

pub use address::{encoded_url, is_same_url};
pub use body::Unknown;
pub(crate) use body::body;
pub use delivery::{Attempt, Delivery, DeliveryCounts, DeliveryStatus, Later, Outcome};
pub use event::{Event, Origin};
pub use fields::{Invalid, optional, quoted, shown_key, time as read_time};
pub use forms::{Label, OriginName, Tag, TaskEventKind, Text};
pub use input::{NewTask, TaskInput};
pub use kind::EventKind;
pub use names::Named;
pub(crate) use names::names;
pub use reason::Reason;
pub use status::{Priority, Status};
pub use task::{Attachment, Task, TaskId};
pub use text::{composed, folded};
pub use time::Time;
pub use webhook::{
    ALERTS_WEBHOOK, DEFAULT_WEBHOOK, Filter, OnReject, Payload, Profile, Unwanted, Webhook,
    masked_url,
};
pub use webhook_input::{MASKED, NewWebhook, WebhookChange, WebhookInput};
