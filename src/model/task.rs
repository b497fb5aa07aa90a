//! Task: what it is, how it begins, and how a change is applied.
//!
//! Must not know how a task is stored or sent; the change rules here are the only ones there are.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fields::{self, Invalid};
use super::input::{AttachmentInput, NewTask, TaskInput};
use super::kind::EventKind;
use super::limits::ID;
use super::status::{Priority, Status};
use super::time::Time;

/// The id of a task: 1 to 128 of `[A-Za-z0-9_.:-]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct TaskId(pub(super) String);

impl TaskId {
    /// The id that another system gave a task, if it may be one. `.` and `..` are folders to whoever
    /// puts an address together, so nobody could reach their tasks.
    pub(crate) fn brought(text: &str) -> Option<TaskId> {
        TaskId::parse(text).ok().filter(|id| ![".", ".."].contains(&id.as_str()))
    }

    /// Checks an id that stands in an address or in the database.
    pub(crate) fn parse(text: &str) -> Result<TaskId, Invalid> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
        if fields::is_word(text, ID, allowed) {
            return Ok(TaskId(text.to_owned()));
        }
        let (shown, most) = (fields::quoted(&serde_json::Value::from(text)), ID);
        let what = format!("is not a task id; 1 to {most} of A-Z, a-z, 0-9, _ . : - are allowed");
        Err(Invalid::new("id", format!("{shown} {what}")))
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A link that hangs on a task. The file itself lies elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attachment {
    /// Given by the sender, or made by the server.
    #[schema(example = "att_7x2m9qk41b0z")]
    pub(crate) id: String,
    /// What a person sees.
    #[schema(example = "offer.pdf")]
    pub(crate) name: String,
    /// Where the file is: http or https.
    #[schema(example = "https://files.example.com/offer.pdf")]
    pub(crate) url: String,
    /// Its media type, where known.
    #[schema(required, example = "application/pdf")]
    pub(crate) r#type: Option<String>,
    /// Bytes, where known.
    #[schema(required, example = 48213)]
    pub(crate) size: Option<u64>,
    /// When it was added; RFC 3339 in UTC.
    #[schema(value_type = String, format = DateTime, example = "2026-03-01T09:00:00.000Z")]
    pub(crate) uploaded_at: Time,
}

/// A task as the API shows it. Every key is always there, `null` where empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Task {
    /// Made by the server, or brought by an incoming webhook.
    #[schema(value_type = String, example = "task_1765216530445_che0wi9")]
    pub(crate) id: TaskId,
    /// 1 to 500 characters.
    #[schema(example = "Send the offer")]
    pub(crate) title: String,
    /// Up to 64 KiB.
    #[schema(required, example = "Two pages, with prices")]
    pub(crate) description: Option<String>,
    /// A label: 1 to 40 of `[A-Z0-9_]`.
    #[schema(required, example = "WRITING")]
    pub(crate) r#type: Option<String>,
    /// A label: 1 to 40 of `[A-Z0-9_]`.
    #[schema(required, example = "WORK")]
    pub(crate) category: Option<String>,
    /// Where it stands.
    pub(crate) status: Status,
    /// How much it matters.
    pub(crate) priority: Priority,
    /// RFC 3339 in UTC with milliseconds.
    #[schema(required, value_type = Option<String>, format = DateTime, example = "2026-03-01T09:00:00.000Z")]
    pub(crate) due_date: Option<Time>,
    /// Up to 50, each 1 to 64 characters.
    #[schema(example = json!(["sales", "q1"]))]
    pub(crate) tags: Vec<String>,
    /// Up to 50.
    pub(crate) attachments: Vec<Attachment>,
    /// Made by the server.
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:30.445Z")]
    pub(crate) created_at: Time,
    /// Made by the server.
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:30.445Z")]
    pub(crate) updated_at: Time,
}

impl Task {
    /// A new task from what was asked for; `fresh` makes ids for its attachments.
    pub(crate) fn create(
        id: TaskId,
        new: NewTask,
        now: Time,
        fresh: &mut dyn FnMut() -> String,
    ) -> Task {
        let NewTask { rest: input, title } = new;
        let links = input.attachments.unwrap_or_default();
        Task {
            id,
            title,
            description: input.description.flatten(),
            r#type: input.r#type.flatten(),
            category: input.category.flatten(),
            status: input.status.unwrap_or_default(),
            priority: input.priority.unwrap_or_default(),
            due_date: input.due_date.flatten(),
            tags: input.tags.unwrap_or_default(),
            attachments: attachments(links, &[], now, fresh),
            created_at: now,
            updated_at: now,
        }
    }

