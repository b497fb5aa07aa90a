//! What somebody asks of a webhook: a JSON object read into checked, optional properties.
//!
//! A URL, a header's value and a secret never stand in a message. Must not know which webhooks
//! there are, nor which addresses they may reach.

use std::fmt;

use serde_json::Value;
use utoipa::ToSchema;

use super::body::{Unknown, body};
use super::event::Origin;
use super::fields::{self, Invalid, is_empty, list, optional};
use super::forms::{HeaderKey, HeaderText, OriginName, TaskEventKind};
use super::kind::EventKind;
use super::limits::{LABEL, LINE};
use super::names::Named;
use super::receiver;
use super::webhook::{
    Filter, MAX_ATTEMPTS, MAX_ATTEMPTS_MOST, OnReject, Payload, Profile, TIMEOUT_SECONDS,
    TIMEOUT_SECONDS_MOST, Webhook,
};
use crate::secret::Secret;
use crate::signature;

/// What stands for a header's value where the webhook is shown.
pub(crate) const MASKED: &str = "…";
const HEADERS_MOST: usize = 20;

body! {
    /// What may be sent to make or change a webhook. What is left out stays as it is; `null` or `""` is
    /// the default.
    pub(crate) struct WebhookInput(_unknown): "a property of a webhook; these are:" {
        /// Where to send: http or https, up to 2048 characters. Required for a new webhook.
        #[schema(nullable = false, format = "webhook-url", example = "https://hook.eu1.make.com/abc")]
        "url" url: Option<String> = url,
        /// Which kinds of events; all four if it is left out or empty.
        #[schema(value_type = Option<Vec<TaskEventKind>>, example = json!(["task_created", "task_status_changed"]))]
        "events" events: Option<Vec<EventKind>> = events,
        /// Who makes it: 1 to 40 of `[a-z0-9_-]`.
        #[schema(value_type = Option<String>, format = "origin", example = "make")]
        "source" source: Option<Option<String>> = optional(source),
        /// Up to 500 characters.
        #[schema(value_type = Option<String>, format = "line", example = "New tasks to the sales scenario")]
        "description" description: Option<Option<String>> = optional(fields::text::<LINE>),
        /// Sent with every request, up to 20. Never shown again. A change replaces all of them: one that it does
        /// not name is gone, and `…` as a value keeps the stored one.
        // A value of `None` keeps the stored one.
        #[schema(value_type = Option<BTreeMap<HeaderKey, HeaderText>>, example = json!({"x-team": "sales"}))]
        "headers" headers: Option<Vec<(String, Option<String>)>> = headers,
        /// `whsec_` and 24 to 64 bytes in base64; one is made if it is left out.
        #[schema(value_type = Option<String>, format = "secret")]
        "secret" secret: Option<Option<Secret>> = optional(secret),
        /// `full` if it is left out.
        "payload" payload: Option<Payload> = or(Payload::Full, fields::named),
        /// Which tasks: lists of types, categories, statuses, priorities and tags. A change replaces the whole
        /// filter: a list that it does not name is gone.
        "filter" filter: Option<Filter> = filter,
        /// Changes from these origins are not sent.
        #[schema(value_type = Option<Vec<OriginName>>, example = json!(["make"]))]
        "ignoreOrigin" ignore_origin: Option<Vec<Origin>> = list(origin),
        /// `auto` if it is left out.
        "profile" profile: Option<Profile> = or(Profile::Auto, fields::named),
        /// 1 to 1000; null = as the profile says.
        #[schema(value_type = Option<u32>, minimum = 1, maximum = 1000, example = 10)]
        "ratePerSecond" rate_per_second: Option<Option<u32>> = optional(fields::number::<1, 1_000>),
        /// 1 to 30; 10 if it is left out.
        #[schema(minimum = 1, maximum = 30, example = 10)]
        "timeoutSeconds" timeout_seconds: Option<u32> = or(TIMEOUT_SECONDS, fields::number::<1, TIMEOUT_SECONDS_MOST>),
        /// 1 to 20; 3 if it is left out.
        #[schema(minimum = 1, maximum = 20, example = 3)]
        "maxAttempts" max_attempts: Option<u32> = or(MAX_ATTEMPTS, fields::number::<1, MAX_ATTEMPTS_MOST>),
        /// `skip` if it is left out.
        "onReject" on_reject: Option<OnReject> = or(OnReject::Skip, fields::named),
    }
}

