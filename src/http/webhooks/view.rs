//! Webhooks as they are shown and asked for: the shapes of bodies, nothing of what is secret.
//!
//! Must not change anything. The whole URL and a secret are shown once, where the webhook is made.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::recover::RecoveryStarted;
use crate::delivery::explain;
use crate::delivery::health::{Condition, Health};
use crate::model::{
    EventKind, Filter, MASKED, OnReject, Payload, Profile, Time, masked_url, names,
};
use crate::secret::Secret;
use crate::store::{self, Recovery, Tx, WebhookState};

names! {
    /// How a webhook is doing.
    pub(crate) enum WebhookStatus {
        /// Events go out as they come.
        Up = "up",
        /// It refuses everything; what comes is sent all the same.
        Refusing = "refusing",
        /// It answers nothing with 2xx; single requests look whether it is back.
        Down = "down",
        /// It does not let us in; a person must look.
        Misconfigured = "misconfigured",
        /// It says that it is gone for good.
        Gone = "gone",
        /// A person stopped it.
        Paused = "paused",
    }
}

impl WebhookStatus {
    /// How a webhook is doing, in one word.
    pub(crate) fn of(health: &Health) -> WebhookStatus {
        match health.condition {
            _ if health.is_paused => WebhookStatus::Paused,
            Condition::Up if health.is_refusing() => WebhookStatus::Refusing,
            Condition::Up => WebhookStatus::Up,
            Condition::Down => WebhookStatus::Down,
            Condition::Misconfigured => WebhookStatus::Misconfigured,
            Condition::Gone => WebhookStatus::Gone,
        }
    }
}

/// A webhook as it is shown. Every key is always there.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookView {
    /// `default` is the one from `WEBHOOK_URL`, `alerts` the one from `ALERT_URL`.
    #[schema(example = "wh_7x2m9qk")]
    pub(crate) id: String,
    /// Where to send, masked: for many receivers the URL is the password.
    #[schema(example = "https://hook.eu1.make.com/…")]
    pub(crate) url: String,
    /// Which kinds of events it gets.
    #[schema(example = json!(["task_created", "task_deleted"]))]
    pub(crate) events: Vec<EventKind>,
    /// Who made it.
    #[schema(required, example = "make")]
    pub(crate) source: Option<String>,
    /// A line for people.
    #[schema(required, example = "New tasks to the sales scenario")]
    pub(crate) description: Option<String>,
    /// The names of its own headers; values are never shown.
    #[schema(example = json!({"x-make-apikey": "…"}))]
    pub(crate) headers: BTreeMap<String, &'static str>,
    /// The body that it gets.
    pub(crate) payload: Payload,
    /// Which tasks.
    pub(crate) filter: Filter,
    /// Changes from there are not sent.
    #[schema(example = json!(["make"]))]
    pub(crate) ignore_origin: Vec<String>,
    /// What is known of the receiver.
    pub(crate) profile: Profile,
    /// At most so many requests a second; null = as the profile says.
    #[schema(required, example = 25)]
    pub(crate) rate_per_second: Option<u32>,
    /// From connecting to the last byte of the answer.
    #[schema(example = 10)]
    pub(crate) timeout_seconds: u32,
    /// Before a delivery has used them up.
    #[schema(example = 3)]
    pub(crate) max_attempts: u32,
    /// What becomes of a task whose event was rejected.
    pub(crate) on_reject: OnReject,
    /// It comes from the settings: it can be paused, tested and recovered, but not changed here.
    #[schema(example = false)]
    pub(crate) read_only: bool,
    /// Its requests are signed.
    #[schema(example = true)]
    pub(crate) has_secret: bool,
    /// How it is doing.
    pub(crate) status: WebhookStatus,
    /// Why it is not up and what to do, in words; null while it is up.
    #[schema(required, example = json!(null))]
    pub(crate) reason_text: Option<String>,
    /// Since when; null while it is paused.
    #[schema(required, value_type = Option<String>, format = DateTime, example = "2026-02-20T08:15:30.445Z")]
    pub(crate) status_since: Option<Time>,
    /// When a single request looks whether it is back.
    #[schema(required, value_type = Option<String>, format = DateTime, example = json!(null))]
    pub(crate) next_probe_at: Option<Time>,
    /// The receiver asked for quiet until then.
    #[schema(required, value_type = Option<String>, format = DateTime, example = json!(null))]
    pub(crate) wait_until: Option<Time>,
    /// Deliveries that have not ended.
    #[schema(example = 0)]
    pub(crate) waiting: i64,
    /// Of these, held for their own sake: refused and kept by `onReject` until a person lets them go,
    /// or refused alone and tried again by themselves.
    #[schema(example = 0)]
    pub(crate) held: i64,
    /// The recovery under way.
    #[schema(required)]
    pub(crate) recovery: Option<RecoveryStarted>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:30.445Z")]
    pub(crate) created_at: Time,
}

impl WebhookView {
    /// Reads what is shown of a webhook.
    pub(crate) fn read(
        tx: &mut Tx<'_>,
        known: &WebhookState,
        now: Time,
    ) -> store::Result<WebhookView> {
        let id = &known.webhook.id;
        let counts = (store::waiting(tx, id)?, store::held(tx, id)?);
        let recovery = store::find_recovery(tx, id)?;
        Ok(WebhookView::of(known, counts, recovery.as_ref(), now))
    }

