//! The bodies of webhooks, from what an event keeps: the task after the change, and the old values.
//!
//! Must not know who gets which body, nor how it is sent. The same event gives the same bytes for
//! ever, and they survive JavaScript's `JSON.parse` and `JSON.stringify` unchanged, so that a
//! receiver that sees only the parsed body can still check its signature.

mod old_values;

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::event::{Event, raw};
use super::kind::EventKind;
use super::names::Named;
use super::status::{Priority, Status};
use super::task::{Attachment, Task, TaskId};
use super::time::Time;

use old_values::json;
pub(crate) use old_values::{changed, diff, previous};

/// An event of a task, as the payload `classic` tells it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClassicEvent<'e> {
    /// What happened.
    event: EventKind,
    /// The task after the change; of a deletion, as it was last.
    #[schema(value_type = Task)]
    task: &'e RawValue,
}

impl<'e> From<&EventParts<'e>> for ClassicEvent<'e> {
    fn from(event: &EventParts<'e>) -> ClassicEvent<'e> {
        ClassicEvent { event: event.kind, task: event.snapshot }
    }
}

/// The body of the contract: exactly `{"event":"…","task":{…}}`.
pub(crate) fn classic(event: &EventParts<'_>) -> String {
    json(&ClassicEvent::from(event))
}

/// What a body is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventParts<'a> {
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
    pub(crate) snapshot: &'a RawValue,
    /// The old values, as [`diff`] writes them; `None` for a creation.
    pub(crate) diff: Option<&'a str>,
}

