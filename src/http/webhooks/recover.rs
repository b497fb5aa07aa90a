//! Recover: a webhook is sent again what it missed, as a job that goes on after a crash.
//!
//! Must not do the job: it is a row in the database, which upkeep works off.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::clock;
use crate::http::app::App;
use crate::http::errors::{Kind, RecoveryRunning};
use crate::http::extract::{Body, NoParams, WebhookPath};
use crate::http::problem::Problem;
use crate::model::{Invalid, Named, Time, body, quoted, read_time};
use crate::store::{self, RecoverState, Recovery, RecoveryQuery, RecoveryStart};

body! {
    /// What may stand in a recovery.
    #[derive(Debug)]
    pub(crate) struct RecoverInput(_unknown): "a field of a recovery; the fields are" {
        /// Events committed then or later: RFC 3339, or a plain date.
        #[schema(required, value_type = String, format = "moment", example = "2026-03-01T09:00:00Z")]
        "since" since: Option<Time> = read_time,
        /// Events committed then or earlier; now, if it is left out.
        #[schema(value_type = Option<String>, nullable = false, format = "moment", example = "2026-03-02T09:00:00Z")]
        "until" until: Option<Time> = read_time,
        /// Where their deliveries stand: `failed`, `held` (refused, and kept with its task by `onReject`),
        /// `unsent` (there is none, though the webhook wants the event), `cancelled`, `delivered`.
        /// `failed` and `unsent`, if it is left out.
        #[schema(nullable = false, min_items = 1, example = json!(["failed", "unsent"]))]
        "states" states: Option<Vec<RecoverState>> = states,
        /// Only say how many would be sent.
        #[schema(value_type = Option<bool>, nullable = false)]
        "dryRun" dry_run: bool = dry_run,
    }
}

/// A recovery that has begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecoveryStarted {
    /// Of which webhook.
    #[schema(example = "wh_7x2m9qk")]
    pub(crate) webhook_id: String,
    /// Events committed then or later.
    #[schema(value_type = String, format = DateTime, example = "2026-03-01T09:00:00.000Z")]
    pub(crate) since: Time,
    /// Events committed then or earlier.
    #[schema(value_type = String, format = DateTime, example = "2026-03-02T09:00:00.000Z")]
    pub(crate) until: Time,
    /// In which states.
    #[schema(example = json!(["failed", "unsent"]))]
    pub(crate) states: Vec<&'static str>,
    /// Deliveries put in line so far.
    #[schema(example = 0)]
    pub(crate) queued: i64,
    /// How much of the span has been looked at, 0 to 1.
    #[schema(minimum = 0, maximum = 1, example = 0.25)]
    pub(crate) progress: f64,
    /// Whether all are in line.
    #[schema(example = false)]
    pub(crate) done: bool,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime, example = "2026-03-02T09:00:00.000Z")]
    pub(crate) created_at: Time,
}

impl RecoveryStarted {
    /// A recovery as it is shown.
    pub(crate) fn of(recovery: &Recovery) -> RecoveryStarted {
        RecoveryStarted {
            webhook_id: recovery.webhook_id.clone(),
            since: recovery.wanted.since,
            until: recovery.wanted.until,
            states: names(&recovery.wanted.states),
            queued: recovery.queued,
            progress: recovery.progress(),
            done: false,
            created_at: recovery.created,
        }
    }
}

/// What a recovery would do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecoveryPreview {
    /// Of which webhook.
    #[schema(example = "wh_7x2m9qk")]
    pub(crate) webhook_id: String,
    /// Events committed then or later.
    #[schema(value_type = String, format = DateTime, example = "2026-03-01T09:00:00.000Z")]
    pub(crate) since: Time,
    /// Events committed then or earlier.
    #[schema(value_type = String, format = DateTime, example = "2026-03-02T09:00:00.000Z")]
    pub(crate) until: Time,
    /// In which states.
    #[schema(example = json!(["failed", "unsent"]))]
    pub(crate) states: Vec<&'static str>,
    /// How many deliveries it would put in line.
    #[schema(example = 42)]
    pub(crate) would_send: usize,
    /// Always `true`: nothing was done.
    pub(crate) dry_run: bool,
}

