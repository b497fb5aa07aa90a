//! Webhooks and deliveries of the program under test: made, told and asked for over the API.
//!
//! It must not know what is promised of them; it only saves the tests from spelling out requests.

use std::future::Future;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Answer, Receiver, Server, eventually};

/// Lets webhooks made over the API reach the receivers of the tests.
pub(crate) const LOCAL: (&str, &str) = ("WEBHOOK_ALLOW_TARGETS", "127.0.0.1/32");

/// Before everything that a test does.
pub(crate) const LONG_AGO: &str = "2020-01-01T00:00:00Z";

/// A text field that must be there.
#[track_caller]
pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text {field} in {value}"))
}

/// The `id` of what the API showed.
#[track_caller]
pub(crate) fn id(value: &Value) -> &str {
    text(value, "id")
}

/// Like [`eventually`], with a patience of its own.
pub(crate) async fn within<T, F, Fut>(limit: Duration, what: &str, mut check: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = check().await {
            return found;
        }
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

impl Server {
    /// A server whose webhooks may go to loopback.
    pub(crate) async fn open(settings: &[(&str, &str)]) -> Self {
        Self::start(&[&[LOCAL], settings].concat()).await
    }

    /// Makes a webhook and returns the whole 201.
    pub(crate) async fn hook(&self, body: &Value) -> Value {
        self.post("/api/webhooks", body).await.expect(201).json()
    }

    /// Makes a webhook to this receiver with these further fields and returns its id.
    pub(crate) async fn hook_to(&self, receiver: &Receiver, more: &Value) -> String {
        let mut body = more.clone();
        body["url"] = json!(receiver.url());
        id(&self.hook(&body).await).to_owned()
    }

    /// A webhook as the API shows it.
    pub(crate) async fn webhook(&self, id: &str) -> Value {
        self.get(&format!("/api/webhooks/{id}")).await.expect(200).json()
    }

    /// Waits until a webhook has this status, with a reason in words where it is not `up`.
    pub(crate) async fn webhook_is(&self, id: &str, status: &str) -> Value {
        let shown = eventually(&format!("webhook {id} is {status}"), async || {
            let shown = self.webhook(id).await;
            (shown["status"] == status).then_some(shown)
        })
        .await;
        let words = shown["reasonText"].as_str().unwrap_or_default();
        assert!(status == "up" || words.len() > 10, "why, in words: {shown}");
        shown
    }

    /// `POST /api/webhooks/<id>/<verb>` without a body.
    pub(crate) async fn tell(&self, id: &str, verb: &str) -> Answer {
        self.call("POST", &format!("/api/webhooks/{id}/{verb}")).send().await
    }

    /// `POST /api/webhooks/<id>/recover`.
    pub(crate) async fn recover(&self, id: &str, body: &Value) -> Answer {
        self.post(&format!("/api/webhooks/{id}/recover"), body).await
    }

    /// `PUT /api/tasks/<id of the task>`, which must be taken.
    pub(crate) async fn change(&self, task: &Value, body: &Value) -> Value {
        self.put(&format!("/api/tasks/{}", id(task)), body).await.expect(200).json()
    }

    /// Waits until the one delivery that a query finds has this status and this reason.
    pub(crate) async fn delivery_is(&self, query: &str, status: &str, reason: &str) -> Value {
        let what = format!("the delivery of {query} is {status} ({reason})");
        let found = eventually(&what, async || {
            let mut found = self.deliveries(query).await;
            assert!(found.len() <= 1, "{query} finds {found:?}");
            let delivery = found.pop()?;
            (delivery["status"] == status && delivery["reason"] == reason).then_some(delivery)
        })
        .await;
        assert!(text(&found, "reasonText").len() > 10, "why, in words: {found}");
        found
    }

    /// How many deliveries a query finds, by the header of the list.
    pub(crate) async fn total(&self, query: &str) -> usize {
        let found = self.get(&format!("/api/deliveries?limit=1&{query}")).await.expect(200);
        found.header("x-total-count").parse().expect("a number")
    }

    /// Waits until a query finds so many deliveries.
    pub(crate) async fn total_is(&self, query: &str, n: usize) {
        let what = format!("{n} deliveries of {query}");
        within(Duration::from_mins(1), &what, async || {
            (self.total(query).await == n).then_some(())
        })
        .await;
    }

    /// `POST /api/deliveries/<id>/<verb>` without a body.
    pub(crate) async fn with_delivery(&self, delivery: &Value, verb: &str) -> Answer {
        self.call("POST", &format!("/api/deliveries/{}/{verb}", id(delivery))).send().await
    }
}
