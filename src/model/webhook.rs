//! Webhook: a URL that wants events, which of them it wants, and how it may be shown.
//!
//! Must not know how a request is sent, nor how the webhook is doing: that is `health`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body::body;
use super::event::Origin;
use super::fields::{self, Invalid, list};
use super::forms::{Label, Tag};
use super::input::tag;
use super::kind::EventKind;
use super::names::{Named, names};
use super::status::{Priority, Status};
use super::task::Task;
use super::text::is_same;
use super::time::Time;
use crate::secret::Secret;

/// The id of the webhook that comes from `WEBHOOK_URL`.
pub(crate) const DEFAULT_WEBHOOK: &str = "default";
/// The id of the webhook that comes from `ALERT_URL`.
pub(crate) const ALERTS_WEBHOOK: &str = "alerts";

/// Seconds from connecting to the last byte of the answer, unless somebody says otherwise; at least one,
/// at most [`TIMEOUT_SECONDS_MOST`].
pub(super) const TIMEOUT_SECONDS: u32 = 10;
/// The most of these.
pub(super) const TIMEOUT_SECONDS_MOST: u32 = 30;
/// Attempts of a delivery, unless somebody says otherwise; at least one, at most [`MAX_ATTEMPTS_MOST`].
pub(super) const MAX_ATTEMPTS: u32 = 3;
/// The most of these.
pub(crate) const MAX_ATTEMPTS_MOST: u32 = 20;

names! {
    /// The body that a webhook gets.
    pub(crate) enum Payload {
        /// `{event, task}`.
        Classic = "classic",
        /// `{id, event, type, timestamp, version, origin, changed, previous, task}`.
        Full = "full",
    }
}

names! {
    /// What is known of the receiver.
    pub(crate) enum Profile {
        /// As the host and the answers say: a host of Make gets Make's pace; whoever says "Queue is full"
        /// or "n8n is starting up" is waited for.
        Auto = "auto",
        /// Make: at most 25 requests a second.
        Make = "make",
        /// n8n: no pace of its own; its answers are explained.
        N8n = "n8n",
        /// Nothing special: an answer means what its status says.
        Plain = "plain",
    }
}

names! {
    /// What becomes of a task whose event was rejected.
    pub(crate) enum OnReject {
        /// The rejected one is `failed` and the next event of the task goes out.
        Skip = "skip",
        /// The rejected one is `held` and its task waits until somebody redelivers or cancels it.
        Hold = "hold",
    }
}

body! {
    /// Which tasks a webhook is to hear of. Within a list one match is enough; every list that is not empty must match.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(default)]
    pub(crate) struct Filter(_unknown): "a part of a filter; these are:" {
        /// Types.
        #[schema(value_type = Vec<Label>)]
        "type" r#type: Vec<String> = list(fields::label),
        /// Categories.
        #[schema(value_type = Vec<Label>)]
        "category" category: Vec<String> = list(fields::label),
        /// Statuses.
        #[schema(value_type = Vec<Status>)]
        "status" status: Vec<String> = list(name::<Status>),
        /// Priorities.
        #[schema(value_type = Vec<Priority>)]
        "priority" priority: Vec<String> = list(name::<Priority>),
        /// Tags; one of the task's is enough.
        #[schema(value_type = Vec<Tag>)]
        "tag" tag: Vec<String> = list(tag),
    }
}

impl Filter {
    /// Whether both let the same tasks through; the order of a list means nothing.
    fn is_same(&self, other: &Filter) -> bool {
        let mut lists = self.lists().into_iter().zip(other.lists());
        lists.all(|(ours, theirs)| has_same(ours, theirs))
    }

