//! What a sender asks of a task: the fields that a request names.
//!
//! Must not know which fields a task has already, nor decide what changes: that is `Task::apply`.

use std::borrow::Cow;

use serde_json::Value;
use utoipa::ToSchema;

use super::address::{encoded_url, is_of_the_web};
use super::body::{Ignored, Unknown, body};
use super::fields::{self, Invalid, optional};
use super::forms::Tag;
use super::limits::{DESCRIPTION, ID, LINE, LINK, MEDIA_TYPE, TAG};
use super::status::{Priority, Status};
use super::text::composed;
use super::time::Time;

body! {
    /// What may be sent to make or change a task. Fields that are left out stay as they are; `null` or
    /// `""` clears what may be empty.
    #[derive(Debug, PartialEq, Eq)]
    pub(crate) struct TaskInput(unknown): "a field of a task; the fields are" {
        /// 1 to 500 characters after trimming. Required for a new task.
        #[schema(nullable = false, format = "title", example = "Send the offer")]
        "title" title: Option<String> = fields::title,
        /// Up to 64 KiB.
        #[schema(value_type = Option<String>, format = "description", example = "Two pages, with prices")]
        "description" description: Option<Option<String>> = optional(description),
        /// A label: 1 to 40 of `[A-Z0-9_]`.
        #[schema(value_type = Option<String>, format = "label", example = "WRITING")]
        "type" r#type: Option<Option<String>> = optional(fields::label),
        /// A label: 1 to 40 of `[A-Z0-9_]`.
        #[schema(value_type = Option<String>, format = "label", example = "WORK")]
        "category" category: Option<Option<String>> = optional(fields::label),
        /// Where it stands.
        #[schema(nullable = false)]
        "status" status: Option<Status> = fields::named::<Status>,
        /// How much it matters.
        #[schema(nullable = false)]
        "priority" priority: Option<Priority> = fields::named::<Priority>,
        /// RFC 3339 with any offset, or a plain date (midnight UTC).
        #[schema(value_type = Option<String>, format = "moment", example = "2026-03-01T10:00:00+01:00")]
        "dueDate" due_date: Option<Option<Time>> = optional(fields::time),
        /// Up to 50, each 1 to 64 characters after trimming; duplicates are dropped.
        #[schema(value_type = Option<Vec<Tag>>, example = json!(["sales", "q1"]))]
        "tags" tags: Option<Vec<String>> = tags,
        /// Up to 50. A missing `id` or `uploadedAt` is filled in.
        "attachments" attachments: Option<Vec<AttachmentInput>> =
            |place: &str, value: &Value| attachments(place, value, unknown),
        /// Ignored, so that a task that was read can be written back.
        #[schema(value_type = Option<Value>, nullable = false)]
        "id" id: Ignored = Ignored::read,
        /// Ignored.
        #[schema(value_type = Option<Value>, nullable = false)]
        "createdAt" created_at: Ignored = Ignored::read,
        /// Ignored.
        #[schema(value_type = Option<Value>, nullable = false)]
        "updatedAt" updated_at: Ignored = Ignored::read,
    }
}

body! {
    /// A link to hang on a task.
    #[derive(Debug, PartialEq, Eq)]
    pub(crate) struct AttachmentInput(unknown): "a field of an attachment; the fields are" {
        /// Made by the server if it is left out.
        #[schema(format = "attachment-id", example = "att_7x2m9qk")]
        "id" id: Option<String> = optional(fields::text::<ID>),
        /// What a person sees: 1 to 500 characters.
        #[schema(format = "line", example = "offer.pdf")]
        "name" name: String = or_none(fields::text::<LINE>),
        /// Where the file is: http or https.
        #[schema(format = "link", example = "https://files.example.com/offer.pdf")]
        "url" url: String = or_none(link),
        /// Its media type.
        #[schema(format = "media-type", example = "application/pdf")]
        "type" r#type: Option<String> = optional(fields::text::<MEDIA_TYPE>),
        /// Bytes.
        #[schema(maximum = 9_007_199_254_740_991_u64, example = 48213)]
        "size" size: Option<u64> = optional(size),
        /// Now, if it is left out.
        #[schema(value_type = Option<String>, format = "moment", example = "2026-03-01T09:00:00Z")]
        "uploadedAt" uploaded_at: Option<Time> = optional(fields::time),
    }
}

/// A new task: as a change, with a title.
#[derive(Clone, Debug, ToSchema)]
pub(crate) struct NewTask {
    #[serde(flatten)]
    pub(super) rest: TaskInput,
    /// 1 to 500 characters after trimming.
    #[schema(format = "title", example = "Send the offer")]
    pub(crate) title: String,
}

impl TryFrom<TaskInput> for NewTask {
    type Error = Invalid;

    fn try_from(mut rest: TaskInput) -> Result<NewTask, Invalid> {
        let title = rest.title.take();
        let title = title.ok_or_else(|| {
            Invalid::missing("title", format!("is required: 1 to {LINE} characters"))
        })?;
        Ok(NewTask { rest, title })
    }
}

fn description(field: &str, value: &Value) -> Result<String, Invalid> {
    let text = fields::string(field, value)?;
    if text.len() > DESCRIPTION {
        let found = text.len();
        return Err(Invalid::new(
            field,
            format!("has {found} bytes; up to {DESCRIPTION} (64 KiB) are allowed"),
        ));
    }
    Ok(text.to_owned())
}

