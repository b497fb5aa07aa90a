//! What somebody who connects another system needs to know: our address for it, what is set, and
//! how its newest request fared.
//!
//! Must never tell a secret, only whether there is one.

use std::sync::{Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use http::uri::Authority;
use http::{HeaderMap, header};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::app::App;
use super::extract::NoParams;
use super::incoming::Applied;
use super::problem::Problem;
use crate::model::Time;
use crate::secret::{Secret, mask};

/// The newest incoming webhook. Every key is always there.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastReceived {
    /// When it came.
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:30.445Z")]
    at: Time,
    /// What it was answered with.
    #[schema(example = 200)]
    status: u16,
    /// What was done; null if it was refused.
    #[schema(required)]
    result: Option<Applied>,
    /// What it said had happened; null if that was not readable.
    #[schema(required, example = "task_created")]
    event: Option<String>,
    /// The task that it named, or that was made.
    #[schema(required, example = "task_1765216530445_che0wi9")]
    task_id: Option<String>,
    /// What sent it, as its `User-Agent` says; null if it says nothing.
    #[schema(required, example = "Make/production")]
    agent: Option<String>,
    /// Why it was refused; null if it was not.
    #[schema(required, example = json!(null))]
    error: Option<String>,
}

impl LastReceived {
    /// One that has just come.
    pub fn new(at: Time, headers: &HeaderMap) -> LastReceived {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        LastReceived {
            at,
            status: 200,
            result: None,
            event: None,
            task_id: None,
            agent: agent.map(shown),
            error: None,
        }
    }

    /// What it claims.
    pub fn claims(&mut self, object: &Map<String, Value>) {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(shown);
        self.event = text(object.get("event"));
        self.task_id = text(object.get("task").and_then(|task| task.get("id")));
    }

    /// It was taken.
    pub fn did(&mut self, result: Applied, task_id: Option<&str>) {
        self.result = Some(result);
        self.task_id = task_id.map(str::to_owned).or(self.task_id.take());
    }

    /// It was refused.
    pub fn refused(&mut self, problem: &Problem) {
        self.status = problem.status.as_u16();
        self.error = Some(problem.message.clone());
    }
}

/// A text of somebody, as far as it is kept.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(128).collect()
}

/// The newest incoming webhook since the start.
#[derive(Debug, Default)]
pub struct Latest(Mutex<Option<LastReceived>>);

impl Latest {
    /// Keeps one, without what it may have repeated of our secrets.
    pub fn put<'s>(&self, mut last: LastReceived, secrets: impl Iterator<Item = &'s Secret>) {
        let secrets: Vec<&str> = secrets.map(Secret::expose).collect();
        let texts = [&mut last.event, &mut last.task_id, &mut last.agent, &mut last.error];
        for text in texts.into_iter().flatten() {
            *text = mask(text, secrets.iter().copied());
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One that took longer may have come earlier.
        if kept.as_ref().is_none_or(|kept| kept.at <= last.at) {
            *kept = Some(last);
        }
    }

    fn get(&self) -> Option<LastReceived> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is needed to connect another system. Every key is always there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Setup {
    /// Where other systems send to: by `PUBLIC_URL`, or as this request reached the server.
    #[schema(example = "https://tasks.example.org/api/incoming-webhook")]
    incoming_url: String,
    /// `PUBLIC_URL`; null if it is not set.
    #[schema(required, example = "https://tasks.example.org")]
    public_url: Option<String>,
    /// Whether `WEBHOOK_SECRET` is set; without it nothing is taken.
    #[schema(example = true)]
    secret_is_set: bool,
    /// Whether `WEBHOOK_URL` is set.
    #[schema(example = true)]
    webhook_url_is_set: bool,
    /// The newest request to the incoming address since the start, also a refused one; null if none
    /// has come.
    #[schema(required)]
    last_received: Option<LastReceived>,
}

/// See what connects other systems
///
/// The address for incoming webhooks, which settings there are, and how the newest one fared.
#[utoipa::path(get, path = "/api/setup", tag = "Server",
    responses((status = 200, description = "What is set and what came", body = Setup)))]
pub async fn get_setup(State(app): State<App>, headers: HeaderMap, _: NoParams) -> Json<Setup> {
    let public_url = app.public_url.as_ref().map(|_| app.address.clone());
    let base = public_url.clone().or_else(|| asked(&headers)).unwrap_or(app.address.clone());
    Json(Setup {
        incoming_url: format!("{base}/api/incoming-webhook"),
        public_url,
        secret_is_set: app.webhook_secret.is_some(),
        webhook_url_is_set: app.webhook_url_is_set,
        last_received: app.last_received.get(),
    })
}

/// How whoever asks reaches the server; the address that it listens on may be "all of them".
fn asked(headers: &HeaderMap) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let host: Authority = host.parse().ok()?;
    Some(format!("http://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_newest_is_kept_without_our_secrets() {
        let latest = Latest::default();
        let secret = Secret::new("s3cret-value");
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, "Make s3cret-value".parse().unwrap());
        let mut first = LastReceived::new(Time(2), &headers);
        first.claims(json!({"event": "x s3cret-value\n", "task": {"id": 7}}).as_object().unwrap());
        first.refused(&Problem::bad_request("x", "\"s3cret-value\" is not allowed"));
        latest.put(first, [&secret].into_iter());
        latest.put(LastReceived::new(Time(1), &headers), [&secret].into_iter());
        let kept = serde_json::to_value(latest.get()).unwrap();
        let meant = json!({"at": "1970-01-01T00:00:00.002Z", "status": 400, "result": null,
            "event": "x …", "taskId": null, "agent": "Make …", "error": "\"…\" is not allowed"});
        assert_eq!(kept, meant);
    }
}
