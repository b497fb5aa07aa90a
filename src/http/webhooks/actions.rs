//! What can be done with a webhook beside changing it: pause, resume, try out, a new secret.
//!
//! Must not send anything by itself: the test goes through a function that is passed in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::view::{WebhookView, WebhookWithSecret};
use super::{fresh_secret, not_found, read_only, view};
use crate::clock;
use crate::delivery::explain;
use crate::http::app::App;
use crate::http::errors::{Kind, ReadOnly, TooManyTests};
use crate::http::events::samples;
use crate::http::extract::{Body, NoParams, WebhookPath};
use crate::http::problem::Problem;
use crate::model::{
    ALERTS_WEBHOOK, Event, EventKind, Invalid, Named, Origin, TaskEventKind, Time, Webhook, body,
    optional, payload, quoted,
};
use crate::store;

/// Pause a webhook
///
/// Nothing is sent to it; what comes waits, however long.
#[utoipa::path(post, path = "/api/webhooks/{id}/pause", tag = "Webhooks",
    params(WebhookPath),
    responses((status = 200, description = "It is paused", body = WebhookView)))]
pub(crate) async fn pause_webhook(
    State(app): State<App>,
    WebhookPath(id): WebhookPath,
    _: NoParams,
) -> Result<Json<WebhookView>, Problem> {
    set_paused(&app, id, true).await
}

/// Resume a webhook
///
/// What waits goes out in order, and what it holds for its own sake is sent again. If it was not up,
/// a single request looks at once whether it is back.
#[utoipa::path(post, path = "/api/webhooks/{id}/resume", tag = "Webhooks",
    params(WebhookPath),
    responses((status = 200, description = "It goes on", body = WebhookView)))]
pub(crate) async fn resume_webhook(
    State(app): State<App>,
    WebhookPath(id): WebhookPath,
    _: NoParams,
) -> Result<Json<WebhookView>, Problem> {
    set_paused(&app, id, false).await
}

async fn set_paused(app: &App, id: String, is_paused: bool) -> Result<Json<WebhookView>, Problem> {
    let now = clock::now();
    let done = app
        .store
        .write(move |tx| {
            let Some(before) = store::find_webhook(tx, &id)? else { return Ok(None) };
            store::set_paused(tx, &before, is_paused, now)?;
            store::find_webhook(tx, &id)
        })
        .await?;
    view(app, done.ok_or_else(not_found)?).await.map(Json)
}

/// Give a webhook a new secret
///
/// The answer shows it, this once. For 24 hours requests are signed with the old one too.
#[utoipa::path(post, path = "/api/webhooks/{id}/rotate-secret", tag = "Webhooks",
    params(WebhookPath),
    responses((status = 200, description = "The webhook with its new secret", body = WebhookWithSecret), ReadOnly))]
pub(crate) async fn rotate_secret(
    State(app): State<App>,
    WebhookPath(id): WebhookPath,
    _: NoParams,
) -> Result<Json<WebhookWithSecret>, Problem> {
    let secret = fresh_secret()?;
    let (now, new) = (clock::now(), secret.clone());
    let known = app
        .store
        .write(move |tx| {
            let before = store::find_webhook(tx, &id)?;
            if before.as_ref().is_some_and(|known| !known.webhook.is_from_settings()) {
                store::rotate_secret(tx, &id, &new, now)?;
            }
            Ok(before)
        })
        .await?
        .ok_or_else(not_found)?;
    if known.webhook.is_from_settings() {
        return Err(read_only(&known.webhook));
    }
    Ok(Json(WebhookWithSecret::of(view(&app, known).await?, &secret)))
}

body! {
    /// Which sample is sent.
    pub(crate) struct TestInput(_unknown): "a field of a test; the only one is" {
        /// `task_created` if it is left out; of the webhook `alerts`, `webhook_down`.
        #[schema(value_type = Option<TaskEventKind>, example = "task_created")]
        "event" event: Option<String> = optional(event),
    }
}

fn event(field: &str, value: &Value) -> Result<String, Invalid> {
    let wrong = || Invalid::new(field, format!("must be a string, not {}", quoted(value)));
    value.as_str().map(str::to_owned).ok_or_else(wrong)
}

/// What a test brought.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TestResult {
    /// Which webhook.
    #[schema(example = "wh_7x2m9qk")]
    pub(crate) webhook_id: String,
    /// Which kind of event the sample was.
    pub(crate) event: EventKind,
    /// The `webhook-id` that the receiver saw; there is no such event.
    #[schema(example = "evt_019b0c6f3c2d7a41b8f2c1d09e5a7f63")]
    pub(crate) id: String,
    /// The receiver's HTTP status, if it answered.
    #[schema(required, example = 200)]
    pub(crate) status: Option<u16>,
    /// From connecting to the last byte that was read.
    #[schema(example = 84)]
    pub(crate) ms: i64,
    /// What went wrong, in words; null if nothing did.
    #[schema(required, example = json!(null))]
    pub(crate) error: Option<String>,
    /// The beginning of the answer's body, at most 4 KiB, secrets masked.
    #[schema(required, example = "Accepted")]
    pub(crate) excerpt: Option<String>,
    /// What the answer means and what would become of a change.
    #[schema(example = "The receiver took the sample (200 OK); changes will arrive like it.")]
    pub(crate) reason_text: String,
}

