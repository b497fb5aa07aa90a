//! What a sender asks for: a JSON object read into checked, optional fields.
//!
//! Must not know which fields a task has already, nor decide what changes: that is `Task::apply`.

use serde_json::{Map, Value};

use super::address::encoded_url;
use super::fields::{self, Invalid, optional, shown_key};
use super::names::Named;
use super::task::{Priority, Status};
use super::time::Time;

/// What to do with a key that is not a field of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Our own API: a typing error must not pass silently.
    Refused,
    /// Incoming webhooks: other systems send more than we ask for.
    Ignored,
}

/// The fields that a request names; `None` = not named, so unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskInput {
    /// Trimmed, 1 to 500 characters.
    pub title: Option<String>,
    /// `Some(None)` clears it, here and below.
    pub description: Option<Option<String>>,
    /// A label.
    pub r#type: Option<Option<String>>,
    /// A label.
    pub category: Option<Option<String>>,
    /// One of the four.
    pub status: Option<Status>,
    /// One of the four.
    pub priority: Option<Priority>,
    /// To the millisecond.
    pub due_date: Option<Option<Time>>,
    /// Without duplicates, in the sender's order.
    pub tags: Option<Vec<String>>,
    /// In the sender's order.
    pub attachments: Option<Vec<AttachmentInput>>,
}

/// An attachment as it was sent, with what to fill in where the sender left something out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentInput {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) url: String,
    pub(super) r#type: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) uploaded_at: Option<Time>,
    pub(super) fresh_id: String,
    pub(super) fresh_time: Time,
}

/// Made by the server; ignored in a body, so that a task that was read can be written back.
const SERVER_MADE: [&str; 3] = ["id", "createdAt", "updatedAt"];
const FIELDS: &str =
    "title, description, type, category, status, priority, dueDate, tags, attachments";
const DESCRIPTION_MOST: usize = 64 * 1024;
/// The longest link, in characters.
const URL_MOST: usize = 4_096;

impl TaskInput {
    /// Reads the fields of a task. `prefix` is put before the names in messages (`task.`), `now`
    /// and `fresh_id` fill in what an attachment lacks.
    ///
    /// # Errors
    /// The first field that breaks a rule.
    pub fn parse(
        body: &Map<String, Value>,
        prefix: &str,
        unknown: Unknown,
        now: Time,
        fresh_id: &mut dyn FnMut() -> String,
    ) -> Result<TaskInput, Invalid> {
        let mut input = TaskInput::default();
        for (key, value) in body {
            let field = format!("{prefix}{key}");
            match key.as_str() {
                "title" => {
                    let text = fields::string(&field, value)?;
                    input.title = Some(fields::sized(&field, text.trim(), 1, 500)?);
                }
                "description" => {
                    input.description = Some(optional(value, |v| description(&field, v))?);
                }
                "type" => input.r#type = Some(optional(value, |v| fields::label(&field, v))?),
                "category" => input.category = Some(optional(value, |v| fields::label(&field, v))?),
                "status" => {
                    input.status = Some(fields::choice(&field, value, Status::ALL)?);
                }
                "priority" => {
                    input.priority = Some(fields::choice(&field, value, Priority::ALL)?);
                }
                "dueDate" => input.due_date = Some(optional(value, |v| fields::time(&field, v))?),
                "tags" => input.tags = Some(tags(&field, value)?),
                "attachments" => {
                    let entries = fields::array(&field, value, 50)?.iter().enumerate();
                    input.attachments = Some(
                        entries
                            .map(|(n, entry)| {
                                attachment(&format!("{field}[{n}]"), entry, unknown, now, fresh_id)
                            })
                            .collect::<Result<_, _>>()?,
                    );
                }
                known if SERVER_MADE.contains(&known) => {}
                _ if unknown == Unknown::Ignored => {}
                _ => {
                    return Err(Invalid::new(
                        shown_key(&field),
                        format!("is not a field of a task; the fields are {FIELDS}"),
                    ));
                }
            }
        }
        Ok(input)
    }
}

fn description(field: &str, value: &Value) -> Result<String, Invalid> {
    let text = fields::string(field, value)?;
    if text.len() > DESCRIPTION_MOST {
        let found = text.len();
        return Err(Invalid::new(
            field,
            format!("has {found} bytes; up to {DESCRIPTION_MOST} (64 KiB) are allowed"),
        ));
    }
    Ok(text.to_owned())
}

/// One tag.
pub(super) fn tag(field: &str, value: &Value) -> Result<String, Invalid> {
    fields::sized(field, fields::string(field, value)?, 1, 64)
}

fn tags(field: &str, value: &Value) -> Result<Vec<String>, Invalid> {
    let mut tags: Vec<String> = Vec::new();
    for (n, entry) in fields::array(field, value, usize::MAX)?.iter().enumerate() {
        let place = format!("{field}[{n}]");
        let tag = tag(&place, entry)?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        if tags.len() > 50 {
            return Err(Invalid::new(
                field,
                "has more than 50 different entries; up to 50 are allowed",
            ));
        }
    }
    Ok(tags)
}