    fn lists(&self) -> [&[String]; 5] {
        [&self.r#type, &self.category, &self.status, &self.priority, &self.tag]
    }
}

/// Whether two lists without duplicates have the same entries.
fn has_same<T: PartialEq>(ours: &[T], theirs: &[T]) -> bool {
    ours.len() == theirs.len() && ours.iter().all(|entry| theirs.contains(entry))
}

fn name<T: Named>(field: &str, value: &Value) -> Result<String, Invalid> {
    fields::named::<T>(field, value).map(|found| found.as_str().to_owned())
}

/// A URL that wants events. The URL, the headers' values and the secrets are never shown: for Make,
/// the URL is the password.
#[derive(Clone)]
pub(crate) struct Webhook {
    /// `default`, `alerts`, or `wh_…` made by the server.
    pub(crate) id: String,
    /// Where to send: http or https. Shown only masked.
    pub(crate) url: String,
    /// Which kinds of events; never empty.
    pub(crate) events: Vec<EventKind>,
    /// Who made it: `settings`, `make`, `zapier`, `n8n` …: a label.
    pub(crate) source: Option<String>,
    /// A line for people.
    pub(crate) description: Option<String>,
    /// Sent with every request, name and value. Values are never shown.
    pub(crate) headers: Vec<(String, String)>,
    /// `whsec_…`; requests are signed with it.
    pub(crate) secret: Option<Secret>,
    /// The secret before the last rotation and until when it signs too.
    pub(crate) old_secret: Option<(Secret, Time)>,
    /// The body that it gets.
    pub(crate) payload: Payload,
    /// Which tasks.
    pub(crate) filter: Filter,
    /// Changes that came from here are not sent.
    pub(crate) ignore_origin: Vec<Origin>,
    /// What is known of the receiver.
    pub(crate) profile: Profile,
    /// At most so many requests a second, 1 to 1000; `None` = as the profile says.
    pub(crate) rate_per_second: Option<u32>,
    /// Seconds from connecting to the last byte of the answer, 1 to 30.
    pub(crate) timeout_seconds: u32,
    /// Attempts before a delivery has used them up, 1 to 20.
    pub(crate) max_attempts: u32,
    /// What becomes of a task whose event was rejected.
    pub(crate) on_reject: OnReject,
}

/// Why a webhook is not sent an event: the rule and a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unwanted {
    /// `events`, `ignoreOrigin`, `filter.status` …: the property of the webhook.
    pub(crate) rule: &'static str,
    /// In words.
    pub(crate) text: String,
}

impl Webhook {
    /// A webhook that wants every change of a task, with nothing else named: what is left out of
    /// the settings or a request is as it is here.
    pub(crate) fn new(id: impl Into<String>, url: impl Into<String>) -> Webhook {
        Webhook {
            id: id.into(),
            url: url.into(),
            events: EventKind::OF_TASKS.to_vec(),
            source: None,
            description: None,
            headers: Vec::new(),
            secret: None,
            old_secret: None,
            payload: Payload::Full,
            filter: Filter::default(),
            ignore_origin: Vec::new(),
            profile: Profile::Auto,
            rate_per_second: None,
            timeout_seconds: TIMEOUT_SECONDS,
            max_attempts: MAX_ATTEMPTS,
            on_reject: OnReject::Skip,
        }
    }

    /// Whether it comes from the settings: it can be paused but not changed over the API.
    pub(crate) fn is_from_settings(&self) -> bool {
        self.id == DEFAULT_WEBHOOK || self.id == ALERTS_WEBHOOK
    }

    /// Whether it wants to hear of a change of a task; `Err` names the first rule that says no.
    pub(crate) fn wants(
        &self,
        kind: EventKind,
        origin: &Origin,
        task: &Task,
    ) -> Result<(), Unwanted> {
        self.wants_kind(kind, origin)?;
        let filter = &self.filter;
        let one = |value: &str| vec![value.to_owned()];
        let rules = [
            ("filter.type", &filter.r#type, task.r#type.iter().cloned().collect()),
            ("filter.category", &filter.category, task.category.iter().cloned().collect()),
            ("filter.status", &filter.status, one(task.status.as_str())),
            ("filter.priority", &filter.priority, one(task.priority.as_str())),
            ("filter.tag", &filter.tag, task.tags.clone()),
        ];
        for (rule, wanted, has) in rules {
            let is_wanted = |value: &String| wanted.iter().any(|one| is_same(one, value));
            if !wanted.is_empty() && !has.iter().any(is_wanted) {
                let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
                return Err(Unwanted {
                    rule,
                    text: format!(
                        "Its {rule} lets through {}; the task has {has}.",
                        wanted.join(", ")
                    ),
                });
            }
        }
        Ok(())
    }

    /// The part of [`Webhook::wants`] that does not need the task.
    pub(crate) fn wants_kind(&self, kind: EventKind, origin: &Origin) -> Result<(), Unwanted> {
        if !self.events.contains(&kind) {
            let names: Vec<&str> = self.events.iter().map(|kind| kind.as_str()).collect();
            let text = format!("It takes only {}; this is {}.", names.join(", "), kind.as_str());
            return Err(Unwanted { rule: "events", text });
        }
        if self.ignore_origin.contains(origin) {
            let text = format!(
                "The change came from {}, which it ignores so that nothing echoes for ever.",
                origin.as_str()
            );
            return Err(Unwanted { rule: "ignoreOrigin", text });
        }
        Ok(())
    }

    /// The properties in which another one differs, by name; but for the URL and the events, which tell one webhook
    /// from another.
    pub(crate) fn differences(&self, other: &Webhook) -> Vec<&'static str> {
        let is_secret = match (&self.secret, &other.secret) {
            (Some(ours), Some(theirs)) => ours.matches(theirs.expose()),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        let has_header = |(name, value): &(String, String)| {
            let mut ours = self.headers.iter();
            ours.any(|(known, stored)| known == name && Secret::new(stored).matches(value))
        };
        let are_headers =
            self.headers.len() == other.headers.len() && other.headers.iter().all(has_header);
        let is_same = [
            ("source", self.source == other.source),
            ("description", self.description == other.description),
            ("headers", are_headers),
            ("secret", is_secret),
            ("payload", self.payload == other.payload),
            ("filter", self.filter.is_same(&other.filter)),
            ("ignoreOrigin", has_same(&self.ignore_origin, &other.ignore_origin)),
            ("profile", self.profile == other.profile),
            ("ratePerSecond", self.rate_per_second == other.rate_per_second),
            ("timeoutSeconds", self.timeout_seconds == other.timeout_seconds),
            ("maxAttempts", self.max_attempts == other.max_attempts),
            ("onReject", self.on_reject == other.on_reject),
        ];
        is_same.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
    }

    /// Whether its receiver is Make: by the profile, or with `auto` by the host.
    pub(crate) fn is_make(&self) -> bool {
        match self.profile {
            Profile::Make => true,
            Profile::N8n | Profile::Plain => false,
            Profile::Auto => is_make_host(&self.url),
        }
    }
}

/// Whether a URL is of Make's webhook gateway (Make Help Center, "Webhooks": hook.<zone>.make.com,
/// hook.<zone>.make.celonis.com; the older name is hook.integromat.com).
fn is_make_host(url: &str) -> bool {
    let host = host_of(url).trim_end_matches('.').to_ascii_lowercase();
    let is_below = |domain: &str| host.strip_suffix(domain).is_some_and(|left| left.ends_with('.'));
    is_below("make.com") || is_below("make.celonis.com") || is_below("integromat.com")
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .field("url", &masked_url(&self.url))
            .finish_non_exhaustive()
    }
}

