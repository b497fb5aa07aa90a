//! What somebody asks of a webhook: a JSON object read into checked, optional properties.
//!
//! A URL, a header's value and a secret never stand in a message. Must not know which webhooks
//! there are, nor which addresses they may reach.

use std::fmt;

use serde_json::{Map, Value};

use super::event::{EventKind, Origin};
use super::fields::{self, Invalid, is_empty, optional, shown_key};
use super::input::tag;
use super::names::Named;
use super::receiver;
use super::task::{Priority, Status};
use super::webhook::{Filter, MAX_ATTEMPTS, OnReject, Payload, Profile, TIMEOUT_SECONDS, Webhook};
use crate::secret::Secret;

const FIELDS: &str = "url, events, source, description, headers, secret, payload, filter, \
                      ignoreOrigin, profile, ratePerSecond, timeoutSeconds, maxAttempts, onReject";
const FILTERS: &str = "type, category, status, priority, tag";
/// What stands for a header's value where the webhook is shown.
pub const MASKED: &str = "…";
const HEADERS_MOST: usize = 20;
const DESCRIPTION_MOST: usize = 500;
/// Entries of a list in a filter, and of `ignoreOrigin`.
const LIST_MOST: usize = 50;

/// The properties that a request names; `None` = not named: unchanged, or the default of a new one.
#[derive(Clone, Default)]
pub struct WebhookInput {
    /// Checked in its form.
    pub url: Option<String>,
    /// Never empty.
    pub events: Option<Vec<EventKind>>,
    /// `Some(None)` clears it, here and below.
    pub source: Option<Option<String>>,
    /// A line for people.
    pub description: Option<Option<String>>,
    /// Name and value; a value of `None` keeps the stored one.
    pub headers: Option<Vec<(String, Option<String>)>>,
    /// `Some(None)`: asked for none, so one is made.
    pub secret: Option<Option<Secret>>,
    /// The body that it gets.
    pub payload: Option<Payload>,
    /// The whole filter.
    pub filter: Option<Filter>,
    /// Without duplicates.
    pub ignore_origin: Option<Vec<Origin>>,
    /// What is known of the receiver.
    pub profile: Option<Profile>,
    /// 1 to 1000.
    pub rate_per_second: Option<Option<u32>>,
    /// 1 to 30.
    pub timeout_seconds: Option<u32>,
    /// 1 to 20.
    pub max_attempts: Option<u32>,
    /// What becomes of a task whose event was rejected.
    pub on_reject: Option<OnReject>,
}

/// Shows nothing: most of it is secret.
impl fmt::Debug for WebhookInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookInput").finish_non_exhaustive()
    }
}

impl WebhookInput {
    /// Reads the properties of a webhook. `secret` checks one; its sentence stands after the name.
    ///
    /// # Errors
    /// The first property that breaks a rule, or that is none.
    pub fn parse(
        body: &Map<String, Value>,
        secret: &dyn Fn(&str) -> Result<Secret, String>,
    ) -> Result<WebhookInput, Invalid> {
        let mut input = WebhookInput::default();
        for (key, value) in body {
            let field = key.as_str();
            match field {
                "url" => input.url = Some(url(value)?),
                "events" => input.events = Some(events(field, value)?),
                "source" => input.source = Some(optional(value, |v| source(field, v))?),
                "description" => {
                    input.description = Some(optional(value, |v| {
                        fields::sized(field, fields::string(field, v)?, 1, DESCRIPTION_MOST)
                    })?);
                }
                "headers" => input.headers = Some(headers(field, value)?),
                "secret" => {
                    input.secret = Some(optional(value, |v| {
                        let wrong = |why| Invalid::new(field, why);
                        secret(v.as_str().unwrap_or_default()).map_err(wrong)
                    })?);
                }
                "payload" => {
                    input.payload = Some(or(field, value, Payload::ALL, Payload::Full)?);
                }
                "filter" => input.filter = Some(filter(field, value)?),
                "ignoreOrigin" => {
                    let read =
                        |place: &str, v: &Value| Origin::parse(place, fields::string(place, v)?);
                    input.ignore_origin = Some(list(field, value, read)?);
                }
                "profile" => {
                    input.profile = Some(or(field, value, Profile::ALL, Profile::Auto)?);
                }
                "ratePerSecond" => {
                    input.rate_per_second =
                        Some(optional(value, |v| fields::number(field, v, 1, 1_000))?);
                }
                "timeoutSeconds" => {
                    let number = optional(value, |v| fields::number(field, v, 1, 30))?;
                    input.timeout_seconds = Some(number.unwrap_or(TIMEOUT_SECONDS));
                }
                "maxAttempts" => {
                    let number = optional(value, |v| fields::number(field, v, 1, 20))?;
                    input.max_attempts = Some(number.unwrap_or(MAX_ATTEMPTS));
                }
                "onReject" => {
                    input.on_reject = Some(or(field, value, OnReject::ALL, OnReject::Skip)?);
                }
                _ => {
                    return Err(Invalid::new(
                        shown_key(field),
                        format!("is not a property of a webhook; these are: {FIELDS}"),
                    ));
                }
            }
        }
        Ok(input)
    }