    /// Bytes that it takes as JSON, at most.
    pub(crate) fn size(&self) -> usize {
        let tags: usize = self.tags.iter().map(|tag| written(tag)).sum();
        let links = self.attachments.iter().map(|a| {
            let kind = a.r#type.as_deref().map_or(0, written);
            192 + written(&a.id) + written(&a.name) + written(&a.url) + kind
        });
        let texts = [&self.description, &self.r#type, &self.category];
        let texts = texts.into_iter().flatten().map(|text| written(text));
        let named = written(self.id.as_str()) + written(&self.title);
        512 + named + tags + links.sum::<usize>() + texts.sum::<usize>()
    }

    /// The task after a change, and the event that tells of it; `None` if nothing changes.
    ///
    /// Fields that the input does not name stay. `updated_at` never goes back, even if the clock
    /// does, so that a late echo can be told from news.
    pub(crate) fn apply(
        &self,
        input: TaskInput,
        now: Time,
        fresh: &mut dyn FnMut() -> String,
    ) -> Option<(Task, EventKind)> {
        let mut new = self.clone();
        set(&mut new.title, input.title);
        set(&mut new.description, input.description);
        set(&mut new.r#type, input.r#type);
        set(&mut new.category, input.category);
        set(&mut new.status, input.status);
        set(&mut new.priority, input.priority);
        set(&mut new.due_date, input.due_date);
        set(&mut new.tags, input.tags);
        let links = input.attachments;
        let links = links.map(|links| attachments(links, &self.attachments, now, fresh));
        set(&mut new.attachments, links);
        if new == *self {
            return None;
        }
        let kind =
            if new.status == self.status { EventKind::Updated } else { EventKind::StatusChanged };
        new.updated_at = now.max(self.updated_at);
        Some((new, kind))
    }
}

/// Bytes that a text takes in JSON, at most: a control character becomes `\u0000`.
fn written(text: &str) -> usize {
    let each = text.bytes().map(|byte| match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    });
    3 + each.sum::<usize>()
}

fn set<T>(field: &mut T, asked: Option<T>) {
    if let Some(value) = asked {
        *field = value;
    }
}

/// Fills what the sender left out: from the stored attachment with the same link if there is one,
/// so that writing the same list twice changes nothing.
fn attachments(
    asked: Vec<AttachmentInput>,
    stored: &[Attachment],
    now: Time,
    fresh: &mut dyn FnMut() -> String,
) -> Vec<Attachment> {
    let named: Vec<String> = asked.iter().filter_map(|new| new.id.clone()).collect();
    let mut known: Vec<&Attachment> = stored.iter().collect();
    asked
        .into_iter()
        .map(|new| {
            let twin = known
                .iter()
                .position(|old| match &new.id {
                    Some(id) => *id == old.id,
                    None => old.url == new.url && !named.contains(&old.id),
                })
                .map(|at| known.remove(at));
            Attachment {
                id: new.id.or(twin.map(|t| t.id.clone())).unwrap_or_else(&mut *fresh),
                name: new.name,
                url: new.url,
                r#type: new.r#type,
                size: new.size,
                uploaded_at: new.uploaded_at.or(twin.map(|t| t.uploaded_at)).unwrap_or(now),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Named, Unknown};
    use serde_json::json;

    const NOW: Time = Time(1_765_216_530_445);

    #[expect(clippy::needless_pass_by_value, reason = "so that json!() can stand in the call")]
    fn input(body: serde_json::Value) -> TaskInput {
        TaskInput::read(body.as_object().unwrap(), "", Unknown::Refused).unwrap()
    }

    fn fresh() -> impl FnMut() -> String {
        let mut n = 0;
        move || {
            n += 1;
            format!("att_{n}")
        }
    }

    fn made(body: serde_json::Value) -> Task {
        let new = NewTask::try_from(input(body)).unwrap();
        Task::create(TaskId::parse("t1").unwrap(), new, NOW, &mut fresh())
    }

    fn applied(body: serde_json::Value, now: Time) -> Option<(Task, EventKind)> {
        task().apply(input(body), now, &mut fresh())
    }

    fn task() -> Task {
        made(json!({"title": "A", "attachments": [
            {"name": "n", "url": "https://e.org/a"}, {"name": "m", "url": "https://e.org/b"}]}))
    }

    #[test]
    fn no_task_is_larger_as_json_than_its_size() {
        for text in ["", "a", "\u{1}", "\"\\\n", "\u{7f}\u{2028}ü"] {
            let text = format!("t{}", text.repeat(10));
            let link = json!({"id": text, "name": text, "url": "https://e.org/a", "type": text});
            let task = made(json!({"title": text, "description": text, "tags": [text],
                "type": "T", "category": "C", "attachments": vec![link; 20]}));
            let json = crate::model::Event::snapshot(&task);
            let (is, said) = (json.get().len(), task.size());
            assert!(is <= said && said < 3 * is + 512, "{text:?}: {is} bytes, {said} said");
        }
    }

    #[test]
    fn a_write_that_changes_nothing_is_no_event() {
        let same = json!({"title": " A ", "status": "OPEN", "description": "", "tags": null,
            "attachments": [{"name": "n", "url": "https://e.org/a"}, {"name": "m", "url": "https://e.org/b"}]});
        assert_eq!(applied(same, NOW.plus_ms(5)), None);
    }

    #[test]
    fn a_status_among_other_changes_names_the_event() {
        let (_, kind) = applied(json!({"title": "B", "status": "DONE"}), NOW).unwrap();
        assert_eq!(kind, EventKind::StatusChanged);
        let (new, kind) = applied(json!({"title": "B"}), NOW.plus_ms(-5)).unwrap();
        assert_eq!((kind, new.updated_at), (EventKind::Updated, NOW));
    }

    #[test]
    fn every_key_is_always_there() {
        let sent = serde_json::to_string(&task()).unwrap();
        assert!(sent.starts_with(r#"{"id":"t1","title":"A","description":null,"type":null,"category":null,"status":"OPEN","priority":"NORMAL","dueDate":null,"tags":[],"attachments":[{"id":"att_1","name":"n","url":"https://e.org/a","type":null,"size":null,"uploadedAt":"2025-12-08T"#), "{sent}");
    }

    #[test]
    fn names_match_their_serialised_form() {
        for &(name, status) in Status::ALL {
            assert_eq!((status.as_str(), json!(status)), (name, json!(name)));
        }
        for &(name, priority) in Priority::ALL {
            assert_eq!((priority.as_str(), json!(priority)), (name, json!(name)));
        }
    }
}
