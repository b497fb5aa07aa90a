//! What an event keeps of the state before a change, and the task before it made of that again.
//!
//! Must not know which body holds it.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::task::{Attachment, Task};

/// The keys of a task in the order in which a snapshot has them.
pub(super) const FIELDS: [&str; 12] = [
    "id",
    "title",
    "description",
    "type",
    "category",
    "status",
    "priority",
    "dueDate",
    "tags",
    "attachments",
    "createdAt",
    "updatedAt",
];

/// The old values of the fields in which two states of a task differ, as a compact JSON object:
/// what an event keeps of the state before it. A deletion changes nothing: `{}`; a creation has none.
pub(crate) fn diff(before: &Task, after: &Task) -> String {
    let mut text = String::from("{");
    keep(&mut text, "id", &before.id, &after.id);
    keep(&mut text, "title", &before.title, &after.title);
    keep(&mut text, "description", &before.description, &after.description);
    keep(&mut text, "type", &before.r#type, &after.r#type);
    keep(&mut text, "category", &before.category, &after.category);
    keep(&mut text, "status", &before.status, &after.status);
    keep(&mut text, "priority", &before.priority, &after.priority);
    keep(&mut text, "dueDate", &before.due_date, &after.due_date);
    keep(&mut text, "tags", &before.tags, &after.tags);
    keep(&mut text, "attachments", &before.attachments, &after.attachments);
    keep(&mut text, "createdAt", &before.created_at, &after.created_at);
    keep(&mut text, "updatedAt", &before.updated_at, &after.updated_at);
    text.push('}');
    text
}

fn keep<T: PartialEq + Serialize>(text: &mut String, name: &str, before: &T, after: &T) {
    if before != after {
        entry(text, name, &json(before));
    }
}

/// Adds `"name":value` to an object that is being written.
fn entry(text: &mut String, name: &str, value: &str) {
    if !text.ends_with('{') {
        text.push(',');
    }
    text.push('"');
    text.push_str(name);
    text.push_str("\":");
    text.push_str(value);
}

/// Compact JSON of what cannot be refused: strings, integers, lists and structures of them.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The names of the fields that a change changed, in the order of the task's keys; `updatedAt`,
/// which every change changes, is left out. Empty for a creation and for a deletion.
pub(crate) fn changed(diff: Option<&str>) -> Vec<&'static str> {
    let old: Map<String, Value> =
        diff.and_then(|diff| serde_json::from_str(diff).ok()).unwrap_or_default();
    let is_named = |name: &&str| *name != "updatedAt" && old.contains_key(*name);
    FIELDS.into_iter().filter(is_named).collect()
}

/// The whole task before a change, byte for byte as its own event had it in its snapshot; `None`
/// for a creation (no `diff`), and where the stored JSON is damaged.
pub(crate) fn previous(snapshot: &str, diff: Option<&str>) -> Option<String> {
    let old: Map<String, Value> = serde_json::from_str(diff?).ok()?;
    let mut task: Map<String, Value> = serde_json::from_str(snapshot).ok()?;
    task.extend(old);
    task.get("id")?;
    let mut text = String::from("{");
    for name in FIELDS {
        // An event that is older than a field has it nowhere, and is sent again with the same bytes.
        let Some(value) = task.remove(name) else { continue };
        let value = if name == "attachments" {
            // A plain value would put the keys of an attachment in the order of the alphabet.
            json(&serde_json::from_value::<Vec<Attachment>>(value).ok()?)
        } else {
            value.to_string()
        };
        entry(&mut text, name, &value);
    }
    text.push('}');
    Some(text)
}
