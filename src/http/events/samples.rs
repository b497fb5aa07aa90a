//! Sample events: what a webhook gets, byte for byte, for who has to know its fields before one comes.
//!
//! Must not read or write anything: no task has the ids that stand here.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::clock;
use crate::http::app::App;
use crate::http::extract::Params;
use crate::http::problem::Problem;
use crate::http::query::{Query, parameters};
use crate::model::payload::{self, ClassicEvent, EventParts, TaskEvent};
use crate::model::{Event, EventKind, Named, Origin, Payload, TaskEventKind, Time};

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
pub(crate) enum Sample<'e> {
    /// `full`
    Full(Box<TaskEvent<'e>>),
    /// `classic`
    Classic(Box<ClassicEvent<'e>>),
}

impl Sample<'_> {
    fn of(event: &Event, shape: Payload) -> Sample<'_> {
        let event = EventParts::from(event);
        match shape {
            Payload::Full => Sample::Full(Box::new(TaskEvent::from(&event))),
            Payload::Classic => Sample::Classic(Box::new(ClassicEvent::from(&event))),
        }
    }
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
    let events: Vec<Event> = kinds.map(|kind| event(kind, app.ids.event(now), now)).collect();
    let shape = shape.unwrap_or(Payload::Full);
    let samples: Vec<_> = events.iter().map(|event| Sample::of(event, shape)).collect();
    Json(samples).into_response()
}

/// The samples of `full` as the document shows them, all of one moment. What stands in the integrations is made of these.
fn examples() -> Vec<Value> {
    let now = Time(1_771_575_330_445);
    let kinds = EventKind::OF_TASKS.into_iter().zip(1..);
    let samples = kinds.map(|(kind, number)| {
        let id = format!("evt_019b0c6f3c2d7a41b8f2c1d09e5a7f6{number}");
        payload::full(&EventParts::from(&event(kind, id, now)))
    });
    samples.map(|text| serde_json::from_str(&text).unwrap_or_default()).collect()
}
