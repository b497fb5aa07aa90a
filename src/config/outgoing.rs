//! Settings of what goes out: the webhooks of `WEBHOOK_URL` and `ALERT_URL`, and the policy for all.
//!
//! A message never repeats a value that may be a secret.

use super::weakness::weakness_of_key;
use super::{Reader, reference};
use crate::delivery::health::Policy;
use crate::model::{ALERTS_WEBHOOK, DEFAULT_WEBHOOK, EventKind, Payload, Time, Webhook};
use crate::targets::Targets;
use crate::trust::Trust;

/// How long what has ended is kept, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retention {
    /// Deliveries that arrived, and events without any delivery left.
    pub(crate) delivered_ms: i64,
    /// Deliveries that failed or were cancelled.
    pub(crate) failed_ms: i64,
}

impl Retention {
    /// The oldest event of which it is known that it was never sent to somebody: the deliveries of
    /// those before may have been, and be gone.
    pub(crate) fn unsent_since(&self, now: Time) -> Time {
        now.plus_ms(1 - self.delivered_ms.min(self.failed_ms))
    }
}

/// What the settings say of what goes out.
pub(super) struct Outgoing {
    pub(super) webhook: Option<Webhook>,
    pub(super) alerts: Option<Webhook>,
    pub(super) policy: Policy,
    pub(super) targets: Targets,
    pub(super) trust: Trust,
    pub(super) retention: Retention,
}

/// `None` where a default cannot be read, which a test rules out. In production a secret has to protect something.
pub(super) fn read(read: &mut Reader<'_>, is_production: bool) -> Option<Outgoing> {
    let url = read.maybe(&reference::WEBHOOK_URL);
    let alert_url = read.maybe(&reference::ALERT_URL);
    let headers = read.maybe(&reference::WEBHOOK_HEADERS).unwrap_or_default();
    let max_attempts = read.one(&reference::WEBHOOK_ATTEMPTS)?;
    let ignore_origin = read.one(&reference::WEBHOOK_IGNORE_ORIGIN)?;
    let profile = read.one(&reference::WEBHOOK_PROFILE)?;
    let payload = read.one(&reference::WEBHOOK_PAYLOAD)?;
    let on_reject = read.one(&reference::WEBHOOK_ON_REJECT)?;
    let secret = read.maybe(&reference::WEBHOOK_SIGNING_SECRET);
    if is_production && let Some(why) = secret.as_ref().and_then(weakness_of_key) {
        read.faults.push(format!(
            "WEBHOOK_SIGNING_SECRET {why}, which NODE_ENV=production does not allow. \
             Make one with: echo \"whsec_$(openssl rand -base64 32)\""
        ));
    }
    let policy = Policy {
        recovers: read.one(&reference::WEBHOOK_RECOVERY)?,
        probe_first_ms: read.one(&reference::WEBHOOK_PROBE_FIRST)?,
        probe_max_ms: read.one(&reference::WEBHOOK_PROBE_MAX)?,
        max_age_ms: read.one(&reference::WEBHOOK_MAX_AGE)?,
    };
    let retention = Retention {
        delivered_ms: read.one(&reference::RETENTION_DELIVERED)?,
        failed_ms: read.one(&reference::RETENTION_FAILED)?,
    };
    if policy.probe_max_ms < policy.probe_first_ms {
        read.faults.push(
            "WEBHOOK_PROBE_MAX is shorter than WEBHOOK_PROBE_FIRST: set it to the longest time \
             between two looks at a webhook that is down, e.g. 10m"
                .to_owned(),
        );
    }
    let targets = read.maybe(&reference::WEBHOOK_ALLOW_TARGETS).unwrap_or_default();
    let trust = read_trust(read);
    let common = |id: &str, url: String| Webhook {
        source: Some("settings".to_owned()),
        payload: Payload::Classic,
        max_attempts,
        ..Webhook::new(id, url)
    };
    Some(Outgoing {
        webhook: url.map(|url| Webhook {
            headers,
            secret,
            payload,
            ignore_origin,
            profile,
            on_reject,
            ..common(DEFAULT_WEBHOOK, url)
        }),
        alerts: alert_url.map(|url| Webhook {
            events: EventKind::ALERTS.to_vec(),
            ..common(ALERTS_WEBHOOK, url)
        }),
        policy,
        targets,
        trust,
        retention,
    })
}

fn read_trust(read: &mut Reader<'_>) -> Trust {
    // Either of these takes the place of the system's list, as everywhere else.
    let file = read.maybe(&reference::SSL_CERT_FILE);
    let folders = read.maybe(&reference::SSL_CERT_DIR);
    let instead = match (file, folders) {
        (None, None) => None,
        (file, folders) => Some([file, folders].into_iter().flatten().flatten().collect()),
    };
    Trust { instead, also: read.maybe(&reference::WEBHOOK_CA_FILE).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Faults};
    use crate::model::{Origin, Payload, Webhook};

    #[test]
    fn a_webhook_of_the_settings_begins_as_one_made_over_the_api() {
        let url = "https://example.org/hook";
        let find = |name: &str| (name == "WEBHOOK_URL").then(|| url.to_owned());
        let ours = Config::read(&find).unwrap().webhook.unwrap();
        let made = Webhook {
            // Where the two differ: the bodies of before, and no echo of what came in.
            payload: Payload::Classic,
            ignore_origin: vec![Origin::incoming()],
            ..Webhook::new("default", url)
        };
        let shown = |webhook: &Webhook| {
            (
                (webhook.max_attempts, webhook.timeout_seconds, webhook.rate_per_second),
                (webhook.profile, webhook.on_reject, webhook.payload),
                (webhook.ignore_origin.clone(), webhook.events.clone()),
            )
        };
        assert_eq!(shown(&ours), shown(&made));
    }

    #[test]
    fn production_refuses_a_signing_secret_of_one_letter() {
        let read = |mode: &str, secret: &str| -> Result<Config, Faults> {
            Config::read(&|name| match name {
                "NODE_ENV" => Some(mode.to_owned()),
                "WEBHOOK_SIGNING_SECRET" => Some(secret.to_owned()),
                _ => None,
            })
        };
        let weak = format!("whsec_{}=", "A".repeat(43));
        let said = read("production", &weak).unwrap_err().to_string();
        assert!(said.contains("WEBHOOK_SIGNING_SECRET is a sample, which NODE_ENV="), "{said}");
        assert!(said.contains("openssl rand -base64 32") && !said.contains("AAAA"), "{said}");
        assert!(read("development", &weak).is_ok());
        assert!(read("production", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_ok());
    }
}
