//! Event: one committed change of a task, immutable.
//!
//! Must not know who wants to hear of it.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::fields::{self, Invalid};
use super::kind::EventKind;
use super::limits::LABEL;
use super::task::{Task, TaskId};
use super::time::Time;

/// Where a change came from: 1 to 40 of `[a-z0-9_-]`. Ends echo loops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin(String);

impl Origin {
    /// The origin of what comes through `/api/incoming-webhook`.
    pub(crate) fn incoming() -> Origin {
        Origin("incoming".to_owned())
    }

    /// The origin of alerts.
    pub(crate) fn engine() -> Origin {
        Origin("engine".to_owned())
    }

    /// The origin of the sample that a webhook is tried out with.
    pub(crate) fn test() -> Origin {
        Origin("test".to_owned())
    }

    /// The origin of an API write that names none.
    pub(crate) fn api() -> Origin {
        Origin("api".to_owned())
    }

    /// Checks an origin that a client or a setting named.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Origin, Invalid> {
        if fields::is_word(text, LABEL, fields::is_small) {
            return Ok(Origin(text.to_owned()));
        }
        let (shown, most) = (fields::quoted(&serde_json::Value::from(text)), LABEL);
        let what = format!("is not an origin; 1 to {most} of a-z, 0-9, _ and - are allowed");
        Err(Invalid::new(field, format!("{shown} {what}")))
    }

    /// The origin as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// One committed change of a task.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// `evt_…`; sent as `webhook-id`, the same on every repeat.
    pub(crate) id: String,
    /// What happened.
    pub(crate) kind: EventKind,
    /// Where the change came from.
    pub(crate) origin: Origin,
    /// Whose change it is.
    pub(crate) task_id: TaskId,
    /// 1, 2, 3 … of its task; goes on when an id is deleted and made again.
    pub(crate) version: i64,
    /// When it was committed.
    pub(crate) at: Time,
    /// The task after the change (before it, for a deletion), as compact JSON. Of an alert, its body.
    pub(crate) snapshot: Box<RawValue>,
    /// The old values of what the change changed, as a JSON object; `None` for a creation.
    pub(crate) before: Option<String>,
}

impl Event {
    /// The title in a snapshot, or in its beginning; `None` where it has none, as that of an alert.
    /// [`Event::TITLE_WITHIN`] characters are always enough.
    pub(crate) fn title(snapshot: &str) -> Option<String> {
        // The id comes first, and no id has a quote.
        let (_, rest) = snapshot.split_once("\"title\":")?;
        serde_json::Deserializer::from_str(rest).into_iter::<String>().next()?.ok()
    }

    /// An id of 128 characters, a title of 500 that JSON writes with six each, and their names.
    pub(crate) const TITLE_WITHIN: i64 = 3_300;

    /// The snapshot of a task as an event keeps it.
    pub(crate) fn snapshot(task: &Task) -> Box<RawValue> {
        raw(task)
    }
}

/// Compact JSON as an event keeps it, of strings, integers and vectors: `serde_json` finds nothing in them that it can refuse.
pub(super) fn raw(value: &impl Serialize) -> Box<RawValue> {
    to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::names::Named as _;
    use super::*;

    #[test]
    fn a_title_is_read_from_the_beginning_of_a_snapshot() {
        let titled = |title: &str| {
            format!("{{\"id\":\"a\",\"title\":{title},\"description\":\"\\\"title\\\":")
        };
        assert_eq!(
            Event::title(&titled("\"a \\\"b\\\" \\u0001\"")).as_deref(),
            Some("a \"b\" \u{1}")
        );
        assert_eq!(Event::title("{\"id\":\"a\",\"title\":\"cut"), None);
        assert_eq!(Event::title("{\"text\":\"an alert\"}"), None);
    }

    #[test]
    fn names_match_their_serialised_form_and_parse_back() {
        for &(name, kind) in EventKind::ALL {
            assert_eq!(serde_json::json!(kind), serde_json::json!(name));
            assert_eq!((kind.as_str(), EventKind::parse(name)), (name, Some(kind)));
        }
        assert_eq!(EventKind::parse("task_renamed"), None);
    }
}