/// One tag, without blanks around it, as lists are asked for it.
pub(super) fn tag(field: &str, value: &Value) -> Result<String, Invalid> {
    fields::sized(field, fields::string(field, value)?.trim(), 1, TAG)
}

/// Tags without duplicates, of which the first stays as it is written. What is one to a search or a filter is one here,
/// too, however its letters are composed.
fn tags(field: &str, value: &Value) -> Result<Vec<String>, Invalid> {
    let mut tags: Vec<String> = Vec::new();
    // The same composed: once each, not once for each that it is held against.
    let mut seen: Vec<Cow<'_, str>> = Vec::new();
    for (n, entry) in fields::array(field, value, usize::MAX)?.iter().enumerate() {
        let place = format!("{field}[{n}]");
        let tag = tag(&place, entry)?;
        let letters = composed(entry.as_str().unwrap_or_default().trim());
        if !seen.contains(&letters) {
            seen.push(letters);
            tags.push(tag);
        }
        if tags.len() > fields::LIST_MOST {
            let most = fields::LIST_MOST;
            let why = format!("has more than {most} different entries; up to {most} are allowed");
            return Err(Invalid::new(field, why));
        }
    }
    Ok(tags)
}

fn attachments(
    field: &str,
    value: &Value,
    unknown: Unknown,
) -> Result<Vec<AttachmentInput>, Invalid> {
    let entries = fields::array(field, value, fields::LIST_MOST)?.iter().enumerate();
    entries.map(|(n, entry)| attachment(&format!("{field}[{n}]"), entry, unknown)).collect()
}

fn attachment(field: &str, value: &Value, unknown: Unknown) -> Result<AttachmentInput, Invalid> {
    let body = fields::object(field, value)?;
    let read = AttachmentInput::read(body, &format!("{field}."), unknown)?;
    for (key, text) in [("url", &read.url), ("name", &read.name)] {
        if text.is_empty() {
            return Err(Invalid::new(format!("{field}.{key}"), "is required in an attachment"));
        }
    }
    Ok(read)
}

/// Empty for what is empty: that it is needed is said of the whole.
fn or_none(
    read: impl Fn(&str, &Value) -> Result<String, Invalid>,
) -> impl Fn(&str, &Value) -> Result<String, Invalid> {
    move |field, value| optional(&read)(field, value).map(Option::unwrap_or_default)
}

fn link(field: &str, value: &Value) -> Result<String, Invalid> {
    let written = fields::text::<LINK>(field, value)?;
    let wrong = |why: &str| Invalid::new(field, format!("{} {why}", super::quoted(value)));
    let url = encoded_url(&written).map_err(&wrong)?;
    if !is_of_the_web(&url) {
        return Err(wrong("is not a link; write http:// or https:// and a host"));
    }
    fields::sized(field, &url, 1, LINK)
}

fn size(field: &str, value: &Value) -> Result<u64, Invalid> {
    fields::whole(value).filter(|n| *n < 1 << 53).ok_or_else(|| {
        let shown = super::quoted(value);
        let how = if value.is_string() { ", written without quotes" } else { "" };
        let what = format!("{shown} is not a whole number of bytes{how} (0 to 9007199254740991)");
        Invalid::new(field, what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "so that json!() can stand in the call")]
    fn parse(body: Value, unknown: Unknown) -> Result<TaskInput, Invalid> {
        TaskInput::read(body.as_object().unwrap(), "", unknown)
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
        let found = parse(json!({"tags": [" a b", "a b\u{a0}", "\tc"]}), Unknown::Refused).unwrap();
        assert_eq!(found.tags.unwrap(), ["a b", "c"]);
        assert_eq!(refused(json!({"tags": ["a", 5]})).field, "tags[1]");
        assert_eq!(refused(json!({"tags": [" "]})).field, "tags[0]");
        let many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
        assert_eq!(refused(json!({"tags": many})).field, "tags");
    }

    #[test]
    fn tags_of_the_same_letters_are_one_as_the_first_is_written() {
        for (sent, kept) in [
            (json!(["e\u{301}cole", "\u{e9}cole"]), vec!["e\u{301}cole"]),
            (json!([" \u{e9}cole ", "x", "e\u{301}cole"]), vec!["\u{e9}cole", "x"]),
            (
                json!(["ecole", "\u{e9}cole", "\u{c9}cole"]),
                vec!["ecole", "\u{e9}cole", "\u{c9}cole"],
            ),
        ] {
            let found = parse(json!({"tags": sent}), Unknown::Refused).unwrap();
            assert_eq!(found.tags.unwrap(), kept, "{sent}");
        }
        // What is left out does not count.
        let both = ["e\u{301}", "\u{e9}"].into_iter().cycle();
        let many: Vec<&str> = both.take(2 * fields::LIST_MOST).collect();
        let found = parse(json!({"tags": many}), Unknown::Refused).unwrap();
        assert_eq!(found.tags.unwrap(), ["e\u{301}"]);
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
            "https:///x",
            "http://?a",
            "http://:80/",
            "http://x:99999/",
            "http://x:http/",
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
