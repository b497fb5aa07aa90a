//! Settings of what goes out: the webhooks of `WEBHOOK_URL` and `ALERT_URL`, and the policy for all.
//!
//! A message never repeats a value that may be a secret.

use super::{Reader, reference};
use crate::delivery::health::Policy;
use crate::model::{
    ALERTS_WEBHOOK, DEFAULT_WEBHOOK, EventKind, Origin, Payload, Time, Webhook, receiver,
};
use crate::targets::Targets;
use crate::trust::Trust;

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

/// `None`: a default is none that can be read.
pub(super) fn read(read: &mut Reader<'_>) -> Option<Outgoing> {
    let url = read.maybe(&reference::WEBHOOK_URL);
    let alert_url = read.maybe(&reference::ALERT_URL);
    let headers = read.maybe(&reference::WEBHOOK_HEADERS).unwrap_or_default();
    let max_attempts = read.one(&reference::WEBHOOK_ATTEMPTS)?;
    let ignore_origin = read.one(&reference::WEBHOOK_IGNORE_ORIGIN)?;
    let profile = read.one(&reference::WEBHOOK_PROFILE)?;
    let payload = read.one(&reference::WEBHOOK_PAYLOAD)?;
    let on_reject = read.one(&reference::WEBHOOK_ON_REJECT)?;
    let secret = read.maybe(&reference::WEBHOOK_SIGNING_SECRET);
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

pub(super) fn webhook_url(text: &str) -> Result<String, String> {
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

pub(super) fn headers(text: &str) -> Result<Vec<(String, String)>, String> {
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

pub(super) fn attempts(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|n| (1..=20).contains(n));
    number.ok_or_else(|| format!("is \"{text}\": use a number from 1 to 20"))
}

pub(super) fn origins(text: &str) -> Result<Vec<Origin>, String> {
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