fn names(states: &[RecoverState]) -> Vec<&'static str> {
    states.iter().map(|again| again.as_str()).collect()
}

/// Send a webhook what it missed
///
/// The events of a span go out again, or for the first time, in order of commit and at the webhook's
/// pace, with the same `webhook-id`, and its URL, headers and secret as they are now. Newer events
/// wait until all are in line. It goes on after a crash. With `dryRun` it is only counted.
#[utoipa::path(post, path = "/api/webhooks/{id}/recover", tag = "Webhooks",
    params(WebhookPath),
    request_body(content = RecoverInput, description = "Which events",
        example = json!({"since": "2026-03-01T09:00:00Z", "states": ["failed", "unsent"]})),
    responses((status = 202, description = "It has begun", body = RecoveryStarted),
              (status = 200, description = "With `dryRun`: what it would do", body = RecoveryPreview), RecoveryRunning))]
pub(crate) async fn recover(
    State(app): State<App>,
    WebhookPath(id): WebhookPath,
    _: NoParams,
    Body(input): Body<RecoverInput>,
) -> Result<Response, Problem> {
    let now = clock::now();
    let is_dry = input.dry_run;
    let wanted = wanted(input, now)?;
    if is_dry {
        return preview(&app, id, wanted, now).await;
    }
    match app.store.write(move |tx| store::begin_recovery(tx, &id, &wanted, now)).await? {
        RecoveryStart::Runs(recovery) => {
            Ok((StatusCode::ACCEPTED, Json(RecoveryStarted::of(&recovery))).into_response())
        }
        RecoveryStart::Unknown => Err(Problem::not_found("Webhook")),
        RecoveryStart::Already => Err(RecoveryRunning::problem()),
    }
}

/// End a recovery
///
/// What it has put in line goes out; the rest does not. Also 204 if none is under way.
#[utoipa::path(delete, path = "/api/webhooks/{id}/recover", tag = "Webhooks",
    params(WebhookPath),
    responses((status = 204, description = "None is under way")))]