/// Shows nothing: most of it is secret.
impl fmt::Debug for WebhookInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookInput").finish_non_exhaustive()
    }
}

/// A new webhook: as a change, with a URL.
#[derive(ToSchema)]
pub(crate) struct NewWebhook {
    #[serde(flatten)]
    rest: WebhookInput,
    /// Where to send: http or https, up to 2048 characters.
    #[schema(format = "webhook-url", example = "https://hook.eu1.make.com/abc")]
    pub(crate) url: String,
}

impl TryFrom<WebhookInput> for NewWebhook {
    type Error = Invalid;

    fn try_from(mut rest: WebhookInput) -> Result<NewWebhook, Invalid> {
        let url = rest.url.take();
        let url =
            url.ok_or_else(|| Invalid::new("url", "is required: where to send, http or https"))?;
        Ok(NewWebhook { rest, url })
    }
}

impl NewWebhook {
    /// The webhook; `made` is its secret if it brings none.
    ///
    /// # Errors
    /// A header is masked.
    pub(crate) fn create(mut self, id: String, made: Secret) -> Result<Webhook, Invalid> {
        let secret = Some(self.rest.secret.take().flatten().unwrap_or(made));
        self.rest.apply(&Webhook { secret, ..Webhook::new(id, self.url) })
    }
}

/// A change of a webhook. Its secret can be another one, but not taken away.
#[derive(Clone, ToSchema)]
pub(crate) struct WebhookChange {
    #[serde(flatten)]
    rest: WebhookInput,
    /// `whsec_` and 24 to 64 bytes in base64.
    #[schema(value_type = Option<String>, nullable = false, format = "secret")]
    pub(crate) secret: Option<Secret>,
}

impl TryFrom<WebhookInput> for WebhookChange {
    type Error = Invalid;

    fn try_from(mut rest: WebhookInput) -> Result<WebhookChange, Invalid> {
        match rest.secret.take() {
            Some(None) => Err(Invalid::new(
                "secret",
                "is empty, but every webhook has one: name another, or have one made with \
                 POST /api/webhooks/{id}/rotate-secret",
            )),
            secret => Ok(WebhookChange { rest, secret: secret.flatten() }),
        }
    }
}

impl WebhookChange {
    /// The URL that it asks for.
    pub(crate) fn url(&self) -> Option<&str> {
        self.rest.url.as_deref()
    }

    /// A webhook with the named properties changed; but its secret, which is rotated, not changed.
    ///
    /// # Errors
    /// A header's value is masked and none is stored under its name.
    pub(crate) fn apply(self, before: &Webhook) -> Result<Webhook, Invalid> {
        self.rest.apply(before)
    }
}

impl WebhookInput {
    fn apply(self, before: &Webhook) -> Result<Webhook, Invalid> {
        let headers = match self.headers {
            None => before.headers.clone(),
            Some(named) => named
                .into_iter()
                .map(|(name, value)| {
                    let stored = || before.headers.iter().find(|(known, _)| *known == name);
                    let value = value.or_else(|| stored().map(|(_, value)| value.clone()));
                    let missing = || {
                        Invalid::new(
                            format!("headers.{name}"),
                            "is masked (…) and no value is stored under this name: give its value",
                        )
                    };
                    let value = value.ok_or_else(missing)?;
                    Ok((name, value))
                })
                .collect::<Result<_, Invalid>>()?,
        };
        Ok(Webhook {
            id: before.id.clone(),
            url: self.url.unwrap_or_else(|| before.url.clone()),
            events: self.events.unwrap_or_else(|| before.events.clone()),
            source: self.source.unwrap_or_else(|| before.source.clone()),
            description: self.description.unwrap_or_else(|| before.description.clone()),
            headers,
            secret: before.secret.clone(),
            old_secret: before.old_secret.clone(),
            payload: self.payload.unwrap_or(before.payload),
            filter: self.filter.unwrap_or_else(|| before.filter.clone()),
            ignore_origin: self.ignore_origin.unwrap_or_else(|| before.ignore_origin.clone()),
            profile: self.profile.unwrap_or(before.profile),
            rate_per_second: self.rate_per_second.unwrap_or(before.rate_per_second),
            timeout_seconds: self.timeout_seconds.unwrap_or(before.timeout_seconds),
            max_attempts: self.max_attempts.unwrap_or(before.max_attempts),
            on_reject: self.on_reject.unwrap_or(before.on_reject),
        })
    }
}