/// A URL that may stand in a log or on a page: scheme, host and port; of path and query the last signs
/// alone, so that two of one host can be told apart.
pub(crate) fn masked_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return "…".to_owned();
    };
    let (host, hidden) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or_default();
    let tail = if rest.len() > host.len() { "/…" } else { "" };
    format!("{scheme}://{host}{tail}{}", last_signs(hidden))
}

/// A secret that is shorter shows nothing of itself; the pages have the same number (`webhook-words.js`).
const LONG: usize = 12;

/// The last four signs of a long secret, as of the number of a card: too few to guess the rest from.
fn last_signs(hidden: &str) -> &str {
    let is_sign = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let last = hidden.rsplit(|c| !is_sign(c)).next().unwrap_or_default();
    if last.len() < LONG { "" } else { last.get(last.len() - 4..).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_the_host_is_shown_and_the_end_of_a_long_secret() {
        for (url, shown) in [
            ("https://hook.eu1.make.com/abcdefghijkl", "https://hook.eu1.make.com/…ijkl"),
            ("https://hook.eu1.make.com/abcdefghijk", "https://hook.eu1.make.com/…"),
            ("https://e.org/a-long-path-to/short", "https://e.org/…"),
            ("https://e.org/a-long-path-to/it?key=1234", "https://e.org/…"),
            ("https://e.org/hook?key=0123456789abcdef", "https://e.org/…cdef"),
            ("https://u:a-long-password@e.org", "https://e.org/…"),
            ("https://a-host-with-a-long-name", "https://a-host-with-a-long-name"),
            ("https://e.org/abcdefghijklmno/", "https://e.org/…"),
            ("https://e.org/ünïcödë-ünïcödë", "https://e.org/…"),
            ("https://hook.eu1.make.com/abc123?x=1", "https://hook.eu1.make.com/…"),
            ("http://user:pw@localhost:9/p", "http://localhost:9/…"),
            ("http://localhost:9", "http://localhost:9"),
            ("https://e.org?secret=1", "https://e.org/…"),
            ("secret", "…"),
        ] {
            assert_eq!(masked_url(url), shown);
        }
    }

    #[test]
    fn make_is_known_by_its_hosts() {
        for (url, make) in [
            ("https://hook.eu1.make.com/abc", true),
            ("https://HOOK.us2.MAKE.com:443/abc", true),
            ("https://hook.us1.make.celonis.com/abc", true),
            ("https://hook.integromat.com/abc", true),
            ("https://make.com.example.org/abc", false),
            ("https://notmake.com/", false),
            ("http://127.0.0.1:9/make.com", false),
        ] {
            assert_eq!(is_make_host(url), make, "{url}");
        }
    }
}
