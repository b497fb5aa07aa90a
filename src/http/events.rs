//! One event explained: for each webhook whether it matched, where its delivery stands, what is next.
//!
//! Must not decide anything: the words are `explain`'s, the rules the model's.

pub(crate) mod list;
pub(crate) mod samples;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::Answer;
use super::app::App;
use super::deliveries::DeliveryDetails;
use super::extract::{EventPath, NoParams};
use super::problem::Problem;
use super::takers::Client;
use crate::clock;
use crate::delivery::explain;
use crate::model::payload::{self, Alert};
use crate::model::{Event, EventKind, Task, Time};
use crate::store::{self, EventReport, WebhookState};

/// An event and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventView {
    /// The `webhook-id` that receivers see.
    #[schema(example = "evt_019b0c6f3c2d7a41b8f2c1d09e5a7f63")]
    pub(crate) id: String,
    /// What happened.
    pub(crate) event: EventKind,
    /// The same as Standard Webhooks writes it.
    #[schema(example = "task.created")]
    pub(crate) r#type: String,
    /// Whose change it is; of an alert, `webhook:` and the webhook that it tells of.
    #[schema(example = "task_1765216530445_che0wi9")]
    pub(crate) task_id: String,
    /// 1, 2, 3 … of its task; 0 of an alert.
    #[schema(example = 3)]
    pub(crate) version: i64,
    /// Where the change came from.
    #[schema(example = "api")]
    pub(crate) origin: String,
    /// When it was committed.
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:30.445Z")]
    pub(crate) timestamp: Time,
    /// The names of the fields that changed.
    #[schema(example = json!(["status"]))]
    pub(crate) changed: Vec<&'static str>,
    /// The task before the change; null for a creation.
    #[schema(required)]
    pub(crate) previous: Option<Task>,
    /// The task after the change; of an alert, its body.
    pub(crate) task: Subject,
    /// Each webhook, and what became of the event there.
    pub(crate) webhooks: Vec<WebhookStory>,
}

/// What an event tells of.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Subject {
    /// A task.
    Task(Box<Task>),
    /// Of an alert.
    #[schema(value_type = Alert)]
    Alert(Map<String, Value>),
}

/// What became of an event for one webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookStory {
    /// Which webhook; it may be gone by now.
    #[schema(example = "default")]
    pub(crate) webhook_id: String,
    /// Whether there is a delivery.
    pub(crate) matched: bool,
    /// Why there is none: the first property of the webhook that says no (`events`, `ignoreOrigin`,
    /// `filter.status` …), or `later`: it was made or changed after this event. Null if it matched.
    #[schema(required, example = json!(null))]
    pub(crate) rule: Option<String>,
    /// The same in words: where it stands, what blocks it, what happens next and when.
    #[schema(example = "It arrived with the first attempt.")]
    pub(crate) text: String,
    /// The delivery with its attempts.
    #[schema(required)]
    pub(crate) delivery: Option<DeliveryDetails>,
}

/// Explain an event
///
/// For each webhook: whether it wanted the event and which rule decided, where the delivery stands,
/// its attempts, what happens next and when, and what blocks it. What receivers answered is shown up to 1 MiB
/// in all; each delivery by itself has all of its own.
#[utoipa::path(get, path = "/api/events/{id}", tag = "Deliveries",
    params(EventPath),
    responses((status = 200, description = "The event and what became of it", body = EventView)))]
pub(crate) async fn get_event(
    State(app): State<App>,
    EventPath(id): EventPath,
    _: NoParams,
    client: Client,
) -> Result<Response, Problem> {
    let now = clock::now();
    let make = |mut answer: Answer| {
        let id = id.clone();
        app.store.read(move |tx| {
            let Some(story) = store::story(tx, &id, now)? else { return Ok((answer, false)) };
            let view = view(story).ok_or_else(|| store::damaged("an event", "task"))?;
            answer.value(&view);
            Ok((answer, true))
        })
    };
    let (answer, is_known) = app.room.one(make).await?;
    if is_known { Ok(answer.json(&client)) } else { Err(Problem::not_found("Event")) }
}

/// `None` if what is stored is damaged.
fn view(story: EventReport) -> Option<EventView> {
    let EventReport { event, deliveries, webhooks } = story;
    let task: Option<Task> = if event.kind.is_alert() {
        None
    } else {
        Some(serde_json::from_str(event.snapshot.get()).ok()?)
    };
    let mut told: Vec<WebhookStory> = deliveries
        .into_iter()
        .map(|(delivery, attempts)| WebhookStory {
            webhook_id: delivery.webhook_id.clone(),
            matched: true,
            rule: None,
            text: explain::where_it_stands(&delivery),
            delivery: Some(DeliveryDetails { delivery, attempts }),
        })
        .collect();
    for known in webhooks {
        if told.iter().all(|story| story.webhook_id != known.webhook.id) {
            told.push(without_delivery(&known, &event, task.as_ref()));
        }
    }
    told.sort_by(|a, b| a.webhook_id.cmp(&b.webhook_id));
    let diff = event.before.as_deref();
    let previous = payload::previous(event.snapshot.get(), diff);
    let subject = match task {
        Some(task) => Subject::Task(Box::new(task)),
        None => Subject::Alert(serde_json::from_str(event.snapshot.get()).ok()?),
    };
    Some(EventView {
        r#type: payload::dotted(event.kind),
        task_id: event.task_id.to_string(),
        version: event.version,
        origin: event.origin.as_str().to_owned(),
        timestamp: event.at,
        changed: payload::changed(diff),
        previous: previous.and_then(|text| serde_json::from_str(&text).ok()),
        task: subject,
        webhooks: told,
        event: event.kind,
        id: event.id,
    })
}

fn without_delivery(known: &WebhookState, event: &Event, task: Option<&Task>) -> WebhookStory {
    let webhook = &known.webhook;
    let wants = match task {
        Some(task) => webhook.wants(event.kind, &event.origin, task),
        None => webhook.wants_kind(event.kind, &event.origin),
    };
    let (rule, text) = match wants {
        Err(unwanted) => (unwanted.rule, unwanted.text),
        Ok(()) => ("later", explain::why_none(&webhook.id, known.created > event.at)),
    };
    WebhookStory {
        webhook_id: webhook.id.clone(),
        matched: false,
        rule: Some(rule.to_owned()),
        text,
        delivery: None,
    }
}