/// Reads the default from what is empty, and all else as `read` does.
fn or<T: Copy>(
    default: T,
    read: impl Fn(&str, &Value) -> Result<T, Invalid>,
) -> impl Fn(&str, &Value) -> Result<T, Invalid> {
    move |field, value| if is_empty(value) { Ok(default) } else { read(field, value) }
}

fn secret(field: &str, value: &Value) -> Result<Secret, Invalid> {
    signature::parse(value.as_str().unwrap_or_default()).map_err(|why| Invalid::new(field, why))
}

fn origin(field: &str, value: &Value) -> Result<Origin, Invalid> {
    Origin::parse(field, fields::string(field, value)?)
}

fn url(field: &str, value: &Value) -> Result<String, Invalid> {
    let wrong = |why| Invalid::new(field, why);
    if is_empty(value) {
        return Err(wrong("is empty; it is where to send, http or https".to_owned()));
    }
    // What is no string is not shown either: it may hold the URL.
    let text = value
        .as_str()
        .ok_or_else(|| wrong("must be a string, an http or https address".to_owned()))?;
    receiver::url(text).map_err(wrong)
}

fn events(field: &str, value: &Value) -> Result<Vec<EventKind>, Invalid> {
    let known = EventKind::OF_TASKS.map(|kind| (kind.as_str(), kind));
    let mut kinds = Vec::new();
    for (n, entry) in fields::array(field, value, fields::LIST_MOST)?.iter().enumerate() {
        let kind = fields::choice(&format!("{field}[{n}]"), entry, &known)?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(if kinds.is_empty() { EventKind::OF_TASKS.to_vec() } else { kinds })
}

fn source(field: &str, value: &Value) -> Result<String, Invalid> {
    let text = fields::string(field, value)?;
    if fields::is_word(text, LABEL, fields::is_small) {
        return Ok(text.to_owned());
    }
    let (shown, most) = (super::quoted(value), LABEL);
    let what =
        format!("is not a label; 1 to {most} of a-z, 0-9, _ and - are allowed, e.g. \"make\"");
    Err(Invalid::new(field, format!("{shown} {what}")))
}

/// Values are secrets, so nothing of them is shown, whatever they are.
fn headers(field: &str, value: &Value) -> Result<Vec<(String, Option<String>)>, Invalid> {
    if is_empty(value) {
        return Ok(Vec::new());
    }
    let wrong = |why: String| Invalid::new(field, why);
    let entries = value.as_object().ok_or_else(|| {
        wrong("must be an object of names and values, {\"x-make-apikey\": \"…\"}".to_owned())
    })?;
    if entries.len() > HEADERS_MOST {
        let found = entries.len();
        return Err(wrong(format!("has {found} entries; up to {HEADERS_MOST} are allowed")));
    }
    let mut headers: Vec<(String, Option<String>)> = Vec::new();
    for (name, value) in entries {
        let name = receiver::header_name(name).map_err(wrong)?;
        if headers.iter().any(|(known, _)| *known == name) {
            return Err(wrong(format!("names {name} twice: write it once")));
        }
        let text = value.as_str().ok_or_else(|| {
            wrong(format!("has a value for {name} that is no string: write it in quotes"))
        })?;
        if text == MASKED {
            headers.push((name, None));
            continue;
        }
        receiver::check_header_value(&name, text).map_err(wrong)?;
        headers.push((name, Some(text.to_owned())));
    }
    Ok(headers)
}

fn filter(field: &str, value: &Value) -> Result<Filter, Invalid> {
    if is_empty(value) {
        return Ok(Filter::default());
    }
    Filter::read(fields::object(field, value)?, &format!("{field}."), Unknown::Refused)
}

#[cfg(test)]
mod tests;
