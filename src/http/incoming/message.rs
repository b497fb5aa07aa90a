//! What an incoming webhook says: from a JSON or form body to checked fields.
//!
//! Must not know what is stored, nor apply anything.

mod form;

use http::request::Parts;
use serde_json::{Map, Value};

use crate::http::app::App;
use crate::http::body;
use crate::http::errors::{Kind, MediaType};
use crate::http::problem::Problem;
use crate::model::{
    EventKind, Invalid, Named, Origin, TaskEventKind, TaskId, TaskInput, Time, Unknown, body,
    limits, quoted, read_time,
};
use crate::store::Change;
use form::form;

/// The body as one object, whether it came as JSON or as a form.
pub(crate) fn object(parts: &Parts, bytes: &[u8]) -> Result<Map<String, Value>, Problem> {
    let found = body::media_type(&parts.headers);
    if found == "application/x-www-form-urlencoded" {
        // The default of curl -d and of PowerShell, whatever is sent.
        if bytes.trim_ascii_start().starts_with(b"{") {
            let what = "The body is JSON, its Content-Type says a form; send Content-Type: application/json";
            return Err(MediaType::saying(what));
        }
        return form(body::form(&parts.headers, bytes)?);
    }
    if found.is_empty() || body::is_json(&found) {
        return body::object(bytes);
    }
    Err(MediaType::saying(format!(
        "The body's Content-Type is {found:.60}; send application/json or \
             application/x-www-form-urlencoded"
    )))
}

body! {
    /// What an incoming webhook says. Unknown keys are ignored.
    pub(crate) struct IncomingBody(unknown): "a field of an incoming webhook; the fields are" {
        /// What happened.
        #[schema(value_type = TaskEventKind)]
        "event" event: Option<EventKind> = event,
        /// The fields of the task that are known to the sender.
        #[schema(value_type = Object, inline, example = json!({"id": "test123", "title": "From Make", "status": "DONE"}))]
        "task" task: Option<Value> = |_: &str, value: &Value| Ok::<_, Invalid>(value.clone()),
    }
}

fn event(place: &str, value: &Value) -> Result<EventKind, Invalid> {
    let kind = value.as_str().map(str::trim).and_then(EventKind::parse);
    kind.filter(|kind| !kind.is_alert()).ok_or_else(|| {
        Invalid::new(place, format!("{} is not known; use one of {}", quoted(value), kinds()))
    })
}

/// Alerts are ours to send: nobody else's tasks have them.
fn kinds() -> String {
    EventKind::OF_TASKS.map(EventKind::as_str).join(", ")
}

/// An incoming webhook, checked.
#[derive(Clone)]
pub(super) struct Incoming {
    pub(super) kind: EventKind,
    pub(super) id: Option<TaskId>,
    pub(super) fresh_id: TaskId,
    pub(super) input: TaskInput,
    pub(super) claimed: Option<Time>,
    pub(super) change: Change,
}

impl Incoming {
    pub(super) fn read(
        app: &App,
        object: &Map<String, Value>,
        now: Time,
    ) -> Result<Incoming, Invalid> {
        let IncomingBody { event, task } = IncomingBody::read(object, "", Unknown::Ignored)?;
        let kind = event
            .ok_or_else(|| Invalid::new("event", format!("is required: one of {}", kinds())))?;
        let task = task.filter(|task| !task.is_null());
        let task = task
            .ok_or_else(|| Invalid::new("task", "is required: an object with the task's fields"))?;
        let task = task.as_object().ok_or_else(|| {
            let shown = quoted(&task);
            Invalid::new("task", format!("{shown} is not an object with the task's fields"))
        })?;
        let given = |key: &str| {
            task.get(key).filter(|value| !value.is_null() && value.as_str() != Some(""))
        };
        let id = given("id")
            .map(|value| {
                let id = TaskId::brought(value.as_str().unwrap_or_default());
                id.ok_or_else(|| {
                    let (shown, most) = (quoted(value), limits::ID);
                    Invalid::new(
                        "task.id",
                        format!("{shown} is not a task id; a text of 1 to {most} of A-Z, a-z, 0-9, _ . : - is allowed, but not . or .. alone"),
                    )
                })
            })
            .transpose()?;
        if id.is_none() && kind != EventKind::Created {
            let what = format!("is required for {}: it says which task is meant", kind.as_str());
            return Err(Invalid::missing("task.id", what));
        }
        let claimed =
            given("updatedAt").map(|value| read_time("task.updatedAt", value)).transpose()?;
        Ok(Incoming {
            kind,
            id,
            fresh_id: app.ids.task(now),
            input: TaskInput::read(task, "task.", Unknown::Ignored)?,
            claimed,
            change: Change { event_id: app.ids.event(now), origin: Origin::incoming(), now },
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_is_the_same_as_json() {
        let form = |text: &'static [u8]| form(body::form(&HeaderMap::new(), text).unwrap());
        let found = form(b"event=task_updated&id=t1&title=A%20%22b%22&tags=x,%20y,,").unwrap();
        let same = json!({"event": "task_updated", "task": {"id": "t1", "title": "A \"b\"", "tags": ["x", "y"]}});
        assert_eq!(Value::Object(found), same);
        assert!(form(b"id=1&id=2").is_err());
        let found =
            form(b"%EF%BB%BFevent=task_created%0D%0A&id=t1%0A&title=A%0A&tags[]=x,y&tags%5B%5D=z");
        let same = json!({"event": "task_created", "task": {"id": "t1", "title": "A\n", "tags": ["x,y", "z"]}});
        assert_eq!(Value::Object(found.unwrap()), same);
        assert_eq!(form(b"tags[]=").unwrap()["task"], json!({"tags": []}));
        assert!(form(b"tags=x&tags[]=y").is_err());
        let found =
            form(b"event=task_updated&task[title]=A&tags[0]=x&task[tags][1]=y&task[event]=z");
        let same = json!({"event": "task_updated", "task": {"title": "A", "tags": ["x", "y"], "event": "z"}});
        assert_eq!(Value::Object(found.unwrap()), same);
    }
}
