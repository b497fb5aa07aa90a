//! Tasks: create, read, change, delete. Handlers read, decide with the model, write, answer.
//!
//! Must hold no SQL and know of no receiver: a write leaves an event, and that is all.

use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::forms::Tag;
use super::problem::Problem;
use super::query::Query;
use super::repeats::{self, Done, IfMatch};
use super::{App, Id, body};
use crate::model::{Origin, Priority, Status, Task, TaskId, TaskInput, Time, Unknown};
use crate::store::{self, Change, Key, Stored, Written};

/// What may be sent to make or change a task. Fields that are left out stay as they are; `null` or
/// `""` clears what may be empty.
#[derive(ToSchema)]
#[schema(as = TaskInput, rename_all = "camelCase")]
#[expect(dead_code, reason = "only described here; model::TaskInput reads it")]
pub struct TaskInputBody {
    /// 1 to 500 characters after trimming. Required for a new task.
    #[schema(nullable = false, format = "title", example = "Send the offer")]
    title: Option<String>,
    /// Up to 64 KiB.
    #[schema(format = "description", example = "Two pages, with prices")]
    description: Option<String>,
    /// A label: 1 to 40 of `[A-Z0-9_]`.
    #[schema(format = "label", example = "WRITING")]
    r#type: Option<String>,
    /// A label: 1 to 40 of `[A-Z0-9_]`.
    #[schema(format = "label", example = "WORK")]
    category: Option<String>,
    /// Where it stands.
    #[schema(nullable = false)]
    status: Option<Status>,
    /// How much it matters.
    #[schema(nullable = false)]
    priority: Option<Priority>,
    /// RFC 3339 with any offset, or a plain date (midnight UTC).
    #[schema(format = "moment", example = "2026-03-01T10:00:00+01:00")]
    due_date: Option<String>,
    /// Up to 50, each 1 to 64 characters; duplicates are dropped.
    #[schema(example = json!(["sales", "q1"]))]
    tags: Option<Vec<Tag>>,
    /// Up to 50. A missing `id` or `uploadedAt` is filled in.
    attachments: Option<Vec<AttachmentInputBody>>,
    /// Ignored, so that a task that was read can be written back.
    #[schema(nullable = false)]
    id: Option<Value>,
    /// Ignored.
    #[schema(nullable = false)]
    created_at: Option<Value>,
    /// Ignored.
    #[schema(nullable = false)]
    updated_at: Option<Value>,
}

/// A new task: as a change, with a title.
#[derive(ToSchema)]
#[schema(as = NewTask)]
#[expect(dead_code, reason = "only described here; model::TaskInput reads it")]
pub struct NewTaskBody {
    #[serde(flatten)]
    rest: TaskInputBody,
    /// 1 to 500 characters after trimming.
    #[schema(format = "title", example = "Send the offer")]
    title: String,
}

/// A link to hang on a task.
#[derive(ToSchema)]
#[schema(as = AttachmentInput, rename_all = "camelCase")]
#[expect(dead_code, reason = "only described here; model::TaskInput reads it")]
pub struct AttachmentInputBody {
    /// Made by the server if it is left out.
    #[schema(format = "text", min_length = 1, max_length = 128, example = "att_7x2m9qk")]
    id: Option<String>,
    /// What a person sees: 1 to 500 characters.
    #[schema(format = "line", example = "offer.pdf")]
    name: String,
    /// Where the file is: http or https.
    #[schema(format = "link", example = "https://files.example.com/offer.pdf")]
    url: String,
    /// Its media type.
    #[schema(format = "text", min_length = 1, max_length = 255, example = "application/pdf")]
    r#type: Option<String>,
    /// Bytes.
    #[schema(maximum = 9_007_199_254_740_991_u64, example = 48213)]
    size: Option<u64>,
    /// Now, if it is left out.
    #[schema(format = "moment", example = "2026-03-01T09:00:00Z")]
    uploaded_at: Option<String>,
}

/// The answer to a deletion.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    /// Says that it was done.
    #[schema(example = "Task deleted successfully")]
    pub message: String,
    /// The task as it was last.
    pub task: Task,
}

/// What every write brings along, read before the transaction.
struct Asked {
    parts: Parts,
    bytes: Bytes,
    key: Option<Key>,
    origin: Origin,
    now: Time,
}

impl Asked {
    async fn read(app: &App, request: Request) -> Result<Asked, Problem> {
        Query::read(request.uri().query(), &[])?;
        let (parts, body) = request.into_parts();
        let bytes = body::read(Request::from_parts(parts.clone(), body)).await?;
        let now = app.clock.now();
        let path = parts.uri.path();
        let key = repeats::key(&parts.headers, &parts.method, path, &bytes, now)?;
        let origin = repeats::origin(&parts.headers)?;
        Ok(Asked { parts, bytes, key, origin, now })
    }

    fn input(&self, app: &App) -> Result<TaskInput, Problem> {
        body::expect_json(&self.parts.headers)?;
        let object = body::object(&self.bytes)?;
        let mut fresh = || app.ids.attachment();
        Ok(TaskInput::parse(&object, "", Unknown::Refused, self.now, &mut fresh)?)
    }

    fn change(&self, app: &App) -> Change {
        Change { event_id: app.ids.event(self.now), origin: self.origin.clone(), now: self.now }
    }
}

/// An id from an address. One that cannot be is one that is not there.
fn id_of(text: &str) -> Result<TaskId, Problem> {
    TaskId::parse(text).map_err(|_| Problem::not_found("Task"))
}

