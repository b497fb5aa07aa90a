//! Sample events: what a webhook gets, byte for byte, for who has to know its fields before one comes.
//!
//! Must not read or write anything: no task has the ids that stand here.

use axum::extract::State;
use axum::response::Response;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::list::TaskEvent;
use crate::clock;
use crate::http::answer::written_json;
use crate::http::app::App;
use crate::http::extract::Params;
use crate::http::problem::Problem;
use crate::http::query::{Query, parameters};
use crate::model::payload::{self, Full};
use crate::model::{Event, EventKind, Named, Origin, Payload, Task, TaskEventKind, Time};

/// An event of this kind with every field of its task filled. Its origin is `test`.
pub(crate) fn event(kind: EventKind, id: String, now: Time) -> Event {
    let (task, before) = payload::sample(kind, now);
    Event {
        id,
        kind,
        origin: Origin::test(),
        version: if before.is_some() { 2 } else { 1 },
        at: now,
        snapshot: Event::snapshot(&task),
        task_id: task.id,
        before,
    }
}

/// A sample as one of the two payloads tells it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only described here; the payloads write it")]
enum Sample {
    /// `full`
    Full(Box<TaskEvent>),
    /// `classic`
    Classic(Box<ClassicEvent>),
}

/// An event of a task, as the payload `classic` tells it.
#[derive(Serialize, ToSchema)]
struct ClassicEvent {
    /// What happened.
    event: EventKind,
    /// The task after the change; of a deletion, as it was last.
    task: Task,
}

parameters! {
    /// Which samples.
    pub(crate) struct SampleParameters {
        /// Only of this kind
        #[param(value_type = Option<TaskEventKind>)]
        "event" kind: Option<EventKind> = kind,
        /// As webhooks with this payload get it; `full` if absent
        "payload" payload: Option<Payload> = Query::choice,
    }
}

fn kind(query: &Query, name: &str) -> Result<Option<EventKind>, Problem> {
    query.one_of(name, &EventKind::OF_TASKS.map(|kind| (kind.as_str(), kind)))
}

/// List sample events
///
/// One of each kind, exactly as a webhook gets it, with every field filled: for tools that learn the
/// fields of an event before the first one comes. Nothing of it is stored, nothing is sent.
#[utoipa::path(get, path = "/api/events/samples", tag = "Deliveries",
    params(SampleParameters),
    responses((status = 200, description = "The samples", body = Vec<Sample>, example = json!(examples()))))]
pub(crate) async fn list_samples(
    State(app): State<App>,
    Params(SampleParameters { kind: asked, payload: shape }, _): Params<SampleParameters>,
) -> Response {
    let now = clock::now();
    let kinds = EventKind::OF_TASKS.into_iter().filter(|kind| asked.is_none_or(|one| one == *kind));
    let bodies: Vec<String> = kinds
        .map(|kind| {
            let event = event(kind, app.ids.event(now), now);
            match shape.unwrap_or(Payload::Full) {
                Payload::Full => payload::full(&Full::from(&event)),
                Payload::Classic => payload::classic(kind, &event.snapshot),
            }
        })
        .collect();
    written_json(format!("[{}]", bodies.join(",")))
}

/// The samples of `full` as the document shows them, all of one moment. What stands in the integrations is made of these.
fn examples() -> Vec<Value> {
    let now = Time(1_771_575_330_445);
    let kinds = EventKind::OF_TASKS.into_iter().zip(1..);
    let bodies = kinds.map(|(kind, number)| {
        let id = format!("evt_019b0c6f3c2d7a41b8f2c1d09e5a7f6{number}");
        payload::full(&Full::from(&event(kind, id, now)))
    });
    bodies.map(|body| serde_json::from_str(&body).unwrap_or_default()).collect()
}
