//! Settings of what goes out: the webhooks of `WEBHOOK_URL` and `ALERT_URL`, and the policy for all.
//!
//! A message never repeats a value that may be a secret.

use super::{Reader, parse};
use crate::health::Policy;
use crate::model::{
    ALERTS_WEBHOOK, DEFAULT_WEBHOOK, EventKind, Named, OnReject, Origin, Payload, Profile, Time,
    Webhook, receiver,
};
use crate::signature;
use crate::targets::Targets;
use crate::trust::{self, Trust};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// How long what has ended is kept, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Deliveries that arrived, and events without any delivery left.
    pub delivered_ms: i64,
    /// Deliveries that failed or were cancelled.
    pub failed_ms: i64,
}

impl Retention {
    /// The oldest event of which it is known that it was never sent to somebody: the deliveries of
    /// those before may have been, and be gone.
    pub fn unsent_since(&self, now: Time) -> Time {
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

pub(super) fn read(read: &mut Reader<'_>) -> Outgoing {
    let url = read.one("WEBHOOK_URL", webhook_url);
    let alert_url = read.one("ALERT_URL", webhook_url);
    let headers = read.one("WEBHOOK_HEADERS", headers).unwrap_or_default();
    let max_attempts = read.one("WEBHOOK_ATTEMPTS", attempts).unwrap_or(3);
    let ignore_origin =
        read.one("WEBHOOK_IGNORE_ORIGIN", origins).unwrap_or_else(|| vec![Origin::incoming()]);
    let profile = read.one("WEBHOOK_PROFILE", |text| parse::choice(Profile::ALL, text));
    let payload = read.one("WEBHOOK_PAYLOAD", |text| parse::choice(Payload::ALL, text));
    let on_reject = read.one("WEBHOOK_ON_REJECT", |text| parse::choice(OnReject::ALL, text));
    let secret = read.one("WEBHOOK_SIGNING_SECRET", signature::parse);
    let recovers = [("on", true), ("off", false)];
    let recovers = read.one("WEBHOOK_RECOVERY", |text| parse::choice(&recovers, text));
    let mut span = |name, default| read.one(name, parse::duration_ms).unwrap_or(default);
    let policy = Policy {
        recovers: recovers.unwrap_or(true),
        probe_first_ms: span("WEBHOOK_PROBE_FIRST", MINUTE_MS / 2),
        probe_max_ms: span("WEBHOOK_PROBE_MAX", 10 * MINUTE_MS),
        max_age_ms: span("WEBHOOK_MAX_AGE", 3 * DAY_MS),
    };
    let retention = Retention {
        delivered_ms: span("RETENTION_DELIVERED", 30 * DAY_MS),
        failed_ms: span("RETENTION_FAILED", 90 * DAY_MS),
    };
    if policy.probe_max_ms < policy.probe_first_ms {
        read.faults.push(
            "WEBHOOK_PROBE_MAX is shorter than WEBHOOK_PROBE_FIRST: set it to the longest time \
             between two looks at a webhook that is down, e.g. 10m"
                .to_owned(),
        );
    }
    let targets = read.one("WEBHOOK_ALLOW_TARGETS", Targets::parse).unwrap_or_default();
    let trust = read_trust(read);
    let common = |id: &str, url: String| Webhook {
        source: Some("settings".to_owned()),
        payload: Payload::Classic,
        max_attempts,
        ..Webhook::new(id, url)
    };
    Outgoing {
        webhook: url.map(|url| Webhook {
            headers,
            secret,
            payload: payload.unwrap_or(Payload::Classic),
            ignore_origin,
            profile: profile.unwrap_or(Profile::Auto),
            on_reject: on_reject.unwrap_or(OnReject::Skip),
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
    }
}

fn read_trust(read: &mut Reader<'_>) -> Trust {
    // Either of these takes the place of the system's list, as everywhere else.
    let file = read.one("SSL_CERT_FILE", trust::read_bundle);
    let folders = read.one("SSL_CERT_DIR", trust::read_folders);
    let instead = match (file, folders) {
        (None, None) => None,
        (file, folders) => Some([file, folders].into_iter().flatten().flatten().collect()),
    };
    Trust { instead, also: read.one("WEBHOOK_CA_FILE", trust::read_each).unwrap_or_default() }
}

fn webhook_url(text: &str) -> Result<String, String> {
    let mut parts = text.split([',', ';', '|', ' ', '\t', '\n']).skip(1);
    let begins_another = |part: &str| {
        let part = part.to_ascii_lowercase();
        part.starts_with("http://") || part.starts_with("https://")
    };
    if parts.any(begins_another) {
        return Err("holds several addresses and takes one: make a webhook for each of the \
                    others, on the page Webhooks or with POST /api/webhooks. (If it is one with another in \
                    it, write the sign before that one encoded: %2C for a comma)"
            .to_owned());
    }
    receiver::url(text)
}

fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut headers = Vec::new();
    // In a file of their own people write one a line.
    for entry in text.split([';', '\n']).map(str::trim).filter(|entry| !entry.is_empty()) {
        let Some((name, value)) = entry.split_once(':') else {
            return Err("must be written Name: value; Other-Name: value".to_owned());
        };
        let name = receiver::header_name(name.trim())?;
        let value = value.trim();
        receiver::check_header_value(&name, value)?;
        if headers.iter().any(|(known, _)| *known == name) {
            return Err(format!("names {name} twice: write it once"));
        }
        headers.push((name, value.to_owned()));
    }
    Ok(headers)
}

fn attempts(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|n| (1..=20).contains(n));
    number.ok_or_else(|| format!("is \"{text}\": use a number from 1 to 20"))
}

fn origins(text: &str) -> Result<Vec<Origin>, String> {
    if text == "none" {
        return Ok(Vec::new());
    }
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            Origin::parse("", name).map_err(|_| {
                format!(
                    "names \"{name}\": use names of a-z, 0-9, _ and - with commas between, or none"
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_pairs_and_not_ours() {
        let read = headers("X-Make-Apikey: a:b; x-two:2 ;").unwrap();
        assert_eq!(headers("X-Make-Apikey: a:b\r\n\r\nx-two: 2").unwrap(), read);
        let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(read, [pair("x-make-apikey", "a:b"), pair("x-two", "2")]);
        for bad in ["x", "a b: c", "webhook-id: 1", "Host: e.org", "x: \u{1}secret"] {
            let said = headers(bad).unwrap_err();
            assert!(!said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn a_setting_takes_one_address() {
        for one in [
            "https://h.example/a,b;c?d=e|f",
            "https://h.example/?ids=1,2,3",
            "https://h.example/?to=https://b.example/a,b",
            "https://h.example/?to=https://a.example%2Chttps://b.example",
        ] {
            assert_eq!(webhook_url(one).as_deref(), Ok(one));
        }
        for several in [
            "https://a.example/s3cret,https://b.example",
            "https://a.example/?x=s3cret,https://b.example/",
            "https://a.example/?x=1, https://b.example/s3cret",
            "http://a; HTTP://b",
            "http://a http://b",
        ] {
            let said = webhook_url(several).unwrap_err();
            assert!(said.contains("several") && !said.contains("s3cret"), "{said}");
            assert!(said.contains("POST /api/webhooks") && said.contains("%2C"), "{said}");
        }
    }
}