pub(crate) async fn end_recovery(
    State(app): State<App>,
    WebhookPath(id): WebhookPath,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    app.store.write(move |tx| store::end_recovery(tx, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Counts as the job would, in as many short reads.
async fn preview(
    app: &App,
    id: String,
    wanted: RecoveryQuery,
    now: Time,
) -> Result<Response, Problem> {
    let (webhook, since, until) = (id.clone(), wanted.since, wanted.until);
    let look = move |tx: &mut store::Tx<'_>| {
        Ok((store::find_webhook(tx, &webhook)?, store::events_between(tx, since, until)?))
    };
    let found = app.store.read(look).await?;
    let (Some(_), (mut after, last)) = found else { return Err(Problem::not_found("Webhook")) };
    let oldest = app.retention.unsent_since(now);
    let mut would_send = 0;
    while after < last {
        let (webhook, asked) = (id.clone(), wanted.clone());
        let look = move |tx: &mut store::Tx<'_>| {
            store::look_for_again(tx, &webhook, &asked, oldest, after, last)
        };
        let due = app.store.search(look).await?;
        would_send += due.seqs.len();
        after = due.up_to;
    }
    let states = names(&wanted.states);
    let shown = RecoveryPreview { webhook_id: id, since, until, states, would_send, dry_run: true };
    Ok(Json(shown).into_response())
}

fn wanted(input: RecoverInput, now: Time) -> Result<RecoveryQuery, Problem> {
    let RecoverInput { since, until, states, .. } = input;
    let Some(since) = since else {
        let what =
            "is required: the time from which on events are sent, such as \"2026-03-01T09:00:00Z\"";
        return Err(Invalid::new("since", what).into());
    };
    // Each is a time like any other; it is what they are held against that contradicts them.
    let contradiction = |field: &str, what: String| {
        let problem = Problem::from(Invalid::new(field, what));
        Problem { status: StatusCode::CONFLICT, ..problem }
    };
    if since > now {
        let what = format!("({since}) lies in the future; use a time that has been");
        return Err(contradiction("since", what));
    }
    let until = until.unwrap_or(now);
    if until < since {
        let what =
            format!("({until}) is before since ({since}); use a later time, or leave it out");
        return Err(contradiction("until", what));
    }
    let states = states.unwrap_or_else(|| vec![RecoverState::Failed, RecoverState::Unsent]);
    Ok(RecoveryQuery { since, until, states })
}

fn dry_run(field: &str, value: &Value) -> Result<bool, Invalid> {
    let wrong = || {
        let how = if value.is_string() { ", without quotes" } else { "" };
        Invalid::new(field, format!("is {}; write true or false{how}", quoted(value)))
    };
    value.as_bool().ok_or_else(wrong)
}

/// Each once, in the order of the names.
fn states(field: &str, value: &Value) -> Result<Vec<RecoverState>, Invalid> {
    let all: Vec<&str> = RecoverState::names();
    let wrong =
        |what: String| Invalid::new(field, format!("{what}; use a list of {}", all.join(", ")));
    let entries = value.as_array().filter(|entries| !entries.is_empty());
    let entries = entries.ok_or_else(|| wrong(format!("is {}", quoted(value))))?;
    let mut found = BTreeSet::new();
    for entry in entries {
        let at = all.iter().position(|name| entry.as_str() == Some(name));
        found.insert(at.ok_or_else(|| wrong(format!("names {}", quoted(entry))))?);
    }
    Ok(found.into_iter().map(|at| RecoverState::ALL[at].1).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::extract::FromObject as _;
    use serde_json::json;

    const NOW: Time = Time(1_765_216_530_445);

    fn asked(body: &Value) -> Result<(RecoveryQuery, bool), Problem> {
        let input = RecoverInput::from_object(body.as_object().unwrap())?;
        let is_dry = input.dry_run;
        Ok((wanted(input, NOW)?, is_dry))
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let (wanted, is_dry) = asked(&json!({"since": "2025-01-01"})).unwrap();
        assert_eq!((wanted.until, is_dry), (NOW, false));
        assert_eq!(names(&wanted.states), ["failed", "unsent"]);
        let body = json!({"since": "2025-01-01", "states": ["delivered", "failed", "failed"]});
        assert_eq!(names(&asked(&body).unwrap().0.states), ["failed", "delivered"]);
        let body = json!({"since": "2025-01-01", "states": ["held"]});
        assert_eq!(asked(&body).unwrap().0.states, [RecoverState::Held]);
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_a_contradiction() {
        let problem = asked(&json!({"since": "2025-01-01", "until": "2024-12-31"})).unwrap_err();
        let found = (problem.status, problem.field.as_deref());
        assert_eq!(found, (StatusCode::CONFLICT, Some("until")));
    }

    #[test]
    fn a_span_that_has_not_begun_is_one_too() {
        for body in
            [json!({"since": "2100-01-01"}), json!({"since": "2100-01-01", "until": "2100-01-02"})]
        {
            let problem = asked(&body).unwrap_err();
            let found = (problem.status, problem.field.as_deref());
            assert_eq!(found, (StatusCode::CONFLICT, Some("since")), "{body}");
        }
        assert!(asked(&json!({"since": "2025-01-01", "until": "2100-01-01"})).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let since = "2025-01-01";
        for (body, field) in [
            (json!({}), "since"),
            (json!({"since": 1}), "since"),
            (json!({"since": since, "states": "failed"}), "states"),
            (json!({"since": since, "states": []}), "states"),
            (json!({"since": since, "states": ["pending"]}), "states"),
            (json!({"since": since, "dryRun": "yes"}), "dryRun"),
            (json!({"since": since, "dryRun": 1}), "dryRun"),
            (json!({"since": since, "colour": 1}), "colour"),
        ] {
            let problem = asked(&body).unwrap_err();
            assert_eq!(
                (problem.status, problem.field.as_deref()),
                (StatusCode::BAD_REQUEST, Some(field))
            );
        }
        let quoted = asked(&json!({"since": since, "dryRun": "true"})).unwrap_err().message;
        assert_eq!(quoted, "dryRun is \"true\"; write true or false, without quotes");
    }
}