/// Try a webhook out
///
/// Sends a sample with every field filled, at once and beside all that waits, and answers with what
/// came back. It is no change: nothing is stored, and the webhook's health stays as it is.
#[utoipa::path(post, path = "/api/webhooks/{id}/test", tag = "Webhooks",
    request_body(content = Option<TestInput>, example = json!({"event": "task_created"})),
    params(WebhookPath),
    responses((status = 200, description = "What came back", body = TestResult), TooManyTests))]
pub(crate) async fn test_webhook(
    State(app): State<App>,
    WebhookPath(id): WebhookPath,
    _: NoParams,
    input: Option<Body<TestInput>>,
) -> Result<Json<TestResult>, Problem> {
    let found = app.store.read(move |tx| store::find_webhook(tx, &id)).await?;
    let webhook = found.ok_or_else(not_found)?.webhook;
    let kind = kind(&webhook, input.and_then(|Body(input)| input.event))?;
    let Ok(_place) = app.tests.try_acquire() else {
        return Err(TooManyTests::problem());
    };
    let now = clock::now();
    let event = sample(kind, app.ids.event(now), now);
    let event_id = event.id.clone();
    let outcome = (app.try_out)(Arc::clone(&webhook), event).await;
    Ok(Json(TestResult {
        webhook_id: webhook.id.clone(),
        event: kind,
        id: event_id,
        status: outcome.status,
        ms: outcome.ms,
        error: explain::what_went_wrong(&webhook, &outcome),
        reason_text: explain::of_test(&webhook, &outcome),
        excerpt: Some(outcome.excerpt).filter(|text| !text.is_empty()),
    }))
}

/// The kind of the sample: one that webhooks of its sort get.
fn kind(webhook: &Webhook, asked: Option<String>) -> Result<EventKind, Problem> {
    let is_alerts = webhook.id == ALERTS_WEBHOOK;
    let known: &[EventKind] = if is_alerts { &EventKind::ALERTS } else { &EventKind::OF_TASKS };
    let Some(name) = asked else { return Ok(known[0]) };
    known.iter().copied().find(|kind| kind.as_str() == name).ok_or_else(|| {
        let shown = quoted(&name.into());
        let names = known.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
        Invalid::new("event", format!("{shown} is not allowed; use one of {names}")).into()
    })
}

fn sample(kind: EventKind, id: String, now: Time) -> Event {
    if kind.is_alert() {
        let text = "This is a test of ALERT_URL: nothing is wrong.";
        return Event {
            id,
            kind,
            origin: Origin::engine(),
            task_id: payload::sample(EventKind::Created, now).0.id,
            version: 0,
            at: now,
            snapshot: payload::alert(kind, ALERTS_WEBHOOK, text, now),
            before: None,
        };
    }
    samples::event(kind, id, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::extract::FromObject as _;
    use serde_json::json;

    fn webhook(id: &str) -> Webhook {
        Webhook::new(id, "https://e.org")
    }

    #[test]
    fn a_test_names_a_kind_that_the_webhook_gets() {
        let named = |body: Value| {
            TestInput::from_object(body.as_object().unwrap()).map(|input| input.event)
        };
        for empty in [json!({}), json!({"event": null}), json!({"event": ""})] {
            assert_eq!(named(empty).unwrap(), None);
        }
        assert_eq!(named(json!({"evnt": "x"})).unwrap_err().field.as_deref(), Some("evnt"));
        assert!(named(json!({"event": 5})).unwrap_err().message.contains("string"));
        assert_eq!(kind(&webhook("wh_1"), None).unwrap(), EventKind::Created);
        let deleted = kind(&webhook("wh_1"), Some("task_deleted".to_owned()));
        assert_eq!(deleted.unwrap(), EventKind::Deleted);
        let wrong = kind(&webhook("wh_1"), Some("webhook_down".to_owned())).unwrap_err();
        assert!(wrong.message.contains("task_created, task_updated"), "{}", wrong.message);
        assert_eq!(kind(&webhook(ALERTS_WEBHOOK), None).unwrap(), EventKind::WebhookDown);
    }

    #[test]
    fn samples_are_whole() {
        let now = Time(1_765_216_530_445);
        let updated = sample(EventKind::Updated, "evt_1".to_owned(), now);
        assert_eq!((updated.version, updated.origin.as_str()), (2, "test"));
        assert!(updated.before.is_some() && updated.snapshot.get().contains("sample"));
        let alert = sample(EventKind::WebhookDown, "evt_1".to_owned(), now);
        assert!(
            alert.snapshot.get().starts_with("{\"text\":\"This is a test"),
            "{}",
            alert.snapshot
        );
    }
}