    /// A new webhook; `made` is its secret if it brings none.
    ///
    /// # Errors
    /// It has no URL, or masked headers.
    pub fn create(self, id: String, made: Secret) -> Result<Webhook, Invalid> {
        let Some(url) = self.url.clone() else {
            return Err(Invalid::new("url", "is required: where to send, http or https"));
        };
        let blank = Webhook {
            secret: Some(self.secret.clone().flatten().unwrap_or(made)),
            ..Webhook::new(id, url)
        };
        self.apply(&blank)
    }

    /// A webhook with the named properties changed; but its secret, which is rotated, not changed.
    ///
    /// # Errors
    /// A header's value is masked and none is stored under its name.
    pub fn apply(self, before: &Webhook) -> Result<Webhook, Invalid> {
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

/// One of a closed set; `null` and `""` are the default.
fn or<T: Copy>(field: &str, value: &Value, all: &[(&str, T)], default: T) -> Result<T, Invalid> {
    if is_empty(value) { Ok(default) } else { fields::choice(field, value, all) }
}

fn url(value: &Value) -> Result<String, Invalid> {
    let wrong = |why| Invalid::new("url", why);
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
    for (n, entry) in fields::array(field, value, LIST_MOST)?.iter().enumerate() {
        let kind = fields::choice(&format!("{field}[{n}]"), entry, &known)?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(if kinds.is_empty() { EventKind::OF_TASKS.to_vec() } else { kinds })
}

fn source(field: &str, value: &Value) -> Result<String, Invalid> {
    let text = fields::string(field, value)?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if (1..=40).contains(&text.len()) && text.chars().all(allowed) {
        return Ok(text.to_owned());
    }
    let shown = super::quoted(value);
    let what = "is not a label; 1 to 40 of a-z, 0-9, _ and - are allowed, e.g. \"make\"";
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
    let mut filter = Filter::default();
    if is_empty(value) {
        return Ok(filter);
    }
    for (key, value) in fields::object(field, value)? {
        let place = format!("{field}.{key}");
        match key.as_str() {
            "type" => filter.r#type = list(&place, value, fields::label)?,
            "category" => filter.category = list(&place, value, fields::label)?,
            "status" => {
                filter.status = list(&place, value, name_of::<Status>)?;
            }
            "priority" => {
                filter.priority = list(&place, value, name_of::<Priority>)?;
            }
            "tag" => filter.tag = list(&place, value, tag)?,
            _ => {
                return Err(Invalid::new(
                    shown_key(&place),
                    format!("is not a part of a filter; these are: {FILTERS}"),
                ));
            }
        }
    }
    Ok(filter)
}

fn name_of<T: Named>(field: &str, value: &Value) -> Result<String, Invalid> {
    fields::choice(field, value, T::ALL).map(|found| found.as_str().to_owned())
}

/// An array, or a single value in its place; without duplicates.
fn list<T: PartialEq>(
    field: &str,
    value: &Value,
    read: impl Fn(&str, &Value) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    if value.is_string() && !is_empty(value) {
        return Ok(vec![read(field, value)?]);
    }
    let mut found = Vec::new();
    for (n, entry) in fields::array(field, value, LIST_MOST)?.iter().enumerate() {
        let entry = read(&format!("{field}[{n}]"), entry)?;
        if !found.contains(&entry) {
            found.push(entry);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
