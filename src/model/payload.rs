//! The bodies of webhooks, from what an event keeps: the task after the change, and the old values.
//!
//! Must not know who gets which body, nor how it is sent. The same event gives the same bytes for
//! ever, and they survive JavaScript's `JSON.parse` and `JSON.stringify` unchanged, so that a
//! receiver that sees only the parsed body can still check its signature.

use serde::Serialize;
use serde_json::{Map, Value};

use super::event::Event;
use super::kind::EventKind;
use super::names::Named;
use super::status::{Priority, Status};
use super::task::{Attachment, Task, TaskId};
use super::time::Time;

/// The keys of a task in the order in which a snapshot has them.
const FIELDS: [&str; 12] = [
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
fn json<T: Serialize + ?Sized>(value: &T) -> String {
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
    let mut task: Map<String, Value> = serde_json::from_str(snapshot).ok()?;
    let old: Map<String, Value> = serde_json::from_str(diff?).ok()?;
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

/// The body of the contract: exactly `{"event":"…","task":{…}}`.
pub(crate) fn classic(kind: EventKind, snapshot: &str) -> String {
    format!("{{\"event\":\"{}\",\"task\":{snapshot}}}", kind.as_str())
}

/// What the full body is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Full<'a> {
    /// `evt_…`, the same as in the header `webhook-id`.
    pub(crate) id: &'a str,
    /// What happened to the task.
    pub(crate) kind: EventKind,
    /// When it was committed.
    pub(crate) at: Time,
    /// 1, 2, 3 … of its task.
    pub(crate) version: i64,
    /// Where the change came from.
    pub(crate) origin: &'a str,
    /// The task after the change, as [`super::Event::snapshot`] writes it.
    pub(crate) snapshot: &'a str,
    /// The old values, as [`diff`] writes them; `None` for a creation.
    pub(crate) diff: Option<&'a str>,
}

impl<'e> From<&'e Event> for Full<'e> {
    fn from(event: &'e Event) -> Full<'e> {
        Full {
            id: &event.id,
            kind: event.kind,
            at: event.at,
            version: event.version,
            origin: event.origin.as_str(),
            snapshot: &event.snapshot,
            diff: event.before.as_deref(),
        }
    }
}

/// The full body: always the same keys in the same order, so that a tool that learns them from one
/// event knows them for all.
pub(crate) fn full(event: &Full<'_>) -> String {
    let name = event.kind.as_str();
    let mut text = String::with_capacity(2 * event.snapshot.len() + 512);
    text.push('{');
    entry(&mut text, "id", &json(event.id));
    entry(&mut text, "event", &json(name));
    entry(&mut text, "type", &json(&name.replacen('_', ".", 1)));
    entry(&mut text, "timestamp", &json(&event.at));
    entry(&mut text, "version", &json(&event.version));
    entry(&mut text, "origin", &json(event.origin));
    entry(&mut text, "changed", &json(&changed(event.diff)));
    let previous = previous(event.snapshot, event.diff);
    entry(&mut text, "previous", previous.as_deref().unwrap_or("null"));
    entry(&mut text, "task", event.snapshot);
    text.push('}');
    text
}

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A task for a test event, of one of the four kinds that tasks have, with every field filled, so that the
/// receiver can learn them all; and the old values, `None` for a creation. No task has its id.
pub(crate) fn sample(kind: EventKind, now: Time) -> (Task, Option<String>) {
    let is_new = kind == EventKind::Created;
    let created_at = if is_new { now } else { now.plus_ms(-DAY_MS) };
    let task = Task {
        // An id of its own for each, so that no test waits for the one before it.
        id: TaskId(format!("task_{}_sample0", now.0)),
        title: "Sample: send the offer".to_owned(),
        description: Some("A test event. Nothing was changed; every field is filled.".to_owned()),
        r#type: Some("WRITING".to_owned()),
        category: Some("WORK".to_owned()),
        status: if is_new { Status::Open } else { Status::InProgress },
        priority: Priority::High,
        due_date: Some(now.plus_ms(7 * DAY_MS)),
        tags: vec!["sales".to_owned(), "sample".to_owned()],
        attachments: vec![Attachment {
            id: format!("att_{}_sample0", now.0),
            name: "offer.pdf".to_owned(),
            url: "https://files.example.com/offer.pdf".to_owned(),
            r#type: Some("application/pdf".to_owned()),
            size: Some(48_213),
            uploaded_at: created_at,
        }],
        created_at,
        updated_at: now,
    };
    let updated_at = now.plus_ms(-HOUR_MS);
    let before = if kind == EventKind::Updated {
        let title = "Sample: write the offer".to_owned();
        Task { title, priority: Priority::Normal, updated_at, ..task.clone() }
    } else if kind == EventKind::StatusChanged {
        Task { status: Status::Open, updated_at, ..task.clone() }
    } else {
        task.clone()
    };
    let old = (!is_new).then(|| diff(&before, &task));
    (task, old)
}

#[cfg(test)]
mod javascript;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_765_216_530_445);

    /// Every control character that a task can hold, and all else that JSON has a say in.
    fn nasty() -> Task {
        let controls: String = ('\u{1}'..='\u{1f}').collect();
        let odd = "\" \\ / \\u00e9 \u{7f} \u{80} \u{a0} é 🦀 👩‍🚀 \u{2028} \u{2029} \u{feff} \u{ffff} \u{10ffff}";
        let (mut task, _) = sample(EventKind::Updated, NOW);
        task.id = TaskId::parse("1.0:-_9").unwrap();
        task.title = format!("{odd}{controls}");
        task.description = Some(format!("{controls}{}", odd.repeat(900)));
        task.tags = vec![odd.to_owned(), "1".to_owned(), "null".to_owned(), controls];
        task.attachments[0].name = odd.to_owned();
        task.attachments[0].size = Some((1 << 53) - 1);
        task.due_date = Time::parse("0001-01-01");
        task
    }

    fn bare() -> Task {
        let (mut task, _) = sample(EventKind::Created, NOW);
        (task.description, task.r#type, task.category, task.due_date) = (None, None, None, None);
        (task.tags, task.attachments) = (Vec::new(), Vec::new());
        task
    }

    fn body(kind: EventKind, snapshot: &str, diff: Option<&str>) -> String {
        full(&Full { id: "evt_1", kind, at: NOW, version: 7, origin: "api", snapshot, diff })
    }

    #[test]
    fn every_body_survives_javascript() {
        let tasks = [nasty(), bare(), sample(EventKind::Updated, NOW).0];
        for before in &tasks {
            for after in &tasks {
                let (snapshot, diff) = (Event::snapshot(after), diff(before, after));
                for kind in EventKind::OF_TASKS {
                    for old in [None, Some(&*diff)] {
                        assert_eq!(javascript::survives(&body(kind, &snapshot, old)), Ok(()));
                    }
                    assert_eq!(javascript::survives(&classic(kind, &snapshot)), Ok(()));
                }
            }
        }
    }

    #[test]
    fn the_task_before_comes_back_byte_for_byte() {
        let mut other = sample(EventKind::StatusChanged, NOW.plus_ms(5)).0;
        other.attachments.push(other.attachments[0].clone());
        let tasks = [nasty(), bare(), other];
        for before in &tasks {
            for after in &tasks {
                let (snapshot, diff) = (Event::snapshot(after), diff(before, after));
                assert_eq!(previous(&snapshot, Some(&diff)), Some(Event::snapshot(before)));
                assert_eq!(previous(&snapshot, None), None);
            }
        }
        assert_eq!(previous("{}", Some("{}")), None, "damaged");
    }

    #[test]
    fn an_event_that_is_older_than_a_field_keeps_its_bytes() {
        let old = |title: &str| format!(r#"{{"id":"x","title":"{title}","tags":["a"]}}"#);
        let diff = r#"{"title":"before"}"#;
        assert_eq!(previous(&old("after"), Some(diff)), Some(old("before")));
    }

    #[test]
    fn only_what_differs_is_kept_and_named() {
        let (after, _) = sample(EventKind::Updated, NOW);
        assert_eq!(diff(&after, &after), "{}");
        let mut before = after.clone();
        before.updated_at = NOW.plus_ms(-1);
        (before.tags, before.due_date) = (vec!["\"".to_owned()], None);
        let old = diff(&before, &after);
        let expected = r#"{"dueDate":null,"tags":["\""],"updatedAt":"2025-12-08T17:55:30.444Z"}"#;
        assert_eq!(old, expected);
        assert_eq!(changed(Some(&old)), ["dueDate", "tags"]);
        assert!(changed(Some("{}")).is_empty() && changed(None).is_empty());
        // Another task in every field: nothing is forgotten, and the order is the snapshot's.
        let mut all = bare();
        (all.created_at, all.updated_at) = (Time(0), Time(0));
        (all.id, all.title) = (TaskId::parse("x").unwrap(), "x".to_owned());
        (all.status, all.priority) = (Status::Done, Priority::Low);
        assert_eq!(changed(Some(&diff(&all, &after))), FIELDS[..11]);
        assert_eq!(diff(&all, &after), Event::snapshot(&all));
    }

    #[test]
    fn the_full_body_has_its_keys_in_order() {
        let task = bare();
        let snapshot = Event::snapshot(&task);
        let made = body(EventKind::Created, &snapshot, None);
        let head = r#"{"id":"evt_1","event":"task_created","type":"task.created","timestamp":"2025-12-08T17:55:30.445Z","version":7,"origin":"api","changed":[],"previous":null,"task":"#;
        assert_eq!(made, format!("{head}{snapshot}}}"));
        let mut before = task.clone();
        before.status = Status::Done;
        let changed = body(EventKind::StatusChanged, &snapshot, Some(&diff(&before, &task)));
        let old = Event::snapshot(&before);
        assert!(changed.contains(r#""type":"task.status_changed""#), "{changed}");
        let tail = format!(r#""changed":["status"],"previous":{old},"task":{snapshot}}}"#);
        assert!(changed.ends_with(&tail), "{changed}");
        let gone = body(EventKind::Deleted, &snapshot, Some("{}"));
        assert!(
            gone.ends_with(&format!(r#""changed":[],"previous":{snapshot},"task":{snapshot}}}"#))
        );
        assert_eq!(classic(EventKind::Deleted, "{}"), r#"{"event":"task_deleted","task":{}}"#);
    }

    #[test]
    fn a_sample_leaves_no_field_empty() {
        for kind in EventKind::OF_TASKS {
            let (task, old) = sample(kind, NOW);
            assert_eq!(TaskId::parse(task.id.as_str()), Ok(task.id.clone()));
            let text = Event::snapshot(&task);
            assert!(!text.contains("null") && !text.contains("[]") && !text.contains("\"\""));
            assert_eq!(sample(kind, NOW), (task, old.clone()), "the same bytes again");
            let named: &[&str] = if kind == EventKind::Updated {
                &["title", "priority"]
            } else if kind == EventKind::StatusChanged {
                &["status"]
            } else {
                &[]
            };
            assert_eq!(changed(old.as_deref()), named);
            assert_eq!(old.is_none(), kind == EventKind::Created);
            assert_eq!(old.as_deref() == Some("{}"), kind == EventKind::Deleted);
            assert_eq!(previous(&text, old.as_deref()).is_some(), kind != EventKind::Created);
        }
    }
}