/// Create a task
///
/// Answers when the task, its event and its deliveries are on disk.
#[utoipa::path(post, path = "/api/tasks", tag = "Tasks",
    request_body(content = NewTaskBody, example = json!({"title": "Send the offer", "priority": "HIGH", "dueDate": "2026-03-01", "tags": ["sales"]})),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe for 48 hours"),
           ("X-BTK-Origin" = Option<String>, Header, format = "origin", description = "Where the change comes from; `api` if absent")),
    responses((status = 201, description = "The new task", body = Task,
        headers(("ETag" = String, description = "Its version")))))]
pub async fn create_task(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let asked = Asked::read(&app, request).await?;
    let input = asked.input(&app)?;
    let task = Task::create(app.ids.task(asked.now), input, asked.now)
        .map_err(|missing| Problem { status: StatusCode::BAD_REQUEST, ..missing.into() })?;
    let (change, key) = (asked.change(&app), asked.key);
    let done = app
        .store
        .write(move |tx| {
            repeats::once(tx, key.as_ref(), |tx| {
                Ok(Done::now(201, store::create(tx, task, 0, change)?))
            })
        })
        .await?;
    repeats::answer(done, str::to_owned)
}

/// Read a task
#[utoipa::path(get, path = "/api/tasks/{id}", tag = "Tasks",
    params(("id" = String, Path, description = "The task", example = "task_1765216530445_che0wi9")),
    responses((status = 200, description = "The task", body = Task,
        headers(("ETag" = String, description = "Its version")))))]
pub async fn get_task(
    State(app): State<App>,
    Id(id): Id,
    request: Request,
) -> Result<Response, Problem> {
    Query::read(request.uri().query(), &[])?;
    let id = id_of(&id)?;
    let found = app.store.read(move |tx| store::get(tx, &id)).await?;
    let stored = found.ok_or_else(|| Problem::not_found("Task"))?;
    let body = crate::model::Event::snapshot(&stored.task);
    Ok(repeats::task_response(StatusCode::OK, body, stored.version))
}

/// Change a task
///
/// The fields that are there change, the others stay. A write that changes nothing answers with the
/// task as it is and makes no event.
#[utoipa::path(put, path = "/api/tasks/{id}", tag = "Tasks",
    request_body(content = TaskInputBody, example = json!({"status": "DONE"})),
    params(("id" = String, Path, description = "The task", example = "task_1765216530445_che0wi9"),
           ("If-Match" = Option<String>, Header, description = "Only if the task still has this version"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe for 48 hours"),
           ("X-BTK-Origin" = Option<String>, Header, format = "origin", description = "Where the change comes from; `api` if absent")),
    responses((status = 200, description = "The task as it is now", body = Task,
        headers(("ETag" = String, description = "Its version")))))]
pub async fn update_task(
    State(app): State<App>,
    Id(id): Id,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    let asked = Asked::read(&app, request).await?;
    let input = asked.input(&app)?;
    let if_match = IfMatch::read(&asked.parts.headers);
    let (change, key) = (asked.change(&app), asked.key);
    let done = app
        .store
        .write(move |tx| {
            repeats::once(tx, key.as_ref(), |tx| {
                let Some(before) = store::get(tx, &id)? else { return Ok(Done::NotFound) };
                if !if_match.allows(before.version) {
                    return Ok(Done::Mismatch(before.version));
                }
                let written = match before.task.apply(input, change.now) {
                    None => as_it_is(&before),
                    Some((after, kind)) => store::update(tx, &before, after, kind, change)?,
                };
                Ok(Done::now(200, written))
            })
        })
        .await?;
    repeats::answer(done, str::to_owned)
}

/// Change a task (the same as PUT)
#[utoipa::path(patch, path = "/api/tasks/{id}", tag = "Tasks",
    request_body(content = TaskInputBody, example = json!({"status": "DONE"})),
    params(("id" = String, Path, description = "The task", example = "task_1765216530445_che0wi9"),
           ("If-Match" = Option<String>, Header, description = "Only if the task still has this version"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe for 48 hours"),
           ("X-BTK-Origin" = Option<String>, Header, format = "origin", description = "Where the change comes from; `api` if absent")),
    responses((status = 200, description = "The task as it is now", body = Task,
        headers(("ETag" = String, description = "Its version")))))]
pub async fn patch_task(app: State<App>, id: Id, request: Request) -> Result<Response, Problem> {
    update_task(app, id, request).await
}

/// Delete a task
///
/// Its event carries the last state.
#[utoipa::path(delete, path = "/api/tasks/{id}", tag = "Tasks",
    params(("id" = String, Path, description = "The task", example = "task_1765216530445_che0wi9"),
           ("If-Match" = Option<String>, Header, description = "Only if the task still has this version"),
           ("Idempotency-Key" = Option<String>, Header, description = "Makes a repeat safe for 48 hours"),
           ("X-BTK-Origin" = Option<String>, Header, format = "origin", description = "Where the change comes from; `api` if absent")),
    responses((status = 200, description = "It is gone", body = Deleted)))]
pub async fn delete_task(
    State(app): State<App>,
    Id(id): Id,
    request: Request,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    let asked = Asked::read(&app, request).await?;
    let if_match = IfMatch::read(&asked.parts.headers);
    let (change, key) = (asked.change(&app), asked.key);
    let done = app
        .store
        .write(move |tx| {
            repeats::once(tx, key.as_ref(), |tx| {
                let Some(before) = store::get(tx, &id)? else { return Ok(Done::NotFound) };
                if !if_match.allows(before.version) {
                    return Ok(Done::Mismatch(before.version));
                }
                Ok(Done::now(200, store::delete(tx, &before, change)?))
            })
        })
        .await?;
    repeats::answer(done, |task| {
        format!("{{\"message\":\"Task deleted successfully\",\"task\":{task}}}")
    })
}

fn as_it_is(before: &Stored) -> Written {
    Written { snapshot: crate::model::Event::snapshot(&before.task), version: before.version }
}