    fn of(
        known: &WebhookState,
        (waiting, held): (i64, i64),
        recovery: Option<&Recovery>,
        now: Time,
    ) -> WebhookView {
        let (webhook, health) = (&known.webhook, &known.health);
        let status = WebhookStatus::of(health);
        let reason_text = match status {
            WebhookStatus::Up => None,
            WebhookStatus::Paused => Some(explain::why_paused(health)),
            WebhookStatus::Refusing => Some(explain::why_refusing(webhook, health)),
            _ => Some(explain::why_not_up(health)),
        };
        let is_probed = !health.is_up() && !health.is_paused;
        let probe_at = health.probe_at.filter(|_| is_probed);
        let since = health.refusals.since.filter(|_| health.is_refusing()).unwrap_or(health.since);
        WebhookView {
            id: webhook.id.clone(),
            url: masked_url(&webhook.url),
            events: webhook.events.clone(),
            source: webhook.source.clone(),
            description: webhook.description.clone(),
            headers: webhook.headers.iter().map(|(name, _)| (name.clone(), MASKED)).collect(),
            payload: webhook.payload,
            filter: webhook.filter.clone(),
            ignore_origin: webhook.ignore_origin.iter().map(|o| o.as_str().to_owned()).collect(),
            profile: webhook.profile,
            rate_per_second: webhook.rate_per_second,
            timeout_seconds: webhook.timeout_seconds,
            max_attempts: webhook.max_attempts,
            on_reject: webhook.on_reject,
            read_only: webhook.is_from_settings(),
            has_secret: webhook.secret.is_some(),
            status,
            reason_text,
            status_since: (!health.is_paused).then_some(since),
            next_probe_at: probe_at.map(|at| at.max(known.wait_until)),
            wait_until: Some(known.wait_until).filter(|until| *until > now),
            waiting,
            held,
            recovery: recovery.map(RecoveryStarted::of),
            created_at: known.created,
        }
    }
}

/// A webhook with its secret: shown where one is made, and never again.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookWithSecret {
    /// The webhook; its URL is whole in the answer that made it.
    #[serde(flatten)]
    pub(crate) webhook: WebhookView,
    /// Requests are signed with it. Keep it: it is not shown again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    pub(crate) secret: String,
}

impl WebhookWithSecret {
    /// A webhook and its secret.
    pub(crate) fn of(webhook: WebhookView, secret: &Secret) -> WebhookWithSecret {
        WebhookWithSecret { webhook, secret: secret.expose().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{NewWebhook, Unknown, WebhookInput};
    use crate::store::Presence;
    use serde_json::json;

    const NOW: Time = Time(1_765_216_530_445);

    fn known() -> WebhookState {
        let body = json!({"url": "https://h.example.org/s3cret", "headers": {"x-key": "s3cret-2"}});
        let input = WebhookInput::read(body.as_object().unwrap(), "", Unknown::Refused).unwrap();
        let webhook = NewWebhook::try_from(input)
            .unwrap()
            .create("wh_1".to_owned(), Secret::new("whsec_s3cret"))
            .unwrap();
        WebhookState {
            webhook: Arc::new(webhook),
            presence: Presence::Live,
            created: NOW,
            health: Health::fresh(NOW),
            wait_until: Time(0),
            is_recovering: false,
            failure_alert_at: Time(0),
            refusing_alert_at: Time(0),
            is_behind: false,
        }
    }

    fn shown(known: &WebhookState) -> serde_json::Value {
        serde_json::to_value(WebhookView::of(known, (7, 2), None, NOW)).unwrap()
    }

    #[test]
    fn nothing_secret_is_shown_and_every_key_is_there() {
        let view = shown(&known());
        let text = view.to_string();
        assert!(!text.contains("s3cret"), "{text}");
        assert_eq!(view["url"], "https://h.example.org/…");
        assert_eq!(view["headers"], json!({"x-key": "…"}));
        assert_eq!((&view["status"], &view["waiting"]), (&json!("up"), &json!(7)));
        assert_eq!(view["held"], json!(2));
        for null in ["reasonText", "nextProbeAt", "waitUntil", "recovery", "ratePerSecond"] {
            assert_eq!(view.get(null), Some(&json!(null)), "{null}");
        }
        let tags = json!({"type": [], "category": [], "status": [], "priority": [], "tag": []});
        assert_eq!(view["filter"], tags);
    }

    #[test]
    fn a_webhook_that_is_not_up_says_why_and_when_it_is_looked_at() {
        let mut down = known();
        down.health.condition = Condition::Down;
        down.health.why = "No answer came.".to_owned();
        down.health.probe_at = Some(NOW.plus_ms(5));
        down.wait_until = NOW.plus_ms(9);
        let view = shown(&down);
        assert_eq!((&view["status"], &view["waitUntil"]), (&json!("down"), &view["nextProbeAt"]));
        assert_eq!(view["nextProbeAt"], json!(NOW.plus_ms(9)));
        assert!(view["reasonText"].as_str().unwrap().contains("No answer came."));
        let mut refusing = known();
        refusing.health.refusals.since = Some(NOW.plus_ms(3));
        refusing.health.why = "The receiver answered 422.".to_owned();
        let view = shown(&refusing);
        assert_eq!((&view["status"], &view["nextProbeAt"]), (&json!("refusing"), &json!(null)));
        assert_eq!(view["statusSince"], json!(NOW.plus_ms(3)));
        assert!(view["reasonText"].as_str().unwrap().contains("answered 422."), "{view}");
        down.health.is_paused = true;
        let view = shown(&down);
        assert_eq!((&view["status"], &view["nextProbeAt"]), (&json!("paused"), &json!(null)));
        assert!(view["reasonText"].as_str().unwrap().contains("resume"), "{view}");
    }
}