fn attachment(
    field: &str,
    value: &Value,
    unknown: Unknown,
    now: Time,
    fresh_id: &mut dyn FnMut() -> String,
) -> Result<AttachmentInput, Invalid> {
    let body = fields::object(field, value)?;
    let at = |key: &str| format!("{field}.{key}");
    let known = ["id", "name", "url", "type", "size", "uploadedAt"];
    if unknown == Unknown::Refused
        && let Some(key) = body.keys().find(|key| !known.contains(&key.as_str()))
    {
        return Err(Invalid::new(
            shown_key(&at(key)),
            format!("is not a field of an attachment; the fields are {}", known.join(", ")),
        ));
    }
    let text = |key: &str, most: usize| -> Result<Option<String>, Invalid> {
        let value = body.get(key).unwrap_or(&Value::Null);
        optional(value, |v| fields::sized(&at(key), fields::string(&at(key), v)?, 1, most))
    };
    let needed = |key: &str, found: Option<String>| {
        found.ok_or_else(|| Invalid::new(at(key), "is required in an attachment"))
    };
    let written = needed("url", text("url", URL_MOST)?)?;
    let shown = || super::quoted(&Value::from(&*written));
    let url = encoded_url(&written)
        .map_err(|why| Invalid::new(at("url"), format!("{} {why}", shown())))?;
    if !is_link(&url) {
        return Err(Invalid::new(
            at("url"),
            format!("{} is not a link; write http:// or https:// and a host", shown()),
        ));
    }
    let url = fields::sized(&at("url"), &url, 1, URL_MOST)?;
    let size = optional(body.get("size").unwrap_or(&Value::Null), |v| {
        fields::whole(v).filter(|n| *n < 1 << 53).ok_or_else(|| {
            let shown = super::quoted(v);
            Invalid::new(
                at("size"),
                format!("{shown} is not a whole number of bytes (0 to 9007199254740991)"),
            )
        })
    })?;
    let uploaded_at = optional(body.get("uploadedAt").unwrap_or(&Value::Null), |v| {
        fields::time(&at("uploadedAt"), v)
    })?;
    Ok(AttachmentInput {
        id: text("id", 128)?,
        name: needed("name", text("name", 500)?)?,
        url,
        r#type: text("type", 255)?,
        size,
        uploaded_at,
        fresh_id: fresh_id(),
        fresh_time: now,
    })
}

/// An http or https address with a host.
fn is_link(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    known && !host.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "so that json!() can stand in the call")]
    fn parse(body: Value, unknown: Unknown) -> Result<TaskInput, Invalid> {
        let mut fresh = || "att_new".to_owned();
        TaskInput::parse(body.as_object().unwrap(), "", unknown, Time(0), &mut fresh)
    }

    fn refused(body: Value) -> Invalid {
        parse(body, Unknown::Refused).unwrap_err()
    }

    #[test]
    fn empty_means_null_where_null_may_be_and_is_refused_elsewhere() {
        let found =
            parse(json!({"description": "", "dueDate": "", "tags": ""}), Unknown::Refused).unwrap();
        assert_eq!((found.description, found.due_date), (Some(None), Some(None)));
        assert_eq!(found.tags, Some(vec![]));
        for (field, empty) in
            [("title", json!("")), ("status", json!("")), ("priority", Value::Null)]
        {
            assert_eq!(refused(json!({field: empty})).field, field);
        }
    }

    #[test]
    fn tags_lose_duplicates_and_keep_their_order() {
        let found = parse(json!({"tags": ["b", "a", "b"]}), Unknown::Refused).unwrap();
        assert_eq!(found.tags.unwrap(), ["b", "a"]);
        assert_eq!(refused(json!({"tags": ["a", 5]})).field, "tags[1]");
        let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
        assert_eq!(refused(json!({"tags": many})).field, "tags");
    }

    #[test]
    fn unknown_keys_are_named_or_ignored() {
        let found = refused(json!({"titel": "x"}));
        assert!(found.message.starts_with("titel is not a field of a task; the fields are title,"));
        assert!(parse(json!({"titel": "x"}), Unknown::Ignored).is_ok());
        let body = json!({"attachments": [{"name": "n", "url": "https://e.org", "kind": 1}]});
        assert_eq!(refused(body.clone()).field, "attachments[0].kind");
        assert!(parse(body, Unknown::Ignored).is_ok());
    }

    #[test]
    fn only_links_may_hang_on_a_task() {
        for url in [
            "javascript:alert(1)",
            "ftp://e.org/a",
            "https://",
            "http://?a",
            "http://x y/",
            "http://x/\ny",
            "x",
            "é",
        ] {
            let found = refused(json!({"attachments": [{"name": "n", "url": url}]}));
            assert_eq!(found.field, "attachments[0].url", "{url}");
        }
        let long = format!("https://e.org/{}", "ä".repeat(1_000));
        let found = refused(json!({"attachments": [{"name": "n", "url": long}]}));
        assert_eq!(
            found.message,
            "attachments[0].url has 6014 characters; 1 to 4096 characters are allowed"
        );
        let body = json!({"attachments": [{"name": "n", "url": "HTTPS://e.org/a", "size": -1}]});
        assert_eq!(refused(body).field, "attachments[0].size");
    }
}
