//! The newest incoming webhook and how it fared, for who connects another system.
//!
//! Must never keep a secret, not one that was sent by mistake either.

use std::sync::Mutex;

use http::{HeaderMap, header};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::problem::Problem;
use crate::lock::lock;
use crate::model::{Time, names};

names! {
    /// What an incoming webhook did.
    pub(crate) enum Applied {
        /// A task was made.
        Created = "created",
        /// A task was changed.
        Updated = "updated",
        /// A task was deleted.
        Deleted = "deleted",
        /// The task is already as the webhook says.
        Unchanged = "unchanged",
        /// The same webhook came before, within 48 hours.
        Duplicate = "duplicate",
        /// It is older than what we have, deletes what is not there, or changes what was deleted here.
        Ignored = "ignored",
    }
}

/// The newest incoming webhook. Every key is always there.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LastReceived {
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
    pub(crate) fn new(at: Time, headers: &HeaderMap) -> LastReceived {
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
    pub(crate) fn claims(&mut self, object: &Map<String, Value>) {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(shown);
        self.event = text(object.get("event"));
        self.task_id = text(object.get("task").and_then(|task| task.get("id")));
    }

    /// It was taken.
    pub(crate) fn did(&mut self, result: Applied, task_id: Option<&str>) {
        self.result = Some(result);
        self.task_id = task_id.map(str::to_owned).or(self.task_id.take());
    }

    /// It was refused.
    pub(crate) fn refused(&mut self, problem: &Problem) {
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
pub(crate) struct Latest(Mutex<Option<LastReceived>>);

impl Latest {
    /// Keeps one; `masked` leaves out what a text may have repeated of our secrets.
    pub(crate) fn put(&self, mut last: LastReceived, masked: impl Fn(&str) -> String) {
        let texts = [&mut last.event, &mut last.task_id, &mut last.agent, &mut last.error];
        for text in texts.into_iter().flatten() {
            *text = masked(text);
        }
        let mut kept = lock(&self.0);
        // One that took longer may have come earlier.
        if kept.as_ref().is_none_or(|kept| kept.at <= last.at) {
            *kept = Some(last);
        }
    }

    /// The newest one, if one has come.
    pub(crate) fn get(&self) -> Option<LastReceived> {
        lock(&self.0).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::mask;
    use serde_json::json;

    #[test]
    fn the_newest_is_kept_without_our_secrets() {
        let latest = Latest::default();
        let masked = |text: &str| mask(text, ["s3cret-value"]);
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, "Make s3cret-value".parse().unwrap());
        let mut first = LastReceived::new(Time(2), &headers);
        first.claims(json!({"event": "x s3cret-value\n", "task": {"id": 7}}).as_object().unwrap());
        first.refused(&Problem::bad_request("x", "\"s3cret-value\" is not allowed"));
        latest.put(first, masked);
        latest.put(LastReceived::new(Time(1), &headers), masked);
        let kept = serde_json::to_value(latest.get()).unwrap();
        let meant = json!({"at": "1970-01-01T00:00:00.002Z", "status": 400, "result": null,
            "event": "x …", "taskId": null, "agent": "Make …", "error": "\"…\" is not allowed"});
        assert_eq!(kept, meant);
    }
}