impl<'e> From<&'e Event> for EventParts<'e> {
    fn from(event: &'e Event) -> EventParts<'e> {
        EventParts {
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

/// An event of a task, as the payload `full` tells it.
// Always the same keys in the same order, so that a tool that learns them from one event knows them for all.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskEvent<'e> {
    /// The `webhook-id` that receivers see.
    #[schema(example = "evt_019b0c6f3c2d7a41b8f2c1d09e5a7f63")]
    id: &'e str,
    /// What happened.
    event: EventKind,
    /// The same as Standard Webhooks writes it.
    #[schema(example = "task.status_changed")]
    r#type: String,
    /// When it was committed.
    #[schema(value_type = String, format = DateTime, example = "2026-02-20T08:15:30.445Z")]
    timestamp: Time,
    /// 1, 2, 3 … of its task.
    #[schema(example = 3)]
    version: i64,
    /// Where the change came from.
    #[schema(example = "api")]
    origin: &'e str,
    /// The names of the fields that changed.
    #[schema(example = json!(["status"]))]
    changed: Vec<&'static str>,
    /// The task before the change; null for a creation.
    #[schema(value_type = Option<Task>, required)]
    previous: Option<Box<RawValue>>,
    /// The task after the change; of a deletion, as it was last.
    #[schema(value_type = Task)]
    task: &'e RawValue,
}

impl<'e> From<&EventParts<'e>> for TaskEvent<'e> {
    fn from(event: &EventParts<'e>) -> TaskEvent<'e> {
        let previous = previous(event.snapshot.get(), event.diff);
        TaskEvent {
            id: event.id,
            event: event.kind,
            r#type: dotted(event.kind),
            timestamp: event.at,
            version: event.version,
            origin: event.origin,
            changed: changed(event.diff),
            previous: previous.and_then(|text| RawValue::from_string(text).ok()),
            task: event.snapshot,
        }
    }
}

/// The full body.
pub(crate) fn full(event: &EventParts<'_>) -> String {
    json(&TaskEvent::from(event))
}

/// A kind of event as Standard Webhooks writes it: `task.created`.
pub(crate) fn dotted(kind: EventKind) -> String {
    kind.as_str().replacen('_', ".", 1)
}

/// What an alert tells.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "that is its name")]
pub(crate) struct Alert<'e> {
    // Tools in the manner of Slack show it.
    /// For people.
    text: &'e str,
    /// Which kind it is.
    alert: EventKind,
    /// Which webhook it tells of.
    webhook_id: &'e str,
    /// When it was seen.
    #[schema(value_type = String, format = DateTime)]
    at: Time,
}

/// The body of an alert.
pub(crate) fn alert(alert: EventKind, webhook_id: &str, text: &str, at: Time) -> Box<RawValue> {
    raw(&Alert { text, alert, webhook_id, at })
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
    use super::old_values::FIELDS;
    use super::*;
    use crate::model::{NewTask, TaskInput};

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
        let title = Some("Bare".to_owned());
        let new = NewTask::try_from(TaskInput { title, ..TaskInput::default() }).unwrap();
        Task::create(TaskId::parse("bare").unwrap(), new, NOW, &mut || unreachable!())
    }

    fn json_of(task: &Task) -> String {
        Event::snapshot(task).get().to_owned()
    }

    fn told<'e>(kind: EventKind, snapshot: &'e str, diff: Option<&'e str>) -> EventParts<'e> {
        let snapshot = serde_json::from_str(snapshot).unwrap();
        EventParts { id: "evt_1", kind, at: NOW, version: 7, origin: "api", snapshot, diff }
    }

    fn body(kind: EventKind, snapshot: &str, diff: Option<&str>) -> String {
        full(&told(kind, snapshot, diff))
    }

    #[test]
    fn every_body_survives_javascript() {
        let tasks = [nasty(), bare(), sample(EventKind::Updated, NOW).0];
        for before in &tasks {
            for after in &tasks {
                let (snapshot, diff) = (json_of(after), diff(before, after));
                for kind in EventKind::OF_TASKS {
                    for old in [None, Some(&*diff)] {
                        assert_eq!(javascript::survives(&body(kind, &snapshot, old)), Ok(()));
                    }
                    assert_eq!(
                        javascript::survives(&classic(&told(kind, &snapshot, None))),
                        Ok(())
                    );
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
                let (snapshot, diff) = (json_of(after), diff(before, after));
                assert_eq!(previous(&snapshot, Some(&diff)), Some(json_of(before)));
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
        assert_eq!(changed(Some(&diff(&all, &after))), FIELDS[..FIELDS.len() - 1]);
        assert_eq!(diff(&all, &after), json_of(&all));
    }

    #[test]
    fn the_full_body_has_its_keys_in_order() {
        let task = bare();
        let snapshot = json_of(&task);
        let made = body(EventKind::Created, &snapshot, None);
        let head = r#"{"id":"evt_1","event":"task_created","type":"task.created","timestamp":"2025-12-08T17:55:30.445Z","version":7,"origin":"api","changed":[],"previous":null,"task":"#;
        assert_eq!(made, format!("{head}{snapshot}}}"));
        let mut before = task.clone();
        before.status = Status::Done;
        let changed = body(EventKind::StatusChanged, &snapshot, Some(&diff(&before, &task)));
        let old = json_of(&before);
        assert!(changed.contains(r#""type":"task.status_changed""#), "{changed}");
        let tail = format!(r#""changed":["status"],"previous":{old},"task":{snapshot}}}"#);
        assert!(changed.ends_with(&tail), "{changed}");
        let gone = body(EventKind::Deleted, &snapshot, Some("{}"));
        assert!(
            gone.ends_with(&format!(r#""changed":[],"previous":{snapshot},"task":{snapshot}}}"#))
        );
        let classic = classic(&told(EventKind::Deleted, "{}", None));
        assert_eq!(classic, r#"{"event":"task_deleted","task":{}}"#);
    }

    #[test]
    fn a_sample_leaves_no_field_empty() {
        for kind in EventKind::OF_TASKS {
            let (task, old) = sample(kind, NOW);
            assert_eq!(TaskId::parse(task.id.as_str()), Ok(task.id.clone()));
            let text = json_of(&task);
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
